//! The servers that the checks of trust play, and what the client makes of them: its word, in its time.

use crate::grader::check::{Stop, Told};
use crate::grader::checks::ch09_tls::{frame, met};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::kernel;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::tls::Terms;
use std::time::{Duration, Instant};

/// Hears each frame and answers it before the next is due: right for a client that waits for each
/// reply, and for one that has sent them all.
pub(super) fn answers(server: &mut Client, pairs: &[(&[u8], &[u8])]) -> Told {
    for (message, reply) in pairs {
        server.hears(&frame(message))?;
        server.says(&frame(reply))?;
    }
    Ok(())
}

/// A server with whom something is wrong: it hears nothing of stdin, and the client says this word.
pub(super) fn refused(stage: &Stage, terms: &Terms, due: &str) -> Told {
    let (pupil, server) = met(stage, b"secret\n")?;
    let mut shaken = server.shows_papers(terms)?;
    if shaken.came.is_ok() {
        // It may look at the certificate now. What it must not is to speak first.
        shaken.client.hears_end()?;
    }
    drop(shaken);
    word(&pupil, due)
}

/// It ends with status 1, and its stdout is this word, with or without a line's ending.
pub(super) fn word(pupil: &Pupil, due: &str) -> Told {
    pupil.ends()?;
    let stdout = pupil.stdout();
    let mut said = &stdout[..];
    for ending in [b'\n', b'\r'] {
        said = said.strip_suffix(&[ending]).unwrap_or(said);
    }
    if said != due.as_bytes() {
        let symptom = match stdout.is_empty() {
            true => Symptom::End,
            false => Symptom::Different,
        };
        return pupil.fails(symptom, due.as_bytes(), &stdout[..]);
    }
    pupil.exits(1)
}

/// Where the machine has taken a part of the program's 3 s, nobody can tell what it did with them. A
/// program that has ended shows no longer how long its threads waited for a processor; whether anybody
/// did, the kernel remembers.
pub(super) fn in_its_time(stage: &Stage, tell: impl FnOnce() -> Told) -> Told {
    let (begun, before) = (Instant::now(), kernel::processor_pressure());
    let told = tell();
    let Err(Stop::Failed(failure)) = &told else {
        return told;
    };
    let after = kernel::processor_pressure();
    let pressed = before
        .zip(after)
        .map(|(before, after)| after.saturating_sub(before));
    let is_busy = pressed.is_some_and(|pressed| pressed > begun.elapsed() / 2);
    for program in stage.programs() {
        let ended = program.wait_exit(Duration::ZERO);
        let lost = program.stalled_since(program.started());
        // Its FIN may be heard before its end is.
        let lived = ended.map_or_else(|| program.started().elapsed(), |(_, after)| after);
        let late = lived > Duration::from_millis(2_700);
        let unheard = failure.symptom == Symptom::Silence;
        if (late && lost > Duration::from_millis(300)) || ((late || unheard) && is_busy) {
            let why = "others kept the machine busy while the program's 3 s went by";
            return Err(Stop::Inconclusive(why.to_string()));
        }
    }
    told
}
