//! What does a receiver do with what comes too early?
//!
//! It keeps it, and says again which number it waits for. When that one comes, all that was kept
//! behind it is written too, and one acknowledgement says so: it counts for every number before it.
//! So a sender may have many segments under way, and repeats only those that are missing.
//!
//!     cargo run --bin ch08_window_receive 127.0.0.1:7008 | tail -n +2 > copy  # terminal 1
//!     cargo run --bin ch08_window_send 127.0.0.1:7008 32 < Cargo.lock         # terminal 2
//!     cmp copy Cargo.lock
//!
//! Numbers begin at 4,294,967,290, so that every file of more than six segments shows what happens
//! where they wrap: nothing, if they are compared by their distance.
//!
//! What it still gets wrong: an address is no proof of who sends. Chapter 9 mends that.

use std::collections::BTreeMap;
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
const FIRST: u32 = 4_294_967_290;

/// Segments ahead that are kept, at most: the peer chooses the numbers.
const MOST_EARLY: usize = 64;
/// How long it stays after the end, in case its answer was lost.
pub const LINGER: Duration = Duration::from_secs(1);
/// How long the sender may be silent before the end. Its timer may have grown to a minute, and it
/// lets it run out eight times: who leaves before that ends a transfer that still goes on.
pub const SILENCE: Duration = Duration::from_secs(10 * 60);
/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        eprintln!("one address is needed, IP:PORT or [IP6]:PORT\nusage: ch08_window_receive ADDR");
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
    let mut receiver = Receiver::new(FIRST);
    let mut buffer = vec![0; LARGEST];
    // Nobody, and no limit, at first. From then on the sender must be heard before the deadline.
    let (mut sender, mut deadline) = (None, None);
    while let Some((n, from)) = hear(&socket, &mut buffer, deadline)? {
        let Some(segment) = parse(&buffer[..n]) else {
            continue;
        };
        // Half of an old transfer isn't the beginning of this one.
        let is_sender = sender.map_or(segment.number == FIRST, |peer| peer == from);
        if !is_sender {
            continue;
        }
        sender = Some(from);
        let answer = receiver.take(&segment);
        // Written before it is acknowledged: what is acknowledged is never sent again.
        stdout.write_all(&receiver.ready)?;
        stdout.flush()?;
        receiver.ready.clear();
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
        let wrong = format!("10 minutes of silence, and segment {number} hasn't come");
        return Err(io::Error::new(TimedOut, wrong));
    }
    let segments = number.wrapping_sub(FIRST);
    eprintln!("{peer} has sent it all: {segments} of data");
    Ok(())
}

/// The receiver's half of the protocol, without socket and clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// The number of the next segment to write; after the end, its own.
    pub expected: u32,
    pub ended: bool,
    /// What is to be written before the answer is sent.
    pub ready: Vec<u8>,
    /// Payloads by number, of segments that are ahead of what is expected.
    early: BTreeMap<u32, Vec<u8>>,
}

impl Receiver {
    pub fn new(expected: u32) -> Receiver {
        Receiver {
            expected,
            ..Receiver::default()
        }
    }

    /// The answer; what can be written is in `ready`.
    pub fn take(&mut self, segment: &Segment<'_>) -> [u8; HEADER] {
        // Numbers wrap: only the distance says how far ahead one is. What is behind is farther
        // ahead than anything that is kept: 1 behind is 4,294,967,295 ahead.
        let ahead = segment.number.wrapping_sub(self.expected) as usize;
        if segment.kind == END && ahead == 0 {
            self.ended = true;
            return answer(END_ACK, segment.number);
        }
        if segment.kind == DATA && ahead <= MOST_EARLY && !self.ended {
            self.early.insert(segment.number, segment.payload.to_vec());
        }
        // One that fills a gap brings all that was kept behind it.
        while let Some(payload) = self.early.remove(&self.expected) {
            self.ready.extend(payload);
            self.expected = self.expected.wrapping_add(1);
        }
        answer(ACK, self.expected)
    }
}

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

pub fn answer(kind: u8, number: u32) -> [u8; HEADER] {
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
