//! # Slow client: a solution
//!
//! A line's deadline is fixed when its first byte is there, also if that came with the end of the
//! line before. More bytes don't move it. While no line has begun, another, longer one holds. What
//! was read stays in `held` whatever happens: a timeout takes nothing away.
//!
//!     cargo run -p solutions --bin sol05_slow_client 127.0.0.1:7005

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// For a line, from its first byte.
const LINE: Duration = Duration::from_secs(2);
/// Between two lines.
const IDLE: Duration = Duration::from_secs(11);
/// For taking answers.
const ANSWER: Duration = Duration::from_secs(10);
/// How long who was refused may go on talking.
const FAREWELL: Duration = Duration::from_secs(1);
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
        thread::spawn(move || match converse(&stream) {
            Ok(n) => eprintln!("{peer} closed after {n} lines"),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
    }
}

/// One client: how many lines were answered.
fn converse(stream: &TcpStream) -> io::Result<u64> {
    let mut held = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut deadline = Deadline::after(IDLE);
    let mut answered = 0;
    loop {
        let n = match (Timed { stream, deadline }).read(&mut buffer) {
            // The end. What came before it without an LF is no line.
            Ok(0) => return Ok(answered),
            Ok(n) => n,
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) if err.kind() == TimedOut && !held.is_empty() => {
                return refuse(stream).map(|()| answered);
            }
            Err(err) => return Err(err),
        };
        // From here, and not from when the answers will have been written.
        let line = Deadline::after(LINE);
        let began = held.is_empty();
        held.extend_from_slice(&buffer[..n]);
        let lines = answer_lines(stream, &mut held)?;
        answered += lines;
        if held.is_empty() {
            deadline = Deadline::after(IDLE);
        } else if began || lines > 0 {
            deadline = line;
        }
        if held.len() > MAX_LINE {
            return Err(io::Error::other("a line without an end"));
        }
    }
}

/// Answers the whole lines, and leaves what is behind the last: how many.
fn answer_lines(stream: &TcpStream, held: &mut Vec<u8>) -> io::Result<u64> {
    let Some(last) = held.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(0);
    };
    let mut answers = Vec::new();
    for line in held[..last].split(|byte| *byte == b'\n') {
        // At most one CR belongs to the ending; one before it is the line's own.
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        writeln!(answers, "{}", text.len())?;
    }
    held.drain(..=last);
    let deadline = Deadline::after(ANSWER);
    Timed { stream, deadline }.write_all(&answers)?;
    Ok(answers.iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// Tells a client why, and reads on for a while: closed with bytes unread, it would be reset.
fn refuse(stream: &TcpStream) -> io::Result<()> {
    let deadline = Deadline::after(FAREWELL);
    let mut stream = Timed { stream, deadline };
    stream.write_all(b"error: too slow\n")?;
    stream.stream.shutdown(Shutdown::Write)?;
    match io::copy(&mut stream, &mut io::sink()) {
        Err(err) if err.kind() != TimedOut => Err(err),
        _ => Ok(()),
    }
}

/// The moment at which it is over, for all calls together.
#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    fn after(budget: Duration) -> Deadline {
        Deadline(Instant::now() + budget)
    }

    /// What is left of the budget. Never zero: as a timeout that would be an error.
    fn left(self) -> io::Result<Duration> {
        match self.0.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(TimedOut.into()),
            left => Ok(left),
        }
    }
}

/// A stream none of whose calls outlives the deadline.
struct Timed<'a> {
    stream: &'a TcpStream,
    deadline: Deadline,
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

/// A timeout that has passed is `WouldBlock` on Linux and macOS, `TimedOut` on Windows.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock => TimedOut.into(),
        _ => err,
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
    eprintln!("{wrong}\nusage: sol05_slow_client ADDR");
    None
}
