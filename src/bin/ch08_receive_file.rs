//! How does a file arrive exactly once over a network that loses, doubles and reorders?
//!
//! Each segment has a number. The receiver writes the one that it expects, and answers every one
//! with the number that it expects next: a copy is answered again, and never written again. After
//! the end it stays for a second: its last answer may be lost, and then the sender asks again.
//!
//!     cargo run --bin ch08_receive_file 127.0.0.1:7008 | tail -n +2 > copy    # terminal 1
//!     cargo run --bin ch08_send_file 127.0.0.1:7008 < Cargo.lock              # terminal 2
//!     cmp copy Cargo.lock
//!
//! The first line of stdout says where it listens: `tail` takes it away.
//!
//! What it still gets wrong: what comes early is thrown away. `ch08_window_receive` keeps it. And
//! whoever can write the sender's address into a datagram is believed. Chapter 9 mends that.

use std::env;
use std::io::ErrorKind::{ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const HEADER: usize = 7;
const DATA: u8 = 1;
const ACK: u8 = 2;
const END: u8 = 3;
const END_ACK: u8 = 4;
const MAX_PAYLOAD: usize = 1024;

/// How long it stays after the end, in case its answer was lost.
const LINGER: Duration = Duration::from_secs(1);
/// How long the sender may be silent before the end.
const SILENCE: Duration = Duration::from_secs(10);
/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        eprintln!("one address is needed, IP:PORT or [IP6]:PORT\nusage: ch08_receive_file ADDR");
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
    let mut receiver = Receiver::default();
    let mut buffer = vec![0; LARGEST];
    // Nobody, and no limit, at first. From then on the sender must be heard before the deadline.
    let (mut sender, mut deadline) = (None, None);
    while let Some((n, from)) = hear(&socket, &mut buffer, deadline)? {
        let Some(segment) = parse(&buffer[..n]) else {
            continue;
        };
        match sender {
            Some(peer) if peer != from => continue,
            // Half of an old transfer isn't the beginning of this one.
            None if segment.number != 0 => continue,
            None => eprintln!("{from} sends a file"),
            _ => {}
        }
        sender = Some(from);
        let (payload, answer) = receiver.take(&segment);
        // Written before it is acknowledged: what is acknowledged is never sent again.
        stdout.write_all(payload)?;
        stdout.flush()?;
        if let Err(err) = socket.send_to(&answer, from) {
            eprintln!("{from} cannot be told: {err}"); // It will ask again.
        }
        let patience = if receiver.ended { LINGER } else { SILENCE };
        // Only an end prolongs the stay, not a late copy of data.
        if !receiver.ended || segment.kind == END {
            deadline = Some(Instant::now() + patience);
        }
    }
    let peer = sender.expect("there is no deadline before there is a sender");
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
    /// The bytes to write, and the answer.
    pub fn take<'a>(&mut self, segment: &Segment<'a>) -> (&'a [u8], [u8; HEADER]) {
        let in_turn = segment.number == self.expected;
        match segment.kind {
            DATA if in_turn && !self.ended => {
                self.expected = self.expected.wrapping_add(1);
                (segment.payload, answer(ACK, self.expected))
            }
            END if in_turn => {
                self.ended = true;
                (&[], answer(END_ACK, segment.number))
            }
            // A copy, or too early: say again what is expected.
            _ => (&[], answer(ACK, self.expected)),
        }
    }
}
// ANCHOR_END: receiver

/// A segment that is for a receiver: data, or the end.
pub struct Segment<'a> {
    pub kind: u8,
    pub number: u32,
    pub payload: &'a [u8],
}

/// `None`: anything else.
pub fn parse(datagram: &[u8]) -> Option<Segment<'_>> {
    let (&[kind, a, b, c, d, high, low], payload) = datagram.split_first_chunk()?;
    let number = u32::from_be_bytes([a, b, c, d]);
    let length = usize::from(u16::from_be_bytes([high, low]));
    let fits = length == payload.len() && length <= MAX_PAYLOAD;
    // Data without a byte would be an end that isn't one.
    let its_kind = if length > 0 { DATA } else { END };
    (fits && kind == its_kind).then_some(Segment {
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
        if left == Some(Duration::ZERO) {
            return Ok(None); // As a timeout, zero would be an error.
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

/// The one argument, if it is an address.
fn addr_from_args() -> Option<SocketAddr> {
    let mut args = env::args_os().skip(1);
    let addr = args.next()?.to_str()?.parse().ok()?;
    args.next().is_none().then_some(addr)
}
