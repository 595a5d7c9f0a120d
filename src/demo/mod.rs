//! d
pub mod ch01_ports; pub mod ch02_echo;
pub struct Demo {}
