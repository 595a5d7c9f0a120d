//! How long may an answer take?
//!
//! Somebody has to decide that: `connect` alone waits for minutes, and `read` for ever. This client
//! asks for a page, with HTTP written by hand, and has a budget of so many milliseconds for all of
//! it: to connect, to ask, and to read the answer to its end. With `each`, every call gets the
//! whole budget anew, as it does from a timeout that is set once. Then a server that sends a byte
//! now and then may take as long as it likes.
//!
//!     cargo run --bin ch05_audit_server 127.0.0.1:7005                            # terminal 1
//!     cargo run --bin ch05_patient_client 127.0.0.1:7005 /slowly 500 each         # terminal 2
//!     cargo run --bin ch05_patient_client 127.0.0.1:7005 /slowly 500
//!
//! What it still gets wrong: it gives up at the first failure, which `ch05_retry_client` doesn't.
//! And whether the answer is whole it doesn't know: HTTP says how long it is, in a line of the head
//! that is only printed here.

use std::ffi::OsString;
use std::io::ErrorKind::{BrokenPipe, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fmt};

fn main() -> ExitCode {
    let Some(asked) = asked_from_args() else {
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let mut answer = 0;
    let got = fetch(&asked, &mut answer);
    let took = begun.elapsed().as_secs_f64();
    match got {
        Ok(()) => {
            eprintln!("{} answered {answer} bytes in {took:.1} s", asked.addr);
            ExitCode::SUCCESS
        }
        Err(err) => {
            eprintln!("cannot get {asked}: {err}, after {took:.1} s and {answer} bytes");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: fetch
/// The answer, on stdout as it comes; how many bytes, in `answer`.
fn fetch(asked: &Asked, answer: &mut u64) -> io::Result<()> {
    let mut deadline = Deadline::after(asked.budget);
    let left = deadline.left()?;
    let stream = &TcpStream::connect_timeout(&asked.addr, left)?;
    Timed { stream, deadline }.write_all(asked.request().as_bytes())?;
    let mut buffer = [0; 4096];
    loop {
        if asked.each {
            deadline = Deadline::after(asked.budget);
        }
        let n = match (Timed { stream, deadline }).read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        *answer += n as u64;
        if !print(&buffer[..n])? {
            return Ok(());
        }
    }
}
// ANCHOR_END: fetch

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

/// Whether there is somebody who reads it: `ch05_patient_client … | head` has read enough.
fn print(bytes: &[u8]) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(err) if err.kind() == BrokenPipe => Ok(false),
        printed => printed.map(|()| true),
    }
}

/// What is wanted, and in what time.
struct Asked {
    addr: SocketAddr,
    path: String,
    budget: Duration,
    /// The budget is for each call, not for all of them.
    each: bool,
}

impl Asked {
    /// RFC 1945, section 5. With version 1.0 the answer ends where the stream does.
    fn request(&self) -> String {
        format!("GET {} HTTP/1.0\r\n\r\n", self.path)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.addr, self.path)
    }
}

/// ADDR, PATH, MILLIS and perhaps `each`; what is wrong with them goes to stderr.
fn asked_from_args() -> Option<Asked> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let asked = |addr: &OsString, path: &OsString, millis: &OsString, each| {
        let (addr, path) = (addr.to_string_lossy(), path.to_string_lossy());
        let Ok(addr) = addr.parse() else {
            return Err(format!(
                "{addr:?} is no address of the form IP:PORT or [IP6]:PORT"
            ));
        };
        // A blank or a line break would end the path, and begin something else.
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{path:?} is no path: /slowly is one"));
        }
        let budget = match millis.to_string_lossy().parse::<u32>() {
            Ok(millis @ 1..) => Duration::from_millis(millis.into()),
            _ => return Err(format!("{millis:?} is no number of milliseconds")),
        };
        let path = path.into_owned();
        Ok(Asked {
            addr,
            path,
            budget,
            each,
        })
    };
    let asked = match args.as_slice() {
        [addr, path, millis] => asked(addr, path, millis, false),
        [addr, path, millis, each] if each == "each" => asked(addr, path, millis, true),
        _ => Err("three arguments are needed, and perhaps the word `each`".to_string()),
    };
    asked
        .map_err(|wrong| eprintln!("{wrong}\nusage: ch05_patient_client ADDR PATH MILLIS [each]"))
        .ok()
}
