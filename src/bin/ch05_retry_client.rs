//! When is it right to try again?
//!
//! When another attempt may help, when there is time for it, and when it does no harm. The server
//! may be starting, or just then have been too busy: so this client tries again, after a pause that
//! doubles from failure to failure and is drawn by lot, or all clients that failed together would
//! come again together. One budget is for all of it.
//!
//! What does harm is to do twice what was to be done once. As long as nothing was sent, nothing was
//! done. Afterwards nobody knows: the request may have been lost, or the answer. To GET a page twice
//! is harmless. To POST an order twice is two orders; so it is not tried again.
//!
//!     cargo run --bin ch05_retry_client 127.0.0.1:7005 GET            # terminal 1: nobody is there
//!     cargo run --bin ch05_audit_server 127.0.0.1:7005                # terminal 2: within 5 s
//!
//! What it still gets wrong: a server that answers "try later" (503) has answered, for this client.
//! And each process counts for itself: a thousand clients with five attempts are five thousand.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::ErrorKind::{BrokenPipe, InvalidData, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// For all attempts, and the pauses between them.
const BUDGET: Duration = Duration::from_secs(5);
/// For one attempt: one server that is silent must not cost all others.
const ATTEMPT: Duration = Duration::from_secs(1);
/// The longest first pause, and the longest of all.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// The longest answer. The peer chooses its length.
const MAX_ANSWER: u64 = 1 << 20;
/// To do these twice is to do them once (RFC 9110, section 9.2.2).
const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];

fn main() -> ExitCode {
    let Some((addr, method)) = asked_from_args() else {
        return ExitCode::from(2);
    };
    let answered = persist(addr, &method);
    match answered.and_then(|answer| io::stdout().write_all(&answer)) {
        // `ch05_retry_client … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot {method} http://{addr}/: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

// ANCHOR: persist
/// The answer of the first attempt that gets one, within the budget.
fn persist(addr: SocketAddr, method: &str) -> io::Result<Vec<u8>> {
    let deadline = Deadline::after(BUDGET);
    let (mut longest, most) = PAUSES;
    let mut k = 0;
    loop {
        k += 1;
        let limit = deadline.left()?.min(ATTEMPT);
        let Failed { err, sent } = match attempt(addr, method, limit) {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        if sent && !IDEMPOTENT.contains(&method) {
            let why = format!("{err}; it may have been done: not again");
            return Err(io::Error::other(why));
        }
        let pause = random_below(longest);
        if !deadline.left().is_ok_and(|left| left > pause) {
            let why = format!("{err}, in each of {k} attempts");
            return Err(io::Error::other(why));
        }
        let millis = pause.as_millis();
        eprintln!("{addr} attempt {k}: {err}; next in {millis} ms");
        thread::sleep(pause);
        longest = most.min(longest * 2);
    }
}
// ANCHOR_END: persist

// ANCHOR: attempt
/// Why there is no answer, and whether the server may have heard of it.
struct Failed {
    err: io::Error,
    sent: bool,
}

fn attempt(addr: SocketAddr, method: &str, limit: Duration) -> Result<Vec<u8>, Failed> {
    let deadline = Deadline::after(limit);
    let stream = TcpStream::connect_timeout(&addr, limit);
    // Nothing was sent, so nothing was done.
    let stream = stream.map_err(|err| Failed { err, sent: false })?;
    let stream = Timed {
        stream: &stream,
        deadline,
    };
    // A write that fails may have failed half-way.
    exchange(stream, addr, method).map_err(|err| Failed { err, sent: true })
}
// ANCHOR_END: attempt

fn exchange(mut stream: Timed<'_>, addr: SocketAddr, method: &str) -> io::Result<Vec<u8>> {
    let head = format!("{method} / HTTP/1.1\r\nHost: {addr}\r\n");
    let request = format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER + 1).read_to_end(&mut answer)?;
    // Without the blank line behind its head it has broken off, and is none.
    if !answer.windows(4).any(|four| four == b"\r\n\r\n") {
        return Err(io::Error::new(
            UnexpectedEof,
            "the server ended without an answer",
        ));
    }
    match answer.len() as u64 {
        0..=MAX_ANSWER => Ok(answer),
        _ => Err(io::Error::new(InvalidData, "the answer is too long")),
    }
}

// ANCHOR: random
/// Drawn by lot. std has no random numbers, but the keys of its hash maps
/// are random: each `RandomState` hashes nothing to another number.
fn random_below(most: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    most.mul_f64(random as f64 / u64::MAX as f64)
}
// ANCHOR_END: random

// ANCHOR: deadline
/// The moment at which it is over, for all calls together.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(budget: Duration) -> Deadline {
        Deadline(Instant::now() + budget)
    }

    /// What is left of the budget. Never zero: as a timeout that would
    /// be an error.
    pub fn left(self) -> io::Result<Duration> {
        match self.0.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(TimedOut.into()),
            left => Ok(left),
        }
    }
}
// ANCHOR_END: deadline

// ANCHOR: timed
/// A stream none of whose calls outlives the deadline.
pub struct Timed<'a> {
    pub stream: &'a TcpStream,
    pub deadline: Deadline,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A timeout that has passed is `WouldBlock` on Linux and macOS,
/// `TimedOut` on Windows. Here it is `TimedOut`.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock => TimedOut.into(),
        _ => err,
    }
}
// ANCHOR_END: timed

/// ADDR and METHOD; what is wrong with them goes to stderr.
fn asked_from_args() -> Option<(SocketAddr, String)> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let wrong = match args.as_slice() {
        [addr, method] => match (addr.to_string_lossy().parse(), method.to_string_lossy()) {
            (Err(_), _) => format!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT"),
            (Ok(addr), method)
                if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()) =>
            {
                return Some((addr, method.into_owned()));
            }
            (Ok(_), method) => format!("{method:?} is no method: GET and POST are"),
        },
        args => format!("two arguments are needed, not {}", args.len()),
    };
    eprintln!("{wrong}\nusage: ch05_retry_client ADDR METHOD");
    None
}
