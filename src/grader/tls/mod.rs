//! TLS on the grader's side: peers with any certificate, version, cut and drip.
//!
//! A conversation begins as a [`Client`] over TCP, and goes on over TLS: [`Client::shows_papers`] makes
//! the grader's end the server, [`Client::asks_for_papers`] the client. The verbs stay the same. What
//! becomes of a handshake is told by a verify code and an alert's number, never by OpenSSL's words,
//! which differ between its versions.
//!
//! Certificates are made when the first check asks for one, and die with the process. All of this
//! needs the feature `tls`, and Linux; elsewhere a check that asks for it is skipped, and says why.

#[cfg(all(feature = "tls", target_os = "linux"))]
mod engine;
#[cfg(all(feature = "tls", target_os = "linux"))]
mod papers;
mod verbs;
#[cfg(not(all(feature = "tls", target_os = "linux")))]
mod without;

#[cfg(all(feature = "tls", target_os = "linux"))]
use engine as how;
#[cfg(not(all(feature = "tls", target_os = "linux")))]
use without as how;

pub use how::Session;
pub use verbs::is_spoken_here;

use super::check::{Stop, broken};
use super::client::{Client, Wire};
use super::program::PATIENCE;
use super::stage::Stage;
use super::transcript::What;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// The name that the grader's servers have, and its clients ask for. `.test` is nobody's (RFC 6761).
pub const HOST: &str = "server.wireside.test";

/// Who has signed a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The CA that [`Stage::ca_file`] names.
    Ca,
    /// Another one, which nobody was told to trust.
    OtherCa,
    /// One that the CA has signed.
    Intermediate,
    Itself,
}

/// What a certificate may be used for (RFC 5280, section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Server,
    Client,
}

/// What a certificate says.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    pub signed_by: Signer,
    pub purpose: Purpose,
    /// The subject's attributes, in order: `("CN", "alice")`.
    pub subject: &'static [(&'static str, &'static str)],
    /// The name in its SAN; none: it has no SAN.
    pub host: Option<&'static str>,
    /// From the first to the last day on which it is valid, counted from today.
    pub days: (i64, i64),
    /// The signer's certificate is sent along.
    pub with_signer: bool,
}

impl Paper {
    /// In order, for [`HOST`].
    pub const GOOD: Paper = Paper {
        signed_by: Signer::Ca,
        purpose: Purpose::Server,
        subject: &[("CN", HOST)],
        host: Some(HOST),
        days: (-1, 365),
        with_signer: false,
    };
    /// In order: its signer, whom the CA has signed, comes along.
    pub const CHAIN: Paper = Paper {
        signed_by: Signer::Intermediate,
        with_signer: true,
        ..Paper::GOOD
    };
    pub const EXPIRED: Paper = Paper {
        days: (-30, -1),
        ..Paper::GOOD
    };
    pub const NOT_YET_VALID: Paper = Paper {
        days: (7, 365),
        ..Paper::GOOD
    };
    pub const WRONG_HOST: Paper = Paper {
        subject: &[("CN", "elsewhere.wireside.test")],
        host: Some("elsewhere.wireside.test"),
        ..Paper::GOOD
    };
    pub const SELF_SIGNED: Paper = Paper {
        signed_by: Signer::Itself,
        ..Paper::GOOD
    };
    pub const UNKNOWN_CA: Paper = Paper {
        signed_by: Signer::OtherCa,
        ..Paper::GOOD
    };
    pub const MISSING_INTERMEDIATE: Paper = Paper {
        signed_by: Signer::Intermediate,
        ..Paper::GOOD
    };
    /// For clients, shown by a server.
    pub const CLIENT_ONLY: Paper = Paper {
        purpose: Purpose::Client,
        ..Paper::GOOD
    };
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Tls11,
    Tls12,
    Tls13,
}

/// How slowly the grader's end sends: so many bytes, then a pause; and for how long, from its first
/// byte on. How many flights a handshake has, and how long they are, is up to both ends: counted in
/// bytes it would take one server twice as long as another.
#[derive(Clone, Copy, Debug)]
pub struct Drip {
    pub bytes: usize,
    pub every: Duration,
    pub lasts: Duration,
}

impl Drip {
    /// Longer than anybody's handshake.
    pub const FOR_EVER: Duration = Duration::from_secs(3_600);
}

