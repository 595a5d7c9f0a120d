//! The grader: a submission, the clients and servers that talk to it, what was said, and the verdict.
//!
//! The arrows go one way. A [`check`] tells a conversation on a [`stage`]; the stage has a
//! [`program`] and hands out [`client`]s and [`listener`]s; every step that these take is bounded by
//! a deadline and written to the [`transcript`]. [`session`] runs checks and makes [`verdict`]s of
//! them, and [`report`] turns those into a person's text or a machine's. Nothing below `report`
//! prints.
//!
//! The grader speaks bytes: it uses nothing of the chapter programs and nothing of the solutions,
//! so that it is an independent judge.

pub mod arrival;
pub mod bytes;
pub mod check;
pub mod checks;
pub mod client;
pub mod endings;
pub mod failure;
pub mod faults;
pub mod kernel;
pub mod keyboard;
pub mod launch;
pub mod limits;
pub mod listener;
pub mod output;
pub mod platform;
pub mod program;
pub mod report;
pub mod result;
pub mod seed;
pub mod segments;
pub mod session;
pub mod stage;
pub mod tls;
pub mod trail;
pub mod transcript;
pub mod udp;
pub mod verdict;
pub mod waiting;
pub mod watchdog;
