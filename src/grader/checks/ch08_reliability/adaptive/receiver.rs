//! The receiver that the checks of an adaptive timer play: it answers when it likes, and knows what the
//! submission's timer must be by now.

use crate::grader::check::{Stop, Told};
use crate::grader::checks::ch08_reliability::MS;
use crate::grader::failure::Symptom;
use crate::grader::segments::{Arrival, DATA, Estimate, Inbound, ack};
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

/// Later than the timer by so much is late: ticks of the kernel are as long as an eighth of the
/// timeout, and the rest is for whoever reads the clock.
pub(super) fn with_room(most: Duration) -> Duration {
    most + most / 8 + MS(150)
}

/// A transfer, and what the submission's timer must be by now.
pub(super) struct Talk {
    pub(super) inbound: Inbound,
    pub(super) estimate: Estimate,
    /// What is under way.
    pub(super) number: u32,
    /// It was sent after this.
    pub(super) since: Instant,
    /// Its transmissions so far, the last of which this is.
    copies: u32,
    pub(super) last: Arrival,
    /// The timeouts of the transmissions before the last, together: least and most.
    pub(super) waited: (Duration, Duration),
}

impl Talk {
    /// With the first segment under way.
    pub(super) fn begins(stage: &Stage) -> Result<Talk, Stop> {
        let mut inbound = stage.receives(&stage.random_bytes(40 * 1024))?;
        let last = inbound.hears_the(DATA, 0)?;
        Ok(Talk {
            inbound,
            estimate: Estimate::new(),
            number: 0,
            // When it was sent isn't known but for this.
            since: last.after,
            copies: 1,
            last,
            waited: (Duration::ZERO, Duration::ZERO),
        })
    }

    /// Answers what is under way, and hears the next segment.
    pub(super) fn answers(&mut self) -> Told {
        let answered = self.inbound.says(&ack(self.number + 1))?;
        let due = format!("data {}", self.number + 1);
        let next = loop {
            let next = self.inbound.hears(&due)?;
            if next.is(DATA, self.number + 1) {
                break next;
            }
            if !next.is(DATA, self.number) {
                return self.inbound.fails(Symptom::Different, due, next.told());
            }
            // It was sent again while the answer was on its way.
            self.estimate.expired();
            self.copies += 1;
        };
        if self.copies == 1 {
            // It may read its clock before it sends, or after; the answer isn't read before it was
            // sent, nor after the next segment was.
            let least = answered.saturating_duration_since(self.last.by);
            let most = next.by.saturating_duration_since(self.since);
            self.estimate.sample(least, most);
        }
        (self.number, self.since, self.copies) = (self.number + 1, answered, 1);
        self.waited = (Duration::ZERO, Duration::ZERO);
        self.last = next;
        Ok(())
    }

    /// The same, each after a delay. What is sent again meanwhile makes it no sample, and so the
    /// course of things another: a delay is to be shorter than the timeout.
    pub(super) fn answers_after(&mut self, delays: &[Duration]) -> Told {
        for delay in delays {
            let until = self.last.by + *delay;
            if let Some(copy) = self.inbound.hears_until(until)? {
                self.was_lost(&copy)?;
            }
            self.answers()?;
        }
        Ok(())
    }

    /// So many segments, each answered so long after its first transmission: how many copies came.
    pub(super) fn answers_each_after(&mut self, delay: Duration, count: u32) -> Result<u32, Stop> {
        let mut copies = 0;
        for _ in 0..count {
            let until = self.last.by + delay;
            while self.inbound.hears_until(until)?.is_some() {
                copies += 1;
            }
            self.inbound.says(&ack(self.number + 1))?;
            self.number += 1;
            // A copy of the last may have been sent before the answer to it was there.
            self.last = loop {
                let next = self.inbound.hears("the next segment")?;
                if next.number() == self.number {
                    break next;
                }
                copies += 1;
            };
        }
        Ok(copies)
    }

    /// Doesn't answer: it is sent again, when its timeout is over.
    pub(super) fn loses(&mut self) -> Told {
        let again = self.inbound.hears_the(DATA, self.number)?;
        self.was_lost(&again)
    }

    /// The next transmission of what is under way, whenever.
    pub(super) fn again(&mut self) -> Result<Arrival, Stop> {
        self.inbound.hears_the(DATA, self.number)
    }

    /// The same, and hears this once, shortly before its timeout is over: among many of them, a timer
    /// that is set anew is late by no more than the gap between two.
    pub(super) fn loses_after(&mut self, datagram: &[u8]) -> Told {
        let until = self.last.by + self.estimate.least() * 17 / 20;
        if let Some(early) = self.inbound.hears_until(until)? {
            return self.was_lost(&early);
        }
        self.inbound.says(datagram)?;
        self.loses()
    }

    /// It was sent again: in time, and so its timeout is over.
    pub(super) fn was_lost(&mut self, again: &Arrival) -> Told {
        self.is_in_time(again)?;
        self.waited.0 += self.estimate.least();
        self.waited.1 += self.estimate.most();
        self.estimate.expired();
        self.copies += 1;
        self.last = again.clone();
        Ok(())
    }

    /// It comes when the timeout is over, within what is known of that.
    fn is_in_time(&self, again: &Arrival) -> Told {
        let least = self.waited.0 + self.estimate.least();
        self.inbound.not_before_as_seen(again, self.since, least)?;
        let most = with_room(self.estimate.most());
        self.inbound.not_after(again, self.last.by, most)
    }
}
