//! `ex01_every_address`.

use crate::grader::arrival::Arrival;
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::listener::Listener;
use crate::grader::stage::{Pupil, Stage};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

pub const EVERY_ADDRESS: &[Check] = &[
    Check {
        name: "an address that answers is used",
        why: "first the plain case",
        run: |stage| {
            let server = stage.listener("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", b"good day\n")
        },
        ..Check::PLAIN
    },
    Check {
        name: "all of stdin arrives, then the half-close",
        why: "the server learns from it that nothing more will come",
        run: |stage| {
            let server = stage.listener("server")?;
            let stdin = stage.random_bytes(1 << 20);
            let pupil = tries(stage, &[server.addr()?], &stdin)?;
            talks(&server, &pupil, &stdin, b"got it\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the writing side stays open after stdin has ended",
                advice: "shut down the writing half only, and read on",
            },
            Cause {
                symptoms: &[],
                likely: "only the beginning of stdin is read, or it is taken for text",
                advice: "copy all of stdin, as bytes",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "all of the reply is printed, as it came",
        why: "one read returns what is there, not what was sent",
        run: |stage| {
            let server = stage.listener("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", &stage.random_bytes(1 << 20))
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "only the beginning of the reply is read, or it is taken for text",
            advice: "read until the end of the stream, and write the same bytes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address that refuses is passed over",
        why: "a name often has several addresses, and not all of them answer",
        points: 2,
        run: |stage| {
            let (nobody, server) = (stage.refusing()?, stage.listener("server")?);
            let pupil = tries(stage, &[nobody.addr, server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the first address's error is the end of it",
            advice: "keep the error, and try the next address",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address that is silent for 1 s is passed over",
        why: "a firewall that drops gives no answer, and the system waits minutes for one",
        points: 2,
        run: |stage| {
            let (silent, server) = (stage.silent()?, stage.listener("server")?);
            let begun = Instant::now();
            let pupil = tries(stage, &[silent.addr, server.addr()?], b"hello\n")?;
            let arrival = silent.is_tried(&pupil)?;
            let conversation = server.accepts(&pupil)?;
            came_after_a_second(&pupil, begun, arrival)?;
            talks_over(conversation, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(Control {
            name: "the same with an address that refuses",
            run: |stage| {
                let (nobody, server) = (stage.refusing()?, stage.listener("server")?);
                let pupil = tries(stage, &[nobody.addr, server.addr()?], b"hello\n")?;
                talks(&server, &pupil, b"hello\n", b"good day\n")
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the timeout is shorter than a second",
                advice: "wait one second for each address",
            },
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "its timeout is taken for the end",
                advice: "any error of a connect should lead to the next address",
            },
            Cause {
                symptoms: &[],
                likely: "the connect has no timeout, or a longer one",
                advice: "connect with a timeout of one second",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "the first that answers is used and no other tried",
        why: "the order is the caller's choice, and a second connection is a second request",
        points: 2,
        run: |stage| {
            let nobody = stage.refusing()?;
            let (first, second) = (stage.listener("first")?, stage.listener("second")?);
            let addrs = [nobody.addr, first.addr()?, second.addr()?];
            let pupil = tries(stage, &addrs, b"hello\n")?;
            talks(&first, &pupil, b"hello\n", b"good day\n")?;
            second.was_left_alone(&pupil)
        },
        control: Some(Control {
            name: "the same without the second that answers",
            run: |stage| {
                let (nobody, server) = (stage.refusing()?, stage.listener("first")?);
                let pupil = tries(stage, &[nobody.addr, server.addr()?], b"hello\n")?;
                talks(&server, &pupil, b"hello\n", b"good day\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the addresses are not tried in order, or the search goes on after a success",
            advice: "one after another, and stop at the first that connects",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, an answer that breaks off is no reason to try another",
        why: "the first server may have done what it was asked: a repeated request does it twice",
        run: |stage| {
            let (first, second) = (stage.listener("first")?, stage.listener("second")?);
            let pupil = tries(stage, &[first.addr()?, second.addr()?], b"hello\n")?;
            let mut conversation = first.accepts(&pupil)?;
            conversation.hears(b"hello\n")?;
            conversation.resets()?;
            second.is_left_alone_to_the_end(&pupil)
        },
        control: Some(TWO_THAT_ANSWER),
        causes: &[Cause {
            symptoms: &[],
            likely: "an error of the conversation is handled as one of the connect",
            advice: "try addresses while you connect; what happens afterwards is another matter",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, an end without a reply is no reason to try another",
        why: "nothing came back, and yet the server may have done what it was asked",
        run: |stage| {
            let (first, second) = (stage.listener("first")?, stage.listener("second")?);
            let pupil = tries(stage, &[first.addr()?, second.addr()?], b"hello\n")?;
            let mut conversation = first.accepts(&pupil)?;
            conversation.hears(b"hello\n")?;
            conversation.hears_end()?;
            conversation.hangs_up()?;
            second.is_left_alone_to_the_end(&pupil)
        },
        control: Some(TWO_THAT_ANSWER),
        causes: &[Cause {
            symptoms: &[],
            likely: "an empty reply is taken for an address that doesn't answer",
            advice: "connected is connected: an address has answered, whatever follows",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, a reply may take its time",
        why: "the second is the connect's; how long an answer may take is another question",
        run: |stage| {
            let server = stage.listener("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            let mut conversation = server.accepts(&pupil)?;
            conversation.hears(b"hello\n")?;
            conversation.hears_end()?;
            thread::sleep(Duration::from_millis(1_500));
            conversation.says(b"good day\n")?;
            conversation.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(b"good day\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the connect's timeout holds for the reply as well",
            advice: "the limit belongs to the connect alone: take it off the stream again",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an IPv6 address in brackets is an address",
        why: "localhost is ::1 as often as 127.0.0.1",
        run: |stage| {
            let server = stage.listener_on_ipv6("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the address is taken apart at its first colon",
            advice: "let the standard library parse it: [::1]:7000 is a socket address",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "when none answers, exit status 1 and nothing on stdout",
        why: "what reads the output must not take an error for an answer",
        run: |stage| {
            let (one, two) = (stage.refusing()?, stage.refusing()?);
            let pupil = tries(stage, &[one.addr, two.addr], b"hello\n")?;
            pupil.exits(1)?;
            pupil.printed(b"")
        },
        ..Check::PLAIN
    },
    Check {
        name: "when none answers, each address is named with its error",
        why: "\"connection refused\" without an address sends somebody searching",
        points: 2,
        run: |stage| {
            let (one, two) = (stage.refusing()?, stage.refusing()?);
            let pupil = tries(stage, &[one.addr, two.addr], b"hello\n")?;
            pupil.exits(1)?;
            two_are_named(&pupil, one.addr, two.addr)
        },
        control: Some(Control {
            name: "the exit status alone",
            run: |stage| {
                let (one, two) = (stage.refusing()?, stage.refusing()?);
                tries(stage, &[one.addr, two.addr], b"hello\n")?.exits(1)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Words],
            likely: "an error is printed without its address, or only the last one is",
            advice: "a line on stderr for each: the address as it was given, and its error",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a refusal and a silence are told as two errors",
        why: "the one says that nobody listens there, the other that somebody drops what comes",
        run: |stage| {
            let (refused, silent) = (stage.refusing()?, stage.silent()?);
            let pupil = tries(stage, &[refused.addr, silent.addr], b"hello\n")?;
            pupil.exits(1)?;
            are_told_apart(&pupil, &refused.addr.to_string(), &silent.addr.to_string())
        },
        control: Some(TWO_REFUSALS),
        causes: &[Cause {
            symptoms: &[Symptom::Words],
            likely: "the error is dropped, and the same words are printed for each",
            advice: "print the error that the connect came to, behind its address",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address is named as it was given",
        why: "who looks for it, looks for what was typed: an address can be written in several ways",
        run: |stage| {
            let (one, two) = (stage.refusing()?, stage.refusing_on_ipv6()?);
            // The same as ::1, at full length.
            let given = format!("[0:0:0:0:0:0:0:1]:{}", two.addr.port());
            let pupil = stage.starts(one.addr, std::slice::from_ref(&given), b"hello\n")?;
            pupil.exits(1)?;
            is_named(&pupil, &given, &one.addr.to_string())
        },
        control: Some(TWO_REFUSALS),
        causes: &[Cause {
            symptoms: &[Symptom::Words],
            likely: "what is printed was made of the parsed address",
            advice: "keep the argument's text beside the address that it was parsed to",
        }],
        ..Check::PLAIN
    },
];

const TWO_REFUSALS: Control = Control {
    name: "two addresses that refuse",
    run: |stage| {
        let (one, two) = (stage.refusing()?, stage.refusing()?);
        let pupil = tries(stage, &[one.addr, two.addr], b"hello\n")?;
        pupil.exits(1)?;
        two_are_named(&pupil, one.addr, two.addr)
    },
};

const ONE_ADDRESS: Control = Control {
    name: "one address, which answers",
    run: |stage| {
        let server = stage.listener("server")?;
        let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
        talks(&server, &pupil, b"hello\n", b"good day\n")
    },
};

const TWO_THAT_ANSWER: Control = Control {
    name: "the same two addresses, and a whole reply",
    run: |stage| {
        let (first, second) = (stage.listener("first")?, stage.listener("second")?);
        let pupil = tries(stage, &[first.addr()?, second.addr()?], b"hello\n")?;
        talks(&first, &pupil, b"hello\n", b"good day\n")?;
        second.was_left_alone(&pupil)
    },
};

fn tries(stage: &Stage, addrs: &[SocketAddr], stdin: &[u8]) -> Result<Pupil, Stop> {
    let further: Vec<String> = addrs[1..].iter().map(SocketAddr::to_string).collect();
    stage.starts(addrs[0], &further, stdin)
}

/// The whole of a conversation: all of stdin, the half-close, the reply, exit status 0.
fn talks(server: &Listener, pupil: &Pupil, stdin: &[u8], reply: &[u8]) -> Told {
    talks_over(server.accepts(pupil)?, pupil, stdin, reply)
}

fn talks_over(mut server: Client, pupil: &Pupil, stdin: &[u8], reply: &[u8]) -> Told {
    server.hears(stdin)?;
    server.hears_end()?;
    server.says(reply)?;
    server.hangs_up()?;
    pupil.exits(0)?;
    pupil.printed(reply)
}

/// A connection that came just now came a second or more after the program's start, and not much later
/// after the attempt before it: to start may take long.
fn came_after_a_second(pupil: &Pupil, begun: Instant, before: Arrival) -> Told {
    let after = begun.elapsed();
    let got = format!("after {} ms", after.as_millis());
    if after < Duration::from_millis(950) {
        return pupil.fails(Symptom::Early, "the next address is tried after 1 s", got);
    }
    pupil.was_in_time(
        before.seen,
        before.seen.elapsed(),
        Duration::from_millis(2_500),
        "the next address is tried",
    )
}

/// A line of stderr for each of the two.
fn two_are_named(pupil: &Pupil, one: SocketAddr, two: SocketAddr) -> Told {
    let (one, two) = (one.to_string(), two.to_string());
    is_named(pupil, &one, &two)?;
    is_named(pupil, &two, &one)
}

/// A line of stderr is about this address, as it was given, and says more than that.
fn is_named(pupil: &Pupil, addr: &str, other: &str) -> Told {
    let stderr = pupil.stderr();
    let mut told = told_of(&stderr, addr, other);
    if told.any(|error| error.contains(char::is_alphabetic)) {
        return Ok(());
    }
    let expected = format!("a line on stderr with {addr} and its error");
    pupil.fails(Symptom::Words, expected, on_stderr(&stderr))
}

/// What stderr says of the one address is not all the same as what it says of the other.
fn are_told_apart(pupil: &Pupil, refused: &str, silent: &str) -> Told {
    is_named(pupil, refused, silent)?;
    is_named(pupil, silent, refused)?;
    let stderr = pupil.stderr();
    if !told_of(&stderr, refused, silent).eq(told_of(&stderr, silent, refused)) {
        return Ok(());
    }
    // One that stood still for a second may have found that its time was over at both.
    let stalled = pupil.program().stalled_since(pupil.program().started());
    if stalled > Duration::from_millis(500) {
        let why = "the machine stood still: a refusal may have come after its time";
        return Err(Stop::Inconclusive(why.to_string()));
    }
    let expected = format!("another error for {refused}, which refuses, than for {silent}");
    pupil.fails(Symptom::Words, expected, on_stderr(&stderr))
}

/// The lines of stderr that are about this address and not the other, without both: a line is about
/// the one that stands first in it. It may go on with which is tried next.
fn told_of<'a>(
    stderr: &'a str,
    addr: &'a str,
    other: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let is_about = move |line: &&str| {
        let (own, others) = (line.find(addr), line.find(other));
        own.is_some_and(|own| others.is_none_or(|others| own < others))
    };
    stderr
        .lines()
        .filter(is_about)
        .map(move |line| line.replace(addr, "").replace(other, ""))
}

/// All of it in one line, whatever its own: a message has a layout of its own.
fn on_stderr(stderr: &str) -> String {
    format!("on stderr: {}", stderr.trim_end().replace('\n', "\\n"))
}
