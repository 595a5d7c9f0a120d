//! What is wrong with this peer?
//!
//! It connects as `ch09_tls_client` does, and says in one word and one sentence what came of it. Of
//! certificates the TLS library says only sentences; those about X.509 have been the same for years,
//! and this program looks for a few words in them. All else it reads off the wire: what the server
//! answered first, which version it chose, which alert it sent.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     openssl s_server -accept 7009 -cert certs/expired.pem -key certs/server.key
//!     cargo run --features tls --bin ch09_tls_doctor 127.0.0.1:7009 certs/ca.pem localhost
//!
//! What it still gets wrong: an unknown CA and a missing intermediate look the same from here, since
//! native-tls shows no certificate that it didn't accept. Chapter 10 looks at the chain itself.

use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector};
use std::cell::RefCell;
use std::io::ErrorKind::{ConnectionRefused, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

/// For connecting and for the handshake together.
const PATIENCE: Duration = Duration::from_secs(3);
/// Under TLS 1.3 a server looks at the client's certificate when the client has done its part.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// As much of what was heard as is kept: no handshake in the clear is longer.
const KEPT: usize = 64 * 1024;

/// A word for scripts, and a sentence for people.
type Finding = (&'static str, &'static str);

const OK: Finding = ("ok", "it is who it says it is, and speaks TLS 1.2 or newer");
const TIMED_OUT: Finding = ("timed-out", "the handshake was not done after 3 s");
const CUT_OFF: Finding = ("cut-off", "the connection ended inside the handshake");
const NOT_TLS: Finding = ("not-tls", "what answers there does not speak TLS");
const OLD_TLS: Finding = ("old-tls", "it speaks only versions older than TLS 1.2");
#[rustfmt::skip]
const WANTS_OURS: Finding = ("wants-certificate", "it asks clients for a certificate, and we have none");
const ALERT: Finding = ("alert", "it refused the handshake");
const OTHER: Finding = ("failed", "the handshake failed in another way");

/// What X.509 says, in words that have stayed the same.
#[rustfmt::skip]
const PHRASES: &[(&str, Finding)] = &[
    ("has expired", ("expired", "the certificate's last day is over")),
    ("not yet valid", ("not-yet-valid", "the certificate's first day is still to come, or our clock is slow")),
    ("ostname mismatch", ("wrong-host", "the certificate is made out to another name than HOST")),
    ("address mismatch", ("wrong-host", "the certificate is made out to another address than HOST")),
    ("signed certificate", ("self-signed", "the certificate is signed by nobody but itself")),
    ("local issuer certificate", ("unknown-ca", "no CA that we trust has signed it, or the server leaves out an intermediate")),
    ("certificate purpose", ("wrong-purpose", "the certificate is not for servers")),
];

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, ca, host]) = (addr, args.as_slice()) else {
        eprintln!("usage: ch09_tls_doctor IP:PORT CA_FILE HOST");
        return ExitCode::from(2);
    };
    match connector(ca).map(|connector| examine(addr, &connector, host)) {
        Err(err) => eprintln!("cannot use {ca}: {err}"),
        Ok(((word, sentence), said)) => {
            // Nobody may read it any more: the status says it as well.
            _ = writeln!(io::stdout(), "{word}: {sentence}");
            if word == "ok" {
                return ExitCode::SUCCESS;
            }
            eprintln!("{addr}: {said}");
        }
    }
    ExitCode::FAILURE
}

fn connector(ca: &str) -> io::Result<TlsConnector> {
    let ca = Certificate::from_pem(&fs::read(ca)?).map_err(io::Error::other)?;
    let mut builder = TlsConnector::builder();
    builder.disable_built_in_roots(true);
    builder.add_root_certificate(ca);
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    builder.build().map_err(io::Error::other)
}

