//! Demos: one scripted conversation a chapter, played slowly in front of a room, and the figures of
//! the book, which are recorded in the same way.
//!
//! | module | is |
//! |---|---|
//! | [`show`] | what a demo is told in: steps, lanes, programs, clients |
//! | [`guest`] | programs that are not ours: nc, curl, Python, Node |
//! | [`relay`] | what records the bytes of a guest |
//! | [`wire`] | the lossy link between two programs, and what it does to their datagrams |
//! | `screen` | what the room sees, and what is kept |
//! | [`diagram`] | the signs, and the events as lines in a terminal |
//! | [`svg`] | the same events as a figure |
//! | [`timer_plot`] | what a timer learnt in a recorded run, as a plot |
//! | [`trace`] | the same events as a file, and in words |
//! | [`figures`] | the conversations that the book's figures are recorded from |
//! | [`command`] | `cargo course demo` |
//!
//! A demo of another chapter is a file `chNN_slug.rs` with a `DEMO`, and a row in the table.

pub mod ch01_ports;
pub mod ch02_echo;
pub mod ch03_streams;
pub mod ch04_framing;
pub mod ch05_deadlines;
pub mod ch06_clients;
pub mod ch07_udp;
pub mod ch08_reliability;
pub mod ch09_tls;
pub mod ch10_beneath;
pub mod command;
pub mod diagram;
pub mod figures;
pub mod guest;
pub mod relay;
mod screen;
pub mod show;
pub mod svg;
pub mod timer_plot;
pub mod trace;
pub mod wire;

pub use show::{Leave, Played, Show};

/// A chapter's demo.
pub struct Demo {
    /// The chapter's stem: `ch02_echo`.
    pub name: &'static str,
    pub title: &'static str,
    /// With the room's predictions, in minutes.
    pub minutes: u16,
    /// The chapter programs that it runs, by their file stems.
    pub programs: &'static [&'static str],
    pub play: fn(&mut Show) -> Played,
}
