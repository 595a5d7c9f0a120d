//! How does a file arrive exactly once over a network that loses, doubles and reorders?
//!
//! Each segment has a number. The receiver writes the one that it expects, and answers every one
//! with the number that it expects next: a copy is answered again, and never written again. The end
//! is a segment with a number too. After it the receiver stays for a second, since its last answer
//! may be lost, and then the sender asks again.
//!
//!     cargo run --bin ch08_receive_file 127.0.0.1:7008 | tail -n +2 > copy    # terminal 1
//!     cargo run --bin ch08_send_file 127.0.0.1:7008 < Cargo.lock              # terminal 2
//!     cmp copy Cargo.lock
//!
//! The first line of stdout says where it listens: `tail` takes it away.
//!
//! What it still gets wrong: what comes early is thrown away, so a sender may as well send one
//! segment at a time. `ch08_window_receive` keeps it. And an address is no proof of who sends:
//! whoever can write the sender's address into a datagram is believed. Chapter 9 mends that.

use std::env;
use std::io::ErrorKind::{ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const HEADER: usize = 7;
const MAX_PAYLOAD: usize = 1024;
const DATA: u8 = 1;
const ACK: u8 = 2;
const END: u8 = 3;
const END_ACK: u8 = 4;

/// How long it stays after the end, in case its answer was lost.
const LINGER: Duration = Duration::from_secs(1);
/// How long the sender may be silent before the end.
const SILENCE: Duration = Duration::from_secs(10);
/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = serve(addr) {
        eprintln!("cannot receive a file on {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn serve(addr: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind(addr)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {}", socket.local_addr()?)?;
    converse(&socket, &mut stdout)
}

fn converse(socket: &UdpSocket, stdout: &mut impl Write) -> io::Result<()> {
    let mut receiver = Receiver::default();
    let mut buffer = vec![0; LARGEST];
    // The sender, and until when it must be heard again. Nobody, and no limit, at first.
    let mut sender: Option<(SocketAddr, Instant)> = None;
    loop {
        let deadline = sender.map(|(_, deadline)| deadline);
        let Some((n, from)) = hear(socket, &mut buffer, deadline)? else {
            break;
        };
        let Some(segment) = parse(&buffer[..n]) else {
            continue;
        };
        match sender {
            Some((peer, _)) if peer != from => continue,
            // Half of an old transfer isn't the beginning of this one.
            None if segment.number != 0 => continue,
            _ => {}
        }
        let Some((payload, answer)) = receiver.take(&segment) else {
            continue;
        };
        if sender.is_none() {
            eprintln!("{from} sends a file");
        }
        // Written before it is acknowledged: what is acknowledged is never sent again.
        stdout.write_all(payload)?;
        stdout.flush()?;
        send(socket, &answer, from)?;
        let patience = if receiver.ended { LINGER } else { SILENCE };
        // Only an end prolongs the stay, not a late copy of data.
        if !receiver.ended || segment.kind == END {
            sender = Some((from, Instant::now() + patience));
        }
    }
    let peer = sender.map_or(String::new(), |(peer, _)| peer.to_string());
    let number = receiver.expected;
    if !receiver.ended {
        let wrong = format!("{peer} was silent for 10 s, and segment {number} hasn't come");
        return Err(io::Error::new(TimedOut, wrong));
    }
    eprintln!("{peer} has sent it all: {number} of data");
    Ok(())
}

// ANCHOR: receiver
/// The receiver's half of the protocol, without socket and clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// The number of the next segment to write; after the end, its own.
    pub expected: u32,
    pub ended: bool,
}

impl Receiver {
    /// The bytes to write, and the answer; `None`: it isn't for us.
    pub fn take<'a>(&mut self, segment: &Segment<'a>) -> Option<(&'a [u8], [u8; HEADER])> {
        let in_turn = segment.number == self.expected;
        match segment.kind {
            DATA if in_turn && !self.ended => {
                self.expected = self.expected.wrapping_add(1);
                Some((segment.payload, answer(ACK, self.expected)))
            }
            END if in_turn => {
                self.ended = true;
                Some((&[], answer(END_ACK, segment.number)))
            }
            // A copy, or too early: say again what is expected.
            DATA | END => Some((&[], answer(ACK, self.expected))),
            _ => None,
        }
    }
}
// ANCHOR_END: receiver

pub struct Segment<'a> {
    pub kind: u8,
    pub number: u32,
    pub payload: &'a [u8],
}

/// `None`: a datagram that is no segment.
pub fn parse(datagram: &[u8]) -> Option<Segment<'_>> {
    let (header, payload) = datagram.split_first_chunk::<HEADER>()?;
    let [kind, a, b, c, d, high, low] = *header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let fits = length == payload.len() && length <= MAX_PAYLOAD;
    let known = (DATA..=END_ACK).contains(&kind) && (length > 0) == (kind == DATA);
    let number = u32::from_be_bytes([a, b, c, d]);
    (fits && known).then_some(Segment {
        kind,
        number,
        payload,
    })
}

fn answer(kind: u8, number: u32) -> [u8; HEADER] {
    let [a, b, c, d] = number.to_be_bytes();
    [kind, a, b, c, d, 0, 0]
}

/// The next datagram, and whose it is; `None`: none before the deadline.
fn hear(
    socket: &UdpSocket,
    buffer: &mut [u8],
    deadline: Option<Instant>,
) -> io::Result<Option<(usize, SocketAddr)>> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // A timeout of zero would be an error, not an expired one.
        if left == Some(Duration::ZERO) {
            return Ok(None);
        }
        socket.set_read_timeout(left)?;
        match socket.recv_from(buffer) {
            Ok(heard) => return Ok(Some(heard)),
            // WouldBlock is Linux's word for a timeout, TimedOut that of Windows. There a reset
            // says that an answer of ours met a closed port.
            Err(err) => match err.kind() {
                WouldBlock | TimedOut | Interrupted | ConnectionReset => {}
                _ => return Err(err),
            },
        }
    }
}

/// Whether it arrives isn't known. That it didn't is known sometimes, and makes no difference.
fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
    match socket.send_to(datagram, to) {
        Err(err) if !matches!(err.kind(), ConnectionReset | Interrupted) => Err(err),
        _ => Ok(()),
    }
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
    eprintln!("{wrong}\nusage: ch08_receive_file ADDR");
    None
}
