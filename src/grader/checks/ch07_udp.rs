//! What is graded of chapter 7's exercises, a file for each.

mod ack_client;
mod ack_server;
mod key_value;
mod requests;
mod talk;

pub use ack_client::ACK_CLIENT;
pub use ack_server::ACK_SERVER;
pub use key_value::KEY_VALUE;

use super::AWKWARD;

/// The id, a `u32`, big-endian, then the payload.
fn request(id: u32, payload: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], payload].concat()
}

fn ack(id: u32) -> Vec<u8> {
    request(id, b"ACK")
}
