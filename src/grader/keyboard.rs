//! A submission at whose terminal somebody types, and when it ends after that.

use super::check::{Stop, Told};
use super::failure::{Failure, Symptom};
use super::launch::Launch;
use super::platform::Exit;
use super::program::{PATIENCE, Program};
use super::stage::Stage;
use super::transcript::What;
use super::watchdog;
use std::thread;
use std::time::{Duration, Instant};

/// So long after a line was read from stdin whatever it makes a program do is done. The words of
/// the exercises say the same.
const TAKEN_IN: Duration = Duration::from_millis(500);

impl Stage {
    /// The server is started with a stdin on which the check types. Ask before it is started.
    ///
    /// # Errors
    /// `Skipped` of a program that runs already: its stdin is somebody else's.
    pub fn has_a_keyboard(&self) -> Told {
        if matches!(self.launch, Launch::Running(_)) {
            return Err(Stop::Skipped(
                "nobody can type on the stdin of a program that was running already".to_string(),
            ));
        }
        self.typed.set(true);
        Ok(())
    }
}

impl Program {
    /// Types these bytes on its stdin: the moment before they were written, from which every bound
    /// counts.
    pub fn is_told(&self, bytes: &[u8]) -> Instant {
        let note = format!("is told on stdin: {}", super::bytes::brief(bytes, 40));
        self.transcript.write(&self.who, "", What::Notes, note);
        let since = Instant::now();
        self.types(bytes);
        since
    }

    /// Ends its stdin, and says so in the record.
    pub fn is_told_no_more(&self) {
        let note = "its stdin ends";
        self.transcript.write(&self.who, "", What::Notes, note);
        self.ends_typing();
    }

    /// Waits until all that was typed was read, and half a second longer in which the machine didn't
    /// stand still. A program that has ended has read enough.
    pub fn has_taken_it_in(&self) -> Told {
        let begun = Instant::now();
        while self.untold().is_some_and(|bytes| bytes > 0) && self.exit().is_none() {
            if begun.elapsed() > PATIENCE {
                self.must_have_run(PATIENCE)?;
                let got = format!("it waits unread after {} s", PATIENCE.as_secs());
                return Err(self.departs(Symptom::Silence, "a program that reads stdin", got));
            }
            thread::sleep(Duration::from_millis(5));
        }
        let mut since = Instant::now();
        while since.elapsed() < TAKEN_IN && self.exit().is_none() {
            thread::sleep(Duration::from_millis(20));
            if watchdog::stalled_since(since) > TAKEN_IN / 4 {
                since = Instant::now();
            }
            if begun.elapsed() > PATIENCE {
                let why = "the machine stood still again and again";
                return Err(Stop::Inconclusive(why.to_string()));
            }
        }
        Ok(())
    }

    /// Still runs.
    pub fn runs_on(&self, when: &str) -> Told {
        match self.exit() {
            None => Ok(()),
            Some(exit) => {
                let got = format!("it has ended: {exit}");
                Err(self.departs(Symptom::Exit, format!("a program that runs {when}"), got))
            }
        }
    }

    /// Ends by itself with status 0, no sooner than `least` after `since` and no later than `most`.
    pub fn ends_between(&self, since: Instant, least: Duration, most: Duration) -> Told {
        let due = match least.is_zero() {
            true => format!("its end within {} ms", most.as_millis()),
            false => format!(
                "its end after {} to {} ms",
                least.as_millis(),
                most.as_millis()
            ),
        };
        let Some((exit, after)) = self.wait_end()? else {
            let got = format!("it still runs after {} ms", since.elapsed().as_millis());
            return Err(self.departs(Symptom::StillOpen, due, got));
        };
        self.transcript
            .write(&self.who, "", What::Exits, exit.to_string());
        let took = (self.started() + after).saturating_duration_since(since);
        if exit != Exit::Status(0) {
            return Err(self.departs(Symptom::Status, "exit status 0", exit.to_string()));
        }
        let got = format!("after {} ms", took.as_millis());
        if took < least {
            return Err(self.departs(Symptom::Early, due, got));
        }
        if self.was_late(since, took, most)? {
            return Err(self.departs(Symptom::Late, due, got));
        }
        Ok(())
    }

    /// A failure that is this program's own, and no client's.
    pub fn departs(
        &self,
        symptom: Symptom,
        expected: impl Into<super::failure::Side>,
        got: impl Into<super::failure::Side>,
    ) -> Stop {
        self.transcript
            .write(&self.who, "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got);
        failure.who = self.who.clone();
        failure.into()
    }
}
