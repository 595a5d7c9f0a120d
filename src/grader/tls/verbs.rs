//! What a conversation over TLS has besides: alerts, and sessions that go on.

use super::{Came, Session, Shaken, Terms, Version, how};
use crate::grader::check::{Stop, broken};
use crate::grader::client::{Client, Ending};
use crate::grader::failure::Symptom;
use crate::grader::program::PATIENCE;
use crate::grader::transcript::What;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// For what is still on its way when a client leaves: tickets, mostly.
const STILL_COMING: Duration = Duration::from_millis(500);

impl Client {
    /// Hears a fatal alert, and nothing before it: its number. Under TLS 1.3 a client that is refused
    /// has done its part of the handshake when it comes.
    ///
    /// # Errors
    /// A failure: bytes, another end, or silence in its place.
    pub fn hears_alert(&mut self) -> Result<u8, Stop> {
        const DUE: &str = "a fatal alert";
        self.has_come(1, PATIENCE);
        if let Err(mut stop) = self.hears_nothing_more() {
            if let Stop::Failed(failure) = &mut stop {
                failure.expected = DUE.into();
            }
            return Err(stop);
        }
        // A write may have found it.
        match self.wire.ending().or(self.ending) {
            Some(Ending::Alert(number)) => Ok(number),
            None => Err(self.silence(DUE.into(), "nothing".into())),
            Some(Ending::End) => {
                self.fails(Symptom::End, DUE, "the end of the stream without one", "")
            }
            Some(ending) => self.ended_otherwise(DUE, ending),
        }
    }

    /// Ends its stream in order, and leaves. Its session can be resumed.
    ///
    /// # Errors
    /// Only the grader's own.
    pub fn leaves_to_come_again(mut self) -> Result<Session, Stop> {
        self.half_closes()?;
        self.has_come(usize::MAX, STILL_COMING);
        self.transcript.write(&self.who, "", What::HangsUp, "");
        // It may have gone already.
        let _ = self.wire.socket().shutdown(Shutdown::Both);
        let session = self.wire.into_session();
        session.ok_or_else(|| Stop::Broken("there is no session that could go on".to_string()))
    }

    /// From here on it is the client of a TLS connection, and offers to go on with this session.
    ///
    /// # Errors
    /// Only the grader's own: what the submission makes of the handshake is in the answer.
    pub fn comes_again(self, session: Session, terms: &Terms) -> Result<Shaken, Stop> {
        self.shakes_hands_by(terms, |wire| how::shake_again(wire, session, terms))
    }
}

/// Whether this system's OpenSSL speaks a version at all: with itself, and everything allowed.
///
/// # Errors
/// The grader's own.
pub fn is_spoken_here(version: Version) -> Result<bool, Stop> {
    let cannot = |err| broken("cannot try TLS on loopback")(err);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
    let addr = listener.local_addr().map_err(cannot)?;
    let end = |stream: TcpStream, terms: Terms, serves| -> Result<Came, Stop> {
        stream.set_nonblocking(true).map_err(cannot)?;
        let terms = Terms {
            oldest: version,
            newest: version,
            ..terms
        };
        how::shake(Box::new(stream), &terms, serves)
    };
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            end(
                TcpStream::connect(addr).map_err(cannot)?,
                Terms::CLIENT,
                false,
            )
        });
        let (stream, _) = listener.accept().map_err(cannot)?;
        let served = end(stream, Terms::SERVER, true)?;
        let met = match client.join() {
            Ok(met) => met?,
            Err(_) => return Err(Stop::Broken("a try of TLS has panicked".to_string())),
        };
        Ok(served.how.is_ok() && met.how.is_ok())
    })
}
