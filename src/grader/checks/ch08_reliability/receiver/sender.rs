//! The sender that the checks of a receiver play: a segment and its answer, and a whole file over a bad
//! network; and its plain conversations, which are the controls.

use crate::grader::check::{Control, Stop, Told};
use crate::grader::checks::ch08_reliability::MS;
use crate::grader::failure::Symptom;
use crate::grader::faults::Line;
use crate::grader::kernel;
use crate::grader::platform::Exit;
use crate::grader::program::PATIENCE;
use crate::grader::segments::{ACK, END_ACK, MAX_PAYLOAD, Segment, ack, data, end, end_ack, told};
use crate::grader::stage::Stage;
use crate::grader::transcript::What;
use crate::grader::udp::UdpPeer;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A timeout may end this much early and still be right.
const TICK: Duration = Duration::from_millis(10);

/// A transfer to a submission that receives.
pub(super) struct Talk<'a> {
    stage: &'a Stage,
    pub(super) alice: UdpPeer,
    pub(super) to: SocketAddr,
}

impl<'a> Talk<'a> {
    pub(super) fn begins(stage: &'a Stage) -> Result<Talk<'a>, Stop> {
        Ok(Talk {
            stage,
            alice: stage.udp_peer("alice")?,
            to: stage.addr()?,
        })
    }

    /// Sends this, and hears exactly that.
    pub(super) fn passes(&mut self, datagram: &[u8], due: &[u8]) -> Told {
        self.alice.says_to(self.to, datagram)?;
        let answer = self.answer(&told(due))?;
        match answer == due {
            true => Ok(()),
            false => self.differs(&told(due), &answer),
        }
    }

    /// Sends this, and hears something.
    pub(super) fn answered(&mut self, datagram: &[u8]) -> Result<Vec<u8>, Stop> {
        self.alice.says_to(self.to, datagram)?;
        self.answer("an ack")
    }

    fn answer(&mut self, due: &str) -> Result<Vec<u8>, Stop> {
        let answer = self.alice.hears_one(due)?;
        if answer.from != self.to {
            let (due, got) = (
                format!("an answer from {}", self.to),
                answer.from.to_string(),
            );
            return self.alice.fails(Symptom::Different, due, got);
        }
        Ok(answer.bytes)
    }

    pub(super) fn differs<T>(&self, due: &str, answer: &[u8]) -> Result<T, Stop> {
        if Segment::read(answer).is_none() {
            return self.alice.fails(Symptom::Different, due, answer);
        }
        self.alice.fails(Symptom::Different, due, told(answer))
    }

    /// Its stdout behind the listening line comes to be exactly this.
    pub(super) fn has_written(&self, file: &[u8]) -> Told {
        let program = self.stage.server()?;
        if program.is_foreign() {
            return Err(Stop::Skipped(
                "the stdout of a program that was running already can't be read".to_string(),
            ));
        }
        program.wait_output(PATIENCE, |stdout, _| {
            written(&stdout.bytes).len() >= file.len()
        });
        let stdout = program.outputs().0.bytes;
        let got = written(&stdout);
        if got == file {
            return Ok(());
        }
        if got.len() < file.len() && program.exit().is_none() {
            program.must_have_run(PATIENCE)?;
        }
        self.alice.fails(Symptom::Different, file, got)
    }

    /// It ends by itself with this status: when.
    pub(super) fn exits(&self, status: i32) -> Result<Instant, Stop> {
        let program = self.stage.server()?;
        // Its silence lasts ten seconds, and those of a busy machine are longer.
        let limit = PATIENCE + PATIENCE / 2;
        let Some((exit, after)) = program.wait_exit(limit) else {
            program.must_have_run(limit)?;
            let got = format!("it still runs {} s later", limit.as_secs());
            return self
                .alice
                .fails(Symptom::StillOpen, "the program ends by itself", got);
        };
        let transcript = self.stage.transcript();
        transcript.write(&program.who, "", What::Exits, exit.to_string());
        if exit != Exit::Status(status) {
            let due = format!("exit status {status}");
            return self.alice.fails(Symptom::Status, due, exit.to_string());
        }
        Ok(program.started() + after)
    }

    pub(super) fn not_early(
        &self,
        what: &str,
        since: Instant,
        at: Instant,
        least: Duration,
    ) -> Told {
        let took = at.saturating_duration_since(since);
        if took + TICK >= least {
            return Ok(());
        }
        let due = format!("{what} no sooner than after {} ms", least.as_millis());
        let got = format!("after {} ms", took.as_millis());
        self.alice.fails(Symptom::Early, due, got)
    }

    /// Sends this in its last second, and hears one of those. If that second was nearly over by then,
    /// or the machine stood still, nobody can tell.
    pub(super) fn asks_again(&mut self, since: Instant, datagram: &[u8], due: &[Vec<u8>]) -> Told {
        let name = told(&due[0]);
        let asked = since.elapsed();
        self.alice.says_to(self.to, datagram)?;
        let answer = self.alice.hears_within(MS(400))?;
        // Not later: what stands still while nothing comes any more says nothing of the second.
        let swift = asked < MS(850) && self.stage.server()?.stalled_since(since) < MS(100);
        let told = match answer {
            Some(answer) => Ok(answer.bytes),
            None => self.answer(&name),
        }
        .and_then(|answer| match due.contains(&answer) {
            true => Ok(()),
            false => self.differs(&name, &answer),
        });
        match told {
            Err(Stop::Failed(_)) if !swift => Err(Stop::Inconclusive(
                "its last second was over before it was asked".to_string(),
            )),
            told => told,
        }
    }
}

/// What stdout has behind the listening line.
fn written(stdout: &[u8]) -> &[u8] {
    match stdout.starts_with(b"listening on ") {
        true => match stdout.iter().position(|byte| *byte == b'\n') {
            Some(end) => &stdout[end + 1..],
            None => &[],
        },
        false => stdout,
    }
}

/// Nothing came to this peer. Ask after somebody else's answer, which was sent later.
pub(super) fn silent(mallory: &mut UdpPeer) -> Told {
    match mallory.hears_within(Duration::from_millis(1))? {
        None => Ok(()),
        Some(answer) => mallory.fails(
            Symptom::Extra,
            "no answer to anybody else",
            told(&answer.bytes),
        ),
    }
}

/// These come from the sender between two of its segments, and nothing comes of them.
pub(super) fn ignores(stage: &Stage, wrong: &[&[u8]]) -> Told {
    let mut talk = Talk::begins(stage)?;
    talk.passes(&data(0, b"one "), &ack(1))?;
    for datagram in wrong {
        talk.alice.says_to(talk.to, datagram)?;
    }
    // The fence: an answer to any of them would come first, and name something else or come twice.
    talk.passes(&data(1, b"two "), &ack(2))?;
    talk.passes(&data(2, b"three"), &ack(3))?;
    talk.has_written(b"one two three")
}

/// Whether datagrams have arrived at this address that nobody has read yet. Where the system doesn't
/// tell, it is taken that there are none.
fn has_unread(addr: SocketAddr) -> bool {
    let mut rows = kernel::rows(kernel::Table::Udp, addr.port());
    rows.any(|row| row.local.port() == addr.port() && row.unread > 0)
}

/// A sender with this window, both ways over a network that loses, doubles and reorders a fifth.
pub(super) fn bad_transfer(stage: &Stage, file: &[u8], window: u32) -> Told {
    let mut talk = Talk::begins(stage)?;
    let bad = || stage.faults().loses(20, 3).duplicates(20).reorders(20, 4);
    let (mut out, mut back) = (Line::new(bad()), Line::new(bad()));
    let parts: Vec<&[u8]> = file.chunks(40).collect();
    let count = parts.len() as u32;
    let (mut base, mut heard_at) = (0, Instant::now());
    let mut ended = false;
    while !ended {
        // All of the window, again and again: what is lost is its answer's affair.
        let segments = match base == count {
            true => vec![end(count)],
            false => (base..count.min(base + window))
                .map(|number| data(number, parts[number as usize]))
                .collect(),
        };
        for segment in segments {
            for datagram in out.take(&segment).arrivals {
                talk.alice.says_to(talk.to, &datagram)?;
            }
        }
        let (mut until, before) = (Instant::now() + MS(15), base);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(answer) = talk.alice.hears_within(left)? else {
                // A receiver may take its time. Copies sent meanwhile would only wait behind what
                // it hasn't looked at yet, more of them each round than it answers.
                if has_unread(talk.to) && heard_at.elapsed() <= PATIENCE {
                    until = Instant::now() + MS(15);
                    continue;
                }
                break;
            };
            for answer in back.take(&answer.bytes).arrivals {
                let Some(answer) = Segment::read(&answer) else {
                    return talk.differs("an ack", &answer);
                };
                match answer.kind {
                    ACK if answer.number > base && answer.number <= count => {
                        (base, heard_at) = (answer.number, Instant::now());
                    }
                    END_ACK if answer.number == count => ended = true,
                    _ => {}
                }
            }
            // An answer to the end, or to all that is under way: the next round need not wait.
            if ended || (window == 1 && base > before) {
                break;
            }
        }
        if heard_at.elapsed() > PATIENCE {
            if let Some(exit) = stage.server()?.exit() {
                let got = format!("the program ended: {exit}");
                return talk.alice.fails(Symptom::Exit, "an answer", got);
            }
            stage.server()?.must_have_run(PATIENCE)?;
            let due = format!("an answer that goes beyond {base}");
            return talk.alice.fails(Symptom::Silence, due, "none in 10 s");
        }
    }
    talk.exits(0)?;
    talk.has_written(file)
}

