//! What is graded of the window's timer: when it sends again, and what sets it anew.

use super::receiver::{TIMEOUT, Talk, WINDOW, at};
use super::{FOUR, ONE_EXPIRY};
use crate::grader::check::{Cause, Check};
use crate::grader::checks::ch08_reliability::MS;
use crate::grader::failure::Symptom;
use crate::grader::segments::ack;
use std::time::{Duration, Instant};

/// A runtime counts from a moment that it has noted; where it then has no processor, its timer is over
/// so much sooner after what it sends. An ack that comes within 250 ms leaves this much.
const SET_EARLIER: Duration = Duration::from_millis(50);

pub(super) const SENDS_THE_OLDEST_AGAIN: Check = Check {
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
        let told = talk.inbound.not_before(&again, since, TIMEOUT);
        talk.inbound.if_swift(since, SET_EARLIER, told)
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
};

pub(super) const IS_NO_LATER: Check = Check {
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
};

pub(super) const IS_SET_ANEW: Check = Check {
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
};

pub(super) const IS_LEFT_ALONE: Check = Check {
    name: "an ack that doesn't advance leaves the timer alone",
    why: "a network full of copies would keep the sender waiting for ever",
    points: 2,
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        talk.hears_new_up_to(WINDOW)?;
        let since = talk.acknowledges_in_time(4)?;
        talk.hears_new_up_to(4 + WINDOW)?;
        let sent = Instant::now();
        // The same number once more shortly before the time is over; and, if that has set the timer
        // anew, again. Never three times: then one may be missing.
        let mut copies = [MS(250), MS(500)].into_iter().peekable();
        while since.elapsed() < MS(2_000) {
            if copies.next_if(|due| since.elapsed() >= *due).is_some() {
                talk.inbound.says(&ack(at(4)))?;
            }
            talk.inbound.says(&ack(at(2)))?;
            if let Some(arrival) = talk.inbound.hears_within(MS(40))? {
                if !talk.takes(&arrival)? {
                    let told = talk.inbound.not_before(&arrival, since, TIMEOUT);
                    talk.inbound.if_swift(since, SET_EARLIER, told)?;
                    return talk.inbound.not_after(&arrival, sent, TIMEOUT + MS(300));
                }
            }
        }
        let due = "the oldest again, 300 ms after the last ack that advanced";
        let got = "nothing in 2 s, while an older ack came every 40 ms";
        let told = talk.inbound.fails(Symptom::Silence, due, got);
        talk.inbound.if_swift(since, MS(300), told)
    },
    control: Some(ONE_EXPIRY),
    causes: &[Cause {
        symptoms: &[],
        likely: "every ack, or every datagram, sets the timer anew, or makes it send again",
        advice: "only an ack that advances is progress",
    }],
    alone: true,
    ..Check::PLAIN
};
