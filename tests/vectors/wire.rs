//! The network of the figures of chapter 8: a clock, datagrams under way, and what befalls them.
//! The ends are the course's own programs; their answers are looked up here, never computed.

use serde_json::{Value, json};

/// Milliseconds, as in book/assets/play_wire.js.
const TRIP: u64 = 40;
const LATE: u64 = 250;
const COPY: u64 = 20;
const GAP: u64 = 5;

/// The two programs at the ends, and what they did, line by line.
pub trait Ends {
    /// What is sent at the start.
    fn begin(&mut self, wire: &mut Wire);
    fn at_receiver(&mut self, wire: &mut Wire, datagram: &[u8]);
    fn at_sender(&mut self, wire: &mut Wire, datagram: &[u8]);
    fn expires(&mut self, wire: &mut Wire);
    /// The receiver has waited long enough.
    fn leaves(&mut self, wire: &mut Wire);
}

#[derive(Default)]
pub struct Wire {
    pub now: u64,
    pub sender: End,
    pub receiver: End,
    pub trace: Vec<String>,
    datagrams: Vec<Datagram>,
    /// How many left in this moment.
    burst: u64,
}

/// Until when an end waits, and whether it has gone.
#[derive(Default)]
pub struct End {
    pub deadline: Option<u64>,
    pub gone: bool,
}

#[derive(Clone)]
struct Datagram {
    to_receiver: bool,
    bytes: Vec<u8>,
    at: u64,
    under_way: bool,
}

/// Its header, as on the wire.
pub fn hex(datagram: &[u8]) -> String {
    let header = &datagram[..7];
    header.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Wire {
    pub fn tell(&mut self, line: String) {
        self.trace.push(format!("{} {line}", self.now));
    }

    pub fn send(&mut self, from_sender: bool, bytes: &[u8]) {
        let who = if from_sender { "sender" } else { "receiver" };
        self.tell(format!("{who} sends {}", hex(bytes)));
        self.datagrams.push(Datagram {
            to_receiver: from_sender,
            bytes: bytes.to_vec(),
            at: self.now + TRIP + GAP * self.burst,
            under_way: true,
        });
        self.burst += 1;
    }

    /// The next to arrive; of two at the same time the one that was sent first.
    fn next(&self) -> Option<usize> {
        let all = self.datagrams.iter().enumerate();
        let under_way = all.filter(|(_, datagram)| datagram.under_way);
        under_way
            .min_by_key(|(id, datagram)| (datagram.at, *id))
            .map(|(id, _)| id)
    }

    fn advance(&mut self, ends: &mut impl Ends) {
        self.burst = 0;
        let arrival = self.next().map(|id| (self.datagrams[id].at, 0, id));
        let expiry = self.sender.deadline.map(|at| (at, 1, 0));
        let leaving = self.receiver.deadline.map(|at| (at, 2, 0));
        let Some((at, what, id)) = [arrival, expiry, leaving].into_iter().flatten().min() else {
            return;
        };
        self.now = at;
        match what {
            0 => self.arrive(ends, id),
            1 => {
                self.tell("timer expires".to_string());
                ends.expires(self);
            }
            _ => ends.leaves(self),
        }
    }

    fn arrive(&mut self, ends: &mut impl Ends, id: usize) {
        self.datagrams[id].under_way = false;
        let Datagram {
            to_receiver, bytes, ..
        } = self.datagrams[id].clone();
        let (name, end) = match to_receiver {
            true => ("receiver", &self.receiver),
            false => ("sender", &self.sender),
        };
        if end.gone {
            self.tell(format!("{name} is gone {}", hex(&bytes)));
        } else if to_receiver {
            ends.at_receiver(self, &bytes);
        } else {
            ends.at_sender(self, &bytes);
        }
    }

    /// "next", or what befalls a datagram: "drop 3", "delay 3", "twice 3".
    fn take(&mut self, event: &str, ends: &mut impl Ends) {
        let Some((what, id)) = event.split_once(' ') else {
            assert_eq!(event, "next");
            return self.advance(ends);
        };
        let id: usize = id.parse().expect("a datagram's number");
        let Some(datagram) = self
            .datagrams
            .get_mut(id)
            .filter(|datagram| datagram.under_way)
        else {
            return;
        };
        let word = match what {
            "drop" => {
                datagram.under_way = false;
                "lost"
            }
            "delay" => {
                datagram.at += LATE;
                "late"
            }
            "twice" => "twice",
            _ => panic!("no such event: {event}"),
        };
        let mut copy = datagram.clone();
        self.tell(format!("{word} {}", hex(&copy.bytes)));
        if what == "twice" {
            copy.at += COPY;
            self.datagrams.push(copy);
        }
    }
}

/// What comes of a vector's events.
pub fn run(vector: &Value, ends: &mut impl Ends) -> Value {
    let mut wire = Wire::default();
    ends.begin(&mut wire);
    for event in vector["events"].as_array().expect("events") {
        wire.take(event.as_str().expect("an event"), ends);
    }
    json!(wire.trace)
}
