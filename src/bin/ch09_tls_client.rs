//! How does a client know whom it tells its secrets?
//!
//! By the server's certificate. It must be signed by the one CA that this client trusts, be valid
//! today, and be made out to HOST: the name that the client wants to talk to, whatever address it
//! found for it. All this is looked at in the handshake, before the first byte of the first frame.
//! Then each line of stdin goes out as a frame, and each reply comes back as a line.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     cargo run --features tls --bin ch09_tls_server 127.0.0.1:7009 certs/server.pem certs/server.key
//!     cargo run --features tls --bin ch09_tls_client 127.0.0.1:7009 certs/ca.pem localhost
//!
//! What it still gets wrong: what has failed, it says in the TLS library's words, which are others on
//! each system. `ch09_tls_doctor` has a word of its own for each fault, and `ex09_trust` asks for it.

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector, TlsStream};
use std::io::ErrorKind::{BrokenPipe, InvalidData, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

/// For connecting, the handshake in it; and for each exchange.
const PATIENCE: Duration = Duration::from_secs(3);
// as in ch04
/// The length: a `u32`, big-endian. It counts the payload alone.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
// end of ch04

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, ca, host]) = (addr, args.as_slice()) else {
        eprintln!("usage: ch09_tls_client IP:PORT CA_FILE HOST");
        return ExitCode::from(2);
    };
    if let Err(err) = exchange(addr, ca, host) {
        eprintln!("cannot exchange frames with {host} at {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// From connecting to the last reply.
fn exchange(addr: SocketAddr, ca: &str, host: &str) -> io::Result<()> {
    let connector = connector(ca)?;
    let deadline = Deadline::after(PATIENCE);
    let stream = &TcpStream::connect_timeout(&addr, deadline.left()?)?;
    // HOST is sent along, and looked for in the certificate.
    let connected = connector.connect(host, Timed { stream, deadline });
    converse(connected.map_err(|err| match err {
        HandshakeError::Failure(why) => io::Error::other(format!("no handshake: {why}")),
        // The library's word for "try again": no `Timed` lets it get so far.
        HandshakeError::WouldBlock(_) => TimedOut.into(),
    })?)
}

// ANCHOR: connector
/// Trusts the one CA, and nobody else.
fn connector(ca: &str) -> io::Result<TlsConnector> {
    let pem = fs::read(ca)?;
    let ca = Certificate::from_pem(&pem).map_err(io::Error::other)?;
    TlsConnector::builder()
        // The hundred CAs of the system would do as well, without this.
        .disable_built_in_roots(true)
        .add_root_certificate(ca)
        .min_protocol_version(Some(Protocol::Tlsv12))
        .build()
        .map_err(io::Error::other)
}
// ANCHOR_END: connector

/// A line, its reply, the next line. Both directions share the keys and their counters, so a TLS
/// stream isn't for two threads.
fn converse(mut tls: TlsStream<Timed<'_>>) -> io::Result<()> {
    let mut message = Vec::new();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if line.len() > MAX_FRAME {
            return Err(io::Error::other("a line is longer than a frame"));
        }
        message.clear();
        message.write_u32::<BigEndian>(line.len() as u32)?;
        message.extend_from_slice(&line);
        tls.get_mut().deadline = Deadline::after(PATIENCE);
        tls.write_all(&message)?;
        let length = BigEndian::read_u32(&read(&mut tls, HEADER)?) as usize;
        if length > MAX_FRAME {
            let wrong = format!("frame too long: {length} bytes");
            return Err(io::Error::new(InvalidData, wrong));
        }
        let reply = read(&mut tls, length)?;
        let Ok(text) = std::str::from_utf8(&reply) else {
            return Err(io::Error::new(InvalidData, "a reply is not UTF-8"));
        };
        match writeln!(io::stdout(), "{text}") {
            // `ch09_tls_client … | head` has read enough.
            Err(err) if err.kind() == BrokenPipe => break,
            written => written?,
        }
    }
    // Whoever typed slowly has used up the time of the last line.
    tls.get_mut().deadline = Deadline::after(PATIENCE);
    // The last word (close_notify), which a drop doesn't say. Then until
    // the server has gone: to leave before its own would be a reset.
    tls.shutdown()?;
    _ = io::copy(tls.get_mut(), &mut io::sink());
    Ok(())
}

/// So many bytes. The server has had one line to answer, so nothing comes behind its reply, and there
/// are no leftovers to keep for the next frame, as a `FrameReader` does. Nor is a short read a system
/// call: the TLS library has the whole record.
fn read(tls: &mut impl Read, m: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let wrong = match tls.take(m as u64).read_to_end(&mut bytes)? {
        n if n == m => return Ok(bytes),
        0 => "the server ended without a reply".to_string(),
        n => format!("truncated after {n} of {m} bytes"),
    };
    Err(io::Error::new(UnexpectedEof, wrong))
}

// as in ch05
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
// end of ch05
