//! What differs between systems, in one place: process groups, orphans, limits, waiting for sockets.
//!
//! On Unix a submission runs in a process group of its own, so that all of it can be ended. On
//! Linux the grader is also a child subreaper: a grandchild that left the group is handed to it.
//! Elsewhere a submission is one process, and what std can do with one is all there is.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod unix;
#[cfg(not(target_os = "linux"))]
mod without_linux;
#[cfg(not(unix))]
mod without_unix;

#[cfg(target_os = "linux")]
pub use linux::*;
#[cfg(unix)]
pub use unix::*;
#[cfg(not(target_os = "linux"))]
pub use without_linux::*;
#[cfg(not(unix))]
pub use without_unix::*;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Status(i32),
    /// Ended by this signal.
    Signal(i32),
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exit::Status(status) => write!(f, "exit status {status}"),
            Exit::Signal(signal) => write!(f, "ended by signal {signal}"),
        }
    }
}

/// What a process has and may have of descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors {
    pub process: u32,
    /// The number that the next one would get.
    pub lowest_free: u64,
    pub soft: u64,
    pub hard: u64,
}

/// Whether this process, or the system, may open no more: ENFILE and EMFILE, WSAEMFILE on Windows.
pub fn is_lack_of_descriptors(err: &std::io::Error) -> bool {
    let numbers = if cfg!(windows) { [10024, 4] } else { [23, 24] };
    err.raw_os_error()
        .is_some_and(|number| numbers.contains(&number))
}

/// The environment variable that marks every process of one stage.
pub const STAGE_VARIABLE: &str = "WIRESIDE_STAGE";
