//! How does a sender use the network while it waits?
//!
//! It has a window of segments under way, and each acknowledgement that advances lets the next ones
//! go. A segment that is missing shows itself: the receiver says the same number three times more, and
//! that one alone is sent again. Where nothing comes at all there is a timer, and it learns from
//! round trips how long it should wait (RFC 6298).
//!
//!     cargo run --bin ch08_window_receive 127.0.0.1:7008 | tail -n +2 > copy  # terminal 1
//!     cargo run --bin ch08_window_send 127.0.0.1:7008 32 < Cargo.lock         # terminal 2
//!     cmp copy Cargo.lock
//!
//! What it still gets wrong: its window is what it was told, however full the network is. TCP's is not:
//! each loss makes it smaller (RFC 5681). Don't send far away with this. And while it waits for stdin
//! it hears nobody, so what is typed slowly is repeated late.

use std::collections::VecDeque;
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
const FIRST: u32 = 4_294_967_290;

pub const WINDOW: usize = 8;
/// More than this, and Linux drops what a receiver that sleeps hasn't read: about 90 fit.
const MOST_WINDOW: usize = 64;
/// Expiries running, after which the receiver is taken for gone.
pub const EXPIRIES: u32 = 8;
/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some((addr, window)) = args() else {
        eprintln!("needed are IP:PORT or [IP6]:PORT and, if not 8, a window of 1 to {MOST_WINDOW}");
        eprintln!("usage: ch08_window_send ADDR [WINDOW]");
        return ExitCode::from(2);
    };
    if let Err(err) = converse(addr, window) {
        eprintln!("cannot send a file to {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn converse(addr: SocketAddr, window: usize) -> io::Result<()> {
    let v6 = addr.is_ipv6();
    let socket = UdpSocket::bind(if v6 { "[::]:0" } else { "0.0.0.0:0" })?;
    // From here on the kernel drops what comes from anybody else.
    socket.connect(addr)?;
    let mut sender = Sender::new(io::stdin().lock(), FIRST, window);
    let mut buffer = vec![0; LARGEST];
    let (mut timer, mut expiries, mut again) = (Timer::begin(), 0, 0);
    let mut deadline = Instant::now() + timer.rto;
    // The segment that is timed, by the number that acknowledges it.
    let mut timed: Option<(u32, Instant)> = None;
    loop {
        let was_idle = sender.under_way.is_empty();
        while let Some(segment) = sender.next_segment()? {
            send(&socket, segment);
            timed.get_or_insert((sender.next_number(), Instant::now()));
        }
        if was_idle {
            deadline = Instant::now() + patience(&sender, &timer); // RFC 6298 (5.1)
        }
        let heard = match hear(&socket, &mut buffer, deadline)? {
            Some(n) => sender.take(&buffer[..n]),
            None => {
                expiries += 1;
                timer.expired();
                let (number, wait) = (sender.base, patience(&sender, &timer));
                if expiries == EXPIRIES {
                    let wrong = format!("no answer to segment {number}");
                    return Err(io::Error::new(TimedOut, wrong));
                }
                let ms = wait.as_millis();
                eprintln!("{addr} is silent: segment {number} again, the timer at {ms} ms");
                deadline = Instant::now() + wait; // (5.6)
                sender.expired();
                Heard::Missing
            }
        };
        if heard == Heard::Done {
            let segments = sender.base.wrapping_sub(FIRST);
            eprintln!("{addr} has it all: {segments} of data, {again} sent again");
            return Ok(());
        }
        if matches!(heard, Heard::Advance | Heard::AdvanceToGap) {
            expiries = 0;
            deadline = Instant::now() + patience(&sender, &timer); // (5.3)
            // Whether the base has reached it: until then the distance is nearly 2³².
            let base = sender.base;
            if let Some((_, sent)) = timed.take_if(|(due, _)| base.wrapping_sub(*due) < 1 << 31) {
                learn(&mut timer, sent.elapsed(), addr);
            }
        }
        if matches!(heard, Heard::Missing | Heard::AdvanceToGap) {
            // Which of its transmissions will the answer be for? Nobody can tell: no sample of
            // it, nor of one that waits behind it (Karn's algorithm, section 3).
            timed = None;
            again += 1;
            send(&socket, sender.oldest()); // (5.4)
        }
    }
}

/// How long for an answer. The end isn't waited for with a timer that losses have doubled: the
/// receiver stays for a second after it, and must hear the next one within that.
pub fn patience<R: Read>(sender: &Sender<R>, timer: &Timer) -> Duration {
    match sender.is_ending() {
        true => timer.learned(),
        false => timer.rto,
    }
}

fn learn(timer: &mut Timer, rtt: Duration, addr: SocketAddr) {
    timer.sample(rtt);
    let (srtt, _) = timer.smoothed.unwrap_or_default();
    let [rtt, srtt, rto] = [rtt, srtt, timer.rto].map(|time| time.as_secs_f64() * 1000.0);
    // On loopback a round trip takes microseconds: nothing to tell of each.
    if rtt >= 1.0 {
        eprintln!("{addr} answered after {rtt:.1} ms, srtt {srtt:.1} ms, rto {rto:.1} ms");
    }
}

// ANCHOR: timer
/// How long to wait for an answer: RFC 6298, its rules by number.
pub struct Timer {
    /// SRTT and RTTVAR, once there was a sample.
    smoothed: Option<(Duration, Duration)>,
    pub rto: Duration,
}

impl Timer {
    // (2.4) says 1 s at least; this course says 200 ms.
    const LEAST: Duration = Duration::from_millis(200);
    const MOST: Duration = Duration::from_secs(60); // (2.5)
    // The clock's granularity: the coarsest tick of a Linux kernel.
    const G: Duration = Duration::from_millis(10);

    pub fn begin() -> Timer {
        Timer {
            smoothed: None,
            rto: Duration::from_secs(1), // (2.1)
        }
    }

    pub fn sample(&mut self, rtt: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => (rtt, rtt / 2), // (2.2)
            Some((srtt, rttvar)) => {
                // (2.3): the deviation is from the old SRTT.
                let off = srtt.abs_diff(rtt);
                (srtt * 7 / 8 + rtt / 8, rttvar * 3 / 4 + off / 4)
            }
        });
        self.rto = self.learned();
    }

    /// (2.2) and (2.3): what the samples say.
    fn learned(&self) -> Duration {
        let (srtt, rttvar) = self.smoothed.unwrap_or_default();
        let rto = srtt + Timer::G.max(rttvar * 4);
        rto.clamp(Timer::LEAST, Timer::MOST)
    }

    /// (5.5). The next sample takes it back.
    pub fn expired(&mut self) {
        self.rto = (self.rto * 2).min(Timer::MOST);
    }
}
// ANCHOR_END: timer

