//! `ex06_chat`: the client that doesn't read.

use super::super::ENDS_ALL;
use super::room::{A_LINE, enters, is_let_in};
use crate::grader::check::{Cause, Check, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

/// A client that doesn't read delays the others by no more than this.
const DELAY: Duration = Duration::from_millis(500);

/// While less than this waits for it in the program, it stays.
const STAYS: usize = 512 << 10;

/// When more than this does, it goes, so soon.
const GOES: usize = 2 << 20;
const SOON: Duration = Duration::from_secs(5);

/// Lines of a batch, and its bytes on their way to a reader.
const BATCH: usize = 16;

/// No kernel keeps so much for one connection.
const MOST: usize = 48 << 20;

pub const DELAYS_NOBODY: Check = Check {
    name: "a client that doesn't read delays the others by at most 500 ms",
    why: "one who fell asleep over the keyboard must not silence the room",
    points: 3,
    run: |stage| {
        let mut talk = Talk::with_a_deaf_one(stage)?;
        // More than the kernels take, so that some of it waits in the program.
        while talk.waits()?.is_some_and(|waits| waits < STAYS / 2) {
            let (since, took) = talk.goes_on()?;
            if talk.bob.program_was_late(since, took, DELAY)? {
                let due = format!("each line within {} ms", DELAY.as_millis());
                let got = format!("after {} ms", took.as_millis());
                return talk.bob.fails(Symptom::Late, due, got, "");
            }
        }
        Ok(())
    },
    control: Some(A_LINE),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[Symptom::Late, Symptom::Silence],
            likely: "a write to one client blocks, and all others wait for it, or for the lock it holds",
            advice: "a queue and a writer for each client; under the lock only queue",
        },
    ],
    alone: true,
    ..Check::PLAIN
};

pub const ISNT_DROPPED_EARLY: Check = Check {
    name: "a client that reads late gets all of it, while less than 512 KiB waits",
    why: "a slow line, or a laptop that was closed for a moment, is no reason to be thrown out",
    points: 2,
    run: |stage| {
        let mut talk = Talk::with_a_deaf_one(stage)?;
        while talk.waits()?.is_some_and(|waits| waits < STAYS / 2) {
            talk.goes_on()?;
        }
        std::thread::sleep(Duration::from_millis(1500));
        talk.bob.hears_nothing_more()?;
        talk.carol.reads_again();
        let due = std::mem::take(&mut talk.said);
        talk.carol.hears(&due)?;
        talk.alice.says(b"there you are\n")?;
        talk.carol.hears(b"[alice] there you are\n")
    },
    control: Some(A_LINE),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[],
            likely: "who doesn't read is dropped by the clock, or with too little waiting, or loses lines",
            advice: "queue every line, and count the bytes that wait: the limit is 512 KiB to 2 MiB",
        },
    ],
    ..Check::PLAIN
};

pub const IS_DROPPED: Check = Check {
    name: "a client for whom more than 2 MiB waits is dropped within 5 s",
    why: "a queue without an end is everybody's memory, for one who doesn't read",
    points: 3,
    run: |stage| {
        let mut talk = Talk::with_a_deaf_one(stage)?;
        talk.until_carol_leaves().map(|_| ())
    },
    control: Some(A_LINE),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[],
            likely: "the queue has no end, and memory climbs",
            advice: "count the bytes that wait for each client; take it out of the room when they are too many",
        },
    ],
    alone: true,
    ..Check::PLAIN
};

pub const ENDS: Check = Check {
    name: "who was dropped finds its connection ended, and its name free",
    why: "it must learn that it is alone, and may come again",
    run: |stage| {
        let mut talk = Talk::with_a_deaf_one(stage)?;
        talk.until_carol_leaves()?;
        talk.carol.reads_again();
        talk.carol
            .hears_all("the end, behind what was still on its way")?;
        enters(stage, "carol", &["alice", "bob"])?;
        talk.alice.says(b"welcome back\n")?;
        talk.bob.hears(b"* carol joined\n")?;
        let line = talk
            .bob
            .hears_line("[alice] welcome back, or * carol left", 4096)?;
        match &line[..] {
            b"* carol left" | b"[alice] welcome back" => Ok(()),
            line => talk
                .bob
                .fails(Symptom::Different, &b"[alice] welcome back"[..], line, ""),
        }
    },
    control: Some(A_LINE),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[Symptom::StillOpen],
            likely: "it was taken out of the map, but its connection is still held by its own threads",
            advice: "shut the stream down in both directions: that wakes its reader and its writer",
        },
    ],
    ..Check::PLAIN
};

