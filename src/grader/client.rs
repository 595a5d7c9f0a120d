//! One end of a conversation: the verbs in which a check is told.
//!
//! The other end is always the submission, whichever side connected. Every verb is bounded by a
//! deadline and written to the transcript. A client reads whatever arrives also while it writes,
//! so that the grader never causes a deadlock; [`Client::stops_reading`] turns that off.
//!
//! What it says stands here, what it hears in `hearing`.

mod hearing;

use super::check::{Stop, Told, broken};
use super::failure::{self, Failure, Symptom};
use super::kernel;
use super::platform;
use super::program::{PATIENCE, Program};
use super::transcript::{Transcript, What};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What a conversation runs over: a TCP stream, or TLS on one.
pub trait Wire: Read + Write + Send {
    /// The socket beneath, to wait on and to shut down.
    fn socket(&self) -> &TcpStream;

    /// Says that nothing more will be said, in the way of this wire.
    fn end_writing(&mut self) -> io::Result<()>;

    /// What a close in peace sends before it closes: nothing, but over TLS.
    fn says_goodbye(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What is sent to end the writing, where that isn't TCP's FIN.
    fn farewell(&self) -> &'static str {
        ""
    }

    /// How the peer's side ended, where that is known better than from TCP.
    fn ending(&mut self) -> Option<Ending> {
        None
    }

    /// What can be resumed of it, over TLS.
    fn into_session(self: Box<Self>) -> Option<super::tls::Session> {
        None
    }
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn end_writing(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// How the peer's side of the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By FIN. Over TLS that doesn't say that it is the end: anybody on the way could have sent it.
    End,
    /// By close_notify, over TLS: that does.
    Goodbye,
    Reset,
    /// By a fatal alert, over TLS.
    Alert(u8),
    /// By bytes that are no TLS, where TLS is spoken.
    Garbled,
}

impl Ending {
    /// Whether it has broken off both directions, so that nothing more can be said either.
    fn is_for_both(self) -> bool {
        !matches!(self, Ending::End | Ending::Goodbye)
    }
}

/// One end of a conversation with the submission.
pub struct Client {
    pub(super) who: String,
    pub(super) wire: Box<dyn Wire>,
    near: SocketAddr,
    far: SocketAddr,
    pub(super) program: Arc<Program>,
    pub(super) transcript: Arc<Transcript>,
    /// What has arrived and was not heard yet.
    inbox: Vec<u8>,
    /// How much may wait in it before reading pauses.
    inbox_most: usize,
    pub(super) ending: Option<Ending>,
    reading: bool,
    /// The writes since the last thing that went right, for the failure message.
    sent: Vec<failure::Write>,
    /// When the last byte arrived.
    last_arrival: Instant,
    /// When we last said something, or that there is no more.
    last_said: Instant,
}

/// Bytes of an unheard inbox: a submission that floods gets no more of our memory, of which every
/// check that runs beside has as much. Only who waits for more has more.
const INBOX_MOST: usize = 9 << 20;

/// Bytes of an echo that are sent before it is asked whether they were read.
const ECHO_UNSEEN: usize = 1 << 20;

/// How long one step may take however little comes now and then: a byte every nine seconds would be
/// no silence, and eight million of them would be years.
const STEP_MOST: Duration = Duration::from_secs(120);

/// The end of patience for a step in which something has come just now.
fn further(begun: Instant) -> Instant {
    (Instant::now() + PATIENCE).min(begun + STEP_MOST)
}

/// Bytes of a write that are kept for the failure message.
const SENT_KEPT: usize = 64;

impl Client {
    /// A conversation over a stream that is connected, with its peer's address: a peer that has
    /// gone already can't be asked for it.
    pub fn over(
        wire: Box<dyn Wire>,
        far: SocketAddr,
        who: &str,
        program: Arc<Program>,
        transcript: Arc<Transcript>,
    ) -> Result<Client, Stop> {
        wire.socket()
            .set_nonblocking(true)
            .map_err(broken("cannot prepare a connection"))?;
        // Each `says` is a segment of its own: what a split means must not depend on Nagle.
        let _ = wire.socket().set_nodelay(true);
        let near = wire
            .socket()
            .local_addr()
            .map_err(broken("cannot tell our own address"))?;
        Ok(Client {
            who: who.to_string(),
            wire,
            near,
            far,
            program,
            transcript,
            inbox: Vec::new(),
            inbox_most: INBOX_MOST,
            ending: None,
            reading: true,
            sent: Vec::new(),
            last_arrival: Instant::now(),
            last_said: Instant::now(),
        })
    }

    /// The same conversation over another wire, which is made of the one that it had.
    pub(super) fn rewired(
        self,
        over: impl FnOnce(Box<dyn Wire>) -> Result<Box<dyn Wire>, Stop>,
    ) -> Result<Client, Stop> {
        if !self.inbox.is_empty() || self.ending.is_some() {
            let why = "what had come already would be lost in the handshake";
            return Err(Stop::Broken(why.to_string()));
        }
        let wire = over(self.wire)?;
        Ok(Client { wire, ..self })
    }

