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

/// The longest record (RFC 8446, section 5.2), without its header of 5 bytes.
const MAX_RECORD: usize = (1 << 14) + 256;

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
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
        let started = listener.accept().and_then(|(client, peer)| {
            thread::Builder::new().spawn(move || {
                if let Err(err) = relay(client, server) {
                    eprintln!("{peer} broke off: {err}");
                }
            })
        });
        if let Err(err) = started {
            eprintln!("cannot accept a client: {err}");
            // Out of descriptors, say: without a pause it would fail again, at full speed.
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Both directions of one connection, to their ends.
fn relay(client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect_timeout(&server, Duration::from_secs(3))?;
    let begun = Instant::now();
    thread::scope(|scope| {
        let outward = || pass_on("client", begun, &client, &server);
        let outward = thread::Builder::new().spawn_scoped(scope, outward)?;
        let inward = pass_on("server", begun, &server, &client);
        inward.and(outward.join().unwrap_or(Ok(())))
    })
}

fn pass_on(who: &str, begun: Instant, mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let seconds = || begun.elapsed().as_secs();
    let prints = |what: &str| say(&format!("{:>3} s  {who}  {what}", seconds()));
    let (mut line, mut buffer) = (Line::default(), vec![0; 64 * 1024]);
    let mut copies = || loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                // Seen first, then sent on: so an answer is never printed before its question.
                let seen = line.hears(&buffer[..n]);
                seen.iter().try_for_each(|what| prints(what))?;
                to.write_all(&buffer[..n])?;
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    };
    if let Err(err) = copies() {
        // Else one end would wait for the other, which has gone, or go on telling it things.
        _ = from.shutdown(Shutdown::Both);
        _ = to.shutdown(Shutdown::Both);
        prints("breaks off")?;
        return Err(err);
    }
    prints("says no more (FIN)")?;
    // Fails where the other end has gone as well.
    _ = to.shutdown(Shutdown::Write);
    Ok(())
}

/// One direction, as an eavesdropper knows it.
#[derive(Default)]
struct Line {
    /// From the first byte on.
    tls: Option<bool>,
    /// What began a record that has not come whole.
    held: Vec<u8>,
    /// From now on handshake messages are encrypted, too.
    encrypted: bool,
}

impl Line {
    /// What is to be seen in these bytes, behind those before.
    fn hears(&mut self, bytes: &[u8]) -> Vec<String> {
        let n = bytes.len();
        // Content type 22, handshake: a control character, with which nothing typed begins.
        if !*self.tls.get_or_insert(bytes[0] == 22) {
            return vec![format!("{n} bytes of plain text: {}", bytes.escape_ascii())];
        }
        self.held.extend_from_slice(bytes);
        let mut seen = Vec::new();
        // A record: content type, version (2 bytes), length (2), and what is in it.
        while let [kind, _, _, high, low, ..] = self.held[..] {
            let n = usize::from(u16::from_be_bytes([high, low]));
            if n > MAX_RECORD {
                self.tls = Some(false);
                seen.push("something that is no TLS record".to_string());
                break;
            }
            if self.held.len() < 5 + n {
                break;
            }
            let record: Vec<u8> = self.held.drain(..5 + n).collect();
            match kind {
                20 => seen.push("change cipher spec: encrypted from here on".to_string()),
                21 => seen.push("an alert: an error, or the last word".to_string()),
                22 if self.encrypted => seen.push("handshake, encrypted".to_string()),
                22 => seen.extend(handshake(&record[5..])),
                23 => seen.push(format!("application data, {n} bytes, encrypted")),
                other => seen.push(format!("a record of type {other}, {n} bytes")),
            }
            self.encrypted |= kind == 20;
        }
        seen
    }
}

/// The handshake messages in a record: each has a type, and a length of three bytes.
fn handshake(mut record: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    while let [kind, rest @ ..] = record {
        record = rest;
        // One that goes on in the next record has more to come than is here.
        let message = cut(&mut record, 3).unwrap_or_else(|| std::mem::take(&mut record));
        seen.push(match kind {
            1 => format!("client hello{}", server_name(message).unwrap_or_default()),
            2 => "server hello".to_string(),
            4 => "session ticket".to_string(),
            // A list of no certificates: its length of three bytes, and nothing behind it.
            11 if message == [0, 0, 0] => "certificate: none, the list is empty".to_string(),
            11 => format!("certificate, readable: {}", common_names(message)),
            12 => "server key exchange".to_string(),
            13 => "certificate request".to_string(),
            14 => "server hello done".to_string(),
            16 => "client key exchange".to_string(),
            other => format!("handshake message {other}"),
        });
    }
    seen
}

/// The name in a client hello (RFC 6066, section 3): behind version and random (34 bytes), session
/// id, cipher suites and compression methods come the extensions; number 0 is the server's name.
fn server_name(hello: &[u8]) -> Option<String> {
    let mut rest = hello.get(34..)?;
    for width in [1, 2, 1] {
        cut(&mut rest, width)?;
    }
    let mut extensions = rest.get(2..)?;
    while let [high, low, rest @ ..] = extensions {
        extensions = rest;
        let body = cut(&mut extensions, 2)?;
        if (*high, *low) == (0, 0) {
            // A list's length, the kind of a name, and the name's length stand before it.
            let name = body.get(5..)?.escape_ascii();
            return Some(format!(", and whom it wants: {name}"));
        }
    }
    None
}

/// The common names in a certificate, the issuer's and the subject's: behind the object identifier
/// 2.5.4.3 stand a string's type, its length, and the string.
fn common_names(certificate: &[u8]) -> String {
    let mut names = Vec::new();
    for at in 0..certificate.len() {
        if let [0x55, 4, 3, _, string @ ..] = &certificate[at..] {
            let name = cut(&mut &*string, 1).unwrap_or_default();
            names.push(name.escape_ascii().to_string());
        }
    }
    names.join(", ")
}

/// Cuts off the front: a length of so many bytes, and then what it counts. The peer chose it, so it
/// may be longer than all that has come.
fn cut<'a>(bytes: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let (number, rest) = bytes.split_at_checked(width)?;
    let length = number.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    let (body, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(body)
}

/// A line on stdout, for whoever waits for it at the other end of a pipe.
fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
