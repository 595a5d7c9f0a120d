//! How a conversation ends: who is still read after a goodbye, and when a connection is gone.
//!
//! After the submission's FIN a client can still write. What becomes of that is told by the writes
//! themselves (a write behind a reset fails) and, on Linux, by the submission's row in the kernel's
//! table: what waits in it unread, and whether a process still holds it (its inode).
//!
//! Our own thread may be kept from running, too. So nothing here is late because we looked late: what
//! is held against a limit is the time before a look that showed that it was not over yet.

use super::check::{Stop, Told};
use super::client::{Client, Ending};
use super::failure::Symptom;
use super::kernel;
use super::transcript::What;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at the kernel's table: each costs milliseconds.
const LOOK: Duration = Duration::from_millis(50);

impl Client {
    /// Hears a clean end (FIN), and nothing before it, no later than so long from now. A reset is a
    /// failure.
    pub fn hears_clean_end_within(&mut self, limit: Duration) -> Told {
        let since = Instant::now();
        loop {
            let asked = since.elapsed();
            self.hears_nothing_more()?;
            match self.ending {
                Some(Ending::End | Ending::Goodbye) => return Ok(()),
                Some(ending) => return self.ended_otherwise("the end (FIN)", ending),
                None => {}
            }
            if self.program.was_late(since, asked, limit)? {
                let expected = format!("the end (FIN) within {} ms", limit.as_millis());
                let got = format!("none after {} ms", asked.as_millis());
                return self.fails(Symptom::Late, expected, got, "");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Hears the end, and nothing before it, and was told that it is one: over TLS by close_notify.
    pub fn hears_goodbye(&mut self) -> Told {
        const DUE: &str = "the end of the TLS stream (close_notify)";
        self.hears_end()?;
        match self.ending {
            Some(Ending::Goodbye) => Ok(()),
            Some(Ending::End) | None => {
                let got = "the end of the TCP stream (FIN) without it";
                self.fails(Symptom::End, DUE, got, "")
            }
            Some(ending) => self.ended_otherwise(DUE, ending),
        }
    }

    /// Whether the submission has ended the connection, as far as it was looked at.
    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// Ends the TCP stream beneath, and says nothing about it: what a cut looks like over TLS.
    pub fn is_cut(&mut self) -> Told {
        self.notes("is cut: a FIN without close_notify");
        // The submission may have gone.
        let _ = self.wire.socket().shutdown(std::net::Shutdown::Write);
        Ok(())
    }

    /// Writes a byte now and then until so long after `since`, and every write is taken: no reset
    /// has come. `since` lies before whatever made the submission say goodbye, so that one that
    /// counts from its goodbye can't be too early.
    pub fn goes_on_writing(&mut self, since: Instant, window: Duration) -> Told {
        self.notes("writes on, a byte every 10 ms");
        loop {
            let wrote = self.writes_a_byte();
            // Asked after the write: what failed by then had been reset even earlier.
            let after = since.elapsed();
            if after > window {
                return Ok(());
            }
            if let Err(err) = wrote {
                let expected = format!("writes that succeed for {} ms", window.as_millis());
                let got = format!("after {} ms a write failed: {err}", after.as_millis());
                let symptom = match self.wire.ending() {
                    Some(ending @ (Ending::Alert(_) | Ending::Garbled)) => ending.told().0,
                    _ => Symptom::Reset,
                };
                return self.fails(symptom, expected, got, "");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Says these bytes, and the submission has read them no later than so long after `since`, which
    /// lies before whatever made it say goodbye. Where the kernel doesn't tell what was read, it is
    /// believed.
    pub fn says_and_is_read(&mut self, bytes: &[u8], since: Instant, limit: Duration) -> Told {
        // A submission on another machine, or in a container, has no row in our table.
        let told = kernel::far_end(self.addr(), self.peer_addr()).is_some();
        self.says(bytes)?;
        // What isn't read in so short a time says nothing.
        let is_short = since.elapsed() > limit / 2;
        let too_short = || {
            let why = "the goodbye came so late that the time to be read in was nearly over";
            Err(Stop::Inconclusive(why.to_string()))
        };
        if !told {
            return match is_short {
                true => too_short(),
                false => Ok(()),
            };
        }
        loop {
            let asked = since.elapsed();
            // In this order: what arrives between the two looks must not be missed by both.
            let on_its_way = kernel::far_end(self.peer_addr(), self.addr());
            let on_its_way = on_its_way.is_some_and(|row| row.unsent > 0);
            let held = kernel::far_end(self.addr(), self.peer_addr());
            let due = format!("a server that reads on: {} bytes more", bytes.len());
            let when = format!("{} ms after the refusal", asked.as_millis());
            let Some(row) = held.filter(|row| row.inode != 0) else {
                if since.elapsed() > limit {
                    let why = "the connection had gone, in time perhaps, when it was looked at";
                    return Err(Stop::Inconclusive(why.to_string()));
                }
                if is_short {
                    return too_short();
                }
                let got = "the connection was gone before they were read";
                return self.fails(Symptom::Reset, due, got, &when);
            };
            if !on_its_way && row.unread == 0 {
                break;
            }
            if self.program.was_late(since, asked, limit)? {
                if is_short {
                    return too_short();
                }
                let got = "they wait, unread, in its receive queue";
                return self.fails(Symptom::Silence, due, got, &when);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.notes("all of it was read");
        Ok(())
    }

    /// The submission has let the connection go no later than so long from now, though we only keep
    /// it open.
    pub fn is_let_go_within(&mut self, limit: Duration) -> Told {
        self.notes("keeps the connection open, and says nothing");
        self.is_gone_within(limit, false)
    }

    /// The same, though we go on saying a byte every 50 ms: to be read is not to be kept.
    pub fn is_let_go_within_though_it_writes(&mut self, limit: Duration) -> Told {
        self.notes("writes on, a byte every 50 ms");
        self.is_gone_within(limit, true)
    }

    fn is_gone_within(&mut self, limit: Duration, writes: bool) -> Told {
        // Without the kernel's table only a write tells, and the first one behind a close succeeds.
        let limit = match kernel::has_tables() {
            true => limit,
            false => limit + Duration::from_secs(1),
        };
        let since = Instant::now();
        loop {
            // What is seen after this was so at this time or later.
            let asked = since.elapsed();
            let writes = writes || (!kernel::has_tables() && asked > limit / 2);
            if (writes && self.writes_a_byte().is_err()) || self.is_let_go() {
                self.notes("no process has the connection any more");
                return Ok(());
            }
            if self.program.was_late(since, asked, limit)? {
                let expected = format!("a connection that is gone after {} ms", limit.as_millis());
                let got = format!("the server still has it after {} ms", asked.as_millis());
                return self.fails(Symptom::StillOpen, expected, got, "");
            }
            thread::sleep(LOOK);
        }
    }

    fn notes(&self, note: &str) {
        self.transcript.write(&self.who, "", What::Notes, note);
    }

    /// Whether no process holds the other end any more, as far as the kernel tells.
    fn is_let_go(&self) -> bool {
        kernel::has_tables()
            && kernel::far_end(self.addr(), self.peer_addr()).is_none_or(|row| row.inode == 0)
    }

    /// One byte, if there is room for it. An error: the connection has been reset.
    fn writes_a_byte(&mut self) -> io::Result<()> {
        match self.wire.write(b"x") {
            Err(err) if !matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Err(err)
            }
            _ => Ok(()),
        }
    }
}
