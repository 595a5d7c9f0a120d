//! A thousand clients, one port: how does the kernel know whose bytes these are?
//!
//! By five things, which both ends of a connection agree on: the protocol, the source's address and
//! port, the destination's address and port. The source is the end that connected. Each end prints
//! the five as it sees them, on stdout.
//!
//!     cargo run --bin ch01_five_tuple 127.0.0.1:7001              # terminal 1: serves
//!     cargo run --bin ch01_five_tuple connect 127.0.0.1:7001      # terminal 2: connects; twice
//!
//! Two clients differ in one number. Nobody chose it: the kernel took a free port for each.
//!
//! What it still gets wrong: no byte is exchanged (chapter 2 does that), and a server on `[::]`
//! sees an IPv4 client as `::ffff:127.0.0.1`. The two ends also stop to agree where something
//! between them rewrites addresses, as every home router does (NAT).

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

const USAGE: &str = "usage: ch01_five_tuple ADDR, or ch01_five_tuple connect ADDR";

fn main() -> ExitCode {
    let (attempt, addr, result) = match role_from_args() {
        Some(Role::Serve(addr)) => ("serve on", addr, TcpListener::bind(addr).and_then(serve)),
        Some(Role::Connect(addr)) => ("connect to", addr, connect(addr)),
        None => return ExitCode::from(2),
    };
    if let Err(err) = result {
        eprintln!("cannot {attempt} {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn serve(listener: TcpListener) -> io::Result<()> {
    say(&format!("listening on {}", listener.local_addr()?))?;
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                // Out of descriptors, say: without a pause this would fail again at full speed.
                eprintln!("cannot accept a client: {err}");
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        eprintln!("{peer} connected");
        match converse(stream, peer) {
            Ok(()) => eprintln!("{peer} closed"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        }
    }
}

// ANCHOR: smallest
/// The end that listened. It is given the peer that `accept` named:
/// asked later, a socket whose peer has reset it knows none any more.
fn converse(stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    say(&five_tuple(peer, stream.local_addr()?))
}

/// The end that connected. Its own port is the kernel's choice.
fn connect(addr: SocketAddr) -> io::Result<()> {
    let stream = TcpStream::connect(addr)?;
    say(&five_tuple(stream.local_addr()?, stream.peer_addr()?))
}

fn five_tuple(source: SocketAddr, destination: SocketAddr) -> String {
    let (from, from_port) = (source.ip(), source.port());
    let (to, to_port) = (destination.ip(), destination.port());
    format!("tcp from {from} port {from_port} to {to} port {to_port}")
}
// ANCHOR_END: smallest

/// A line on stdout, at once: whoever waits for it at the other end of a pipe gets it now.
fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

enum Role {
    Serve(SocketAddr),
    Connect(SocketAddr),
}

/// What the arguments ask for; what is wrong with them goes to stderr.
fn role_from_args() -> Option<Role> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let (addr, role): (_, fn(SocketAddr) -> Role) = match args.as_slice() {
        [addr] => (addr, Role::Serve),
        [verb, addr] if verb == "connect" => (addr, Role::Connect),
        _ => {
            eprintln!("ADDR is needed, or connect ADDR\n{USAGE}");
            return None;
        }
    };
    match addr.to_string_lossy().parse() {
        Ok(addr) => Some(role(addr)),
        Err(_) => {
            eprintln!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT\n{USAGE}");
            None
        }
    }
}
