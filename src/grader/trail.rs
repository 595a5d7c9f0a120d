//! What a submission says on stderr while it runs: its audit trail.

use super::bytes;
use super::check::{Stop, Told};
use super::failure::{Failure, Symptom};
use super::program::{PATIENCE, Program};
use super::transcript::What;

impl Program {
    /// Its stderr comes to have these words, anywhere in a line.
    ///
    /// # Errors
    /// `Skipped` of a program that was started by somebody else: its stderr is not ours to read.
    pub fn notes_on_stderr(&self, words: &str) -> Told {
        self.has_readable_stderr()?;
        if self.wait_output(PATIENCE, |_, stderr| has(&stderr.bytes, words)) {
            self.transcript
                .write(&self.who, "", What::Notes, format!("stderr has `{words}`"));
            return Ok(());
        }
        self.must_have_run(PATIENCE)?;
        let due = format!("`{words}` on stderr");
        let text = bytes::harmless(&self.outputs().1.bytes);
        let got = match text.lines().last() {
            Some(line) => format!("no such words there; its last line is: {line}"),
            None => "nothing at all there".to_string(),
        };
        Err(self.fails_by_its_words(due, &got))
    }

    /// Its stderr has no line with `words` but such as have one of `allowed` in them. Ask when what
    /// might have caused it is over.
    pub fn notes_nothing_like(&self, words: &str, allowed: &[&str]) -> Told {
        self.has_readable_stderr()?;
        let text = bytes::harmless(&self.outputs().1.bytes);
        let is_wrong = |line: &&str| {
            line.contains(words) && !allowed.iter().any(|allowed| line.contains(allowed))
        };
        match text.lines().find(is_wrong) {
            Some(line) => {
                let due = format!("no `{words}` on stderr");
                Err(self.fails_by_its_words(due, line))
            }
            None => Ok(()),
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

fn has(text: &[u8], words: &str) -> bool {
    text.windows(words.len())
        .any(|part| part == words.as_bytes())
}
