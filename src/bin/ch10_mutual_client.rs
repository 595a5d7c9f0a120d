//! Am I who the server wants?
//!
//! A client with a certificate of its own, by native-tls: an `Identity` is all that it takes. Under TLS
//! 1.2 the handshake is over when the server has looked at it, and one that is refused doesn't
//! connect. Under TLS 1.3 the client has done its part before the server looks. Then it is connected, and
//! learns what came of it from the first read. So this client reads before it believes: the server
//! greets first.
//!
//!     cargo run --features tls --bin ch10_mutual_client 127.0.0.1:7010 certs/ca.pem localhost 1.3 certs/alice.pem certs/alice.key
//!     cargo run --features tls --bin ch10_mutual_client 127.0.0.1:7010 certs/ca.pem localhost 1.2
//!
//! (1.2 or 1.3 is the newest version that it speaks. The server is `ch10_mutual_server`.)
//!
//! What it still gets wrong: why it was refused, it says in the TLS library's words. native-tls keeps
//! the number of the alert to itself, and can't resume a session or choose a suite either.

use native_tls::{Certificate, HandshakeError, Identity, Protocol, TlsConnector, TlsStream};
use std::io::ErrorKind::{BrokenPipe, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

/// For connecting, the handshake in it; and for each reply.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest reply.
const MAX_LINE: u64 = 4096;

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let newest = match args.get(3).map(String::as_str) {
        Some("1.2") => Some(Protocol::Tlsv12),
        Some("1.3") => Some(Protocol::Tlsv13),
        _ => None,
    };
    let (Some(addr), Some(newest), 4 | 6) = (addr, newest, args.len()) else {
        eprintln!("usage: ch10_mutual_client IP:PORT CA_FILE HOST 1.2|1.3 [CERT KEY]");
        return ExitCode::from(2);
    };
    if let Err(err) = exchange(addr, &args[1], &args[2], newest, &args[4..]) {
        eprintln!("cannot talk to {} at {addr}: {err}", args[2]);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// From connecting to the last reply.
fn exchange(
    addr: SocketAddr,
    ca: &str,
    host: &str,
    newest: Protocol,
    own: &[String],
) -> io::Result<()> {
    let connector = connector(ca, newest, own)?;
    let deadline = Deadline::after(PATIENCE);
    let stream = TcpStream::connect_timeout(&addr, deadline.left()?)?;
    let connected = connector.connect(
        host,
        Timed {
            stream: &stream,
            deadline,
        },
    );
    let tls = connected.map_err(|err| match err {
        HandshakeError::Failure(why) => io::Error::other(format!("no handshake: {why}")),
        // The library's word for "try again": no `Timed` lets it get so far.
        HandshakeError::WouldBlock(_) => TimedOut.into(),
    })?;
    eprintln!("connected");
    converse(tls)
}

// ANCHOR: connector
/// Trusts the one CA; shows its own certificate, if it has one.
fn connector(ca: &str, newest: Protocol, own: &[String]) -> io::Result<TlsConnector> {
    let ca = Certificate::from_pem(&fs::read(ca)?).map_err(io::Error::other)?;
    let mut builder = TlsConnector::builder();
    builder
        .disable_built_in_roots(true)
        .add_root_certificate(ca);
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    builder.max_protocol_version(Some(newest));
    if let [cert, key] = own {
        let own = Identity::from_pkcs8(&fs::read(cert)?, &fs::read(key)?);
        builder.identity(own.map_err(io::Error::other)?);
    }
    builder.build().map_err(io::Error::other)
}
// ANCHOR_END: connector

// ANCHOR: converse
/// The server's greeting, and then a line, its reply, the next line.
fn converse(tls: TlsStream<Timed<'_>>) -> io::Result<()> {
    let mut replies = BufReader::new(tls);
    // Here a client learns under TLS 1.3 that it was refused.
    let greeting = reply(&mut replies)?;
    io::stdout().write_all(&greeting)?;
    for line in io::stdin().lock().split(b'\n') {
        let line = [line?, b"\n".to_vec()].concat();
        let tls = replies.get_mut();
        tls.get_mut().deadline = Deadline::after(PATIENCE);
        tls.write_all(&line)?;
        match io::stdout().write_all(&reply(&mut replies)?) {
            // `ch10_mutual_client … | head` has read enough.
            Err(err) if err.kind() == BrokenPipe => break,
            written => written?,
        }
    }
    // Whoever typed slowly has used up the time of the last line.
    replies.get_mut().get_mut().deadline = Deadline::after(PATIENCE);
    // The last word (close_notify). Then until the server has gone:
    // to leave before its own would be a reset.
    replies.get_mut().shutdown()?;
    _ = io::copy(replies.get_mut().get_mut(), &mut io::sink());
    Ok(())
}
// ANCHOR_END: converse

fn reply(replies: &mut BufReader<TlsStream<Timed<'_>>>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    replies.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.last() {
        Some(b'\n') => Ok(line),
        _ => Err(io::Error::new(
            UnexpectedEof,
            "the server has ended without a reply",
        )),
    }
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
