//! # Window ★★★
//!
//! A sender with a window has several segments under way. As it stands its window is one segment: each waits
//! for the answer to the last, and over a line of 100 ms that makes ten kilobytes a second.
//!
//! A segment is `type u8, seq u32, length u16`, big-endian, and `length` bytes of payload. Types: 1 data,
//! 2 ack, 3 end, 4 end-ack. Only data has a payload, of 1 to 1,024 bytes. Data is numbered from 4,294,967,290, and
//! after 4,294,967,295 comes 0. An ack names the next number that is expected, and acknowledges all before
//! it. The end takes the number after the last data, is sent when all data is acknowledged, and an end-ack
//! repeats it. An empty file is only an end.
//!
//! What is graded:
//! - `ex08_window ADDR` reads all of stdin, then sends it in segments of 1,024 bytes, but for the last. As many as
//!   8 are under way: sent, and not covered by the highest ack. Never a ninth, and no fewer while there are more to
//!   send. Then the end, and after its end-ack exit 0;
//! - an ack covers all numbers before the one that it names. One that is lower than the highest so far, or names a
//!   number beyond what was sent, changes nothing. Only datagrams from ADDR count, and only segments;
//! - when 300 ms have passed since the last ack that advanced (or since the first transmission) it sends the oldest
//!   again, or all that is under way. (It may also send the oldest again as soon as the same ack has come three
//!   times more, and no sooner.)
//! - one loss costs one such wait at most and never more than 1.3 s in all, be it that the receiver keeps what comes
//!   early or that it throws all of it away. (So after the wait: the oldest, and then the next one at each ack that
//!   advances; or all that is under way.)
//! - numbers go on over 4,294,967,295 as if nothing were there;
//! - after 8 such waits running without an ack that advances (or an end-ack): exit 1. A refused port is a loss.
//!
//! To try it:
//!
//!     cargo run --bin ch08_window_receive 127.0.0.1:7008 | tail -n +2 > copy           # terminal 1
//!     cargo run -p exercises --bin ex08_window 127.0.0.1:7008 < Cargo.lock             # terminal 2
//!     cargo course grade ex08_window

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

const FIRST: u32 = 4_294_967_290;
const TIMEOUT: Duration = Duration::from_millis(300);
const TRANSMISSIONS: u32 = 8;
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
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input)?;
    let socket = connect(addr)?;
    let mut number = FIRST;
    for payload in input.chunks(MAX_PAYLOAD) {
        let data = segment(DATA, number, payload);
        number += 1;
        exchange(&socket, &data, &segment(ACK, number, &[]))?;
    }
    let end = segment(END, number, &[]);
    exchange(&socket, &end, &segment(END_ACK, number, &[]))
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
    eprintln!("{wrong}\nusage: ex08_window ADDR");
    None
}