/// The sender's half of the protocol, without socket and clock. Of the data under way, `doubtful`
/// counts the oldest that may be lost, and an acknowledgement that covers some of them only shows
/// the next gap (RFC 6582).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender<R> {
    input: R,
    input_ended: bool,
    /// The oldest number that isn't acknowledged.
    pub base: u32,
    /// The segments from there on, as they were sent.
    pub under_way: VecDeque<Vec<u8>>,
    window: usize,
    duplicates: u32, // acknowledgements in a row that didn't advance
    doubtful: usize,
}

/// What a datagram came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    Advance,
    /// It advances, and the oldest must be sent again.
    AdvanceToGap,
    /// The oldest must be sent again.
    Missing,
    Done,
}

impl<R: Read> Sender<R> {
    pub fn new(input: R, first: u32, window: usize) -> Sender<R> {
        Sender {
            input,
            input_ended: false,
            base: first,
            under_way: VecDeque::new(),
            window,
            duplicates: 0,
            doubtful: 0,
        }
    }

    // ANCHOR: next
    /// A new segment, if the window has room and the input has more.
    /// The end comes when all before it is acknowledged.
    pub fn next_segment(&mut self) -> io::Result<Option<&[u8]>> {
        if self.under_way.len() == self.window || self.is_ending() {
            return Ok(None);
        }
        let mut payload = Vec::with_capacity(MAX_PAYLOAD as usize);
        if !self.input_ended {
            let mut rest = self.input.by_ref().take(MAX_PAYLOAD);
            self.input_ended = rest.read_to_end(&mut payload)? == 0;
        }
        let kind = if self.input_ended { END } else { DATA };
        if kind == END && !self.under_way.is_empty() {
            return Ok(None);
        }
        let segment = segment(kind, self.next_number(), &payload);
        self.under_way.push_back(segment);
        Ok(self.under_way.back().map(Vec::as_slice))
    }
    // ANCHOR_END: next

