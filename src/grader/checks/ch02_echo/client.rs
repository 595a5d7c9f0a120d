//! `ex02_echo_client`.

use super::{AWKWARD, BIG, PAUSE};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use std::thread;

/// More than both kernels take of what nobody reads.
const MUCH: usize = 2 * BIG;

pub const ECHO_CLIENT: &[Check] = &[
    Check {
        name: "stdin goes to the server, the reply to stdout",
        why: "this is what the client is for",
        run: |stage| {
            let (pupil, mut server) = met(stage, b"hello\n")?;
            server.hears(b"hello\n")?;
            server.says(b"hello\n")?;
            server.hangs_up()?;
            ended(&pupil)?;
            pupil.printed(b"hello\n")
        },
        ..Check::PLAIN
    },
    Check {
        name: "after all of stdin comes the half-close",
        why: "it is how the server learns that nothing more will come",
        points: 2,
        run: |stage| {
            let (pupil, mut server) = met(stage, b"all of it\n")?;
            server.hears(b"all of it\n")?;
            server.hears_end()?;
            server.says(b"all of it\n")?;
            server.hangs_up()?;
            ended(&pupil)
        },
        control: Some(Control {
            name: "a server that answers without waiting for the half-close",
            run: |stage| {
                let (pupil, mut server) = met(stage, b"all of it\n")?;
                server.hears(b"all of it\n")?;
                server.says(b"all of it\n")?;
                server.hangs_up()?;
                ended(&pupil)?;
                pupil.printed(b"all of it\n")
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the writing side stays open after stdin has ended",
                advice: "shut down the writing half only; the reading half is still needed",
            },
            LOST_THE_REPLY,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "exit status 0 when all came back",
        why: "a script asks the exit status, not a person",
        run: |stage| {
            let (pupil, server) = met(stage, b"hello\n")?;
            echoes_to_the_end(server, b"hello\n")?;
            pupil.exits(0)
        },
        ..Check::PLAIN
    },
    Check {
        name: "a reply that comes after the half-close is printed",
        why: "to have said all is not to have heard all",
        run: |stage| {
            let (pupil, mut server) = met(stage, b"late\n")?;
            server.hears(b"late\n")?;
            server.hears_end()?;
            server.says(b"late\n")?;
            server.hangs_up()?;
            ended(&pupil)?;
            pupil.printed(b"late\n")
        },
        control: Some(Control {
            name: "a reply before the half-close",
            run: |stage| {
                let (pupil, mut server) = met(stage, b"late\n")?;
                server.hears(b"late\n")?;
                server.says(b"late\n")?;
                server.hangs_up()?;
                ended(&pupil)?;
                pupil.printed(b"late\n")
            },
        }),
        causes: &[LOST_THE_REPLY],
        ..Check::PLAIN
    },
    Check {
        name: "a reply in many pieces is printed whole",
        why: "one read returns what is there, not what was sent",
        points: 2,
        run: |stage| {
            let line = b"one reply in many small pieces\n";
            let (pupil, mut server) = met(stage, line)?;
            server.hears(line)?;
            server.says_slowly(line, 3)?;
            server.hangs_up()?;
            ended(&pupil)?;
            pupil.printed(line)
        },
        control: Some(Control {
            name: "the same reply in one piece",
            run: |stage| {
                let line = b"one reply in many small pieces\n";
                let (pupil, mut server) = met(stage, line)?;
                server.hears(line)?;
                server.says(line)?;
                server.hangs_up()?;
                ended(&pupil)?;
                pupil.printed(line)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "what one read() returned was taken for the whole reply",
            advice: "read until the end of the stream",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what comes behind the echo is printed as well",
        why: "the server says when it has said all, and not the number of bytes that were sent",
        run: |stage| answered_in_two(stage, b"hello\n"),
        control: Some(Control {
            name: "the same two pieces, both of them echo",
            run: |stage| answered_in_two(stage, b"hello\nbye\n"),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Status],
                likely: "more bytes than were sent are taken for a failure",
                advice: "only fewer bytes than were sent are one",
            },
            Cause {
                symptoms: &[],
                likely: "it stops reading when as many bytes have come back as were sent",
                advice: "read until the server's end; count, and compare after it",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "any bytes go out and come back as they are",
        why: "a client that knows only text can't fetch a picture",
        run: |stage| {
            let (pupil, server) = met(stage, AWKWARD)?;
            echoes_to_the_end(server, AWKWARD)?;
            ended(&pupil)?;
            pupil.printed(AWKWARD)
        },
        control: Some(Control {
            name: "a line of ASCII",
            run: |stage| {
                let (pupil, server) = met(stage, b"hello\n")?;
                echoes_to_the_end(server, b"hello\n")?;
                ended(&pupil)?;
                pupil.printed(b"hello\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the bytes pass through lines or text on one of the two ways",
            advice: "read stdin as bytes and write stdout as bytes: no lines, no String",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "8 MiB go out and come back without a deadlock",
        why: "a server that echoes as it reads stops reading when nobody takes its echo",
        points: 2,
        run: |stage| {
            let bytes = stage.random_bytes(BIG);
            let (pupil, mut server) = met(stage, &bytes)?;
            server.echoes(&bytes)?;
            server.hears_end()?;
            server.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(&bytes)
        },
        control: Some(Control {
            name: "1 KiB, echoed in two pieces",
            run: |stage| {
                let bytes = stage.random_bytes(1 << 10);
                let (pupil, mut server) = met(stage, &bytes)?;
                server.hears(&bytes)?;
                server.says_slowly(&bytes, 512)?;
                server.hears_end()?;
                server.hangs_up()?;
                ended(&pupil)?;
                pupil.printed(&bytes)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Silence],
            likely: "all is sent before anything is read: each side waits for the other to read",
            advice: "send and receive at the same time: two threads, each with its own handle",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty stdin is an empty conversation",
        why: "nothing is an input too",
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
        name: "a server that ends early is exit status 1, with what came on stdout",
        why: "half a file that looks like a whole one is worse than an error",
        points: 2,
        run: |stage| {
            let (pupil, mut server) = met(stage, b"all twelve b")?;
            server.hears(b"all twelve b")?;
            server.says(b"all t")?;
            server.hangs_up()?;
            failed_with_a_sentence(&pupil)?;
            pupil.printed(b"all t")
        },
        control: Some(Control {
            name: "the same server with the whole echo",
            run: |stage| {
                let (pupil, server) = met(stage, b"all twelve b")?;
                echoes_to_the_end(server, b"all twelve b")?;
                pupil.exits(0)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Status],
            likely: "the end of the stream is taken for success, whatever came before it",
            advice: "count what went out and what came back, and compare at the end",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that takes its time is waited for",
        why: "an answer that comes late is still the answer",
        run: |stage| {
            let (pupil, mut server) = met(stage, b"hello\n")?;
            server.hears(b"hello\n")?;
            server.says(b"he")?;
            thread::sleep(PAUSE);
            server.says(b"llo\n")?;
            server.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(b"hello\n")
        },
        control: Some(Control {
            name: "the same pieces without the pause",
            run: |stage| {
                let (pupil, mut server) = met(stage, b"hello\n")?;
                server.hears(b"hello\n")?;
                server.says(b"he")?;
                server.fence()?;
                server.says(b"llo\n")?;
                server.hangs_up()?;
                pupil.exits(0)?;
                pupil.printed(b"hello\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a read is given up after a moment, and what has come is taken for all of it",
            advice: "read until the server's end; here nothing asks for a timeout",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that breaks off while stdin is being sent is exit status 1",
        why: "then it is the write that fails; what had come back by then still counts",
        run: |stage| {
            let bytes = stage.random_bytes(BIG);
            let (pupil, mut server) = met(stage, &bytes)?;
            // Else a fast client has sent it all by then.
            server.reads_no_further_than(4096);
            server.hears(&bytes[..4096])?;
            server.stops_reading();
            server.says(&bytes[..1000])?;
            server.fence()?;
            server.resets()?;
            failed_with_a_sentence(&pupil)?;
            pupil.printed(&bytes[..1000])
        },
        control: Some(Control {
            name: "the same bytes, all echoed",
            run: |stage| {
                let bytes = stage.random_bytes(BIG);
                let (pupil, mut server) = met(stage, &bytes)?;
                server.echoes(&bytes)?;
                server.hears_end()?;
                server.hangs_up()?;
                pupil.exits(0)
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Status],
                likely: "a write that failed is not looked at, or is a panic",
                advice: "let the error of either direction decide the exit status",
            },
            Cause {
                symptoms: &[Symptom::End],
                likely: "the program ends before what it had read is on stdout",
                advice: "flush stdout, and finish reading, before you exit",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "much that came back doesn't make up for stdin that wasn't all sent",
        why: "numbers of bytes that happen to fit say nothing of what the server has heard",
        run: |stage| {
            let bytes = stage.random_bytes(MUCH);
            let (pupil, mut server) = met(stage, &bytes)?;
            server.reads_no_further_than(4096);
            server.hears(&bytes[..4096])?;
            server.stops_reading();
            // More than it can have sent: the kernels take less of what nobody reads.
            server.floods(MUCH)?;
            server.fence()?;
            server.resets()?;
            failed_with_a_sentence(&pupil)
        },
        control: Some(Control {
            name: "the same bytes, all echoed",
            run: |stage| {
                let bytes = stage.random_bytes(MUCH);
                let (pupil, mut server) = met(stage, &bytes)?;
                server.echoes(&bytes)?;
                server.hears_end()?;
                server.hangs_up()?;
                pupil.exits(0)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Status],
            likely: "the count of what came is compared, and the sender's error dropped",
            advice: "let the sender say whether it sent all of stdin, and ask it at the end",
        }],
        ..Check::PLAIN
    },
];

const LOST_THE_REPLY: Cause = Cause {
    symptoms: &[Symptom::Status, Symptom::Reset, Symptom::End],
    likely: "the connection was closed in both directions as soon as stdin had ended",
    advice: "shut down the writing half only, and read until the server's end",
};

/// The client with this stdin, and the server's end of its connection.
fn met(stage: &Stage, stdin: &[u8]) -> Result<(Pupil, Client), Stop> {
    let listener = stage.listener("server")?;
    let pupil = stage.starts(listener.addr()?, &[], stdin)?;
    let server = listener.accepts(&pupil)?;
    Ok((pupil, server))
}

/// A well-behaved echo: all of it, then the end after the client's.
fn echoes_to_the_end(mut server: Client, bytes: &[u8]) -> Told {
    server.hears(bytes)?;
    server.says(bytes)?;
    server.hears_end()?;
    server.hangs_up()
}

/// It ended by itself; with which status is another check's question.
fn ended(pupil: &Pupil) -> Told {
    pupil.ends().map(|_| ())
}

fn failed_with_a_sentence(pupil: &Pupil) -> Told {
    pupil.exits(1)?;
    pupil.says_what_failed()
}

/// Whatever was sent, two pieces come back.
fn answered_in_two(stage: &Stage, sent: &[u8]) -> Told {
    let (pupil, mut server) = met(stage, sent)?;
    server.hears(sent)?;
    server.hears_end()?;
    server.says(b"hello\n")?;
    server.fence()?;
    server.says(b"bye\n")?;
    server.hangs_up()?;
    pupil.exits(0)?;
    pupil.printed(b"hello\nbye\n")
}
