//! # Deadline ★★
//!
//! A client that sends stdin, half-closes, and prints the reply. It is to be done with all of that in
//! two seconds, or to give up. As it stands, each call gets two seconds: a server that sends a byte
//! now and then keeps it as long as it likes, and so does one that reads a byte now and then.
//!
//! What is graded:
//! - `ex05_deadline ADDR` connects, sends all of stdin, half-closes, and prints the whole reply on
//!   stdout, any bytes, to the end of the stream; then the exit status is 0;
//! - for all of that together it has two seconds, from its connecting on. Whatever happens meanwhile
//!   (the reply drips, or doesn't come; the server doesn't read, or slowly; the address doesn't answer
//!   at all), then it is over: `timed out` stands on stderr, and the exit status is 1, between 1.8
//!   and 2.6 s after it has connected, or tried to;
//! - what had come by then may stand on stdout;
//! - anything else that goes wrong (refused, a reset): exit status 1 as well, and the last line on
//!   stderr says what.
//!
//! Run it:
//!
//!     cargo run --bin ch05_audit_server 127.0.0.1:7005                # terminal 1: /slowly takes 5 s
//!     printf 'GET /slowly\r\n\r\n' | cargo run -p exercises --bin ex05_deadline 127.0.0.1:7005
//!     cargo course grade ex05_deadline

use std::io::ErrorKind::{BrokenPipe, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

const BUDGET: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    // Returning from here ends the process, and with it a sender that still waits.
    match converse(addr) {
        // `ex05_deadline … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            let wrong = match err.kind() {
                WouldBlock | TimedOut => "timed out".to_string(),
                _ => err.to_string(),
            };
            eprintln!("cannot get the reply of {addr}: {wrong}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Sends stdin and half-closes; meanwhile prints what returns, to its end.
fn converse(addr: SocketAddr) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&addr, BUDGET)?;
    stream.set_read_timeout(Some(BUDGET))?;
    stream.set_write_timeout(Some(BUDGET))?;
    let outgoing = stream.try_clone()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        _ = tell.send(io::copy(&mut io::stdin().lock(), &mut &outgoing));
        // It fails if the connection is gone: `receive` sees that.
        _ = outgoing.shutdown(Shutdown::Write);
    });
    receive(&stream)?;
    // The reply has ended. If stdin had as well, the sender has said so, or does in a moment.
    match told.recv_timeout(BUDGET) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(err)) => Err(io::Error::other(format!(
            "not all of stdin was sent: {err}"
        ))),
        Err(_) => Err(TimedOut.into()),
    }
}

/// All that returns, as it comes, on stdout.
fn receive(mut stream: &TcpStream) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        stdout.write_all(&buffer[..n])?;
        stdout.flush()?;
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
    eprintln!("{wrong}\nusage: ex05_deadline ADDR");
    None
}
