//! # Window: a solution
//!
//! Two numbers say where the window is: the oldest that isn't acknowledged, and the next that is new. An
//! acknowledgement moves the one, room in the window moves the other. After 300 ms without progress all
//! that is between them is sent again: a receiver that keeps nothing early needs all of it.
//!
//!     cargo run -p solutions --bin sol08_window 127.0.0.1:7008 < Cargo.lock

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
const WINDOW: usize = 8;
const TIMEOUT: Duration = Duration::from_millis(300);
const EXPIRIES: u32 = 8;
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
    let payloads: Vec<&[u8]> = input.chunks(MAX_PAYLOAD).collect();
    let socket = connect(addr)?;
    send_data(&socket, &payloads)?;
    send_end(&socket, number_of(payloads.len()))
}

/// Sends all data. Inside, segments are counted from 0; their numbers are made of that.
fn send_data(socket: &UdpSocket, payloads: &[&[u8]]) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    // All before `base` is acknowledged, all before `next` was sent.
    let (mut base, mut next, mut expiries) = (0, 0, 0);
    let mut deadline = Instant::now() + TIMEOUT;
    while base < payloads.len() {
        let window = payloads.len().min(base + WINDOW);
        for (i, payload) in (next..window).zip(&payloads[next..window]) {
            send(socket, &segment(DATA, number_of(i), payload))?;
        }
        next = window;
        let Some(n) = hear(socket, &mut buffer, deadline)? else {
            expiries += 1;
            if expiries == EXPIRIES {
                return Err(no_answer());
            }
            next = base; // all of the window again
            deadline = Instant::now() + TIMEOUT;
            continue;
        };
        let [ACK, a, b, c, d, 0, 0] = buffer[..n] else {
            continue;
        };
        // Numbers wrap: how far one is from another is the same on both sides of 0.
        let number = u32::from_be_bytes([a, b, c, d]);
        let advance = number.wrapping_sub(number_of(base)) as usize;
        if (1..=next - base).contains(&advance) {
            base += advance;
            expiries = 0;
            deadline = Instant::now() + TIMEOUT;
        }
    }
    Ok(())
}

fn send_end(socket: &UdpSocket, number: u32) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    for _ in 0..EXPIRIES {
        send(socket, &segment(END, number, &[]))?;
        let deadline = Instant::now() + TIMEOUT;
        while let Some(n) = hear(socket, &mut buffer, deadline)? {
            if buffer[..n] == segment(END_ACK, number, &[]) {
                return Ok(());
            }
        }
    }
    Err(no_answer())
}

fn number_of(i: usize) -> u32 {
    FIRST.wrapping_add(i as u32)
}

fn no_answer() -> io::Error {
    io::Error::new(TimedOut, format!("nothing new in {EXPIRIES} times 300 ms"))
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
    eprintln!("{wrong}\nusage: sol08_window ADDR");
    None
}