/// What it is, and what the system or the library said about it.
fn examine(addr: SocketAddr, connector: &TlsConnector, host: &str) -> (Finding, String) {
    let deadline = Deadline::after(PATIENCE);
    let stream = match TcpStream::connect_timeout(&addr, PATIENCE) {
        Ok(stream) => stream,
        Err(err) => {
            let finding = match err.kind() {
                ConnectionRefused => ("refused", "nobody listens there"),
                TimedOut | WouldBlock => TIMED_OUT,
                _ => ("unreachable", "there is no way to that address"),
            };
            return (finding, err.to_string());
        }
    };
    let (stream, heard) = (&stream, &RefCell::default());
    let tapped = Tapped {
        stream,
        deadline,
        heard,
    };
    let said = match connector.connect(host, tapped) {
        Err(HandshakeError::Failure(why)) => why.to_string(),
        Err(HandshakeError::WouldBlock(_)) => "it would block".to_string(),
        Ok(mut tls) => {
            tls.get_mut().deadline = Deadline::after(AFTERWARDS);
            match tls.read(&mut [0]) {
                Err(err) if err.kind() != TimedOut => err.to_string(),
                // It waits for us to begin, or has begun itself.
                _ => {
                    // The last word; who has gone doesn't need it.
                    _ = tls.shutdown();
                    return (OK, String::new());
                }
            }
        }
    };
    // A clock that has run out explains every error.
    match deadline.left() {
        Err(_) => (TIMED_OUT, said),
        Ok(_) => (diagnosis(&heard.borrow(), &said), said),
    }
}

// ANCHOR: diagnosis
/// What was heard tells more than what was said about it.
fn diagnosis(heard: &[u8], said: &str) -> Finding {
    let (version, asks, alert) = in_the_clear(heard);
    let phrase = PHRASES.iter().find(|(phrase, _)| said.contains(phrase));
    match (phrase, heard) {
        (Some((_, finding)), _) => *finding,
        (None, []) => CUT_OFF,
        // 21: an alert, 22: the handshake. Nothing else begins TLS.
        (None, [first, ..]) if !matches!(first, 21 | 22) => NOT_TLS,
        _ if version < 0x0303 || alert == Some(70) => OLD_TLS,
        // Under 1.3 it is encrypted: only the library can read it.
        _ if asks || said.contains("alert number 116") => WANTS_OURS,
        _ if alert.is_some() => ALERT,
        _ => OTHER,
    }
}
// ANCHOR_END: diagnosis

/// Of a server's records: the version in its hello (0x0303 is TLS 1.2, and 1.3 in disguise), whether
/// it asks for a certificate of ours, and the number of its alert.
fn in_the_clear(mut records: &[u8]) -> (u16, bool, Option<u8>) {
    let (mut version, mut asks, mut alert) = (0x0303, false, None);
    let mut messages = Vec::new();
    // Content type, version (2 bytes), length (2). Behind any other type all is encrypted.
    while let [kind @ (21 | 22), _, _, high, low, rest @ ..] = records {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let body;
        (body, records) = rest.split_at(length.min(rest.len()));
        match (kind, body) {
            (22, _) => messages.extend_from_slice(body),
            (_, [_, number]) => alert = Some(*number),
            _ => {}
        }
    }
    // Type, length (3 bytes): together, since a message may go on in the next record.
    let mut messages = &messages[..];
    while let [kind, a, b, c, rest @ ..] = messages {
        match (kind, rest) {
            (2, [high, low, ..]) => version = u16::from_be_bytes([*high, *low]),
            (13, _) => asks = true,
            _ => {}
        }
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        messages = rest.get(length..).unwrap_or_default();
    }
    (version, asks, alert)
}

/// The `Timed` of chapter 5, which also keeps the first of what it reads.
struct Tapped<'a> {
    stream: &'a TcpStream,
    deadline: Deadline,
    heard: &'a RefCell<Vec<u8>>,
}

impl Read for Tapped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        let n = self.stream.read(buffer).map_err(timed_out)?;
        let mut heard = self.heard.borrow_mut();
        let room = KEPT.saturating_sub(heard.len());
        heard.extend_from_slice(&buffer[..n.min(room)]);
        Ok(n)
    }
}

impl Write for Tapped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
// end of ch05

// as in ch05
/// A timeout that has passed is `WouldBlock` on Linux and macOS,
/// `TimedOut` on Windows. Here it is `TimedOut`.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock => TimedOut.into(),
        _ => err,
    }
}
// end of ch05
