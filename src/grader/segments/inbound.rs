//! The grader's end of a transfer from a submission that sends: which segment comes next, and what
//! its time says. Of each arrival two moments are known: it had not come yet, and it was there.

use super::{DATA, Segment, segment, told};
use crate::grader::check::{Stop, Told, broken};
use crate::grader::failure::{Failure, Side, Symptom};
use crate::grader::program::PATIENCE;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::transcript::{Transcript, What};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A timeout may end this much early and still be right: a clock of the kernel's is read before the
/// timer is set, and the timer counts in ticks.
const TICK: Duration = Duration::from_millis(10);

/// How often a wait for a datagram looks whether there is none: what arrives is known to have come
/// after the last such look.
const LOOK: Duration = Duration::from_millis(4);

/// A segment that the submission sent.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub segment: Segment,
    pub bytes: Vec<u8>,
    /// It had not come yet.
    pub after: Instant,
    /// It was there.
    pub by: Instant,
}

impl Arrival {
    pub fn number(&self) -> u32 {
        self.segment.number
    }

    pub fn is(&self, kind: u8, number: u32) -> bool {
        self.segment.is(kind, number)
    }

    /// As the failure message says it.
    pub fn told(&self) -> String {
        told(&self.bytes)
    }
}

/// The grader's end of a transfer from a submission that sends.
pub struct Inbound {
    socket: UdpSocket,
    pupil: Pupil,
    transcript: Arc<Transcript>,
    /// When the socket was last seen to be empty.
    empty_at: Instant,
    /// Where the submission sends from.
    from: Option<SocketAddr>,
    /// The first that comes of another length than its own is no segment: kept for the message.
    buffer: Vec<u8>,
}

impl Stage {
    /// Starts a submission that sends its stdin, and receives what it sends.
    pub fn receives(&self, stdin: &[u8]) -> Result<Inbound, Stop> {
        // No port that the system hands out: in a moment in which it is closed somebody else could be
        // given it, and hear what isn't for him.
        let addr = (Ipv4Addr::LOCALHOST, self.ports(1)?.start);
        let socket = UdpSocket::bind(addr)
            .map_err(|err| Stop::PortTaken(format!("a port was taken meanwhile: {err}")))?;
        self.receives_at(socket, stdin)
    }

    /// The same at a socket that is there already.
    pub fn receives_at(&self, socket: UdpSocket, stdin: &[u8]) -> Result<Inbound, Stop> {
        let addr = socket
            .local_addr()
            .map_err(broken("cannot tell our own address"))?;
        let empty_at = Instant::now();
        Ok(Inbound {
            socket,
            pupil: self.starts(addr, &[], stdin)?,
            transcript: Arc::clone(self.transcript()),
            empty_at,
            from: None,
            buffer: vec![0; 65_536],
        })
    }
}