    /// Our own address on this connection.
    pub fn addr(&self) -> SocketAddr {
        self.near
    }

    /// The submission's address on this connection.
    pub fn peer_addr(&self) -> SocketAddr {
        self.far
    }

    /// When the last byte arrived from the submission.
    pub fn last_arrival(&self) -> Instant {
        self.last_arrival
    }

    // ---- saying

    /// Sends the bytes in one write, and reads what arrives meanwhile. A peer that has gone is no
    /// failure here: what the check expects to hear next says what was missed.
    pub fn says(&mut self, bytes: &[u8]) -> Told {
        self.transcript
            .write_bytes(&self.who, "", What::Says, bytes);
        self.remember_sent(bytes);
        let mut rest = bytes;
        let begun = Instant::now();
        let mut deadline = further(begun);
        while !rest.is_empty() && !self.ending.is_some_and(Ending::is_for_both) {
            match self.wire.write(rest) {
                Ok(n) => {
                    rest = &rest[n..];
                    deadline = further(begun);
                    self.read_arrived();
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    let heard = self.inbox.len();
                    self.wait(true, deadline);
                    if self.inbox.len() > heard {
                        deadline = further(begun);
                    }
                    if Instant::now() > deadline {
                        if begun.elapsed() < STEP_MOST && self.reads_on() {
                            deadline = further(begun);
                            continue;
                        }
                        return Err(self.not_taken(bytes.len(), rest.len(), begun));
                    }
                }
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // What had arrived before the reset can still be read.
                    self.read_arrived();
                    let ending = self.wire.ending().unwrap_or(Ending::Reset);
                    self.ending.get_or_insert(ending);
                    break;
                }
            }
        }
        self.last_said = Instant::now();
        Ok(())
    }

