//! # Slow client ★★★
//!
//! A line server that doesn't let a client take as long as it likes for a line. As it stands, there
//! is a timeout of two seconds for each read. So a client that drips a byte a second may stay for
//! ever, and one that is only silent between two lines is closed, without a word.
//!
//! What is graded:
//! - `ex05_slow_client ADDR` answers each line with its length, as ex03_line_server does: LF or CR LF,
//!   any bytes, any pieces, lines up to 60,000 bytes, nothing for an unterminated last line, and
//!   after the half-close the end;
//! - from a line's first byte on the client has two seconds for the whole line, however its bytes
//!   come. The first byte may have come together with the end of the line before;
//! - a line that isn't whole by then: the client reads `error: too slow`, between 2 and 3 s after the
//!   line's first byte, also if it sends nothing more; then the server closes;
//! - a pause within the two seconds costs nothing, and loses no byte;
//! - while no line has begun, a client may be silent for 10 s;
//! - nobody is held up by others, however slow they are.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex05_slow_client 127.0.0.1:7005        # terminal 1
//!     (for c in h e l l o; do printf $c; sleep 1; done; echo) | nc -N 127.0.0.1 7005
//!     cargo course grade ex05_slow_client

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// A line with its ending. The peer chooses this number: somebody has to end it.
const MAX_LINE: usize = 64 * 1024;

/// For a line, from its first byte.
const LINE: Duration = Duration::from_secs(2);

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
    stream.set_read_timeout(Some(LINE))?;
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
    eprintln!("{wrong}\nusage: ex05_slow_client ADDR");
    None
}
