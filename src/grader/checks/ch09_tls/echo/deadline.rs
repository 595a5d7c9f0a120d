//! What is graded of the server's time: 3 s for a handshake, 10 s for a frame, 30 s between two.

use super::ONE_FRAME;
use super::client::{arrives, client, is_too_late, not_shaken, prepare};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::checks::ch09_tls::{frame, header};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Drip, Refusal, Terms};
use std::time::{Duration, Instant};

/// A handshake has 3 s; this late a connection's end is still in time.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(4);

/// The same of a frame, which has 10 s.
const FRAME: Duration = Duration::from_secs(12);

/// The same of a client that says nothing between frames, for 30 s.
const IDLE: Duration = Duration::from_secs(33);

pub(super) const NEEDS_2_S: Check = Check {
    name: "a client that needs 2 s for its handshake is served",
    why: "some lines are slow: the time is for all of it, 3 s, and not less",
    run: |stage| {
        prepare(stage)?;
        let tcp = stage.client("alice")?;
        let since = Instant::now();
        let slowly = Drip {
            bytes: 20,
            every: Duration::from_millis(150),
            lasts: Duration::from_millis(1_900),
        };
        let terms = Terms {
            drip: Some(slowly),
            ..client(stage)
        };
        let shaken = tcp.asks_for_papers(&terms)?;
        match shaken.came {
            Ok(_) => Ok(()),
            // A part of the time was the machine's: the client's own, or the server's.
            Err(refusal) if is_too_late(since, &refusal) => {
                let why = "the machine was too slow: the 3 s were nearly over";
                Err(Stop::Inconclusive(why.to_string()))
            }
            Err(refusal) => not_shaken(&shaken.client, &refusal),
        }
    },
    control: Some(ONE_FRAME),
    causes: &[Cause {
        symptoms: &[],
        likely: "the handshake, or each of its reads, has much less than 3 s",
        advice: "one deadline for the handshake, 3 s after the connection was accepted",
    }],
    ..Check::PLAIN
};

pub(super) const SAYS_NOTHING: Check = Check {
    name: "a client that says nothing is dropped after 3 s",
    why: "it costs a thread, and a thousand of them cost a thousand",
    points: 2,
    run: is_dropped_in_silence,
    control: Some(ONE_FRAME),
    causes: &[NO_DEADLINE],
    ..Check::PLAIN
};

pub(super) const HANDSHAKE_DRIPS: Check = Check {
    name: "a client whose handshake drips is dropped after 3 s",
    why: "a timeout for each read begins anew with each byte: it would last for minutes",
    points: 3,
    run: |stage| {
        prepare(stage)?;
        let tcp = stage.client("slow")?;
        let since = Instant::now();
        let terms = Terms {
            drip: Some(Drip {
                bytes: 1,
                every: Duration::from_millis(100),
                lasts: Drip::FOR_EVER,
            }),
            ..client(stage)
        };
        let shaken = tcp.asks_for_papers(&terms)?;
        let took = since.elapsed();
        if shaken.came.is_ok() || shaken.came.as_ref().err() == Some(&Refusal::Silence) {
            let due = "the end of the connection within 4 s";
            let got = format!("it is still open after {} s", took.as_secs());
            return shaken.client.fails(Symptom::StillOpen, due, got, "");
        }
        in_time(stage, &shaken.client, since, took, HANDSHAKE)
    },
    control: Some(Control {
        name: "a client that says nothing at all",
        run: is_dropped_in_silence,
    }),
    causes: &[Cause {
        symptoms: &[Symptom::StillOpen, Symptom::Late],
        likely: "the timeout is given to each read anew, or nothing is closed when it is over",
        advice: "fix the moment at which it is over, and compute what is left before each read",
    }],
    ..Check::PLAIN
};

pub(super) const PLAIN_TEXT: Check = Check {
    name: "a client that speaks plain text is dropped after 3 s at most",
    why: "the wrong port is a common mistake, and no reason to wait for more of it",
    run: |stage| {
        prepare(stage)?;
        let mut plain = stage.client("plain")?;
        plain.says(b"GET / HTTP/1.0\r\n\r\n")?;
        ends_within(stage, &mut plain, Instant::now(), HANDSHAKE)
    },
    control: Some(ONE_FRAME),
    causes: &[Cause {
        symptoms: &[],
        likely: "the connection outlives its failed handshake",
        advice: "drop the stream when `accept` fails",
    }],
    ..Check::PLAIN
};

