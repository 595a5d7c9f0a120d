//! The clients that the checks of the echo over TLS play.

use crate::grader::check::{Stop, Told};
use crate::grader::checks::ch09_tls::frame;
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Paper, Refusal, Terms};
use std::time::{Duration, Instant};

/// The terms of a client: what a running server's certificate is, nobody has told us.
pub(super) fn client(stage: &Stage) -> Terms {
    Terms {
        verifies: !stage.is_running_already(),
        ..Terms::CLIENT
    }
}

/// Gives the submission its certificate, before it is started.
pub(super) fn prepare(stage: &Stage) -> Told {
    let (cert, key) = stage.paper_files(Paper::GOOD)?;
    stage.server_args(&[cert, key]);
    Ok(())
}

/// A client that has shaken hands.
pub(super) fn arrives(stage: &Stage, who: &str) -> Result<Client, Stop> {
    prepare(stage)?;
    let tcp = stage.client(who)?;
    let since = Instant::now();
    let shaken = tcp.asks_for_papers(&client(stage))?;
    match shaken.came {
        Ok(_) => Ok(shaken.client),
        Err(refusal) if is_too_late(since, &refusal) => {
            let why = "the machine was too slow: the 3 s of the handshake were over";
            Err(Stop::Inconclusive(why.to_string()))
        }
        Err(refusal) => not_shaken(&shaken.client, &refusal),
    }
}

/// Whether the server may have ended it because its time was over: on a slow machine that is its right.
pub(super) fn is_too_late(since: Instant, refusal: &Refusal) -> bool {
    *refusal != Refusal::Silence && since.elapsed() > Duration::from_millis(2_600)
}

pub(super) fn not_shaken<T>(client: &Client, refusal: &Refusal) -> Result<T, Stop> {
    client.fails(Symptom::Handshake, "a TLS handshake", refusal.words(), "")
}

/// A client of its own sends this frame and hears it.
pub(super) fn echoed(stage: &Stage, payload: &[u8]) -> Told {
    let mut alice = arrives(stage, "alice")?;
    alice.says(&frame(payload))?;
    alice.hears(&frame(payload))
}
