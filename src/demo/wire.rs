//! The lossy link between two programs, and what it does to their datagrams.
//!
//! The link is the real one, `ch07_lossy_link`. Around it, on both sides, sockets of ours pass every
//! datagram on and keep its bytes, and the link's own lines say what it decided:
//!
//! ```text
//! client ── near ══ ch07_lossy_link ══ far ── server
//! ```
//!
//! Two programs that talk through it run at their own speed, timers and all; the room sees the
//! record afterwards, slowly and with its true times. A datagram reaches a program only after what
//! the link decided about it is in the record: no answer stands before what it answers.

use super::show::{Leave, Played, Server, Show};
use crate::grader::check::broken;
use crate::grader::launch::Launch;
use crate::grader::program::{Input, PATIENCE, Program};
use crate::grader::transcript::{Event, Transcript, What};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a chapter's demo has to name among its programs.
pub const LINK: &str = "ch07_lossy_link";

/// A lossy link towards a server, for one client.
pub struct Wire {
    /// Where the client is sent.
    pub addr: SocketAddr,
    link: Arc<Program>,
    shared: Arc<Shared>,
    /// How much of the record the room has seen.
    shown: usize,
}

struct Shared {
    over: AtomicBool,
    log: Mutex<Log>,
    changed: Condvar,
    /// Where the client sends from, once it has.
    client: Mutex<Option<SocketAddr>>,
}

#[derive(Default)]
struct Log {
    /// Sent, each way, and not decided yet.
    sent: [VecDeque<(Instant, Vec<u8>)>; 2],
    /// Decided, and still to arrive.
    due: Vec<Due>,
    /// What the link said, in its words: `→ 0 dropped`.
    decisions: Vec<String>,
    record: Vec<Seen>,
}

struct Due {
    way: usize,
    bytes: Vec<u8>,
    copies: u32,
    late: bool,
}

/// One step of the record.
#[derive(Clone)]
struct Seen {
    at: Instant,
    way: usize,
    what: What,
    bytes: Vec<u8>,
}

const OUT: usize = 0;
const BACK: usize = 1;

impl Show {
    /// Puts the link, with these options, between the server and a client of one step.
    pub fn wire(&mut self, server: &Server, options: &[&str]) -> Result<Wire, Leave> {
        let bound = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let bound = || bound().map_err(broken("cannot bind a UDP socket"));
        let [near, to_link, far, to_server] = [bound()?, bound()?, bound()?, bound()?];
        let local =
            |socket: &UdpSocket| socket.local_addr().map_err(broken("cannot tell our port"));
        let (addr, far_addr) = (local(&near)?, local(&far)?);
        let link = Launch::Built(self.executable(LINK)?);
        let far_words = far_addr.to_string();
        let args: Vec<&str> = [far_words.as_str()]
            .into_iter()
            .chain(options.iter().copied())
            .collect();
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        let aside = Arc::new(Transcript::new());
        let link = self.launch(&link, "link", Some(any), &args, Input::Nothing, aside)?;
        let link_addr = link.ready(PATIENCE)?;
        let shared = Arc::new(Shared {
            over: AtomicBool::new(false),
            log: Mutex::default(),
            changed: Condvar::new(),
            client: Mutex::new(None),
        });
        for socket in [&near, &to_link, &far, &to_server] {
            let limit = socket.set_read_timeout(Some(Duration::from_millis(50)));
            limit.map_err(broken("cannot bound a read"))?;
        }
        let sockets = Arc::new([near, to_link, far, to_server]);
        let to = (link_addr, server.addr);
        for thread in [
            Shared::client_sends,
            Shared::client_hears,
            Shared::server_hears,
            Shared::server_sends,
        ] {
            let (shared, sockets) = (Arc::clone(&shared), Arc::clone(&sockets));
            thread::spawn(move || thread(&shared, &sockets, to));
        }
        let (follows, followed) = (Arc::clone(&shared), Arc::clone(&link));
        thread::spawn(move || follows.follow(&followed));
        Ok(Wire {
            addr,
            link,
            shared,
            shown: 0,
        })
    }

    /// Waits until the link has decided about so many datagrams in all, both ways together, and
    /// what it let through has arrived; then shows the room what is new of the record, between these
    /// two lanes. `client` must have ended by then, if it is given.
    pub fn watches(
        &mut self,
        wire: &mut Wire,
        (client, server): (&str, &str),
        decisions: usize,
        program: Option<&Program>,
    ) -> Played {
        let ended = program.is_none_or(|program| program.wait_exit(PATIENCE).is_some());
        let settled = wire.shared.settles(decisions);
        if !ended || !settled {
            let seen = wire.decisions().join("; ");
            return Err(Leave::Failed(format!(
                "{decisions} datagrams were due on the lossy link and the client's end, and after \
                 10 s there were: {seen}"
            )));
        }
        let record = wire.shared.log().record.clone();
        let zero = self.transcript.started();
        self.screen.drawn().begin_record();
        for seen in &record[wire.shown..] {
            let (who, peer) = match seen.way {
                OUT => (client, server),
                _ => (server, client),
            };
            self.screen.replays(&Event {
                at: seen.at.saturating_duration_since(zero),
                who: who.to_string(),
                peer: peer.to_string(),
                what: seen.what,
                bytes: seen.bytes.clone(),
                length: seen.bytes.len(),
                note: if seen.bytes.is_empty() { "empty" } else { "" }.to_string(),
            });
        }
        wire.shown = record.len();
        Ok(())
    }
}

