//! `ex08_window`.

use super::{
    BELIEVES_ANYBODY, Model, NOT_LOOKED_AT, REFUSED_IS_FATAL, SURE, arrives_exactly, bad_lines,
    gives_up, good_lines,
};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::segments::{Arrival, DATA, END, END_ACK, Inbound, ack, end_ack, segment};
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

const MS: fn(u64) -> Duration = Duration::from_millis;
const FIRST: u32 = 4_294_967_290;
const WINDOW: u32 = 8;
const TIMEOUT: Duration = Duration::from_millis(300);

/// The number of the segment with this place in the file, counted from 0.
fn at(place: u32) -> u32 {
    FIRST.wrapping_add(place)
}

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
    Check {
        name: "300 ms after the last ack that advanced, the oldest is sent again",
        why: "that one is missing, for all that the sender knows",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            let since = talk.acknowledges_in_time(2)?;
            let again = talk.hears_again()?;
            if again.number() != at(2) {
                let due = format!("data {} first: the oldest", at(2));
                return talk.inbound.fails(Symptom::Different, due, again.told());
            }
            talk.inbound.not_before(&again, since, TIMEOUT)
        },
        control: Some(FOUR),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the timer isn't set anew by an ack that advances, or is shorter than 300 ms",
                advice: "a new deadline with each ack that advances",
            },
            Cause {
                symptoms: &[],
                likely: "no timer, or what is sent again doesn't begin with the oldest",
                advice: "when the deadline is over, go back to the oldest that isn't acknowledged",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "it is sent again no later than soon after 300 ms",
        why: "each loss costs one such wait",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            talk.acknowledges_in_time(2)?;
            talk.hears_new_up_to(2 + WINDOW)?;
            let sent = Instant::now();
            let again = talk.hears_again()?;
            talk.inbound.not_after(&again, sent, TIMEOUT + MS(300))
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[Symptom::Late],
            likely: "the timeout is longer than 300 ms",
            advice: "send again as soon as the 300 ms are over",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "each ack that advances sets the timer anew",
        why: "where something arrives nothing is lost yet: only what is behind a hole waits",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            let begun = Instant::now();
            for upto in 1..=7 {
                // Well below 300 ms each, well above it together.
                let until = Instant::now() + MS(110);
                while let Some(arrival) = talk.inbound.hears_until(until)? {
                    if !talk.takes(&arrival)? {
                        let got = format!("{} again", arrival.told());
                        let due = "no repetition while acks advance every 110 ms";
                        talk.is_in_time()?;
                        let told = talk.inbound.fails(Symptom::Early, due, got);
                        return talk.inbound.if_swift(begun, MS(120), told);
                    }
                }
                talk.acknowledges_in_time(upto)?;
            }
            Ok(())
        },
        control: Some(FOUR),
        causes: &[Cause {
            symptoms: &[],
            likely: "the timer runs from when the segment was sent, or isn't touched by progress",
            advice: "a new deadline with each ack that advances",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an ack that doesn't advance leaves the timer alone",
        why: "a network full of copies would keep the sender waiting for ever",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.hears_new_up_to(WINDOW)?;
            let since = talk.acknowledges_in_time(4)?;
            talk.hears_new_up_to(4 + WINDOW)?;
            while since.elapsed() < MS(2_000) {
                talk.inbound.says(&ack(at(2)))?;
                if let Some(arrival) = talk.inbound.hears_within(MS(40))? {
                    if !talk.takes(&arrival)? {
                        return talk.inbound.not_before(&arrival, since, TIMEOUT);
                    }
                }
            }
            let due = "the oldest again, 300 ms after the last ack that advanced";
            let got = "nothing in 2 s, while an older ack came every 40 ms";
            talk.inbound.fails(Symptom::Silence, due, got)
        },
        control: Some(ONE_EXPIRY),
        causes: &[Cause {
            symptoms: &[],
            likely: "every ack, or every datagram, sets the timer anew, or makes it send again",
            advice: "only an ack that advances is progress",
        }],
        ..Check::PLAIN
    },
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
        causes: &[Cause {
            symptoms: &[],
            likely: "any answer to the end is taken for its end-ack, or nobody waits for one",
            advice: "send the end until type 4 with its number comes",
        }],
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

fn whole(stage: &Stage, file: &[u8]) -> Told {
    arrives_exactly(stage, file, Model::new(FIRST, 7), good_lines(stage), SURE)
}

/// The number of the last segment of a short file, of which nothing is acknowledged yet.
fn last_of(inbound: &mut Inbound) -> Result<u32, Stop> {
    let (mut bytes, mut place) = (0, 0);
    while bytes < 3_000 {
        let arrival = inbound.hears_past(at(place).wrapping_sub(1), DATA, at(place))?;
        bytes += arrival.segment.payload.len();
        place += 1;
        if place % WINDOW == 0 && bytes < 3_000 {
            inbound.says(&ack(at(place)))?;
        }
    }
    Ok(at(place - 1))
}

