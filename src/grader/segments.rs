//! Segments of chapter 8's protocol, and the grader's ends of it: who receives from a submission
//! that sends, and what time says about a retransmission.
//!
//! A segment is `type u8, seq u32, length u16, payload`. The grader reads and writes it by itself.

use super::check::{Stop, Told, broken};
use super::failure::{Failure, Side, Symptom};
use super::program::PATIENCE;
use super::stage::{Pupil, Stage};
use super::transcript::{Transcript, What};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const DATA: u8 = 1;
pub const ACK: u8 = 2;
pub const END: u8 = 3;
pub const END_ACK: u8 = 4;

/// The longest payload.
pub const MAX_PAYLOAD: usize = 1024;

const HEADER: usize = 7;

/// A timeout may end this much early and still be right: a clock of the kernel's is read before the
/// timer is set, and the timer counts in ticks.
const TICK: Duration = Duration::from_millis(10);

/// How often a wait for a datagram looks whether there is none: what arrives is known to have come
/// after the last such look.
const LOOK: Duration = Duration::from_millis(4);

/// A segment as it is on the wire.
pub fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    out.extend_from_slice(payload);
    out
}

pub fn data(number: u32, payload: &[u8]) -> Vec<u8> {
    segment(DATA, number, payload)
}

pub fn ack(number: u32) -> Vec<u8> {
    segment(ACK, number, &[])
}

pub fn end(number: u32) -> Vec<u8> {
    segment(END, number, &[])
}

pub fn end_ack(number: u32) -> Vec<u8> {
    segment(END_ACK, number, &[])
}

/// A datagram, read as a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub kind: u8,
    pub number: u32,
    pub payload: Vec<u8>,
}

impl Segment {
    /// `None` if it isn't one.
    pub fn read(datagram: &[u8]) -> Option<Segment> {
        let (header, payload) = datagram.split_first_chunk::<HEADER>()?;
        let [kind, a, b, c, d, high, low] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let fits = length == payload.len() && length <= MAX_PAYLOAD;
        let known = (DATA..=END_ACK).contains(&kind) && (length > 0) == (kind == DATA);
        (fits && known).then(|| Segment {
            kind,
            number: u32::from_be_bytes([a, b, c, d]),
            payload: payload.to_vec(),
        })
    }

    pub fn is(&self, kind: u8, number: u32) -> bool {
        (self.kind, self.number) == (kind, number)
    }
}

/// What a datagram is, in words: `data 3`, `ack 4`.
pub fn told(datagram: &[u8]) -> String {
    let kind = match datagram.first() {
        Some(&DATA) => "data",
        Some(&ACK) => "ack",
        Some(&END) => "end",
        Some(&END_ACK) => "end-ack",
        _ => "",
    };
    match Segment::read(datagram) {
        Some(segment) => format!("{kind} {}", segment.number),
        None => "no segment".to_string(),
    }
}

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
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(broken("cannot bind a UDP socket"))?;
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
            return self.fails(
                Symptom::Different,
                "a segment: type, number, length, and as many bytes of payload",
                &bytes[..],
            );
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
        let due = told(&segment(
            kind,
            number,
            if kind == DATA { b"x" } else { b"" },
        ));
        let arrival = self.hears(&due)?;
        if !arrival.is(kind, number) {
            return self.fails(Symptom::Different, due, arrival.told());
        }
        Ok(arrival)
    }

    /// The next segment but for copies of what was answered already.
    pub fn hears_past(&mut self, copies_of: u32, kind: u8, number: u32) -> Result<Arrival, Stop> {
        let due = told(&segment(
            kind,
            number,
            if kind == DATA { b"x" } else { b"" },
        ));
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

/// What RFC 6298 makes of round-trip times that are known within bounds: bounds for the timeout.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// In seconds, least and most.
    srtt: Option<(f64, f64)>,
    rttvar: (f64, f64),
    rto: (f64, f64),
}

/// The least that a timeout comes to, in seconds: the course's, in place of the RFC's 1 s.
const LEAST_RTO: f64 = 0.2;

