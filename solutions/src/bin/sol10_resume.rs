//! # Haven't we met: a solution
//!
//! One context for all clients: it holds the key with which tickets are sealed. What it seals today it
//! must be able to open tomorrow.
//!
//!     cargo run -p solutions --features tls --bin sol10_resume 127.0.0.1:7010 certs/server.pem certs/server.key

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
        eprintln!("usage: sol10_resume IP:PORT CERT KEY");
        return ExitCode::from(2);
    };
    let served = acceptor(cert, key)
        .map_err(io::Error::other)
        .and_then(|acceptor| serve(TcpListener::bind(addr)?, acceptor));
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
        // A clone is another handle on the same context, and so on the same keys.
        let acceptor = acceptor.clone();
        // `thread::spawn` would panic where the system has no thread left.
        let started = thread::Builder::new().spawn(move || match converse(&stream, &acceptor) {
            Ok(word) => eprintln!("{peer} closed: it was {word}"),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

/// One client: the word that it was told.
fn converse(stream: &TcpStream, acceptor: &SslAcceptor) -> io::Result<&'static str> {
    let deadline = Instant::now() + HANDSHAKE;
    let accepted = acceptor.accept(Bounded { stream, deadline });
    let mut tls = accepted.map_err(|err| io::Error::other(format!("no handshake: {err}")))?;
    tls.get_mut().deadline = Instant::now() + PATIENCE;
    let word = match tls.ssl().session_reused() {
        true => "resumed",
        false => "new",
    };
    tls.write_all(format!("{word}\n").as_bytes())?;
    io::copy(&mut tls, &mut io::sink())?;
    // The last word (close_notify).
    tls.shutdown().map_err(io::Error::other)?;
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
