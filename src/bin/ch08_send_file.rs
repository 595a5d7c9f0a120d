//! How does a sender know that every byte has arrived?
//!
//! It sends one segment, waits for the acknowledgement, and only then sends the next: stop and
//! wait. Without an acknowledgement in 200 ms it sends the same segment again, ten times at most. That
//! the file has ended is a segment too, and acknowledged like the others.
//!
//!     cargo run --bin ch08_receive_file 127.0.0.1:7008 | tail -n +2 > copy    # terminal 1
//!     cargo run --bin ch08_send_file 127.0.0.1:7008 < Cargo.lock              # terminal 2
//!     cmp copy Cargo.lock
//!
//! What it still gets wrong: one segment a round trip, however fast the network is; and 200 ms are too
//! long for most peers and too short for some. `ch08_window_send` mends both.

use std::env;
use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const DATA: u8 = 1;
const ACK: u8 = 2;
const END: u8 = 3;
const END_ACK: u8 = 4;
const MAX_PAYLOAD: u64 = 1024;

const TIMEOUT: Duration = Duration::from_millis(200);
const TRANSMISSIONS: u32 = 10;
/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        eprintln!("one address is needed, IP:PORT or [IP6]:PORT\nusage: ch08_send_file ADDR");
        return ExitCode::from(2);
    };
    if let Err(err) = send_stdin(addr) {
        eprintln!("cannot send a file to {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn send_stdin(addr: SocketAddr) -> io::Result<()> {
    let v6 = addr.is_ipv6();
    let any = if v6 { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any)?;
    // From here on the kernel drops what comes from anybody else.
    socket.connect(addr)?;
    let mut sender = Sender::new(io::stdin().lock())?;
    let mut buffer = vec![0; LARGEST];
    let mut again = 0;
    while !sender.is_done() {
        again += converse(&socket, &mut sender, &mut buffer)?;
    }
    let number = sender.number;
    eprintln!("{addr} has it all: {number} of data, {again} sent again");
    Ok(())
}

// ANCHOR: converse
/// Sends one segment until it is answered: how often again.
fn converse<R: Read>(
    socket: &UdpSocket, // connected: it hears its peer alone
    sender: &mut Sender<R>,
    buffer: &mut [u8],
) -> io::Result<u32> {
    for again in 0..TRANSMISSIONS {
        if let Err(err) = socket.send(&sender.segment) {
            eprintln!("not sent: {err}"); // A loss, like others.
        }
        // Counted from the transmission: whatever else comes in
        // doesn't prolong it.
        let deadline = Instant::now() + TIMEOUT;
        while let Some(n) = hear(socket, buffer, deadline)? {
            if sender.take(&buffer[..n])? {
                return Ok(again);
            }
        }
    }
    let number = sender.number;
    let wrong = format!("segment {number}: sent 10 times, no answer");
    Err(io::Error::new(TimedOut, wrong))
}
// ANCHOR_END: converse

/// The sender's half of the protocol, without socket and clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender<R> {
    input: R,
    pub number: u32,
    /// The one that is under way, as it is sent; empty: all is done.
    pub segment: Vec<u8>,
}

impl<R: Read> Sender<R> {
    /// With the first segment under way.
    pub fn new(input: R) -> io::Result<Sender<R>> {
        let mut sender = Sender {
            input,
            number: 0,
            segment: Vec::new(),
        };
        sender.prepare()?;
        Ok(sender)
    }

    pub fn is_done(&self) -> bool {
        self.segment.is_empty()
    }

    /// Whether a datagram is the answer to what is under way. If it is, the next segment is under
    /// way from here on.
    pub fn take(&mut self, datagram: &[u8]) -> io::Result<bool> {
        let next = self.number.wrapping_add(1);
        if self.segment[0] == DATA && datagram == segment(ACK, next, &[]) {
            self.number = next;
            self.prepare()?;
        } else if self.segment[0] == END && datagram == segment(END_ACK, self.number, &[]) {
            self.segment.clear();
        } else {
            return Ok(false); // An old one, or none at all: the timer runs on.
        }
        Ok(true)
    }

    /// The next 1,024 bytes; fewer only at the end of the input, and none after it.
    fn prepare(&mut self) -> io::Result<()> {
        let mut payload = Vec::with_capacity(MAX_PAYLOAD as usize);
        // One read of a pipe may return less than there will be.
        let mut rest = self.input.by_ref().take(MAX_PAYLOAD);
        rest.read_to_end(&mut payload)?;
        let kind = if payload.is_empty() { END } else { DATA };
        self.segment = segment(kind, self.number, &payload);
        Ok(())
    }
}

fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let (number, length) = (number.to_be_bytes(), payload.len() as u16);
    [&[kind], &number[..], &length.to_be_bytes(), payload].concat()
}

/// The length of the next datagram; `None`: none before the deadline.
fn hear(socket: &UdpSocket, buffer: &mut [u8], deadline: Instant) -> io::Result<Option<usize>> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None); // As a timeout, zero would be an error.
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(buffer) {
            Ok(n) => return Ok(Some(n)),
            // Refused, or reset: an earlier segment met a closed port. The receiver may not have
            // started yet, so that is one more loss.
            Err(err) => match err.kind() {
                WouldBlock | TimedOut | Interrupted | ConnectionRefused | ConnectionReset => {}
                _ => return Err(err),
            },
        }
    }
}

/// The one argument, if it is an address.
fn addr_from_args() -> Option<SocketAddr> {
    let mut args = env::args_os().skip(1);
    let addr = args.next()?.to_str()?.parse().ok()?;
    args.next().is_none().then_some(addr)
}
