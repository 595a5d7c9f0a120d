//! The conversations that the book's figures are recorded from: real programs, a real run.
//!
//! Each has three files in `book/figures`: its trace, the figure drawn from it, and the same in
//! words. `tests/figures.rs` draws them anew and runs the conversation again; `BLESS=1` records.

use super::ch04_framing::frame;
use super::ch05_deadlines::drips;
use super::ch09_tls::{Certs, Tap};
use super::ch10_beneath::Door;
use super::show::{Pace, Server, Staging};
use super::trace::{self, Trace};
use super::{Leave, Played, Show, ch08_reliability, svg, wire};
use crate::grader::program::{Input, PATIENCE};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// One figure of the book.
pub struct Figure {
    /// The stem of its files.
    pub name: &'static str,
    /// What it is a figure of; begins the label that replaces it.
    pub caption: &'static str,
    /// From left to right; the last is the server.
    pub lanes: &'static [&'static str],
    pub programs: &'static [&'static str],
    pub play: fn(&mut Show) -> Played,
}

/// Every figure that is recorded.
pub const FIGURES: &[Figure] = &[
    Figure {
        name: "ch01_ports",
        caption: "Two clients connect to one port; the server prints each connection's five-tuple",
        lanes: &["alice", "bob", "server"],
        programs: &["ch01_five_tuple"],
        play: |show| {
            let server = show.serves("server", "ch01_five_tuple")?;
            // Both stay until the end: so Bob can't be given the port that Alice had.
            let mut clients = Vec::new();
            for (i, who) in ["alice", "bob"].into_iter().enumerate() {
                let mut client = show.client(who, &server)?;
                show.prints(&server, i + 2)?;
                client.hears_end()?;
                clients.push(client);
            }
            Ok(())
        },
    },
    Figure {
        name: "ch02_echo",
        caption: "A client's whole life at the echo server",
        lanes: &["client", "server"],
        programs: &["ch02_echo_server"],
        play: |show| {
            let server = show.serves("server", "ch02_echo_server")?;
            let mut client = show.client("client", &server)?;
            client.says(b"hello\n")?;
            client.hears(b"hello\n")?;
            client.half_closes()?;
            Ok(client.hears_clean_end()?)
        },
    },
    Figure {
        name: "ch03_streams",
        caption: "Two endings: a half-close answered by a FIN, and a close with bytes unread",
        lanes: &["client", "server"],
        programs: &["ch03_sum_server", "ch03_rude_server"],
        play: |show| {
            let sum = show.serves("server", "ch03_sum_server")?;
            let mut client = show.client("client", &sum)?;
            client.says(b"1\n2\n3\n")?;
            client.half_closes()?;
            client.hears(b"numbers: 3, sum: 6\n")?;
            client.hears_clean_end()?;
            let rude = show.serves("server", "ch03_rude_server")?;
            let mut client = show.client("client", &rude)?;
            client.says(b"3\nthank you\n")?;
            client.hears(b"line 1\nline 2\nline 3\n")?;
            Ok(client.hears_end()?)
        },
    },
    Figure {
        name: "ch04_framing",
        caption: "Two frames in three pieces at the frame server",
        lanes: &["client", "server"],
        programs: &["ch04_frame_server"],
        play: |show| {
            let server = show.serves("server", "ch04_frame_server")?;
            let mut client = show.client("client", &server)?;
            let (one, two) = (frame(b"hello"), frame(b"world!"));
            // Cut in the first one's payload, then in the second one's length.
            client.says(&one[..6])?;
            client.fence()?;
            client.says(&[&one[6..], &two[..2]].concat())?;
            client.hears(&one)?;
            client.says(&two[2..])?;
            client.hears(&two)?;
            client.half_closes()?;
            Ok(client.hears_clean_end()?)
        },
    },
    Figure {
        name: "ch05_deadlines",
        caption: "A client that drips at the strict server, which has two seconds for it",
        lanes: &["client", "server"],
        programs: &["ch05_strict_server"],
        play: |show| {
            let server = show.serves("server", "ch05_strict_server")?;
            let mut client = show.client("client", &server)?;
            drips(show, &mut client)?;
            client.hears(b"error: too slow\n")?;
            Ok(client.hears_clean_end()?)
        },
    },
    Figure {
        name: "ch06_clients",
        caption: "A pool with one worker and a queue of one: Alice is served, Bob waits, Carol is told busy",
        lanes: &["alice", "bob", "carol", "server"],
        programs: &["ch06_pool_server"],
        play: |show| {
            let addr = Some((Ipv4Addr::LOCALHOST, 0).into());
            let pool = &["1", "1"];
            let program = show.starts("server", "ch06_pool_server", addr, pool, Input::Nothing)?;
            let addr = program.ready(PATIENCE)?;
            let server = Server { program, addr };
            let mut alice = show.client("alice", &server)?;
            // Read: so the worker has her.
            alice.says(b"hel")?;
            alice.fence()?;
            let mut bob = show.client("bob", &server)?;
            let mut carol = show.client("carol", &server)?;
            carol.hears(b"busy\n")?;
            carol.hears_end()?;
            alice.says(b"lo\n")?;
            alice.hears(b"HELLO\n")?;
            alice.hears_end()?;
            bob.says(b"at last\n")?;
            bob.hears(b"AT LAST\n")?;
            Ok(bob.hears_end()?)
        },
    },
    Figure {
        name: "ch07_udp",
        caption: "Two exchanges over a network that loses, doubles and delays",
        lanes: &["client", "server"],
        programs: &["ch07_udp_server", "ch07_udp_client", wire::LINK],
        play: |show| {
            let server = show.serves("server", "ch07_udp_server")?;
            let faults =
                "--lose out:0 --lose back:0 --duplicate back:1 --delay back:2=450 --lose back:3";
            let faults: Vec<&str> = faults.split(' ').collect();
            let mut wire = show.wire(&server, &faults)?;
            let args = ["--id", "1", "one", "two"];
            let addr = Some(wire.addr);
            let client = show.starts("client", "ch07_udp_client", addr, &args, Input::Nothing)?;
            // Five requests, and four acknowledgements.
            show.watches(&mut wire, ("client", "server"), 9, Some(&client))?;
            show.ends(&client)
        },
    },
    Figure {
        name: "ch08_reliability",
        caption: "A file of two segments over a link that loses data 1, ack 2 and the last answer",
        lanes: &["sender", "receiver"],
        programs: &["ch08_receive_file", "ch08_send_file", wire::LINK],
        play: |show| {
            let faults = ["--lose", "out:1", "--lose", "back:1", "--lose", "back:3"];
            ch08_reliability::transfer(show, &ch08_reliability::two_segments(), &faults, 11)
        },
    },
    Figure {
        name: "ch09_tls",
        caption: "A frame and its reply over TLS 1.2, as an eavesdropper sees them",
        lanes: &["client", "server"],
        programs: &[
            "ch09_make_certs",
            "ch09_tls_server",
            "ch09_tls_client",
            "ch09_wiretap",
        ],
        play: |show| {
            let certs = Certs::made(show)?;
            let server = certs.serves(show)?;
            let mut tap = Tap::on(show, &server)?;
            certs.says(show, &mut tap, b"password: swordfish\n")
        },
    },
    Figure {
        name: "ch10_beneath",
        caption: "A client without a certificate is refused, under TLS 1.2 and under TLS 1.3",
        lanes: &["client", "server"],
        programs: &[
            "ch09_make_certs",
            "ch09_wiretap",
            "ch10_mutual_server",
            "ch10_mutual_client",
        ],
        play: |show| {
            let door = Door::open(show)?;
            for newest in ["1.2", "1.3"] {
                show.notes("client", &format!("speaks TLS {newest}"));
                let mut tap = Tap::on(show, &door.server)?;
                let came = door.client(show, &tap.line, &[newest], b"read\n")?;
                tap.shows_refusal(show)?;
                door.told(show, &came, b"")?;
            }
            Ok(())
        },
    },
];

impl Figure {
    /// Runs the conversation and records it.
    ///
    /// # Errors
    /// What the conversation broke off with.
    pub fn record(&self, programs: Vec<(&'static str, PathBuf)>) -> Result<Trace, String> {
        let mut show = Show::new(Staging {
            paper: Box::new(|_| true),
            width: 80,
            bold: false,
            pace: Pace::Auto(Duration::ZERO),
            programs,
        });
        show.lanes(self.lanes);
        match (self.play)(&mut show) {
            Ok(()) => Ok(show.trace(self.name, self.caption)),
            Err(Leave::Failed(why)) => Err(why),
            Err(Leave::Quit) => Err("it was left before its end".to_string()),
        }
    }
}

/// The three files of a trace, by the end of their names.
pub fn files(trace: &Trace) -> [(&'static str, String); 3] {
    let sections = trace.sections.iter();
    let words = sections.map(|section| trace::as_words(&section.events, &section.lanes));
    [
        ("trace.json", trace.to_json()),
        ("svg", svg::draw(trace)),
        ("md", words.collect::<Vec<_>>().join("\n")),
    ]
}
