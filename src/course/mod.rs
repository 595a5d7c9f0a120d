//! The runner: what `cargo course …` does.

pub mod build;
pub mod files;
pub mod house;
pub mod interrupt;
pub mod out;
