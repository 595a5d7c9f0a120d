//! What a client hears: what was due and nothing else, the end, or why neither came. Each verb's
//! failure says what was expected, what came, and what had been said before.

use super::{Client, Ending, STEP_MOST, further};
use crate::grader::bytes;
use crate::grader::check::{Stop, Told};
use crate::grader::failure::{Failure, Side, Symptom};
use crate::grader::program::PATIENCE;
use crate::grader::tls::alert_name;
use crate::grader::transcript::What;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// How long an end is waited for before it is noted that it has not come.
const LOOK: Duration = Duration::from_millis(20);

/// How long a stream must rest before what it brought instead is taken for all of it; and how long
/// that is waited for.
const REST: Duration = Duration::from_millis(50);
const REST_MOST: Duration = Duration::from_millis(300);

/// Bytes beyond those that were due that a failure keeps.
const BEYOND_KEPT: usize = 1 << 20;

impl Ending {
    /// Which symptom that is where something else was due, and what it is called.
    pub(in crate::grader) fn told(self) -> (Symptom, String) {
        let (symptom, words) = match self {
            Ending::End => (Symptom::End, "the end of the stream (FIN)"),
            Ending::Goodbye => (Symptom::End, "the end of the stream (close_notify)"),
            Ending::Reset => (Symptom::Reset, "a reset (RST)"),
            Ending::Alert(number) => {
                let words = format!("alert {number}{}", alert_name(number));
                return (Symptom::Alert, words);
            }
            Ending::Garbled => (Symptom::Garbled, "what can't be read as TLS"),
        };
        (symptom, words.to_string())
    }
}

impl Client {
    /// Hears exactly these bytes next, in however many pieces.
    pub fn hears(&mut self, expected: &[u8]) -> Told {
        let begun = Instant::now();
        self.inbox_most = self.inbox_most.max(expected.len());
        let mut deadline = further(begun);
        let mut same = 0;
        loop {
            let fresh = &self.inbox[same..self.inbox.len().min(expected.len())];
            if let Some(at) = bytes::first_difference(fresh, &expected[same..]) {
                if at < fresh.len() {
                    self.gathers(expected.len());
                    return self.fails(
                        Symptom::Different,
                        expected,
                        self.heard(expected.len()),
                        "",
                    );
                }
            }
            if same < self.inbox.len() {
                deadline = further(begun);
            }
            same = self.inbox.len().min(expected.len());
            if same == expected.len() {
                self.inbox.drain(..expected.len());
                self.sent.clear();
                return Ok(());
            }
            if self.ending.is_some() {
                return self.ended_early(expected.into());
            }
            if Instant::now() > deadline {
                if begun.elapsed() < STEP_MOST && self.reads_on() {
                    deadline = further(begun);
                    continue;
                }
                return Err(self.silence(expected.into(), self.heard(expected.len()).into()));
            }
            self.wait(false, deadline);
        }
    }

    /// Hears a line, at most `most` bytes of it, and gives it without its LF. `due` says which
    /// line it is to be, for the failure message.
    pub fn hears_line(&mut self, due: &str, most: usize) -> Result<Vec<u8>, Stop> {
        let begun = Instant::now();
        let mut deadline = further(begun);
        loop {
            if let Some(end) = self.inbox.iter().position(|b| *b == b'\n') {
                let mut line: Vec<u8> = self.inbox.drain(..=end).collect();
                line.pop();
                self.sent.clear();
                return Ok(line);
            }
            if self.inbox.len() > most {
                return Err(self.failure(Symptom::Different, due, self.heard(most), "and no LF"));
            }
            if self.ending.is_some() {
                return Err(self.ended_early(due.into()).unwrap_err());
            }
            if Instant::now() > deadline {
                if begun.elapsed() < STEP_MOST && self.reads_on() {
                    deadline = further(begun);
                    continue;
                }
                return Err(self.silence(due.into(), self.heard(most).into()));
            }
            self.wait(false, deadline);
        }
    }

    /// Hears whatever comes until the submission ends the connection.
    pub fn hears_all(&mut self, due: &str) -> Result<Vec<u8>, Stop> {
        let begun = Instant::now();
        let mut deadline = further(begun);
        loop {
            let had = self.inbox.len();
            if self.ending.is_some() {
                return Ok(std::mem::take(&mut self.inbox));
            }
            if Instant::now() > deadline {
                if begun.elapsed() < STEP_MOST && self.reads_on() {
                    deadline = further(begun);
                    continue;
                }
                return Err(self.still_open(due));
            }
            self.wait(false, deadline);
            if self.inbox.len() > had {
                deadline = further(begun);
            }
        }
    }

