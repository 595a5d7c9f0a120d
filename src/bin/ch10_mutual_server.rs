//! Who are you, and what may you do?
//!
//! The first is a question of authentication. The client's certificate answers it, in the handshake:
//! this server insists on one that its CA has signed. The second is one of authorization. A list
//! answers it, which says of each name what it may do with the one line of text that the server keeps.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     printf 'alice read write\nbob read\n' > certs/list.txt
//!     cargo run --features tls --bin ch10_mutual_server 127.0.0.1:7010 certs/server.pem certs/server.key certs/ca.pem certs/list.txt
//!     cargo run --features tls --bin ch10_mutual_client 127.0.0.1:7010 certs/ca.pem localhost 1.3 certs/alice.pem certs/alice.key
//!
//! What it still gets wrong: a key that was stolen is good until its certificate expires. To take a
//! name off the list helps here; where there is no list, revocation lists (CRL) and OCSP are to help.

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{HandshakeError, SslAcceptor, SslFiletype};
use openssl::ssl::{SslMethod, SslStream, SslVerifyMode};
use openssl::x509::{X509Name, X509VerifyResult};
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// For the handshake, however its bytes drip.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// For a line, with the wait for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// For whoever was refused to notice it.
const LINGER: Duration = Duration::from_secs(1);
/// The longest line. The peer chooses its length.
const MAX_LINE: u64 = 1024;

/// What all clients share.
struct House {
    acceptor: SslAcceptor,
    list: String,
    text: Mutex<Vec<u8>>,
}

pub fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key, ca, list]) = (addr, args.as_slice()) else {
        eprintln!("usage: ch10_mutual_server IP:PORT CERT KEY CA_FILE LIST");
        return ExitCode::from(2);
    };
    let house = acceptor([cert, key, ca]).map(|acceptor| House {
        acceptor,
        list: list.clone(),
        text: Mutex::default(),
    });
    match house.map(|house| serve(TcpListener::bind(addr)?, Arc::new(house))) {
        Err(err) => eprintln!("cannot use {cert}, {key} and {ca}: {err}"),
        Ok(Err(err)) => eprintln!("cannot serve on {addr}: {err}"),
        Ok(Ok(())) => {}
    }
    ExitCode::FAILURE
}

// ANCHOR: acceptor
fn acceptor(files: [&str; 3]) -> Result<SslAcceptor, ErrorStack> {
    let [cert, key, ca] = files;
    // TLS 1.2 and 1.3, and the suites that Mozilla recommends.
    let server = SslMethod::tls_server();
    let mut builder = SslAcceptor::mozilla_intermediate_v5(server)?;
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.check_private_key()?;
    // Whose signature counts, and whose a client is asked for.
    builder.set_ca_file(ca)?;
    builder.set_client_ca_list(X509Name::load_client_ca_file(ca)?);
    // PEER alone asks, and lets in who shows nothing.
    let insist = SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    builder.set_verify(SslVerifyMode::PEER | insist);
    // Without it, who resumes a session is refused.
    builder.set_session_id_context(b"ch10_mutual_server")?;
    Ok(builder.build())
}
// ANCHOR_END: acceptor

