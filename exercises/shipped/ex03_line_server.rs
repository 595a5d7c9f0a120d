//! # Line server ★
//!
//! Each line is answered by its length. As it stands, the server takes what one read returns for
//! one line. Typed by a person that works. But TCP carries bytes: a read may return half a line,
//! or three lines, and both happen as soon as the network is slow or the client quick.
//!
//! What is graded:
//! - `ex03_line_server ADDR` answers each line with its length in bytes, decimal, and an LF;
//! - a line ends with LF, and one CR directly before it belongs to the ending: `hello\r\n` is 5
//!   bytes long, `hello\r\r\n` is 6;
//! - bytes are counted, not characters, and a line may hold any: `é` is 2, and what isn't UTF-8
//!   counts as well;
//! - a line is answered as soon as its LF is there, whatever comes or doesn't come behind it;
//! - lines have up to 60,000 bytes, and may come in any pieces: the answers are the same;
//! - when the client half-closes, it gets what answers are still due, and then the connection ends.
//!   What came without an LF at its end gets none;
//! - clients who say nothing, twenty of them and more, hold nobody up: from this chapter on.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex03_line_server 127.0.0.1:7003    # terminal 1
//!     printf 'one\ntwo\n' | nc -N 127.0.0.1 7003                      # terminal 2
//!     cargo course grade ex03_line_server

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
            Ok(n) => eprintln!("{peer} closed after {n} lines"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        }
    }
}

/// One client: how many lines were answered.
fn converse(mut stream: TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut answered = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(answered);
        }
        let line = &buffer[..n];
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        stream.write_all(format!("{}\n", text.len()).as_bytes())?;
        answered += 1;
    }
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
    eprintln!("{wrong}\nusage: ex03_line_server ADDR");
    None
}
