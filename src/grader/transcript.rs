//! The one record of what happened. The failure message, the JSON, the demo on the screen and the
//! figure in the book are drawn from it, and only from it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a step was. Its word stands in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A program was started; the note has its arguments.
    Starts,
    /// A program is ready for clients; the note has its address.
    Listens,
    Connects,
    /// The grader's listener took a connection.
    Accepts,
    Says,
    /// The peer has read all that was said: its receive queue is empty.
    AllRead,
    /// Bytes that arrived from the peer.
    Hears,
    /// A datagram is lost on its way.
    Lost,
    /// A datagram arrives twice.
    Twice,
    /// A datagram is held back until later ones have gone by.
    Held,
    /// A datagram that was held arrives.
    Arrives,
    /// By FIN; over TLS by what the note says.
    HalfCloses,
    HangsUp,
    Resets,
    /// The peer ended its stream: by FIN; over TLS by what the note says.
    HearsEnd,
    /// The peer reset the connection (RST).
    HearsReset,
    /// A connection attempt was answered by RST.
    Refused,
    /// A pause that the conversation asks for.
    Waits,
    /// A program ended; the note says how.
    Exits,
    /// The step at which the check failed; the note says what was due.
    Fails,
    /// A remark for whoever reads the record.
    Notes,
}

impl What {
    pub const ALL: [What; 21] = [
        What::Starts,
        What::Listens,
        What::Connects,
        What::Accepts,
        What::Says,
        What::AllRead,
        What::Hears,
        What::Lost,
        What::Twice,
        What::Held,
        What::Arrives,
        What::HalfCloses,
        What::HangsUp,
        What::Resets,
        What::HearsEnd,
        What::HearsReset,
        What::Refused,
        What::Waits,
        What::Exits,
        What::Fails,
        What::Notes,
    ];

    pub fn word(self) -> &'static str {
        match self {
            What::Starts => "starts",
            What::Listens => "listens",
            What::Connects => "connects",
            What::Accepts => "accepts",
            What::Says => "says",
            What::AllRead => "all read",
            What::Hears => "hears",
            What::Lost => "lost",
            What::Twice => "twice",
            What::Held => "held",
            What::Arrives => "arrives",
            What::HalfCloses => "half-closes",
            What::HangsUp => "hangs up",
            What::Resets => "resets",
            What::HearsEnd => "hears end",
            What::HearsReset => "hears reset",
            What::Refused => "refused",
            What::Waits => "waits",
            What::Exits => "exits",
            What::Fails => "fails",
            What::Notes => "notes",
        }
    }

    pub fn from_word(word: &str) -> Option<What> {
        What::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// One step of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Since the conversation began.
    pub at: Duration,
    /// Whose step it is: a client's, a listener's or a program's name.
    pub who: String,
    /// The other end of the step, where there is one.
    pub peer: String,
    pub what: What,
    /// At most [`KEPT`] of the bytes.
    pub bytes: Vec<u8>,
    /// How many bytes there were.
    pub length: usize,
    pub note: String,
}

impl Event {
    /// What ended a direction, of an event that says that one has ended: FIN, or what the note says.
    pub fn farewell(&self) -> &str {
        if self.note.is_empty() {
            "FIN"
        } else {
            &self.note
        }
    }
}

/// Bytes that an event keeps; more are only counted.
pub const KEPT: usize = 1024;

/// Events that a transcript keeps; later ones are only counted.
const MOST_EVENTS: usize = 2_000;

/// Of these the earliest, which stay; and how many behind them make room together.
const KEPT_FIRST: usize = 1_000;
const AT_ONCE: usize = 500;

/// The events of one conversation, in the order in which they were seen.
pub struct Transcript {
    started: Instant,
    state: Mutex<State>,
    on_event: Option<Watcher>,
}

/// Called with each event as it is written, by a demo that draws it at once.
type Watcher = Box<dyn Fn(&Event) + Send + Sync>;

#[derive(Default)]
struct State {
    events: Vec<Event>,
    left_out: usize,
}

impl Default for Transcript {
    fn default() -> Transcript {
        Transcript::new()
    }
}