impl Estimate {
    /// Before the first round trip (RFC 6298, 2.1).
    pub fn new() -> Estimate {
        Estimate {
            srtt: None,
            rttvar: (0.0, 0.0),
            rto: (1.0, 1.0),
        }
    }

    /// A round trip that took so long at least, and at most (2.2, 2.3).
    pub fn sample(&mut self, least: Duration, most: Duration) {
        let (low, high) = (least.as_secs_f64(), most.as_secs_f64());
        let (srtt, rttvar) = match self.srtt {
            None => ((low, high), (low / 2.0, high / 2.0)),
            Some((from, to)) => {
                let off = (
                    (low - to).max(from - high).max(0.0),
                    (high - from).max(to - low),
                );
                let smooth = |old: f64, new: f64, gain: f64| old * (1.0 - gain) + new * gain;
                (
                    (smooth(from, low, 0.125), smooth(to, high, 0.125)),
                    (
                        smooth(self.rttvar.0, off.0, 0.25),
                        smooth(self.rttvar.1, off.1, 0.25),
                    ),
                )
            }
        };
        (self.srtt, self.rttvar) = (Some(srtt), rttvar);
        self.rto = (
            (srtt.0 + 4.0 * rttvar.0).max(LEAST_RTO),
            (srtt.1 + 4.0 * rttvar.1).max(LEAST_RTO),
        );
    }

    /// The timer expired (5.5).
    pub fn expired(&mut self) {
        self.rto = (self.rto.0 * 2.0, self.rto.1 * 2.0);
    }

    pub fn least(&self) -> Duration {
        Duration::from_secs_f64(self.rto.0)
    }

    pub fn most(&self) -> Duration {
        Duration::from_secs_f64(self.rto.1)
    }
}

impl Default for Estimate {
    fn default() -> Estimate {
        Estimate::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_segment_reads_back_and_what_is_none_does_not() {
        let whole = data(0xffff_fffa, b"hello");
        assert_eq!(whole[..7], [1, 0xff, 0xff, 0xff, 0xfa, 0, 5]);
        let read = Segment::read(&whole).map(|s| (s.kind, s.number, s.payload));
        assert_eq!(read, Some((DATA, 0xffff_fffa, b"hello".to_vec())));
        for wrong in [
            &whole[..11],
            &whole[..6],
            b"",
            &segment(9, 0, b""),
            &segment(DATA, 0, &[0; 1025]),
            &segment(ACK, 0, b"x"),
        ] {
            assert_eq!(Segment::read(wrong), None);
        }
        assert_eq!(told(&ack(7)), "ack 7");
    }

    /// The numbers of the RFC's formulas, worked out by hand.
    #[test]
    fn an_exact_round_trip_gives_the_exact_timeout() {
        let mut estimate = Estimate::new();
        assert_eq!(estimate.most(), MS(1000));
        estimate.sample(MS(300), MS(300));
        assert_eq!(estimate.least().as_millis(), 900);
        // RTTVAR 150·3/4 + 200/4 = 162.5, SRTT 300·7/8 + 100/8 = 275: 925.
        estimate.sample(MS(100), MS(100));
        assert_eq!(estimate.least(), estimate.most());
        assert_eq!(estimate.least().as_millis(), 925);
        estimate.expired();
        assert_eq!(estimate.least().as_millis(), 1850);
        for _ in 0..60 {
            estimate.sample(MS(1), MS(1));
        }
        assert_eq!(estimate.most(), MS(200));
    }

    #[test]
    fn bounds_hold_whatever_lies_between_them() {
        let mut bounds = Estimate::new();
        let mut exact = Estimate::new();
        for rtt in [20, 300, 300, 40, 180, 5, 500] {
            bounds.sample(MS(rtt - 4), MS(rtt + 9));
            exact.sample(MS(rtt), MS(rtt));
            assert!(bounds.least() <= exact.least() && exact.most() <= bounds.most());
        }
    }
}
