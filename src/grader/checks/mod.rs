//! The checks, a file for each chapter.

pub mod ch01_ports;
pub mod ch02_echo;
