//! `ex03_polite_refusal`.

use super::{HELD_UP, answered, answered_in_two, idle_clients, random_lines};
use crate::grader::check::{Cause, Check, Control, Stop};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that ex03_polite_refusal lets pass.
const MOST: usize = 1024;

const REFUSAL: &[u8] = b"error: line too long\n";

/// How long a client that was refused may go on writing.
const FAREWELL: Duration = Duration::from_millis(500);

/// When a client that was refused must have been let go.
const GONE: Duration = Duration::from_secs(2);

pub const POLITE_REFUSAL: &[Check] = &[
    Check {
        name: "lines are answered by their lengths",
        why: "this is what the server is for: to refuse is the exception",
        run: |stage| answered(stage, b"hello\none\r\n\n\xff\xfe\r\r\n", b"5\n3\n0\n3\n"),
        ..Check::PLAIN
    },
    Check {
        name: "a line of 1,024 bytes is answered",
        why: "a limit includes its last value, and an ending is no part of the line",
        run: |stage| {
            let line = [&[b'x'; MOST][..], b"\n", &[b'x'; MOST], b"\r\nend\n"].concat();
            answered(stage, &line, b"1024\n1024\n3\n")
        },
        control: Some(Control {
            name: "lines of 1,000 bytes",
            run: |stage| {
                let line = [&[b'x'; 1000][..], b"\n", &[b'x'; 1000], b"\r\nend\n"].concat();
                answered(stage, &line, b"1000\n1000\n3\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit is one or two too low, or counts the ending",
            advice: "take the ending off before the line is measured",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a longer line is refused",
        why: "the peer chooses how much is sent: somebody must choose how much is kept",
        run: |stage| answered(stage, &[&[b'x'; MOST + 1][..], b"\n"].concat(), REFUSAL),
        control: Some(FULL_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "there is no limit, or it is too high, or the refusal has other words",
                advice: "compare the length without the ending with 1,024",
            },
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "the connection ends before the whole refusal was sent",
                advice: "the refusal is a line, with an LF, and all of it is sent before the end",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a line is refused before its LF has come",
        why: "who waits for the end of a line without one fills the memory while waiting",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&[b'x'; MOST + 1])?;
            alice.hears(REFUSAL)
        },
        control: Some(Control {
            name: "the same line with an LF",
            run: |stage| answered(stage, &[&[b'x'; MOST + 1][..], b"\n"].concat(), REFUSAL),
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Silence],
            likely: "the length is looked at when the LF has come, or when more bytes have",
            advice: "decide with the 1,025th byte: limit what is gathered, not what was gathered",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "1,024 bytes and a CR are not refused",
        why: "the CR may be the first half of the ending, and the next read brings the other",
        run: |stage| {
            let bytes = [&[b'x'; MOST][..], b"\r\nend\n"].concat();
            let (first, second) = bytes.split_at(MOST + 1);
            answered_in_two(stage, [first, second], b"1024\n3\n")
        },
        control: Some(Control {
            name: "the same bytes, split behind the thousandth",
            run: |stage| {
                let bytes = [&[b'x'; MOST][..], b"\r\nend\n"].concat();
                let (first, second) = bytes.split_at(1000);
                answered_in_two(stage, [first, second], b"1024\n3\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the CR is counted while its LF is not there yet",
            advice: "with 1,025 bytes of which the last is a CR, the next byte decides",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "1,024 bytes, a CR and another byte are refused",
        why: "then the CR was no ending, but one byte too many",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&[&[b'x'; MOST][..], b"\rx"].concat())?;
            alice.hears(REFUSAL)
        },
        control: Some(Control {
            name: "1,026 bytes without a CR",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(&[b'x'; MOST + 2])?;
                alice.hears(REFUSAL)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server waits for an LF because there is a CR",
            advice: "a CR that isn't followed by LF is part of the line",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a long line that comes in pieces is refused",
        why: "what counts is the line, not how much of it one read returned",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says_slowly(&[b'x'; MOST], 256)?;
            alice.says(b"x")?;
            alice.hears(REFUSAL)
        },
        control: Some(Control {
            name: "the same bytes in one write",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(&[b'x'; MOST + 1])?;
                alice.hears(REFUSAL)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit is held against one read, not against what has been gathered",
            advice: "measure the whole line so far",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "many bytes in short lines are not refused",
        why: "the limit is a line's, not a client's",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let (lines, answers) = random_lines(stage, 200, 80);
            alice.says(&lines)?;
            alice.says(&[b'y'; MOST])?;
            alice.says(b"\n")?;
            alice.hears(&[&answers[..], b"1024\n"].concat())
        },
        control: Some(Control {
            name: "fewer of them, and the long line from another client",
            run: |stage| {
                let (lines, answers) = random_lines(stage, 10, 80);
                answered(stage, &lines, &answers)?;
                (FULL_LINE.run)(stage)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "what was counted for one line is counted on for the next",
            advice: "begin at 0 with each line: a limit on the whole stream runs out",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "earlier lines are answered before the refusal",
        why: "they were right, and came first",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let lines = [&b"one\nthree\n"[..], &[b'x'; 3 * MOST], b"\n"].concat();
            alice.says(&lines)?;
            alice.hears(&[b"3\n5\n", REFUSAL].concat())
        },
        control: Some(Control {
            name: "the long line alone",
            run: |stage| answered(stage, &[&[b'x'; 3 * MOST][..], b"\n"].concat(), REFUSAL),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a long read is refused before the lines in it are looked at, or earlier answers still wait \
                     in a buffer",
            advice: "go through what was read line by line, in order; send what is owed before the refusal",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "behind the refusal comes a FIN, no reset and no answer",
        why: "after a reset nobody knows whether all was said; on some systems what was said is gone",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let more = b"short\n".repeat(5_000);
            alice.says(&[&[b'x'; MOST + 1][..], b"\n", &more].concat())?;
            alice.hears(REFUSAL)?;
            alice.hears_clean_end()
        },
        control: Some(Control {
            name: "the same refusal, whatever follows it",
            run: |stage| answered(stage, &[&[b'x'; MOST + 1][..], b"\n"].concat(), REFUSAL),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Reset],
                likely: "the stream is closed while bytes of the client are unread",
                advice: "shut down the writing half, then read what comes, and close after that",
            },
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "lines behind the long one are still answered",
                advice: "what is read after a refusal is read to be thrown away",
            },
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the connection stays open after the refusal",
                advice: "the server has said all: a FIN says that",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the FIN comes within 0.5 s though the client stays",
        why: "a client that reads to the end waits for it: the FIN need not wait for the client",
        points: 2,
        run: |stage| {
            let (mut alice, _) = refused(stage)?;
            alice.hears_clean_end_within(FAREWELL)
        },
        control: Some(Control {
            name: "the same with a client that half-closes",
            run: |stage| {
                let (mut alice, _) = refused(stage)?;
                alice.half_closes()?;
                alice.hears_end()
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Late, Symptom::StillOpen],
            likely: "the server reads to the client's end first, and says goodbye after that",
            advice: "half-close before you read on: a close is too late for it",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "what the client writes in the next 0.5 s is taken",
        why: "it was on its way when the refusal was: a client must be able to finish its write",
        points: 2,
        run: |stage| {
            let (mut alice, since) = refused(stage)?;
            alice.hears_clean_end()?;
            alice.goes_on_writing(since, FAREWELL)
        },
        control: Some(REFUSED_WITH_A_FIN),
        causes: &[Cause {
            symptoms: &[],
            likely: "it isn't read on: the stream is closed at once or after a read, or both its halves are shut \
                     down, and what comes then meets a reset",
            advice: "half-close by `Shutdown::Write`, then read on for a while; only then let the stream go",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what the client sends after the refusal is read",
        why: "what is unread by the time of the close turns it into a reset",
        points: 2,
        run: |stage| {
            // Its FIN may take half a second: it isn't waited for.
            let (mut alice, since) = refused(stage)?;
            alice.says_and_is_read(&[b'y'; 10_000], since, FAREWELL)
        },
        control: Some(Control {
            name: "the same with a byte every 10 ms, be it read or not",
            run: |stage| {
                let (mut alice, since) = refused(stage)?;
                alice.hears_clean_end()?;
                alice.goes_on_writing(since, FAREWELL)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server only waits for a while, and reads once or not at all",
            advice: "read in a loop, into a buffer that nobody looks at",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a refused client that stays silent is gone after 2 s",
        why: "politeness has a limit too: else each refusal costs a thread and a descriptor for ever",
        points: 2,
        run: |stage| {
            let (mut alice, _) = refused(stage)?;
            alice.hears_end()?;
            alice.is_let_go_within(GONE)
        },
        control: Some(Control {
            name: "the same with a client that half-closes",
            run: |stage| {
                let (mut alice, _) = refused(stage)?;
                alice.hears_end()?;
                alice.half_closes()?;
                alice.is_let_go_within(GONE)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server waits for the client's end too long, or without a timeout, or keeps \
                     the stream",
            advice: "give each read what is left of one second as its timeout; then let go of \
                     every handle of the stream",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a refused client that goes on talking is gone after 2 s",
        why: "a timeout for each read is no deadline: a byte now and then keeps it from expiring",
        points: 2,
        run: |stage| {
            let (mut alice, _) = refused(stage)?;
            alice.hears_end()?;
            alice.is_let_go_within_though_it_writes(GONE)
        },
        control: Some(Control {
            name: "the same with a client that stays silent",
            run: |stage| {
                let (mut alice, _) = refused(stage)?;
                alice.hears_end()?;
                alice.is_let_go_within(GONE)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "each byte that comes starts the second anew",
            advice: "note the moment at which it ends, and give each read what is left until then",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a refusal ends nothing for the others",
        why: "they have done nothing wrong",
        run: |stage| {
            let (mut mallory, _) = refused(stage)?;
            answered(stage, b"hello\n", b"5\n")?;
            mallory.half_closes()?;
            mallory.hears_end()?;
            // Whatever the server does about her departure, it has the time for it.
            thread::sleep(Duration::from_millis(300));
            answered(stage, b"still there?\n", b"12\n")
        },
        control: Some(Control {
            name: "the same refusal, with nobody else there",
            run: |stage| {
                let (mut mallory, _) = refused(stage)?;
                mallory.half_closes()?;
                mallory.hears_end()
            },
        }),
        causes: &[Cause {
            symptoms: &[
                Symptom::Exit,
                Symptom::Silence,
                Symptom::End,
                Symptom::Reset,
            ],
            likely: "a refusal, or an error of the one who was refused, ends the server",
            advice: "refuse in the client's own thread, and let its errors end there",
        }],
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
        control: Some(Control {
            name: "the same lines without the half-close",
            run: |stage| answered(stage, b"one\nthree\n", b"3\n5\n"),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "the end of the stream is taken for the end of a line",
                advice: "look whether what was read ends with an LF",
            },
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the end of the client's stream goes unnoticed, or the stream is kept",
                advice: "a read of 0 bytes is the end: leave the loop and let the stream go",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "twenty idle clients hold nobody up",
        why: "people open connections and say nothing: that must not be everybody's problem",
        run: |stage| {
            let _idle = idle_clients(stage, 20, b"half a li")?;
            answered(stage, b"hello\n", b"5\n")
        },
        control: Some(Control {
            name: "the same once they have gone",
            run: |stage| {
                idle_clients(stage, 20, b"half a li")?;
                answered(stage, b"hello\n", b"5\n")
            },
        }),
        causes: &[HELD_UP],
        ..Check::PLAIN
    },
];

const FULL_LINE: Control = Control {
    name: "a line of 1,024 bytes",
    run: |stage| answered(stage, &[&[b'x'; MOST][..], b"\n"].concat(), b"1024\n"),
};

const REFUSED_WITH_A_FIN: Control = Control {
    name: "the same refusal and FIN, with nothing written after it",
    run: |stage| refused(stage)?.0.hears_clean_end(),
};

/// A client that was refused just now, and the moment before it said what it was refused for.
fn refused(stage: &Stage) -> Result<(Client, Instant), Stop> {
    let mut alice = stage.client("alice")?;
    let since = Instant::now();
    alice.says(&[b'x'; MOST + 1])?;
    alice.hears(REFUSAL)?;
    Ok((alice, since))
}
