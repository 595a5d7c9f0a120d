//! What is graded of chapter 3's exercises.

use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that ex03_line_server must know.
const LONG: usize = 60_000;

/// The longest line that ex03_polite_refusal lets pass.
const MOST: usize = 1024;

const REFUSAL: &[u8] = b"error: line too long\n";

/// How long a client that was refused may go on writing.
const FAREWELL: Duration = Duration::from_millis(500);

/// When a client that was refused must have been let go.
const GONE: Duration = Duration::from_secs(2);

pub const LINE_SERVER: &[Check] = &[
    Check {
        name: "a line is answered by its length",
        why: "this is what the server is for",
        run: |stage| answered(stage, b"hello\n", b"5\n"),
        ..Check::PLAIN
    },
    Check {
        name: "line after line is answered, an empty one too",
        why: "a conversation goes on until the client ends it",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for (line, length) in [
                (&b"one\n"[..], &b"3\n"[..]),
                (b"\n", b"0\n"),
                (b"four\n", b"4\n"),
            ] {
                alice.says(line)?;
                alice.hears(length)?;
            }
            Ok(())
        },
        control: Some(ONE_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "the first line, or an empty one, is taken for all that the client says",
                advice: "only a read of 0 bytes is the end; a line of 0 bytes is a line",
            },
            Cause {
                symptoms: &[],
                likely: "what is kept of one line is not given up for the next",
                advice: "look at what the buffer holds when the second line begins",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "three lines in one write get three answers",
        why: "TCP carries bytes, not messages: one read may hold several lines",
        points: 2,
        run: |stage| answered(stage, b"one\nfive!\n\n", b"3\n5\n0\n"),
        control: Some(LINE_BY_LINE),
        causes: &[ONE_READ_ONE_LINE],
        ..Check::PLAIN
    },
    Check {
        name: "a line that comes in pieces gets one answer",
        why: "a read returns what has arrived by then, which may be half a line",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says_slowly(b"hello, world\n", 4)?;
            alice.hears(b"12\n")?;
            // The answer to this is the fence: what comes before it was not asked for.
            alice.says(b"!\n")?;
            alice.hears(b"1\n")
        },
        control: Some(LINE_BY_LINE),
        causes: &[ONE_READ_ONE_LINE],
        ..Check::PLAIN
    },
    Check {
        name: "half a line waits for its other half",
        why: "one read may end a line and begin the next: what is left over belongs to the next",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"one\ntw")?;
            alice.hears(b"3\n")?;
            alice.fence()?;
            alice.says(b"elve\nfi")?;
            alice.hears(b"6\n")?;
            alice.fence()?;
            alice.says(b"ve\n")?;
            alice.hears(b"4\n")
        },
        control: Some(LINE_BY_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "what a read returned behind the LF is lost, or starts a line anew",
            advice: "keep one buffer for the whole conversation, not one for each line",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "CR LF ends a line as LF does",
        why: "many clients end their lines with CR LF: telnet, and whoever speaks HTTP or SMTP",
        run: |stage| answered(stage, b"hello\r\n\r\nbye\n", b"5\n0\n3\n"),
        control: Some(LINE_BY_LINE),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "the CR is counted",
            advice: "when the LF is taken off, look whether a CR stands before it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a CR LF that is split ends one line",
        why: "a read may stop between any two bytes, also between these",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"hello\r")?;
            alice.fence()?;
            alice.says(b"\nbye\r\n")?;
            alice.hears(b"5\n3\n")
        },
        control: Some(Control {
            name: "the same bytes in one write",
            run: |stage| answered(stage, b"hello\r\nbye\r\n", b"5\n3\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a CR at the end of a read is judged before the next byte is there",
            advice: "gather the line up to its LF first, then look for the CR before it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "only one CR, directly before the LF, belongs to the ending",
        why: "elsewhere a CR is a byte like others",
        run: |stage| answered(stage, b"a\rb\r\r\n\r\r\n\rx\n", b"4\n1\n2\n"),
        control: Some(Control {
            name: "lines with no CR but the ending's",
            run: |stage| answered(stage, b"ab\r\nx\n", b"2\n1\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a CR ends a line, or all of them are taken off",
            advice: "take off the LF, then at most one CR; trimming takes more",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "white space at the ends of a line is counted",
        why: "it is what the client sent: only the ending is not part of the line",
        run: |stage| answered(stage, b"  a \t\n \n", b"5\n1\n"),
        control: Some(LINE_BY_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the line is trimmed",
            advice: "take off the ending alone",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "bytes are counted, not characters",
        why: "a length on the wire is a number of bytes: a character has one to four",
        run: |stage| answered(stage, "é\n€uro\n\u{1f980}\n".as_bytes(), b"2\n6\n4\n"),
        control: Some(LINE_BY_LINE),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "characters are counted",
            advice: "ask the bytes for their number before they are turned into text",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "bytes that are not UTF-8 are counted as well",
        why: "a peer may send any bytes, and one who does must not end the conversation",
        run: |stage| answered(stage, b"\xff\xfe\0\n\xc3\x28\nok\n", b"3\n2\n2\n"),
        control: Some(Control {
            name: "lines of text",
            run: |stage| answered(stage, b"abc\nde\nok\n", b"3\n2\n2\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the line is turned into text on its way",
            advice: "read into bytes: read_line and lines() want UTF-8, and end at what isn't",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a split inside a character changes nothing",
        why: "a read may stop between the two bytes of an é: each half alone is no UTF-8",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"caf\xc3")?;
            alice.fence()?;
            alice.says(b"\xa9\n")?;
            alice.hears(b"5\n")
        },
        control: Some(Control {
            name: "the same line in one write",
            run: |stage| answered(stage, b"caf\xc3\xa9\n", b"5\n"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "each read is decoded by itself, and half a character is replaced or refused",
            advice: "decode whole lines, or none: their length needs no text",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a line of 60,000 bytes is answered",
        why: "a line may be longer than any one read, and longer than a buffer that seemed large",
        run: |stage| {
            let line = [&[b'x'; LONG][..], b"\r\nend\n"].concat();
            answered(stage, &line, b"60000\n3\n")
        },
        control: Some(Control {
            name: "a line of 600 bytes",
            run: |stage| {
                let line = [&[b'x'; 600][..], b"\r\nend\n"].concat();
                answered(stage, &line, b"600\n3\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a line ends where a buffer does",
            advice: "only an LF ends a line: gather what several reads return",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "wherever the lines are cut, the answers are the same",
        why: "where the network cuts a stream has nothing to do with what was sent",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for cut in 1..CUT.0.len() {
                let remark = |stop: Stop| stop.remarked(|_| Some(format!("cut behind byte {cut}")));
                alice.says(&CUT.0[..cut])?;
                alice.fence()?;
                alice.says(&CUT.0[cut..])?;
                alice.hears(CUT.1).map_err(remark)?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same lines uncut",
            run: |stage| answered(stage, CUT.0, CUT.1),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a line's beginning or its ending is judged by the read that it came with",
            advice: "play the cut on paper: what does the buffer hold after each of the two reads?",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "5,000 lines at once are all answered",
        why: "a client need not wait for an answer before it asks again",
        run: |stage| {
            let (lines, answers) = random_lines(stage, 5_000, 60);
            answered(stage, &lines, &answers)
        },
        control: Some(Control {
            name: "50 lines at once",
            run: |stage| {
                let (lines, answers) = random_lines(stage, 50, 60);
                answered(stage, &lines, &answers)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "some lines are dropped, or the rest of a full buffer is",
            advice: "look at what happens with a line that begins in one read and ends in the next",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "after the half-close come the answers, then the end",
        why: "a client that has said all still listens",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.stops_reading();
            alice.says(b"one\nthree\n")?;
            alice.half_closes()?;
            alice.reads_again();
            alice.hears(b"3\n5\n")?;
            alice.hears_end()
        },
        control: Some(Control {
            name: "the same lines without the half-close",
            run: |stage| answered(stage, b"one\nthree\n", b"3\n5\n"),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the end of the client's stream goes unnoticed, or the stream is kept",
                advice: "a read of 0 bytes is the end: leave the loop and let the stream go",
            },
            Cause {
                symptoms: &[],
                likely: "the end of the client's stream ends the connection before all is answered",
                advice: "answer what is there, then close",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an unterminated last line gets no answer",
        why: "without its LF nobody knows whether it was whole: the client may have crashed",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(b"whole\nhalf a li")?;
            alice.half_closes()?;
            alice.hears(b"5\n")?;
            alice.hears_end()
        },
        control: Some(Control {
            name: "the same with an LF at the end",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"whole\nhalf a li\n")?;
                alice.half_closes()?;
                alice.hears(b"5\n9\n")?;
                alice.hears_end()
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Extra],
            likely: "the end of the stream is taken for the end of a line",
            advice: "look whether what was read ends with an LF; lines() doesn't tell",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "twenty idle clients hold nobody up",
        why: "people open connections and say nothing: that must not be everybody's problem",
        points: 2,
        run: |stage| {
            let _idle = idle_clients(stage, 20, b"half a li")?;
            answered(stage, b"hello\n", b"5\n")
        },
        control: Some(ONE_LINE),
        causes: &[HELD_UP],
        ..Check::PLAIN
    },
];

/// Lines of all kinds, and what they are answered by.
const CUT: (&[u8], &[u8]) = (b"x\r\nab\r\n\n\r\r\nc\xc3\xa9\n", b"1\n2\n0\n1\n3\n");

const ONE_LINE: Control = Control {
    name: "one line, once",
    run: |stage| answered(stage, b"hello\n", b"5\n"),
};

const LINE_BY_LINE: Control = Control {
    name: "whole lines of letters, one by one",
    run: |stage| {
        let mut alice = stage.client("alice")?;
        for (line, length) in [(&b"one\n"[..], &b"3\n"[..]), (b"three\n", b"5\n")] {
            alice.says(line)?;
            alice.hears(length)?;
        }
        Ok(())
    },
};

const ONE_READ_ONE_LINE: Cause = Cause {
    symptoms: &[],
    likely: "what one read() returned was taken for one line",
    advice: "gather bytes until there is an LF, and keep what is behind it",
};

const HELD_UP: Cause = Cause {
    symptoms: &[Symptom::Silence],
    likely: "the server waits for one client while others are there",
    advice: "give each client a thread of its own, and accept on",
};

/// A client of its own says this and hears that.
fn answered(stage: &Stage, lines: &[u8], answers: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(lines)?;
    alice.hears(answers)
}

/// So many clients that have connected, the first with half a line, and say nothing more.
fn idle_clients(stage: &Stage, count: usize, half: &[u8]) -> Result<Vec<Client>, Stop> {
    let mut idle = Vec::new();
    for number in 1..=count {
        let mut client = stage.client(&format!("idle {number}"))?;
        if idle.is_empty() {
            client.says(half)?;
        }
        idle.push(client);
    }
    Ok(idle)
}

/// Random lines, some ending with CR LF, and what they are answered by.
fn random_lines(stage: &Stage, count: usize, longest: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut lines, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut line = stage.random_bytes(stage.random_below(longest));
        // Neither an ending of their own nor a CR that would belong to one.
        line.iter_mut()
            .filter(|byte| matches!(**byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b'.');
        answers.extend(format!("{}\n", line.len()).bytes());
        lines.append(&mut line);
        lines.extend(if stage.random_below(3) == 0 {
            &b"\r\n"[..]
        } else {
            b"\n"
        });
    }
    (lines, answers)
}

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
            likely: "what one read() returned was taken for all of it",
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
        control: Some(THREE_BYTES),
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
        control: Some(THREE_BYTES),
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
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the sum has 32 bits, and began anew at 4,294,967,296",
                advice: "add in 64 bits: each byte has to be widened before it is added",
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
            name: "the same uploads one after the other",
            run: |stage| {
                uploaded(stage, b"xyz!", "4 bytes, sum 396\n")?;
                uploaded(stage, b"abcd", "4 bytes, sum 394\n")
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
        control: Some(THREE_BYTES),
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
        causes: &[Cause {
            symptoms: &[],
            likely: "there is no limit, or it is too high, or the refusal has other words",
            advice: "compare the length without the ending with 1,024",
        }],
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
            let mut alice = stage.client("alice")?;
            alice.says(&[&[b'x'; MOST][..], b"\r"].concat())?;
            alice.fence()?;
            alice.says(b"\nend\n")?;
            alice.hears(b"1024\n3\n")
        },
        control: Some(Control {
            name: "the same bytes in one write",
            run: |stage| {
                answered(
                    stage,
                    &[&[b'x'; MOST][..], b"\r\nend\n"].concat(),
                    b"1024\n3\n",
                )
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
        control: Some(FULL_LINE),
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
            likely: "a long read is refused before the lines in it are looked at",
            advice: "go through what was read line by line, in order",
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
                symptoms: &[],
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
        control: Some(REFUSED),
        causes: &[Cause {
            symptoms: &[],
            likely: "the stream is closed right after the refusal: what comes then meets a reset",
            advice: "half-close, then read on for a while; only then let the stream go",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what the client sends after the refusal is read",
        why: "what is unread by the time of the close turns it into a reset",
        points: 2,
        run: |stage| {
            let (mut alice, since) = refused(stage)?;
            alice.hears_clean_end()?;
            alice.says_and_is_read(&[b'y'; 10_000], since, FAREWELL)
        },
        control: Some(REFUSED),
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
        control: Some(REFUSED),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server waits for the client's end without a timeout",
            advice: "give each read what is left of one second as its timeout",
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
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of the stream is taken for the end of a line, or goes unnoticed",
            advice: "look whether what was read ends with an LF",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "twenty idle clients hold nobody up",
        why: "people open connections and say nothing: that must not be everybody's problem",
        run: |stage| {
            let _idle = idle_clients(stage, 20, b"half a li")?;
            answered(stage, b"hello\n", b"5\n")
        },
        control: Some(ONE_LINE),
        causes: &[HELD_UP],
        ..Check::PLAIN
    },
];

const FULL_LINE: Control = Control {
    name: "a line of 1,024 bytes",
    run: |stage| answered(stage, &[&[b'x'; MOST][..], b"\n"].concat(), b"1024\n"),
};

const REFUSED: Control = Control {
    name: "the refusal itself",
    run: |stage| refused(stage).map(|_| ()),
};

/// A client that was refused just now, and the moment before it said what it was refused for.
fn refused(stage: &Stage) -> Result<(Client, Instant), Stop> {
    let mut alice = stage.client("alice")?;
    let since = Instant::now();
    alice.says(&[b'x'; MOST + 1])?;
    alice.hears(REFUSAL)?;
    Ok((alice, since))
}
