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
//! long for most peers and too short for some. `ch08_window_send` has more segments under way, and
//! a timer that learns.

use std::env;
use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const HEADER: usize = 7;
const MAX_PAYLOAD: usize = 1024;
const DATA: u8 = 1;
const ACK: u8 = 2;
const END: u8 = 3;
const END_ACK: u8 = 4;

const TIMEOUT: Duration = Duration::from_millis(200);
/// Of one segment. Then the receiver is gone, or nothing gets through.
const TRANSMISSIONS: u32 = 10;
/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = send_stdin(addr) {
        eprintln!("cannot send a file to {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn send_stdin(addr: SocketAddr) -> io::Result<()> {
    let any: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    // From here on the kernel drops what comes from anybody else.
    socket.connect(addr)?;
    let mut sender = Sender::new(io::stdin().lock())?;
    let mut again = 0;
    while !sender.is_done() {
        again += converse(&socket, &mut sender)?;
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
) -> io::Result<u32> {
    let mut buffer = vec![0; LARGEST];
    for again in 0..TRANSMISSIONS {
        send(socket, &sender.segment)?;
        // Counted from the transmission: whatever else comes in
        // doesn't prolong it.
        let deadline = Instant::now() + TIMEOUT;
        while let Some(n) = hear(socket, &mut buffer, deadline)? {
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

// ANCHOR: sender
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
        let (number, segment) = (0, Vec::new());
        let mut sender = Sender {
            input,
            number,
            segment,
        };
        sender.prepare()?;
        Ok(sender)
    }

    /// Whether a datagram is the answer to what is under way. If it is,
    /// the next segment is under way from here on.
    pub fn take(&mut self, datagram: &[u8]) -> io::Result<bool> {
        let next = self.number.wrapping_add(1);
        if self.segment[0] == DATA && is(datagram, ACK, next) {
            self.number = next;
            self.prepare()?;
            return Ok(true);
        }
        let is_end = self.segment[0] == END;
        if is_end && is(datagram, END_ACK, self.number) {
            self.segment.clear();
            return Ok(true);
        }
        // An old one, or none at all: the timer runs on.
        Ok(false)
    }
}
// ANCHOR_END: sender

impl<R: Read> Sender<R> {
    pub fn is_done(&self) -> bool {
        self.segment.is_empty()
    }

    /// The next 1,024 bytes; fewer only at the end of the input, and none after it.
    fn prepare(&mut self) -> io::Result<()> {
        self.segment.clear();
        self.segment.extend([0; HEADER]);
        // One read of a pipe may return less than there will be.
        let mut rest = self.input.by_ref().take(MAX_PAYLOAD as u64);
        let length = rest.read_to_end(&mut self.segment)? as u16;
        self.segment[0] = if length > 0 { DATA } else { END };
        self.segment[1..5].copy_from_slice(&self.number.to_be_bytes());
        self.segment[5..HEADER].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// Whether a datagram is exactly this answer.
fn is(datagram: &[u8], kind: u8, number: u32) -> bool {
    let [a, b, c, d] = number.to_be_bytes();
    datagram == [kind, a, b, c, d, 0, 0]
}

/// The length of the next datagram; `None`: none before the deadline.
fn hear(socket: &UdpSocket, buffer: &mut [u8], deadline: Instant) -> io::Result<Option<usize>> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A timeout of zero would be an error, not an expired one.
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(buffer) {
            Ok(n) => return Ok(Some(n)),
            Err(err) if is_a_loss(&err) => {}
            Err(err) if matches!(err.kind(), WouldBlock | TimedOut | Interrupted) => {}
            Err(err) => return Err(err),
        }
    }
}

fn send(socket: &UdpSocket, segment: &[u8]) -> io::Result<()> {
    match socket.send(segment) {
        Err(err) if !is_a_loss(&err) => Err(err),
        _ => Ok(()),
    }
}

/// An earlier segment met a closed port, which this call reports. The receiver may not have
/// started yet: that is one more segment that was lost.
fn is_a_loss(err: &io::Error) -> bool {
    matches!(err.kind(), ConnectionRefused | ConnectionReset)
}

/// The one argument, ADDR; what is wrong with it goes to stderr.
fn addr_from_args() -> Option<SocketAddr> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let wrong = match args.as_slice() {
        [addr] => match addr.to_string_lossy().parse() {
            Ok(addr) => return Some(addr),
            Err(_) => format!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT"),
        },
        args => format!("one argument is needed, not {}", args.len()),
    };
    eprintln!("{wrong}\nusage: ch08_send_file ADDR");
    None
}
