//! # Frames over TLS: a solution
//!
//! Beneath TLS lies a stream that knows a deadline, and each part of a conversation sets it anew: the
//! handshake, the wait for a frame, the rest of the frame, the reply. The handshake belongs to the
//! client's own thread, as everything does that waits for a client.
//!
//!     cargo run -p solutions --features tls --bin sol09_tls_echo 127.0.0.1:7009 certs/server.pem certs/server.key

use native_tls::{Identity, Protocol, TlsAcceptor, TlsStream};
use std::io::ErrorKind::{Interrupted, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
/// For the handshake.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// For the first byte of a frame.
const IDLE: Duration = Duration::from_secs(30);
/// For the rest of it, and for the reply.
const FRAME: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key]) = (addr, args.as_slice()) else {
        eprintln!("usage: sol09_tls_echo IP:PORT CERT KEY");
        return ExitCode::from(2);
    };
    let served = acceptor(cert, key).and_then(|acceptor| serve(TcpListener::bind(addr)?, acceptor));
    if let Err(err) = served {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn acceptor(cert: &str, key: &str) -> io::Result<TlsAcceptor> {
    let identity = Identity::from_pkcs8(&fs::read(cert)?, &fs::read(key)?);
    let mut builder = TlsAcceptor::builder(identity.map_err(io::Error::other)?);
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    builder.build().map_err(io::Error::other)
}

fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
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
        let acceptor = acceptor.clone();
        // `thread::spawn` would panic where the system has no thread left.
        let started = thread::Builder::new().spawn(move || {
            match greet(stream, &acceptor).and_then(converse) {
                Ok(n) => eprintln!("{peer} closed after {n} frames"),
                Err(err) => eprintln!("{peer} broke off: {err}"),
            }
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

fn greet(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<TlsStream<Bounded>> {
    let deadline = Deadline::after(HANDSHAKE);
    let accepted = acceptor.accept(Bounded { stream, deadline });
    accepted.map_err(|err| io::Error::other(format!("no handshake: {err}")))
}

/// One client: how many frames went back.
fn converse(mut tls: TlsStream<Bounded>) -> io::Result<u64> {
    let mut frame = Vec::new();
    let mut echoed = 0;
    loop {
        frame.resize(HEADER, 0);
        tls.get_mut().deadline = Deadline::after(IDLE);
        if fill(&mut tls, &mut frame[..1])? == 0 {
            tls.shutdown()?;
            return Ok(echoed);
        }
        tls.get_mut().deadline = Deadline::after(FRAME);
        let n = 1 + fill(&mut tls, &mut frame[1..])?;
        if n < HEADER {
            return Err(truncated(n, HEADER));
        }
        let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        if length > MAX_FRAME {
            refuse(&mut tls)?;
            return Err(io::Error::other(format!("a frame of {length} bytes")));
        }
        frame.resize(HEADER + length, 0);
        let n = fill(&mut tls, &mut frame[HEADER..])?;
        if n < length {
            return Err(truncated(n, length));
        }
        tls.get_mut().deadline = Deadline::after(FRAME);
        tls.write_all(&frame)?;
        echoed += 1;
    }
}

/// Says why and that it is all, and throws away for a second at most what still comes: a close with
/// bytes unread would be a reset, and could destroy the refusal.
fn refuse(tls: &mut TlsStream<Bounded>) -> io::Result<()> {
    tls.write_all(b"\0\0\0\x15error: frame too long")?;
    tls.shutdown()?;
    let beneath = tls.get_mut();
    beneath.deadline = Deadline::after(Duration::from_secs(1));
    while fill(beneath, &mut [0; 4096]).is_ok_and(|n| n > 0) {}
    Ok(())
}

/// Fills `space`, unless the stream ends before: how many bytes came.
fn fill(stream: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < space.len() {
        match stream.read(&mut space[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(err) if err.kind() == Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}

fn truncated(n: usize, of: usize) -> io::Error {
    io::Error::new(UnexpectedEof, format!("truncated after {n} of {of} bytes"))
}

/// A stream on which no read and no write outlives the deadline.
#[derive(Debug)]
struct Bounded {
    stream: TcpStream,
    deadline: Deadline,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Linux calls it `WouldBlock`, which the TLS library would take for
/// "try again": then nobody would ever look at the deadline.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock | TimedOut => io::Error::new(TimedOut, "timed out"),
        _ => err,
    }
}

/// The moment at which a budget is spent.
#[derive(Clone, Copy, Debug)]
struct Deadline(Instant);

impl Deadline {
    fn after(budget: Duration) -> Deadline {
        Deadline(Instant::now() + budget)
    }

    /// What is left of it. `TimedOut`: nothing.
    fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        // A timeout of zero is an error of its own.
        if left.is_zero() {
            return Err(io::Error::new(TimedOut, "timed out"));
        }
        Ok(left)
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
