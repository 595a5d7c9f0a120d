//! The runner: what `cargo course …` does.
//!
//! The home screen needs std alone. All else stands behind the cargo feature `runner`: the first
//! `cargo run` compiles as little as it shows, and [`whole`] builds the rest.

#[cfg(feature = "runner")]
pub mod commands;
pub mod files;
pub mod home;
pub mod house;
pub mod names;
pub mod out;
pub mod progress;
pub mod whole;

#[cfg(feature = "runner")]
pub use commands::main;
#[cfg(not(feature = "runner"))]
pub use whole::main;

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::ExitCode;

/// The cargo that runs us, else the one in the path.
fn cargo_itself() -> OsString {
    std::env::var_os("CARGO")
        .filter(|cargo| !cargo.is_empty())
        .unwrap_or_else(|| "cargo".into())
}

/// Why cargo could not be run, and what to do.
fn no_cargo(err: io::Error) -> String {
    let cargo = cargo_itself();
    let cargo = cargo.to_string_lossy();
    format!("cannot run {cargo}: {err}\nInstall Rust from https://rustup.rs, then try again.")
}

/// The exit status of a command that could not do what it is for: 1. Where the status is a verdict, 1
/// would say that a check failed; there 4 says that there is none.
fn trouble(command: &OsStr) -> u8 {
    if command == "grade" || command == "class" {
        4
    } else {
        1
    }
}

/// The end of a command: its exit status, unless nobody could read what it said.
fn ended(status: u8, trouble: u8) -> ExitCode {
    let Some(err) = out::trouble() else {
        return ExitCode::from(status);
    };
    out::warn(format!("cannot write to stdout: {err}"));
    ExitCode::from(status.max(trouble))
}
