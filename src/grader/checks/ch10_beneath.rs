//! What is graded of chapter 10's exercises, a file for each.

mod mutual;
mod resume;
mod terms;

pub use mutual::MUTUAL_TLS;
pub use resume::RESUME;
pub use terms::TERMS;

use super::ch09_tls::{BENEATH, IN_THE_LOOP, silent, three_failures};
use crate::grader::check::{Cause, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Paper, Refusal, Terms, Version};
use std::time::{Duration, Instant};

/// The versions that are spoken today.
const BOTH: [Version; 2] = [Version::Tls13, Version::Tls12];

/// A client of one version alone.
fn client(stage: &Stage, version: Version) -> Terms {
    Terms {
        oldest: version,
        newest: version,
        // What a running server's certificate is, nobody has told us.
        verifies: !stage.is_running_already(),
        ..Terms::CLIENT
    }
}

/// Gives the submission its certificate and these further arguments, before it is started.
fn prepare(stage: &Stage, args: &[String]) -> Told {
    let (cert, key) = stage.paper_files(Paper::GOOD)?;
    stage.server_args(&[&[cert, key], args].concat());
    Ok(())
}

/// A client that has shaken hands.
fn arrives(stage: &Stage, who: &str, terms: &Terms) -> Result<Client, Stop> {
    let tcp = stage.client(who)?;
    // Not before: the first client starts the server.
    let since = Instant::now();
    let shaken = tcp.asks_for_papers(terms)?;
    match shaken.came {
        Ok(_) => Ok(shaken.client),
        Err(refusal) => unless_slow(since, not_shaken(&shaken.client, &refusal)),
    }
}

fn not_shaken<T>(client: &Client, refusal: &Refusal) -> Result<T, Stop> {
    let symptom = symptom(refusal);
    client.fails(symptom, "a TLS handshake", refusal.words(), "")
}

fn symptom(refusal: &Refusal) -> Symptom {
    match refusal {
        Refusal::End => Symptom::End,
        Refusal::Reset => Symptom::Reset,
        Refusal::Silence => Symptom::Silence,
        _ => Symptom::Handshake,
    }
}

/// A failure behind 3 s may be the machine's: a server drops a client whose handshake takes so long. One
/// that says nothing has not dropped anybody.
fn unless_slow<T>(since: Instant, told: Result<T, Stop>) -> Result<T, Stop> {
    match told {
        Err(Stop::Failed(failure))
            if since.elapsed() > Duration::from_millis(2_600)
                && failure.symptom != Symptom::Silence =>
        {
            let why = "the machine was too slow: the 3 s of a handshake were over";
            Err(Stop::Inconclusive(why.to_string()))
        }
        told => told,
    }
}

const ONE_ENDS_ALL: Cause = Cause {
    symptoms: &[],
    likely: "an error of one handshake or conversation ends the program, or the accept loop",
    advice: "let it end that one conversation; look for unwrap and `?` around `accept`",
};

const NO_GOODBYE: Cause = Cause {
    symptoms: &[Symptom::End],
    likely: "the stream is dropped, which closes TCP and says nothing over TLS",
    advice: "call `shutdown` on the TLS stream before it is dropped",
};
