//! Who has sent what, to whom, and when?
//!
//! Afterwards only the audit trail can tell, and only what was written down: a line for each event,
//! with the peer and the time. This is a small HTTP server that writes down every receive and every
//! send. It answers any request with its first line; `/slowly` gets its answer byte by byte, with
//! pauses, which takes five seconds.
//!
//!     cargo run --bin ch05_audit_server 127.0.0.1:7005                # terminal 1
//!     curl http://127.0.0.1:7005/hello                                # terminal 2
//!     curl -N http://127.0.0.1:7005/slowly
//!
//! What a peer has sent is written with its control characters escaped. Else a request with a line
//! break in it could write lines of its own into the trail.
//!
//! What it still gets wrong: the trail shows what was sent, so it must not be a server for secrets.
//! And it doesn't count its clients: chapter 6 does.

use std::fmt::Display;
use std::io::ErrorKind::{Interrupted, InvalidData, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, thread};

/// For a client's request, and for taking its answer.
const BUDGET: Duration = Duration::from_secs(5);
/// How long who has its answer may go on talking, and how much.
const FAREWELL: Duration = Duration::from_secs(1);
const MAX_FAREWELL: u64 = 1 << 18;
/// The longest request. The peer chooses its length.
const MAX_REQUEST: usize = 8192;
/// Of each piece the trail shows so much.
const SHOWN: usize = 24;
/// Before each byte of `SLOWLY`.
const PAUSE: Duration = Duration::from_millis(300);
const SLOWLY: &str = "slow but steady.\n";

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
        note(peer, "connected");
        thread::spawn(move || match converse(&stream, peer) {
            Ok(()) => note(peer, "closed"),
            Err(err) => note(peer, format!("broke off: {err}")),
        });
    }
}

/// One client: its request, the answer, and goodbye.
fn converse(stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    match receive(stream, peer) {
        Ok(request) => answer(stream, peer, request.lines().next().unwrap_or_default())?,
        Err(err) => match err.kind() {
            TimedOut => send(stream, peer, b"HTTP/1.1 408 Request Timeout\r\n\r\n")?,
            InvalidData => send(stream, peer, b"HTTP/1.1 413 Content Too Large\r\n\r\n")?,
            // A reset, say: there is nobody to tell.
            _ => return Err(err),
        },
    }
    stream.shutdown(Shutdown::Write)?;
    // Closed with bytes unread, it would be reset (chapter 3).
    let deadline = Deadline::after(FAREWELL);
    let mut rest = Timed { stream, deadline }.take(MAX_FAREWELL);
    match io::copy(&mut rest, &mut io::sink()) {
        Err(err) if err.kind() != TimedOut => Err(err),
        _ => Ok(()),
    }
}

/// The request's first line comes back, or what `/slowly` gets.
fn answer(stream: &TcpStream, peer: SocketAddr, line: &str) -> io::Result<()> {
    let slowly = line.split(' ').nth(1) == Some("/slowly");
    let body = match slowly {
        true => SLOWLY.to_string(),
        false => format!("{line}\n"),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    if !slowly {
        // In one write: of two small ones the second might be held back.
        return send(stream, peer, (head + &body).as_bytes());
    }
    send(stream, peer, head.as_bytes())?;
    for byte in body.as_bytes().chunks(1) {
        thread::sleep(PAUSE);
        send(stream, peer, byte)?;
    }
    Ok(())
}

// ANCHOR: receive
/// The request, up to the blank line behind its head (or to the end of
/// the stream, for somebody at a terminal).
fn receive(stream: &TcpStream, peer: SocketAddr) -> io::Result<String> {
    let deadline = Deadline::after(BUDGET);
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        if request.len() > MAX_REQUEST {
            return Err(io::Error::new(InvalidData, "the request is too long"));
        }
        let n = match (Timed { stream, deadline }).read(&mut buffer) {
            Ok(0) if request.is_empty() => return Err(io::Error::other("it asked nothing")),
            Ok(0) => break,
            Ok(n) => n,
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        note(peer, format!("received {}", shown(&buffer[..n])));
        request.extend_from_slice(&buffer[..n]);
    }
    Ok(String::from_utf8_lossy(&request).into_owned())
}

/// All of it, within the budget.
fn send(stream: &TcpStream, peer: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let deadline = Deadline::after(BUDGET);
    Timed { stream, deadline }.write_all(bytes)?;
    note(peer, format!("sent {}", shown(bytes)));
    Ok(())
}
// ANCHOR_END: receive

// ANCHOR: note
/// A line of the trail: the peer, the time of day (UTC), what happened.
/// That clock may be set, so it is for people; budgets go by `Instant`.
fn note(peer: SocketAddr, what: impl Display) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let (seconds, millis) = (now.as_secs() % 86_400, now.subsec_millis());
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    eprintln!("{peer} {h:02}:{m:02}:{s:02}.{millis:03} {what}");
}

/// How many bytes, and how they begin. The peer chose them.
fn shown(bytes: &[u8]) -> String {
    let begin = bytes[..bytes.len().min(SHOWN)].escape_ascii();
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("{} bytes: \"{begin}{more}\"", bytes.len())
}
// ANCHOR_END: note

// ANCHOR: deadline
/// The moment at which it is over, for all calls together.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(budget: Duration) -> Deadline {
        Deadline(Instant::now() + budget)
    }

    /// What is left of the budget. Never zero: as a timeout that would
    /// be an error.
    pub fn left(self) -> io::Result<Duration> {
        match self.0.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(TimedOut.into()),
            left => Ok(left),
        }
    }
}
// ANCHOR_END: deadline

// ANCHOR: timed
/// A stream none of whose calls outlives the deadline.
pub struct Timed<'a> {
    pub stream: &'a TcpStream,
    pub deadline: Deadline,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A timeout that has passed is `WouldBlock` on Linux and macOS,
/// `TimedOut` on Windows. Here it is `TimedOut`.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock => TimedOut.into(),
        _ => err,
    }
}
// ANCHOR_END: timed

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
    eprintln!("{wrong}\nusage: ch05_audit_server ADDR");
    None
}