pub const THREADS: Check = Check {
    name: "threads don't grow with clients that left",
    why: "a server that keeps something of each visitor is full one day",
    points: 2,
    run: |stage| {
        let mut alice = enters(stage, "alice", &[])?;
        come_and_go(stage, &mut alice, 0..4)?;
        let before = stage.server()?.threads();
        come_and_go(stage, &mut alice, 4..44)?;
        let server = stage.server()?;
        if server.threads() <= before + 8 {
            return Ok(());
        }
        // A pool may fill up to its size as they come, and then it grows no more.
        come_and_go(stage, &mut alice, 44..124)?;
        let full = server.threads();
        come_and_go(stage, &mut alice, 124..204)?;
        server.has_threads_at_most(full.max(before) + 8)
    },
    control: Some(A_LINE),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[Symptom::StillOpen],
            likely: "writers wait for ever: the sender of their queue is still held somewhere",
            advice: "a channel ends when its last sender is dropped: look for clones of it",
        },
    ],
    ..Check::PLAIN
};

/// Alice talks, Bob reads, Carol doesn't.
struct Talk {
    alice: Client,
    bob: Client,
    carol: Client,
    /// All that Carol has to read.
    said: Vec<u8>,
}

impl Talk {
    fn with_a_deaf_one(stage: &Stage) -> Result<Talk, Stop> {
        let mut alice = enters(stage, "alice", &[])?;
        let mut bob = enters(stage, "bob", &["alice"])?;
        alice.hears(b"* bob joined\n")?;
        let carol = stage.client_of_small_window("carol")?;
        let mut carol = is_let_in(carol, "carol", &["alice", "bob"])?;
        alice.hears(b"* carol joined\n")?;
        bob.hears(b"* carol joined\n")?;
        carol.stops_reading();
        let said = Vec::new();
        Ok(Talk {
            alice,
            bob,
            carol,
            said,
        })
    }

    /// Bytes that wait for Carol in the program; `None`: her connection is gone, or it doesn't show.
    fn waits(&self) -> Result<Option<usize>, Stop> {
        if self.said.len() > MOST {
            return Err(Stop::Broken(format!(
                "{MOST} bytes filled no kernel's queues"
            )));
        }
        Ok(self.carol.waits_for_it(self.said.len()))
    }

    /// A batch of Alice's lines, all of which Bob hears: since when, and after how long the last one.
    fn goes_on(&mut self) -> Result<(Instant, Duration), Stop> {
        let (lines, due) = self.batch();
        let since = Instant::now();
        self.alice.says(&lines)?;
        self.bob.hears(&due)?;
        self.said.extend(due);
        Ok((
            since,
            self.bob.last_arrival().saturating_duration_since(since),
        ))
    }

    fn batch(&self) -> (Vec<u8>, Vec<u8>) {
        let text = [&[b'a' + (self.said.len() % 26) as u8; 4000][..], b"\n"].concat();
        (
            text.repeat(BATCH),
            [b"[alice] ", &text[..]].concat().repeat(BATCH),
        )
    }

    /// Talks on until Carol is dropped for it: Bob hears that she left, in time.
    fn until_carol_leaves(&mut self) -> Told {
        let mut since = None;
        loop {
            let waits = self.waits()?;
            if waits.is_none_or(|waits| waits > GOES) {
                since.get_or_insert_with(Instant::now);
            }
            if let (Some(since), Some(_)) = (since, waits) {
                // Enough waits: nothing more is said, and she must be gone in time.
                let line = self.bob.hears_line("* carol left", 8192)?;
                let took = self.bob.last_arrival().saturating_duration_since(since);
                if line != b"* carol left" {
                    let due = &b"* carol left"[..];
                    return self.bob.fails(Symptom::Different, due, &line[..], "");
                }
                if self.bob.program_was_late(since, took, SOON)? {
                    let due = format!("that she left, within {} s", SOON.as_secs());
                    let got = format!("after {} ms", took.as_millis());
                    return self.bob.fails(Symptom::Late, due, got, "");
                }
                return Ok(());
            }
            if waits.is_none() {
                // Her connection is gone already: Bob is told.
                let line = self.bob.hears_line("* carol left", 8192)?;
                if line == b"* carol left" {
                    return Ok(());
                }
                return self
                    .bob
                    .fails(Symptom::Different, &b"* carol left"[..], &line[..], "");
            }
            let (lines, due) = self.batch();
            self.alice.says(&lines)?;
            for _ in 0..BATCH {
                let line = self.bob.hears_line("Alice's line, or * carol left", 8192)?;
                if line == b"* carol left" {
                    return self.hear_the_rest();
                }
            }
            self.said.extend(due);
        }
    }

    /// Behind the line that tells of Carol, the rest of the batch in which it came.
    fn hear_the_rest(&mut self) -> Told {
        self.alice.says(b"she is gone\n")?;
        while self.bob.hears_line("[alice] she is gone", 8192)? != b"[alice] she is gone" {}
        Ok(())
    }
}

/// Guests come, are heard of, and go, by a close and by a reset.
fn come_and_go(stage: &Stage, alice: &mut Client, guests: std::ops::Range<u32>) -> Told {
    for number in guests {
        let name = format!("guest{number}");
        let guest = enters(stage, &name, &["alice"])?;
        if number % 2 == 0 {
            guest.hangs_up()?
        } else {
            guest.resets()?
        }
        alice.hears(format!("* {name} joined\n* {name} left\n").as_bytes())?;
    }
    Ok(())
}
