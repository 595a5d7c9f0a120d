//! When the submission came, and how long after that it went.
//!
//! A connection waits in a queue until it is looked at. So the moment of its arrival is known
//! between two looks only: an upper bound counts from the look that found it. A lower bound counts
//! from the program's start, since its own clock may have begun before it connected.

use super::check::{Stop, Told};
use super::failure::Symptom;
use super::kernel;
use super::listener::Silent;
use super::platform::Exit;
use super::program::{PATIENCE, Program};
use super::stage::Pupil;
use std::thread;
use std::time::{Duration, Instant};

/// A moment between two looks.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// It had not come yet.
    pub before: Instant,
    /// It had come.
    pub seen: Instant,
}

impl Arrival {
    /// For how long nobody looked: the submission's time may have begun so long ago.
    pub fn unsure(&self) -> Duration {
        self.seen - self.before
    }
}

impl Silent {
    /// Waits until the submission asks for a connection here, which nobody will answer.
    pub fn is_tried(&self, pupil: &Pupil) -> Result<Arrival, Stop> {
        let mut before = pupil.program().started();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let exit = pupil.program().exit();
            let looked = Instant::now();
            let tried = kernel::rows(kernel::Table::Tcp, self.addr.port())
                .any(|row| row.remote == self.addr && row.state == kernel::State::SynSent);
            if tried {
                let seen = Instant::now();
                return Ok(Arrival { before, seen });
            }
            before = looked;
            let expected = format!("an attempt to connect to {}", self.addr);
            if let Some(exit) = exit {
                let got = format!("the program ended: {exit}");
                return pupil.fails(Symptom::Exit, expected, got);
            }
            if Instant::now() > deadline && !pupil.program().may_be_starting() {
                pupil.program().must_have_run(PATIENCE)?;
                let got = format!("none within {} s", PATIENCE.as_secs());
                return pupil.fails(Symptom::Silence, expected, got);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Pupil {
    /// Ends by itself with this status: not sooner than `least` after its start, not later than `most`
    /// after the arrival.
    pub fn exits_between(
        &self,
        status: i32,
        arrival: Arrival,
        least: Duration,
        most: Duration,
    ) -> Told {
        let program = self.program();
        // Who isn't gone a second after that is not a little late, and need not be waited for.
        let give_up = arrival.seen + most + Duration::from_secs(1);
        let left = give_up.saturating_duration_since(Instant::now());
        if program.wait_exit(left).is_none() {
            let took = arrival.seen.elapsed();
            if program.was_late(arrival.seen, took, most)? {
                let expected = format!("its end within {} ms", most.as_millis());
                let got = format!("it still runs after {} ms", took.as_millis());
                return self.fails(Symptom::StillOpen, expected, got);
            }
        }
        let (exit, after) = self.ends()?;
        let shortest = (program.started() + after).saturating_duration_since(arrival.seen);
        if exit != Exit::Status(status) {
            let got = format!("{exit}, {} ms after its start", after.as_millis());
            return self.fails(Symptom::Status, format!("exit status {status}"), got);
        }
        // Its clock may have begun before its connect, and that may have taken its time.
        if after < least {
            let expected = format!(
                "its end no sooner than {} ms after its start",
                least.as_millis()
            );
            let got = format!("after {} ms", after.as_millis());
            return self.fails(Symptom::Early, expected, got);
        }
        self.was_in_time(arrival.seen, shortest, most, "its end")
    }
}

impl Program {
    /// What became of something that had a time, `own` of which passed by what the grader did. A
    /// failure says nothing if the machine stood still for half of what was left.
    pub fn unless_slowed(
        &self,
        since: Instant,
        own: Duration,
        budget: Duration,
        told: Told,
    ) -> Told {
        let spare = budget.saturating_sub(own);
        match told {
            Err(Stop::Failed(_)) if spare.is_zero() || self.stalled_since(since) * 2 > spare => {
                let why = "the machine was too slow: the program's time was nearly over";
                Err(Stop::Inconclusive(why.to_string()))
            }
            told => told,
        }
    }
}
