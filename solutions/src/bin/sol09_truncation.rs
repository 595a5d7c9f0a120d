//! # Cut short, or finished? A solution
//!
//! The length comes first, so the client knows how much is due before any of it is there. What came is
//! counted and compared, and printed after that. How the stream ends then is nobody's concern.
//!
//!     cargo run -p solutions --features tls --bin sol09_truncation 127.0.0.1:7009 certs/ca.pem localhost

use native_tls::{Certificate, Protocol, TlsConnector, TlsStream};
use std::io::ErrorKind::{Interrupted, InvalidData, UnexpectedEof};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
/// For connecting, and for each read.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, ca, host]) = (addr, args.as_slice()) else {
        eprintln!("usage: sol09_truncation IP:PORT CA_FILE HOST");
        return ExitCode::from(2);
    };
    match connect(addr, ca, host).and_then(receive) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("no message from {host} at {addr}: {err}");
            ExitCode::FAILURE
        }
    }
}

fn connect(addr: SocketAddr, ca: &str, host: &str) -> io::Result<TlsStream<TcpStream>> {
    let ca = Certificate::from_pem(&fs::read(ca)?).map_err(io::Error::other)?;
    let connector = TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(ca)
        .min_protocol_version(Some(Protocol::Tlsv12))
        .build()
        .map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    // For each read. A deadline would be better: `ex09_trust` has one.
    stream.set_read_timeout(Some(PATIENCE))?;
    let connected = connector.connect(host, stream);
    connected.map_err(|err| io::Error::other(format!("no handshake: {err}")))
}

/// The message, to stdout.
fn receive(mut tls: TlsStream<TcpStream>) -> io::Result<()> {
    let mut header = [0; HEADER];
    match fill(&mut tls, &mut header)? {
        HEADER => {}
        0 => {
            return Err(io::Error::new(
                UnexpectedEof,
                "the server ended without a word",
            ));
        }
        n => return Err(truncated(n, HEADER)),
    }
    let length = u32::from_be_bytes(header) as usize;
    if length > MAX_FRAME {
        let wrong = format!("frame too long: {length} bytes");
        return Err(io::Error::new(InvalidData, wrong));
    }
    let mut message = vec![0; length];
    let n = fill(&mut tls, &mut message)?;
    if n < length {
        return Err(truncated(n, length));
    }
    // The last word. Who has gone already doesn't need it.
    _ = tls.shutdown();
    let mut stdout = io::stdout();
    stdout.write_all(&message)?;
    stdout.flush()
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
