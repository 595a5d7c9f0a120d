//! A conversation with `ex07_ack_client`: one exchange after another.

use crate::grader::check::{Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::udp::UdpPeer;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The client, started with its TEXTs, and the server that it asks.
pub(super) struct Talk {
    pub(super) pupil: Pupil,
    pub(super) server: UdpPeer,
    /// The request of this exchange, where it came from, and when it was heard first.
    pub(super) request: Vec<u8>,
    pub(super) from: SocketAddr,
    pub(super) begun: Instant,
    pub(super) ids: Vec<Vec<u8>>,
    /// The longest that an acknowledgement was sent after the first try.
    answered_after: Duration,
}

impl Talk {
    pub(super) fn begins(stage: &Stage, texts: &[&str]) -> Result<Talk, Stop> {
        let place = stage.udp_place("server")?;
        let addr = place.addr()?;
        let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
        let pupil = stage.starts(addr, &texts, b"")?;
        Ok(Talk {
            server: place.hosts(&pupil),
            begun: pupil.program().started(),
            pupil,
            request: Vec::new(),
            from: addr,
            ids: Vec::new(),
            answered_after: Duration::ZERO,
        })
    }

    /// A new request comes, with this TEXT.
    pub(super) fn hears(&mut self, text: &str) -> Told {
        loop {
            let due = format!("an id of 4 bytes, then {text:?}");
            let heard = self.server.hears_one(due.clone());
            let heard = self.in_time(heard)?;
            if !self.request.is_empty() && heard.bytes == self.request {
                continue; // Sent again before our acknowledgement was there.
            }
            let Some((id, payload)) = heard.bytes.split_at_checked(4) else {
                return self.server.fails(Symptom::Different, due, &heard.bytes[..]);
            };
            if payload != text.as_bytes() {
                let due = [id, text.as_bytes()].concat();
                return self
                    .server
                    .fails(Symptom::Different, &due[..], &heard.bytes[..]);
            }
            self.ids.push(id.to_vec());
            (self.from, self.begun) = (heard.from, heard.at);
            self.request = heard.bytes;
            return Ok(());
        }
    }

    /// The same datagram comes again, from the same port: when.
    pub(super) fn hears_again(&mut self) -> Result<Instant, Stop> {
        let words = crate::grader::bytes::brief(&self.request, 40);
        let heard = self
            .server
            .hears_one(format!("the same datagram again: {words}"))?;
        if heard.bytes != self.request {
            let (due, got) = (&self.request[..], &heard.bytes[..]);
            return self.server.fails(Symptom::Different, due, got);
        }
        if heard.from != self.from {
            let (due, got) = (
                format!("it from {} again", self.from),
                heard.from.to_string(),
            );
            return self.server.fails(Symptom::Different, due, got);
        }
        Ok(heard.at)
    }

    /// The acknowledgement that is due.
    pub(super) fn ack(&self) -> Vec<u8> {
        [&self.request[..4], b"ACK"].concat()
    }

    pub(super) fn answers(&mut self, datagram: &[u8]) -> Told {
        self.server.says_to(self.from, datagram)
    }

    pub(super) fn acknowledges(&mut self) -> Told {
        let ack = self.ack();
        self.answers(&ack)?;
        self.answered_after = self.answered_after.max(self.begun.elapsed());
        Ok(())
    }

    /// Ends by itself with status 0, and has printed this.
    pub(super) fn succeeds(&self, stdout: &[u8]) -> Told {
        self.in_time(self.pupil.exits(0))?;
        self.pupil.printed(stdout)
    }

    /// Ends by itself with status 1 and a sentence, and has printed this.
    pub(super) fn gives_up(&self, stdout: &[u8]) -> Told {
        self.in_time(self.pupil.exits(1))?;
        self.pupil.printed(stdout)?;
        self.pupil.says_what_failed()
    }

    /// A failure tells nothing where the acknowledgement may have come, or may have been looked at,
    /// when the client's time was over.
    pub(super) fn in_time<T>(&self, told: Result<T, Stop>) -> Result<T, Stop> {
        let program = self.pupil.program();
        match told {
            Err(Stop::Failed(_))
                if self.answered_after + program.stalled_since(program.started())
                    > Duration::from_millis(750) =>
            {
                let why = "the acknowledgement may have come after the client's time";
                Err(Stop::Inconclusive(why.to_string()))
            }
            told => told,
        }
    }

    /// What happened then was due so many ms after the first try: not earlier, and in time.
    pub(super) fn was_on_time(&self, at: Instant, due: u64, what: &str) -> Told {
        self.was_not_early(at, due, what)?;
        let limit = Duration::from_millis(due + 150);
        let took = at.saturating_duration_since(self.begun);
        self.pupil.was_in_time(self.begun, took, limit, what)
    }

    /// The first try is heard after it was sent, at worst as much later as the machine stood still
    /// and a little more, which nobody notices.
    pub(super) fn was_not_early(&self, at: Instant, due: u64, what: &str) -> Told {
        let program = self.pupil.program();
        let took = at.saturating_duration_since(self.begun);
        let at_most = took + program.stalled_since(program.started());
        if at_most + Duration::from_millis(70) >= Duration::from_millis(due) {
            return Ok(());
        }
        let expected = format!("{what} {due} ms after the first");
        let got = match took.as_millis() {
            0..50 => "at once".to_string(),
            ms => format!("after {ms} ms"),
        };
        self.pupil.fails(Symptom::Early, expected, got)
    }
}