    // ANCHOR: take
    pub fn take(&mut self, datagram: &[u8]) -> Heard {
        let [kind, a, b, c, d, 0, 0] = *datagram else {
            return Heard::Nothing;
        };
        // Numbers wrap: only their distance says which is the later.
        let number = u32::from_be_bytes([a, b, c, d]);
        let advance = number.wrapping_sub(self.base) as usize;
        match (kind, self.is_ending()) {
            (END_ACK, true) if advance == 0 => Heard::Done,
            (ACK, false) if advance == 0 => self.repeated(),
            (ACK, false) if advance <= self.under_way.len() => {
                self.under_way.drain(..advance);
                (self.base, self.duplicates) = (number, 0);
                self.advanced(advance)
            }
            _ => Heard::Nothing,
        }
    }
    // ANCHOR_END: take

    // ANCHOR: repeated
    /// An acknowledgement that doesn't advance. The third says that one
    /// is missing; a fourth, nothing.
    fn repeated(&mut self) -> Heard {
        self.duplicates = (self.duplicates + 1).min(4);
        if self.duplicates != 3 || self.doubtful > 0 {
            return Heard::Nothing;
        }
        self.expired();
        Heard::Missing
    }

    /// While some of those in doubt are still under way, the oldest is
    /// lost too: else the acknowledgement would have gone past it.
    fn advanced(&mut self, advance: usize) -> Heard {
        self.doubtful = self.doubtful.saturating_sub(advance);
        match self.doubtful {
            0 => Heard::Advance,
            _ => Heard::AdvanceToGap,
        }
    }

    /// From here on all that is under way may be lost.
    pub fn expired(&mut self) {
        self.doubtful = self.under_way.len();
    }
    // ANCHOR_END: repeated

    /// What is to be sent again first.
    pub fn oldest(&self) -> &[u8] {
        self.under_way.front().map_or(&[], Vec::as_slice)
    }

    pub fn next_number(&self) -> u32 {
        self.base.wrapping_add(self.under_way.len() as u32)
    }

    fn is_ending(&self) -> bool {
        self.oldest().first() == Some(&END)
    }
}

fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let (number, length) = (number.to_be_bytes(), payload.len() as u16);
    [&[kind], &number[..], &length.to_be_bytes(), payload].concat()
}

/// A failure is one more loss: what isn't acknowledged is sent again.
fn send(socket: &UdpSocket, segment: &[u8]) {
    if let Err(err) = socket.send(segment) {
        eprintln!("not sent: {err}");
    }
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
            // Refused, or reset: an earlier segment met a closed port, which is a loss.
            Err(err) => match err.kind() {
                WouldBlock | TimedOut | Interrupted | ConnectionRefused | ConnectionReset => {}
                _ => return Err(err),
            },
        }
    }
}

/// ADDR, and the window if it is said.
fn args() -> Option<(SocketAddr, usize)> {
    let mut args = env::args_os().skip(1);
    let addr = args.next()?.to_str()?.parse().ok()?;
    let window = match args.next() {
        Some(arg) => arg.to_str()?.parse().ok()?,
        None => WINDOW,
    };
    let fits = (1..=MOST_WINDOW).contains(&window) && args.next().is_none();
    fits.then_some((addr, window))
}
