//! # Polite refusal: a solution
//!
//! No line is kept longer than it may be: one byte more, which is no CR, and it is refused. The
//! goodbye has two halves. The FIN goes at once. Then the server reads on, for a bounded time: a
//! close while something is unread would be a reset.
//!
//!     cargo run -p solutions --bin sol03_polite_refusal 127.0.0.1:7003

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// A line without its ending: the peer chooses this number.
const MAX_LINE: usize = 1024;

/// How long a client that was refused may go on talking.
const FAREWELL: Duration = Duration::from_secs(1);

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
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                eprintln!("cannot accept a client: {err}");
                thread::sleep(Duration::from_millis(50));
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
        let line = next_line(&mut reader)?;
        let whole = line.strip_suffix(b"\n");
        let text = whole.unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > MAX_LINE {
            outgoing.write_all(b"error: line too long\n")?;
            return part_from(&stream).map(|()| answered);
        }
        if whole.is_none() {
            // The end of the stream, behind nothing or behind half a line.
            return Ok(answered);
        }
        outgoing.write_all(format!("{}\n", text.len()).as_bytes())?;
        answered += 1;
    }
}

/// Up to the LF, if it comes in time: else as much as shows that the line is too long.
fn next_line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut bounded = reader.by_ref().take(MAX_LINE as u64 + 1);
    bounded.read_until(b'\n', &mut line)?;
    if line.len() > MAX_LINE && line.ends_with(b"\r") {
        // It may belong to the ending: the next byte tells.
        reader.by_ref().take(1).read_until(b'\n', &mut line)?;
    }
    Ok(line)
}

/// Says that nothing more will come, and reads on to the client's end.
fn part_from(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + FAREWELL;
    let mut ignored = [0; 4096];
    loop {
        // For all reads together: with a second for each, one who drips would stay for ever.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(()); // As a timeout, zero would be an error.
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut ignored) {
            Ok(0) => return Ok(()),
            Err(err) if matches!(err.kind(), WouldBlock | TimedOut) => return Ok(()),
            Err(err) if err.kind() != Interrupted => return Err(err),
            _ => {}
        }
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
    eprintln!("{wrong}\nusage: sol03_polite_refusal ADDR");
    None
}