    /// Hears nothing that was not asked for yet. No proof that nothing comes: put it behind a fence.
    pub fn hears_nothing_more(&mut self) -> Told {
        self.read_arrived();
        if self.inbox.is_empty() {
            return Ok(());
        }
        self.gathers(0);
        self.fails(Symptom::Extra, "nothing more", self.heard(0), "")
    }

    /// Waits until so many bytes have arrived that were not heard yet; whether they came in time.
    /// No verb to judge by: for what may come in one way or in another, and is right in both.
    pub fn has_come(&mut self, bytes: usize, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.inbox.len() < bytes && self.ending.is_none() && Instant::now() < deadline {
            self.wait(false, deadline);
        }
        self.inbox.len() >= bytes
    }

    /// Hears one of two that already differ in their first four bytes, where the words allow both.
    /// The first is the one that is named as expected.
    pub fn hears_either(&mut self, expected: &[u8], or: &[u8]) -> Told {
        self.has_come(4, PATIENCE);
        let other = self.inbox.len() >= 4 && or.len() >= 4 && self.inbox[..4] == or[..4];
        self.hears(if other { or } else { expected })
    }

    /// Hears nothing until the submission ends the connection, or for so long. What comes later is
    /// missed: it is only ever lenient.
    pub fn hears_nothing_for(&mut self, limit: Duration) -> Told {
        self.has_come(1, limit);
        self.hears_nothing_more()
    }

    /// Hears the end of the connection, and nothing before it. A reset counts.
    pub fn hears_end(&mut self) -> Told {
        self.hears_end_within(PATIENCE)
    }

    /// Hears the end of the connection no later than so long after its last byte arrived or, if
    /// that is later, after the last thing that we said.
    pub fn hears_end_within(&mut self, limit: Duration) -> Told {
        let since = self.last_arrival.max(self.last_said);
        let give_up = Instant::now() + PATIENCE;
        // When it was last seen that it had not ended: nothing is late because we looked late.
        let mut late = Duration::ZERO;
        loop {
            if !self.inbox.is_empty() {
                self.gathers(0);
                return self.fails(Symptom::Extra, "the end", self.heard(0), "before the end");
            }
            if self.ending.is_some() {
                break;
            }
            let now = Instant::now();
            if now > give_up {
                return Err(self.still_open("the end of the connection"));
            }
            late = now - since;
            self.wait(false, give_up.min(now + LOOK));
        }
        if limit < PATIENCE && self.program.was_late(since, late, limit)? {
            let expected = format!("the end within {} ms", limit.as_millis());
            return self.fails(
                Symptom::Late,
                expected,
                format!("after {} ms", late.as_millis()),
                "",
            );
        }
        Ok(())
    }

    /// Hears a clean end, and nothing before it. A reset is a failure.
    pub fn hears_clean_end(&mut self) -> Told {
        self.hears_end()?;
        match self.ending {
            None | Some(Ending::End | Ending::Goodbye) => Ok(()),
            Some(ending) => self.ended_otherwise("the end (FIN)", ending),
        }
    }

    /// It has ended, and in another way than was due.
    pub(in crate::grader) fn ended_otherwise<T>(
        &self,
        due: &str,
        ending: Ending,
    ) -> Result<T, Stop> {
        let (symptom, got) = ending.told();
        self.fails(symptom, due, got, "")
    }

    // ---- beneath