/// One segment after another, from number 1, while nobody reads the receiver's stdout: how many were
/// acknowledged, with the one before them, until no ack came any more.
pub(super) fn fill(talk: &mut Talk) -> Result<u32, Stop> {
    // More than any system's pipe holds.
    for number in 1..4_000 {
        talk.alice
            .says_to(talk.to, &data(number, &[b'x'; MAX_PAYLOAD]))?;
        // Too short a wait would only let a wrong program pass.
        match talk.alice.hears_within(MS(400))? {
            Some(answer) if answer.bytes == ack(number + 1) => {}
            Some(answer) => return talk.differs(&format!("ack {}", number + 1), &answer.bytes),
            None => return Ok(number),
        }
    }
    Ok(4_000)
}

pub(super) const ONE: Control = Control {
    name: "one segment, and nothing else",
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        talk.passes(&data(0, b"the file"), &ack(1))?;
        talk.has_written(b"the file")
    },
};

pub(super) const THREE: Control = Control {
    name: "three segments in order, once each",
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        for (number, part) in (0..).zip([&b"one "[..], b"two ", b"three"]) {
            talk.passes(&data(number, part), &ack(number + 1))?;
        }
        talk.has_written(b"one two three")
    },
};

pub(super) const UP_TO_THE_END: Control = Control {
    name: "one segment and the end",
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        talk.passes(&data(0, b"hello"), &ack(1))?;
        talk.passes(&end(1), &end_ack(1))
    },
};
