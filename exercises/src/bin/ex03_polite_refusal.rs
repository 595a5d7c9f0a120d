//! # Polite refusal ★★★
//!
//! A line server with a limit, and a client that doesn't keep to it. As it stands, the server waits
//! for the end of a line, however long it gets, and only then finds it too long. It says so, and
//! closes at once. If the client is still talking, that close is a reset: on Linux what the client
//! has not been sent yet is lost, elsewhere also what it has not read.
//!
//! What is graded:
//! - `ex03_polite_refusal ADDR` answers each line with its length, as ex03_line_server does: LF or
//!   CR LF, any bytes, any pieces, nothing for an unterminated last line;
//! - a line has at most 1,024 bytes, its ending not counted. It is refused as soon as more have
//!   come, whether its LF has come or not. (1,024 bytes and a CR are no more yet: wait.)
//! - the earlier lines are answered first. Then the client reads `error: line too long`, and then,
//!   within half a second though it goes on talking, a FIN: the end of the stream, and no reset;
//! - nothing behind the long line is answered;
//! - for half a second after the refusal whatever the client sends is taken: its writes succeed,
//!   and the server reads on, until the client's end;
//! - it does so for 1 s at most, whether the client falls silent or never stops talking. After 2 s
//!   no process has the connection any more;
//! - a refusal ends nothing for the others, and twenty idle clients hold nobody up.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex03_polite_refusal 127.0.0.1:7003     # terminal 1
//!     (echo hello; head -c 2000 /dev/zero) | nc -N 127.0.0.1 7003         # terminal 2
//!     cargo course grade ex03_polite_refusal

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// A line without its ending.
const MAX_LINE: usize = 1024;

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
        reader.read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            // The end of the stream. What came before it without an LF is no line.
            return Ok(answered);
        };
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > MAX_LINE {
            outgoing.write_all(b"error: line too long\n")?;
            return Ok(answered);
        }
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
    eprintln!("{wrong}\nusage: ex03_polite_refusal ADDR");
    None
}