/// Twenty segments, the fourth of which is lost once: from then on all takes a wait and a second.
fn one_loss(stage: &Stage, keeps: u32) -> Told {
    let file = stage.random_bytes(20 * 1024);
    let mut inbound = stage.receives(&file)?;
    let mut model = Model::new(FIRST, keeps);
    let mut lost_at = None;
    while !model.ended {
        let arrival = inbound.hears("all of the file, and the end")?;
        if arrival.number() == at(3) && lost_at.is_none() {
            lost_at = Some(arrival.by);
            inbound.notes("it is lost");
            continue;
        }
        let answer = model.takes(&arrival.segment);
        inbound.says(&answer)?;
    }
    let ended = inbound.exits(0)?;
    super::arrived(&inbound, &model.file, &file)?;
    let since = lost_at.unwrap_or(ended);
    let took = ended.saturating_duration_since(since);
    inbound
        .pupil()
        .was_in_time(since, took, TIMEOUT + MS(1_000), "the end of it all")
}

/// A transfer of a file of many segments.
struct Talk {
    inbound: Inbound,
    /// So many new ones have come.
    came: u32,
    /// So many are acknowledged.
    acknowledged: u32,
    /// The submission's timer was set anew after this.
    since: Option<Instant>,
}

impl Talk {
    fn begins(stage: &Stage) -> Result<Talk, Stop> {
        Ok(Talk {
            inbound: stage.receives(&stage.random_bytes(60 * 1024))?,
            came: 0,
            acknowledged: 0,
            since: None,
        })
    }

    /// Whether it is a new one. A right sender's window says which may come.
    fn takes(&mut self, arrival: &Arrival) -> Result<bool, Stop> {
        self.since.get_or_insert(arrival.after);
        let place = arrival.number().wrapping_sub(FIRST);
        if arrival.segment.kind == DATA && place < self.came {
            return Ok(false);
        }
        if arrival.segment.kind != DATA || place != self.came {
            let due = format!("data {}, or one that came before", at(self.came));
            return self.inbound.fails(Symptom::Different, due, arrival.told());
        }
        if place >= self.acknowledged + WINDOW {
            let due = format!("8 segments under way, from {}", at(self.acknowledged));
            let got = format!("{}: a ninth", arrival.told());
            return self.inbound.fails(Symptom::Extra, due, got);
        }
        self.came += 1;
        Ok(true)
    }

    /// New ones come until there were so many in all.
    fn hears_new_up_to(&mut self, count: u32) -> Told {
        let deadline = Instant::now() + crate::grader::program::PATIENCE;
        while self.came < count {
            let due = format!("data {}", at(self.came));
            let arrival = self.inbound.hears(&due)?;
            self.takes(&arrival)?;
            if Instant::now() > deadline {
                self.inbound.pupil().program().must_have_run(MS(10_000))?;
                let got = format!("only {} again, for 10 s", arrival.told());
                return self.inbound.fails(Symptom::Silence, due, got);
            }
        }
        Ok(())
    }

    /// The same, and without a wait: nothing is sent again before them.
    fn hears_only_new_up_to(&mut self, count: u32) -> Told {
        let begun = Instant::now();
        while self.came < count {
            let due = format!("data {}", at(self.came));
            let arrival = self.inbound.hears(&due)?;
            let new = self.takes(&arrival)?;
            if !new && arrival.number().wrapping_sub(at(self.acknowledged)) < WINDOW {
                let got = format!("{} again, before the new ones", arrival.told());
                let told = self.inbound.fails(Symptom::Different, due, got);
                return self.inbound.if_swift(begun, MS(100), told);
            }
        }
        Ok(())
    }

    /// For so long nothing comes but what may.
    fn stays_within(&mut self, span: Duration) -> Told {
        let until = Instant::now() + span;
        while let Some(arrival) = self.inbound.hears_until(until)? {
            self.takes(&arrival)?;
        }
        Ok(())
    }

    /// The next one that was sent before.
    fn hears_again(&mut self) -> Result<Arrival, Stop> {
        loop {
            let arrival = self
                .inbound
                .hears("a segment again that was not acknowledged")?;
            let new = self.takes(&arrival)?;
            if !new && arrival.number().wrapping_sub(at(self.acknowledged)) < WINDOW {
                return Ok(arrival);
            }
        }
    }

    /// All before this place are acknowledged; when.
    fn acknowledges(&mut self, place: u32) -> Result<Instant, Stop> {
        self.acknowledged = place;
        let at = self.inbound.says(&ack(at(place)))?;
        self.since = Some(at);
        Ok(at)
    }

    /// The same where nothing may have been sent again before.
    fn acknowledges_in_time(&mut self, place: u32) -> Result<Instant, Stop> {
        let before = self.since;
        let at = self.acknowledges(place)?;
        in_time(before)?;
        Ok(at)
    }

    fn is_in_time(&self) -> Told {
        in_time(self.since)
    }
}

/// Nobody can tell if we were too slow ourselves: then the submission's time was over, and rightly.
fn in_time(since: Option<Instant>) -> Told {
    match since {
        Some(since) if since.elapsed() > TIMEOUT - MS(50) => Err(Stop::Inconclusive(
            "the acknowledgement was late: the machine is busy".to_string(),
        )),
        _ => Ok(()),
    }
}
