//! # Haven't we met? ★★★
//!
//! A client that comes again can leave out the certificates and their signature: it shows what it was
//! given the first time, a ticket, which the server has sealed with a key that only the server has. As it
//! stands the server has met nobody before, and couldn't tell if it had.
//!
//! What is graded, with `ex10_resume ADDR CERT KEY`:
//! - the server shows the certificate in CERT (PEM) with the key in KEY (PEM, PKCS#8), and speaks TLS 1.2
//!   and TLS 1.3;
//! - it says, before the client has said anything, `new`, LF, in a session that has begun with this
//!   connection, and `resumed`, LF, in one that goes on;
//! - then it reads to the end of the client's TLS stream, whatever comes and however late, ends its own
//!   (close_notify), and then the connection;
//! - a session can be resumed for 60 s at least, and any number of times, in both versions: by tickets or by
//!   what the server remembers. (The grader's clients read what they are sent, and end their streams in
//!   order, before they come again.);
//! - a client that says nothing holds nobody up, and whatever one client does ends nothing for the others.
//!
//! The crate `openssl` does all of it, unless it is kept from it. What keeps the key of the tickets? A
//! connection's `ssl()` knows `session_reused`.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     cargo run -p exercises --features tls --bin ex10_resume 127.0.0.1:7010 certs/server.pem certs/server.key
//!     openssl s_client -connect 127.0.0.1:7010 -tls1_2 -sess_out session.pem      # then -sess_in session.pem
//!     cargo course grade ex10_resume

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
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// For the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For the rest.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key]) = (addr, args.as_slice()) else {
        eprintln!("usage: ex10_resume IP:PORT CERT KEY");
        return ExitCode::from(2);
    };
    let served = acceptor(cert, key)
        .map_err(io::Error::other)
        // That much for a try: the server would rather know now than at the first client.
        .and_then(|_| serve(TcpListener::bind(addr)?, cert, key));
    if let Err(err) = served {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn acceptor(cert: &str, key: &str) -> Result<SslAcceptor, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.check_private_key()?;
    Ok(builder.build())
}

fn serve(listener: TcpListener, cert: &str, key: &str) -> io::Result<()> {
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
        // So a renewed certificate is shown to the next client already.
        let Ok(acceptor) = acceptor(cert, key) else {
            continue;
        };
        thread::spawn(move || match converse(&stream, &acceptor) {
            Ok(word) => eprintln!("{peer} closed: it was {word}"),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
    }
}

/// One client: the word that it was told.
fn converse(stream: &TcpStream, acceptor: &SslAcceptor) -> io::Result<&'static str> {
    let deadline = Instant::now() + HANDSHAKE;
    let accepted = acceptor.accept(Bounded { stream, deadline });
    let mut tls = accepted.map_err(|err| io::Error::other(format!("no handshake: {err}")))?;
    tls.get_mut().deadline = Instant::now() + PATIENCE;
    let word = "new";
    tls.write_all(format!("{word}\n").as_bytes())?;
    io::copy(&mut tls, &mut io::sink())?;
    Ok(word)
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