    pub(super) fn read_arrived(&mut self) {
        let mut chunk = [0; 64 << 10];
        while self.reading && self.ending.is_none() && self.inbox.len() < self.inbox_most {
            match self.wire.read(&mut chunk) {
                Ok(0) => self.hears_of_its(Ending::End),
                Ok(n) => {
                    self.transcript
                        .write_bytes(&self.who, "", What::Hears, &chunk[..n]);
                    self.inbox.extend_from_slice(&chunk[..n]);
                    self.last_arrival = Instant::now();
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => return,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.hears_of_its(Ending::Reset),
            }
        }
    }

    /// The peer's side has ended: in this way, unless the wire knows better.
    fn hears_of_its(&mut self, ending: Ending) {
        let ending = self.wire.ending().unwrap_or(ending);
        self.ending = Some(ending);
        let (what, note) = match ending {
            Ending::End => (What::HearsEnd, String::new()),
            Ending::Goodbye => (What::HearsEnd, "close_notify".to_string()),
            Ending::Reset => (What::HearsReset, String::new()),
            Ending::Alert(_) => (What::Notes, format!("← {}", ending.told().1)),
            Ending::Garbled => (What::Notes, "← bytes that are no TLS".to_string()),
        };
        self.transcript.write(&self.who, "", what, note);
    }

    /// Lets the rest come of what is not what was due: the beginning of a wrong answer says less than
    /// the whole, and where it happened to be cut says nothing.
    fn gathers(&mut self, due: usize) {
        let give_up = Instant::now() + REST_MOST;
        let mut had = 0;
        while had < self.inbox.len() && self.inbox.len() < due + BEYOND_KEPT {
            had = self.inbox.len();
            let rests = give_up.min(Instant::now() + REST);
            while had == self.inbox.len() && self.ending.is_none() && Instant::now() < rests {
                self.wait(false, rests);
            }
        }
    }

    /// What has arrived and was not heard yet, as a failure keeps it: not much more than was due, or
    /// each check of a submission that floods would keep a whole inbox.
    fn heard(&self, due: usize) -> &[u8] {
        &self.inbox[..self.inbox.len().min(due + BEYOND_KEPT)]
    }

    /// A failure as this client sees it, to be returned as it is.
    pub fn fails<T>(
        &self,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
        when: &str,
    ) -> Result<T, Stop> {
        Err(self.failure(symptom, expected, got, when))
    }

    pub(super) fn failure(
        &self,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
        when: &str,
    ) -> Stop {
        self.transcript
            .write(&self.who, "", What::Fails, symptom.word());
        let got = got.into();
        let cut = matches!(&got, Side::Bytes(kept)
            if kept.len() >= BEYOND_KEPT && kept.len() < self.inbox.len());
        let more = match (cut, when.is_empty()) {
            (false, _) => "",
            (true, true) => "and more",
            (true, false) => ", and more",
        };
        let mut failure = Failure::new(symptom, expected, got).when(format!("{when}{more}"));
        failure.who = self.who.clone();
        failure.sent = self.sent.clone();
        failure.into()
    }

    /// The stream ended before what was due: in one of the ways in which one does, or because the
    /// program is gone.
    fn ended_early(&self, expected: Side) -> Told {
        let due = match &expected {
            Side::Bytes(bytes) => bytes.len(),
            Side::Words(_) => 0,
        };
        let got = Side::from(self.heard(due));
        // The end of a process closes its sockets before its parent learns of it.
        if let Some((exit, _)) = self.program.wait_exit(Duration::from_millis(200)) {
            let when = format!("then the program ended: {exit}");
            return self.fails(Symptom::Exit, expected, got, &when);
        }
        let (symptom, how) = self.ending.unwrap_or(Ending::End).told();
        self.fails(symptom, expected, got, &format!("then {how}"))
    }

    pub(in crate::grader) fn silence(&self, expected: Side, got: Side) -> Stop {
        if let Err(stop) = self.program.must_have_run(PATIENCE) {
            return stop;
        }
        let mut when = if self.last_arrival.elapsed() < PATIENCE / 2 {
            "and still not whole when the time for it was over".to_string()
        } else {
            format!("then silence for {} s", PATIENCE.as_secs())
        };
        if let (Side::Bytes(expected), Side::Bytes(got)) = (&expected, &got) {
            when.push_str(&format!(", with {} of {} bytes", got.len(), expected.len()));
        }
        self.failure(Symptom::Silence, expected, got, &when)
    }

    fn still_open(&self, due: &str) -> Stop {
        if let Err(stop) = self.program.must_have_run(PATIENCE) {
            return stop;
        }
        let got = format!(
            "the connection is still open after {} s",
            PATIENCE.as_secs()
        );
        self.failure(Symptom::StillOpen, due, got, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_end_is_told_as_another_one() {
        let all = [
            Ending::End,
            Ending::Goodbye,
            Ending::Reset,
            Ending::Alert(42),
            Ending::Alert(200),
            Ending::Garbled,
        ];
        let told: Vec<_> = all.into_iter().map(Ending::told).collect();
        let words: Vec<&str> = told.iter().map(|(_, words)| &words[..]).collect();
        let due = [
            "the end of the stream (FIN)",
            "the end of the stream (close_notify)",
            "a reset (RST)",
            "alert 42 (bad certificate)",
            "alert 200",
            "what can't be read as TLS",
        ];
        assert_eq!(words, due);
        let symptoms: Vec<_> = told.iter().map(|(symptom, _)| symptom.word()).collect();
        let due = [
            "end of stream",
            "end of stream",
            "reset",
            "alert",
            "alert",
            "no TLS",
        ];
        assert_eq!(symptoms, due);
    }
}
