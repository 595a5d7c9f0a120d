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

use std::collections::VecDeque;
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
const FIRST: u32 = 4_294_967_290;

/// Early segments that are kept, at most: the peer chooses the numbers.
const MOST_EARLY: usize = 64;
/// Segments in turn that one acknowledgement may answer: the sender's window must go on.
const MOST_UNANSWERED: u32 = 8;
/// How long it stays after the end, in case its answer was lost.
pub const LINGER: Duration = Duration::from_secs(1);
/// How long the sender may be silent before the end. Its timer may have grown to a minute, and it
/// lets it run out eight times: who leaves before that ends a transfer that still goes on.
pub const SILENCE: Duration = Duration::from_secs(10 * 60);
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
    let mut talk = Talk {
        receiver: Receiver::new(FIRST),
        unanswered: 0,
        sender: None,
        socket,
        stdout,
    };
    converse(&mut talk)?;
    let (peer, _) = talk.sender.expect("a conversation ends after it began");
    let segments = talk.receiver.expected.wrapping_sub(FIRST);
    eprintln!("{peer} has sent it all: {segments} of data");
    Ok(())
}

/// One transfer: the protocol, and what it needs of the world.
struct Talk<W> {
    receiver: Receiver,
    /// Segments in turn since the last answer.
    unanswered: u32,
    /// The sender, and until when it must be heard again.
    sender: Option<(SocketAddr, Instant)>,
    socket: UdpSocket,
    stdout: W,
}

fn converse<W: Write>(talk: &mut Talk<W>) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    loop {
        let deadline = talk.sender.map(|(_, deadline)| deadline);
        match hear(&talk.socket, &mut buffer, deadline)? {
            Some((n, from)) => talk.take(&buffer[..n], from)?,
            None if talk.receiver.ended => return Ok(()),
            None => {
                let number = talk.receiver.expected;
                let minutes = SILENCE.as_secs() / 60;
                let wrong =
                    format!("{minutes} minutes of silence, and segment {number} hasn't come");
                return Err(io::Error::new(TimedOut, wrong));
            }
        }
        // What else is there already is taken before the answer: one may do for several.
        talk.socket.set_nonblocking(true)?;
        for _ in 0..MOST_EARLY {
            match talk.socket.recv_from(&mut buffer) {
                Ok((n, from)) => talk.take(&buffer[..n], from)?,
                Err(err) if err.kind() == WouldBlock => break,
                Err(err) if matches!(err.kind(), Interrupted | ConnectionReset) => {}
                Err(err) => return Err(err),
            }
        }
        talk.socket.set_nonblocking(false)?;
        if talk.unanswered > 0 {
            let answer = answer(ACK, talk.receiver.expected);
            talk.answers(&answer)?;
        }
    }
}

impl<W: Write> Talk<W> {
    fn take(&mut self, datagram: &[u8], from: SocketAddr) -> io::Result<()> {
        let Some(segment) = parse(datagram) else {
            return Ok(());
        };
        let is_sender = match self.sender {
            Some((peer, _)) => peer == from,
            // Half of an old transfer isn't the beginning of this one.
            None => segment.number == FIRST,
        };
        if !is_sender {
            return Ok(());
        }
        let taken = self.receiver.take(&segment);
        let patience = if self.receiver.ended { LINGER } else { SILENCE };
        // Only an end prolongs the stay, not a late copy of data.
        if !self.receiver.ended || segment.kind == END {
            self.sender = Some((from, Instant::now() + patience));
        }
        match taken {
            Taken::InTurn => self.unanswered += 1,
            Taken::Answer(answer) => return self.answers(&answer),
            Taken::NotForUs => {}
        }
        if self.unanswered == MOST_UNANSWERED {
            let answer = answer(ACK, self.receiver.expected);
            return self.answers(&answer);
        }
        Ok(())
    }

    fn answers(&mut self, answer: &[u8]) -> io::Result<()> {
        // Written before it is acknowledged: what is acknowledged is never sent again.
        self.stdout.write_all(&self.receiver.ready)?;
        self.stdout.flush()?;
        self.receiver.ready.clear();
        self.unanswered = 0;
        let Some((peer, _)) = self.sender else {
            return Ok(());
        };
        match self.socket.send_to(answer, peer) {
            Err(err) if !matches!(err.kind(), ConnectionReset | Interrupted) => Err(err),
            _ => Ok(()),
        }
    }
}

// ANCHOR: receiver
/// The receiver's half of the protocol, without socket and clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// The number of the next segment to write; after the end, its own.
    pub expected: u32,
    pub ended: bool,
    /// What is to be written before the next answer.
    pub ready: Vec<u8>,
    /// Kept: the payload of number `expected + 1 + i`, if it has come.
    early: VecDeque<Option<Vec<u8>>>,
}

/// What a segment came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was expected: an answer is due, but may wait for the next one.
    InTurn,
    /// Answered at once, so that the sender sees that one is missing.
    Answer([u8; HEADER]),
    NotForUs,
}

impl Receiver {
    pub fn new(first: u32) -> Receiver {
        Receiver {
            expected: first,
            ended: false,
            ready: Vec::new(),
            early: VecDeque::new(),
        }
    }

    pub fn take(&mut self, segment: &Segment<'_>) -> Taken {
        // How far ahead of what is expected. What is behind it is far
        // ahead in this sense: 1 behind is 4,294,967,295 ahead.
        let ahead = segment.number.wrapping_sub(self.expected) as usize;
        match segment.kind {
            DATA if self.ended => {}
            DATA if ahead == 0 => {
                let gap = !self.early.is_empty();
                self.ready.extend_from_slice(segment.payload);
                self.expected = self.expected.wrapping_add(1);
                // The place of the next, whether it has come or not.
                while let Some(Some(payload)) = self.early.pop_front() {
                    self.ready.extend_from_slice(&payload);
                    self.expected = self.expected.wrapping_add(1);
                }
                if !gap {
                    return Taken::InTurn;
                }
            }
            DATA if ahead <= MOST_EARLY => {
                let place = ahead - 1;
                if self.early.len() <= place {
                    self.early.resize(place + 1, None);
                }
                self.early[place] = Some(segment.payload.to_vec());
            }
            END if ahead == 0 => {
                self.ended = true;
                return Taken::Answer(answer(END_ACK, segment.number));
            }
            DATA | END => {}
            _ => return Taken::NotForUs,
        }
        Taken::Answer(answer(ACK, self.expected))
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
        // A timeout of zero would be an error, not an expired one.
        if left == Some(Duration::ZERO) {
            return Ok(None);
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
    eprintln!("{wrong}\nusage: ch08_window_receive ADDR");
    None
}
