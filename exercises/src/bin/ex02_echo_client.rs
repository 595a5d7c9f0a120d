//! # Echo client ★★
//!
//! Send stdin, print what returns. As it stands, the client sends everything before it reads, and
//! reads once. With a few bytes that works. With many it prints the first of them. With more than
//! the buffers of both directions hold, the server can't write any more and so doesn't read, the
//! client can't write any more and so doesn't read either, and both wait for ever.
//!
//! What is graded:
//! - `ex02_echo_client ADDR` sends all of stdin, byte for byte, and then half-closes;
//! - everything that returns is on stdout, however it is cut into pieces on its way;
//! - 8 MiB come through a server that echoes as it reads;
//! - if the server ends before as many bytes came back as were sent, or before all of stdin was
//!   sent, then what came is on stdout, the last line on stderr says what failed, and the exit
//!   status is 1; else it is 0. (stdin is never held open while that is graded.)
//!
//! To send and to receive at the same time takes a thread, which chapter 3 explains. One is there
//! already: `thread::spawn` starts it, and `join` waits until it is done and gives its result. It
//! is right as it is; when it is waited for is not.
//!
//!     cargo run --bin ch02_echo_server 127.0.0.1:7002                 # terminal 1
//!     echo hello | cargo run -p exercises --bin ex02_echo_client 127.0.0.1:7002
//!     head -c 100000000 /dev/zero | cargo run -p exercises --bin ex02_echo_client 127.0.0.1:7002
//!     cargo course grade ex02_echo_client

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::{env, thread};

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = TcpStream::connect(addr).and_then(converse) {
        eprintln!("cannot echo through {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn converse(stream: TcpStream) -> io::Result<()> {
    let outgoing = stream.try_clone()?;
    let sender = thread::spawn(move || send_stdin(&outgoing));
    let sent = sender
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the sender panicked")))?;
    let received = receive(&stream)?;
    eprintln!("sent {sent} bytes, received {received}");
    Ok(())
}

/// Sends all of stdin and half-closes: how many bytes.
fn send_stdin(mut stream: &TcpStream) -> io::Result<u64> {
    let sent = io::copy(&mut io::stdin().lock(), &mut stream);
    // It fails if the connection is gone: `receive` sees that.
    _ = stream.shutdown(Shutdown::Write);
    sent
}

/// Prints what returns: how many bytes.
fn receive(mut stream: &TcpStream) -> io::Result<u64> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
    let n = stream.read(&mut buffer)?;
    stdout.write_all(&buffer[..n])?;
    // Without this, stdout would keep an unfinished line back.
    stdout.flush()?;
    Ok(n as u64)
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
    eprintln!("{wrong}\nusage: ex02_echo_client ADDR");
    None
}
