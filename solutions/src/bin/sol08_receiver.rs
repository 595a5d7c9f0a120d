//! # Receiver: a solution
//!
//! One number says it all: what was written ends before it, and what is answered names it. A copy and
//! a segment that comes early are answered alike. The end is in turn like any other, and after it each
//! copy of it starts the second anew.
//!
//!     cargo run -p solutions --bin sol08_receiver 127.0.0.1:7008 | tail -n +2

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

const LINGER: Duration = Duration::from_secs(1);
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
    stdout.flush()?;
    let mut buffer = vec![0; LARGEST];
    let mut sender = None;
    let mut deadline = None;
    let (mut expected, mut ended) = (0_u32, false);
    while let Some((n, from)) = hear(&socket, &mut buffer, deadline)? {
        let Some((kind, number, payload)) = parse(&buffer[..n]) else {
            continue;
        };
        let is_sender = sender.map_or(number == 0, |sender| sender == from);
        if !is_sender {
            continue;
        }
        sender = Some(from);
        let in_turn = number == expected;
        let mut answer = ACK;
        if kind == DATA && in_turn && !ended {
            stdout.write_all(payload)?;
            stdout.flush()?;
            expected = expected.wrapping_add(1);
        } else if kind == END && in_turn {
            ended = true;
            answer = END_ACK;
        }
        send(&socket, answer, expected, from)?;
        if !ended {
            deadline = Some(Instant::now() + SILENCE);
        } else if kind == END {
            deadline = Some(Instant::now() + LINGER);
        }
    }
    if !ended {
        let wrong = format!("10 s of silence, and segment {expected} has not come");
        return Err(io::Error::new(TimedOut, wrong));
    }
    Ok(())
}

/// Type, number and payload of data or an end; `None` of anything else.
fn parse(datagram: &[u8]) -> Option<(u8, u32, &[u8])> {
    let (header, payload) = datagram.split_first_chunk::<HEADER>()?;
    let [kind, a, b, c, d, high, low] = *header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let known = match kind {
        DATA => (1..=MAX_PAYLOAD).contains(&length),
        END => length == 0,
        _ => false,
    };
    let number = u32::from_be_bytes([a, b, c, d]);
    (known && length == payload.len()).then_some((kind, number, payload))
}

fn send(socket: &UdpSocket, kind: u8, number: u32, to: SocketAddr) -> io::Result<()> {
    let [a, b, c, d] = number.to_be_bytes();
    match socket.send_to(&[kind, a, b, c, d, 0, 0], to) {
        // An earlier answer met a closed port: no more than one that was lost.
        Err(err) if !matches!(err.kind(), ConnectionReset | Interrupted) => Err(err),
        _ => Ok(()),
    }
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
    eprintln!("{wrong}\nusage: sol08_receiver ADDR");
    None
}
