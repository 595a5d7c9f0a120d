//! The course runner as its users meet it: each test has a clone of its own, and each command a
//! time limit.

mod clone;
mod commands;
mod first;
mod grading;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod signals;
mod watching;