impl Inbound {
    pub fn pupil(&self) -> &Pupil {
        &self.pupil
    }

    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        self.socket
            .local_addr()
            .map_err(broken("cannot tell our own address"))
    }

    /// The port is closed for so long: what is sent to it meanwhile is refused.
    ///
    /// # Errors
    /// `Inconclusive` if it took much longer: the submission may have given up, and rightly.
    pub fn is_away(&mut self, gap: Duration) -> Told {
        let addr = self.addr()?;
        let since = Instant::now();
        let note = format!("the port is closed for {} ms", gap.as_millis());
        self.transcript
            .write("receiver", "", What::Notes, note.as_str());
        let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(broken("cannot bind a UDP socket"))?;
        drop(std::mem::replace(&mut self.socket, nobody));
        std::thread::sleep(gap);
        self.socket = UdpSocket::bind(addr)
            .map_err(|err| Stop::PortTaken(format!("a port was taken meanwhile: {err}")))?;
        self.empty_at = since;
        if since.elapsed() > gap + Duration::from_millis(300) {
            return Err(Stop::Inconclusive(
                "the port was closed for longer than was meant".to_string(),
            ));
        }
        Ok(())
    }

    /// The next segment, or nothing by then. A datagram that is no segment is a failure.
    pub fn hears_until(&mut self, deadline: Instant) -> Result<Option<Arrival>, Stop> {
        loop {
            let before = Instant::now();
            let left = deadline.saturating_duration_since(before);
            // Also when the time is over: what is there already has come in time.
            let look = left.min(LOOK).max(Duration::from_micros(1));
            let limit = self.socket.set_read_timeout(Some(look));
            limit.map_err(broken("cannot bound a read"))?;
            match self.socket.recv_from(&mut self.buffer) {
                Ok((n, from)) => return self.takes_in(n, from).map(Some),
                Err(err) => match err.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                        self.empty_at = before;
                        if left.is_zero() {
                            return Ok(None);
                        }
                    }
                    ErrorKind::Interrupted
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionRefused => {}
                    _ => return Err(broken("cannot receive a datagram")(err)),
                },
            }
        }
    }

    fn takes_in(&mut self, n: usize, from: SocketAddr) -> Result<Arrival, Stop> {
        let (after, by) = (self.empty_at, Instant::now());
        let bytes = self.buffer[..n].to_vec();
        self.transcript
            .write_named("receiver", What::Hears, &bytes, told(&bytes));
        let Some(segment) = Segment::read(&bytes) else {
            let due = "a segment: type, number, length, and as many bytes of payload, \
                       which data has and nothing else";
            return self.fails(Symptom::Different, due, &bytes[..]);
        };
        if *self.from.get_or_insert(from) != from {
            let due = "a segment from the same address as those before";
            return self.fails(Symptom::Different, due, format!("one from {from}"));
        }
        Ok(Arrival {
            segment,
            bytes,
            after,
            by,
        })
    }

    pub fn hears_within(&mut self, limit: Duration) -> Result<Option<Arrival>, Stop> {
        self.hears_until(Instant::now() + limit)
    }

    /// The next segment, whichever it is; `due` says what it is to be, for the failure message.
    pub fn hears(&mut self, due: &str) -> Result<Arrival, Stop> {
        let since = Instant::now();
        // An interpreter may take as long as that to start, on a busy machine.
        let patience = if self.from.is_none() {
            PATIENCE * 3
        } else {
            PATIENCE
        };
        loop {
            if let Some(arrival) = self.hears_within(Duration::from_millis(50))? {
                return Ok(arrival);
            }
            if let Some(exit) = self.pupil.program().exit() {
                // What it sent before its end may have come between the two looks.
                if let Some(arrival) = self.hears_within(Duration::ZERO)? {
                    return Ok(arrival);
                }
                // We may have been too slow to answer: then it gave up, and rightly.
                if self.stalled(self.pupil.program().started()) > Duration::from_secs(1) {
                    return Err(Stop::Inconclusive("the machine is too busy".to_string()));
                }
                let got = format!("the program ended: {exit}");
                return self.fails(Symptom::Exit, due, got);
            }
            if since.elapsed() > patience {
                self.pupil.program().must_have_run(patience)?;
                if self.stalled(since) > patience / 5 {
                    return Err(Stop::Inconclusive("the machine is too busy".to_string()));
                }
                let got = format!("no datagram within {} s", patience.as_secs());
                return self.fails(Symptom::Silence, due, got);
            }
        }
    }

    /// The next segment is this one.
    pub fn hears_the(&mut self, kind: u8, number: u32) -> Result<Arrival, Stop> {
        let due = named(kind, number);
        let arrival = self.hears(&due)?;
        if !arrival.is(kind, number) {
            return self.fails(Symptom::Different, due, arrival.told());
        }
        Ok(arrival)
    }

    /// The next segment but for copies of what was answered already.
    pub fn hears_past(&mut self, copies_of: u32, kind: u8, number: u32) -> Result<Arrival, Stop> {
        let due = named(kind, number);
        self.hears_due(&due, copies_of, kind, number)
    }

    /// The same of data that was sent before.
    pub fn hears_again(&mut self, copies_of: u32, number: u32) -> Result<Arrival, Stop> {
        self.hears_due(&format!("data {number} again"), copies_of, DATA, number)
    }

    fn hears_due(
        &mut self,
        due: &str,
        copies_of: u32,
        kind: u8,
        number: u32,
    ) -> Result<Arrival, Stop> {
        loop {
            let arrival = self.hears(due)?;
            if arrival.is(kind, number) {
                return Ok(arrival);
            }
            if !arrival.is(DATA, copies_of) {
                return self.fails(Symptom::Different, due, arrival.told());
            }
        }
    }

    /// Sends the submission a datagram; what happens after it is counted from the time returned.
    pub fn says(&mut self, datagram: &[u8]) -> Result<Instant, Stop> {
        let at = Instant::now();
        self.transcript
            .write_named("receiver", What::Says, datagram, told(datagram));
        self.delivers(&self.socket, datagram)?;
        Ok(at)
    }

    /// The same from an address that the submission didn't ask.
    pub fn a_stranger_says(&mut self, datagram: &[u8]) -> Result<Instant, Stop> {
        let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(broken("cannot bind a UDP socket"))?;
        let at = Instant::now();
        self.transcript
            .write_named("stranger", What::Says, datagram, told(datagram));
        self.delivers(&stranger, datagram)?;
        Ok(at)
    }

    fn delivers(&self, socket: &UdpSocket, datagram: &[u8]) -> Told {
        let Some(to) = self.from else {
            return Err(Stop::Broken("nobody to answer yet".to_string()));
        };
        match socket.send_to(datagram, to) {
            // It has gone: what it doesn't say will show that.
            Err(err) if err.kind() != ErrorKind::ConnectionRefused => {
                Err(broken("cannot send a datagram")(err))
            }
            _ => Ok(()),
        }
    }

    /// A remark about what has just come.
    pub fn notes(&self, note: &str) {
        self.transcript.write("receiver", "", What::Notes, note);
    }

    // ---- time

    /// It came no sooner than so long after `since`, which was before what set the timer.
    pub fn not_before(&self, it: &Arrival, since: Instant, least: Duration) -> Told {
        self.not_early(&it.told(), since, it.by, least)
    }

    /// The same of anything that was seen at `at`.
    pub fn not_early(&self, what: &str, since: Instant, at: Instant, least: Duration) -> Told {
        let took = at.saturating_duration_since(since);
        // Timers that count in whole milliseconds may be one early, each time.
        if took + TICK + least / 50 >= least {
            return Ok(());
        }
        let due = format!("{what} no sooner than after {} ms", least.as_millis());
        let got = format!("after {} ms", took.as_millis());
        self.fails(Symptom::Early, due, got)
    }

    /// The same where `since` is when we saw something, or where `least` is made of what we saw: if
    /// the machine stood still meanwhile, the submission may have seen it otherwise.
    pub fn not_before_as_seen(&self, it: &Arrival, since: Instant, least: Duration) -> Told {
        let least = least.saturating_sub(self.stalled(since));
        self.not_early(&it.told(), since, it.by, least)
    }

    /// It came no later than so long after `since`, which was after what set the timer. The bound
    /// needs room for the kernel's ticks: Linux rounds a timeout up by as much as an eighth.
    pub fn not_after(&self, it: &Arrival, since: Instant, most: Duration) -> Told {
        let took = it.after.saturating_duration_since(since);
        self.pupil.was_in_time(since, took, most, &it.told())
    }

    /// Time since then in which the submission could not have acted.
    pub fn stalled(&self, since: Instant) -> Duration {
        self.pupil.program().stalled_since(since)
    }

    /// What a short window came to. Where it went wrong, and the machine stood still for longer than
    /// `most` since then, the window wasn't kept, and nobody can tell.
    pub fn if_swift(&self, since: Instant, most: Duration, told: Told) -> Told {
        match told {
            Err(Stop::Failed(_)) if self.stalled(since) > most => Err(Stop::Inconclusive(
                "the machine stood still meanwhile".to_string(),
            )),
            told => told,
        }
    }

    /// It ends with this status; when it had ended.
    pub fn exits(&self, status: i32) -> Result<Instant, Stop> {
        self.pupil.exits(status)?;
        let (_, after) = self.pupil.ends()?;
        Ok(self.pupil.program().started() + after)
    }

    /// A failure as this end sees it.
    pub fn fails<T>(
        &self,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
    ) -> Result<T, Stop> {
        self.transcript
            .write("receiver", "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got);
        failure.who = "receiver".to_string();
        Err(failure.into())
    }
}

/// What a segment of this kind and number is, in words.
fn named(kind: u8, number: u32) -> String {
    let payload = if kind == DATA { &b"x"[..] } else { b"" };
    told(&segment(kind, number, payload))
}
