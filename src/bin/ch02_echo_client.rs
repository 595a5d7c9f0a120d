//! How does a client send any amount, and print all that returns?
//!
//! It reads while it writes. An echo server that is sent everything before it is read from fills
//! the buffers of both directions, and then each end waits for the other. So one thread sends
//! stdin, and `main` receives. (Threads are explained in chapter 3; one line of it is used here.)
//!
//!     cargo run --bin ch02_echo_server 127.0.0.1:7002             # terminal 1
//!     echo hello | cargo run --bin ch02_echo_client 127.0.0.1:7002    # terminal 2
//!
//! What it still gets wrong: it has all the time in the world. An address that doesn't answer, and
//! a server that stays silent, keep it waiting for minutes or for ever: chapter 5 mends that.

use std::io::ErrorKind::{BrokenPipe, Interrupted};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    // Returning from here ends the process, and with it a sender that still waits at a terminal.
    match TcpStream::connect(addr).and_then(converse) {
        // `ch02_echo_client … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot echo through {addr}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

// ANCHOR: converse
fn converse(stream: TcpStream) -> io::Result<()> {
    let outgoing = stream.try_clone()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        // Told before the half-close, which is what ends the server.
        _ = tell.send(send_stdin(&outgoing));
        // It fails if the connection is gone: `receive` sees that.
        _ = outgoing.shutdown(Shutdown::Write);
    });
    let received = receive(&stream)?;
    // The server has ended. If all of stdin is sent, the sender knows
    // it now or in a moment. If not, it may sit at a terminal all day.
    let wrong = match told.recv_timeout(Duration::from_secs(1)) {
        Ok(Ok(sent)) if received >= sent => return Ok(()),
        Ok(Ok(sent)) => {
            format!("the server ended after {received} of {sent} bytes")
        }
        Ok(Err(err)) => format!("not all of stdin was sent: {err}"),
        Err(_) => "the server ended before stdin did".to_string(),
    };
    Err(io::Error::other(wrong))
}
// ANCHOR_END: converse

/// How many bytes stdin had, if all of them could be sent.
fn send_stdin(mut stream: &TcpStream) -> io::Result<u64> {
    io::copy(&mut io::stdin().lock(), &mut stream)
}

/// All that returns, as it comes, on stdout: how many bytes.
fn receive(mut stream: &TcpStream) -> io::Result<u64> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; BUFFER];
    let mut received = 0;
    loop {
        let n = match stream.read(&mut buffer) {
            Ok(0) => return Ok(received),
            Ok(n) => n,
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        stdout.write_all(&buffer[..n])?;
        // Without this, stdout would keep an unfinished line back.
        stdout.flush()?;
        received += n as u64;
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
    eprintln!("{wrong}\nusage: ch02_echo_client ADDR");
    None
}
