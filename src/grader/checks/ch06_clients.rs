//! What is graded of chapter 6's exercises, a file for each.

mod chat;
mod limited;
mod shutdown;

pub use chat::CHAT;
pub use limited::LIMITED;
pub use shutdown::SHUTDOWN;

use crate::grader::check::{Cause, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;

/// A client that has a line echoed, and stays.
fn echoed(stage: &Stage, who: &str) -> Result<Client, Stop> {
    let mut client = stage.client(who)?;
    echoes(&mut client, b"hello\n")?;
    Ok(client)
}

fn echoes(client: &mut Client, bytes: &[u8]) -> Told {
    client.says(bytes)?;
    client.hears(bytes)
}

const ENDS_ALL: Cause = Cause {
    symptoms: &[Symptom::Exit],
    likely: "an error of one client (a reset, a broken pipe, bytes that are no text) ends the program",
    advice: "let it end that one conversation; its stderr may say where: look for unwrap, `?` and exit",
};

const ONE_AT_A_TIME: Cause = Cause {
    symptoms: &[],
    likely: "the server is still reading from one client, and nobody accepts the next",
    advice: "give each client a thread of its own, and accept again at once",
};
