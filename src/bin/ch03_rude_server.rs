//! `write_all` succeeded and the stream was closed: has the client got everything?
//!
//! Not if the server closed with bytes unread. Then Linux sends a reset in place of the FIN, and
//! what still waits to be sent is lost. This server reads the first line, which says how many lines
//! the client wants, sends these, and closes. Whatever else the client says stays unread.
//!
//!     cargo run --bin ch03_rude_server 127.0.0.1:7003             # terminal 1
//!     printf '3\n' | nc 127.0.0.1 7003                            # terminal 2: 3 lines, FIN
//!     python3 book/listings/late_reader.py 127.0.0.1 7003         # says thank you, and pays for it
//!     cargo run --bin ch03_rude_server 127.0.0.1:7003 politely    # terminal 1: mended
//!
//! What it still gets wrong, politely too: a client that doesn't read its lines keeps a thread in
//! `write_all` for ever. Chapter 5 gives writes a deadline.

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
use std::io::{self, BufWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

const MAX_LINES: u64 = 1_000_000; // the peer chooses this number

/// How long a client that was told goodbye may go on talking.
const FAREWELL: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let Some((addr, politely)) = args() else {
        eprintln!("usage: ch03_rude_server ADDR [politely]");
        return ExitCode::from(2);
    };
    if let Err(err) = TcpListener::bind(addr).and_then(|listener| serve(listener, politely)) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn serve(listener: TcpListener, politely: bool) -> io::Result<()> {
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
        thread::spawn(move || match converse(stream, politely) {
            Ok(sent) => eprintln!("{peer} closed, lines sent: {sent}"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
    }
}

// ANCHOR: converse
/// One client: how many lines it was sent.
fn converse(stream: TcpStream, politely: bool) -> io::Result<u64> {
    let wanted = first_line(&stream)?.trim().parse().unwrap_or(0);
    let sent = MAX_LINES.min(wanted);
    let mut outgoing = BufWriter::new(&stream);
    for number in 1..=sent {
        writeln!(outgoing, "line {number}")?;
    }
    outgoing.flush()?;
    if politely {
        part_from(&stream)?;
    }
    Ok(sent) // The stream goes out of scope: it is closed.
}
// ANCHOR_END: converse

// ANCHOR: part
/// Says that nothing more will come, then reads on to the client's end,
/// so that nothing is left unread by the time of the close.
fn part_from(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + FAREWELL;
    let mut ignored = [0; 4096];
    loop {
        // What is left for all reads together: were it a second for each,
        // a client with a byte every half a second would never be gone.
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
// ANCHOR_END: part

/// Up to the LF or 20 bytes, byte by byte: what follows stays with the kernel, unread.
fn first_line(stream: &TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    while line.len() < 20 && !line.ends_with(b"\n") {
        if stream.take(1).read_to_end(&mut line)? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// ADDR, and whether `politely` follows; what is wrong with them goes to stderr.
fn args() -> Option<(SocketAddr, bool)> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let (addr, politely) = match args.as_slice() {
        [addr] => (addr, false),
        [addr, word] if word == "politely" => (addr, true),
        args => {
            eprintln!("ADDR is needed, and at most the word politely, not {args:?}");
            return None;
        }
    };
    let parsed = addr.to_string_lossy().parse();
    if parsed.is_err() {
        eprintln!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT");
    }
    Some((parsed.ok()?, politely))
}
