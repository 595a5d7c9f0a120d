//! # Caller ID ★
//!
//! Tell each client its own address. For every client that connects, the server sends one line,
//! `you are IP:PORT`, with the address and port that the client comes from, and closes the
//! connection. Whose address does it tell as it stands?
//!
//! What is graded:
//! - `ex01_caller_id ADDR` prints `listening on IP:PORT` when it is ready (it already does);
//! - each client reads `you are IP:PORT`, one LF after it, and then the end of the stream;
//! - the address is that client's own, also when several come one after another.
//!
//! One word is wrong. Run it, and look from the other side:
//!
//!     cargo run -p exercises --bin ex01_caller_id 127.0.0.1:7001  # terminal 1
//!     nc 127.0.0.1 7001 </dev/null                                # terminal 2
//!     cargo course grade ex01_caller_id

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
    let caller = stream.local_addr()?;
    stream.write_all(format!("you are {caller}\n").as_bytes())
}

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
    eprintln!("{wrong}\nusage: ex01_caller_id ADDR");
    None
}
