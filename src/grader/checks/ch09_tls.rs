//! What is graded of chapter 9's exercises, a file for each.

mod echo;
mod truncation;
mod trust;

pub use echo::TLS_ECHO;
pub use truncation::TRUNCATION;
pub use trust::TRUST;

use crate::grader::check::{Cause, Stop};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::tls::{HOST, Terms};

/// The longest payload that is allowed, included.
const MAX: usize = 1 << 20;

/// Bytes that a line, a C string or a UTF-8 decoder would stumble over.
const AWKWARD: &[u8] = b"\0\r\n\xff\xfe\n\xc3\x28 end\xe2\x82";

/// A frame: the payload's length in four bytes, big-endian, then the payload.
fn frame(payload: &[u8]) -> Vec<u8> {
    [&header(payload.len())[..], payload].concat()
}

fn header(length: usize) -> [u8; 4] {
    (length as u32).to_be_bytes()
}

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
