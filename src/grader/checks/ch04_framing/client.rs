//! `ex04_frame_client`.

use super::{LOST_LEFTOVERS, MAX, ONE_READ, frame, header};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use std::time::Duration;

pub const FRAME_CLIENT: &[Check] = &[
    Check {
        name: "each line of stdin goes out as a frame",
        why: "the length tells the server where a message ends; the LF has done its work by then",
        run: |stage| {
            let (_pupil, mut server) = met(stage, b"hello\nworld\n")?;
            answers(&mut server, &[("hello", "1"), ("world", "2")])
        },
        ..Check::PLAIN
    },
    Check {
        name: "each reply is on a line of stdout",
        why: "what comes back is what counts, not what was sent",
        run: |stage| {
            let pairs = [("hello", "HELLO"), ("world", "and the other")];
            let pupil = talked(stage, b"hello\nworld\n", &pairs)?;
            pupil.printed(b"HELLO\nand the other\n")
        },
        ..Check::PLAIN
    },
    Check {
        name: "exit status 0 when every frame has its reply",
        why: "a script asks the exit status, not a person",
        run: |stage| {
            let (pupil, mut server) = met(stage, b"hello\n")?;
            answers(&mut server, &[("hello", "hello")])?;
            server.hangs_up()?;
            pupil.exits(0)
        },
        ..Check::PLAIN
    },
    Check {
        name: "after the last line comes the half-close",
        why: "it is how the server learns that nothing more will come",
        points: 2,
        run: |stage| {
            let (pupil, mut server) = met(stage, b"hello\n")?;
            answers(&mut server, &[("hello", "hello")])?;
            server.hears_end()?;
            server.hangs_up()?;
            pupil.exits(0)
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[Symptom::StillOpen, Symptom::Silence],
            likely: "the writing side stays open after stdin has ended",
            advice: "shut down the writing half, and read on",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a blank line is a frame of length 0",
        why: "an empty message is a message",
        run: |stage| {
            let (_pupil, mut server) = met(stage, b"\na\n\n")?;
            answers(&mut server, &[("", "1"), ("a", "2"), ("", "3")])?;
            server.hears_end()
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "blank lines are skipped, or end the sending",
            advice: "only a read of 0 bytes is the end of stdin; a blank line is one byte",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty reply is an empty line",
        why: "a length of 0 is no end: the next reply is on its way",
        run: |stage| {
            let pupil = talked(stage, b"a\nb\n", &[("a", ""), ("b", "last")])?;
            pupil.printed(b"\nlast\n")
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a reply of length 0 is taken for the end, or for nothing to print",
            advice: "print a line for each reply, however short",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a last line without LF is sent whole",
        why: "files end without one, and printf says what it is told to say",
        run: |stage| {
            let (_pupil, mut server) = met(stage, b"first\nlast")?;
            answers(&mut server, &[("first", "1"), ("last", "2")])?;
            server.hears_end()
        },
        control: Some(Control {
            name: "the same lines, each with LF",
            run: |stage| {
                let (_pupil, mut server) = met(stage, b"first\nlast\n")?;
                answers(&mut server, &[("first", "1"), ("last", "2")])?;
                server.hears_end()
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the last byte of each line is cut off, or an unfinished line is left out",
            advice: "take the LF away only where there is one",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a CR before the LF is sent: only the LF is taken off",
        why: "what a line holds is its sender's affair: a frame carries any bytes",
        run: |stage| {
            let (_pupil, mut server) = met(stage, b"a\nb\r\n")?;
            answers(&mut server, &[("a", "1"), ("b\r", "2")])?;
            server.hears_end()
        },
        control: Some(Control {
            name: "the same lines without the CR",
            run: |stage| {
                let (_pupil, mut server) = met(stage, b"a\nb\n")?;
                answers(&mut server, &[("a", "1"), ("b", "2")])?;
                server.hears_end()
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "CR LF is taken off as LF is: lines() does that, and so does trimming",
            advice: "read up to the LF as bytes, and take off that one byte",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty stdin sends nothing",
        why: "nothing is an input too, and not the same as a blank line",
        run: |stage| {
            let (pupil, mut server) = met(stage, b"")?;
            server.hears_end()?;
            server.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(b"")
        },
        ..Check::PLAIN
    },
    Check {
        name: "a length counts bytes, not characters",
        why: "the peer cuts bytes; what a character is, is a question of the encoding",
        run: |stage| {
            let (_pupil, mut server) = met(stage, "hej hå → smörgås\n".as_bytes())?;
            answers(&mut server, &[("hej hå → smörgås", "1")])
        },
        control: Some(Control {
            name: "a line of ASCII",
            run: |stage| {
                let (_pupil, mut server) = met(stage, b"hej ha\n")?;
                answers(&mut server, &[("hej ha", "1")])
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the characters are counted",
            advice: "the length is that of the bytes that are sent: encode first, then count",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply whose payload comes in pieces is printed whole",
        why: "one read returns what is there, not what was announced; a character may be cut too",
        points: 2,
        run: |stage| {
            let reply = frame("en lång räksmörgås".as_bytes());
            in_pieces(
                stage,
                &[&reply[..4], &reply[4..9], &reply[9..15], &reply[15..]],
            )
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "what one read() returned was taken for the whole of it, or made text by itself",
            advice: "gather as many bytes as were announced, and keep what is too much; only then make text \
                     of them",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply whose length comes in pieces is printed whole",
        why: "four bytes are as easily cut as four thousand",
        points: 2,
        run: |stage| {
            let reply = frame("en lång räksmörgås".as_bytes());
            in_pieces(stage, &[&reply[..2], &reply[2..]])
        },
        control: Some(ONE_LINE),
        causes: &[ONE_READ],
        ..Check::PLAIN
    },
    Check {
        name: "replies that come together are printed one by one",
        why: "one read may hold several",
        points: 2,
        run: |stage| {
            let (pupil, mut server) = met(stage, b"a\nb\nc\n")?;
            server.hears(&frame(b"a"))?;
            let rest = [frame(b"b"), frame(b"c")].concat();
            // A client that waits for each reply can't be given them together.
            if server.has_come(rest.len(), Duration::from_millis(500)) {
                server.hears(&rest)?;
                server.says(&[frame(b"one"), frame(b"two"), frame(b"three")].concat())?;
            } else {
                server.says(&frame(b"one"))?;
                answers(&mut server, &[("b", "two"), ("c", "three")])?;
            }
            server.hears_end()?;
            server.hangs_up()?;
            ended(&pupil)?;
            pupil.printed(b"one\ntwo\nthree\n")
        },
        control: Some(ONE_LINE),
        causes: &[LOST_LEFTOVERS],
        ..Check::PLAIN
    },
    Check {
        name: "a reply of 1 MiB is printed",
        why: "1,048,576 bytes are allowed, the last of them included",
        run: |stage| long_reply(stage, MAX),
        control: Some(Control {
            name: "a reply of 1 byte less",
            run: |stage| long_reply(stage, MAX - 1),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit refuses what is exactly as long as it allows",
            advice: "compare with `>`: too long begins one byte later",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that is not UTF-8 is an error that says so",
        why: "replaced characters look like an answer; a caller can't tell that they aren't",
        points: 2,
        run: |stage| fails_on(stage, &frame(b"caf\xe9"), "not UTF-8"),
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the bytes are replaced, or printed unseen, or their error has other words",
            advice: "from_utf8 tells; from_utf8_lossy hides",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply cut off in its payload is an error that says so",
        why: "half an answer that looks like a whole one is worse than none",
        points: 2,
        run: |stage| fails_on(stage, &frame(b"hello world")[..9], "truncated"),
        control: Some(ONE_LINE),
        causes: &[TAKEN_FOR_THE_END],
        ..Check::PLAIN
    },
    Check {
        name: "a reply cut off in its length is an error that says so",
        why: "two bytes of a length are no end: something was about to be said",
        points: 2,
        run: |stage| fails_on(stage, &header(11)[..2], "truncated"),
        control: Some(ONE_LINE),
        causes: &[TAKEN_FOR_THE_END],
        ..Check::PLAIN
    },
    Check {
        name: "after the last reply it reads on, to the server's end",
        why: "what comes behind the replies that were due may say that something went wrong",
        run: |stage| {
            let (pupil, mut server) = met(stage, b"hello\n")?;
            answers(&mut server, &[("hello", "hello")])?;
            server.hears_end()?;
            server.says(&header(11)[..2])?;
            server.hangs_up()?;
            fails_with(&pupil, "truncated")
        },
        control: Some(Control {
            name: "the same half of a length where a reply was due",
            run: |stage| fails_on(stage, &header(11)[..2], "truncated"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "it ends with the last reply that is due, and what follows is never read",
            advice: "read until the server's end: half a length before it is a reply cut off",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that is too long is an error that says so",
        why: "the server chooses this number; a client is as easily filled as a server",
        points: 2,
        run: |stage| {
            let reply = [&header(MAX + 1)[..], b"and so on"].concat();
            fails_on(stage, &reply, "too long")
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the length isn't compared with 1,048,576 before the payload is read (no limit, a higher \
                     one, or too late), or its error has other words",
            advice: "look at the length first: 1,048,577 is too long, whatever follows",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a length of 4 GiB - 1 is too long as well",
        why: "in a signed number it is -1, and below every limit",
        run: |stage| fails_on(stage, &header(0xffff_ffff), "too long"),
        control: Some(Control {
            name: "a length of 1 MiB and 1 byte",
            run: |stage| fails_on(stage, &header(MAX + 1), "too long"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the length is kept in a signed number",
            advice: "read it as a u32, and compare before you convert",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that ends before every frame has its reply is exit status 1",
        why: "an end in peace may still be too early: who asked knows how many answers are due",
        points: 2,
        run: |stage| {
            let (pupil, mut server) = met(stage, b"one\ntwo\n")?;
            answers(&mut server, &[("one", "1")])?;
            server.hears(&frame(b"two"))?;
            server.hangs_up()?;
            pupil.exits(1)?;
            pupil.says_what_failed()
        },
        control: Some(Control {
            name: "the same server with both replies",
            run: |stage| {
                let (pupil, mut server) = met(stage, b"one\ntwo\n")?;
                answers(&mut server, &[("one", "1"), ("two", "2")])?;
                server.hangs_up()?;
                pupil.exits(0)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Status],
            likely: "the end of the stream is taken for success, whatever came before it",
            advice: "count the frames and the replies, and compare at the end",
        }],
        ..Check::PLAIN
    },
];

fn long_reply(stage: &Stage, length: usize) -> Told {
    let (pupil, mut server) = met(stage, b"more\n")?;
    server.hears(&frame(b"more"))?;
    server.says(&frame(&vec![b'x'; length]))?;
    server.hangs_up()?;
    pupil.exits(0)?;
    pupil.printed(&[&vec![b'x'; length][..], b"\n"].concat())
}

const TAKEN_FOR_THE_END: Cause = Cause {
    symptoms: &[],
    likely: "any read that comes to nothing is taken for the end, or the error has other words",
    advice: "only where no byte of a reply has come is an end one; else say `truncated`",
};

const ONE_LINE: Control = Control {
    name: "one line, and its echo",
    run: |stage| {
        let (pupil, mut server) = met(stage, b"hello\n")?;
        answers(&mut server, &[("hello", "hello")])?;
        server.hangs_up()?;
        ended(&pupil)?;
        pupil.printed(b"hello\n")
    },
};

/// The client with this stdin, and the server's end of its connection.
fn met(stage: &Stage, stdin: &[u8]) -> Result<(Pupil, Client), Stop> {
    let listener = stage.listener("server")?;
    let pupil = stage.starts(listener.addr()?, &[], stdin)?;
    let server = listener.accepts(&pupil)?;
    Ok((pupil, server))
}

/// Hears each frame and answers it before the next is due: right for a client that waits for each
/// reply, and for one that has sent them all.
fn answers(server: &mut Client, pairs: &[(&str, &str)]) -> Told {
    for (message, reply) in pairs {
        server.hears(&frame(message.as_bytes()))?;
        server.says(&frame(reply.as_bytes()))?;
        // Replies that come together are another check's subject.
        server.fence()?;
    }
    Ok(())
}

/// A whole conversation, to the program's end.
fn talked(stage: &Stage, stdin: &[u8], pairs: &[(&str, &str)]) -> Result<Pupil, Stop> {
    let (pupil, mut server) = met(stage, stdin)?;
    answers(&mut server, pairs)?;
    server.hangs_up()?;
    ended(&pupil)?;
    Ok(pupil)
}

/// A reply in these pieces, each read before the next is sent.
fn in_pieces(stage: &Stage, pieces: &[&[u8]]) -> Told {
    let (pupil, mut server) = met(stage, b"hello\n")?;
    server.hears(&frame(b"hello"))?;
    for piece in pieces {
        server.says(piece)?;
        server.fence()?;
    }
    server.hangs_up()?;
    ended(&pupil)?;
    pupil.printed("en lång räksmörgås\n".as_bytes())
}

/// The reply to the only line, then the server's end: exit status 1, and these words on stderr.
fn fails_on(stage: &Stage, reply: &[u8], words: &str) -> Told {
    let (pupil, mut server) = met(stage, b"hello\n")?;
    server.hears(&frame(b"hello"))?;
    server.says(reply)?;
    server.hangs_up()?;
    fails_with(&pupil, words)
}

/// Exit status 1, and these words on stderr.
fn fails_with(pupil: &Pupil, words: &str) -> Told {
    pupil.exits(1)?;
    pupil.program().said_on_stderr(words)
}

/// It ended by itself; with which status is another check's question.
fn ended(pupil: &Pupil) -> Told {
    pupil.ends().map(|_| ())
}
