//! Wireside, a course in socket programming.
//!
//! | module | is |
//! |---|---|
//! | [`chapters`] | the table: every chapter, program, exercise, check list and demo, in order |
//! | [`course`] | the runner: what `cargo course …` does |
//! | `grader` | one submission, its clients, what was said, and the verdict on it |
//! | `demo` | one scripted conversation a chapter, for a classroom |
//!
//! The chapter programs in `src/bin` use none of it: each can be copied away and still builds.

pub mod chapters;
pub mod course;
#[cfg(feature = "runner")]
pub mod demo;
#[cfg(feature = "runner")]
pub mod grader;
