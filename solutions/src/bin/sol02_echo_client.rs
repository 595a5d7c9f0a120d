//! # Echo client: a solution
//!
//! One thread sends while this one receives, so that neither direction fills up and stops the
//! other. The end of the reply decides: by then as many bytes must have come back as were sent, and
//! all of stdin must have been sent. The sender is not waited for without a limit: it may sit in a
//! write to a server that reads no more, or at a terminal where nobody types.
//!
//!     echo hello | cargo run -p solutions --bin sol02_echo_client 127.0.0.1:7002

use std::io::ErrorKind::{BrokenPipe, Interrupted};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    // Returning from here ends the process, and with it a sender that still waits at a terminal.
    match TcpStream::connect(addr).and_then(converse) {
        // `sol02_echo_client … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot echo through {addr}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

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
    // The server has ended. If all of stdin is sent, the sender knows it now or in a moment. If
    // not, `join` might wait for hours: a channel can be waited on for a while.
    let wrong = match told.recv_timeout(Duration::from_secs(1)) {
        Ok(Ok(sent)) if received >= sent => return Ok(()),
        Ok(Ok(sent)) => format!("the server ended after {received} of {sent} bytes"),
        Ok(Err(err)) => format!("not all of stdin was sent: {err}"),
        Err(_) => "the server ended before stdin did".to_string(),
    };
    Err(io::Error::other(wrong))
}

/// How many bytes stdin had, if all of them could be sent.
fn send_stdin(mut stream: &TcpStream) -> io::Result<u64> {
    io::copy(&mut io::stdin().lock(), &mut stream)
}

/// All that returns, as it comes, on stdout: how many bytes.
fn receive(mut stream: &TcpStream) -> io::Result<u64> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
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
    eprintln!("{wrong}\nusage: sol02_echo_client ADDR");
    None
}
