//! A submission that is a client: how it ends, and what it printed.

use crate::grader::bytes;
use crate::grader::check::{Stop, Told};
use crate::grader::failure::{Failure, Side, Symptom};
use crate::grader::platform::Exit;
use crate::grader::program::{PATIENCE, Program};
use crate::grader::transcript::{Transcript, What};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client submission that runs, or ran.
pub struct Pupil {
    pub(super) program: Arc<Program>,
    pub(super) transcript: Arc<Transcript>,
}

impl Pupil {
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Ends by itself, with whatever status.
    pub fn ends(&self) -> Result<(Exit, Duration), Stop> {
        let Some((exit, after)) = self.program.wait_end()? else {
            let got = format!(
                "it still runs after {} s",
                self.program.started().elapsed().as_secs()
            );
            return self.fails(Symptom::StillOpen, "the program ends by itself", got);
        };
        self.transcript
            .write(&self.program.who, "", What::Exits, exit.to_string());
        Ok((exit, after))
    }

    /// Ends by itself with this exit status.
    pub fn exits(&self, status: i32) -> Told {
        self.exits_within(status, PATIENCE)
    }

    /// Ends by itself with this status, no later than so long after its start.
    pub fn exits_within(&self, status: i32, limit: Duration) -> Told {
        let (exit, after) = self.ends()?;
        if exit != Exit::Status(status) {
            return self.fails(
                Symptom::Status,
                format!("exit status {status}"),
                exit.to_string(),
            );
        }
        if limit < PATIENCE {
            self.was_in_time(self.program.started(), after, limit, "its end")?;
        }
        Ok(())
    }

    /// What happened so long after `since` happened in time.
    pub fn was_in_time(&self, since: Instant, took: Duration, limit: Duration, what: &str) -> Told {
        if !self.program.was_late(since, took, limit)? {
            return Ok(());
        }
        let expected = format!("{what} within {} ms", limit.as_millis());
        self.fails(
            Symptom::Late,
            expected,
            format!("after {} ms", took.as_millis()),
        )
    }

    /// Its stdout, from its start to its end, is exactly this.
    pub fn printed(&self, expected: &[u8]) -> Told {
        let got = self.stdout();
        if got == expected {
            return Ok(());
        }
        let symptom = match bytes::first_difference(expected, &got) {
            Some(at) if at == got.len() => Symptom::End,
            Some(at) if at == expected.len() => Symptom::Extra,
            _ => Symptom::Different,
        };
        self.fails(symptom, expected, &got[..])
    }

    /// Its stderr ends with a line that says something. (Where two threads print at once, some languages
    /// write both texts, and then both LFs.)
    pub fn says_what_failed(&self) -> Told {
        let stderr = self.stderr();
        let last = stderr.lines().rfind(|line| !line.trim().is_empty());
        if last.is_some_and(|line| line.contains(char::is_alphabetic)) {
            return Ok(());
        }
        self.fails(
            Symptom::Words,
            "a line on stderr that says what failed",
            "nothing there",
        )
    }

    /// All of its stdout. Ask after its end.
    pub fn stdout(&self) -> Vec<u8> {
        self.program
            .wait_output(Duration::from_secs(2), |stdout, _| stdout.closed);
        self.program.outputs().0.bytes
    }

    /// All of its stderr, made harmless. Ask after its end.
    pub fn stderr(&self) -> String {
        self.program
            .wait_output(Duration::from_secs(2), |_, stderr| stderr.closed);
        self.program.outputs().1.text()
    }

    /// A failure as this program's own.
    pub fn fails<T>(
        &self,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
    ) -> Result<T, Stop> {
        self.transcript
            .write(&self.program.who, "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got);
        failure.who = self.program.who.clone();
        Err(failure.into())
    }
}
