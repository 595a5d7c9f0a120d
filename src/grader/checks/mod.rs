//! The checks, a file for each chapter.

// A check ends with `..Check::PLAIN` also where it happens to say everything itself.
#![allow(clippy::needless_update)]

pub mod ch01_ports;
pub mod ch02_echo;
pub mod ch03_streams;
pub mod ch04_framing;
pub mod ch09_tls;
pub mod ch10_beneath;
