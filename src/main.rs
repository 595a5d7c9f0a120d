//! The course runner's entrance: `cargo run`, `cargo course …`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wireside::course::main()
}
