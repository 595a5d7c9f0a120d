//! # Client with three tries: a solution
//!
//! The socket is connected, so the kernel lets in nobody but the peer that was asked. Each try has a
//! deadline of its own, counted from the first one's time; whatever isn't the acknowledgement is
//! passed over, and changes nothing about it.
//!
//! Ids count from 1. A server that remembers an earlier client at the same port would take these for
//! that one's; `ch07_udp_client` begins with a random one.
//!
//!     cargo run -p solutions --bin sol07_ack_client 127.0.0.1:7007 hello world

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_millis(300);
const MAX_PAYLOAD: usize = 1_200;

fn main() -> ExitCode {
    let Some((addr, texts)) = args() else {
        eprintln!("usage: sol07_ack_client ADDR TEXT [TEXT...]");
        return ExitCode::from(2);
    };
    if let Err(err) = converse(addr, &texts) {
        eprintln!("not acknowledged by {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn converse(addr: SocketAddr, texts: &[String]) -> io::Result<()> {
    let any = match addr {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    // From here on the kernel lets in only what this peer sends.
    socket.connect(addr)?;
    for (number, text) in (1_u32..).zip(texts) {
        let id = number.to_be_bytes();
        let request = [&id[..], text.as_bytes()].concat();
        exchange(&socket, &request, &[&id[..], b"ACK"].concat())?;
        writeln!(io::stdout(), "acknowledged")?;
    }
    Ok(())
}

fn exchange(socket: &UdpSocket, request: &[u8], due: &[u8]) -> io::Result<()> {
    let mut why = io::Error::new(TimedOut, "no answer in three tries");
    let begun = Instant::now();
    for attempt in 1..=TRIES {
        // A loss like any other: the server may be back before the next try.
        if let Err(err) = socket.send(request) {
            why = err;
        }
        let deadline = begun + WAIT * attempt;
        while let Some(received) = receive(socket, deadline) {
            match received {
                Ok(answer) if answer == due => return Ok(()),
                Ok(stray) => eprintln!("passed over: {}", stray.escape_ascii()),
                Err(err) => why = err,
            }
        }
    }
    Err(why)
}

/// The next datagram, or what the system says of an earlier one; `None` at the deadline.
fn receive(socket: &UdpSocket, deadline: Instant) -> Option<io::Result<Vec<u8>>> {
    let mut buffer = vec![0; 65_536];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None; // As a timeout, zero would be an error.
        }
        let bounded = socket.set_read_timeout(Some(left));
        match bounded.and_then(|()| socket.recv(&mut buffer)) {
            Ok(n) => return Some(Ok(buffer[..n].to_vec())),
            Err(err) if matches!(err.kind(), WouldBlock | TimedOut | Interrupted) => {}
            Err(err) => {
                // Without this, an error that stays would keep a processor busy.
                thread::sleep(left.min(Duration::from_millis(20)));
                return Some(Err(err));
            }
        }
    }
}

/// ADDR and the texts; what is wrong with them goes to stderr.
fn args() -> Option<(SocketAddr, Vec<String>)> {
    let args = env::args_os().skip(1);
    let args: Result<Vec<String>, _> = args.map(|arg| arg.into_string()).collect();
    let Ok([addr, texts @ ..]) = args.as_deref() else {
        eprintln!("ADDR and TEXT are needed, in UTF-8");
        return None;
    };
    let Ok(addr) = addr.parse() else {
        eprintln!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT");
        return None;
    };
    if let Some(long) = texts.iter().find(|text| text.len() > MAX_PAYLOAD) {
        eprintln!("a text of {} bytes: {MAX_PAYLOAD} are allowed", long.len());
        return None;
    }
    if texts.is_empty() {
        eprintln!("a TEXT is needed");
        return None;
    }
    Some((addr, texts.to_vec()))
}
