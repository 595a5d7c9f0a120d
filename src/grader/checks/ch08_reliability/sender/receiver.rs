//! The receiver that the checks of a sender play: it acknowledges the first segment, and looks at what
//! becomes of the second.

use super::TRY;
use crate::grader::check::{Stop, Told};
use crate::grader::checks::ch08_reliability::MS;
use crate::grader::failure::Symptom;
use crate::grader::segments::{DATA, Inbound, ack};
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

/// Three segments, the last of them short, with bytes that a decoder of text would stumble over.
pub(super) fn three(stage: &Stage) -> Vec<u8> {
    [&b"\0\r\n\xff\xfe"[..], &stage.random_bytes(2_900)].concat()
}

/// The submission sends `file` and has had its first segment acknowledged: what follows on the
/// second is counted from the time returned, which was before it was sent.
pub(super) fn at_the_second(stage: &Stage, file: &[u8]) -> Result<(Inbound, Instant), Stop> {
    let mut inbound = stage.receives(file)?;
    inbound.hears_the(DATA, 0)?;
    let since = inbound.says(&ack(1))?;
    inbound.hears_past(0, DATA, 1)?;
    Ok((inbound, since))
}

/// Whether an arrival is neither data 0 nor data 1, of a submission whose second segment is not
/// acknowledged.
pub(super) fn goes_on(kind: u8, number: u32) -> bool {
    kind != DATA || number > 1
}

/// Until then nothing is sent but the second segment again, and that it is.
pub(super) fn stays_at(inbound: &mut Inbound, until: Instant) -> Told {
    let mut copies = 0;
    while let Some(arrival) = inbound.hears_until(until)? {
        if goes_on(arrival.segment.kind, arrival.number()) {
            return inbound.fails(Symptom::Different, "data 1 again", arrival.told());
        }
        copies += u32::from(arrival.is(DATA, 1));
    }
    if copies > 0 {
        return Ok(());
    }
    inbound.hears_again(0, 1).map(|_| ())
}

/// Says the same every 40 ms, until the second segment is sent again, in its time.
pub(super) fn keeps_saying(inbound: &mut Inbound, since: Instant, datagram: &[u8]) -> Told {
    while since.elapsed() < MS(1_500) {
        inbound.says(datagram)?;
        if let Some(arrival) = inbound.hears_within(MS(40))? {
            if arrival.is(DATA, 1) {
                return inbound.not_before(&arrival, since, TRY);
            }
        }
    }
    let told = inbound.fails(
        Symptom::Silence,
        "data 1 again, 200 ms after it was sent",
        "nothing in 1.5 s, while an older ack came every 40 ms",
    );
    inbound.if_swift(since, MS(300), told)
}

/// Says it once, shortly before each 200 ms are over, and nothing else: among many of them, a timer
/// that is set anew is late by no more than the gap between two. A right sender may be held up once or
/// twice, and isn't each time.
pub(super) fn says_once_each_time(inbound: &mut Inbound, datagram: &[u8]) -> Told {
    let mut last = inbound.hears_again(0, 1)?;
    let mut quickest: Option<(Instant, Duration)> = None;
    for _ in 0..4 {
        if let Some(before) = inbound.hears_until(last.by + MS(175))? {
            last = before; // We were late ourselves.
            continue;
        }
        inbound.says(datagram)?;
        let again = inbound.hears_again(0, 1)?;
        let took = again.after.saturating_duration_since(last.by);
        if quickest.is_none_or(|(_, least)| took < least) {
            quickest = Some((last.by, took));
        }
        last = again;
    }
    let Some((since, took)) = quickest else {
        return Ok(());
    };
    let what = "data 1 again, after an older ack at 175 ms,";
    inbound
        .pupil()
        .was_in_time(since, took, TRY + MS(150), what)
}

/// The second segment, ten times in all, each 200 ms after the last: about when the tenth came.
pub(super) fn ten_of_them(inbound: &mut Inbound, since: Instant) -> Result<Instant, Stop> {
    let mut last = Instant::now();
    for times in 1..10 {
        let arrival = inbound.hears_again(0, 1)?;
        inbound.not_before(&arrival, since, TRY * times)?;
        last = arrival.by;
    }
    Ok(last)
}
