//! What is graded of `ex05_slow_client`.

use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::client::Client;
use crate::grader::failure::{Side, Symptom};
use crate::grader::stage::Stage;
use std::thread;
use std::time::{Duration, Instant};

const TOO_SLOW: &[u8] = b"error: too slow\n";

/// When a client is told so at the earliest, and at the latest, after its line's first byte. Some
/// timers count in whole milliseconds.
const LEAST: Duration = Duration::from_millis(1_980);
const MOST: Duration = Duration::from_secs(3);

/// What a client has for a line.
const LINE: Duration = Duration::from_secs(2);

/// For how long a client may be silent, and for how long it is here.
const IDLE: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_millis(9_300);

/// Clients that drip all at once.
const MANY: usize = 24;

pub const SLOW_CLIENT: &[Check] = &[
    Check {
        name: "a line is answered by its length",
        why: "this is what the server is for",
        run: |stage| answered(stage, b"hello\r\n", b"5\n"),
        ..Check::PLAIN
    },
    Check {
        name: "lines are answered however their bytes come",
        why: "a read returns what has arrived by then: half a line, or two and a half",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let since = Instant::now();
            alice.says(b"one\n\ntw")?;
            alice.hears(b"3\n0\n")?;
            alice.fence()?;
            alice.says(b"elve\r")?;
            alice.fence()?;
            alice.says(b"\n\xff\xfe\0\nx\r\r\n")?;
            let (own, heard) = (since.elapsed(), alice.hears(b"6\n3\n2\n"));
            stage.server()?.unless_slowed(since, own, LINE, heard)
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a read is taken for a line, or a line for text",
            advice: "keep what was read in one buffer of bytes; each LF in it ends a line",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a line of 60,000 bytes is answered, and many at once are",
        why: "a line may be longer than any one read, and a read may bring a thousand lines",
        run: |stage| {
            let lines = [&[b'x'; 60_000][..], b"\n", &b"four\n".repeat(2_000)].concat();
            let answers = [&b"60000\n"[..], &b"4\n".repeat(2_000)].concat();
            let mut alice = stage.client("alice")?;
            let since = Instant::now();
            alice.says(&lines)?;
            let (own, heard) = (since.elapsed(), alice.hears(&answers));
            stage.server()?.unless_slowed(since, own, LINE, heard)
        },
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "a line of 60,000 bytes is too long for it, or its time is too short",
                advice: "a limit may not be below 60,000 bytes; gather what several reads return",
            },
            Cause {
                symptoms: &[],
                likely: "a line ends where a buffer does, or only some lines of a read are answered",
                advice: "only an LF ends a line: gather what several reads return",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "after the half-close come the answers, then the end",
        why: "a client that has said all still listens; an unterminated last line is none",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"one\nthree\nhalf a li")?;
            alice.half_closes()?;
            alice.hears(b"3\n5\n")?;
            alice.hears_end()
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of the stream goes unnoticed, or is taken for the end of a line",
            advice: "Ok(0) ends the conversation: what stands there without an LF gets nothing",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "many slow clients hold nobody up",
        why: "the two seconds that one of them is given must not be everybody's",
        points: 2,
        run: |stage| {
            let mut slow = Vec::new();
            for i in 0..MANY {
                let mut mallory = stage.client(&format!("mallory {i}"))?;
                mallory.says(b"hel")?;
                slow.push(mallory);
            }
            // A short queue that is full would drop her SYN, which comes again a second later.
            let until = Instant::now() + Duration::from_millis(300);
            for mallory in &slow {
                mallory.is_accepted_within(until.saturating_duration_since(Instant::now()));
            }
            let since = Instant::now();
            let mut alice = stage.client("alice")?;
            alice.says(b"hello\n")?;
            alice.hears(b"5\n")?;
            let took = alice.last_arrival() - since;
            let limit = Duration::from_secs(1);
            match stage.server()?.was_late(since, took, limit)? {
                true => {
                    let got = format!("after {} ms", took.as_millis());
                    alice.fails(Symptom::Late, "her answer within 1 s", got, "")
                }
                false => Ok(()),
            }
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "clients are served one after another, or a few at a time",
            advice: "give each client a thread of its own, and accept again at once",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that begins a line and falls silent is told that it is too slow",
        why: "a connection that nobody uses still costs memory and a place",
        points: 2,
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            let since = Instant::now();
            mallory.says(b"hel")?;
            is_too_slow(stage, &mut mallory, since)
        },
        control: Some(A_LINE),
        told_by: |failure| {
            let some = matches!(&failure.got, Side::Bytes(got) if !got.is_empty());
            let ended = matches!(failure.symptom, Symptom::End | Symptom::Reset);
            (some && ended).then_some(Cause {
                symptoms: &[],
                likely: "the sentence isn't whole",
                advice: "`error: too slow` and an LF, then the close",
            })
        },
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence, Symptom::Late],
                likely: "the read has no timeout, or a longer one",
                advice: "set a read timeout before each read: what is left of the line's 2 s",
            },
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "the timeout ends the conversation unsaid, as any other error does",
                advice: "look for WouldBlock and TimedOut: the sentence and its LF, then the close",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the client is told so in other words",
                advice: "`error: too slow`, an LF, and nothing before it",
            },
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the time is shorter, or begins before the line does",
                advice: "two seconds, from the moment at which the line's first byte was read",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a client that drips is told so as well, 2 to 3 s after its line's first byte",
        why: "a timeout that begins anew with each byte never ends for who sends one now and then",
        points: 3,
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            let since = Instant::now();
            while since.elapsed() < MOST * 2 {
                mallory.says(b".")?;
                if mallory.has_come(1, Duration::from_millis(250)) {
                    break;
                }
            }
            is_too_slow(stage, &mut mallory, since)
        },
        control: Some(FALLS_SILENT),
        causes: &[PER_READ],
        ..Check::PLAIN
    },
    Check {
        name: "then the connection ends",
        why: "who was told to go and may stay costs as much as before",
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            mallory.says(b"hel")?;
            mallory.hears(TOO_SLOW)?;
            mallory.says(b"lo\nagain\n")?;
            mallory.hears_end()
        },
        control: Some(FALLS_SILENT),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "the conversation goes on behind the refusal",
                advice: "after the sentence nothing is answered any more: leave the loop",
            },
            Cause {
                symptoms: &[],
                likely: "the stream is kept, or only its writing half is closed late",
                advice: "leave the conversation and let the stream go",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a line that began in the read of the line before has 2 s too",
        why: "its first byte is there, whatever it came with",
        points: 2,
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            let since = Instant::now();
            mallory.says(b"one\ntw")?;
            mallory.hears(b"3\n")?;
            is_too_slow(stage, &mut mallory, since)
        },
        control: Some(FALLS_SILENT),
        causes: &[Cause {
            symptoms: &[],
            likely: "bytes behind the LF aren't taken for the beginning of a line: its time would begin with the \
                     next bytes, and none come",
            advice: "when a line is answered, look whether bytes of the next are there already",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a pause that is shorter than 2 s costs nothing and loses no byte",
        why: "a timeout that has passed is no end: what was read before it still counts",
        points: 2,
        run: |stage| with_pauses(stage, &[(0, b"he"), (700, b"ll"), (700, b"o\n")], b"5\n"),
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "what was read before a timeout is thrown away",
                advice: "keep the line's beginning outside of the read that may time out",
            },
            Cause {
                symptoms: &[],
                likely: "the time for a line is shorter than 2 s",
                advice: "two seconds from the line's first byte, and no other limit within them",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "each line has its own 2 s",
        why: "a long conversation of quick lines is no slow client",
        points: 2,
        run: |stage| {
            // Each line but the first begins with the end of the one before.
            let mut alice = stage.client("alice")?;
            let mut since = Instant::now();
            alice.says(b"he")?;
            for _ in 0..3 {
                thread::sleep(Duration::from_millis(900));
                let next = Instant::now();
                alice.says(b"llo\nhe")?;
                let (done, heard) = (since.elapsed(), alice.hears(b"5\n"));
                stage.server()?.unless_slowed(since, done, LINE, heard)?;
                since = next;
            }
            Ok(())
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the time runs on from the first line, or from the connect",
            advice: "when a line is whole its deadline is gone: the next line gets a new one",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the time begins with the first byte, not with the connection",
        why: "who connects and thinks for a while has not begun",
        run: |stage| {
            let pieces: [(u64, &[u8]); 3] = [(1_500, b"h"), (1_000, b"ell"), (200, b"o\n")];
            with_pauses(stage, &pieces, b"5\n")
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the line's time begins when its read does, not when its first byte is there",
            advice: "wait for the first byte with the long timeout, then fix the line's deadline",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that is silent for 3 s before its first line is served",
        why: "to be idle is not to be slow",
        run: |stage| is_idle(stage, Duration::from_secs(3)),
        control: Some(A_LINE),
        causes: &[LINE_S_TIME_FOR_IDLING],
        ..Check::PLAIN
    },
    Check {
        name: "a client that is silent for 9 s before or between lines is served",
        why: "people think before they type",
        run: |stage| is_idle(stage, LONG),
        control: Some(Control {
            name: "3 s of silence",
            run: |stage| is_idle(stage, Duration::from_secs(3)),
        }),
        causes: &[LINE_S_TIME_FOR_IDLING],
        ..Check::PLAIN
    },
];

const A_LINE: Control = Control {
    name: "a line without a pause",
    run: |stage| answered(stage, b"hello\n", b"5\n"),
};

const FALLS_SILENT: Control = Control {
    name: "a client that begins a line and falls silent",
    run: |stage| {
        let mut mallory = stage.client("mallory")?;
        let since = Instant::now();
        mallory.says(b"hel")?;
        is_too_slow(stage, &mut mallory, since)
    },
};

const PER_READ: Cause = Cause {
    symptoms: &[],
    likely: "each read gets a timeout of its own",
    advice: "fix the line's deadline at its first byte; before each read set what is left until then",
};

const LINE_S_TIME_FOR_IDLING: Cause = Cause {
    symptoms: &[],
    likely: "the time for a line, or another short one, holds also while no line has begun",
    advice: "no byte of a line is there: then wait for more than 10 s",
};

/// A client of its own says this and hears that.
fn answered(stage: &Stage, lines: &[u8], answers: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(lines)?;
    alice.hears(answers)
}

/// The client is told so, in time: its line's first byte was sent after `since`.
fn is_too_slow(stage: &Stage, client: &mut Client, since: Instant) -> Told {
    client.hears(TOO_SLOW)?;
    let after = client.last_arrival() - since;
    let got = format!("after {} ms", after.as_millis());
    if after < LEAST {
        return client.fails(
            Symptom::Early,
            "the refusal 2 s after the first byte",
            got,
            "",
        );
    }
    match stage.server()?.was_late(since, after, MOST)? {
        true => client.fails(
            Symptom::Late,
            "the refusal within 3 s of the first byte",
            got,
            "",
        ),
        false => Ok(()),
    }
}

/// A new client says these pieces, each after so many milliseconds.
fn with_pauses(stage: &Stage, pieces: &[(u64, &[u8])], answer: &[u8]) -> Told {
    in_pieces(stage, &mut stage.client("alice")?, pieces, answer)
}

/// The same of a client that is there. Where the machine was so slow that the line took too long
/// after all, nothing can be said.
fn in_pieces(stage: &Stage, alice: &mut Client, pieces: &[(u64, &[u8])], answer: &[u8]) -> Told {
    let mut since = Instant::now();
    for (i, (pause, piece)) in pieces.iter().enumerate() {
        thread::sleep(Duration::from_millis(*pause));
        if i == 0 {
            since = Instant::now();
        }
        alice.says(piece)?;
    }
    let done = since.elapsed();
    let heard = alice.hears(answer);
    stage.server()?.unless_slowed(since, done, LINE, heard)
}

/// A client that is silent for so long before its first line, and one between two lines.
fn is_idle(stage: &Stage, pause: Duration) -> Told {
    let since = Instant::now();
    let (mut alice, mut bob) = (stage.client("alice")?, stage.client("bob")?);
    bob.says(b"hello\n")?;
    bob.hears(b"5\n")?;
    thread::sleep(pause);
    for client in [&mut alice, &mut bob] {
        client.says(b"still here\n")?;
    }
    let done = since.elapsed();
    for client in [&mut alice, &mut bob] {
        let heard = client.hears(b"10\n");
        stage.server()?.unless_slowed(since, done, IDLE, heard)?;
    }
    Ok(())
}
