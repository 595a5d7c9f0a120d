//! # Frames over TLS ★★
//!
//! The frame server of chapter 4, in an envelope. As it stands it serves one client well. But it shakes
//! hands where it accepts: while one client says nothing, all others wait; the first one whose
//! handshake fails ends the server; and nobody is ever told that his time is over.
//!
//! What is graded:
//! - `ex09_tls_echo ADDR CERT KEY` shows the certificate in CERT (PEM) with the key in KEY (PEM, PKCS#8).
//!   TLS 1.2 suffices, newer is welcome;
//! - a frame is a `u32`, big-endian, and so many bytes, 0 to 1,048,576. Each comes back as it came,
//!   however it was cut on its way, and before the client need say more;
//! - a longer length is answered by one frame, `error: frame too long`, and by the end of the TLS stream
//!   (close_notify);
//! - a client that ends its TLS stream gets everything back that it sent, then close_notify, then the
//!   connection ends;
//! - a client's handshake is done 3 s after the connection was accepted, or the connection ends: however
//!   its bytes drip, and also when it sends plain text (which may be answered by some), or nothing. (The
//!   connection may be gone after 4 s. A client that needs 2 s is served.);
//! - a frame is there 10 s after its first byte, or the connection ends (12 s are in time). Between frames
//!   a client may say nothing for 30 s; then the connection ends (33 s are in time);
//! - nobody is held up meanwhile, not by 20 silent clients, and whatever one client does ends nothing for
//!   the others.
//!
//! A read timeout lets a peer live who sends one byte now and then. What works is a stream of your own
//! around `TcpStream` that computes what is left of a deadline before every read and write, with TLS on
//! top: `TlsAcceptor::accept` takes whatever reads and writes. `get_mut` reaches it later.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     cargo run -p exercises --features tls --bin ex09_tls_echo 127.0.0.1:7009 certs/server.pem certs/server.key
//!     echo hello | cargo run --features tls --bin ch09_tls_client 127.0.0.1:7009 certs/ca.pem localhost
//!     cargo course grade ex09_tls_echo

use native_tls::{Identity, Protocol, TlsAcceptor, TlsStream};
use std::io::ErrorKind::{Interrupted, UnexpectedEof};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, thread};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key]) = (addr, args.as_slice()) else {
        eprintln!("usage: ex09_tls_echo IP:PORT CERT KEY");
        return ExitCode::from(2);
    };
    let served = acceptor(cert, key).and_then(|acceptor| serve(TcpListener::bind(addr)?, acceptor));
    if let Err(err) = served {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn acceptor(cert: &str, key: &str) -> io::Result<TlsAcceptor> {
    let identity = Identity::from_pkcs8(&fs::read(cert)?, &fs::read(key)?);
    let mut builder = TlsAcceptor::builder(identity.map_err(io::Error::other)?);
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    builder.build().map_err(io::Error::other)
}

fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
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
        let tls = acceptor.accept(stream).map_err(io::Error::other)?;
        thread::spawn(move || match converse(tls) {
            Ok(n) => eprintln!("{peer} closed after {n} frames"),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
    }
}

/// One client: how many frames went back.
fn converse(mut tls: TlsStream<TcpStream>) -> io::Result<u64> {
    let mut frame = Vec::new();
    let mut echoed = 0;
    loop {
        frame.resize(HEADER, 0);
        match fill(&mut tls, &mut frame)? {
            HEADER => {}
            0 => return Ok(echoed),
            n => return Err(truncated(n, HEADER)),
        }
        let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other(format!("a frame of {length} bytes")));
        }
        frame.resize(HEADER + length, 0);
        let n = fill(&mut tls, &mut frame[HEADER..])?;
        if n < length {
            return Err(truncated(n, length));
        }
        // TCP's `write` took it all, so far.
        let _ = tls.write(&frame)?;
        echoed += 1;
    }
}

/// Fills `space`, unless the stream ends before: how many bytes came.
fn fill(stream: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < space.len() {
        match stream.read(&mut space[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(err) if err.kind() == Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}

fn truncated(n: usize, of: usize) -> io::Error {
    io::Error::new(UnexpectedEof, format!("truncated after {n} of {of} bytes"))
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
