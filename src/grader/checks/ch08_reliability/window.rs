//! `ex08_window`.

mod receiver;
mod timer;

use super::{
    BELIEVES_ANYBODY, MS, Model, NOT_LOOKED_AT, REFUSED_IS_FATAL, SPOILT, SURE, arrives_exactly,
    bad_lines, gives_up,
};
use crate::grader::check::{Cause, Check, Control};
use crate::grader::failure::Symptom;
use crate::grader::segments::{DATA, END, END_ACK, ack, end_ack, segment};
use receiver::{FIRST, TIMEOUT, Talk, WINDOW, at, last_of, one_loss, whole};
use std::time::{Duration, Instant};

pub const WINDOW_EXERCISE: &[Check] = &[
    Check {
        name: "a file of four segments arrives to the byte, and it exits with 0",
        why: "its numbers begin at 4,294,967,290, and the end has the one after the last",
        points: 2,
        run: |stage| whole(stage, &stage.random_bytes(3 * 1024 + 100)),
        ..Check::PLAIN
    },
    Check {
        name: "an empty stdin is only the end, with the first number",
        why: "an empty file is a file",
        run: |stage| whole(stage, b""),
        ..Check::PLAIN
    },
    Check {
        name: "after 4,294,967,295 comes 0",
        why: "a number of 32 bits is never larger: what counts is the distance of two",
        points: 3,
        run: |stage| whole(stage, &stage.random_bytes(40 * 1024)),
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "numbers are added or compared as if they never wrapped",
            advice: "wrapping_add, and for the order of two numbers wrapping_sub: their distance",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "eight segments are under way without an acknowledgement",
        why: "a line that is busy with one segment in eight is busy an eighth of the time",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "it waits for an acknowledgement before eight are sent",
            advice: "send while fewer than eight are sent and not acknowledged; wait only then",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "never a ninth",
        why: "the window is the promise that no more than that can be lost, or fill a buffer",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            // Through an expiry as well.
            talk.stays_within(MS(450))?;
            talk.acknowledges(3)?;
            talk.hears_new_up_to(3 + WINDOW)?;
            talk.stays_within(MS(450))
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "one too many is sent, or what is sent again makes room for new ones",
            advice: "new is allowed while its number is less than 8 ahead of the highest ack",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an ack lets as many new ones go as it covers",
        why: "an ack that names a number acknowledges all before it",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            for upto in [1, 6, 14, 22] {
                talk.acknowledges_in_time(upto)?;
                talk.hears_only_new_up_to(upto + WINDOW)?;
            }
            Ok(())
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "an ack is counted as one segment, or taken for the number that arrived",
            advice: "everything before its number is acknowledged: that many places are free",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the end waits until all is acknowledged",
        why: "who hears the end must know that nothing is missing before it",
        points: 2,
        run: |stage| {
            let mut inbound = stage.receives(&stage.random_bytes(3_000))?;
            let last = last_of(&mut inbound)?;
            inbound.says(&ack(last))?;
            let until = Instant::now() + MS(200);
            while let Some(arrival) = inbound.hears_until(until)? {
                if arrival.segment.kind != DATA {
                    let got = format!("{}, before ack {}", arrival.told(), last.wrapping_add(1));
                    return inbound.fails(Symptom::Early, "data, or nothing yet", got);
                }
            }
            inbound.says(&ack(last.wrapping_add(1)))?;
            inbound
                .hears_past(last, END, last.wrapping_add(1))
                .map(|_| ())
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end is sent behind the last data, as if it were one of the window",
            advice: "first all data and its acknowledgement, then the end",
        }],
        ..Check::PLAIN
    },
    timer::SENDS_THE_OLDEST_AGAIN,
    timer::IS_NO_LATER,
    timer::IS_SET_ANEW,
    timer::IS_LEFT_ALONE,
    Check {
        name: "an ack from before the wrap is old",
        why: "4,294,967,293 is five before 2, however large it looks",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            talk.acknowledges(8)?; // 2
            talk.hears_new_up_to(8 + WINDOW)?;
            for old in [3, 5, 6] {
                talk.inbound.says(&ack(at(old)))?;
            }
            talk.stays_within(MS(200))?;
            talk.acknowledges(16)?;
            talk.hears_new_up_to(16 + WINDOW)
        },
        control: Some(ONE_EXPIRY),
        causes: &[Cause {
            symptoms: &[],
            likely: "two numbers are compared with <",
            advice: "take their distance: wrapping_sub, and see whether it lies in the window",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "one loss costs one wait, where the receiver keeps what comes early",
        why: "then the one that is missing is all that it needs",
        points: 2,
        run: |stage| one_loss(stage, WINDOW),
        control: Some(TWENTY),
        causes: &[ONE_BY_ONE],
        ..Check::PLAIN
    },
    Check {
        name: "one loss costs one wait, where the receiver keeps nothing",
        why: "then all behind the hole is missing too, and must not cost a wait each",
        points: 3,
        run: |stage| one_loss(stage, 0),
        control: Some(TWENTY),
        causes: &[ONE_BY_ONE],
        ..Check::PLAIN
    },
    Check {
        name: "only an ack moves the window",
        why: "the type is the first byte for a reason",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            talk.inbound.says(&segment(END_ACK, at(4), b""))?;
            talk.inbound.says(&segment(END, at(4), b""))?;
            talk.stays_within(MS(200))
        },
        control: Some(ONE_EXPIRY),
        causes: &[Cause {
            symptoms: &[],
            likely: "the type of the answer isn't looked at",
            advice: "compare the first byte",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the end waits for an end-ack with its number",
        why: "an ack says that the data is there; that the end is known only an end-ack says",
        run: |stage| {
            let mut inbound = stage.receives(b"")?;
            inbound.hears_the(END, FIRST)?;
            for wrong in [ack(FIRST), ack(at(1)), end_ack(at(1))] {
                inbound.says(&wrong)?;
            }
            inbound.hears_the(END, FIRST)?;
            inbound.says(&end_ack(FIRST))?;
            inbound.exits(0).map(|_| ())
        },
        control: Some(FOUR),
        causes: &[
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "any answer to the end is taken for its end-ack, or nobody waits for one",
                advice: "send the end until type 4 with its number comes",
            },
            SPOILT,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an ack from somebody else is not believed",
        why: "anybody can send a datagram to any port",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            talk.inbound.a_stranger_says(&ack(at(4)))?;
            talk.stays_within(MS(200))
        },
        control: Some(ONE_EXPIRY),
        causes: &[BELIEVES_ANYBODY],
        ..Check::PLAIN
    },
    Check {
        name: "a datagram that is no segment is ignored",
        why: "seven bytes can be told from six only by counting them",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            let answer = ack(at(4));
            for wrong in [&b""[..], &answer[..1], &answer[..6]] {
                talk.inbound.says(wrong)?;
            }
            talk.inbound.says(&[&answer[..], b"\0"].concat())?;
            talk.stays_within(MS(200))?;
            talk.acknowledges(2)?;
            talk.hears_new_up_to(2 + WINDOW)
        },
        control: Some(ONE_EXPIRY),
        causes: &[NOT_LOOKED_AT],
        ..Check::PLAIN
    },
    Check {
        name: "a refused port is a loss like any other",
        why: "the receiver may start a moment later",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            talk.inbound.is_away(MS(700))?;
            talk.hears_again().map(|_| ())
        },
        control: Some(ONE_EXPIRY),
        causes: &[REFUSED_IS_FATAL],
        ..Check::PLAIN
    },
    Check {
        name: "after eight waits without progress: exit 1",
        why: "a receiver that is gone must not keep the sender for ever",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            let since = talk.acknowledges(1)?;
            let (mut last, mut times) = (since, 0);
            while talk.inbound.pupil().program().exit().is_none() {
                while let Some(arrival) = talk.inbound.hears_within(MS(20))? {
                    talk.takes(&arrival)?;
                    if arrival.number() == at(1) {
                        (last, times) = (arrival.by, times + 1);
                    }
                }
                if since.elapsed() > MS(10_000) {
                    break;
                }
            }
            let ended = gives_up(&talk.inbound)?;
            while let Some(arrival) = talk.inbound.hears_within(Duration::ZERO)? {
                times += u32::from(arrival.number() == at(1));
            }
            talk.inbound
                .not_early("the exit", since, ended, TIMEOUT * 8)?;
            if times > 8 {
                let got = format!("{times} repetitions of data {}", at(1));
                return talk
                    .inbound
                    .fails(Symptom::Extra, "7 of them, and an exit", got);
            }
            let took = ended.saturating_duration_since(last);
            talk.inbound
                .pupil()
                .was_in_time(last, took, MS(1_300), "the exit")
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "waits without progress aren't counted to eight, or the eighth isn't waited for",
            advice: "count when the time is over: the eighth time ends it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "waits are counted anew after progress",
        why: "a long file loses more than eight times, and isn't lost for that",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            for upto in 1..=3 {
                let mut times = 0;
                while times < 4 {
                    let arrival = talk.inbound.hears("the oldest again")?;
                    let new = talk.takes(&arrival)?;
                    times += u32::from(!new && arrival.number() == at(upto - 1));
                }
                talk.acknowledges(upto)?;
            }
            talk.hears_new_up_to(3 + WINDOW)
        },
        control: Some(ONE_EXPIRY),
        causes: &[Cause {
            symptoms: &[],
            likely: "one counter for the whole file",
            advice: "begin to count again with each ack that advances",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end that is never acknowledged: exit 1",
        why: "without that nobody knows whether the receiver knows that it has everything",
        points: 2,
        run: |stage| {
            let mut inbound = stage.receives(b"")?;
            for _ in 0..8 {
                inbound.hears_the(END, FIRST)?;
            }
            gives_up(&inbound).map(|_| ())
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end is sent fewer than eight times, or without an answer it is success",
            advice: "treat it as you treat data",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "under 20 % loss, duplication and reordering the file arrives exactly",
        why: "that is what it is for",
        points: 3,
        run: |stage| {
            let file = stage.random_bytes(20 * 1024 + 500);
            // Whether it keeps what it can't write yet is the receiver's own affair.
            let keeps = stage.random_below(8) as u32;
            arrives_exactly(
                stage,
                &file,
                Model::new(FIRST, keeps),
                bad_lines(stage),
                SURE,
            )
        },
        control: Some(TWENTY),
        causes: &[],
        ..Check::PLAIN
    },
];

const ONE_BY_ONE: Cause = Cause {
    symptoms: &[Symptom::Late],
    likely: "one segment is sent again for each wait, and there are as many waits as holes",
    advice: "when the time is over, send all that is under way again; or the next oldest as soon as an \
             ack has advanced",
};

const FOUR: Control = Control {
    name: "a file of four segments, every answer at once",
    run: |stage| whole(stage, &stage.random_bytes(3 * 1024 + 100)),
};

const TWENTY: Control = Control {
    name: "a file of twenty segments over a good line",
    run: |stage| whole(stage, &stage.random_bytes(20 * 1024)),
};

const ONE_EXPIRY: Control = Control {
    name: "the same window, and nothing that arrives",
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        talk.hears_new_up_to(WINDOW)?;
        talk.hears_again().map(|_| ())
    },
};
