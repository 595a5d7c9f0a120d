//! # Adaptive sender ★★★
//!
//! A stop-and-wait sender, right in all but its timer. As it stands it waits one second, always: a lost segment
//! costs a second where an answer takes a millisecond, and where an answer takes two and a half
//! seconds each segment is sent three times. RFC 6298 says how a timer learns.
//!
//! A segment is `type u8, seq u32, length u16`, big-endian, and `length` bytes of payload. Types: 1 data,
//! 2 ack, 3 end, 4 end-ack. Only data has a payload, of 1 to 1,024 bytes. Data is numbered from 0, and
//! after 4,294,967,295 comes 0. An ack names the next number that is expected, and acknowledges all before
//! it. The end takes the number after the last data, is sent when all data is acknowledged, and an end-ack
//! repeats it. An empty file is only an end.
//!
//! What is graded:
//! - `ex08_adaptive ADDR` sends stdin as `ex08_sender` does, but for its timer, and sends each segment 5 times at
//!   most. An answer to the fifth, before its time is over, counts as well. Otherwise: exit 1;
//! - the timer is that of RFC 6298, <https://www.rfc-editor.org/rfc/rfc6298>, sections 2, 3 and 5, with α = 1/8,
//!   β = 1/4, K = 4, and a minimum of 200 ms in place of the RFC's 1 s:
//!   - before the first round-trip time is known it waits 1 s (2.1);
//!   - SRTT, RTTVAR and from them the timeout after each round-trip time (2.2, 2.3), at least 200 ms (2.4);
//!   - a segment that was sent again gives no round-trip time (section 3, Karn's algorithm);
//!   - doubled at each expiry (5.5), and kept so, for the next segments too, until a round-trip time is known;
//! - where answers that took 20 ms begin to take 300 ms, at most 3 transmissions are repeated.
//!
//! Timeouts of the kernel are rounded up to its tick: the grader has room for that. So look at `exchange`.
//!
//!     cargo run --bin ch08_receive_file 127.0.0.1:7008 | tail -n +2 > copy             # terminal 1
//!     cargo run -p exercises --bin ex08_adaptive 127.0.0.1:7008 < Cargo.lock           # terminal 2
//!     cargo course grade ex08_adaptive

use std::env;
use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const MAX_PAYLOAD: usize = 1024;
const DATA: u8 = 1;
const ACK: u8 = 2;
const END: u8 = 3;
const END_ACK: u8 = 4;

const TIMEOUT: Duration = Duration::from_secs(1);
const TRANSMISSIONS: u32 = 5;
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
    let socket = connect(addr)?;
    let mut stdin = io::stdin().lock();
    let mut payload = Vec::new();
    let mut number = 0_u32;
    loop {
        payload.clear();
        // A read of a pipe may return less than there will be: only 0 bytes are the end.
        let n = (&mut stdin)
            .take(MAX_PAYLOAD as u64)
            .read_to_end(&mut payload)?;
        if n == 0 {
            let end = segment(END, number, &[]);
            return exchange(&socket, &end, &segment(END_ACK, number, &[]));
        }
        let data = segment(DATA, number, &payload);
        number = number.wrapping_add(1);
        exchange(&socket, &data, &segment(ACK, number, &[]))?;
    }
}

/// Sends a segment until this answer comes.
fn exchange(socket: &UdpSocket, segment: &[u8], answer: &[u8]) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    for _ in 0..TRANSMISSIONS {
        send(socket, segment)?;
        let deadline = Instant::now() + TIMEOUT;
        while let Some(n) = hear(socket, &mut buffer, deadline)? {
            if buffer[..n] == *answer {
                return Ok(());
            }
        }
    }
    let wrong = format!("no answer to {TRANSMISSIONS} transmissions of a segment");
    Err(io::Error::new(TimedOut, wrong))
}

fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![kind];
    segment.extend(number.to_be_bytes());
    segment.extend((payload.len() as u16).to_be_bytes());
    segment.extend(payload);
    segment
}

fn connect(addr: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    // From here on the kernel drops what comes from anybody else.
    socket.connect(addr)?;
    Ok(socket)
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

/// An earlier segment met a closed port, which this call reports: one more that was lost.
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
    eprintln!("{wrong}\nusage: ex08_adaptive ADDR");
    None
}
