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
//! each loss makes it smaller (RFC 5681). Don't send far away with this.

use std::collections::VecDeque;
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
        return ExitCode::from(2);
    };
    if let Err(err) = send_stdin(addr, window) {
        eprintln!("cannot send a file to {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn send_stdin(addr: SocketAddr, window: usize) -> io::Result<()> {
    let any: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    // From here on the kernel drops what comes from anybody else.
    socket.connect(addr)?;
    let sender = Sender::new(io::stdin().lock(), FIRST, window);
    let (number, again) = converse(&socket, addr, sender)?;
    let segments = number.wrapping_sub(FIRST);
    eprintln!("{addr} has it all: {segments} of data, {again} sent again");
    Ok(())
}

/// Sends it all: the end's number, and how many transmissions were repeated.
fn converse<R: Read>(
    socket: &UdpSocket,
    addr: SocketAddr,
    mut sender: Sender<R>,
) -> io::Result<(u32, u32)> {
    let mut buffer = vec![0; LARGEST];
    let (mut timer, mut expiries, mut repeated) = (Timer::begin(), 0, 0);
    let mut deadline = Instant::now() + timer.rto;
    // The segment that is timed, by the number that acknowledges it.
    let mut timed: Option<(u32, Instant)> = None;
    loop {
        let is_idle = sender.under_way.is_empty();
        while let Some(segment) = sender.next_segment()? {
            send(socket, segment)?;
            let next = sender.next_number();
            timed.get_or_insert_with(|| (next, Instant::now()));
        }
        if is_idle {
            deadline = Instant::now() + patience(&sender, &timer); // RFC 6298 (5.1)
        }
        let heard = match hear(socket, &mut buffer, deadline)? {
            Some(n) => sender.take(&buffer[..n]),
            None => {
                expiries += 1;
                if expiries == EXPIRIES {
                    let wrong = format!("no answer to segment {}", sender.base);
                    return Err(io::Error::new(TimedOut, wrong));
                }
                timer.expired();
                let (number, wait) = (sender.base, patience(&sender, &timer));
                let ms = wait.as_millis();
                eprintln!("{addr} is silent: segment {number} again, the timer at {ms} ms");
                deadline = Instant::now() + wait; // (5.6)
                sender.expired();
                Heard::Missing
            }
        };
        match heard {
            Heard::Nothing => continue,
            Heard::Done => return Ok((sender.base, repeated)),
            Heard::Missing => {}
            Heard::Advance | Heard::AdvanceToGap => {
                expiries = 0;
                deadline = Instant::now() + patience(&sender, &timer); // (5.3)
                if let Some((number, at)) = timed {
                    if sender.base.wrapping_sub(number) < 1 << 31 {
                        timed = None;
                        learn(&mut timer, at.elapsed(), addr);
                    }
                }
            }
        }
        if matches!(heard, Heard::Missing | Heard::AdvanceToGap) {
            // Which of its transmissions will the answer be for? Nobody can tell: no sample of
            // it, nor of one that waits behind it (Karn's algorithm, section 3).
            timed = None;
            repeated += 1;
            send(socket, sender.oldest())?; // (5.4)
        }
    }
}

/// How long for an answer. The end isn't waited for with a timer that losses have doubled: the
/// receiver stays for a second after it, and must hear the next one within that.
pub fn patience<R>(sender: &Sender<R>, timer: &Timer) -> Duration {
    match sender.is_ending {
        true => timer.learned(),
        false => timer.rto,
    }
}

fn learn(timer: &mut Timer, rtt: Duration, addr: SocketAddr) {
    timer.sample(rtt);
    // On loopback a round trip takes microseconds: nothing to tell of each.
    if rtt >= Duration::from_millis(1) {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (rtt, srtt, rto) = (ms(rtt), ms(timer.srtt), ms(timer.rto));
        eprintln!("{addr} answered after {rtt:.1} ms, srtt {srtt:.1} ms, rto {rto:.1} ms");
    }
}

// ANCHOR: timer
/// How long to wait for an answer: RFC 6298, its rules by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    pub srtt: Duration,
    pub rttvar: Duration,
    pub rto: Duration,
    has_sample: bool,
}

impl Timer {
    /// (2.4) says 1 s at least; this course says 200 ms, as Linux does.
    const LEAST: Duration = Duration::from_millis(200);
    /// (2.5): 60 s at least, where there is a most.
    const MOST: Duration = Duration::from_secs(60);
    /// The clock's granularity: the coarsest tick of a Linux kernel.
    const G: Duration = Duration::from_millis(10);

    pub fn begin() -> Timer {
        let (srtt, rttvar) = (Duration::ZERO, Duration::ZERO);
        let rto = Duration::from_secs(1); // (2.1)
        Timer {
            srtt,
            rttvar,
            rto,
            has_sample: false,
        }
    }

    pub fn sample(&mut self, rtt: Duration) {
        if self.has_sample {
            // (2.3), in this order: the deviation is from the old SRTT.
            let off = self.srtt.abs_diff(rtt);
            self.rttvar = self.rttvar * 3 / 4 + off / 4;
            self.srtt = self.srtt * 7 / 8 + rtt / 8;
        } else {
            (self.srtt, self.rttvar) = (rtt, rtt / 2); // (2.2)
            self.has_sample = true;
        }
        self.rto = self.learned();
    }

