//! # Whom do you trust? A solution
//!
//! The connector trusts one CA and nobody else. One deadline lies beneath the handshake and all that
//! follows it: no read and no write outlives it, however a server drips. Of a failed handshake a
//! spent deadline explains more than any words; of the words only those of X.509 are looked for.
//!
//!     echo hello | cargo run -p solutions --features tls --bin sol09_trust 127.0.0.1:7009 certs/ca.pem localhost

use byteorder::{BigEndian, WriteBytesExt};
use native_tls::{Certificate, Protocol, TlsConnector, TlsStream};
use std::io::ErrorKind::{ConnectionRefused, InvalidData, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

/// For everything, from connecting to the last reply.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;

/// What went wrong: a word for stdout, where there is one, and a sentence for stderr.
struct Wrong(Option<&'static str>, String);

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, ca, host]) = (addr, args.as_slice()) else {
        eprintln!("usage: sol09_trust IP:PORT CA_FILE HOST");
        return ExitCode::from(2);
    };
    let done = connector(ca)
        .map_err(|err| Wrong(None, format!("cannot use {ca}: {err}")))
        .and_then(|connector| connect(addr, &connector, host))
        .and_then(converse);
    let Err(Wrong(word, sentence)) = done else {
        return ExitCode::SUCCESS;
    };
    if let Some(word) = word {
        println!("{word}");
    }
    eprintln!("cannot exchange frames with {host} at {addr}: {sentence}");
    ExitCode::FAILURE
}

fn connector(ca: &str) -> io::Result<TlsConnector> {
    let ca = Certificate::from_pem(&fs::read(ca)?).map_err(io::Error::other)?;
    TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(ca)
        .min_protocol_version(Some(Protocol::Tlsv12))
        .build()
        .map_err(io::Error::other)
}

/// A connection to HOST, and to nobody else.
fn connect(
    addr: SocketAddr,
    connector: &TlsConnector,
    host: &str,
) -> Result<TlsStream<Bounded>, Wrong> {
    let deadline = Deadline::after(PATIENCE);
    let stream = TcpStream::connect_timeout(&addr, PATIENCE).map_err(|err| {
        let word = match err.kind() {
            ConnectionRefused => Some("refused"),
            TimedOut | WouldBlock => Some("timed-out"),
            _ => None,
        };
        Wrong(word, err.to_string())
    })?;
    let connected = connector.connect(host, Bounded { stream, deadline });
    connected.map_err(|err| {
        let words = err.to_string();
        let has = |phrase| words.contains(phrase);
        let word = match deadline.left() {
            Err(_) => "timed-out",
            Ok(_) if has("has expired") || has("not yet valid") => "expired",
            Ok(_) if has("ostname mismatch") => "wrong-host",
            Ok(_) if has("certificate verify failed") => "untrusted",
            Ok(_) => "not-tls",
        };
        Wrong(Some(word), words)
    })
}

/// A line, its reply, the next line.
fn converse(mut tls: TlsStream<Bounded>) -> Result<(), Wrong> {
    let mut replies = 0;
    exchange(&mut tls, &mut replies).map_err(|err| {
        let late = err.kind() == TimedOut && replies == 0;
        Wrong(late.then_some("timed-out"), err.to_string())
    })
}

fn exchange(tls: &mut TlsStream<Bounded>, replies: &mut u64) -> io::Result<()> {
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        let mut message = Vec::new();
        message.write_u32::<BigEndian>(line.len() as u32)?;
        message.extend_from_slice(&line);
        tls.write_all(&message)?;
        let mut header = [0; 4];
        tls.read_exact(&mut header).map_err(cut)?;
        let length = u32::from_be_bytes(header) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::new(InvalidData, "a reply is too long"));
        }
        let mut reply = vec![0; length];
        tls.read_exact(&mut reply).map_err(cut)?;
        reply.push(b'\n');
        io::stdout().write_all(&reply)?;
        *replies += 1;
    }
    tls.shutdown()
}

fn cut(err: io::Error) -> io::Error {
    match err.kind() {
        UnexpectedEof => io::Error::new(UnexpectedEof, "a reply is cut off, or missing"),
        _ => err,
    }
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
