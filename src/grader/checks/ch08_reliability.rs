//! What is graded of chapter 8's exercises, a file for each.

mod adaptive;
mod receiver;
mod sender;
mod window;

pub use adaptive::ADAPTIVE;
pub use receiver::RECEIVER;
pub use sender::SENDER;
pub use window::WINDOW_EXERCISE as WINDOW;

use crate::grader::check::{Cause, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::faults::Line;
use crate::grader::program::PATIENCE;
use crate::grader::segments::{DATA, END, Inbound, Segment, ack, end, end_ack, told};
use crate::grader::stage::Stage;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Where wrong answers come before the right one.
const SPOILT: Cause = Cause {
    symptoms: &[Symptom::Status, Symptom::StillOpen],
    likely: "a wrong answer has changed something: the right one, behind it, isn't believed",
    advice: "what isn't the answer that is due changes nothing",
};

/// A receiver that is right, for a whole transfer.
struct Model {
    expected: u32,
    /// What came early, by its distance from the first number.
    early: BTreeMap<u32, Vec<u8>>,
    first: u32,
    /// So many early ones are kept.
    keeps: u32,
    file: Vec<u8>,
    ended: bool,
}

impl Model {
    fn new(first: u32, keeps: u32) -> Model {
        Model {
            expected: first,
            early: BTreeMap::new(),
            first,
            keeps,
            file: Vec::new(),
            ended: false,
        }
    }

    /// The answer to a segment.
    fn takes(&mut self, segment: &Segment) -> Vec<u8> {
        let ahead = segment.number.wrapping_sub(self.expected);
        match segment.kind {
            DATA if ahead <= self.keeps && !self.ended => {
                let place = segment.number.wrapping_sub(self.first);
                self.early.insert(place, segment.payload.clone());
                loop {
                    let place = self.expected.wrapping_sub(self.first);
                    let Some(payload) = self.early.remove(&place) else {
                        break;
                    };
                    self.file.extend(payload);
                    self.expected = self.expected.wrapping_add(1);
                }
            }
            END if ahead == 0 => {
                self.ended = true;
                return end_ack(segment.number);
            }
            _ => {}
        }
        ack(self.expected)
    }
}

/// Whether a segment arrives whatever the network is like, so that every right program finishes: by
/// how often it was sent, and by whether the one before it had to be sent more than once.
type Sure = fn(u32, bool) -> bool;

/// Where ten transmissions are allowed, and eight.
const SURE: Sure = |times, _| times >= 6;

/// A whole transfer over a bad network, from a submission that sends `file`: it arrives exactly, and
/// the submission exits with 0. What is `sure` to arrive is answered for sure, too.
fn arrives_exactly(
    stage: &Stage,
    file: &[u8],
    mut model: Model,
    (mut out, mut back): (Line, Line),
    sure: Sure,
) -> Told {
    let mut inbound = stage.receives(file)?;
    let mut seen: BTreeMap<(u8, u32), u32> = BTreeMap::new();
    let mut heard_at = Instant::now();
    loop {
        let mut arrived = Vec::new();
        let mut is_sure = false;
        match inbound.hears_within(MS(40))? {
            Some(arrival) => {
                heard_at = Instant::now();
                let key = (arrival.segment.kind, arrival.number());
                let times = seen.entry(key).or_default();
                *times += 1;
                let times = *times;
                let before = (DATA, arrival.number().wrapping_sub(1));
                is_sure = sure(times, seen.get(&before).is_some_and(|times| *times > 1));
                let passage = out.take(&arrival.bytes);
                arrived.extend(passage.arrivals);
                if is_sure && !arrived.contains(&arrival.bytes) {
                    arrived.push(arrival.bytes);
                }
            }
            None if inbound.pupil().program().exit().is_some() => break,
            // An interpreter may take long to start, on a busy machine.
            None if heard_at.elapsed()
                > if seen.is_empty() {
                    PATIENCE * 3
                } else {
                    PATIENCE
                } =>
            {
                inbound.pupil().program().must_have_run(PATIENCE)?;
                if model.ended {
                    let due = "the program ends when its end was acknowledged";
                    let got = format!("it still runs {} s later", PATIENCE.as_secs());
                    return inbound.fails(Symptom::StillOpen, due, got);
                }
                let got = format!("silence after {} bytes of the file", model.file.len());
                return inbound.fails(Symptom::Silence, "all segments, and the end", got);
            }
            // Nothing else is under way: what is held arrives now.
            None => arrived = out.let_go(),
        }
        let mut answers = match arrived.is_empty() {
            true => back.let_go(),
            false => Vec::new(),
        };
        for datagram in &arrived {
            let Some(segment) = Segment::read(datagram) else {
                continue;
            };
            let answer = model.takes(&segment);
            let passage = back.take(&answer);
            let lost = !passage.arrivals.contains(&answer);
            answers.extend(passage.arrivals);
            if lost && is_sure {
                answers.push(answer);
            }
        }
        for answer in answers {
            inbound.says(&answer)?;
        }
    }
    arrived(&inbound, &model.file, file)?;
    if !model.ended {
        let due = told(&end(model.expected));
        return inbound.fails(Symptom::Exit, due, "the program ended without it");
    }
    inbound.exits(0).map(|_| ())
}

/// What arrived is what was sent.
fn arrived(inbound: &Inbound, got: &[u8], file: &[u8]) -> Told {
    if got == file {
        return Ok(());
    }
    inbound.fails(Symptom::Different, file, got)
}

/// Both ways over a network that loses, doubles and reorders a fifth of all.
fn bad_lines(stage: &Stage) -> (Line, Line) {
    let bad = || stage.faults().loses(20, 2).duplicates(20).reorders(20, 3);
    (Line::new(bad()), Line::new(bad()))
}

/// Two clear lines.
fn good_lines(stage: &Stage) -> (Line, Line) {
    (Line::new(stage.faults()), Line::new(stage.faults()))
}

/// Exit status 1, and a last line on stderr that says what failed; when it had ended.
fn gives_up(inbound: &Inbound) -> Result<Instant, Stop> {
    let at = inbound.exits(1)?;
    inbound.pupil().says_what_failed()?;
    Ok(at)
}

const BELIEVES_ANYBODY: Cause = Cause {
    symptoms: &[],
    likely: "whatever arrives on the socket is believed, whoever sent it",
    advice: "connect the socket to its peer, or compare the address that recv_from returns",
};

const NOT_LOOKED_AT: Cause = Cause {
    symptoms: &[],
    likely: "a datagram's length isn't compared before its bytes are used",
    advice: "look at the 7 bytes and at the length first; what isn't a segment didn't come",
};

const REFUSED_IS_FATAL: Cause = Cause {
    symptoms: &[],
    likely: "the error ConnectionRefused of a send or a receive ends the program",
    advice: "it reports that an earlier datagram met a closed port: a loss like any other",
};

const TIMER_PER_DATAGRAM: Cause = Cause {
    symptoms: &[],
    likely: "each datagram that comes in starts the timeout anew",
    advice: "take the deadline when the segment is sent, and before each read what is left of it",
};
