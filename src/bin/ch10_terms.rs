//! On what terms?
//!
//! TLS is one name for many agreements: which version, which suite, which protocol is to be spoken
//! inside (ALPN), and whether two meet for the first time. This program connects twice under each version and
//! says what was agreed. With a certificate of its own it also gets in where one is asked for.
//!
//!     openssl s_server -accept 7010 -cert certs/server.pem -key certs/server.key -alpn h2
//!     cargo run --features tls --bin ch10_terms 127.0.0.1:7010 certs/ca.pem localhost h2,http/1.1
//!     cargo run --features tls --bin ch10_terms IP:PORT CA_FILE HOST - CERT KEY      # ALPN: none
//!
//! What it still gets wrong: it sees the suite that was chosen, not those that would have been taken
//! as well. Scanners find them out by asking for each alone, in a connection of its own.

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, ShutdownState, Ssl, SslContext, SslContextBuilder, SslFiletype};
use openssl::ssl::{SslMethod, SslRef, SslStream, SslVerifyMode, SslVersion};
use std::env;
use std::error::Error;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// For connecting and for the handshake.
const PATIENCE: Duration = Duration::from_secs(3);
/// Under TLS 1.3 tickets come behind the handshake, and refusals, too.
const AFTERWARDS: Duration = Duration::from_millis(300);

const VERSIONS: [(&str, SslVersion); 3] = [
    ("TLSv1.1", SslVersion::TLS1_1),
    ("TLSv1.2", SslVersion::TLS1_2),
    ("TLSv1.3", SslVersion::TLS1_3),
];

pub fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), 3 | 4 | 6) = (addr, args.len()) else {
        eprintln!("usage: ch10_terms IP:PORT CA_FILE HOST [ALPN[,ALPN...] [CERT KEY]]");
        return ExitCode::from(2);
    };
    let mut agreed = false;
    for (name, version) in VERSIONS {
        let met = meet(addr, &args, version);
        agreed |= met.is_ok();
        let line = met.unwrap_or_else(|err| err.to_string());
        if writeln!(io::stdout(), "{name}  {line}").is_err() {
            break; // nobody reads it any more
        }
    }
    if agreed {
        return ExitCode::SUCCESS;
    }
    eprintln!("cannot agree with {addr} on any version");
    ExitCode::FAILURE
}

/// Two connections under one version: what was agreed.
fn meet(addr: SocketAddr, args: &[String], version: SslVersion) -> Result<String, Box<dyn Error>> {
    let context = context(args, version)?;
    let mut ssl = Ssl::new(&context)?;
    let host = &args[2];
    match host.parse::<IpAddr>() {
        Ok(ip) => ssl.param_mut().set_ip(ip)?,
        Err(_) => {
            // SNI: one server may have a certificate for each of many names.
            ssl.set_hostname(host)?;
            ssl.param_mut().set_host(host)?;
        }
    }
    let second; // Declared before `tls`, which goes over to it, and so may not outlive it.
    let deadline = Deadline::after(PATIENCE);
    let stream = &TcpStream::connect_timeout(&addr, PATIENCE)?;
    let mut tls = SslStream::new(ssl, Timed { stream, deadline })?;
    tls.connect().map_err(|err| failed("refused", err))?;
    let terms = terms(tls.ssl());
    tls.get_mut().deadline = Deadline::after(AFTERWARDS);
    match tls.ssl_read(&mut [0; 1024]) {
        // It says nothing: most servers wait for a question.
        Err(err) if err.io_error().is_some_and(|err| err.kind() == TimedOut) => {}
        Err(err) if err.code() != ErrorCode::ZERO_RETURN => {
            return Err(failed("connected, then refused", err));
        }
        _ => {}
    }
    // A session that has ended in order can be resumed.
    tls.get_mut().deadline = Deadline::after(PATIENCE);
    _ = tls.shutdown();
    tls.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
    second = TcpStream::connect_timeout(&addr, PATIENCE)?;
    tls.get_mut().stream = &second;
    tls.get_mut().deadline = Deadline::after(PATIENCE);
    // The crate's own way, `set_session`, is unsafe: it trusts us with the
    // context. This one begins with `SSL_clear`, which keeps the session.
    _ = tls.stateless();
    let again = tls.connect();
    again.map_err(|err| failed("refused the second time", err))?;
    let again = match tls.ssl().session_reused() {
        true => "resumed",
        false => "new each time",
    };
    _ = tls.shutdown();
    Ok(format!("{terms}, {again}"))
}

/// One version, and what a client brings along.
fn context(args: &[String], version: SslVersion) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(version))?;
    builder.set_max_proto_version(Some(version))?;
    if version == SslVersion::TLS1_1 {
        // Else our own library would refuse, and not the server.
        builder.set_cipher_list("ALL:@SECLEVEL=0")?;
    }
    builder.set_ca_file(&args[1])?;
    builder.set_verify(SslVerifyMode::PEER);
    if let Some(names) = args.get(3).filter(|names| *names != "-") {
        // On the wire each name has its length before it.
        let mut protos = Vec::new();
        for name in names.split(',') {
            protos.push(name.len() as u8);
            protos.extend_from_slice(name.as_bytes());
        }
        builder.set_alpn_protos(&protos)?;
    }
    if let Some([cert, key]) = args.get(4..) {
        builder.set_certificate_chain_file(cert)?;
        builder.set_private_key_file(key, SslFiletype::PEM)?;
    }
    Ok(builder.build())
}

fn terms(ssl: &SslRef) -> String {
    let suite = ssl.current_cipher().map_or("none", |suite| suite.name());
    match ssl.selected_alpn_protocol() {
        Some(name) => format!("{suite}, {}", String::from_utf8_lossy(name)),
        None => format!("{suite}, no ALPN"),
    }
}

/// Why not: by number, where OpenSSL knows one.
fn failed(what: &str, err: openssl::ssl::Error) -> Box<dyn Error> {
    // Among OpenSSL's reasons an alert that came has 1000 and its number.
    let reason = err.ssl_error().and_then(|stack| stack.errors().first());
    match reason.map(|reason| (reason.reason_code(), reason.reason())) {
        Some((code @ 1001..=1255, _)) => format!("{what}: alert {}", code - 1000).into(),
        Some((_, Some(words))) => format!("{what}: {words}").into(),
        _ => format!("{what}: {err}").into(),
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
