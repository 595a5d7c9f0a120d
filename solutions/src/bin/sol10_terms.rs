//! # On what terms: a solution
//!
//! Three settings, none of which stands in for another: the oldest version, the suites of TLS 1.2, and
//! those of TLS 1.3.
//!
//!     cargo run -p solutions --features tls --bin sol10_terms 127.0.0.1:7010 certs/server.pem certs/server.key ECDHE-RSA-AES256-GCM-SHA384 TLS_AES_128_GCM_SHA256

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("this program needs Linux: elsewhere the course doesn't use OpenSSL's library");
    std::process::ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(target_os = "linux")]
#[rustfmt::skip] // All of it would move to the right.
mod program {

use openssl::error::ErrorStack;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslVersion};
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// For the handshake and the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the client to read it.
const LINGER: Duration = Duration::from_secs(1);

pub fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key, suites12, suites13]) = (addr, args.as_slice()) else {
        eprintln!("usage: sol10_terms IP:PORT CERT KEY SUITES12 SUITES13");
        return ExitCode::from(2);
    };
    let served = acceptor(cert, key, suites12, suites13)
        .map_err(io::Error::other)
        .and_then(|acceptor| serve(TcpListener::bind(addr)?, acceptor));
    if let Err(err) = served {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn acceptor(
    cert: &str,
    key: &str,
    suites12: &str,
    suites13: &str,
) -> Result<SslAcceptor, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.check_private_key()?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    // This one governs up to 1.2,
    builder.set_cipher_list(suites12)?;
    // and this one 1.3. Neither looks at the other's.
    builder.set_ciphersuites(suites13)?;
    Ok(builder.build())
}

fn serve(listener: TcpListener, acceptor: SslAcceptor) -> io::Result<()> {
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
            match converse(&stream, &acceptor) {
                Ok(terms) => eprintln!("{peer} closed after {terms}"),
                Err(err) => eprintln!("{peer} broke off: {err}"),
            }
            linger(&stream);
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

/// One client: what it was told.
fn converse(stream: &TcpStream, acceptor: &SslAcceptor) -> io::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let accepted = acceptor.accept(Bounded { stream, deadline });
    let mut tls = accepted.map_err(|err| io::Error::other(format!("no handshake: {err}")))?;
    let ssl = tls.ssl();
    let suite = ssl
        .current_cipher()
        .map_or("no suite", |suite| suite.name());
    let terms = format!("{} {suite}", ssl.version_str());
    tls.write_all(format!("{terms}\n").as_bytes())?;
    tls.shutdown().map_err(io::Error::other)?;
    Ok(terms)
}

/// Ends our half, and throws away for a moment what still comes: to close with bytes unread would be
/// a reset, and could destroy the answer, or the alert.
fn linger(stream: &TcpStream) {
    let mut rest = Bounded {
        stream,
        deadline: Instant::now() + LINGER,
    };
    if stream.shutdown(Shutdown::Write).is_ok() {
        _ = io::copy(&mut rest, &mut io::sink());
    }
}

/// A stream on which no read and no write outlives the deadline.
#[derive(Debug)]
struct Bounded<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Bounded<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            // A timeout of zero is an error of its own.
            Duration::ZERO => Err(TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Linux calls it `WouldBlock`, which OpenSSL would take for "try again".
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
}