    /// (2.2) and (2.3): what the samples say.
    fn learned(&self) -> Duration {
        let rto = self.srtt + Timer::G.max(self.rttvar * 4);
        rto.clamp(Timer::LEAST, Timer::MOST)
    }

    /// (5.5). The next sample takes it back.
    pub fn expired(&mut self) {
        self.rto = (self.rto * 2).min(Timer::MOST);
    }
}
// ANCHOR_END: timer

/// The sender's half of the protocol, without socket and clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender<R> {
    input: R,
    input_ended: bool,
    /// The oldest number that isn't acknowledged.
    pub base: u32,
    /// The segments from there on, as they were sent.
    pub under_way: VecDeque<Vec<u8>>,
    window: usize,
    is_ending: bool,
    /// Acknowledgements in a row that didn't advance.
    duplicates: u32,
    /// Until this number is acknowledged, one that advances to less shows the next gap (RFC 6582).
    recovers: Option<u32>,
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
            is_ending: false,
            duplicates: 0,
            recovers: None,
        }
    }

    // ANCHOR: window
    /// A new segment, if the window has room and the input has more.
    /// The end comes when all before it is acknowledged.
    pub fn next_segment(&mut self) -> io::Result<Option<&[u8]>> {
        if self.under_way.len() == self.window || self.is_ending {
            return Ok(None);
        }
        let mut segment = vec![0; HEADER];
        if !self.input_ended {
            let rest = self.input.by_ref();
            rest.take(MAX_PAYLOAD as u64).read_to_end(&mut segment)?;
        }
        let length = segment.len() - HEADER;
        self.input_ended |= length == 0;
        if self.input_ended && !self.under_way.is_empty() {
            return Ok(None);
        }
        self.is_ending = self.input_ended;
        segment[0] = if self.is_ending { END } else { DATA };
        let number = self.next_number().to_be_bytes();
        segment[1..5].copy_from_slice(&number);
        segment[5..7].copy_from_slice(&(length as u16).to_be_bytes());
        self.under_way.push_back(segment);
        Ok(self.under_way.back().map(Vec::as_slice))
    }

    pub fn take(&mut self, datagram: &[u8]) -> Heard {
        let [kind, a, b, c, d, 0, 0] = *datagram else {
            return Heard::Nothing;
        };
        let number = u32::from_be_bytes([a, b, c, d]);
        if self.is_ending {
            let is_answer = kind == END_ACK && number == self.base;
            return if is_answer {
                Heard::Done
            } else {
                Heard::Nothing
            };
        }
        // Numbers wrap: only their distance says which is the later.
        let advance = number.wrapping_sub(self.base) as usize;
        let is_old = advance > self.under_way.len();
        if kind != ACK || is_old || self.under_way.is_empty() {
            return Heard::Nothing;
        }
        if advance == 0 {
            // The third says that one is missing; a fourth says nothing new.
            self.duplicates = (self.duplicates + 1).min(4);
            if self.duplicates != 3 || self.recovers.is_some() {
                return Heard::Nothing;
            }
            self.recovers = Some(self.next_number());
            return Heard::Missing;
        }
        self.under_way.drain(..advance);
        (self.base, self.duplicates) = (number, 0);
        let left = self.recovers.map(|end| end.wrapping_sub(number));
        match left {
            Some(left @ 1..) if left as usize <= self.under_way.len() => Heard::AdvanceToGap,
            _ => {
                self.recovers = None;
                Heard::Advance
            }
        }
    }
    // ANCHOR_END: window

    /// Nothing has come for too long: all that is under way may be lost.
    pub fn expired(&mut self) {
        self.recovers = Some(self.next_number());
    }

    /// What is to be sent again first.
    pub fn oldest(&self) -> &[u8] {
        self.under_way.front().map_or(&[], Vec::as_slice)
    }

    pub fn next_number(&self) -> u32 {
        self.base.wrapping_add(self.under_way.len() as u32)
    }
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

/// An earlier segment met a closed port, which this call reports.
fn is_a_loss(err: &io::Error) -> bool {
    matches!(err.kind(), ConnectionRefused | ConnectionReset)
}

/// ADDR, and the window if it is said; what is wrong with them goes to stderr.
fn args() -> Option<(SocketAddr, usize)> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let (addr, window) = match args.as_slice() {
        [addr] => (addr.parse(), Ok(WINDOW)),
        [addr, window] => (addr.parse(), window.parse()),
        _ => {
            eprintln!("one or two arguments are needed, not {}", args.len());
            eprintln!("usage: ch08_window_send ADDR [WINDOW]");
            return None;
        }
    };
    match (addr, window) {
        (Ok(addr), Ok(window @ 1..=MOST_WINDOW)) => return Some((addr, window)),
        (Err(_), _) => eprintln!(
            "{:?} is no address of the form IP:PORT or [IP6]:PORT",
            args[0]
        ),
        _ => eprintln!("{:?} is no window: 1 to {MOST_WINDOW} segments", args[1]),
    }
    eprintln!("usage: ch08_window_send ADDR [WINDOW]");
    None
}
