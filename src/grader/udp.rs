//! The grader's end of a conversation in datagrams: a peer behind a bad network.
//!
//! A datagram is no stream: it arrives whole, twice or never, and from whoever sent it. What happens
//! on the way is decided by [`Faults`], each way by its own; all of it is written to the transcript.

use super::check::{Stop, Told, broken};
use super::failure::{self, Failure, Side, Symptom};
use super::faults::{Fate, Faults, Line};
use super::program::{PATIENCE, Program};
use super::stage::Pupil;
use super::transcript::{Transcript, What};
use std::collections::{BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Larger than any datagram over UDP (RFC 768: the length has 16 bits).
const LARGEST: usize = 65_536;

/// A datagram that was heard, and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
    /// When it was received here, whatever was done to it on its way then.
    pub at: Instant,
}

/// A socket of the grader's at which a submission that is a client finds it.
pub struct UdpPlace {
    who: String,
    socket: UdpSocket,
    transcript: Arc<Transcript>,
}

impl UdpPlace {
    pub(super) fn bind(
        at: SocketAddr,
        who: &str,
        transcript: Arc<Transcript>,
    ) -> Result<UdpPlace, Stop> {
        Ok(UdpPlace {
            who: who.to_string(),
            socket: bound(at)?,
            transcript,
        })
    }

    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        local_addr(&self.socket)
    }

    /// The grader's end of a conversation with this client.
    pub fn hosts(self, pupil: &Pupil) -> UdpPeer {
        let program = Arc::clone(pupil.program());
        UdpPeer::over(self.socket, &self.who, None, program, self.transcript)
    }
}

/// A socket whose address none had before it. What the submission says to a peer that has gone arrives
/// at whoever has its port now.
pub(super) fn unlike<T>(
    before: &mut BTreeSet<SocketAddr>,
    mut bind: impl FnMut() -> Result<(T, SocketAddr), Stop>,
) -> Result<T, Stop> {
    // Kept until another is found, or the system would give the same again.
    let mut known = Vec::new();
    while known.len() < SAME_AGAIN {
        let (socket, addr) = bind()?;
        if before.insert(addr) {
            return Ok(socket);
        }
        known.push(socket);
    }
    let why = format!("the system gave {SAME_AGAIN} ports that peers had before");
    Err(Stop::Inconclusive(why))
}

const SAME_AGAIN: usize = 100;

fn bound(at: SocketAddr) -> Result<UdpSocket, Stop> {
    UdpSocket::bind(at).map_err(|err| match err.kind() {
        ErrorKind::AddrNotAvailable => {
            Stop::Skipped(format!("this system has no address {}", at.ip()))
        }
        ErrorKind::AddrInUse => Stop::PortTaken(format!("{at} was taken meanwhile")),
        _ => broken("cannot bind a UDP socket")(err),
    })
}

fn local_addr(socket: &UdpSocket) -> Result<SocketAddr, Stop> {
    socket
        .local_addr()
        .map_err(broken("cannot tell our own address"))
}

/// One end of a conversation in datagrams.
pub struct UdpPeer {
    who: String,
    socket: UdpSocket,
    /// Where the submission is a server: its address.
    server: Option<SocketAddr>,
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
    /// Said since the last thing that went right, for the failure message.
    sent: Vec<failure::Write>,
}

impl UdpPeer {
    /// A peer of a server, at a socket of the grader's, and no faults.
    pub(super) fn bind(
        at: SocketAddr,
        who: &str,
        server: SocketAddr,
        program: Arc<Program>,
        transcript: Arc<Transcript>,
    ) -> Result<UdpPeer, Stop> {
        let socket = bound(at)?;
        let server = Some(server);
        Ok(UdpPeer::over(socket, who, server, program, transcript))
    }

