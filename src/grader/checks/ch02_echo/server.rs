//! `ex02_echo_server`.

use super::{BIG, PAUSE};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::{Side, Symptom};
use crate::grader::stage::Stage;
use std::thread;
use std::time::Duration;

/// What a read returns at most in nearly all programs.
const A_READ: usize = 64 << 10;

pub const ECHO_SERVER: &[Check] = &[
    Check {
        name: "what a client sends comes back",
        why: "this is what an echo is",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"hello\n")?;
            alice.hears(b"hello\n")
        },
        ..Check::PLAIN
    },
    Check {
        name: "nothing comes back but what was sent",
        why: "a read fills only the beginning of the buffer; the rest of it is not the client's",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"hello\n")?;
            alice.hears(b"hello\n")?;
            alice.half_closes()?;
            alice.hears_nothing_for(Duration::from_millis(300))
        },
        control: Some(ONE_MESSAGE),
        causes: &[Cause {
            symptoms: &[Symptom::Extra],
            likely: "more is sent back than the read filled: the whole buffer, or an addition",
            advice: "read() returns how many bytes it put there: send back those, and no others",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a conversation goes on until the client ends it",
        why: "TCP carries a stream: how many reads it takes is not known beforehand",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            // Shorter ones after longer ones: what is left of those must not come again.
            for line in [
                "a long first line\n",
                "two\n",
                "3\n",
                "and a longer one\n",
                "5\n",
            ] {
                alice.says(line.as_bytes())?;
                alice.hears(line.as_bytes())?;
            }
            Ok(())
        },
        control: Some(ONE_MESSAGE),
        causes: &[
            STOPPED_AFTER_ONE,
            Cause {
                symptoms: &[Symptom::Different],
                likely: "what an earlier read left in the buffer is sent again",
                advice: "read() returns how many bytes it put there: send back only those",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a byte is echoed before the next is sent",
        why: "a client that waits for each answer, as a person does, must not wait for ever",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for byte in [b"h", b"e", b"y", b"\n"] {
                alice.says(byte)?;
                alice.hears(byte)?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same bytes in one write, then the half-close",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"hey\n")?;
                alice.half_closes()?;
                alice.hears(b"hey\n")
            },
        }),
        told_by: |failure| {
            // Had it waited for more, it would have done so from the first byte on.
            let answered_one = failure.expected != Side::from(&b"h"[..]);
            (answered_one && failure.symptom == Symptom::Silence).then_some(STOPPED_AFTER_ONE)
        },
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the server waits for more (a line's end, a full buffer, the end of the \
                         stream) before it answers",
                advice: "answer what each read returned before you read again",
            },
            STOPPED_AFTER_ONE,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a client that pauses is still answered",
        why: "a person who thinks for a moment has not gone",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"wait\n")?;
            alice.hears(b"wait\n")?;
            thread::sleep(PAUSE);
            alice.says(b"here I am\n")?;
            alice.hears(b"here I am\n")
        },
        control: Some(Control {
            name: "the same conversation without the pause",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"wait\n")?;
                alice.hears(b"wait\n")?;
                alice.says(b"here I am\n")?;
                alice.hears(b"here I am\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a timeout, or a read that found nothing yet, is taken for the end",
            advice: "only a read of 0 bytes is the end; here nothing asks for a timeout",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "CR, LF and NUL come back as they are",
        why: "a byte stream has no lines: what looks like a line's end is data",
        run: |stage| echoed(stage, b"one\r\ntwo\n\r\n\0three\r"),
        control: Some(Control {
            name: "as many bytes of one line of ASCII",
            run: |stage| echoed(stage, b"one..two....three\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the bytes pass through something that knows lines or strings",
            advice: "read into a buffer of bytes, and write the same bytes: no lines, no String",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "bytes that are not UTF-8 come back as they are",
        why: "a peer may send any bytes; most of what travels is not text",
        run: |stage| echoed(stage, b"caf\xe9 \xff\xfe \xc3\x28 \x80\n"),
        control: Some(Control {
            name: "as many bytes of one line of ASCII",
            run: |stage| echoed(stage, b"cafe, cafes.\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the bytes are turned into text on their way",
            advice: "keep them bytes: from_utf8 fails on them, and from_utf8_lossy replaces them",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "8 MiB come back to the byte",
        why: "what works for a line may not for a file: buffers fill, reads return parts",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let bytes = stage.random_bytes(BIG);
            alice.says(&bytes)?;
            alice.hears(&bytes)
        },
        control: Some(Control {
            name: "100 random bytes",
            run: |stage| {
                let bytes = stage.random_bytes(100);
                echoed(stage, &bytes)
            },
        }),
        told_by: |failure| {
            let is_a_read = matches!(&failure.got, Side::Bytes(got)
                if (1..=A_READ).contains(&got.len()));
            let stopped = STOPPED_AFTER_ONE.symptoms.contains(&failure.symptom);
            (is_a_read && stopped).then_some(STOPPED_AFTER_ONE)
        },
        causes: &[
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset, Symptom::Silence],
                likely: "the server has done with the client after so many bytes or reads",
                advice: "read again after each answer, until read() returns 0",
            },
            Cause {
                symptoms: &[],
                likely: "some bytes are dropped, or counted in too small a number, when many come",
                advice: "look at what happens with the rest when a read or a write is not whole",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "what was sent before the half-close all comes back",
        why: "a half-close says \"I have said all\", not \"I have heard all\"",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let bytes = stage.random_bytes(60_000);
            alice.stops_reading();
            alice.says(&bytes)?;
            alice.half_closes()?;
            alice.reads_again();
            alice.hears(&bytes)
        },
        control: Some(Control {
            name: "the same bytes without the half-close",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                let bytes = stage.random_bytes(60_000);
                alice.says(&bytes)?;
                alice.hears(&bytes)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of the client's stream ends the connection before all was answered",
            advice: "at Ok(0) the client listens still: send what is left, then close",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "after the half-close the connection ends within 1 s",
        why: "a client that reads to the end waits for it; a connection that stays open leaks",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"goodbye\n")?;
            alice.half_closes()?;
            alice.hears(b"goodbye\n")?;
            alice.hears_end_within(Duration::from_secs(1))
        },
        control: Some(ONE_MESSAGE),
        causes: &[Cause {
            symptoms: &[Symptom::StillOpen, Symptom::Late],
            likely: "the end of the client's stream goes unnoticed, or the stream is kept",
            advice: "a read of 0 bytes is the end: leave the loop and let the stream go",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "clients are served one after another",
        why: "a server serves until it is ended",
        run: |stage| {
            for (who, line) in [("alice", "one\n"), ("bob", "two\n"), ("carol", "three\n")] {
                let mut client = stage.client(who)?;
                client.says(line.as_bytes())?;
                client.half_closes()?;
                client.hears(line.as_bytes())?;
                client.hears_end()?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "one client, to its end",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"one\n")?;
                alice.half_closes()?;
                alice.hears(b"one\n")?;
                alice.hears_end()
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server ends, or stops accepting, after its first client",
            advice: "accept in a loop: one client's end is not the server's",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that resets ends nothing",
        why: "clients crash, and cables are pulled: one peer's error is not the server's",
        points: 2,
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            mallory.says(b"hello\n")?;
            mallory.hears(b"hello\n")?;
            mallory.resets()?;
            echoed(stage, b"still there?\n")
        },
        control: Some(Control {
            name: "the same with a client that hangs up in peace",
            run: |stage| {
                let mut mallory = stage.client("mallory")?;
                mallory.says(b"hello\n")?;
                mallory.hears(b"hello\n")?;
                mallory.hangs_up()?;
                echoed(stage, b"still there?\n")
            },
        }),
        causes: &[BUSY_WITH_THE_DEAD, ENDED_BY_ONE_CLIENT],
        ..Check::PLAIN
    },
    Check {
        name: "a client that resets without having read its echo ends nothing",
        why: "then it is the write that fails, not the read",
        points: 1,
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            mallory.stops_reading();
            mallory.floods(64 << 20)?;
            mallory.resets()?;
            echoed(stage, b"still there?\n")
        },
        control: Some(Control {
            name: "the same client, reset before it says anything",
            run: |stage| {
                stage.client("mallory")?.resets()?;
                echoed(stage, b"still there?\n")
            },
        }),
        causes: &[BUSY_WITH_THE_DEAD, ENDED_BY_ONE_CLIENT],
        ..Check::PLAIN
    },
];

const ONE_MESSAGE: Control = Control {
    name: "one short line, once",
    run: |stage| echoed(stage, b"hello\n"),
};

const STOPPED_AFTER_ONE: Cause = Cause {
    symptoms: &[Symptom::End, Symptom::Reset, Symptom::Silence],
    likely: "the server answers what its first read returned, and has done with the client",
    advice: "read again after each answer, until read() returns 0",
};

const BUSY_WITH_THE_DEAD: Cause = Cause {
    symptoms: &[Symptom::Silence],
    likely: "the server is still busy with the client that has gone, or its loop has ended",
    advice: "when a read or a write fails, that conversation is over: accept the next",
};

const ENDED_BY_ONE_CLIENT: Cause = Cause {
    symptoms: &[],
    likely: "an error of one connection leaves the loop that accepts the next",
    advice: "handle it where the one client is served; look for `?`, unwrap and expect in the loop",
};

/// A client of its own sends this and hears it.
fn echoed(stage: &Stage, bytes: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(bytes)?;
    alice.hears(bytes)
}
