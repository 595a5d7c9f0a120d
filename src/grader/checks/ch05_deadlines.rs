//! What is graded of chapter 5's exercises, a file for each.

mod deadline;
mod retry;
mod slow;

pub use deadline::DEADLINE;
pub use retry::RETRY;
pub use slow::SLOW_CLIENT;

use crate::grader::check::{Cause, Stop};
use crate::grader::listener::Listener;
use crate::grader::stage::{Pupil, Stage};

/// The client with this stdin, and the listener that it is sent to.
fn sent_to_us(stage: &Stage, stdin: &[u8]) -> Result<(Pupil, Listener), Stop> {
    let listener = stage.listener("server")?;
    let pupil = stage.starts(listener.addr()?, &[], stdin)?;
    Ok((pupil, listener))
}

const ONLY_ITS_BEGINNING: Cause = Cause {
    symptoms: &[],
    likely: "only the beginning of stdin or of the reply is copied, or it is taken for text",
    advice: "copy all of it, as bytes, to the end of the stream",
};
