//! `ex08_sender`.

mod receiver;

use super::{
    BELIEVES_ANYBODY, MS, Model, NOT_LOOKED_AT, REFUSED_IS_FATAL, SPOILT, SURE, TIMER_PER_DATAGRAM,
    arrives_exactly, bad_lines, gives_up, good_lines,
};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::segments::{DATA, END, END_ACK, Inbound, ack, end_ack, segment};
use crate::grader::stage::Stage;
use receiver::{
    at_the_second, goes_on, keeps_saying, says_once_each_time, stays_at, ten_of_them, three,
};
use std::time::{Duration, Instant};

const TRY: Duration = Duration::from_millis(200);

pub const SENDER: &[Check] = &[
    Check {
        name: "a short stdin is one segment, number 0, and then the end",
        why: "the seven bytes before a payload are all that the receiver has to go by",
        run: |stage| {
            let mut inbound = stage.receives(b"hello")?;
            let mut payload = Vec::new();
            let mut number = 0;
            // It may cut where it likes.
            while payload.len() < 5 {
                payload.extend(
                    inbound
                        .hears_past(number.max(1) - 1, DATA, number)?
                        .segment
                        .payload,
                );
                number += 1;
                inbound.says(&ack(number))?;
            }
            super::arrived(&inbound, &payload, b"hello")?;
            inbound.hears_past(number - 1, END, number).map(|_| ())
        },
        ..Check::PLAIN
    },
    Check {
        name: "after the end-ack it exits with 0",
        why: "only now is it certain that all has arrived",
        run: |stage| whole(stage, b"hello"),
        ..Check::PLAIN
    },
    Check {
        name: "a file of three segments arrives to the byte",
        why: "a payload is bytes: no text, no lines, and no zeros behind them",
        points: 2,
        run: |stage| whole(stage, &three(stage)),
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "bytes are changed, left out or added where stdin is cut into segments",
            advice: "send what was read, no more: the length counts the bytes of this payload",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty stdin is only the end",
        why: "an empty file is a file, and no segment of data is empty",
        run: |stage| whole(stage, b""),
        ..Check::PLAIN
    },
    Check {
        name: "2,048 bytes are sent without an empty segment behind them",
        why: "where the file ends at the end of a segment, the end comes next",
        run: |stage| whole(stage, &stage.random_bytes(2_048)),
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a last payload of no bytes is sent as data",
            advice: "when a read of stdin returns nothing, send the end",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "300 segments arrive in order",
        why: "the number has four bytes",
        run: |stage| whole(stage, &stage.random_bytes(300 * 1024)),
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "numbers are counted in fewer than 32 bits, or written in the wrong order",
            advice: "a u32, written with to_be_bytes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the next segment waits for the acknowledgement of the last",
        why: "whoever sends on without an answer sends into the dark",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            while let Some(arrival) = inbound.hears_until(since + MS(700))? {
                if goes_on(arrival.segment.kind, arrival.number()) {
                    let due = "data 1 again, or nothing yet";
                    return inbound.fails(Symptom::Extra, due, arrival.told());
                }
            }
            Ok(())
        },
        ..Check::PLAIN
    },
    Check {
        name: "an unanswered segment is sent again, the same bytes",
        why: "it may be lost, or its answer: the sender can't tell, and need not",
        points: 2,
        run: sent_again,
        control: Some(A_SHORT_ONE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence, Symptom::Exit],
                likely: "the receive has no timeout, or the timeout ends the program",
                advice: "bound each receive; when the time is over, send the segment again",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the segment is made anew for each transmission, and not the same",
                advice: "keep the bytes that were sent, and send those again",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "it is sent again after 200 ms, not before",
        why: "sooner, and the answer may still be on its way: everything is sent twice",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            let again = inbound.hears_again(0, 1)?;
            inbound.not_before(&again, since, TRY)
        },
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[Symptom::Early],
            likely: "the timeout is shorter, or what is left of it is not what was left",
            advice: "one deadline for each transmission: 200 ms after it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "it is sent again no later than soon after 200 ms",
        why: "each loss costs one such wait",
        run: |stage| {
            let (mut inbound, _) = at_the_second(stage, &three(stage))?;
            let sent = Instant::now();
            let again = inbound.hears_again(0, 1)?;
            inbound.not_after(&again, sent, TRY + MS(250))
        },
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[Symptom::Late],
            likely: "the timeout is longer than 200 ms, or a pause is added to it",
            advice: "send again as soon as the 200 ms are over",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "an older ack doesn't make it send again at once",
        why: "a copy of an old answer says nothing new; answered, it would breed copies for ever",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            for _ in 0..3 {
                inbound.says(&ack(1))?;
            }
            let again = inbound.hears_again(0, 1)?;
            inbound.not_before(&again, since, TRY)
        },
        control: Some(ONE_EXPIRY),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "whatever isn't the answer is taken for a reason to send again",
                advice: "pass it over, and wait on until the deadline",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "any ack is taken for the answer, or any that isn't higher",
                advice: "the answer to data N is ack N + 1, and no other",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "older acks don't put the 200 ms off",
        why: "a network that is full of copies would keep the sender waiting for ever",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            keeps_saying(&mut inbound, since, &ack(1))?;
            says_once_each_time(&mut inbound, &ack(1))
        },
        control: Some(ONE_EXPIRY),
        causes: &[TIMER_PER_DATAGRAM],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "an ack of another number is no answer",
        why: "an ack that names a number says that all before it is there, and nothing else",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            inbound.says(&ack(0))?;
            inbound.says(&ack(1))?;
            stays_at(&mut inbound, since + MS(300))
        },
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the number in an ack isn't compared, or not with the next one",
            advice: "the answer to data N is ack N + 1",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "only an ack answers data",
        why: "the type is the first byte for a reason",
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            inbound.says(&segment(END_ACK, 2, b""))?;
            inbound.says(&segment(END, 2, b""))?;
            inbound.says(&segment(DATA, 2, b"x"))?;
            stays_at(&mut inbound, since + MS(300))
        },
        control: Some(A_SHORT_ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the type of the answer isn't looked at",
            advice: "compare the first byte: data is answered by type 2, the end by type 4",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the end waits for an end-ack with its number",
        why: "an ack says that the data is there; that the end is known only an end-ack says",
        points: 2,
        run: |stage| {
            let mut inbound = stage.receives(b"")?;
            inbound.hears_the(END, 0)?;
            for wrong in [ack(0), ack(1), end_ack(1)] {
                inbound.says(&wrong)?;
            }
            inbound.hears_the(END, 0)?;
            inbound.says(&end_ack(0))?;
            inbound.exits(0).map(|_| ())
        },
        control: Some(A_SHORT_ONE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "any answer to the end is taken for its end-ack, or nobody waits for one",
                advice: "the end is sent again like data, until type 4 with its number comes",
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
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            inbound.a_stranger_says(&ack(2))?;
            stays_at(&mut inbound, since + MS(300))
        },
        control: Some(ONE_EXPIRY),
        causes: &[BELIEVES_ANYBODY],
        ..Check::PLAIN
    },
    Check {
        name: "what somebody else sends doesn't put the 200 ms off",
        why: "a stranger must not be able to stop a transfer",
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            while since.elapsed() < MS(1_500) {
                inbound.a_stranger_says(&ack(2))?;
                if let Some(arrival) = inbound.hears_within(MS(40))? {
                    if arrival.is(DATA, 1) {
                        return Ok(());
                    }
                }
            }
            let told = inbound.fails(
                Symptom::Silence,
                "data 1 again, 200 ms after it was sent",
                "nothing in 1.5 s, while a stranger sent an ack every 40 ms",
            );
            inbound.if_swift(since, MS(300), told)
        },
        control: Some(ONE_EXPIRY),
        causes: &[TIMER_PER_DATAGRAM],
        ..Check::PLAIN
    },
    Check {
        name: "a datagram that is no segment is ignored",
        why: "seven bytes can be told from six only by counting them",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            let answer = ack(2);
            let mut long = answer.clone();
            long.push(0);
            let mut claims = answer.clone();
            claims[6] = 1;
            for wrong in [&b""[..], &answer[..1], &answer[..6], &long, &claims] {
                inbound.says(wrong)?;
            }
            stays_at(&mut inbound, since + MS(300))
        },
        control: Some(ONE_EXPIRY),
        causes: &[NOT_LOOKED_AT],
        ..Check::PLAIN
    },
    Check {
        name: "a refused port is a loss like any other",
        why: "the receiver may start a moment later",
        points: 2,
        run: |stage| {
            let mut inbound = stage.receives(&three(stage))?;
            inbound.hears_the(DATA, 0)?;
            inbound.is_away(MS(500))?;
            inbound.hears_the(DATA, 0)?;
            inbound.says(&ack(1))?;
            inbound.hears_past(0, DATA, 1).map(|_| ())
        },
        control: Some(ONE_EXPIRY),
        causes: &[REFUSED_IS_FATAL],
        ..Check::PLAIN
    },
    Check {
        name: "after ten transmissions without an answer: exit 1",
        why: "a receiver that is gone must not keep the sender for ever",
        points: 3,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            let last = ten_of_them(&mut inbound, since)?;
            let ended = gives_up(&inbound)?;
            let no_more = inbound.hears_within(Duration::ZERO)?;
            if let Some(extra) = no_more {
                let due = "10 transmissions of data 1";
                return inbound.fails(Symptom::Extra, due, format!("{} once more", extra.told()));
            }
            inbound.not_early("the exit", since, ended, TRY * 10)?;
            let took = ended.saturating_duration_since(last);
            inbound
                .pupil()
                .was_in_time(last, took, MS(1_200), "the exit after the tenth")
        },
        control: Some(Control {
            name: "a segment's second transmission",
            run: sent_again,
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "it doesn't wait for an answer to the last transmission, or not for 200 ms",
                advice: "send, wait, and only then count: the tenth has its 200 ms too",
            },
            Cause {
                symptoms: &[Symptom::Status],
                likely: "it gives up, and calls that success",
                advice: "exit status 1, and a sentence on stderr",
            },
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "it gives up before the tenth transmission",
                advice: "count each time it is sent: the first is one of ten",
            },
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the wait grows with each transmission, or it stops sending",
                advice: "200 ms after each of the ten",
            },
            Cause {
                symptoms: &[],
                likely: "the transmissions of a segment aren't counted to ten",
                advice: "count each time it is sent: the first is one of them",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an answer to the tenth transmission counts",
        why: "it was sent so that it would be answered",
        points: 2,
        run: |stage| {
            let (mut inbound, since) = at_the_second(stage, &three(stage))?;
            let last = ten_of_them(&mut inbound, since)?;
            inbound.says(&ack(2))?;
            let told = inbound.hears_past(1, DATA, 2).map(|_| ());
            inbound.if_swift(last, MS(100), told)
        },
        control: Some(ONE_EXPIRY),
        causes: &[Cause {
            symptoms: &[],
            likely: "it gives up when it has sent the tenth, or after fewer",
            advice: "send, wait, and only then count",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "transmissions are counted anew for each segment",
        why: "a long file loses more than ten segments, and isn't lost for that",
        points: 2,
        run: |stage| {
            let mut inbound = stage.receives(&three(stage))?;
            for number in 0..3 {
                for _ in 0..5 {
                    inbound.hears_past(number.max(1) - 1, DATA, number)?;
                }
                inbound.says(&ack(number + 1))?;
            }
            // The end, or more data if it cuts stdin into shorter pieces.
            while inbound.hears("number 3")?.number() < 3 {}
            Ok(())
        },
        control: Some(Control {
            name: "a segment's second transmission",
            run: sent_again,
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "one counter for the whole file",
            advice: "begin to count again with each segment",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end that is never acknowledged: exit 1",
        why: "without that nobody knows whether the receiver knows that it has everything",
        points: 2,
        run: |stage| {
            let inbound = hears_ends(stage, 10)?;
            gives_up(&inbound).map(|_| ())
        },
        control: Some(Control {
            name: "an end's second transmission",
            run: |stage| hears_ends(stage, 2).map(|_| ()),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end is sent fewer than ten times, or without an answer it is success",
            advice: "treat it as you treat data",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "under 20 % loss, duplication and reordering the file arrives exactly",
        why: "that is what it is for",
        points: 3,
        run: |stage| {
            let file = stage.random_bytes(9 * 1024 + 500);
            arrives_exactly(stage, &file, Model::new(0, 0), bad_lines(stage), SURE)
        },
        control: Some(Control {
            name: "the same file over a good line",
            run: |stage| whole(stage, &stage.random_bytes(9 * 1024 + 500)),
        }),
        causes: &[],
        ..Check::PLAIN
    },
];

const A_SHORT_ONE: Control = Control {
    name: "a file of one segment, every answer in time",
    run: |stage| whole(stage, b"hello"),
};

const ONE_EXPIRY: Control = Control {
    name: "the same without anything arriving",
    run: |stage| {
        let (mut inbound, since) = at_the_second(stage, &three(stage))?;
        stays_at(&mut inbound, since + MS(300))
    },
};

fn sent_again(stage: &Stage) -> Told {
    let mut inbound = stage.receives(&three(stage))?;
    let first = inbound.hears_the(DATA, 0)?;
    let again = inbound.hears("data 0 once more")?;
    if again.bytes == first.bytes {
        return Ok(());
    }
    inbound.fails(Symptom::Different, &first.bytes[..], &again.bytes[..])
}

/// An empty file's end comes so many times, unanswered.
fn hears_ends(stage: &Stage, times: u32) -> Result<Inbound, Stop> {
    let mut inbound = stage.receives(b"")?;
    for _ in 0..times {
        inbound.hears_the(END, 0)?;
    }
    Ok(inbound)
}

fn whole(stage: &Stage, file: &[u8]) -> Told {
    arrives_exactly(stage, file, Model::new(0, 0), good_lines(stage), SURE)
}
