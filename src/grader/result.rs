//! The result of a server that prints one: what stands on its stdout behind the listening line.

use super::check::{Stop, Told};
use super::failure::{Failure, Side, Symptom};
use super::program::Program;
use super::stage::Stage;
use super::transcript::What;
use std::time::Duration;

/// What is due was in the pipe before we were told of it: only our own reading may be late.
const IN_THE_PIPE: Duration = Duration::from_secs(5);

/// All bytes behind the line `listening on IP:PORT`, if that is the first.
pub fn of(stdout: &[u8]) -> &[u8] {
    match stdout.iter().position(|byte| *byte == b'\n') {
        Some(end) if stdout.starts_with(b"listening on ") => &stdout[end + 1..],
        _ => stdout,
    }
}

impl Stage {
    /// The server's result, once it has so many bytes, or won't have them.
    ///
    /// # Errors
    /// `Skipped` of a program that runs already: nobody sees its stdout.
    pub fn result(&self, at_least: usize) -> Result<Vec<u8>, Stop> {
        let program = self.server()?;
        if program.is_foreign() {
            let why = "the stdout of a program that runs already can't be seen";
            return Err(Stop::Skipped(why.to_string()));
        }
        program.wait_output(IN_THE_PIPE, |stdout, _| of(&stdout.bytes).len() >= at_least);
        Ok(of(&program.outputs().0.bytes).to_vec())
    }

    /// The server's result so far is exactly this.
    pub fn has_printed(&self, expected: &[u8]) -> Told {
        let got = self.result(expected.len())?;
        if got == expected {
            return Ok(());
        }
        let symptom = match super::bytes::first_difference(expected, &got) {
            Some(at) if at == got.len() => Symptom::End,
            Some(at) if at == expected.len() => Symptom::Extra,
            _ => Symptom::Different,
        };
        self.result_fails(self.server()?, symptom, expected, &got[..])
    }

    /// A failure of what the server printed.
    pub fn result_fails<T>(
        &self,
        program: &Program,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
    ) -> Result<T, Stop> {
        self.transcript()
            .write(&program.who, "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got).when("on stdout");
        failure.who = program.who.clone();
        Err(failure.into())
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_result_begins_behind_the_listening_line() {
        assert_eq!(of(b"listening on 127.0.0.1:80\n7 5\n"), b"7 5\n");
        assert_eq!(of(b"7 5\nlistening on x\n"), b"7 5\nlistening on x\n");
        assert_eq!(of(b""), b"");
    }
}