/// On what terms the grader's end of a connection speaks.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What it shows of itself. A client may show nothing.
    pub paper: Option<Paper>,
    pub oldest: Version,
    pub newest: Version,
    /// The suites that it offers up to TLS 1.2, and under 1.3; all that are usual, if none are named.
    pub suites12: Option<&'static str>,
    pub suites13: Option<&'static str>,
    /// A server: asks the client for a certificate of the CA, and insists on it.
    pub asks: bool,
    /// A client: trusts the CA alone, and [`HOST`]. Else it takes whatever certificate comes, for a
    /// server that somebody has started with one of his own.
    pub verifies: bool,
    /// Its bytes drip in the handshake.
    pub drip: Option<Drip>,
    /// How long the handshake may take before it is given up.
    pub limit: Duration,
}

impl Terms {
    /// A server in order.
    pub const SERVER: Terms = Terms {
        paper: Some(Paper::GOOD),
        oldest: Version::Tls12,
        newest: Version::Tls13,
        suites12: None,
        suites13: None,
        asks: false,
        verifies: true,
        drip: None,
        limit: PATIENCE,
    };
    /// A client in order, which shows nothing of itself.
    pub const CLIENT: Terms = Terms {
        paper: None,
        ..Terms::SERVER
    };

    /// A server with this certificate.
    pub const fn with(paper: Paper) -> Terms {
        Terms {
            paper: Some(paper),
            ..Terms::SERVER
        }
    }
}

/// What was agreed in a handshake.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// `TLSv1.3`.
    pub version: String,
    /// `TLS_AES_256_GCM_SHA384`.
    pub suite: String,
    /// The name that the client asked for (SNI).
    pub name: Option<String>,
    /// It is a session that goes on.
    pub resumed: bool,
}

/// Why there was no handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The submission sent this alert (RFC 8446, section 6).
    Alert(u8),
    /// We didn't trust its certificate: OpenSSL's verify code.
    Untrusted(i32),
    /// It ended the stream (FIN).
    End,
    /// It reset the connection.
    Reset,
    /// It said nothing more, and kept the connection.
    Silence,
    /// What it offered is TLS, of versions that we don't speak here.
    NoVersion,
    /// What it offered is TLS, without a cipher suite that we take here.
    NoSuite,
    /// What came was no handshake.
    Garbled,
}

impl Refusal {
    /// As it stands in a failure: `alert 48`.
    pub fn words(&self) -> String {
        match self {
            Refusal::Alert(number) => format!("alert {number}{}", alert_name(*number)),
            Refusal::Untrusted(20) => {
                "a certificate that the CA has not signed (verify code 20)".to_string()
            }
            Refusal::Untrusted(62) => "a certificate for another name (verify code 62)".to_string(),
            Refusal::Untrusted(code) => format!("a certificate in disorder (verify code {code})"),
            Refusal::End => "the end of the stream (FIN) inside the handshake".to_string(),
            Refusal::Reset => "a reset (RST) inside the handshake".to_string(),
            Refusal::Silence => "silence inside the handshake".to_string(),
            Refusal::NoVersion => "no version of TLS in common".to_string(),
            Refusal::NoSuite => "no cipher suite in common".to_string(),
            Refusal::Garbled => "what OpenSSL can't read as a handshake".to_string(),
        }
    }
}

/// The names of RFC 8446, section 6, in brackets.
pub fn alert_name(number: u8) -> &'static str {
    match number {
        0 => " (close_notify)",
        10 => " (unexpected message)",
        40 => " (handshake failure)",
        42 => " (bad certificate)",
        43 => " (unsupported certificate)",
        45 => " (certificate expired)",
        46 => " (certificate unknown)",
        48 => " (unknown CA)",
        49 => " (access denied)",
        50 => " (decode error)",
        70 => " (protocol version)",
        80 => " (internal error)",
        112 => " (unrecognized name)",
        116 => " (certificate required)",
        _ => "",
    }
}

/// What came of a handshake.
pub struct Came {
    /// The wire as it is behind it.
    wire: Box<dyn Wire>,
    how: Result<Agreed, Refusal>,
    /// How much of its time the grader's end took, beside waiting for the peer: some milliseconds,
    /// unless the machine kept it from going on.
    held_up: Duration,
}

/// More than this of a peer's three seconds is no time that the peer took. (One that drips is slow by
/// intent.)
const HELD_UP: Duration = Duration::from_secs(1);

/// What came of a handshake. The conversation goes on in either case: also to see how it ends.
pub struct Shaken {
    pub client: Client,
    pub came: Result<Agreed, Refusal>,
}