    /// Sends zeros until the submission takes no more, or so many have gone: how many it took. The
    /// transcript doesn't say it, for that is the kernel's choice, and differs from run to run.
    pub fn floods(&mut self, most: usize) -> Result<usize, Stop> {
        let zeros = [0; 64 << 10];
        let mut sent = 0;
        let begun = Instant::now();
        let mut deadline = Instant::now() + Duration::from_millis(300);
        while sent < most
            && self.ending.is_none()
            && Instant::now() < deadline
            && begun.elapsed() < STEP_MOST
        {
            match self.wire.write(&zeros) {
                Ok(n) => {
                    sent += n;
                    deadline = Instant::now() + Duration::from_millis(300);
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => self.wait(true, deadline),
                Err(_) => break,
            }
        }
        let note = "flooded with zeros, until no more were taken";
        self.transcript.write(&self.who, "", What::Notes, note);
        Ok(sent)
    }

    /// Sends back what it hears, piece by piece, until these bytes have all come and gone. Like an
    /// echo server it reads no further while its echo is not taken; how much a kernel would keep of
    /// an echo that nobody reads (32 MiB here and there) makes no difference to it.
    pub fn echoes(&mut self, bytes: &[u8]) -> Told {
        self.inbox_most = 64 << 10;
        let (mut done, mut unseen) = (0, 0);
        while done < bytes.len() {
            let so_far = |_: &Failure| Some(format!("after {done} of {} bytes", bytes.len()));
            let deadline = Instant::now() + PATIENCE;
            while self.inbox.is_empty() && self.ending.is_none() && Instant::now() < deadline {
                self.wait(false, deadline);
            }
            let piece = &bytes[done..][..self.inbox.len().clamp(1, bytes.len() - done)];
            self.hears(piece).map_err(|stop| stop.remarked(so_far))?;
            self.says(piece).map_err(|stop| stop.remarked(so_far))?;
            unseen += piece.len();
            done += piece.len();
            // To look costs milliseconds: the kernel walks through all of its table.
            if unseen < ECHO_UNSEEN {
                continue;
            }
            if !self.all_is_read(Instant::now() + PATIENCE) {
                let stop = self.silence(
                    "a reader that takes the echo while it sends".into(),
                    "the echo waits, unread, in its receive queue".into(),
                );
                let so_far = format!("after {done} of {} bytes", bytes.len());
                return Err(stop.remarked(|_| Some(so_far)));
            }
            unseen = 0;
        }
        self.inbox_most = INBOX_MOST;
        Ok(())
    }

    /// Sends the bytes in pieces of so many, and waits before each next one until the submission
    /// has read the last: whatever it does then, it does with what it has.
    pub fn says_slowly(&mut self, bytes: &[u8], piece: usize) -> Told {
        for piece in bytes.chunks(piece.max(1)) {
            self.says(piece)?;
            self.fence()?;
        }
        Ok(())
    }

    /// Waits until the submission has read all that was said, half a second at most. Where the
    /// kernel doesn't tell, a pause has to do.
    pub fn fence(&mut self) -> Told {
        if !kernel::has_tables() {
            thread::sleep(Duration::from_millis(20));
            return Ok(());
        }
        if self.all_is_read(Instant::now() + Duration::from_millis(500)) {
            self.transcript.write(&self.who, "", What::AllRead, "");
        }
        Ok(())
    }

    /// Waits until the submission's receive queue is empty; whether it came to be in time. Of a
    /// connection that is gone, and where the kernel doesn't tell, nothing waits to be read.
    fn all_is_read(&mut self, deadline: Instant) -> bool {
        loop {
            // Asked first: what arrives between the two questions must not be missed by both.
            let delivered = self.delivered();
            let Some(row) = kernel::far_end(self.near, self.far) else {
                return true;
            };
            // An inode of 0: nobody has accepted the connection yet, so nobody can have read.
            if delivered && row.unread == 0 && row.inode != 0 {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            self.wait(false, Instant::now() + Duration::from_millis(1));
        }
    }

    /// Whether nothing of what was said is still on its way.
    fn delivered(&self) -> bool {
        kernel::far_end(self.far, self.near).is_none_or(|row| row.unsent == 0)
    }

    /// Says that nothing more will be said (FIN, or close_notify); what the submission says is still
    /// heard.
    pub fn half_closes(&mut self) -> Told {
        let farewell = self.wire.farewell();
        self.transcript
            .write(&self.who, "", What::HalfCloses, farewell);
        let deadline = Instant::now() + PATIENCE;
        // Over TLS the farewell is bytes, and may have to wait for room.
        while let Err(err) = self.wire.end_writing() {
            if err.kind() != ErrorKind::WouldBlock || Instant::now() > deadline {
                break; // The peer has gone: what is heard next tells.
            }
            self.wait(true, deadline);
        }
        self.last_said = Instant::now();
        Ok(())
    }

    /// From now on reading pauses while so much was read and not heard yet: what the submission
    /// says beyond that waits in the kernels, and then in itself. Nothing longer can be heard at once.
    pub fn reads_no_further_than(&mut self, bytes: usize) {
        self.inbox_most = bytes;
    }

    /// Reads nothing from now on: the submission's replies pile up.
    pub fn stops_reading(&mut self) {
        self.transcript
            .write(&self.who, "", What::Notes, "reads nothing from now on");
        self.reading = false;
    }

    /// Reads again.
    pub fn reads_again(&mut self) {
        self.transcript
            .write(&self.who, "", What::Notes, "reads again");
        self.reading = true;
    }

    /// Closes in peace: FIN. What had arrived is read first, or the close would be a reset.
    pub fn hangs_up(mut self) -> Told {
        self.read_arrived();
        // The peer may have gone: then nobody misses it.
        let _ = self.wire.says_goodbye();
        self.transcript.write(&self.who, "", What::HangsUp, "");
        Ok(())
    }

    /// Breaks the connection off: RST.
    pub fn resets(self) -> Told {
        let socket = self.wire.socket();
        let linger = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
        linger.map_err(broken("cannot make a reset"))?;
        self.transcript.write(&self.who, "", What::Resets, "");
        Ok(())
    }

    // ---- beneath

    fn remember_sent(&mut self, bytes: &[u8]) {
        if self.sent.len() < 64 {
            let bytes_kept = bytes[..bytes.len().min(SENT_KEPT)].to_vec();
            self.sent.push(failure::Write {
                bytes: bytes_kept,
                length: bytes.len(),
            });
        }
    }

    /// A write that has not come to its end.
    fn not_taken(&self, length: usize, left: usize, begun: Instant) -> Stop {
        let due = format!("the program reads all {length} bytes of this write");
        let took = length - left;
        if begun.elapsed() < STEP_MOST {
            let got = format!("it read {took} of them, then no further");
            return self.silence(due.into(), got.into());
        }
        if let Err(stop) = self.program.must_have_run(PATIENCE) {
            return stop;
        }
        let seconds = STEP_MOST.as_secs();
        let got = format!("it had taken {took} of them when {seconds} s were over");
        self.failure(Symptom::Late, due, got, "")
    }

    /// Whether the submission still reads: what waits for it, in its receive queue or on its way, grows
    /// less within a second. Who reads a byte at a time needs long for what is here in a moment, and
    /// longer on a busy machine. True also where something came of it meanwhile.
    fn reads_on(&mut self) -> bool {
        const LOOK: Duration = Duration::from_millis(50);
        let waiting = |client: &Client| {
            let held = kernel::far_end(client.near, client.far)?.unread;
            let under_way = kernel::far_end(client.far, client.near).map_or(0, |row| row.unsent);
            Some(held + under_way)
        };
        let Some(before) = waiting(self).filter(|bytes| *bytes > 0) else {
            return false;
        };
        let had = (self.inbox.len(), self.ending);
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            self.wait(false, Instant::now() + LOOK);
            let less = waiting(self).is_some_and(|bytes| bytes < before);
            if less || (self.inbox.len(), self.ending) != had {
                return true;
            }
        }
        false
    }

    /// Waits for something to arrive (or for room to write), and reads what has.
    fn wait(&mut self, to_write: bool, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = left.min(Duration::from_millis(100));
        let read = self.reading && self.ending.is_none() && self.inbox.len() < self.inbox_most;
        platform::wait_ready(self.wire.socket(), read, to_write, limit);
        self.read_arrived();
    }
}
