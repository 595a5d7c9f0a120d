//! # Retry ★★
//!
//! A client whose server may be starting just now, or be too busy for a moment. It is to try five
//! times, with pauses that grow, and not in step with others. As it stands, it tries five times in a
//! millisecond, and with an address that doesn't answer, each attempt takes minutes.
//!
//! What is graded:
//! - `ex05_retry ADDR` tries to connect, at most 5 times, and an attempt takes at most 1 s;
//! - after the failure of attempt n (1 to 4) it waits 100·2ⁿ ms, so 200, 400, 800, 1600, give or take
//!   a quarter, by lot; what comes to more than 1 s is then cut to 1 s. No two runs wait the same
//!   four times;
//! - on stderr, for each failure, `attempt K of 5 failed: ERROR, waiting W ms`; W is an integer, and
//!   is how long it really waits. The fifth is the last: `attempt 5 of 5 failed: ERROR`, nothing on
//!   stdout, exit status 1;
//! - once it is connected, it sends all of stdin, half-closes, and prints the whole reply on stdout,
//!   however long that takes (it already does). No further attempt is made then, whatever comes: the
//!   server may have done already what it was asked. A conversation that breaks off is exit status 1,
//!   with a line on stderr.
//!
//! `converse` is right as it is. Where random numbers come from stands in chapter 5, step 4.
//!
//!     echo hello | cargo run -p exercises --bin ex05_retry 127.0.0.1:7005        # terminal 1
//!     cargo run -p exercises --bin ex02_echo_server 127.0.0.1:7005       # terminal 2: within a second
//!     cargo course grade ex05_retry

use std::io::ErrorKind::{BrokenPipe, Interrupted};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

const ATTEMPTS: u32 = 5;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    let Some(stream) = connect(addr) else {
        return ExitCode::FAILURE; // Each attempt has told its own failure.
    };
    // Returning from here ends the process, and with it a sender that still waits at a terminal.
    match converse(stream) {
        // `ex05_retry … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot get the reply of {addr}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// The first connection that comes about; `None` after the last attempt.
fn connect(addr: SocketAddr) -> Option<TcpStream> {
    for k in 1..=ATTEMPTS {
        match TcpStream::connect(addr) {
            Ok(stream) => return Some(stream),
            Err(err) => eprintln!("attempt {k} of {ATTEMPTS} failed: {err}"),
        }
    }
    None
}

/// Sends stdin and half-closes; meanwhile prints what returns, to its end.
fn converse(stream: TcpStream) -> io::Result<()> {
    let outgoing = stream.try_clone()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        _ = tell.send(io::copy(&mut io::stdin().lock(), &mut &outgoing));
        // It fails if the connection is gone: `receive` sees that.
        _ = outgoing.shutdown(Shutdown::Write);
    });
    receive(&stream)?;
    // The reply has ended. If stdin had as well, the sender has said so, or does in a moment.
    match told.recv_timeout(Duration::from_secs(1)) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(err)) => Err(io::Error::other(format!(
            "not all of stdin was sent: {err}"
        ))),
        Err(_) => Err(io::Error::other("the server ended before stdin did")),
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
    eprintln!("{wrong}\nusage: ex05_retry ADDR");
    None
}