    fn over(
        socket: UdpSocket,
        who: &str,
        server: Option<SocketAddr>,
        program: Arc<Program>,
        transcript: Arc<Transcript>,
    ) -> UdpPeer {
        UdpPeer {
            who: who.to_string(),
            socket,
            server,
            program,
            transcript,
            outward: Line::new(Faults::none()),
            inward: Line::new(Faults::none()),
            inbox: VecDeque::new(),
            last_from: None,
            sent: Vec::new(),
        }
    }

    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        local_addr(&self.socket)
    }

    /// The submission whose end of the conversation this isn't.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What we send from now on has these faults on its way.
    pub fn sends_through(&mut self, faults: Faults) {
        self.outward = Line::new(faults);
    }

    /// What the submission sends from now on has these faults on its way.
    pub fn hears_through(&mut self, faults: Faults) {
        self.inward = Line::new(faults);
    }

    /// Sends a datagram on its way to the server.
    pub fn says(&mut self, datagram: &[u8]) -> Told {
        let server = self.server.ok_or_else(|| {
            Stop::Broken("a client has no address before it has said something".to_string())
        })?;
        self.says_to(server, datagram)
    }

    /// Sends a datagram on its way.
    pub fn says_to(&mut self, to: SocketAddr, datagram: &[u8]) -> Told {
        if self.sent.len() < 64 {
            self.sent.push(failure::Write {
                bytes: datagram[..datagram.len().min(64)].to_vec(),
                length: datagram.len(),
            });
        }
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
                Ok((n, from)) => self.takes_in(from, &buffer[..n], Instant::now()),
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

    fn takes_in(&mut self, from: SocketAddr, datagram: &[u8], at: Instant) {
        self.transcript
            .write_datagram(&self.who, "", What::Hears, datagram);
        let passage = self.inward.take(datagram);
        self.notes(passage.number, passage.fate, " on its way here");
        let arrivals = passage.arrivals.into_iter();
        self.inbox
            .extend(arrivals.map(|bytes| Datagram { from, bytes, at }));
    }

    /// Hears the next datagram; `due` says which it is to be, for the failure message.
    pub fn hears_one(&mut self, due: impl Into<Side>) -> Result<Datagram, Stop> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Asked before the socket is: what it sent before its end is there.
            let exit = self.program.exit();
            if let Some(datagram) = self.hears_within(Duration::from_millis(50))? {
                return Ok(datagram);
            }
            if let Some(exit) = exit {
                return self.fails(Symptom::Exit, due, format!("the program ended: {exit}"));
            }
            if Instant::now() > deadline && !self.program.may_be_starting() {
                self.program.must_have_run(PATIENCE)?;
                let got = format!("no datagram within {} s", PATIENCE.as_secs());
                return self.fails(Symptom::Silence, due, got);
            }
        }
    }

    /// Hears exactly this datagram next; of a server, from the address that was asked.
    pub fn hears(&mut self, expected: &[u8]) -> Result<Datagram, Stop> {
        let datagram = self.hears_one(expected)?;
        if datagram.bytes != expected {
            return self.fails(Symptom::Different, expected, &datagram.bytes[..]);
        }
        if let Some(server) = self.server.filter(|server| *server != datagram.from) {
            let got = format!("it came from {}", datagram.from);
            return self.fails(Symptom::Different, format!("an answer from {server}"), got);
        }
        self.sent.clear();
        Ok(datagram)
    }

    /// What it has said by now went right.
    pub fn is_content(&mut self) {
        self.sent.clear();
    }

    /// Hears nothing more that has been sent by now. Ask after the program's end, or behind an
    /// answer before which it would have come.
    pub fn has_heard_all(&mut self) -> Told {
        match self.hears_within(Duration::from_millis(1))? {
            None => Ok(()),
            Some(more) => self.fails(Symptom::Extra, "no more datagrams", &more.bytes[..]),
        }
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
        failure.sent = self.sent.clone();
        Err(failure.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_a_peer_has_left_is_nobody_s_again() {
        let addr = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let mut before = BTreeSet::from([addr(1), addr(2)]);
        let mut given = [2, 1, 3].into_iter();
        let bind = || Ok(given.next().map(|port| (port, addr(port))).unwrap());
        assert_eq!(unlike(&mut before, bind).ok(), Some(3));
        assert!(before.contains(&addr(3)));
        let told = unlike(&mut before, || Ok(((), addr(3))));
        assert!(matches!(told, Err(Stop::Inconclusive(_))));
    }
}
