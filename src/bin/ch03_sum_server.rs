//! How does a server know that a client has said all, and answer it then?
//!
//! By the client's FIN. The client ends its direction and keeps the other open: it half-closes. A
//! FIN is no byte, and so it can't be mistaken for data. The server reads 0 bytes, answers, and
//! closes.
//!
//!     cargo run --bin ch03_sum_server 127.0.0.1:7003              # terminal 1
//!     printf '1\n2\n3\n' | nc -N 127.0.0.1 7003                   # terminal 2
//!
//! It reads to the end whatever it reads, also behind a line that is no number: a close with bytes
//! unread would be a reset. `ch03_rude_server` shows what that does.
//!
//! What it still gets wrong: a client that never ends its direction is waited for as long as it
//! lives. Chapter 5 gives it a deadline.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// A line with its ending. No number of 64 bits is as long.
const MAX_LINE: usize = 64;

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
            Ok(()) => eprintln!("{peer} closed"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
    }
}

// ANCHOR: converse
/// One client: its numbers, to the end of its stream, then their sum.
fn converse(mut stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(&stream);
    // 128 bits: no sum of so many i64s leaves them.
    let (mut sum, mut lines, mut wrong) = (0_i128, 0_u64, 0_u64);
    while let Some(line) = next_line(&mut reader)? {
        lines += 1;
        match number(&line) {
            Some(number) => sum += i128::from(number),
            None => wrong += 1,
        }
    }
    // The client has ended its direction. It hears the other still.
    let reply = match wrong {
        0 => format!("numbers: {lines}, sum: {sum}\n"),
        _ => format!("error: lines that are no number: {wrong} of {lines}\n"),
    };
    stream.write_all(reply.as_bytes())
}
// ANCHOR_END: converse

/// The next line, or `None` at the end of the stream, which also ends a last line without an LF.
/// Of a line that is too long for a number, its beginning.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut bounded = reader.by_ref().take(MAX_LINE as u64);
    if bounded.read_until(b'\n', &mut line)? == MAX_LINE && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(Some(line).filter(|line| !line.is_empty()))
}

/// A decimal number of 64 bits, with white space around it or none.
fn number(line: &[u8]) -> Option<i64> {
    if line.len() == MAX_LINE {
        return None;
    }
    std::str::from_utf8(line).ok()?.trim().parse().ok()
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
    eprintln!("{wrong}\nusage: ch03_sum_server ADDR");
    None
}
