//! The entry of `ch10_terms`, which is for Linux: the course uses OpenSSL's library nowhere else. So the
//! program itself need say nothing of other systems, and a build there is a build all the same.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[path = "../bin/ch10_terms.rs"]
mod program;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    program::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("this program needs Linux: elsewhere the course doesn't use OpenSSL's library");
    ExitCode::FAILURE
}
