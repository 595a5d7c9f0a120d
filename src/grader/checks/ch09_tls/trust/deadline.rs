//! What is graded of the client's 3 s: they are for all of it, and for no part of it anew.

use super::ONE_LINE;
use super::server::{answers, in_its_time, word};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::checks::ch09_tls::{frame, met};
use crate::grader::failure::Symptom;
use crate::grader::stage::Pupil;
use crate::grader::tls::{Drip, HOST, Terms};
use std::time::{Duration, Instant};

/// The client has 3 s; this late its end is still in time.
const IN_ALL: Duration = Duration::from_secs(4);

/// Longer than any client may wait for a byte of it.
const DRIPS: Drip = Drip {
    bytes: 1,
    every: Duration::from_millis(100),
    lasts: Drip::FOR_EVER,
};

/// A server that takes about 1.5 s for its handshake.
const SLOWLY: Drip = Drip {
    bytes: 160,
    every: Duration::from_millis(120),
    lasts: Duration::from_millis(1_900),
};

pub(super) const NEEDS_2_S: Check = Check {
    name: "a server that needs 2 s in all is none too slow",
    why: "3 s are 3 s: a part of them for each step would be too little for a slow one",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, server) = met(stage, b"hello\n")?;
            let slowly = Terms {
                drip: Some(SLOWLY),
                ..Terms::SERVER
            };
            let shaken = server.shows_papers(&slowly)?;
            let mut server = shaken.client;
            if let Err(refusal) = shaken.came {
                return pupil.fails(Symptom::Handshake, "a TLS handshake", refusal.words());
            }
            answers(&mut server, &[(b"hello", b"hello")])?;
            server.hears_end()?;
            server.hangs_up()?;
            pupil.exits(0)
        })
    },
    control: Some(ONE_LINE),
    causes: &[Cause {
        symptoms: &[],
        likely: "the handshake, or each read, has less than the 3 s",
        advice: "one moment at which all is over, fixed before connecting",
    }],
    ..Check::PLAIN
};

pub(super) const SAYS_NOTHING: Check = Check {
    name: "a server that says nothing is timed-out after 3 s",
    why: "TCP has connected by then: it says nothing about what will come",
    points: 2,
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, server) = met(stage, b"hello\n")?;
            let since = Instant::now();
            timed_out(&pupil, since)?;
            server.hangs_up()
        })
    },
    control: Some(ONE_LINE),
    causes: &[NO_DEADLINE],
    ..Check::PLAIN
};

pub(super) const DOESNT_ANSWER: Check = Check {
    name: "an address that doesn't answer is timed-out after 3 s",
    why: "a connect without a timeout takes two minutes to find out",
    run: |stage| {
        in_its_time(stage, || {
            let silent = stage.silent()?;
            let args = [stage.ca_file()?, HOST.to_string()];
            let pupil = stage.starts(silent.addr, &args, b"secret\n")?;
            // From its start: when it asks for the connection, nobody sees. An interpreter needs a
            // while to get there.
            pupil.ends()?;
            word(&pupil, "timed-out")
        })
    },
    control: Some(Control {
        name: "a server that accepts, and says nothing",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, _server) = met(stage, b"hello\n")?;
                word(&pupil, "timed-out")
            })
        },
    }),
    causes: &[Cause {
        symptoms: &[],
        likely: "the timeout begins when the connection is there",
        advice: "`connect_timeout`, and the rest of the time for the handshake",
    }],
    ..Check::PLAIN
};

pub(super) const HANDSHAKE_DRIPS: Check = Check {
    name: "a handshake that drips is timed-out after 3 s",
    why: "a timeout for each read begins anew with each byte: it would last for minutes",
    points: 3,
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, server) = met(stage, b"hello\n")?;
            let since = Instant::now();
            let drips = Terms {
                drip: Some(DRIPS),
                ..Terms::SERVER
            };
            // It ends when the client has gone, or is not to be waited for any longer.
            server.shows_papers(&drips)?;
            timed_out(&pupil, since)
        })
    },
    control: Some(SILENT),
    causes: &[EACH_READ],
    ..Check::PLAIN
};

pub(super) const DOESNT_REPLY: Check = Check {
    name: "a server that doesn't reply is timed-out after 3 s",
    why: "the handshake was the beginning: the time is for all of it",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, server) = met(stage, b"hello\n")?;
            let since = Instant::now();
            let mut shaken = server.shows_papers(&Terms::SERVER)?;
            shaken.client.hears(&frame(b"hello"))?;
            timed_out(&pupil, since)
        })
    },
    control: Some(SILENT),
    causes: &[Cause {
        symptoms: &[],
        likely: "the deadline ends with the handshake, or begins anew after it",
        advice: "one moment for everything, from connecting to the last reply",
    }],
    ..Check::PLAIN
};

pub(super) const REPLY_DRIPS: Check = Check {
    name: "a reply that drips is timed-out after 3 s",
    why: "a slow one is no better than a silent one, and costs as much",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, server) = met(stage, b"hello\n")?;
            let since = Instant::now();
            let mut server = server.shows_papers(&Terms::SERVER)?.client;
            server.hears(&frame(b"hello"))?;
            for byte in frame(&[b'x'; 100]) {
                server.says(&[byte])?;
                if pupil
                    .program()
                    .wait_exit(Duration::from_millis(100))
                    .is_some()
                {
                    break;
                }
            }
            timed_out(&pupil, since)
        })
    },
    control: Some(SILENT),
    causes: &[EACH_READ],
    ..Check::PLAIN
};

const NO_DEADLINE: Cause = Cause {
    symptoms: &[Symptom::Silence, Symptom::StillOpen, Symptom::Late],
    likely: "the handshake waits without a bound",
    advice: "a stream of your own beneath TLS, each of whose reads and writes ends at the deadline",
};

const EACH_READ: Cause = Cause {
    symptoms: &[Symptom::StillOpen, Symptom::Late],
    likely: "the timeout is given to each read anew",
    advice: "fix the moment at which all is over, and compute what is left before each read",
};

const SILENT: Control = Control {
    name: "a server that says nothing at all",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, _server) = met(stage, b"hello\n")?;
            let since = Instant::now();
            timed_out(&pupil, since)
        })
    },
};

/// It ends in time, counted from `since`, which lies behind its connecting: status 1, `timed-out`.
fn timed_out(pupil: &Pupil, since: Instant) -> Told {
    let (_, after) = pupil.ends()?;
    let ended = pupil.program().started() + after;
    let took = ended.saturating_duration_since(since);
    pupil.was_in_time(since, took, IN_ALL, "its end")?;
    word(pupil, "timed-out")
}
