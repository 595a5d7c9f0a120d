//! The grader's end of a conversation in datagrams: a peer behind a bad network.
//!
//! A datagram is no stream: it arrives whole, twice or never, and from whoever sent it. What happens
//! on the way is decided by [`Faults`], each way by its own; all of it is written to the transcript.

use super::check::{Stop, Told, broken};
use super::failure::{Failure, Side, Symptom};
use super::faults::{Fate, Faults, Line};
use super::program::{PATIENCE, Program};
use super::transcript::{Transcript, What};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Larger than any datagram over UDP (RFC 768: the length has 16 bits).
const LARGEST: usize = 65_536;

/// A datagram that was heard, and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
}

/// One end of a conversation in datagrams.
pub struct UdpPeer {
    who: String,
    socket: UdpSocket,
    program: Arc<Program>,
    transcript: Arc<Transcript>,
    /// What we send passes it before it reaches the submission.
    outward: Line,
    /// What the submission sends passes it before we hear it.
    inward: Line,
    /// Arrived, and not heard yet.
    inbox: VecDeque<Datagram>,
    /// Whom we heard last.
    last_from: Option<SocketAddr>,
}

impl UdpPeer {
    /// A socket of the grader's at this address, and no faults.
    pub(super) fn bind(
        ip: IpAddr,
        who: &str,
        program: Arc<Program>,
        transcript: Arc<Transcript>,
    ) -> Result<UdpPeer, Stop> {
        let socket = UdpSocket::bind((ip, 0)).map_err(broken("cannot bind a UDP socket"))?;
        Ok(UdpPeer {
            who: who.to_string(),
            socket,
            program,
            transcript,
            outward: Line::new(Faults::none()),
            inward: Line::new(Faults::none()),
            inbox: VecDeque::new(),
            last_from: None,
        })
    }

    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        self.socket
            .local_addr()
            .map_err(broken("cannot tell our own address"))
    }

    /// What we send from now on has these faults on its way.
    pub fn sends_through(&mut self, faults: Faults) {
        self.outward = Line::new(faults);
    }

    /// What the submission sends from now on has these faults on its way.
    pub fn hears_through(&mut self, faults: Faults) {
        self.inward = Line::new(faults);
    }

    /// Sends a datagram on its way.
    pub fn says_to(&mut self, to: SocketAddr, datagram: &[u8]) -> Told {
        self.transcript
            .write_datagram(&self.who, "", What::Says, datagram);
        let passage = self.outward.take(datagram);
        self.notes(passage.number, passage.fate, "");
        for datagram in passage.arrivals {
            self.delivers(to, &datagram)?;
        }
        Ok(())
    }

    /// Lets what is held on the way to the submission arrive.
    pub fn lets_go(&mut self, to: SocketAddr) -> Told {
        for datagram in self.outward.let_go() {
            self.delivers(to, &datagram)?;
        }
        Ok(())
    }

    fn delivers(&self, to: SocketAddr, datagram: &[u8]) -> Told {
        loop {
            match self.socket.send_to(datagram, to) {
                Ok(_) => return Ok(()),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                // An earlier datagram was answered by ICMP "port unreachable" (RFC 1122, section
                // 4.1.3.3): the submission isn't there, which what it fails to say will show.
                Err(err) if err.kind() == ErrorKind::ConnectionRefused => return Ok(()),
                Err(err) => return Err(broken("cannot send a datagram")(err)),
            }
        }
    }

    /// Hears the next datagram, or nothing within this time.
    pub fn hears_within(&mut self, limit: Duration) -> Result<Option<Datagram>, Stop> {
        let deadline = Instant::now() + limit;
        let mut buffer = vec![0; LARGEST];
        loop {
            if let Some(datagram) = self.inbox.pop_front() {
                self.last_from = Some(datagram.from);
                return Ok(Some(datagram));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let limit = self
                .socket
                .set_read_timeout(Some(left.max(Duration::from_millis(1))));
            limit.map_err(broken("cannot bound a read"))?;
            match self.socket.recv_from(&mut buffer) {
                Ok((n, from)) => self.takes_in(from, &buffer[..n]),
                Err(err) => match err.kind() {
                    ErrorKind::WouldBlock
                    | ErrorKind::TimedOut
                    | ErrorKind::Interrupted
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionRefused => {}
                    _ => return Err(broken("cannot receive a datagram")(err)),
                },
            }
        }
    }

    fn takes_in(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.transcript
            .write_datagram(&self.who, "", What::Hears, datagram);
        let passage = self.inward.take(datagram);
        self.notes(passage.number, passage.fate, " on its way here");
        let arrivals = passage.arrivals.into_iter();
        self.inbox
            .extend(arrivals.map(|bytes| Datagram { from, bytes }));
    }

    /// Hears the next datagram; `due` says which it is to be, for the failure message.
    pub fn hears_one(&mut self, due: &str) -> Result<Datagram, Stop> {
        if let Some(datagram) = self.hears_within(PATIENCE)? {
            return Ok(datagram);
        }
        self.program.must_have_run(PATIENCE)?;
        if let Some(exit) = self.program.exit() {
            return self.fails(Symptom::Exit, due, format!("the program ended: {exit}"));
        }
        let got = format!("no datagram within {} s", PATIENCE.as_secs());
        self.fails(Symptom::Silence, due, got)
    }

    /// Hears exactly this datagram next.
    pub fn hears(&mut self, expected: &[u8]) -> Result<Datagram, Stop> {
        let datagram = self.hears_one(&super::bytes::brief(expected, 60))?;
        if datagram.bytes != expected {
            return self.fails(Symptom::Different, expected, &datagram.bytes[..]);
        }
        Ok(datagram)
    }

    /// Whom the last datagram came from.
    pub fn last_from(&self) -> Option<SocketAddr> {
        self.last_from
    }

    fn notes(&self, number: u32, fate: Fate, way: &str) {
        let (what, note) = match fate {
            Fate::Passes => return,
            Fate::Lost => (What::Lost, format!("datagram {number} is lost{way}")),
            Fate::Twice => (What::Twice, format!("datagram {number} arrives twice{way}")),
            Fate::Held(later) => (
                What::Held,
                format!("datagram {number} waits for {later} later ones{way}"),
            ),
            Fate::Corrupt(bit) => (
                What::Notes,
                format!("bit {bit} of datagram {number} is turned{way}"),
            ),
        };
        self.transcript.write(&self.who, "", what, note);
    }

    /// A failure as this peer sees it.
    pub fn fails<T>(
        &self,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
    ) -> Result<T, Stop> {
        self.transcript
            .write(&self.who, "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got);
        failure.who = self.who.clone();
        Err(failure.into())
    }
}
