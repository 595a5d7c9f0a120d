//! What is graded of `ex05_deadline`.

use super::{ONLY_ITS_BEGINNING, sent_to_us};
use crate::grader::arrival::Arrival;
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::listener::Listener;
use crate::grader::stage::{Pupil, Stage};
use std::thread;
use std::time::{Duration, Instant};

/// When it may give up, and when it must have, after it has connected.
const LEAST: Duration = Duration::from_millis(1_800);
const MOST: Duration = Duration::from_millis(2_600);

/// What it has for all of it.
const BUDGET: Duration = Duration::from_secs(2);

/// More than both kernels take of what nobody reads.
const MUCH: usize = 16 << 20;

pub const DEADLINE: &[Check] = &[
    Check {
        name: "stdin is sent, and the reply is printed",
        why: "first the plain case",
        run: answers_at_once,
        ..Check::PLAIN
    },
    Check {
        name: "after stdin comes the half-close, and the reply is still heard",
        why: "a server that answers at the end of what it is sent must learn of that end",
        run: |stage| talks(stage, b"hello\n", b"good day\n"),
        control: Some(Control {
            name: "a server that answers without waiting for the half-close",
            run: answers_at_once,
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "the writing side stays open after stdin has ended, until the time is over",
                advice: "shut down the writing half only, as soon as all of stdin is sent",
            },
            Cause {
                symptoms: &[],
                likely: "both halves are shut down, and the reply is lost",
                advice: "shut down the writing half only, and read on to the server's end",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "all of stdin arrives and all of the reply is printed, whatever the bytes",
        why: "half a file that looks like a whole one is worse than an error",
        run: |stage| {
            let (stdin, reply) = (stage.random_bytes(300_000), stage.random_bytes(300_000));
            talks(stage, &stdin, &reply)
        },
        control: Some(A_LINE),
        causes: &[ONLY_ITS_BEGINNING],
        ..Check::PLAIN
    },
    Check {
        name: "an empty reply is a reply",
        why: "a server may have nothing to say, and says so by its end",
        run: |stage| talks(stage, b"", b""),
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "nothing on stdin, or a reply of no bytes, is taken for a failure",
            advice: "the end of the stream is a good end, however little came before it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that drips for 1.2 s is printed whole",
        why: "slow is not too slow: within the budget a server may take its time",
        points: 2,
        run: |stage| {
            let (pupil, mut server, arrival) = asked(stage, b"hello\n")?;
            let begun = Instant::now();
            for _ in 0..12 {
                server.says(b".")?;
                thread::sleep(Duration::from_millis(100));
            }
            server.hangs_up()?;
            prints(&pupil, arrival, begun.elapsed(), b"............")
        },
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Status],
                likely: "it gives up too early: the time for all of it is shorter than 2 s",
                advice: "two seconds from the connect on, and no other limit within them",
            },
            Cause {
                symptoms: &[],
                likely: "what one read returned was taken for the whole reply",
                advice: "read until the end of the stream",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a server that is silent is given up after 2 s",
        why: "without a timeout a read waits for ever",
        points: 2,
        run: |stage| {
            let (pupil, _server, arrival) = asked(stage, b"hello\n")?;
            gives_up(&pupil, arrival)
        },
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen, Symptom::Late],
                likely: "the read has no timeout, or a longer one",
                advice: "set a read timeout before each read: what is left of the two seconds",
            },
            Cause {
                symptoms: &[Symptom::Status],
                likely: "a read that timed out is taken for the end of the reply, or is a panic",
                advice: "only Ok(0) is the end; WouldBlock and TimedOut are a failure here",
            },
            Cause {
                symptoms: &[Symptom::Words],
                likely: "the system's words are printed, which are others, or not on stderr",
                advice: "WouldBlock on Linux, TimedOut on Windows: for both, say `timed out`",
            },
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the time for all of it is shorter than 2 s",
                advice: "two seconds from the connect on, and no other limit within them",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that drips for ever is given up after 2 s",
        why: "a timeout for each read begins anew with each byte: it bounds nothing",
        points: 3,
        run: drips_for_ever,
        control: Some(SILENT_SERVER),
        causes: &[PER_CALL],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that begins and then stops is given up 2 s after the connect",
        why: "the last byte is no reason to wait as long again",
        run: |stage| {
            let (pupil, mut server, arrival) = asked(stage, b"hello\n")?;
            thread::sleep(Duration::from_millis(1_200));
            server.says(b".")?;
            gives_up(&pupil, arrival)
        },
        control: Some(Control {
            name: "a reply that drips for ever",
            run: drips_for_ever,
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the deadline is looked at between two reads, and the read waits past it",
            advice: "the timeout of each read is what is left until the deadline, no more",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that reads nothing is given up after 2 s",
        why: "a write waits too, once the buffers on the way are full",
        points: 2,
        run: |stage| {
            let (pupil, listener) = sent_to_us(stage, &vec![b'x'; MUCH])?;
            let (mut server, arrival) = comes(&listener, &pupil)?;
            server.stops_reading();
            gives_up(&pupil, arrival)
        },
        control: Some(SILENT_SERVER),
        causes: &[
            OTHER_WORDS,
            Cause {
                symptoms: &[],
                likely: "the time bounds the reads, and a write waits as long as it likes",
                advice: "a write timeout as well, from the same deadline",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a server that reads a little now and then is given up after 2 s",
        why: "a timeout for each write is no better than one for each read",
        points: 2,
        run: |stage| {
            let (pupil, listener) = sent_to_us(stage, &vec![b'x'; MUCH])?;
            let (mut server, arrival) = comes(&listener, &pupil)?;
            let mut read = 0;
            while goes_on(&pupil, arrival) {
                read += 100_000;
                server.reads_no_further_than(read);
                server.has_come(read, Duration::from_millis(200));
                thread::sleep(Duration::from_millis(100));
            }
            gives_up(&pupil, arrival)
        },
        control: Some(SILENT_SERVER),
        causes: &[PER_CALL],
        ..Check::PLAIN
    },
    Check {
        name: "sending and receiving share the two seconds",
        why: "a budget that each part of a program gets anew is as many budgets",
        points: 2,
        run: |stage| {
            let (pupil, listener) = sent_to_us(stage, &vec![b'x'; MUCH / 4])?;
            let (mut server, arrival) = comes(&listener, &pupil)?;
            server.stops_reading();
            thread::sleep(Duration::from_millis(1_200));
            // From here on all is taken, also the half-close, and nothing is said.
            server.reads_again();
            while goes_on(&pupil, arrival) {
                server.has_come(usize::MAX, Duration::from_millis(50));
                thread::sleep(Duration::from_millis(5));
            }
            gives_up(&pupil, arrival)
        },
        control: Some(SILENT_SERVER),
        causes: &[Cause {
            symptoms: &[],
            likely: "the two seconds begin again when all is sent",
            advice: "fix one moment before the connect, and compute what is left from there always",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address that doesn't answer is given up after 2 s",
        why: "a connect waits for minutes where a firewall drops",
        points: 2,
        run: |stage| {
            let silent = stage.silent()?;
            let pupil = stage.starts(silent.addr, &[], b"hello\n")?;
            let arrival = silent.is_tried(&pupil)?;
            gives_up(&pupil, arrival)
        },
        control: Some(SILENT_SERVER),
        causes: &[
            OTHER_WORDS,
            Cause {
                symptoms: &[],
                likely: "the connect has no timeout, or another one",
                advice: "connect with a timeout: what is left of the two seconds",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a reset is a failure, not the end of the reply",
        why: "whether all had been said, nobody knows then",
        run: |stage| {
            let (pupil, server, _) = asked(stage, b"hello\n")?;
            // Behind bytes of a reply not every language's runtime tells a reset from an end.
            server.resets()?;
            pupil.exits(1)?;
            pupil.says_what_failed()
        },
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Words],
                likely: "a failure that is no timeout is told by the exit status alone",
                advice: "a line on stderr for it too: what was tried, and the error",
            },
            Cause {
                symptoms: &[],
                likely: "any error of a read is taken for the end, or for time that is over",
                advice: "Ok(0) is the end; an error is a failure, and says itself which",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an address that refuses is a failure that says so",
        why: "who calls a program wants to know which of the ways to fail it was",
        run: |stage| {
            let nobody = stage.refusing()?;
            let pupil = stage.starts(nobody.addr, &[], b"hello\n")?;
            pupil.exits(1)?;
            pupil.says_what_failed()
        },
        control: Some(A_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the connect's error is not handled, or not told",
            advice: "exit status 1, and a line on stderr with what was tried and the error",
        }],
        ..Check::PLAIN
    },
];

const A_LINE: Control = Control {
    name: "a line, and a reply at once",
    run: |stage| talks(stage, b"hello\n", b"good day\n"),
};

fn drips_for_ever(stage: &Stage) -> Told {
    let (pupil, mut server, arrival) = asked(stage, b"hello\n")?;
    while goes_on(&pupil, arrival) {
        server.says(b".")?;
        thread::sleep(Duration::from_millis(250));
    }
    gives_up(&pupil, arrival)
}

const SILENT_SERVER: Control = Control {
    name: "a server that reads all and stays silent",
    run: |stage| {
        let (pupil, _server, arrival) = asked(stage, b"hello\n")?;
        gives_up(&pupil, arrival)
    },
};

const PER_CALL: Cause = Cause {
    symptoms: &[],
    likely: "each read, or each write, gets a timeout of its own",
    advice: "fix the moment at which it is over, and before each call set what is left until then",
};

/// A client that has sent this and half-closed, its server, and when it had connected.
fn asked(stage: &Stage, stdin: &[u8]) -> Result<(Pupil, Client, Arrival), Stop> {
    let (pupil, listener) = sent_to_us(stage, stdin)?;
    let (mut server, arrival) = comes(&listener, &pupil)?;
    let heard = server.hears(stdin).and_then(|()| server.hears_end());
    let program = pupil.program();
    let waits = match program.exit() {
        // Its end closed the connection: that was no half-close.
        Some(exit) if heard.is_ok() && arrival.before.elapsed() > LEAST => {
            let expected = "a half-close, and a program that waits for the reply";
            pupil.fails(Symptom::Exit, expected, format!("it ended: {exit}"))
        }
        _ => heard,
    };
    program.unless_slowed(arrival.before, arrival.unsure(), BUDGET, waits)?;
    Ok((pupil, server, arrival))
}

/// Its connection, and when it came. On a machine that hardly moves, its time may be over before.
fn comes(listener: &Listener, pupil: &Pupil) -> Result<(Client, Arrival), Stop> {
    let stalled = || pupil.program().stalled_since(pupil.program().started());
    match listener.accepts_when(pupil) {
        Err(Stop::Failed(_)) if stalled() > BUDGET / 4 && pupil.stderr().contains("timed out") => {
            let why = "the machine was too slow: the program's time was over before it connected";
            Err(Stop::Inconclusive(why.to_string()))
        }
        came => came,
    }
}

/// A server that doesn't wait for the half-close.
fn answers_at_once(stage: &Stage) -> Told {
    let (pupil, listener) = sent_to_us(stage, b"hello\n")?;
    let (mut server, arrival) = comes(&listener, &pupil)?;
    server.hears(b"hello\n")?;
    server.says(b"good day\n")?;
    server.hangs_up()?;
    prints(&pupil, arrival, Duration::ZERO, b"good day\n")
}

/// The whole of a conversation that goes well.
fn talks(stage: &Stage, stdin: &[u8], reply: &[u8]) -> Told {
    let (pupil, mut server, arrival) = asked(stage, stdin)?;
    server.says(reply)?;
    server.hangs_up()?;
    prints(&pupil, arrival, Duration::ZERO, reply)
}

/// The reply has been sent, which took so long, and the program prints it and ends.
fn prints(pupil: &Pupil, arrival: Arrival, own: Duration, reply: &[u8]) -> Told {
    let printed = pupil.exits(0).and_then(|()| pupil.printed(reply));
    let program = pupil.program();
    program.unless_slowed(arrival.before, own + arrival.unsure(), BUDGET, printed)
}

/// It has not ended yet, and its time has not been over for long.
fn goes_on(pupil: &Pupil, arrival: Arrival) -> bool {
    pupil.program().exit().is_none() && arrival.seen + MOST * 2 > Instant::now()
}

/// It says `timed out` and ends, in its time.
const OTHER_WORDS: Cause = Cause {
    symptoms: &[Symptom::Words],
    likely: "the error of a timeout is printed as the system words it",
    advice: "WouldBlock and TimedOut both mean that time is over: say `timed out`",
};

fn gives_up(pupil: &Pupil, arrival: Arrival) -> Told {
    pupil.exits_between(1, arrival, LEAST, MOST)?;
    pupil.program().said_on_stderr("timed out")
}
