//! The receiver that the checks of a window play: what has come, what is acknowledged, and so what may
//! come next.

use crate::grader::check::{Stop, Told};
use crate::grader::checks::ch08_reliability::{
    MS, Model, SURE, arrived, arrives_exactly, good_lines,
};
use crate::grader::failure::Symptom;
use crate::grader::program::PATIENCE;
use crate::grader::segments::{Arrival, DATA, Inbound, ack};
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

pub(super) const FIRST: u32 = 4_294_967_290;
pub(super) const WINDOW: u32 = 8;
pub(super) const TIMEOUT: Duration = Duration::from_millis(300);

/// The number of the segment with this place in the file, counted from 0.
pub(super) fn at(place: u32) -> u32 {
    FIRST.wrapping_add(place)
}

pub(super) fn whole(stage: &Stage, file: &[u8]) -> Told {
    arrives_exactly(stage, file, Model::new(FIRST, 7), good_lines(stage), SURE)
}

/// The number of the last segment of a short file, of which nothing is acknowledged yet.
pub(super) fn last_of(inbound: &mut Inbound) -> Result<u32, Stop> {
    let (mut bytes, mut place) = (0, 0);
    while bytes < 3_000 {
        // Where we were slow to acknowledge, what was under way may come again first.
        let arrival = loop {
            let arrival = inbound.hears("the next data")?;
            let is_copy = arrival.number().wrapping_sub(FIRST) < place;
            if arrival.segment.kind != DATA || !is_copy {
                break arrival;
            }
        };
        if !arrival.is(DATA, at(place)) {
            let due = format!("data {}", at(place));
            return inbound.fails(Symptom::Different, due, arrival.told());
        }
        bytes += arrival.segment.payload.len();
        place += 1;
        if place % WINDOW == 0 && bytes < 3_000 {
            inbound.says(&ack(at(place)))?;
        }
    }
    Ok(at(place - 1))
}

/// Twenty segments, the fourth of which is lost once: from then on all takes a wait and a second.
pub(super) fn one_loss(stage: &Stage, keeps: u32) -> Told {
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
    arrived(&inbound, &model.file, &file)?;
    let since = lost_at.unwrap_or(ended);
    let took = ended.saturating_duration_since(since);
    inbound
        .pupil()
        .was_in_time(since, took, TIMEOUT + MS(1_000), "the end of it all")
}

/// A transfer of a file of many segments.
pub(super) struct Talk {
    pub(super) inbound: Inbound,
    /// So many new ones have come.
    came: u32,
    /// So many are acknowledged.
    acknowledged: u32,
    /// The submission's timer was set anew after this.
    since: Option<Instant>,
}

impl Talk {
    pub(super) fn begins(stage: &Stage) -> Result<Talk, Stop> {
        Ok(Talk {
            inbound: stage.receives(&stage.random_bytes(60 * 1024))?,
            came: 0,
            acknowledged: 0,
            since: None,
        })
    }

    /// Whether it is a new one. A right sender's window says which may come.
    pub(super) fn takes(&mut self, arrival: &Arrival) -> Result<bool, Stop> {
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
    pub(super) fn hears_new_up_to(&mut self, count: u32) -> Told {
        let deadline = Instant::now() + PATIENCE;
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
    pub(super) fn hears_only_new_up_to(&mut self, count: u32) -> Told {
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
    pub(super) fn stays_within(&mut self, span: Duration) -> Told {
        let until = Instant::now() + span;
        while let Some(arrival) = self.inbound.hears_until(until)? {
            self.takes(&arrival)?;
        }
        Ok(())
    }

    /// The next one that was sent before.
    pub(super) fn hears_again(&mut self) -> Result<Arrival, Stop> {
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
    pub(super) fn acknowledges(&mut self, place: u32) -> Result<Instant, Stop> {
        self.acknowledged = place;
        let at = self.inbound.says(&ack(at(place)))?;
        self.since = Some(at);
        Ok(at)
    }

    /// The same where nothing may have been sent again before.
    pub(super) fn acknowledges_in_time(&mut self, place: u32) -> Result<Instant, Stop> {
        let before = self.since;
        let at = self.acknowledges(place)?;
        in_time(before)?;
        Ok(at)
    }

    pub(super) fn is_in_time(&self) -> Told {
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
