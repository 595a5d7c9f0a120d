//! `ex08_adaptive`: the timer of RFC 6298, judged within the bounds that the grader's own clock gives.

mod receiver;

use super::{
    BELIEVES_ANYBODY, MS, Model, NOT_LOOKED_AT, REFUSED_IS_FATAL, SPOILT, Sure, TIMER_PER_DATAGRAM,
    arrives_exactly, bad_lines, gives_up, good_lines,
};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::Symptom;
use crate::grader::segments::{DATA, END, ack, end_ack};
use crate::grader::stage::Stage;
use receiver::{Talk, with_room};
use std::time::{Duration, Instant};

pub const ADAPTIVE: &[Check] = &[
    Check {
        name: "a file arrives to the byte, and it exits with 0",
        why: "a timer is of use to a sender that is right",
        run: |stage| whole(stage, &stage.random_bytes(20 * 1024 + 1)),
        ..Check::PLAIN
    },
    Check {
        name: "an empty stdin is only the end",
        why: "an empty file is a file",
        run: |stage| whole(stage, b""),
        ..Check::PLAIN
    },
    Check {
        name: "an end-ack with another number doesn't end it",
        why: "the end is acknowledged by its own number",
        run: |stage| {
            let mut inbound = stage.receives(b"")?;
            inbound.hears_the(END, 0)?;
            inbound.says(&end_ack(1))?;
            inbound.says(&ack(1))?;
            inbound.hears_the(END, 0)?;
            inbound.says(&end_ack(0))?;
            inbound.exits(0).map(|_| ())
        },
        control: Some(QUICK_ANSWERS),
        causes: &[
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "any answer to the end is taken for its end-ack",
                advice: "compare type and number with those of the one answer that is due",
            },
            SPOILT,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "before the first round trip it waits one second",
        why: "RFC 6298 (2.1): of a peer that never answered nothing is known",
        points: 2,
        run: |stage| {
            let mut inbound = stage.receives(b"hello")?;
            let first = inbound.hears_the(DATA, 0)?;
            let again = inbound.hears_the(DATA, 0)?;
            inbound.not_before_as_seen(&again, first.after, MS(1_000))?;
            inbound.not_after(&again, first.by, with_room(MS(1_000)))
        },
        control: Some(QUICK_ANSWERS),
        causes: &[Cause {
            symptoms: &[Symptom::Early, Symptom::Late],
            likely: "the timer begins with another value than 1 s",
            advice: "RFC 6298 (2.1) says where it begins",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "after quick answers it waits 200 ms",
        why: "the timer learns that a round trip is short; 200 ms are the least here",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 6])?;
            talk.loses()
        },
        control: Some(QUICK_ANSWERS),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the timeout becomes as short as the round trip is: there is no minimum",
                advice: "RFC 6298 (2.4), with 200 ms in place of its 1 s",
            },
            Cause {
                symptoms: &[Symptom::Late],
                likely: "round trips don't make the timeout shorter, or the RFC's minimum holds",
                advice: "measure from the transmission to its answer, and compute after each",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "after slow answers it waits for SRTT + 4 RTTVAR",
        why: "RFC 6298 (2.2, 2.3): the first round trip sets both, the later ones move them",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(300)])?;
            talk.loses()
        },
        control: Some(QUICK_ANSWERS),
        causes: &[FORMULA],
        ..Check::PLAIN
    },
    Check {
        name: "later round trips move SRTT by 1/8 and RTTVAR by 1/4",
        why: "one slow answer is remembered for a while, not for ever",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            let delays = [400, 100, 100, 100, 100, 100, 100, 100].map(MS);
            talk.answers_after(&delays)?;
            talk.loses()
        },
        control: Some(QUICK_ANSWERS),
        causes: &[FORMULA],
        ..Check::PLAIN
    },
    Check {
        name: "a round trip that varies makes it wait longer",
        why: "RTTVAR is how much it varies: four times that is the room it leaves",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[60, 150, 20, 220, 20, 300].map(MS))?;
            talk.loses()
        },
        control: Some(QUICK_ANSWERS),
        causes: &[FORMULA],
        ..Check::PLAIN
    },
    Check {
        name: "the timeout is doubled at each expiry, and after five transmissions: exit 1",
        why: "RFC 6298 (5.5): where nothing gets through, more of it doesn't help",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            for _ in 0..4 {
                talk.loses()?;
            }
            let (since, last) = (talk.since, talk.last.by);
            // Where the samples were long, the last wait is longer than anybody's patience.
            let most = with_room(talk.estimate.most()) + MS(500);
            talk.inbound.pupil().program().wait_exit(most);
            let ended = gives_up(&talk.inbound)?;
            if let Some(extra) = talk.inbound.hears_within(Duration::ZERO)? {
                let got = format!("{} once more", extra.told());
                return talk.inbound.fails(Symptom::Extra, "5 transmissions", got);
            }
            let stalled = talk.inbound.stalled(since);
            let least = (talk.waited.0 + talk.estimate.least()).saturating_sub(stalled);
            talk.inbound.not_early("the exit", since, ended, least)?;
            let took = ended.saturating_duration_since(last);
            talk.inbound
                .pupil()
                .was_in_time(last, took, most, "the exit after the fifth")
        },
        control: Some(ONE_LOSS),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the timeout isn't doubled at each expiry, or the last isn't waited for",
                advice: "double it whenever it is over: 200, 400, 800, 1,600, 3,200 ms",
            },
            Cause {
                symptoms: &[],
                likely: "a segment is sent more than five times, or fewer, or with other pauses",
                advice: "send, wait, double, and count: the first transmission is one of the five",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an answer to the fifth transmission counts",
        why: "it was sent so that it would be answered",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            for _ in 0..4 {
                talk.loses()?;
            }
            talk.answers()
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[],
            likely: "it gives up when it has sent the fifth, or after fewer",
            advice: "send, wait, and only then count",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an answer to a segment that was sent twice is no round trip",
        why: "Karn: nobody can tell which of the two was answered, and a guess is learnt from",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            talk.loses()?;
            talk.loses()?;
            talk.answers()?;
            // 800 ms: 200, doubled twice. Half of it tells them apart.
            let since = talk.since;
            let again = talk.again()?;
            talk.inbound.not_before(&again, since, MS(380))
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[Symptom::Early],
            likely: "the answer to a retransmitted segment is taken as a sample, or the timeout isn't \
                     kept doubled for the next segment",
            advice: "only a segment that was sent once gives a sample; until then the timeout stays",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "nor is it one from the first transmission on",
        why: "that would count the timeout as a part of the round trip",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.loses()?; // 1 s
            talk.answers()?;
            talk.answers_after(&[MS(0); 2])?;
            talk.loses()
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[Symptom::Late],
            likely: "the time from the first transmission to the answer of a later one is taken \
                         as a sample, or a sample doesn't end the doubling",
            advice: "no sample from a segment that was sent twice, and a fresh timeout from the \
                         next that was sent once",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a sample takes the doubling back",
        why: "(5.5) is for as long as nothing is known: after an answer something is",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            talk.loses()?;
            talk.loses()?;
            talk.answers()?;
            talk.answers_after(&[MS(0)])?;
            talk.loses()
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[Symptom::Late],
            likely: "the timeout stays doubled after a sample",
            advice: "after each sample it is computed anew from SRTT and RTTVAR",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "when answers take 300 ms instead of 20, three transmissions at most are repeated",
        why: "a timer that doesn't follow sends every segment twice from then on",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(20); 5])?;
            let begun = Instant::now();
            let copies = talk.answers_each_after(MS(300), 8)?;
            if copies <= 3 {
                return Ok(());
            }
            let got = format!("{copies} were repeated, in 8 segments");
            let due = "3 repeated transmissions at most";
            let told = talk.inbound.fails(Symptom::Extra, due, got);
            talk.inbound.if_swift(begun, MS(20), told)
        },
        control: Some(QUICK_ANSWERS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the timeout goes back to what it was after each answer, so no segment is ever sent \
                     only once, and nothing is learnt",
            advice: "keep it doubled for the next segment: then that one is answered in time",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "older acks neither make it send again nor put the timeout off",
        why: "a copy of an old answer says nothing new",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            let old = ack(talk.number - 1);
            let begun = Instant::now();
            while begun.elapsed() < MS(1_500) {
                talk.inbound.says(&old)?;
                if let Some(arrival) = talk.inbound.hears_within(MS(40))? {
                    if arrival.is(DATA, talk.number) {
                        talk.was_lost(&arrival)?;
                        return talk.loses_after(&old);
                    }
                }
            }
            let due = "the segment again, when its timeout is over";
            let got = "nothing in 1.5 s, while an older ack came every 40 ms";
            let told = talk.inbound.fails(Symptom::Silence, due, got);
            talk.inbound.if_swift(begun, MS(300), told)
        },
        control: Some(ONE_LOSS),
        causes: &[TIMER_PER_DATAGRAM],
        ..Check::PLAIN
    },
    Check {
        name: "an ack from somebody else is not believed",
        why: "anybody can send a datagram to any port",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            talk.inbound.a_stranger_says(&ack(talk.number + 1))?;
            talk.again().map(|_| ())
        },
        control: Some(ONE_LOSS),
        causes: &[BELIEVES_ANYBODY],
        ..Check::PLAIN
    },
    Check {
        name: "a datagram that is no segment is ignored",
        why: "seven bytes can be told from six only by counting them",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 4])?;
            let answer = ack(talk.number + 1);
            for wrong in [&b""[..], &answer[..1], &answer[..6]] {
                talk.inbound.says(wrong)?;
            }
            talk.inbound.says(&[&answer[..], b"\0"].concat())?;
            talk.again().map(|_| ())
        },
        control: Some(ONE_LOSS),
        causes: &[NOT_LOOKED_AT],
        ..Check::PLAIN
    },
    Check {
        name: "a refused port is a loss like any other",
        why: "the receiver may start a moment later",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.answers_after(&[MS(0); 2])?;
            talk.inbound.is_away(MS(500))?;
            talk.again().map(|_| ())
        },
        control: Some(ONE_LOSS),
        causes: &[REFUSED_IS_FATAL],
        ..Check::PLAIN
    },
    Check {
        name: "under 20 % loss, duplication and reordering the file arrives exactly",
        why: "the timer changes when a segment is sent, never which",
        points: 2,
        run: |stage| {
            let file = stage.random_bytes(8 * 1024 + 500);
            arrives_exactly(stage, &file, Model::new(0, 0), bad_lines(stage), SURE)
        },
        control: Some(QUICK_ANSWERS),
        causes: &[],
        ..Check::PLAIN
    },
];

/// Behind a segment that was repeated the timeout stays doubled: what comes next arrives at once, or
/// a right sender could be made to wait for minutes.
const SURE: Sure = |times, after_a_repeated_one| times >= 3 || after_a_repeated_one;

const FORMULA: Cause = Cause {
    symptoms: &[Symptom::Early, Symptom::Late],
    likely: "SRTT or RTTVAR are computed otherwise, or in another order",
    advice: "RFC 6298 (2.2) for the first sample, (2.3) for each later one: RTTVAR before SRTT",
};

const QUICK_ANSWERS: Control = Control {
    name: "a file with every answer at once",
    run: |stage| whole(stage, &stage.random_bytes(5_000)),
};

const ONE_LOSS: Control = Control {
    name: "one lost segment, and nothing else",
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        talk.answers_after(&[MS(0); 4])?;
        talk.loses()
    },
};

fn whole(stage: &Stage, file: &[u8]) -> Told {
    arrives_exactly(stage, file, Model::new(0, 0), good_lines(stage), SURE)
}
