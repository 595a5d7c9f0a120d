//! A datagram arrives whole, twice or never. When may a server say "I have it"?
//!
//! When it has. A request is an id of four bytes, big-endian, and a payload; it is taken in, which
//! here means printed, and only then acknowledged by its id and `ACK`. An acknowledgement may be
//! lost. Then the client sends the request again, and the server must know it again: by its id and
//! by whose id it is. It is acknowledged once more, and not taken in twice.
//!
//!     cargo run --bin ch07_udp_server 127.0.0.1:7007              # terminal 1
//!     cargo run --bin ch07_udp_client 127.0.0.1:7007 hello        # terminal 2
//!     cargo run --bin ch07_udp_server 127.0.0.1:7007 forgetful    # takes in whatever comes
//!
//! There is no `accept` and no thread: one socket hears everybody, and one who says nothing holds
//! nobody up.
//!
//! What it still gets wrong: who is ended and started again remembers nothing. And anybody who
//! writes another's address on a datagram is believed: chapter 9 begins to mend that.

use std::collections::{HashSet, VecDeque};
use std::io::ErrorKind::{ConnectionReset, Interrupted};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// The id: a `u32`, big-endian.
const HEADER: usize = 4;
/// What fits into one packet of most networks: fragments would be lost together.
const MAX_PAYLOAD: usize = 1_200;
/// As long as any datagram. A smaller one would cut it off, and on Linux without a word.
const BUFFER: usize = 65_536;
/// So many ids are remembered; then the oldest is forgotten. Peers choose how many they send.
const REMEMBERED: usize = 65_536;

fn main() -> ExitCode {
    let Some((addr, forgetful)) = args() else {
        eprintln!("usage: ch07_udp_server ADDR [forgetful]");
        return ExitCode::from(2);
    };
    if let Err(err) = UdpSocket::bind(addr).and_then(|socket| serve(socket, forgetful)) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

// ANCHOR: serve
fn serve(socket: UdpSocket, forgetful: bool) -> io::Result<()> {
    print(&format!("listening on {}", socket.local_addr()?))?;
    let mut memory = Memory::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        // Each call brings one datagram, whole, and tells whose.
        let (n, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let Some((id, payload)) = parsed(&buffer[..n]) else {
            eprintln!("{peer} sent {n} bytes that are no request");
            continue;
        };
        if memory.is_new(peer, id) || forgetful {
            // Taken in first: what is acknowledged won't be sent again.
            print(&format!("{id} \"{}\"", payload.escape_ascii()))?;
        } else {
            eprintln!("{peer} sent {id} again");
        }
        let ack = [&id.to_be_bytes()[..], b"ACK"].concat();
        if let Err(err) = socket.send_to(&ack, peer) {
            eprintln!("{peer} cannot be told: {err}"); // It will ask again.
        }
    }
}
// ANCHOR_END: serve

/// The id and the payload; `None` if it is too short or too long for a request.
fn parsed(datagram: &[u8]) -> Option<(u32, &[u8])> {
    let (id, payload) = datagram.split_first_chunk::<HEADER>()?;
    (payload.len() <= MAX_PAYLOAD).then_some((u32::from_be_bytes(*id), payload))
}

// ANCHOR: memory
/// The latest ids, each with its peer: two clients may both begin at 1.
#[derive(Default)]
struct Memory {
    known: HashSet<(SocketAddr, u32)>,
    oldest_first: VecDeque<(SocketAddr, u32)>,
}

impl Memory {
    /// Whether this id is met for the first time; from now on it isn't.
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
// ANCHOR_END: memory

/// A line on stdout, at once: whoever reads it at the other end of a pipe may wait for it.
fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The socket of an ACK's receiver may be gone: Windows says so here, as a reset, and nothing is
/// wrong with ours. After anything else a pause: it could fail again at once, at full speed.
fn pause_after(err: io::Error) {
    if !matches!(err.kind(), Interrupted | ConnectionReset) {
        eprintln!("cannot receive: {err}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// ADDR, and whether `forgetful` follows; what is wrong with them goes to stderr.
fn args() -> Option<(SocketAddr, bool)> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let (addr, forgetful) = match args.as_slice() {
        [addr] => (addr, false),
        [addr, word] if word == "forgetful" => (addr, true),
        args => {
            eprintln!("ADDR is needed, and at most the word forgetful, not {args:?}");
            return None;
        }
    };
    let parsed = addr.to_string_lossy().parse();
    if parsed.is_err() {
        eprintln!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT");
    }
    Some((parsed.ok()?, forgetful))
}
