//! # Line server: a solution
//!
//! One buffered reader for a client's whole conversation: it gathers a line over as many reads as
//! it takes, and keeps what came behind the LF for the next line. A thread for each client.
//!
//!     cargo run -p solutions --bin sol03_line_server 127.0.0.1:7003

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// A line with its ending. The peer chooses this number: somebody has to end it.
const MAX_LINE: usize = 64 * 1024;

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
        thread::spawn(move || match converse(stream) {
            Ok(n) => eprintln!("{peer} closed after {n} lines"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
    }
}

/// One client: how many lines were answered.
fn converse(stream: TcpStream) -> io::Result<u64> {
    let mut outgoing = &stream;
    let mut reader = BufReader::new(&stream);
    let mut answered = 0;
    loop {
        let mut line = Vec::new();
        let mut bounded = reader.by_ref().take(MAX_LINE as u64);
        bounded.read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            if line.len() == MAX_LINE {
                return Err(io::Error::other("a line without an end"));
            }
            // The end of the stream. What came before it without an LF is no line.
            return Ok(answered);
        };
        // At most one CR belongs to the ending; one before it is the line's own.
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        outgoing.write_all(format!("{}\n", text.len()).as_bytes())?;
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
    eprintln!("{wrong}\nusage: sol03_line_server ADDR");
    None
}
