//! `ex03_line_server`.

use super::{HELD_UP, ONE_LINE, answered, answered_in_two, idle_clients, random_lines};
use crate::grader::check::{Cause, Check, Control, Stop};
use crate::grader::failure::{Side, Symptom};

/// The longest line that ex03_line_server must know.
const LONG: usize = 60_000;

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
        told_by: |failure| {
            let is_unanswered = failure.symptom == Symptom::Silence
                && failure.expected == Side::from(&b"0\n"[..])
                && failure.got == Side::from(&b""[..]);
            is_unanswered.then_some(Cause {
                symptoms: &[],
                likely: "an empty line is skipped",
                advice: "a line of 0 bytes is a line, and its length is 0",
            })
        },
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
        control: Some(Control {
            name: "the same lines, one by one",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                for (line, length) in [
                    (&b"one\n"[..], &b"3\n"[..]),
                    (b"five!\n", b"5\n"),
                    (b"\n", b"0\n"),
                ] {
                    alice.says(line)?;
                    alice.hears(length)?;
                }
                Ok(())
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence],
                ..BEHIND_THE_LF
            },
            ONE_READ_ONE_LINE,
        ],
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
        control: Some(Control {
            name: "the same line in one write",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"hello, world\n")?;
                alice.hears(b"12\n")?;
                alice.says(b"!\n")?;
                alice.hears(b"1\n")
            },
        }),
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
        control: Some(Control {
            // Several lines of a read, and several reads of a line, but no read with some of each.
            name: "the same lines, two of them in one write, one in two",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(b"one\ntwelve\n")?;
                alice.hears(b"3\n6\n")?;
                alice.says(b"fi")?;
                alice.fence()?;
                alice.says(b"ve\n")?;
                alice.hears(b"4\n")
            },
        }),
        causes: &[BEHIND_THE_LF],
        ..Check::PLAIN
    },
    Check {
        name: "CR LF ends a line as LF does",
        why: "many clients end their lines with CR LF: telnet, and whoever speaks HTTP or SMTP",
        run: |stage| answered(stage, b"hello\r\n\r\nbye\n", b"5\n0\n3\n"),
        control: Some(Control {
            name: "the same lines, ending with LF alone",
            run: |stage| answered(stage, b"hello\n\nbye\n", b"5\n0\n3\n"),
        }),
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
        run: |stage| answered_in_two(stage, [b"hello\r", b"\nbye\r\n"], b"5\n3\n"),
        control: Some(Control {
            name: "the same bytes, split inside a word",
            run: |stage| answered_in_two(stage, [b"hel", b"lo\r\nbye\r\n"], b"5\n3\n"),
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
            name: "the same lines, a dot for each CR but the ending's",
            run: |stage| answered(stage, b"a.b.\r\n.\r\n.x\n", b"4\n1\n2\n"),
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
        control: Some(Control {
            name: "the same lines, dots for the white space",
            run: |stage| answered(stage, b"..a..\n.\n", b"5\n1\n"),
        }),
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
        control: Some(Control {
            name: "lines of ASCII, as long in bytes",
            run: |stage| answered(stage, b"ee\nEEEuro\ncrab\n", b"2\n6\n4\n"),
        }),
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
        run: |stage| answered_in_two(stage, [b"caf\xc3", b"\xa9\n"], b"5\n"),
        control: Some(Control {
            name: "the same line, split between two characters",
            run: |stage| answered_in_two(stage, [b"caf", b"\xc3\xa9\n"], b"5\n"),
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
            let mut alice = stage.client("alice")?;
            let mut said = 0;
            // In one write the rest may be there before anybody has looked how much there is.
            for end in [20_000, 40_000, LONG - 1, line.len()] {
                alice.says(&line[said..end])?;
                alice.fence()?;
                said = end;
            }
            alice.hears(b"60000\n3\n")
        },
        control: Some(Control {
            name: "a line of 600 bytes in as many pieces",
            run: |stage| {
                let line = [&[b'x'; 600][..], b"\r\nend\n"].concat();
                let mut alice = stage.client("alice")?;
                alice.says_slowly(&line, 200)?;
                alice.hears(b"600\n3\n")
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
            alice.hears_end()?;
            // Half of an ending is none either.
            let mut bob = stage.client("bob")?;
            bob.says(b"whole\nhalf a line\r")?;
            bob.half_closes()?;
            bob.hears(b"5\n")?;
            bob.hears_end().map_err(|stop| {
                stop.remarked(|_| Some("the last line had its CR, and no LF".to_string()))
            })
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

/// Lines of all kinds, and what they are answered by.
const CUT: (&[u8], &[u8]) = (b"x\r\nab\r\n\n\r\r\nc\xc3\xa9\n", b"1\n2\n0\n1\n3\n");

const ONE_READ_ONE_LINE: Cause = Cause {
    symptoms: &[],
    likely: "what one read() returned was taken for one line",
    advice: "gather bytes until there is an LF, and keep what is behind it",
};

const BEHIND_THE_LF: Cause = Cause {
    symptoms: &[],
    likely: "what a read returned behind the LF is lost, or starts a line anew",
    advice: "keep one buffer for the whole conversation, not one for each line",
};
