//! The handshake and the wire, by the `openssl` crate.

use super::papers::{cannot, office};
use super::{Agreed, Came, HOST, Paper, Refusal, Signer, Terms, Version, Wire};
use crate::grader::check::Stop;
use crate::grader::client::Ending;
use crate::grader::platform;
use openssl::error::ErrorStack;
use openssl::ssl::{
    self, ErrorCode, NameType, ShutdownState, Ssl, SslContext, SslContextBuilder, SslMethod,
    SslMode, SslRef, SslStream, SslVerifyMode, SslVersion,
};
use openssl::stack::Stack;
use openssl::x509::X509Name;
use openssl::x509::store::X509StoreBuilder;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Where OpenSSL begins to count the alerts that it received, among its reasons for an error.
const ALERTS: i32 = 1000;

/// The number of libssl among OpenSSL's libraries, and of its reasons for an error where two ends have
/// nothing in common: they are the same in OpenSSL 1.1.1 and 3.
const SSL_LIBRARY: i32 = 20;
const NO_PROTOCOLS_AVAILABLE: i32 = 191;
const NO_SHARED_CIPHER: i32 = 193;
const UNSUPPORTED_PROTOCOL: i32 = 258;
const WRONG_SSL_VERSION: i32 = 266;
const VERSION_TOO_LOW: i32 = 396;
const UNEXPECTED_EOF: i32 = 294;

/// An authority's certificate, in PEM.
pub fn authority(signer: Signer) -> Result<Vec<u8>, Stop> {
    let authority = office()?.signer(signer);
    let pem = authority.map(|authority| authority.cert.to_pem());
    pem.unwrap_or(Ok(Vec::new()))
        .map_err(|err| Stop::Broken(cannot(&err)))
}

/// A certificate, with what is sent along, and its key, in PEM.
pub fn files(paper: Paper) -> Result<(Vec<u8>, Vec<u8>), Stop> {
    let made = || {
        let made = office()?.make(&paper).map_err(wrong)?;
        let mut pem = made.cert.to_pem().map_err(wrong)?;
        if let Some(signer) = made.signer {
            pem.extend(signer.to_pem().map_err(wrong)?);
        }
        Ok((pem, made.key.private_key_to_pem_pkcs8().map_err(wrong)?))
    };
    made()
}

fn wrong(err: ErrorStack) -> Stop {
    Stop::Broken(cannot(&err))
}

/// Shakes hands over a wire that doesn't block. What the peer makes of it is no error of ours.
pub fn shake(wire: Box<dyn Wire>, terms: &Terms, serves: bool) -> Result<Came, Stop> {
    let begun = Instant::now();
    let unable = |err: ErrorStack| Stop::Broken(format!("cannot prepare TLS: {err}"));
    let context = context(terms, serves)?;
    let mut ssl = Ssl::new(&context).map_err(unable)?;
    if !serves {
        ssl.set_hostname(HOST).map_err(unable)?;
        ssl.param_mut().set_host(HOST).map_err(unable)?;
    }
    let stream = SslStream::new(ssl, wire).map_err(unable)?;
    Ok(finish(stream, terms, serves, begun))
}

/// A client's session that has ended in order, and can be resumed.
pub struct Session(SslStream<Box<dyn Wire>>);

/// Shakes hands as a client that offers to go on with a session.
pub fn shake_again(wire: Box<dyn Wire>, session: Session, terms: &Terms) -> Result<Came, Stop> {
    let begun = Instant::now();
    let mut stream = session.0;
    *stream.get_mut() = wire;
    // The crate's `set_session` is unsafe. This begins with `SSL_clear`, which keeps a session that has
    // ended in order, and goes on with the handshake; how far it came, `finish` finds out.
    let _ = stream.stateless();
    Ok(finish(stream, terms, false, begun))
}

fn finish(
    mut stream: SslStream<Box<dyn Wire>>,
    terms: &Terms,
    serves: bool,
    begun: Instant,
) -> Came {
    const LOOK: Duration = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    let deadline = Instant::now() + terms.limit;
    let how = loop {
        let step = match serves {
            true => stream.accept(),
            false => stream.connect(),
        };
        match step {
            Ok(()) => break Ok(agreed(stream.ssl())),
            Err(err) => match err.code() {
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE if Instant::now() < deadline => {
                    let writes = err.code() == ErrorCode::WANT_WRITE;
                    let socket = stream.get_ref().socket();
                    let since = Instant::now();
                    platform::wait_ready(socket, !writes, writes, LOOK);
                    // Whoever wakes up later than that was kept from it.
                    waited += since.elapsed().min(LOOK);
                    // One that drips would not notice that the peer has gone before it has done.
                    if writes && has_gone(socket) {
                        break Err(Refusal::End);
                    }
                }
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => break Err(Refusal::Silence),
                _ => break Err(refusal(&err, stream.ssl())),
            },
        }
    };
    let wire = Tls {
        stream,
        broken_by: None,
        failed: how.is_err(),
    };
    Came {
        wire: Box::new(wire),
        how,
        held_up: begun.elapsed() - waited,
    }
}

