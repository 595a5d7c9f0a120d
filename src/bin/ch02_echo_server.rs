//! What goes in comes out: what does that take?
//!
//! A loop. TCP carries bytes, not messages, and says when there are no more: `read` returns what
//! has come so far, and 0 at the end of the stream, when the client has closed its direction.
//!
//!     cargo run --bin ch02_echo_server 127.0.0.1:7002             # terminal 1
//!     nc -N 127.0.0.1 7002                                        # terminal 2
//!     curl telnet://127.0.0.1:7002                                # or this
//!
//! Each write answers a read and should leave at once, and mostly does: Nagle's algorithm holds a
//! small one back only while an earlier one is not acknowledged. `TCP_NODELAY`, which ends that, is
//! chapter 5's subject; without it this server takes as long for a round trip as one in C.
//!
//! What it still gets wrong: it serves one client after another. A client that connects and says
//! nothing holds all others up, and chapter 3 lifts that with a thread for each. One that sends
//! and never reads holds its place for ever: chapter 5 gives it a deadline.

use std::io::ErrorKind::Interrupted;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// A read returns at most this much. With 8 KiB a third of the throughput is lost in system calls.
const BUFFER: usize = 64 * 1024;

// ANCHOR: main
fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = TcpListener::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}
// ANCHOR_END: main

// ANCHOR: serve
fn serve(listener: TcpListener) -> io::Result<()> {
    announce(listener.local_addr()?)?;
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        eprintln!("{peer} connected");
        // A `?` here would let one client's error end the server.
        match converse(stream) {
            Ok(n) => eprintln!("{peer} closed after {n} bytes"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: converse
/// One client, to the end of its stream: how many bytes went back.
fn converse(mut stream: TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut echoed = 0;
    loop {
        let n = match stream.read(&mut buffer) {
            // Not "nothing yet", for which `read` would have waited:
            // the client has closed its direction. Nothing will come.
            Ok(0) => return Ok(echoed),
            Ok(n) => n,
            // A signal came first. No byte was lost.
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        // The rest of the buffer holds what earlier reads left there.
        stream.write_all(&buffer[..n])?;
        echoed += n as u64;
    }
}
// ANCHOR_END: converse

/// The line that says where clients can connect: with port 0 the kernel has chosen the port.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {addr}")?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    stdout.flush()
}

/// Out of descriptors, say: `accept` without a pause would fail again at once, at full speed.
fn pause_after(err: io::Error) {
    eprintln!("cannot accept a client: {err}");
    thread::sleep(Duration::from_millis(50));
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
    eprintln!("{wrong}\nusage: ch02_echo_server ADDR");
    None
}
