//! What does somebody see who sits on the line?
//!
//! A relay between a client and a server. It changes nothing, and prints what went by: of plain text
//! the text, of TLS the records. A record says in five bytes what it is and how long; the handshake's
//! first messages are in the clear, and this program reads names out of them. Everything behind them
//! is encrypted. What is left to see then: who talks to whom, when, how often, and how much.
//!
//!     cargo run --bin ch04_frame_server 127.0.0.1:7004                       # terminal 1
//!     cargo run --bin ch09_wiretap 127.0.0.1:7010 127.0.0.1:7004             # terminal 2
//!     printf 'password: swordfish\n' | cargo run --bin ch04_frame_client 127.0.0.1:7010
//!
//! Then the same with `ch09_tls_server` and `ch09_tls_client`. All this on loopback and between your
//! own programs: to listen to others is a crime nearly everywhere.
//!
//! What it still gets wrong: it takes a connection for TLS by its first byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// The longest record (RFC 8446, section 5.2), with its header.
const MAX_RECORD: usize = 5 + (1 << 14) + 256;

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let addrs: Vec<SocketAddr> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let ([addr, server], 2) = (addrs.as_slice(), args.len()) else {
        eprintln!("usage: ch09_wiretap IP:PORT SERVER_IP:PORT");
        return ExitCode::from(2);
    };
    if let Err(err) = TcpListener::bind(addr).and_then(|listener| serve(listener, *server)) {
        eprintln!("cannot listen in on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn serve(listener: TcpListener, server: SocketAddr) -> io::Result<()> {
    say(&format!("listening on {}", listener.local_addr()?))?;
    loop {
        let (client, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                eprintln!("cannot accept a client: {err}");
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        thread::spawn(move || {
            if let Err(err) = relay(client, server) {
                eprintln!("{peer} broke off: {err}");
            }
        });
    }
}

/// Both directions of one connection, to their ends.
fn relay(client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect_timeout(&server, Duration::from_secs(3))?;
    let begun = Instant::now();
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let outward = thread::spawn(move || copy(&from, &to, Tap::new("client", begun)));
    let inward = copy(&server, &client, Tap::new("server", begun));
    let outward = outward
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("panicked")));
    inward.and(outward)
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, mut tap: Tap) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                // Seen first, then sent on: so an answer is never printed before its question.
                tap.sees(&buffer[..n])?;
                if let Err(err) = to.write_all(&buffer[..n]) {
                    // Nobody is there to read it. The sender is not to go on.
                    _ = from.shutdown(Shutdown::Both);
                    tap.prints("breaks off")?;
                    return Err(err);
                }
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => {
                // The other direction must not wait for somebody who has gone.
                _ = to.shutdown(Shutdown::Both);
                tap.prints("breaks off")?;
                return Err(err);
            }
        }
    }
    tap.prints("says no more (FIN)")?;
    // Fails where the other end has gone as well.
    _ = to.shutdown(Shutdown::Write);
    Ok(())
}

/// One direction, as an eavesdropper sees it.
struct Tap {
    who: &'static str,
    begun: Instant,
    /// What began a record that has not come whole.
    held: Vec<u8>,
    tls: Option<bool>,
    /// From now on handshake messages are encrypted, too.
    encrypted: bool,
}

impl Tap {
    fn new(who: &'static str, begun: Instant) -> Tap {
        let held = Vec::new();
        Tap {
            who,
            begun,
            held,
            tls: None,
            encrypted: false,
        }
    }

    fn prints(&self, what: &str) -> io::Result<()> {
        say(&format!(
            "{:>3} s  {}  {what}",
            self.begun.elapsed().as_secs(),
            self.who
        ))
    }

    fn sees(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Content type 22, handshake, and the first byte of a version: nothing typed begins so.
        if !*self.tls.get_or_insert(bytes[0] == 0x16) {
            let text = bytes.escape_ascii();
            return self.prints(&format!("{} bytes of plain text: {text}", bytes.len()));
        }
        self.held.extend_from_slice(bytes);
        while let Some(header) = self.held.first_chunk::<5>() {
            let length = 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
            if length > MAX_RECORD {
                self.tls = Some(false);
                return self.prints("something that is no TLS record");
            }
            if self.held.len() < length {
                break;
            }
            let record: Vec<u8> = self.held.drain(..length).collect();
            self.record(record[0], &record[5..])?;
        }
        Ok(())
    }

    /// One record, by its content type (RFC 8446, section 5.1).
    fn record(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let n = body.len();
        match kind {
            20 => {
                self.encrypted = true;
                self.prints("change cipher spec: encrypted from here on")
            }
            21 => self.prints("an alert: an error, or the last word"),
            22 if self.encrypted => self.prints("handshake, encrypted"),
            22 => self.handshake(body),
            23 => self.prints(&format!("application data, {n} bytes, encrypted")),
            other => self.prints(&format!("a record of type {other}, {n} bytes")),
        }
    }

    /// The handshake messages in a record, each with a type and a length of three bytes.
    fn handshake(&self, mut body: &[u8]) -> io::Result<()> {
        while let [kind, a, b, c, rest @ ..] = body {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            let message = &rest[..length.min(rest.len())];
            body = &rest[message.len()..];
            self.prints(&match kind {
                1 => match server_name(message) {
                    Some(name) => format!("client hello, and whom it wants: {name}"),
                    None => "client hello".to_string(),
                },
                2 => "server hello".to_string(),
                4 => "session ticket".to_string(),
                11 => format!(
                    "certificate, readable: {}",
                    common_names(message).join(", ")
                ),
                12 => "server key exchange".to_string(),
                13 => "certificate request".to_string(),
                14 => "server hello done".to_string(),
                16 => "client key exchange".to_string(),
                other => format!("handshake message {other}"),
            })?;
        }
        Ok(())
    }
}

/// The name in a client hello (RFC 6066, section 3): behind version and random (34 bytes), session
/// id, cipher suites and compression methods come the extensions; number 0 is the server's name.
fn server_name(hello: &[u8]) -> Option<String> {
    let mut rest = hello.get(34..)?;
    for width in [1, 2, 1] {
        let length = number(rest, width)?;
        rest = rest.get(width + length..)?;
    }
    let mut extensions = rest.get(2..)?;
    while let (Some(kind), Some(length)) = (number(extensions, 2), number(extensions.get(2..)?, 2))
    {
        let body = extensions.get(4..4 + length)?;
        if kind == 0 {
            // A list's length, the kind of a name, and the name's length stand before it.
            return body.get(5..).map(|name| name.escape_ascii().to_string());
        }
        extensions = extensions.get(4 + length..)?;
    }
    None
}

/// The common names in a certificate, the subject's and the issuer's: behind the object identifier
/// 2.5.4.3 stand a string's type and length.
fn common_names(certificate: &[u8]) -> Vec<String> {
    let starts = certificate
        .windows(3)
        .enumerate()
        .filter(|(_, three)| three == b"\x55\x04\x03");
    let name = |(at, _): (usize, &[u8])| {
        let length = usize::from(*certificate.get(at + 4)?);
        let name = certificate.get(at + 5..at + 5 + length)?;
        Some(name.escape_ascii().to_string())
    };
    starts.filter_map(name).collect()
}

/// A big-endian number of so many bytes.
fn number(bytes: &[u8], width: usize) -> Option<usize> {
    let bytes = bytes.get(..width)?;
    Some(bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
}

/// A line on stdout, for whoever waits for it at the other end of a pipe.
fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
