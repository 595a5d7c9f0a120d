//! # Whoever is on the list ★★
//!
//! A server that asks its clients who they are, and serves those who may. As it stands it asks, and takes
//! no answer for an answer; everybody is greeted by the same name; nobody looks at the list; and who is
//! refused mostly hears that the connection was reset. What chapter 9 has taught stands here already:
//! the handshake in the client's own thread, and its deadline.
//!
//! What is graded, with `ex10_mutual_tls ADDR CERT KEY CA_FILE LIST`:
//! - the server shows the certificate in CERT (PEM) with the key in KEY (PEM, PKCS#8), and speaks TLS 1.2
//!   and TLS 1.3;
//! - a client without a certificate, with one of another CA than that in CA_FILE, or with an expired one
//!   is refused by a fatal alert, and the alert arrives: also at a client that has already written more
//!   than the server has read, and that writes on for half a second before it reads. (A reset is no
//!   alert. Stop writing, and read on until the client's end, for a second at most.);
//! - all others are greeted: `hello CN`, LF, before they have said anything. CN is the subject's one
//!   commonName; its other attributes may hold whatever they like, also `CN=`;
//! - LIST is a file with a CN a line, which ends with LF or CRLF (the last one may lack it). Byte by byte
//!   it is the CN, or it isn't. An empty list: nobody;
//! - whose CN is on the list gets each line back, as it came. A line has at most 1,024 bytes and an LF;
//! - who isn't gets `not allowed`, LF, in answer to the first line, then the end of the TLS stream
//!   (close_notify), then the connection ends;
//! - a client's handshake is done 3 s after the connection was accepted, or the connection ends, however
//!   its bytes drip. (It may be gone after 4 s. A client that needs 2 s is served.);
//! - a client that resumes a session, in either version, is served as well;
//! - nobody is held up meanwhile, not by 20 silent clients, and whatever one client does ends nothing for
//!   the others.
//!
//! `native-tls` can't ask clients for a certificate. The crate `openssl` beneath it can: look for
//! `set_verify` and `set_session_id_context` of its `SslContextBuilder`, and for `peer_certificate`,
//! `subject_name` and `entries_by_nid`.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     echo alice > list.txt
//!     cargo run -p exercises --features tls --bin ex10_mutual_tls 127.0.0.1:7010 certs/server.pem certs/server.key certs/ca.pem list.txt
//!     openssl s_client -connect 127.0.0.1:7010 -CAfile certs/ca.pem -cert certs/alice.pem -key certs/alice.key -quiet
//!     cargo course grade ex10_mutual_tls

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
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509Name;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
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

pub fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key, ca, list]) = (addr, args.as_slice()) else {
        eprintln!("usage: ex10_mutual_tls IP:PORT CERT KEY CA_FILE LIST");
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
    builder.set_verify(SslVerifyMode::PEER);
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
        thread::spawn(move || {
            let (acceptor, list) = &*shared;
            match greet(&stream, acceptor).and_then(|tls| converse(tls, list)) {
                Ok(()) => eprintln!("{peer} closed"),
                Err(err) => eprintln!("{peer} broke off: {err}"),
            }
        });
    }
}

fn greet<'a>(stream: &'a TcpStream, acceptor: &SslAcceptor) -> io::Result<SslStream<Bounded<'a>>> {
    let deadline = Instant::now() + HANDSHAKE;
    let accepted = acceptor.accept(Bounded { stream, deadline });
    accepted.map_err(|err| io::Error::other(format!("no handshake: {err}")))
}

fn converse(mut tls: SslStream<Bounded<'_>>, list: &str) -> io::Result<()> {
    let name = common_name(&tls)?;
    // What stands on the list is nobody's business so far.
    let _list = fs::read(list)?;
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
        lines.get_mut().write_all(&line)?;
    }
    farewell(lines.get_mut())
}

/// Who the client is. A certificate would say it.
fn common_name(tls: &SslStream<Bounded<'_>>) -> io::Result<String> {
    match tls.ssl().peer_certificate() {
        Some(_) => Ok("somebody".to_string()),
        None => Ok("stranger".to_string()),
    }
}

/// close_notify.
fn farewell(tls: &mut SslStream<Bounded<'_>>) -> io::Result<()> {
    tls.shutdown().map_err(io::Error::other)?;
    Ok(())
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
