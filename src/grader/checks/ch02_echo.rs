//! What is graded of chapter 2's exercises, a file for each.

mod client;
mod server;

pub use client::ECHO_CLIENT;
pub use server::ECHO_SERVER;

use std::time::Duration;

/// More than the buffers of both kernels hold, each way.
const BIG: usize = 8 << 20;

/// Bytes that a line, a C string or a UTF-8 decoder would stumble over.
const AWKWARD: &[u8] = b"\0\r\n\xff\xfe\r\r\n\n\xc3\x28 end without LF\xe2\x82";

/// Longer than the timeouts of a second or two that are copied from elsewhere.
const PAUSE: Duration = Duration::from_millis(2_500);
