//! *The window*: the sender, its timer and the receiver of chapter 8, over the figure's network.

#[allow(dead_code)]
#[path = "../../src/bin/ch08_window_receive.rs"]
mod window_receive;
#[allow(dead_code)]
#[path = "../../src/bin/ch08_window_send.rs"]
mod window_send;

use super::wire::{self, Ends, Wire, hex};
use std::time::Duration;
use window_receive::{LINGER, Receiver, SILENCE, parse};
use window_send::{EXPIRIES, Heard, Sender, Timer, WINDOW, patience};

const END: u8 = 3;

/// As long as the figure's file: 16 full segments.
const FILE: usize = 16 * 1_024;

struct File {
    bytes: Vec<u8>,
    /// What the receiver has written so far.
    written: Vec<u8>,
    sender: Sender<&'static [u8]>,
    timer: Timer,
    /// The segment that is timed, by the number that acknowledges it, and since when.
    timed: Option<(u32, u64)>,
    expiries: u32,
    receiver: Receiver,
}

impl File {
    fn new() -> File {
        let bytes: Vec<u8> = (0..FILE).map(|i| (i % 251) as u8).collect();
        let input: &'static [u8] = bytes.clone().leak();
        File {
            // The figure counts from 0; the programs begin where numbers wrap soon.
            sender: Sender::new(input, 0, WINDOW),
            timer: Timer::begin(),
            timed: None,
            expiries: 0,
            receiver: Receiver::new(0),
            written: Vec::new(),
            bytes,
        }
    }

    fn start_timer(&self, wire: &mut Wire) {
        let wait = patience(&self.sender, &self.timer);
        wire.sender.deadline = Some(wire.now + wait.as_nanos().div_ceil(1_000_000) as u64);
    }

    /// The top of the program's loop.
    fn send_new(&mut self, wire: &mut Wire) {
        let is_idle = self.sender.under_way.is_empty();
        while let Some(segment) = self.sender.next_segment().expect("a slice can be read") {
            let segment = segment.to_vec();
            wire.send(true, &segment);
            let next = self.sender.next_number();
            self.timed.get_or_insert((next, wire.now));
        }
        if is_idle {
            self.start_timer(wire);
        }
    }

    /// The rest of it.
    fn act(&mut self, wire: &mut Wire, heard: Heard) {
        match heard {
            Heard::Nothing => return self.send_new(wire),
            Heard::Done => {
                assert_eq!(self.written, self.bytes, "acknowledged, and not written");
                wire.sender.deadline = None;
                wire.sender.gone = true;
                return;
            }
            Heard::Missing => {}
            Heard::Advance | Heard::AdvanceToGap => {
                self.expiries = 0;
                self.start_timer(wire);
                if let Some((_, at)) = self.timed.filter(|(n, _)| self.sender.base >= *n) {
                    self.timed = None;
                    self.timer.sample(Duration::from_millis(wire.now - at));
                }
            }
        }
        if matches!(heard, Heard::Missing | Heard::AdvanceToGap) {
            self.timed = None;
            wire.send(true, self.sender.oldest());
        }
        self.send_new(wire);
    }
}

impl Ends for File {
    fn begin(&mut self, wire: &mut Wire) {
        self.send_new(wire);
    }

    fn at_receiver(&mut self, wire: &mut Wire, datagram: &[u8]) {
        let segment = parse(datagram).expect("the sender sends segments");
        if wire.receiver.deadline.is_none() && segment.number != 0 {
            return wire.tell(format!("receiver ignores {}", hex(datagram)));
        }
        let reply = self.receiver.take(&segment);
        let n = self.receiver.ready.len();
        self.written.append(&mut self.receiver.ready);
        assert!(
            self.bytes.starts_with(&self.written),
            "written twice, or in another order"
        );
        if !self.receiver.ended || segment.kind == END {
            let patience = if self.receiver.ended { LINGER } else { SILENCE };
            wire.receiver.deadline = Some(wire.now + patience.as_millis() as u64);
        }
        wire.tell(format!("receiver takes {}, writes {n}", hex(datagram)));
        wire.send(false, &reply);
    }

    fn at_sender(&mut self, wire: &mut Wire, datagram: &[u8]) {
        let heard = self.sender.take(datagram);
        let what = match heard {
            Heard::Nothing => "nothing",
            Heard::Advance => "advance",
            Heard::AdvanceToGap => "advance to gap",
            Heard::Missing => "missing",
            Heard::Done => "done",
        };
        wire.tell(format!("sender takes {}, {what}", hex(datagram)));
        self.act(wire, heard);
    }

    fn expires(&mut self, wire: &mut Wire) {
        self.expiries += 1;
        if self.expiries == EXPIRIES {
            wire.sender.deadline = None;
            wire.sender.gone = true;
            return wire.tell("sender gives up".to_string());
        }
        self.timer.expired();
        self.start_timer(wire);
        self.sender.expired();
        self.act(wire, Heard::Missing);
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
    super::hold("window", |vector| wire::run(vector, &mut File::new()));
}
