//! What a submission says on stderr while it runs: its audit trail.

use super::check::{Stop, Told};
use super::failure::{Failure, Symptom};
use super::output::Output;
use super::program::{PATIENCE, Program};
use super::transcript::What;
use std::cell::Cell;
use std::time::Duration;

impl Program {
    /// Its stderr comes to have these words, anywhere in a line.
    ///
    /// # Errors
    /// `Skipped` of a program that was started by somebody else: its stderr is not ours to read.
    pub fn notes_on_stderr(&self, words: &str) -> Told {
        self.has_readable_stderr()?;
        let seen = Cell::new(0);
        let comes = |_: &Output, stderr: &Output| {
            let from = seen.replace(stderr.bytes.len().saturating_sub(words.len()));
            stderr.has(words, from)
        };
        if self.wait_output(PATIENCE, comes) {
            self.transcript
                .write(&self.who, "", What::Notes, format!("stderr has `{words}`"));
            return Ok(());
        }
        self.must_have_run(PATIENCE)?;
        self.has_on_stderr(words, &self.outputs().1)
    }

    /// Its stderr has these words, anywhere in a line. Ask after its end.
    pub fn said_on_stderr(&self, words: &str) -> Told {
        self.wait_output(Duration::from_secs(2), |_, stderr| stderr.closed);
        self.has_on_stderr(words, &self.outputs().1)
    }

    fn has_on_stderr(&self, words: &str, stderr: &Output) -> Told {
        if stderr.has(words, 0) {
            return Ok(());
        }
        all_is_kept(stderr, words)?;
        let got = match stderr.last_lines(1).first() {
            Some(line) => format!("no such words there; its last line is: {line}"),
            None => "nothing at all there".to_string(),
        };
        Err(self.fails_by_its_words(format!("`{words}` on stderr"), &got))
    }

    /// Its stderr has no line with `words` but such as have one of `allowed` in them. Ask when what
    /// might have caused it is over.
    pub fn notes_nothing_like(&self, words: &str, allowed: &[&str]) -> Told {
        self.has_readable_stderr()?;
        let stderr = self.outputs().1;
        let text = stderr.text();
        let is_wrong = |line: &&str| {
            line.contains(words) && !allowed.iter().any(|allowed| line.contains(allowed))
        };
        match text.lines().find(is_wrong) {
            Some(line) => {
                let due = format!("no `{words}` on stderr");
                Err(self.fails_by_its_words(due, line))
            }
            None => all_is_kept(&stderr, words),
        }
    }

    fn has_readable_stderr(&self) -> Told {
        match self.is_foreign() {
            true => Err(Stop::Skipped(
                "the stderr of a program that was running already can't be read".to_string(),
            )),
            false => Ok(()),
        }
    }

    fn fails_by_its_words(&self, due: String, got: &str) -> Stop {
        self.transcript
            .write(&self.who, "", What::Fails, Symptom::Words.word());
        let mut failure = Failure::new(Symptom::Words, due, got);
        failure.who = self.who.clone();
        failure.into()
    }
}

/// Nobody can tell what stands in the middle of megabytes that are not kept.
fn all_is_kept(stderr: &Output, words: &str) -> Told {
    if stderr.is_whole() {
        return Ok(());
    }
    Err(Stop::Inconclusive(format!(
        "{} bytes on stderr are more than the grader keeps: `{words}` may be among the others",
        stderr.length
    )))
}
