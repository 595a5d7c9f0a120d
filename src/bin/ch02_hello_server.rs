//! What is the least that makes a server?
//!
//! Four calls: bind and listen (one call in Rust), accept, write, close. This one greets each
//! client and closes. Any program that can connect can talk to it.
//!
//!     cargo run --bin ch02_hello_server 127.0.0.1:7002            # terminal 1
//!     nc 127.0.0.1 7002                                           # terminal 2
//!
//! What it still gets wrong: it doesn't listen to what the client says. `ch02_echo_server` does.
//! A client that has already sent something sees a reset after the greeting, not an end, because
//! a close with unread bytes is one: chapter 3 mends that.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = TcpListener::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

// ANCHOR: smallest
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
        match converse(stream) {
            Ok(()) => eprintln!("{peer} closed"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        }
    }
}

/// One client. The stream is closed where it goes out of scope: here.
fn converse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"hello\n")
}
// ANCHOR_END: smallest

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
    eprintln!("{wrong}\nusage: ch02_hello_server ADDR");
    None
}