fn serve(listener: TcpListener, house: Arc<House>) -> io::Result<()> {
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    io::stdout().flush()?;
    loop {
        let started = listener.accept().and_then(|(stream, peer)| {
            eprintln!("{peer} connected");
            let house = Arc::clone(&house);
            // (`thread::spawn` panics where the system has no thread left.)
            thread::Builder::new().spawn(move || {
                let greeted = greet(&stream, &house.acceptor);
                match greeted.and_then(|tls| converse(tls, &house, peer)) {
                    Ok(name) => eprintln!("{peer} closed, {name}"),
                    Err(err) => eprintln!("{peer} broke off: {err}"),
                }
                linger(&stream);
            })
        });
        if let Err(err) = started {
            eprintln!("cannot accept a client: {err}");
            // Out of descriptors, say: without a pause it would fail again, at full speed.
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The handshake.
fn greet<'a>(stream: &'a TcpStream, acceptor: &SslAcceptor) -> io::Result<SslStream<Timed<'a>>> {
    let deadline = Deadline::after(HANDSHAKE);
    let accepted = acceptor.accept(Timed { stream, deadline });
    accepted.map_err(|err| match err {
        HandshakeError::SetupFailure(why) => why.into(),
        HandshakeError::Failure(met) | HandshakeError::WouldBlock(met) => {
            let why = format!("no handshake: {}", met.error());
            match met.ssl().verify_result() {
                X509VerifyResult::OK => io::Error::other(why),
                verified => io::Error::other(format!("{why} ({verified})")),
            }
        }
    })
}

// ANCHOR: converse
/// One client, to the end of its stream: who it was.
fn converse(tls: SslStream<Timed<'_>>, house: &House, peer: SocketAddr) -> io::Result<String> {
    let name = common_name(&tls)?;
    // Read for each client: who is taken off the list is out.
    let list = fs::read_to_string(&house.list)
        .map_err(|err| io::Error::other(format!("cannot read {}: {err}", house.list)))?;
    let may = rights(&name, &list);
    eprintln!("{peer} is {name}, who may: {}", may.join(", "));
    let mut lines = BufReader::new(tls);
    let mut reply = format!("hello {name}\n").into_bytes();
    let mut line = Vec::new();
    loop {
        lines.get_mut().get_mut().deadline = Deadline::after(PATIENCE);
        lines.get_mut().write_all(&reply)?;
        line.clear();
        let mut limited = lines.by_ref().take(MAX_LINE);
        limited.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            break; // the end of the stream, or a line too long
        }
        reply = answer(&line, &name, &may, &house.text);
    }
    // The last word (close_notify).
    lines.get_mut().shutdown().map_err(io::Error::other)?;
    Ok(name)
}
// ANCHOR_END: converse

// ANCHOR: answer
/// `read`, or `write TEXT`, if the list lets `name` do that.
fn answer(line: &[u8], name: &str, may: &[String], text: &Mutex<Vec<u8>>) -> Vec<u8> {
    let space = line.iter().position(|byte| *byte == b' ');
    let (verb, rest) = line.split_at(space.unwrap_or(line.len()));
    let verb = String::from_utf8_lossy(verb);
    let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
    match &*verb {
        "read" | "write" if !may.iter().any(|right| *right == verb) => {
            format!("error: {name} may not {verb}\n").into_bytes()
        }
        "read" => [&text[..], b"\n"].concat(),
        "write" => {
            *text = rest.strip_prefix(b" ").unwrap_or(rest).to_vec();
            b"written\n".to_vec()
        }
        _ => b"error: read, or write TEXT\n".to_vec(),
    }
}
// ANCHOR_END: answer

// ANCHOR: common_name
/// The subject's one commonName. As a text the subject may hold `CN=` in
/// many places: an organization may call itself `x, CN=alice`.
fn common_name(tls: &SslStream<Timed<'_>>) -> io::Result<String> {
    let cert = tls.ssl().peer_certificate();
    let cert = cert.ok_or_else(|| io::Error::other("no certificate"))?;
    let mut names = cert.subject_name().entries_by_nid(Nid::COMMONNAME);
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name.data().to_string()?),
        _ => Err(io::Error::other("a certificate without one commonName")),
    }
}

/// What stands behind the name on the list: `alice read write`.
fn rights(name: &str, list: &str) -> Vec<String> {
    let mut lines = list.lines().map(str::split_whitespace);
    let own = lines.find_map(|mut words| (words.next()? == name).then_some(words));
    own.into_iter().flatten().map(String::from).collect()
}
// ANCHOR_END: common_name

// ANCHOR: linger
/// Ends our half, and throws away for a moment what still comes. To close
/// with bytes unread would be a reset, and whoever still writes would meet
/// that in place of the alert.
fn linger(stream: &TcpStream) {
    let deadline = Deadline::after(LINGER);
    if stream.shutdown(Shutdown::Write).is_ok() {
        _ = io::copy(&mut Timed { stream, deadline }, &mut io::sink());
    }
}
// ANCHOR_END: linger

// as in ch05
/// The moment at which it is over, for all calls together.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(budget: Duration) -> Deadline {
        Deadline(Instant::now() + budget)
    }

    /// What is left of the budget. Never zero: as a timeout that would
    /// be an error.
    pub fn left(self) -> io::Result<Duration> {
        match self.0.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(TimedOut.into()),
            left => Ok(left),
        }
    }
}

/// A stream none of whose calls outlives the deadline.
pub struct Timed<'a> {
    pub stream: &'a TcpStream,
    pub deadline: Deadline,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A timeout that has passed is `WouldBlock` on Linux and macOS,
/// `TimedOut` on Windows. Here it is `TimedOut`.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock => TimedOut.into(),
        _ => err,
    }
}
// end of ch05
