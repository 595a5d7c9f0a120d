//! What is graded of chapter 3's exercises, a file for each.

mod lines;
mod refusal;
mod upload;

pub use lines::LINE_SERVER;
pub use refusal::POLITE_REFUSAL;
pub use upload::UPLOAD;

use crate::grader::check::{Cause, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;

const ONE_LINE: Control = Control {
    name: "one line, once",
    run: |stage| answered(stage, b"hello\n", b"5\n"),
};

const HELD_UP: Cause = Cause {
    symptoms: &[Symptom::Silence],
    likely: "the server waits for one client while others are there",
    advice: "give each client a thread of its own, and accept on",
};

/// A client of its own says this and hears that.
fn answered(stage: &Stage, lines: &[u8], answers: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(lines)?;
    alice.hears(answers)
}

/// Lines in two pieces: the second comes when the first was read.
fn answered_in_two(stage: &Stage, pieces: [&[u8]; 2], answers: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(pieces[0])?;
    alice.fence()?;
    alice.says(pieces[1])?;
    alice.hears(answers)
}

/// So many clients that have connected, the first with half a line, and say nothing more.
fn idle_clients(stage: &Stage, count: usize, half: &[u8]) -> Result<Vec<Client>, Stop> {
    let mut idle = Vec::new();
    for number in 1..=count {
        let mut client = stage.client(&format!("idle {number}"))?;
        if idle.is_empty() {
            client.says(half)?;
        }
        idle.push(client);
    }
    Ok(idle)
}

/// Random lines, some ending with CR LF, and what they are answered by.
fn random_lines(stage: &Stage, count: usize, longest: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut lines, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut line = stage.random_bytes(stage.random_below(longest));
        // Neither an ending of their own nor a CR that would belong to one.
        line.iter_mut()
            .filter(|byte| matches!(**byte, b'\n' | b'\r'))
            .for_each(|byte| *byte = b'.');
        answers.extend(format!("{}\n", line.len()).bytes());
        lines.append(&mut line);
        lines.extend(if stage.random_below(3) == 0 {
            &b"\r\n"[..]
        } else {
            b"\n"
        });
    }
    (lines, answers)
}