pub(super) const FRAME_TAKES_8_S: Check = Check {
    name: "a frame that takes 8 s is served",
    why: "it has 10 s from its first byte, however it comes",
    run: |stage| {
        let mut alice = arrives(stage, "alice")?;
        let since = Instant::now();
        let all = frame(b"hello world");
        let mut told = Ok(());
        for (i, piece) in [&all[..1], &all[1..3], &all[3..8], &all[8..]]
            .iter()
            .enumerate()
        {
            // By the clock: what the machine loses must not be added up.
            let due = Duration::from_millis(2_600) * i as u32;
            alice.has_come(1, due.saturating_sub(since.elapsed()));
            told = told.and(alice.says(piece));
        }
        let told = told.and_then(|()| alice.hears(&all));
        match told {
            Err(Stop::Failed(_)) if since.elapsed() > Duration::from_millis(9_500) => {
                let why = "the machine was too slow: the 10 s were nearly over";
                Err(Stop::Inconclusive(why.to_string()))
            }
            told => told,
        }
    },
    control: Some(ONE_FRAME),
    causes: &[Cause {
        symptoms: &[],
        likely: "the handshake's 3 s go on, or a read of a frame has less than 10 s",
        advice: "set the deadline anew when a frame begins",
    }],
    ..Check::PLAIN
};

pub(super) const RESTS_FOR_12_S: Check = Check {
    name: "a client may say nothing for 12 s between two frames",
    why: "30 s are its right: somebody may be typing",
    run: |stage| {
        let mut alice = arrives(stage, "alice")?;
        alice.says(&frame(b"one"))?;
        alice.hears(&frame(b"one"))?;
        alice.hears_nothing_for(Duration::from_secs(12))?;
        alice.says(&frame(b"two"))?;
        alice.hears(&frame(b"two"))
    },
    control: Some(ONE_FRAME),
    causes: &[Cause {
        symptoms: &[],
        likely: "the 10 s of a frame begin before its first byte",
        advice: "30 s for the first byte; when that is there, 10 s for the rest",
    }],
    ..Check::PLAIN
};

pub(super) const FRAME_DRIPS: Check = Check {
    name: "a frame that drips for longer than 10 s ends the connection",
    why: "a frame that is never whole is never answered, and keeps its buffer",
    points: 2,
    run: |stage| {
        let mut slow = arrives(stage, "slow")?;
        let since = Instant::now();
        // The length is whole after 6 s.
        for byte in header(1_000) {
            slow.says(&[byte])?;
            slow.has_come(1, Duration::from_secs(2));
        }
        while since.elapsed() < FRAME && !slow.has_ended() {
            slow.says(b"x")?;
            slow.has_come(1, Duration::from_secs(1));
        }
        ends_within(stage, &mut slow, since, FRAME)
    },
    control: Some(ONE_FRAME),
    causes: &[Cause {
        symptoms: &[],
        likely: "the 10 s are given to each read anew, or begin behind the length",
        advice: "fix the moment when the frame's first byte is there",
    }],
    ..Check::PLAIN
};

pub(super) const RESTS_FOR_30_S: Check = Check {
    name: "a client that says nothing for 30 s between two frames is dropped",
    why: "a client that has gone without a word would be waited for until the next year",
    run: |stage| {
        let mut idle = arrives(stage, "idle")?;
        let since = Instant::now();
        idle.says(&frame(b"one"))?;
        idle.hears(&frame(b"one"))?;
        let from = Instant::now();
        idle.has_come(1, IDLE + Duration::from_secs(3));
        let ended = idle.has_ended();
        let took = from.elapsed();
        if !ended {
            in_time(stage, &idle, from, took, IDLE)?;
        }
        if ended && since.elapsed() < Duration::from_secs(30) {
            let got = format!("after {} ms", since.elapsed().as_millis());
            return idle.fails(Symptom::Early, "no end before 30 s are over", got, "");
        }
        Ok(())
    },
    control: Some(ONE_FRAME),
    causes: &[Cause {
        symptoms: &[Symptom::Late],
        likely: "the wait for a frame's first byte has no bound",
        advice: "a deadline for that one, too",
    }],
    ..Check::PLAIN
};

const NO_DEADLINE: Cause = Cause {
    symptoms: &[Symptom::StillOpen, Symptom::Late],
    likely: "the handshake waits without a bound, or longer than 3 s, or nothing is closed when they are over",
    advice: "a stream of your own beneath TLS, each of whose reads and writes ends at the deadline",
};

fn is_dropped_in_silence(stage: &Stage) -> Told {
    prepare(stage)?;
    let mut silent = stage.client("silent")?;
    ends_within(stage, &mut silent, Instant::now(), HANDSHAKE)
}

/// The connection ends so long after `since`, whatever the server says before.
fn ends_within(stage: &Stage, client: &mut Client, since: Instant, limit: Duration) -> Told {
    client.hears_all(&format!(
        "the end of the connection within {} s",
        limit.as_secs()
    ))?;
    in_time(stage, client, since, since.elapsed(), limit)
}

fn in_time(
    stage: &Stage,
    client: &Client,
    since: Instant,
    took: Duration,
    limit: Duration,
) -> Told {
    if !stage.server()?.was_late(since, took, limit)? {
        return Ok(());
    }
    let due = format!("the end of the connection within {} s", limit.as_secs());
    client.fails(
        Symptom::Late,
        due,
        format!("after {} ms", took.as_millis()),
        "",
    )
}
