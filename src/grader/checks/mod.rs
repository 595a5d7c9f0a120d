//! The checks: a folder for each chapter, in it a file for each exercise.

// A check ends with `..Check::PLAIN` also where it happens to say everything itself.
#![allow(clippy::needless_update)]

pub mod ch01_ports;
pub mod ch02_echo;
pub mod ch03_streams;
pub mod ch04_framing;
pub mod ch05_deadlines;
pub mod ch06_clients;
pub mod ch07_udp;
pub mod ch08_reliability;
pub mod ch09_tls;
pub mod ch10_beneath;

/// Bytes that a line, a C string or a UTF-8 decoder would stumble over.
const AWKWARD: &[u8] = b"\0\r\n\xff\xfe\n\xc3\x28 end\xe2\x82";
