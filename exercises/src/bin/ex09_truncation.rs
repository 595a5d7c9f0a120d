//! # Cut short, or finished? ★★★
//!
//! A client is sent one message over TLS, and prints it. As it stands it prints whatever had come when
//! the stream ended, and calls it success. Nobody can change a byte of TLS unseen. But anybody on the
//! way can end the connection beneath it, and half a contract may say the opposite of the whole.
//!
//! TLS has a last word against that, close_notify. native-tls doesn't tell: its `read` returns `Ok(0)`
//! with that word and without. Nor does it matter much, since many a server forgets it. The message must
//! say itself where it ends, and a frame does.
//!
//! What is graded:
//! - `ex09_truncation ADDR CA_FILE HOST` connects to ADDR and speaks TLS with the server called HOST, whose
//!   certificate is signed by the CA in CA_FILE. It sends nothing;
//! - the server sends one frame: a `u32`, big-endian, and so many bytes of any kind, 0 to 1,048,576. Its
//!   payload, and nothing besides, goes to stdout, as soon or as late as you like, but only when it has
//!   come whole. The exit status is 0 then, whether the server ends with close_notify or without;
//! - a stream that ends inside the frame, with close_notify or without: stdout stays empty, stderr has
//!   `truncated after N of M bytes`, exit status 1. In the length it is N of 4; in the payload, so many
//!   bytes of the payload;
//! - a stream that ends before its first byte: stdout stays empty, exit status 1.
//!
//! By hand, with OpenSSL's own server as the one that is cut off:
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     (printf '\0\0\0\13hello'; sleep 1) | openssl s_server -quiet -naccept 1 -accept 7009 -cert certs/server.pem -key certs/server.key
//!     cargo run -p exercises --features tls --bin ex09_truncation 127.0.0.1:7009 certs/ca.pem localhost
//!     cargo course grade ex09_truncation

use native_tls::{Certificate, Protocol, TlsConnector, TlsStream};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

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
        eprintln!("usage: ex09_truncation IP:PORT CA_FILE HOST");
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
    let mut message = Vec::new();
    tls.read_to_end(&mut message)?;
    let mut stdout = io::stdout();
    // Behind the length.
    stdout.write_all(message.get(4..).unwrap_or_default())?;
    stdout.flush()
}