impl Wire {
    /// What the link said so far, a line for each datagram: `→ 0 dropped`.
    pub fn decisions(&self) -> Vec<String> {
        self.shared.log().decisions.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.link.end();
    }
}

type Sockets = [UdpSocket; 4];

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Every datagram that arrives at this socket, until the wire is dropped.
    fn receive(&self, socket: &UdpSocket, mut take: impl FnMut(SocketAddr, &[u8])) {
        let mut buffer = vec![0; 65_536];
        while !self.is_over() {
            match socket.recv_from(&mut buffer) {
                Ok((n, from)) => take(from, &buffer[..n]),
                Err(err) if is_passing(&err) => {}
                Err(_) => return,
            }
        }
    }

    fn client_sends(&self, [near, to_link, _, _]: &Sockets, (link, _): (SocketAddr, SocketAddr)) {
        self.receive(near, |from, datagram| {
            *self.client() = Some(from);
            self.log().sent[OUT].push_back((Instant::now(), datagram.to_vec()));
            let _ = to_link.send_to(datagram, link);
        });
    }

    fn client_hears(&self, [near, to_link, _, _]: &Sockets, _: (SocketAddr, SocketAddr)) {
        self.receive(to_link, |_, datagram| {
            self.arrives(BACK, datagram);
            let client = *self.client();
            // It fails where the client has gone: then nobody waits for it.
            let _ = client.map(|client| near.send_to(datagram, client));
        });
    }

    fn server_hears(
        &self,
        [_, _, far, to_server]: &Sockets,
        (_, server): (SocketAddr, SocketAddr),
    ) {
        let mut heard = false;
        self.receive(far, |from, datagram| {
            if !heard {
                // What comes back goes to where the link sends from.
                let _ = far.connect(from);
                heard = true;
            }
            self.arrives(OUT, datagram);
            let _ = to_server.send_to(datagram, server);
        });
    }

    fn server_sends(&self, [_, _, far, to_server]: &Sockets, _: (SocketAddr, SocketAddr)) {
        self.receive(to_server, |_, datagram| {
            self.log().sent[BACK].push_back((Instant::now(), datagram.to_vec()));
            let _ = far.send(datagram);
        });
    }

    /// The link's lines, each about the oldest datagram of its direction that isn't decided yet.
    fn follow(&self, link: &Program) {
        let mut read = "listening on".len();
        while !self.is_over() {
            let mut line = None;
            link.wait_output(Duration::from_millis(50), |stdout, _| {
                // Called with the program's state locked: a look at what is new, no more.
                let new = &stdout.bytes[read.min(stdout.bytes.len())..];
                new.contains(&b'\n')
            });
            let stdout = link.outputs().0;
            let new = &stdout.bytes[read.min(stdout.bytes.len())..];
            if let Some(end) = new.iter().position(|byte| *byte == b'\n') {
                line = Some(String::from_utf8_lossy(&new[..end]).into_owned());
                read += end + 1;
            }
            let Some(line) = line else {
                if stdout.closed {
                    return;
                }
                continue;
            };
            self.decided(&line);
        }
    }

    fn decided(&self, line: &str) {
        let way = match line.chars().next() {
            Some('→') => OUT,
            Some('←') => BACK,
            _ => return,
        };
        let mut log = self.log();
        let Some((at, bytes)) = log.sent[way].pop_front() else {
            return;
        };
        let late = line.contains("late by") || line.contains("overtaken");
        let twice = line.contains("twice");
        let (what, copies) = match line {
            line if line.ends_with("dropped") => (What::Lost, 0),
            _ if late => (What::Held, 1 + u32::from(twice)),
            _ if twice => (What::Twice, 2),
            _ => (What::Says, 1),
        };
        // The threads' clocks may differ by a moment from the order in which the link decided.
        let at = log.record.last().map_or(at, |last| last.at.max(at));
        let seen = bytes.clone();
        log.record.push(Seen {
            at,
            way,
            what,
            bytes: seen,
        });
        log.due.push(Due {
            way,
            bytes,
            copies,
            late,
        });
        log.decisions.push(line.to_string());
        self.changed.notify_all();
    }

    /// A datagram has come through the link. It goes on only when its decision is in the record.
    fn arrives(&self, way: usize, datagram: &[u8]) {
        let at = Instant::now();
        let deadline = at + Duration::from_secs(5);
        let mut log = self.log();
        loop {
            let is_it = |due: &Due| due.way == way && due.copies > 0 && due.bytes == datagram;
            // Of two that are equal the one that isn't late has come, once both are decided.
            let undecided = log.sent[way].iter().any(|(_, bytes)| bytes == datagram);
            let due = log.due.iter().position(|due| is_it(due) && !due.late);
            let due = due.or_else(|| log.due.iter().position(is_it));
            if let (Some(i), false) = (due, undecided) {
                log.due[i].copies -= 1;
                if log.due[i].late {
                    let bytes = datagram.to_vec();
                    log.record.push(Seen {
                        at,
                        way,
                        what: What::Arrives,
                        bytes,
                    });
                }
                self.changed.notify_all();
                return;
            }
            if Instant::now() > deadline || self.is_over() {
                return;
            }
            let waited = self.changed.wait_timeout(log, Duration::from_millis(50));
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether so many decisions came, and all that they let through, before patience ended.
    fn settles(&self, decisions: usize) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut log = self.log();
        while log.decisions.len() < decisions || log.due.iter().any(|due| due.copies > 0) {
            if Instant::now() > deadline {
                return false;
            }
            let waited = self.changed.wait_timeout(log, Duration::from_millis(50));
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Nothing came yet, a signal came, or an earlier datagram found nobody.
fn is_passing(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
    )
}
