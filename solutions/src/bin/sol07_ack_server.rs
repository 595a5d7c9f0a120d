//! # Acknowledging server: a solution
//!
//! Taken in, printed, flushed, and only then acknowledged. What was taken in is remembered by peer
//! and id. The buffer holds any datagram, so a long one is seen to be long, and not cut to fit.
//!
//!     cargo run -p solutions --bin sol07_ack_server 127.0.0.1:7007

use std::collections::{HashSet, VecDeque};
use std::io::ErrorKind::{ConnectionReset, Interrupted};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// The id: a `u32`, big-endian.
const HEADER: usize = 4;
const MAX_PAYLOAD: usize = 1_200;
/// As long as any datagram.
const BUFFER: usize = 65_536;
/// Ids that are remembered: their number is the peers' choice, and memory is not.
const REMEMBERED: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = UdpSocket::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn serve(socket: UdpSocket) -> io::Result<()> {
    print(&format!("listening on {}", socket.local_addr()?))?;
    let mut memory = Memory::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        let (n, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let Some((id, payload)) = buffer[..n].split_first_chunk::<HEADER>() else {
            eprintln!("{peer} sent {n} bytes: too short for an id");
            continue;
        };
        if payload.len() > MAX_PAYLOAD {
            eprintln!("{peer} sent {} bytes: too long", payload.len());
            continue;
        }
        let number = u32::from_be_bytes(*id);
        if memory.is_new(peer, number) {
            // What is acknowledged won't be sent again: so it must be here first.
            print(&format!("{number} {}", payload.len()))?;
        }
        let ack = [&id[..], b"ACK"].concat();
        if let Err(err) = socket.send_to(&ack, peer) {
            eprintln!("{peer} cannot be told: {err}");
        }
    }
}

/// The ids that were met, each with its peer.
#[derive(Default)]
struct Memory {
    known: HashSet<(SocketAddr, u32)>,
    oldest_first: VecDeque<(SocketAddr, u32)>,
}

impl Memory {
    fn is_new(&mut self, peer: SocketAddr, id: u32) -> bool {
        if !self.known.insert((peer, id)) {
            return false;
        }
        self.oldest_first.push_back((peer, id));
        if self.oldest_first.len() > REMEMBERED {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.known.remove(&oldest);
            }
        }
        true
    }
}

/// A line on stdout, at once.
fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// On Windows a peer that has gone is told here, as a reset; nothing is wrong with the socket.
fn pause_after(err: io::Error) {
    if !matches!(err.kind(), Interrupted | ConnectionReset) {
        eprintln!("cannot receive: {err}");
        thread::sleep(Duration::from_millis(50));
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
    eprintln!("{wrong}\nusage: sol07_ack_server ADDR");
    None
}
