//! *Stop and wait*: the sender and the receiver of chapter 8, over the figure's network.

#[allow(dead_code)]
#[path = "../../src/bin/ch08_receive_file.rs"]
mod receive_file;
#[allow(dead_code)]
#[path = "../../src/bin/ch08_send_file.rs"]
mod send_file;

use super::wire::{self, Ends, Wire, hex};
use receive_file::{Receiver, parse};
use send_file::Sender;

/// The programs' own: the constants behind them are private.
const TIMEOUT: u64 = 200;
const TRANSMISSIONS: u32 = 10;
const LINGER: u64 = 1_000;
const SILENCE: u64 = 10_000;
const END: u8 = 3;

/// As long as the figure's file: segments of 1,024, 1,024 and 552 bytes.
const FILE: usize = 2_600;

struct File {
    bytes: Vec<u8>,
    /// What the receiver has written so far.
    written: Vec<u8>,
    sender: Sender<&'static [u8]>,
    transmissions: u32,
    receiver: Receiver,
}

impl File {
    fn new() -> File {
        let bytes: Vec<u8> = (0..FILE).map(|i| (i % 251) as u8).collect();
        let input: &'static [u8] = bytes.clone().leak();
        File {
            sender: Sender::new(input).expect("a slice can be read"),
            transmissions: 0,
            receiver: Receiver::default(),
            written: Vec::new(),
            bytes,
        }
    }

    fn send(&mut self, wire: &mut Wire) {
        self.transmissions += 1;
        wire.sender.deadline = Some(wire.now + TIMEOUT);
        wire.send(true, &self.sender.segment);
    }
}

impl Ends for File {
    fn begin(&mut self, wire: &mut Wire) {
        self.send(wire);
    }

    fn at_receiver(&mut self, wire: &mut Wire, datagram: &[u8]) {
        let segment = parse(datagram).expect("the sender sends segments");
        if wire.receiver.deadline.is_none() && segment.number != 0 {
            return wire.tell(format!("receiver ignores {}", hex(datagram)));
        }
        let (payload, answer) = self.receiver.take(&segment);
        let n = payload.len();
        self.written.extend(payload);
        assert!(
            self.bytes.starts_with(&self.written),
            "written twice, or in another order"
        );
        if !self.receiver.ended || segment.kind == END {
            let patience = if self.receiver.ended { LINGER } else { SILENCE };
            wire.receiver.deadline = Some(wire.now + patience);
        }
        wire.tell(format!("receiver takes {}, writes {n}", hex(datagram)));
        wire.send(false, &answer);
    }

    fn at_sender(&mut self, wire: &mut Wire, datagram: &[u8]) {
        let is_answer = self.sender.take(datagram).expect("a slice can be read");
        let what = if is_answer {
            "an answer"
        } else {
            "not an answer"
        };
        wire.tell(format!("sender takes {}, {what}", hex(datagram)));
        if !is_answer {
            return;
        }
        self.transmissions = 0;
        if self.sender.is_done() {
            assert_eq!(self.written, self.bytes, "acknowledged, and not written");
            wire.sender.deadline = None;
            wire.sender.gone = true;
        } else {
            self.send(wire);
        }
    }

    fn expires(&mut self, wire: &mut Wire) {
        if self.transmissions < TRANSMISSIONS {
            return self.send(wire);
        }
        wire.sender.deadline = None;
        wire.sender.gone = true;
        wire.tell("sender gives up".to_string());
    }

    fn leaves(&mut self, wire: &mut Wire) {
        wire.receiver.deadline = None;
        wire.receiver.gone = true;
        let how = if self.receiver.ended {
            "leaves"
        } else {
            "gives up"
        };
        wire.tell(format!("receiver {how}"));
    }
}

#[test]
fn the_programs_do_in_every_vector_what_the_figure_shows() {
    super::hold("stop_and_wait", |vector| {
        wire::run(vector, &mut File::new())
    });
}
