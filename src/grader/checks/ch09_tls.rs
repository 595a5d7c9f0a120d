//! What is graded of chapter 9's exercises, a file for each.

mod echo;
mod truncation;
mod trust;

pub use echo::TLS_ECHO;
pub use truncation::TRUNCATION;
pub use trust::TRUST;

use super::AWKWARD;
use super::ch04_framing::{MAX, frame, header};
use crate::grader::check::{Cause, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::tls::{HOST, Terms};
use std::time::Duration;

/// The client with this stdin, and the server's end of its connection: no TLS yet.
fn met(stage: &Stage, stdin: &[u8]) -> Result<(Pupil, Client), Stop> {
    let listener = stage.listener("server")?;
    let args = [stage.ca_file()?, HOST.to_string()];
    let pupil = stage.starts(listener.addr()?, &args, stdin)?;
    let server = listener.accepts(&pupil)?;
    Ok((pupil, server))
}

/// The same, and over TLS: its handshake has to succeed.
fn met_over_tls(stage: &Stage, terms: &Terms, stdin: &[u8]) -> Result<(Pupil, Client), Stop> {
    let (pupil, server) = met(stage, stdin)?;
    let shaken = server.shows_papers(terms)?;
    match shaken.came {
        Ok(_) => Ok((pupil, shaken.client)),
        Err(refusal) => {
            let due = "a TLS handshake";
            shaken
                .client
                .fails(Symptom::Handshake, due, refusal.words(), "")
        }
    }
}

/// Clients that do not come to an end of their handshakes: plain text, one that leaves, one that breaks off.
pub(super) fn three_failures(stage: &Stage) -> Told {
    let mut plain = stage.client("plain")?;
    plain.says(b"GET / HTTP/1.0\r\n\r\n")?;
    plain.has_come(1, Duration::from_millis(300));
    stage.client("passer-by")?.hangs_up()?;
    let mut rude = stage.client("rude")?;
    rude.says(&[22, 3, 1, 2, 0, 1])?;
    rude.fence()?;
    rude.resets()
}

/// So many clients that are connected, and say nothing.
pub(super) fn silent(stage: &Stage, count: usize) -> Result<Vec<Client>, Stop> {
    (0..count).map(|_| stage.client("silent")).collect()
}

pub(super) const IN_THE_LOOP: Cause = Cause {
    symptoms: &[],
    likely: "something of one client (its handshake, its first byte, a free place) is waited for before the \
             next is served, or silent ones fill all places",
    advice: "give each client its thread first, and shake hands in there",
};

pub(super) const BENEATH: Cause = Cause {
    symptoms: &[Symptom::Garbled],
    likely: "it is written to the TCP stream beneath, not to the TLS stream",
    advice: "behind the handshake write to the TLS stream alone: what it is made of belongs to it",
};

const ONE_RECORD: Cause = Cause {
    symptoms: &[],
    likely: "what one read() returned was taken for the whole of it",
    advice: "over TLS a read returns a record at most, 16 KiB: read until as many bytes are there \
             as were announced",
};

const A_MEBIBYTE: Cause = Cause {
    symptoms: &[],
    likely: "one read's bytes are taken for the whole payload, or the limit is too low",
    advice: "a read returns a record at most, 16 KiB: read until as many bytes are there as were \
             announced; 1,048,576 of them are allowed",
};

const ONE_WRITE: Cause = Cause {
    symptoms: &[],
    likely: "`write` sent one record, 16,384 bytes, and its answer was not looked at",
    advice: "`write_all` goes on until everything is sent",
};
