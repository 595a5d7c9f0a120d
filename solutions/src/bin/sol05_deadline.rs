//! # Deadline: a solution
//!
//! The moment at which it is over is fixed once, before the connect. Each call then gets what is
//! left until there: a byte that arrives makes the next wait shorter, not as long as the first. The
//! sender has the same deadline; that a server doesn't read is as good a way to keep a client as
//! that it doesn't write.
//!
//!     echo hello | cargo run -p solutions --bin sol05_deadline 127.0.0.1:7005

use std::io::ErrorKind::{BrokenPipe, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, thread};

/// For all of it: to connect, to send, and to read the reply to its end.
const BUDGET: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    // Returning from here ends the process, and with it a sender that still waits.
    match converse(addr) {
        // `sol05_deadline … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot get the reply of {addr}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Sends stdin and half-closes; meanwhile prints what returns, to its end.
fn converse(addr: SocketAddr) -> io::Result<()> {
    let deadline = Deadline::after(BUDGET);
    let stream = TcpStream::connect_timeout(&addr, deadline.left()?)?;
    let outgoing = stream.try_clone()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let stream = &outgoing;
        let mut timed = Timed { stream, deadline };
        _ = tell.send(io::copy(&mut io::stdin().lock(), &mut timed));
        // It fails if the connection is gone: `receive` sees that.
        _ = outgoing.shutdown(Shutdown::Write);
    });
    let stream = &stream;
    receive(Timed { stream, deadline })?;
    match told.recv_timeout(deadline.left()?) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(err)) => Err(io::Error::other(format!(
            "not all of stdin was sent: {err}"
        ))),
        Err(_) => Err(TimedOut.into()),
    }
}

/// All that returns, as it comes, on stdout.
fn receive(mut stream: Timed<'_>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        stdout.write_all(&buffer[..n])?;
        stdout.flush()?;
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
    eprintln!("{wrong}\nusage: sol05_deadline ADDR");
    None
}