impl Stage {
    /// The file with the CA's certificate: whom the submission is to trust.
    pub fn ca_file(&self) -> Result<String, Stop> {
        self.keeps("ca.pem", how::authority(Signer::Ca)?)
    }

    /// The file of the other CA.
    pub fn other_ca_file(&self) -> Result<String, Stop> {
        self.keeps("other-ca.pem", how::authority(Signer::OtherCa)?)
    }

    /// The files of a certificate and of its key, in PEM and PKCS#8.
    pub fn paper_files(&self, paper: Paper) -> Result<(String, String), Stop> {
        let (cert, key) = how::files(paper)?;
        Ok((self.keeps("own.pem", cert)?, self.keeps("own.key", key)?))
    }

    /// Writes a file into the stage's folder; its path.
    pub fn keeps(&self, name: &str, text: Vec<u8>) -> Result<String, Stop> {
        let path = self.folder().join(name);
        fs::write(&path, text).map_err(broken("cannot write a file for a check"))?;
        Ok(path.display().to_string())
    }
}

impl Client {
    /// From here on it is the server of a TLS connection.
    ///
    /// # Errors
    /// Only the grader's own: what the submission makes of the handshake is in the answer.
    pub fn shows_papers(self, terms: &Terms) -> Result<Shaken, Stop> {
        self.shakes_hands(terms, true)
    }

    /// From here on it is the client of a TLS connection to [`HOST`], and trusts the CA alone.
    ///
    /// # Errors
    /// The same.
    pub fn asks_for_papers(self, terms: &Terms) -> Result<Shaken, Stop> {
        self.shakes_hands(terms, false)
    }

    fn shakes_hands(self, terms: &Terms, serves: bool) -> Result<Shaken, Stop> {
        self.shakes_hands_by(terms, |wire| how::shake(wire, terms, serves))
    }

    fn shakes_hands_by(
        self,
        terms: &Terms,
        shake: impl FnOnce(Box<dyn Wire>) -> Result<Came, Stop>,
    ) -> Result<Shaken, Stop> {
        let (transcript, who) = (self.transcript.clone(), self.who.clone());
        if let Some(drip) = &terms.drip {
            let every = drip.every.as_millis();
            let note = format!("drips: {} bytes every {every} ms", drip.bytes);
            transcript.write(&who, "", What::Notes, note);
        }
        let mut came = Err(Refusal::Silence);
        let client = self.rewired(|wire| {
            let wire: Box<dyn Wire> = match terms.drip {
                None => wire,
                Some(drip) => Box::new(Dripping {
                    wire,
                    drip,
                    next: Instant::now(),
                    over: None,
                }),
            };
            let behind = shake(wire)?;
            if behind.held_up > HELD_UP && terms.drip.is_none() {
                let why = "the machine was too slow: the grader's own part of a handshake took";
                let seconds = behind.held_up.as_secs_f64();
                return Err(Stop::Inconclusive(format!("{why} {seconds:.1} s")));
            }
            came = behind.how;
            Ok(behind.wire)
        })?;
        let note = match &came {
            Ok(agreed) if agreed.resumed => format!("session resumed: {}", agreed.version),
            Ok(agreed) => format!("handshake done: {}", agreed.version),
            Err(refusal) => format!("no handshake: {}", refusal.words()),
        };
        transcript.write(&who, "", What::Notes, note);
        Ok(Shaken { client, came })
    }
}

/// A wire on which bytes go out slowly.
struct Dripping {
    wire: Box<dyn Wire>,
    drip: Drip,
    next: Instant,
    /// From when on it is as fast as the wire beneath.
    over: Option<Instant>,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire.read(buffer)
    }
}

impl Write for Dripping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = Instant::now();
        if now >= *self.over.get_or_insert(now + self.drip.lasts) {
            return self.wire.write(bytes);
        }
        let early = self.next.saturating_duration_since(now);
        if !early.is_zero() {
            // There is room in the socket, so that to wait for that would be to spin.
            thread::sleep(early.min(Duration::from_millis(5)));
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = self
            .wire
            .write(&bytes[..bytes.len().min(self.drip.bytes)])?;
        self.next = Instant::now() + self.drip.every;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

impl Wire for Dripping {
    fn socket(&self) -> &TcpStream {
        self.wire.socket()
    }

    fn end_writing(&mut self) -> io::Result<()> {
        self.wire.end_writing()
    }
}
