//! What is graded of `ex05_retry`.

use super::{ONLY_ITS_BEGINNING, sent_to_us};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use std::thread;
use std::time::{Duration, Instant};

/// The shortest and the longest wait after each of the first four failures, in milliseconds. Rounded up
/// or down is right either way.
const WAITS: [(u64, u64); 4] = [(149, 251), (299, 501), (599, 1_000), (1_000, 1_000)];

/// What a program may take beside its waits: to end, and what sleeping rounds up.
/// On Windows a refused connect asks again before it says so: each attempt takes its second.
const BESIDES: Duration = Duration::from_millis(if cfg!(windows) { 4_900 } else { 900 });

/// What a start and an attempt that is refused take mostly; that is in [`BESIDES`].
const ORDINARY: Duration = Duration::from_millis(75);

/// Clocks differ, and some timers count in whole milliseconds.
const CLOCKS: Duration = Duration::from_millis(20);

pub const RETRY: &[Check] = &[
    Check {
        name: "a server that is there gets stdin, and its reply is printed",
        why: "first the plain case",
        run: |stage| talks(stage, b"hello\n", b"good day\n"),
        ..Check::PLAIN
    },
    Check {
        name: "all of stdin arrives and all of the reply is printed, whatever the bytes",
        why: "half a file that looks like a whole one is worse than an error",
        run: |stage| {
            let (stdin, reply) = (stage.random_bytes(1 << 20), stage.random_bytes(1 << 20));
            talks(stage, &stdin, &reply)
        },
        control: Some(A_LINE),
        causes: &[ONLY_ITS_BEGINNING],
        ..Check::PLAIN
    },
    Check {
        name: "five attempts at an address that refuses, then exit status 1",
        why: "to try for ever is to hide that something is broken",
        points: 2,
        run: |stage| refused(stage).map(|_| ()),
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "it goes on trying",
                advice: "count the attempts, and end after the fifth",
            },
            Cause {
                symptoms: &[Symptom::Words],
                likely: "another number of attempts, or other words: `attempt K of 5 failed: ERROR`",
                advice: "a line on stderr for each failure, the first and the last too",
            },
            Cause {
                symptoms: &[Symptom::Status],
                likely: "the last failure is no failure of the program, or is a panic",
                advice: "when the fifth attempt has failed, exit status 1",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "each failure is told with its error",
        why: "refused, unreachable and timed out have different remedies",
        run: |stage| {
            let (pupil, attempts) = refused(stage)?;
            match attempts
                .iter()
                .find(|attempt| !attempt.error.contains(char::is_alphabetic))
            {
                None => Ok(()),
                Some(attempt) => pupil.fails(
                    Symptom::Words,
                    "the error behind `failed: `",
                    format!("on stderr: {}", attempt.line),
                ),
            }
        },
        control: Some(FIVE_ATTEMPTS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the error is dropped where the next attempt is made",
            advice: "print it with the attempt: `attempt K of 5 failed: ERROR`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the wait is told behind each failure but the last",
        why: "who watches wants to know whether it hangs or waits",
        run: |stage| {
            let (pupil, attempts) = refused(stage)?;
            for (k, attempt) in (1..).zip(&attempts) {
                let (fits, due) = match k {
                    5 => (
                        attempt.wait.is_none(),
                        "no wait behind the fifth failure".to_string(),
                    ),
                    _ => (
                        attempt.wait.is_some(),
                        format!("`, waiting W ms` behind failure {k}"),
                    ),
                };
                if !fits {
                    let got = format!("on stderr: {}", attempt.line);
                    return pupil.fails(Symptom::Words, due, got);
                }
            }
            Ok(())
        },
        control: Some(FIVE_ATTEMPTS),
        causes: &[Cause {
            symptoms: &[],
            likely: "it doesn't wait, or waits after the last attempt too, or says it otherwise",
            advice: "choose the wait, tell it in whole milliseconds, then wait; not after the fifth",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the first three waits are 200, 400 and 800 ms, give or take a quarter",
        why: "a server that is overloaded needs pauses that grow; one that starts, short ones first",
        points: 2,
        run: |stage| waits_fit(stage, 0..3),
        control: Some(FOUR_WAITS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the waits don't double, begin elsewhere, or vary by more than a quarter",
            advice: "after failure n: 100·2ⁿ ms, times something from 0.75 to 1.25",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the fourth wait is cut to 1 s",
        why: "what doubles without a cap is minutes soon: longer than anybody waits",
        run: |stage| waits_fit(stage, 3..4),
        control: Some(FOUR_WAITS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the wait has no cap, or the cap comes before the quarter is added or taken",
            advice: "1600 ms, give or take a quarter, is always above 1 s: then cut it to 1000 ms",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "it waits as long as it says",
        why: "a number in a trail that isn't true misleads whoever reads it",
        points: 2,
        run: |stage| {
            let nobody = stage.refusing()?;
            let pupil = stage.starts(nobody.addr, &[], b"hello\n")?;
            // Before that it may take long to start. (One whose stderr comes at its end is believed.)
            pupil.program().notes_on_stderr("attempt 1 of 5 failed")?;
            let first = Instant::now();
            let told = told(&attempts(&pupil)?);
            let (_, took) = pupil.ends()?;
            if took + CLOCKS < told {
                let expected = format!("it has told waits of {} ms in all", told.as_millis());
                let got = format!("it ended {} ms after its start", took.as_millis());
                return pupil.fails(Symptom::Early, expected, got);
            }
            let ended = pupil.program().started() + took;
            let took = ended.saturating_duration_since(first);
            pupil.was_in_time(
                first,
                took,
                told + BESIDES + four_more(&pupil, first),
                "its end",
            )
        },
        control: Some(FOUR_WAITS),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "it tells the wait, and doesn't wait, or less",
                advice: "sleep for the same number that you print",
            },
            Cause {
                symptoms: &[],
                likely: "it waits longer than it tells, or also after the last attempt",
                advice: "print the wait after the cap, and sleep for that",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "two that start together don't wait the same",
        why: "clients that failed together would come again together, and overload the server again",
        points: 2,
        run: |stage| {
            let (here, there) = (stage.refusing()?, stage.refusing()?);
            let one = stage.starts(here.addr, &[], b"hello\n")?;
            let two = stage.starts(there.addr, &[], b"hello\n")?;
            let (first, second) = (waits(&attempts(&one)?), waits(&attempts(&two)?));
            if first != second {
                return Ok(());
            }
            let got = format!("both waited {first:?} ms");
            two.fails(
                Symptom::Different,
                "waits that differ between two runs",
                got,
            )
        },
        control: Some(FOUR_WAITS),
        causes: &[Cause {
            symptoms: &[],
            likely: "nothing is drawn by lot, or from the same seed in each run",
            advice: "std's only randomness: RandomState::new().build_hasher().finish()",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that comes up later is reached",
        why: "this is what one tries again for",
        points: 2,
        run: |stage| {
            let port = stage.refusing()?;
            let pupil = stage.starts(port.addr, &[], b"hello\n")?;
            pupil.program().notes_on_stderr("attempt 2 of 5 failed")?;
            let addr = port.addr;
            drop(port);
            let listener = stage.listener_at(addr.port())?;
            let came = listener.accepts(&pupil);
            if came.is_err() && pupil.program().outputs().1.has("attempt 5", 0) {
                let why = "the machine was too slow: all attempts may have been over";
                return Err(Stop::Inconclusive(why.to_string()));
            }
            answers(came?, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a failed attempt spoils the next, or they are over too soon",
            advice: "each attempt is a connect of its own; the last is more than 2 s after the first",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an attempt at an address that doesn't answer takes 1 s at most",
        why: "without a timeout the first attempt takes two minutes, and there is no second",
        points: 2,
        run: |stage| {
            let silent = stage.silent()?;
            let pupil = stage.starts(silent.addr, &[], b"hello\n")?;
            let arrival = silent.is_tried(&pupil)?;
            let (_, took) = pupil.ends()?;
            let attempts = attempts(&pupil)?;
            let took = (pupil.program().started() + took) - arrival.seen;
            let limit = Duration::from_secs(5) + told(&attempts) + Duration::from_millis(1_500);
            pupil.was_in_time(arrival.seen, took, limit, "its end")
        },
        control: Some(FIVE_ATTEMPTS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the connect has no timeout, or a longer one",
            advice: "connect with a timeout of one second, in each attempt",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, a reset is no reason to try again",
        why: "the server may have done what it was asked: then it would be done twice",
        points: 2,
        run: |stage| {
            let (pupil, listener) = sent_to_us(stage, b"one order\n")?;
            let mut server = listener.accepts(&pupil)?;
            server.hears(b"one order\n")?;
            server.resets()?;
            listener.is_left_alone_to_the_end(&pupil)?;
            pupil.exits(1)?;
            pupil.says_what_failed()
        },
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "the conversation is a part of the attempt: its failure is tried again",
                advice: "try again what connects, and nothing that comes after it",
            },
            Cause {
                symptoms: &[],
                likely: "an error of the conversation is not told, or not looked at",
                advice: "exit status 1, and a line on stderr that says what failed",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, an end without a reply is no reason to try again",
        why: "nothing came back, and yet the order may have been taken",
        points: 2,
        run: |stage| {
            let (pupil, listener) = sent_to_us(stage, b"one order\n")?;
            let mut server = listener.accepts(&pupil)?;
            server.hears(b"one order\n")?;
            server.hears_end()?;
            server.hangs_up()?;
            listener.is_left_alone_to_the_end(&pupil)
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "an empty reply is taken for a failed attempt",
            advice: "connected is connected: try again what connects, and nothing after it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, a reply may take its time",
        why: "the second is the attempt's; how long an answer may take is another question",
        run: |stage| {
            let (pupil, listener) = sent_to_us(stage, b"hello\n")?;
            let mut server = listener.accepts(&pupil)?;
            server.hears(b"hello\n")?;
            server.hears_end()?;
            thread::sleep(Duration::from_millis(2_500));
            server.says(b"good day\n")?;
            server.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(b"good day\n")
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the attempt's timeout holds for the reply as well",
            advice: "the limit belongs to the connect alone: take it off the stream again",
        }],
        ..Check::PLAIN
    },
];

const A_LINE: Control = Control {
    name: "a server that is there",
    run: |stage| talks(stage, b"hello\n", b"good day\n"),
};

const FIVE_ATTEMPTS: Control = Control {
    name: "the number of attempts at an address that refuses",
    run: |stage| refused(stage).map(|_| ()),
};

const FOUR_WAITS: Control = Control {
    name: "four waits, however long",
    run: |stage| {
        let (pupil, attempts) = refused(stage)?;
        match waits(&attempts).len() {
            4 => Ok(()),
            n => pupil.fails(Symptom::Words, "four waits", format!("{n} of them")),
        }
    },
};

/// The whole of a conversation with a server that is there.
fn talks(stage: &Stage, stdin: &[u8], reply: &[u8]) -> Told {
    let (pupil, listener) = sent_to_us(stage, stdin)?;
    answers(listener.accepts(&pupil)?, &pupil, stdin, reply)
}

fn answers(mut server: Client, pupil: &Pupil, stdin: &[u8], reply: &[u8]) -> Told {
    server.hears(stdin)?;
    server.hears_end()?;
    server.says(reply)?;
    server.hangs_up()?;
    pupil.exits(0)?;
    pupil.printed(reply)
}

/// What stderr says of an attempt.
struct Attempt {
    number: u32,
    error: String,
    /// In milliseconds.
    wait: Option<u64>,
    line: String,
}

impl Attempt {
    /// `attempt K of 5 failed: ERROR, waiting W ms`, anywhere in a line.
    fn parse(line: &str) -> Option<Attempt> {
        let (_, rest) = line.split_once("attempt ")?;
        let (number, rest) = rest.split_once(" of 5 failed:")?;
        let (error, wait) = match rest.rsplit_once(", waiting ") {
            Some((error, wait)) => (
                error,
                wait.split_once(" ms").and_then(|(ms, _)| ms.parse().ok()),
            ),
            None => (rest, None),
        };
        Some(Attempt {
            number: number.parse().ok()?,
            error: error.to_string(),
            wait,
            line: line.to_string(),
        })
    }
}

/// The five attempts that an ended program has told of, and its exit status was 1.
fn attempts(pupil: &Pupil) -> Result<Vec<Attempt>, Stop> {
    pupil.exits(1)?;
    let stderr = pupil.stderr();
    let attempts: Vec<Attempt> = stderr.lines().filter_map(Attempt::parse).collect();
    if attempts.iter().map(|attempt| attempt.number).eq(1..=5) {
        return Ok(attempts);
    }
    let due = "`attempt K of 5 failed: ERROR` on stderr, for K from 1 to 5";
    let numbers: Vec<String> = attempts
        .iter()
        .map(|attempt| attempt.number.to_string())
        .collect();
    let got = match (stderr.lines().next(), numbers.as_slice()) {
        (None, _) => "nothing at all there".to_string(),
        (Some(line), []) => format!("no such line; the first is: {line}"),
        (_, numbers) => format!("such lines for {}", numbers.join(", ")),
    };
    pupil.fails(Symptom::Words, due, got)
}

/// The program at an address that refuses, to its end.
fn refused(stage: &Stage) -> Result<(Pupil, Vec<Attempt>), Stop> {
    let nobody = stage.refusing()?;
    let pupil = stage.starts(nobody.addr, &[], b"hello\n")?;
    let attempts = attempts(&pupil)?;
    pupil.printed(b"")?;
    Ok((pupil, attempts))
}

/// What four attempts take of a program whose first one, with its start, was over then: one that has a
/// process for each attempt takes its time. An attempt takes a second at most.
fn four_more(pupil: &Pupil, first: Instant) -> Duration {
    let one = first.saturating_duration_since(pupil.program().started());
    4 * one.saturating_sub(ORDINARY).min(Duration::from_secs(1))
}

/// The waits that were told, in milliseconds.
fn waits(attempts: &[Attempt]) -> Vec<u64> {
    attempts.iter().filter_map(|attempt| attempt.wait).collect()
}

/// All of them together.
fn told(attempts: &[Attempt]) -> Duration {
    Duration::from_millis(waits(attempts).iter().sum())
}

/// These of the four waits are as long as they may be.
fn waits_fit(stage: &Stage, which: std::ops::Range<usize>) -> Told {
    let (pupil, attempts) = refused(stage)?;
    for n in which {
        let (least, most) = WAITS[n];
        match attempts[n].wait {
            Some(wait) if (least..=most).contains(&wait) => {}
            _ => {
                let due = match least == most {
                    true => format!("a wait of {least} ms after failure {}", n + 1),
                    false => format!("a wait of {least} to {most} ms after failure {}", n + 1),
                };
                let got = format!("on stderr: {}", attempts[n].line);
                return pupil.fails(Symptom::Different, due, got);
            }
        }
    }
    Ok(())
}
