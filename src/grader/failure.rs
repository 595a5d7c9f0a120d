//! What was observed when a check failed: no inference, no advice.

/// How a submission departed from what was expected of it. Silence, end of stream, reset and exit
/// are four different things, and are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symptom {
    /// Other bytes than were due.
    Different,
    /// Bytes where none were due.
    Extra,
    /// Nothing came, and the connection stayed open.
    Silence,
    /// The peer ended the stream (FIN) before it had said what was due.
    End,
    /// The peer reset the connection (RST).
    Reset,
    /// The peer ended the conversation by a fatal alert, over TLS.
    Alert,
    /// What came was no TLS, where TLS was spoken.
    Garbled,
    /// The program ended before it had done what was due.
    Exit,
    /// The connection, or the program, did not end when it was due to.
    StillOpen,
    /// It came, but after its time.
    Late,
    /// It came before its time.
    Early,
    /// Nobody listens at the address, or nobody became ready.
    NotReady,
    /// The exit status was another one.
    Status,
    /// A word that was due on stderr is not there.
    Words,
    /// There was no TLS handshake where one was due, or one where none was.
    Handshake,
}

impl Symptom {
    /// The noun for it in a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Symptom::Different => "other bytes",
            Symptom::Extra => "bytes that were not due",
            Symptom::Silence => "silence",
            Symptom::End => "end of stream",
            Symptom::Reset => "reset",
            Symptom::Alert => "alert",
            Symptom::Garbled => "no TLS",
            Symptom::Exit => "exit",
            Symptom::StillOpen => "no end",
            Symptom::Late => "too late",
            Symptom::Early => "too early",
            Symptom::NotReady => "not ready",
            Symptom::Status => "exit status",
            Symptom::Words => "missing words",
            Symptom::Handshake => "no handshake",
        }
    }
}

/// What one side of the comparison was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    Bytes(Vec<u8>),
    Words(String),
}

impl From<&[u8]> for Side {
    fn from(bytes: &[u8]) -> Side {
        Side::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Side {
    fn from(words: &str) -> Side {
        Side::Words(words.to_string())
    }
}

impl From<String> for Side {
    fn from(words: String) -> Side {
        Side::Words(words)
    }
}

/// One write: the beginning of its bytes, and how many they were.
#[derive(Clone, Debug)]
pub struct Write {
    pub bytes: Vec<u8>,
    pub length: usize,
}

/// One violation, as it was seen.
#[derive(Clone, Debug)]
pub struct Failure {
    pub symptom: Symptom,
    /// Who saw it: `alice`, `program`.
    pub who: String,
    /// What that peer had sent since the last thing that went right.
    pub sent: Vec<Write>,
    pub expected: Side,
    pub got: Side,
    /// Said behind `got`: `then silence for 10 s`, `before the second write`.
    pub when: String,
}

impl Failure {
    /// A violation that is told in words on both sides.
    pub fn new(symptom: Symptom, expected: impl Into<Side>, got: impl Into<Side>) -> Failure {
        Failure {
            symptom,
            who: String::new(),
            sent: Vec::new(),
            expected: expected.into(),
            got: got.into(),
            when: String::new(),
        }
    }

    pub fn when(mut self, when: impl Into<String>) -> Failure {
        self.when = when.into();
        self
    }

    /// Where the two sides first differ, counted from 0, if both are bytes.
    pub fn first_difference(&self) -> Option<usize> {
        match (&self.expected, &self.got) {
            (Side::Bytes(expected), Side::Bytes(got)) => {
                super::bytes::first_difference(expected, got)
            }
            _ => None,
        }
    }
}
