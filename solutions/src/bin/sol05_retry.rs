//! # Retry: a solution
//!
//! What is repeated is the connect alone: as long as there was no connection, nothing was asked, so
//! nothing is done twice. Each attempt has a limit, the pauses double up to a cap, and each is drawn
//! by lot from a quarter below to a quarter above: clients that failed together don't come again
//! together. After the fifth it is over.
//!
//!     echo hello | cargo run -p solutions --bin sol05_retry 127.0.0.1:7005

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::ErrorKind::{BrokenPipe, ConnectionReset, Interrupted};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

const ATTEMPTS: u32 = 5;
/// For one attempt to connect.
const LIMIT: Duration = Duration::from_secs(1);
/// The longest wait between two, in milliseconds.
const MOST: u64 = 1000;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    let Some(stream) = connect(addr) else {
        return ExitCode::FAILURE; // Each attempt has told its own failure.
    };
    // Returning from here ends the process, and with it a sender that still waits at a terminal.
    match stream.and_then(converse) {
        // `sol05_retry … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot get the reply of {addr}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// The first connection that comes about, or what became of one; `None` after the last attempt.
fn connect(addr: SocketAddr) -> Option<io::Result<TcpStream>> {
    for k in 1..=ATTEMPTS {
        let err = match TcpStream::connect_timeout(&addr, LIMIT) {
            // It was established, and reset before this end had looked. That is an answer.
            Err(err) if matches!(err.kind(), ConnectionReset | BrokenPipe) => {
                return Some(Err(io::Error::other(err.to_string())));
            }
            Err(err) => err,
            connected => return Some(connected),
        };
        if k == ATTEMPTS {
            eprintln!("attempt {k} of {ATTEMPTS} failed: {err}");
            break;
        }
        let wait = wait_after(k);
        eprintln!("attempt {k} of {ATTEMPTS} failed: {err}, waiting {wait} ms");
        thread::sleep(Duration::from_millis(wait));
    }
    None
}

/// 100·2ⁿ ms, give or take a quarter, and never more than the cap.
fn wait_after(n: u32) -> u64 {
    let middle = 100 << n;
    let random = RandomState::new().build_hasher().finish();
    (middle * 3 / 4 + random % (middle / 2 + 1)).min(MOST)
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
    eprintln!("{wrong}\nusage: sol05_retry ADDR");
    None
}
