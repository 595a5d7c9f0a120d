//! # Limited ★★
//!
//! An echo server with a place for eight clients at a time. As it stands, it takes whoever comes, a
//! thread for each, until the system has no descriptor left for the next one; and then it ends.
//!
//! What is graded:
//! - `ex06_limited ADDR` echoes, to eight clients at a time, and silent ones hold nobody up;
//! - a ninth reads `busy` and LF at once, whether it says something or not, and then the end. It
//!   takes no place, also when it goes;
//! - a place is free again within 500 ms of a client's leaving: it closed, it was reset, or it
//!   half-closed and its echo is done (until then it has its place). Who was told `busy` may come
//!   again;
//! - forty clients one after another are served with 32 descriptors;
//! - out of descriptors, the server goes on: those inside are echoed, it takes less than half a core
//!   while nobody can be accepted, and within 3 s of there being descriptors again a new client is
//!   served.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex06_limited 127.0.0.1:7006     # terminal 1
//!     nc -N 127.0.0.1 7006                                         # terminals 2 to 10
//!     cargo course grade ex06_limited

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
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
        let (stream, peer) = listener.accept()?;
        eprintln!("{peer} connected");
        thread::Builder::new().spawn(move || match converse(&stream) {
            Ok(n) => eprintln!("{peer} closed after {n} bytes"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        })?;
    }
}

/// One client, to the end of its stream: how many bytes went back.
fn converse(mut stream: &TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut echoed = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(echoed),
            Ok(n) => {
                stream.write_all(&buffer[..n])?;
                echoed += n as u64;
            }
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// The line that says where clients can connect: with port 0 the kernel has chosen the port.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {addr}")?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    stdout.flush()
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
    eprintln!("{wrong}\nusage: ex06_limited ADDR");
    None
}
