//! What is graded of chapter 4's exercises, a file for each.

mod client;
mod echo;
mod envelope;
mod limits;

pub use client::FRAME_CLIENT;
pub use echo::FRAME_ECHO;
pub use envelope::ENVELOPE;
pub use limits::FRAME_LIMITS;

use super::AWKWARD;
use crate::grader::check::{Cause, Told};
use crate::grader::stage::Stage;

/// The longest payload that is allowed, included.
pub(super) const MAX: usize = 1 << 20;

/// A frame: the payload's length in four bytes, big-endian, then the payload.
pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    [&header(payload.len())[..], payload].concat()
}

pub(super) fn header(length: usize) -> [u8; 4] {
    (length as u32).to_be_bytes()
}

/// A client of its own sends this frame and hears it.
fn echoed(stage: &Stage, payload: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    alice.says(&frame(payload))?;
    alice.hears(&frame(payload))
}

const ONE_READ: Cause = Cause {
    symptoms: &[],
    likely: "what one read() returned was taken for the whole of it",
    advice: "read until as many bytes are there as were announced, and keep what is too much",
};

const LOST_LEFTOVERS: Cause = Cause {
    symptoms: &[],
    likely: "what a read brought behind the first message was thrown away",
    advice: "one buffer for the whole connection: what follows a message begins the next",
};

const ONE_AT_A_TIME: Cause = Cause {
    symptoms: &[],
    likely: "the server is still reading from the first client, and nobody accepts the next",
    advice: "give each client a thread of its own, and accept again at once",
};

const ENDED_BY_ONE_CLIENT: Cause = Cause {
    symptoms: &[],
    likely: "an error of one connection ends the program, or the loop that accepts the next",
    advice: "let it end that one conversation; look for exit, unwrap and `?` on the way",
};

const HELD_BACK: Cause = Cause {
    symptoms: &[],
    likely: "replies wait in a buffer until nothing at all is left of what was read",
    advice: "send them before a read that may wait: when no whole message is left",
};