/// Whether the peer has ended its stream, or reset it, and everything before that was read.
fn has_gone(socket: &TcpStream) -> bool {
    match socket.peek(&mut [0]) {
        Ok(n) => n == 0,
        Err(err) => !matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}

fn context(terms: &Terms, serves: bool) -> Result<SslContext, Stop> {
    let office = office()?;
    let build = || -> Result<SslContext, ErrorStack> {
        let mut context = SslContextBuilder::new(match serves {
            true => SslMethod::tls_server(),
            false => SslMethod::tls_client(),
        })?;
        context.set_mode(SslMode::ENABLE_PARTIAL_WRITE | SslMode::ACCEPT_MOVING_WRITE_BUFFER);
        context.set_min_proto_version(Some(number(terms.oldest)))?;
        context.set_max_proto_version(Some(number(terms.newest)))?;
        // The library's own choice differs between versions, and with it how long a first flight is: one that
        // drips would take twice as long.
        context.set_groups_list("X25519:P-256:P-384:P-521")?;
        if terms.oldest == Version::Tls11 {
            // What else would refuse it is the library of today, not the peer.
            context.set_cipher_list("ALL:@SECLEVEL=0")?;
        }
        if let Some(suites) = terms.suites12 {
            context.set_cipher_list(suites)?;
        }
        if let Some(suites) = terms.suites13 {
            context.set_ciphersuites(suites)?;
        }
        // A client that never reads would meet a reset for the ones it left unread.
        context.set_num_tickets(0)?;
        if let Some(paper) = &terms.paper {
            let made = office.make(paper)?;
            context.set_certificate(&made.cert)?;
            context.set_private_key(&made.key)?;
            if let Some(signer) = made.signer {
                context.add_extra_chain_cert(signer)?;
            }
        }
        if (!serves && terms.verifies) || terms.asks {
            let mut store = X509StoreBuilder::new()?;
            if let Some(ca) = office.signer(Signer::Ca) {
                store.add_cert(ca.cert.clone())?;
                let mut names: Stack<X509Name> = Stack::new()?;
                names.push(ca.cert.subject_name().to_owned()?)?;
                if serves {
                    context.set_client_ca_list(names);
                }
            }
            context.set_cert_store(store.build());
            context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            context.set_session_id_context(b"wireside grader")?;
        }
        Ok(context.build())
    };
    build().map_err(|err| Stop::Broken(format!("cannot prepare TLS: {err}")))
}

fn number(version: Version) -> SslVersion {
    match version {
        Version::Tls11 => SslVersion::TLS1_1,
        Version::Tls12 => SslVersion::TLS1_2,
        Version::Tls13 => SslVersion::TLS1_3,
    }
}

fn agreed(ssl: &SslRef) -> Agreed {
    Agreed {
        version: ssl.version_str().to_string(),
        suite: ssl
            .current_cipher()
            .map_or_else(String::new, |suite| suite.name().to_string()),
        name: ssl.servername(NameType::HOST_NAME).map(String::from),
        resumed: ssl.session_reused(),
    }
}

/// Why a handshake failed, by numbers.
fn refusal(err: &ssl::Error, ssl: &SslRef) -> Refusal {
    let verified = ssl.verify_result().as_raw();
    match (alert(err), err.io_error()) {
        (Some(number), _) => Refusal::Alert(number),
        (None, Some(_)) => Refusal::Reset,
        (None, None) if err.code() == ErrorCode::SYSCALL => Refusal::End,
        (None, None) if verified != 0 => Refusal::Untrusted(verified),
        _ => nothing_in_common(err).unwrap_or(Refusal::Garbled),
    }
}

/// Whether the two ends would have had to speak another TLS.
fn nothing_in_common(err: &ssl::Error) -> Option<Refusal> {
    let errors = err.ssl_error()?.errors().iter();
    errors
        .filter(|error| error.library_code() == SSL_LIBRARY)
        .find_map(|error| match error.reason_code() {
            NO_PROTOCOLS_AVAILABLE | UNSUPPORTED_PROTOCOL | WRONG_SSL_VERSION | VERSION_TOO_LOW => {
                Some(Refusal::NoVersion)
            }
            NO_SHARED_CIPHER => Some(Refusal::NoSuite),
            _ => None,
        })
}

/// The alert that the peer sent, if that is what the error is about.
fn alert(err: &ssl::Error) -> Option<u8> {
    let errors = err.ssl_error()?.errors();
    errors.iter().find_map(|error| {
        let number = error.reason_code() - ALERTS;
        u8::try_from(number).ok()
    })
}

/// Whether it is about the end of the TCP stream: OpenSSL 3 calls that an error of TLS, where it isn't
/// told otherwise.
fn is_cut(err: &ssl::Error) -> bool {
    err.ssl_error().is_some_and(|stack| {
        stack.errors().iter().any(|error| {
            error.library_code() == SSL_LIBRARY && error.reason_code() == UNEXPECTED_EOF
        })
    })
}

/// A wire that encrypts.
struct Tls {
    stream: SslStream<Box<dyn Wire>>,
    /// What the peer sent that leaves nothing to be read or written: an alert, or no TLS.
    broken_by: Option<Ending>,
    /// There was no handshake: of the stream only its end can be told.
    failed: bool,
}

impl Read for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return self.stream.get_mut().read(buffer);
        }
        match self.stream.ssl_read(buffer) {
            Ok(n) => Ok(n),
            Err(err) => match err.code() {
                ErrorCode::ZERO_RETURN => Ok(0),
                ErrorCode::SYSCALL if err.io_error().is_none() => Ok(0),
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Err(ErrorKind::WouldBlock.into()),
                _ if is_cut(&err) => Ok(0),
                code => {
                    if code == ErrorCode::SSL && alert(&err).is_none() {
                        self.broken_by.get_or_insert(Ending::Garbled);
                    }
                    Err(self.broken(err))
                }
            },
        }
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return self.stream.get_mut().write(bytes);
        }
        match self.stream.ssl_write(bytes) {
            Ok(n) => Ok(n),
            Err(err) => match err.code() {
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => Err(ErrorKind::WouldBlock.into()),
                _ => Err(self.broken(err)),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tls {
    fn broken(&mut self, err: ssl::Error) -> io::Error {
        self.broken_by = self.broken_by.or(alert(&err).map(Ending::Alert));
        match (err.into_io_error(), self.broken_by) {
            (Ok(err), _) => err,
            (Err(_), Some(ending)) => io::Error::other(ending.told().1),
            // What a write comes to behind one that has failed.
            (Err(_), None) => ErrorKind::ConnectionReset.into(),
        }
    }
}

impl Wire for Tls {
    fn socket(&self) -> &TcpStream {
        self.stream.get_ref().socket()
    }

    /// close_notify; the connection beneath stays open.
    fn end_writing(&mut self) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        match self.stream.shutdown() {
            Ok(_) => Ok(()),
            Err(err) if matches!(err.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE) => {
                Err(ErrorKind::WouldBlock.into())
            }
            Err(err) => Err(self.broken(err)),
        }
    }

    fn says_goodbye(&mut self) -> io::Result<()> {
        match self.stream.get_shutdown().contains(ShutdownState::SENT) {
            true => Ok(()),
            false => self.end_writing(),
        }
    }

    fn farewell(&self) -> &'static str {
        if self.failed { "" } else { "close_notify" }
    }

    fn ending(&mut self) -> Option<Ending> {
        if self.failed || self.broken_by.is_some() {
            return self.broken_by;
        }
        // OpenSSL takes a fatal alert for one, too: that has broken it by then.
        let heard = self.stream.get_shutdown().contains(ShutdownState::RECEIVED);
        heard.then_some(Ending::Goodbye)
    }

    fn into_session(self: Box<Self>) -> Option<Session> {
        (!self.failed).then_some(Session(self.stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A second and a half before the first byte.
    const LATE: Duration = Duration::from_millis(1_500);

    /// What the machine keeps from writing for a while.
    struct HeldUp(TcpStream, bool);

    impl Read for HeldUp {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for HeldUp {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::take(&mut self.1) {
                thread::sleep(LATE);
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Wire for HeldUp {
        fn socket(&self) -> &TcpStream {
            &self.0
        }

        fn end_writing(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The two ends of a connection, when the keys have been made: that takes its time, once.
    fn connected() -> (TcpStream, TcpStream) {
        assert!(office().is_ok());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        for stream in [&stream, &peer] {
            stream.set_nonblocking(true).unwrap();
        }
        (stream, peer)
    }

    /// A client and a server that have shaken hands.
    fn a_pair(version: Version) -> (Box<dyn Wire>, Box<dyn Wire>) {
        let (stream, peer) = connected();
        let terms = Terms {
            oldest: version,
            newest: version,
            ..Terms::CLIENT
        };
        let client = thread::spawn(move || shake(Box::new(stream), &terms, false).ok().unwrap());
        let served = shake(Box::new(peer), &Terms::SERVER, true).ok().unwrap();
        let client = client.join().unwrap();
        assert!(served.how.is_ok() && client.how.is_ok());
        (client.wire, served.wire)
    }

    /// Reads until it ends: with what, and how the wire calls that.
    fn read_to_its_end(wire: &mut dyn Wire) -> (io::Result<usize>, Option<Ending>) {
        loop {
            let read = wire.read(&mut [0; 64]);
            match &read {
                Ok(n) if *n > 0 => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    platform::wait_ready(wire.socket(), true, false, Duration::from_secs(1));
                }
                _ => return (read, wire.ending()),
            }
        }
    }

    #[test]
    fn close_notify_is_told_from_a_fin_and_neither_is_a_reset() {
        for version in [Version::Tls12, Version::Tls13] {
            let (mut client, mut server) = a_pair(version);
            assert_eq!(client.ending(), None);
            server.end_writing().unwrap();
            let (read, ending) = read_to_its_end(&mut *client);
            assert_eq!((read.ok(), ending), (Some(0), Some(Ending::Goodbye)));

            let (mut client, server) = a_pair(version);
            server.socket().shutdown(std::net::Shutdown::Both).unwrap();
            let (read, ending) = read_to_its_end(&mut *client);
            assert_eq!((read.ok(), ending), (Some(0), None));
        }
    }

    #[test]
    fn plain_bytes_beneath_tls_are_garbled_and_the_peer_hears_an_alert() {
        for version in [Version::Tls12, Version::Tls13] {
            let (mut client, mut server) = a_pair(version);
            let mut beneath = server.socket();
            beneath.write_all(b"HTTP/1.0 400 Bad Request\r\n").unwrap();
            let (read, ending) = read_to_its_end(&mut *client);
            assert!(read.is_err());
            assert_eq!(ending, Some(Ending::Garbled));
            // That is what OpenSSL answers to it: 10, or 70.
            let (read, ending) = read_to_its_end(&mut *server);
            assert!(read.is_err());
            assert!(matches!(ending, Some(Ending::Alert(_))), "{ending:?}");
            // It has broken both directions, and stays what it was.
            assert!(server.write(b"x").is_err());
            assert!(matches!(server.ending(), Some(Ending::Alert(_))));
        }
    }

    #[test]
    fn an_alert_keeps_its_number() {
        // Under TLS 1.3 a client has shaken hands when it is refused.
        let (stream, peer) = connected();
        let asks = Terms {
            asks: true,
            ..Terms::SERVER
        };
        let server = thread::spawn(move || shake(Box::new(peer), &asks, true).ok().unwrap());
        let mut client = shake(Box::new(stream), &Terms::CLIENT, false).ok().unwrap();
        assert!(client.how.is_ok() && server.join().unwrap().how.is_err());
        let (read, ending) = read_to_its_end(&mut *client.wire);
        assert!(read.is_err());
        assert_eq!(ending, Some(Ending::Alert(116)));
    }

    #[test]
    fn a_handshake_tells_what_was_our_own_time_and_what_the_peer_s() {
        let (stream, peer) = connected();
        let late =
            thread::spawn(move || shake(Box::new(HeldUp(stream, true)), &Terms::CLIENT, false));
        let served = shake(Box::new(peer), &Terms::SERVER, true).ok().unwrap();
        let late = late.join().unwrap().ok().unwrap();
        assert!(served.how.is_ok() && late.how.is_ok());
        assert!(late.held_up >= LATE, "{:?}", late.held_up);
        // Its own part is some milliseconds; that it waited as long is the peer's doing.
        assert!(served.held_up < LATE, "{:?}", served.held_up);
    }
}