impl Transcript {
    pub fn new() -> Transcript {
        Transcript {
            started: Instant::now(),
            state: Mutex::default(),
            on_event: None,
        }
    }

    /// A transcript that is watched while it is written.
    pub fn watched(on_event: impl Fn(&Event) + Send + Sync + 'static) -> Transcript {
        Transcript {
            on_event: Some(Box::new(on_event)),
            ..Transcript::new()
        }
    }

    /// What its times are counted from.
    pub fn started(&self) -> Instant {
        self.started
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the record as it was: still worth reading.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a step without bytes.
    pub fn write(&self, who: &str, peer: &str, what: What, note: impl Into<String>) {
        self.push(who, peer, what, &[], note.into());
    }

    /// Writes a step that carries bytes. What is heard in one go, though read in pieces, is one
    /// event: only a step of somebody else, or 50 ms, come between two.
    pub fn write_bytes(&self, who: &str, peer: &str, what: What, bytes: &[u8]) {
        if what == What::Hears && self.on_event.is_none() {
            let now = self.started.elapsed();
            if let Some(last) = self.state().events.last_mut() {
                let same = last.what == What::Hears && last.who == who && last.peer == peer;
                if same && now.saturating_sub(last.at) < Duration::from_millis(50) {
                    let room = KEPT - last.bytes.len();
                    last.bytes
                        .extend_from_slice(&bytes[..bytes.len().min(room)]);
                    last.length += bytes.len();
                    return;
                }
            }
        }
        self.push(who, peer, what, bytes, String::new());
    }

    /// Writes a datagram: one event each, however close to the last.
    pub fn write_datagram(&self, who: &str, peer: &str, what: What, bytes: &[u8]) {
        self.push(who, peer, what, bytes, String::new());
    }

    /// The same, with what it is in words: `ack 3`.
    pub fn write_named(&self, who: &str, what: What, bytes: &[u8], name: String) {
        self.push(who, "", what, bytes, name);
    }

    fn push(&self, who: &str, peer: &str, what: What, bytes: &[u8], note: String) {
        let event = Event {
            at: self.started.elapsed(),
            who: who.to_string(),
            peer: peer.to_string(),
            what,
            bytes: bytes[..bytes.len().min(KEPT)].to_vec(),
            length: bytes.len(),
            note,
        };
        if let Some(on_event) = &self.on_event {
            on_event(&event);
        }
        let mut state = self.state();
        if state.events.len() == MOST_EVENTS {
            // How it began and how it ended tell most. Many at once: each takes the later ones along.
            state.events.drain(KEPT_FIRST..KEPT_FIRST + AT_ONCE);
            state.left_out += AT_ONCE;
        }
        state.events.push(event);
    }

    /// What has happened so far, and how many events of its middle are not kept.
    pub fn events(&self) -> (Vec<Event>, usize) {
        let state = self.state();
        (state.events.clone(), state.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_arrive_together_are_one_event() {
        let transcript = Transcript::new();
        transcript.write_bytes("alice", "", What::Hears, b"he");
        transcript.write_bytes("alice", "", What::Hears, b"llo");
        transcript.write_bytes("bob", "", What::Hears, b"x");
        let (events, left_out) = transcript.events();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].bytes, b"hello");
        assert_eq!(left_out, 0);
    }

    #[test]
    fn a_long_event_and_a_long_conversation_are_bounded_and_counted() {
        let transcript = Transcript::new();
        transcript.write_bytes("alice", "", What::Says, &[7; 5000]);
        for _ in 0..3000 {
            transcript.write("alice", "", What::Notes, "again");
        }
        transcript.write("alice", "", What::Notes, "the last");
        let (events, left_out) = transcript.events();
        assert_eq!((events[0].bytes.len(), events[0].length), (KEPT, 5000));
        assert_eq!(events.len() + left_out, 3002);
        assert!(events.len() <= MOST_EVENTS && events.len() > MOST_EVENTS - AT_ONCE);
        assert_eq!(events.last().unwrap().note, "the last");
    }

    #[test]
    fn every_step_has_a_word_of_its_own() {
        for what in What::ALL {
            assert_eq!(What::from_word(what.word()), Some(what));
        }
    }
}
