//! What does a server do about a client that takes its time?
//!
//! It gives the client a time of its own choice. This is chapter 3's server of sums: numbers, a line
//! each, then the half-close, then their sum. A client has two seconds for all of its numbers,
//! however its bytes drip, and as long to take the answer. Who is slower is told so, and let go.
//!
//!     cargo run --bin ch05_strict_server 127.0.0.1:7005               # terminal 1
//!     printf '1\n2\n3\n' | nc -N 127.0.0.1 7005                       # terminal 2
//!     (printf '1\n'; sleep 3; printf '2\n') | nc -N 127.0.0.1 7005    # too slow
//!
//! Time bounds what a client can cost only if the rest is bounded too: the memory for a line, the
//! bytes of a question, and how long a client may still talk that was refused.
//!
//! What it still gets wrong: a thousand clients are a thousand threads for two seconds, and nobody
//! counts them. Chapter 6 does.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// For all of a client's numbers.
const QUESTION: Duration = Duration::from_secs(2);
/// For the answer. A client that doesn't read it would hold the writer up.
const ANSWER: Duration = Duration::from_secs(2);
/// How long who was answered may go on talking, and how much.
const FAREWELL: Duration = Duration::from_secs(1);
const MAX_FAREWELL: u64 = 1 << 18;
/// A line with its ending. No number of 64 bits is as long.
const MAX_LINE: u64 = 64;
/// All lines. In two seconds a fast client could send gigabytes.
const MAX_QUESTION: u64 = 1 << 18;

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
        thread::spawn(move || match converse(&stream) {
            Ok(reply) => eprintln!("{peer} closed after {:?}", reply.trim_end()),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
    }
}

// ANCHOR: converse
/// One client: what it was told.
fn converse(stream: &TcpStream) -> io::Result<String> {
    let deadline = Deadline::after(QUESTION);
    let reply = match sum(Timed { stream, deadline }) {
        // Not the client's fault: a reset, say. There is nobody to tell.
        Err(err) if err.kind() != TimedOut => return Err(err),
        Err(_) => "error: too slow\n".to_string(),
        Ok(reply) => reply,
    };
    let deadline = Deadline::after(ANSWER);
    Timed { stream, deadline }.write_all(reply.as_bytes())?;
    // Closed with bytes unread, it would be reset (chapter 3).
    stream.shutdown(Shutdown::Write)?;
    let deadline = Deadline::after(FAREWELL);
    let mut rest = Timed { stream, deadline }.take(MAX_FAREWELL);
    match io::copy(&mut rest, &mut io::sink()) {
        Err(err) if err.kind() != TimedOut => Err(err),
        _ => Ok(reply),
    }
}
// ANCHOR_END: converse

/// The client's numbers, to the end of its stream: the answer.
fn sum(stream: Timed<'_>) -> io::Result<String> {
    let mut reader = BufReader::new(stream.take(MAX_QUESTION + 1));
    // 128 bits: no sum of so many i64s leaves them.
    let (mut sum, mut lines, mut wrong) = (0_i128, 0_u64, 0_u64);
    let mut line = Vec::new();
    while reader
        .by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)?
        > 0
    {
        if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
            // No number: what else there is of it needs no room.
            reader.skip_until(b'\n')?;
        }
        lines += 1;
        match number(&line) {
            Some(number) => sum += i128::from(number),
            None => wrong += 1,
        }
        line.clear();
    }
    // Was that the end, or only the end of our patience?
    Ok(match (reader.get_ref().limit(), wrong) {
        (0, _) => format!("error: more than {MAX_QUESTION} bytes\n"),
        (_, 0) => format!("numbers: {lines}, sum: {sum}\n"),
        _ => format!("error: lines that are no number: {wrong} of {lines}\n"),
    })
}

/// A decimal number of 64 bits, with white space around it or none.
fn number(line: &[u8]) -> Option<i64> {
    if line.len() as u64 == MAX_LINE {
        return None;
    }
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

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
    eprintln!("{wrong}\nusage: ch05_strict_server ADDR");
    None
}
