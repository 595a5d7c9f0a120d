//! # Echo server ★
//!
//! What goes in comes out. As it stands, the server reads once, writes once and closes, as if a
//! client's bytes came all at once. Some clients send more than one read returns, and some wait
//! for an answer before they go on.
//!
//! What is graded:
//! - `ex02_echo_server ADDR` prints `listening on IP:PORT` when it is ready (it already does);
//! - every byte comes back, in order, and no other: NUL, CR LF, text that is no text, 8 MiB;
//! - bytes come back as they come: a client may wait for the echo of one byte before it sends the
//!   next, and a line may have no end;
//! - when the client half-closes (it has sent all it will send), it gets the rest of the echo, and
//!   within 1 s of its last byte the connection ends;
//! - clients come one after another, and each is served (one at a time is enough);
//! - a client that resets the connection ends nothing for the others.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex02_echo_server 127.0.0.1:7002    # terminal 1
//!     nc -N 127.0.0.1 7002                                            # terminal 2: two lines
//!     cargo course grade ex02_echo_server

use std::io::{self, Read, Write};
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
            Ok(n) => eprintln!("{peer} closed after {n} bytes"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        }
    }
}

/// One client: how many bytes went back.
fn converse(mut stream: TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let n = stream.read(&mut buffer)?;
    stream.write_all(&buffer[..n])?;
    Ok(n as u64)
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
    eprintln!("{wrong}\nusage: ex02_echo_server ADDR");
    None
}
