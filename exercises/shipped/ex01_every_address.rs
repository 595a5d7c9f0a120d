//! # Every address ★★
//!
//! A host may have several addresses, and not all of them answer. This client is given some, and is
//! to use the first that does: send stdin there, and print the reply. As it stands, it tries one.
//!
//! What is graded:
//! - `ex01_every_address ADDR [ADDR...]` tries the addresses in the order in which they are given;
//! - one that refuses is passed over, and so is one that is silent for 1 s;
//! - the first connection that is established is used, and no other address is tried after it,
//!   whatever happens on it;
//! - it sends all of stdin, half-closes, and prints the whole reply on stdout (it already does);
//! - where no address answers, stdout stays empty, and stderr has a line for each address, as it
//!   was given, with its error; the exit status is 1.
//!
//! `converse` is right as it is. (It sends in a thread, so that a long reply and a long stdin don't
//! wait for each other; chapter 3 explains threads.)
//!
//!     cargo run -p exercises --bin ex02_echo_server 127.0.0.1:7002    # terminal 1
//!     echo hello | cargo run -p exercises --bin ex01_every_address 127.0.0.1:7003 127.0.0.1:7002
//!     cargo course grade ex01_every_address

use std::io::ErrorKind::{BrokenPipe, Interrupted};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

fn main() -> ExitCode {
    let Some(addrs) = addrs_from_args() else {
        return ExitCode::from(2);
    };
    // Returning from here ends the process, and with it a sender that still waits at a terminal.
    match connect(&addrs).and_then(converse) {
        // `ex01_every_address … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot get the reply: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// A connection to the first address that answers. Each comes with its text, as it was given.
fn connect(addrs: &[(String, SocketAddr)]) -> io::Result<TcpStream> {
    let (_given, addr) = &addrs[0];
    TcpStream::connect(addr)
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

/// The arguments, each an ADDR and at least one; what is wrong with them goes to stderr.
fn addrs_from_args() -> Option<Vec<(String, SocketAddr)>> {
    let mut addrs = Vec::new();
    let mut wrong = "an address is needed".to_string();
    for arg in env::args_os().skip(1) {
        let given = arg.to_string_lossy().into_owned();
        match given.parse() {
            Ok(addr) => addrs.push((given, addr)),
            Err(_) => {
                wrong = format!("{given:?} is no address of the form IP:PORT or [IP6]:PORT");
                addrs.clear();
                break;
            }
        }
    }
    if addrs.is_empty() {
        eprintln!("{wrong}\nusage: ex01_every_address ADDR [ADDR...]");
        return None;
    }
    Some(addrs)
}
