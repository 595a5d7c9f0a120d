//! # Whoever is on the list: a solution
//!
//! OpenSSL looks at the client's certificate in the handshake, if it is told to insist on one. What the
//! certificate says is then believed: who it is. What they may do, a list says. Whoever is refused is
//! told by an alert, and read on for a moment, so that no reset comes before it.
//!
//!     cargo run -p solutions --features tls --bin sol10_mutual_tls 127.0.0.1:7010 certs/server.pem certs/server.key certs/ca.pem list.txt

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
use openssl::nid::Nid;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509Name;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// The longest line, without its LF.
const MAX_LINE: u64 = 1024;
/// For the handshake, however its bytes drip.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// For a line, with the wait for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// For a client that is refused to notice it.
const LINGER: Duration = Duration::from_secs(1);

pub fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key, ca, list]) = (addr, args.as_slice()) else {
        eprintln!("usage: sol10_mutual_tls IP:PORT CERT KEY CA_FILE LIST");
        return ExitCode::from(2);
    };
    let served = acceptor(cert, key, ca)
        .map_err(io::Error::other)
        .and_then(|acceptor| serve(TcpListener::bind(addr)?, acceptor, list.clone()));
    if let Err(err) = served {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn acceptor(cert: &str, key: &str, ca: &str) -> Result<SslAcceptor, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.check_private_key()?;
    builder.set_ca_file(ca)?;
    builder.set_client_ca_list(X509Name::load_client_ca_file(ca)?);
    // PEER alone asks for a certificate, and takes none for an answer.
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    // Without it a client that resumes a session is refused: whose session it is can't be told.
    builder.set_session_id_context(b"ex10_mutual_tls")?;
    Ok(builder.build())
}

fn serve(listener: TcpListener, acceptor: SslAcceptor, list: String) -> io::Result<()> {
    announce(listener.local_addr()?)?;
    let shared = Arc::new((acceptor, list));
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        eprintln!("{peer} connected");
        let shared = Arc::clone(&shared);
        // `thread::spawn` would panic where the system has no thread left.
        let started = thread::Builder::new().spawn(move || {
            let (acceptor, list) = &*shared;
            match greet(&stream, acceptor).and_then(|tls| converse(tls, list)) {
                Ok(()) => eprintln!("{peer} closed"),
                Err(err) => eprintln!("{peer} broke off: {err}"),
            }
            linger(&stream);
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

fn greet<'a>(stream: &'a TcpStream, acceptor: &SslAcceptor) -> io::Result<SslStream<Bounded<'a>>> {
    let deadline = Instant::now() + HANDSHAKE;
    let accepted = acceptor.accept(Bounded { stream, deadline });
    accepted.map_err(|err| io::Error::other(format!("no handshake: {err}")))
}

fn converse(mut tls: SslStream<Bounded<'_>>, list: &str) -> io::Result<()> {
    let name = common_name(&tls)?;
    let allowed = is_on_list(&name, &fs::read(list)?);
    tls.get_mut().deadline = Instant::now() + PATIENCE;
    tls.write_all(format!("hello {name}\n").as_bytes())?;
    let mut lines = BufReader::new(tls);
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.get_mut().get_mut().deadline = Instant::now() + PATIENCE;
        lines
            .by_ref()
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            break; // the end of the stream, or a line that is too long
        }
        if !allowed {
            lines.get_mut().write_all(b"not allowed\n")?;
            break;
        }
        lines.get_mut().write_all(&line)?;
    }
    farewell(lines.get_mut())
}

/// The one commonName of the certificate that the client has shown. Its subject as a text may have
/// `CN=` in many places.
fn common_name(tls: &SslStream<Bounded<'_>>) -> io::Result<String> {
    let cert = tls.ssl().peer_certificate();
    let cert = cert.ok_or_else(|| io::Error::other("the client has shown no certificate"))?;
    let mut names = cert.subject_name().entries_by_nid(Nid::COMMONNAME);
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name.data().to_string()?),
        _ => Err(io::Error::other("the certificate has not one commonName")),
    }
}

fn is_on_list(name: &str, list: &[u8]) -> bool {
    let mut lines = list.split(|byte| *byte == b'\n');
    lines
        .any(|line| line.strip_suffix(b"\r").unwrap_or(line) == name.as_bytes() && !name.is_empty())
}

/// close_notify.
fn farewell(tls: &mut SslStream<Bounded<'_>>) -> io::Result<()> {
    tls.shutdown().map_err(io::Error::other)?;
    Ok(())
}

/// Ends our half, and throws away for a moment what still comes: to close with bytes unread would be
/// a reset, and a client that writes would see it before it has read the alert.
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
