//! `ex03_upload`.

use super::{HELD_UP, idle_clients};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::{Side, Symptom};
use crate::grader::stage::Stage;
use std::thread;
use std::time::Duration;

pub const UPLOAD: &[Check] = &[
    Check {
        name: "an upload is counted and summed",
        why: "this is what the server is for",
        run: |stage| uploaded(stage, b"abc", "3 bytes, sum 294\n"),
        ..Check::PLAIN
    },
    Check {
        name: "after the answer the connection ends",
        why: "a client that reads to the end waits for it",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"abc")?;
            alice.half_closes()?;
            alice.hears(b"3 bytes, sum 294\n")?;
            alice.hears_end()
        },
        control: Some(THREE_BYTES),
        causes: &[Cause {
            symptoms: &[Symptom::StillOpen],
            likely: "the stream is kept, or the server waits for something more",
            advice: "let the stream go out of scope once the answer is written",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an upload of nothing is 0 bytes",
        why: "a file may be empty, and its sender waits for the answer all the same",
        run: |stage| uploaded(stage, b"", "0 bytes, sum 0\n"),
        control: Some(THREE_BYTES),
        causes: &[Cause {
            symptoms: &[],
            likely: "an end before the first byte is taken for something else: an error, a client \
                     that left",
            advice: "treat it as any other end of the stream",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an upload of one byte is answered in the same form",
        why: "a program reads this answer: a form that depends on the number is two forms",
        run: |stage| uploaded(stage, b"a", "1 bytes, sum 97\n"),
        control: Some(THREE_BYTES),
        causes: &[Cause {
            symptoms: &[],
            likely: "a number of one has a form of its own, or one byte is no upload",
            advice: "the form is the same for every number: `N bytes, sum S`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an upload in pieces is one upload",
        why: "TCP carries bytes, not messages: neither a short read nor an LF ends an upload",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for piece in [&b"a"[..], b"b\n", b"c"] {
                alice.says(piece)?;
                alice.fence()?;
            }
            alice.half_closes()?;
            alice.hears(b"4 bytes, sum 304\n")
        },
        control: Some(Control {
            name: "the same bytes in one write",
            run: |stage| uploaded(stage, b"ab\nc", "4 bytes, sum 304\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "what one read() returned, or what ended with an LF, was taken for all of it",
            advice: "read on until read() returns 0: the only sign that the client has said all",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an upload may pause",
        why: "a wireless network, a busy disk: nothing for three seconds is no end",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"ab")?;
            thread::sleep(Duration::from_secs(3));
            alice.says(b"c")?;
            alice.half_closes()?;
            alice.hears(b"3 bytes, sum 294\n")
        },
        control: Some(Control {
            name: "the same two pieces without the pause",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"ab")?;
                alice.fence()?;
                alice.says(b"c")?;
                alice.half_closes()?;
                alice.hears(b"3 bytes, sum 294\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a read timeout is taken for the end of the upload",
            advice: "WouldBlock and TimedOut mean that nothing came yet; only 0 bytes is the end",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a byte counts from 0 to 255",
        why: "bytes have no sign, and no byte ends a stream: neither NUL nor CR, LF or Ctrl+Z",
        run: |stage| {
            let all: Vec<u8> = (0..=255).chain([b'\r', b'\n', 0x1a, 4, 0, 0xff]).collect();
            uploaded(stage, &all, "262 bytes, sum 32948\n")
        },
        control: Some(Control {
            name: "as many bytes, tildes all of them",
            // Its sum is the larger one: one that is too large for the server is told apart, too.
            run: |stage| uploaded(stage, &[b'~'; 262], "262 bytes, sum 33012\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the bytes pass through something that knows signs, lines or text",
            advice: "add each byte as an unsigned number, as it was read",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a sum of more than 32 bits is right",
        why: "a number that is large enough for a test may not be for a file: 17 MB are a few photos",
        points: 2,
        run: |stage| {
            uploaded(
                stage,
                &vec![0xff; 17_000_000],
                "17000000 bytes, sum 4335000000\n",
            )
        },
        control: Some(Control {
            name: "300,000 bytes of the same",
            run: |stage| uploaded(stage, &[0xff; 300_000], "300000 bytes, sum 76500000\n"),
        }),
        told_by: |failure| {
            let is_counted = matches!(&failure.got, Side::Bytes(got)
                if got.starts_with(b"17000000 bytes, sum "));
            (is_counted && failure.symptom == Symptom::Different).then_some(Cause {
                symptoms: &[],
                likely: "the sum has 32 bits, and began anew at 4,294,967,296",
                advice: "add in 64 bits: each byte has to be widened before it is added",
            })
        },
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the server answers before all has come: at so many bytes, or at a short read",
                advice: "read on until read() returns 0, however much that is",
            },
            Cause {
                symptoms: &[],
                likely: "the server ends, or gives up, at many bytes",
                advice: "look at its stderr: an overflow is a panic in a debug build",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "two uploads at the same time are two sums",
        why: "what belongs to one client is kept with that client",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let mut bob = stage.client("bob")?;
            alice.says(b"abc")?;
            bob.says(b"xyz!")?;
            alice.says(b"d")?;
            bob.half_closes()?;
            bob.hears(b"4 bytes, sum 396\n")?;
            alice.half_closes()?;
            alice.hears(b"4 bytes, sum 394\n")
        },
        control: Some(Control {
            name: "the same uploads one after the other, in the same pieces",
            run: |stage| {
                uploaded(stage, b"xyz!", "4 bytes, sum 396\n")?;
                let mut alice = stage.client("alice")?;
                alice.says(b"abc")?;
                alice.fence()?;
                alice.says(b"d")?;
                alice.half_closes()?;
                alice.hears(b"4 bytes, sum 394\n")
            },
        }),
        causes: &[
            HELD_UP,
            Cause {
                symptoms: &[],
                likely: "count and sum are kept in one place for all clients",
                advice: "make them variables of the one conversation",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "twenty idle clients hold nobody up",
        why: "people open connections and say nothing: that must not be everybody's problem",
        points: 2,
        run: |stage| {
            let _idle = idle_clients(stage, 20, b"half")?;
            uploaded(stage, b"abc", "3 bytes, sum 294\n")
        },
        control: Some(Control {
            name: "the same once they have gone",
            run: |stage| {
                idle_clients(stage, 20, b"half")?;
                uploaded(stage, b"abc", "3 bytes, sum 294\n")
            },
        }),
        causes: &[HELD_UP],
        ..Check::PLAIN
    },
];

const THREE_BYTES: Control = Control {
    name: "an upload of three bytes",
    run: |stage| uploaded(stage, b"abc", "3 bytes, sum 294\n"),
};

/// A client of its own uploads this and is told that.
fn uploaded(stage: &Stage, bytes: &[u8], answer: &str) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(bytes)?;
    alice.half_closes()?;
    alice.hears(answer.as_bytes())
}
