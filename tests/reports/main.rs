//! The reports for machines, each read as its consumer reads it, with a submission behind them that
//! does its worst: control bytes, invalid UTF-8, the end of a CDATA section, escape sequences,
//! commands to GitHub's runner, a report of its own.

// It needs GNU's timeout and sed, as Gradescope's image has them.
#[cfg(target_os = "linux")]
mod autograder;
mod classroom;
mod contract;
mod gradescope;
mod junit;
mod made;
mod run;
