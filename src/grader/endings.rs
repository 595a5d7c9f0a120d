//! How a conversation ends: who is still read after a goodbye, and when a connection is gone.
//!
//! After the submission's FIN a client can still write. What becomes of that is told by the writes
//! themselves (a write behind a reset fails) and, on Linux, by the submission's row in the kernel's
//! table: what waits in it unread, and whether a process still holds it (its inode).

use super::check::{Stop, Told};
use super::client::{Client, Ending};
use super::failure::Symptom;
use super::kernel;
use super::program::PATIENCE;
use super::transcript::What;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at the kernel's table: each costs milliseconds.
const LOOK: Duration = Duration::from_millis(20);

impl Client {
    /// Hears a clean end (FIN), nothing before it, no later than so long after its last byte
    /// arrived or we said something. A reset is a failure.
    pub fn hears_clean_end_within(&mut self, limit: Duration) -> Told {
        self.hears_end_within(limit)?;
        match self.ending {
            Some(Ending::Reset) => self.fails(Symptom::Reset, "the end (FIN)", "a reset (RST)", ""),
            _ => Ok(()),
        }
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
                return self.fails(Symptom::Reset, expected, got, "");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Says these bytes, and the submission has read them no later than so long after `since`, which
    /// lies before whatever made it say goodbye. Where the kernel doesn't tell what was read, it is
    /// believed.
    pub fn says_and_is_read(&mut self, bytes: &[u8], since: Instant, limit: Duration) -> Told {
        self.says(bytes)?;
        if since.elapsed() > limit / 2 {
            let why = "the machine was too slow: the time to be read in was nearly over";
            return Err(Stop::Inconclusive(why.to_string()));
        }
        while kernel::has_tables() {
            // Asked in this order: what arrives between the two must not be missed by both.
            let on_its_way = kernel::far_end(self.peer_addr(), self.addr());
            let on_its_way = on_its_way.is_some_and(|row| row.unsent > 0);
            let held = kernel::far_end(self.addr(), self.peer_addr());
            let held = held.filter(|row| row.inode != 0);
            if !on_its_way && held.is_some_and(|row| row.unread == 0) {
                break;
            }
            let late = self.program.was_late(since, since.elapsed(), limit)?;
            if late || held.is_none() {
                let due = format!("a server that reads on: {} bytes more", bytes.len());
                let got = match held {
                    Some(_) => "they wait, unread, in its receive queue",
                    None => "the connection was gone before they were read",
                };
                let when = format!("{} ms after the refusal", since.elapsed().as_millis());
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
        let since = Instant::now();
        loop {
            let over = since.elapsed() > limit;
            // Without the kernel's table only a write tells, and one that fails needs another before.
            let gone = match kernel::has_tables() {
                true => self.is_let_go(),
                false => over && self.writes_a_byte().is_err(),
            };
            if gone {
                return self.was_gone_in_time(since, limit);
            }
            if since.elapsed() > PATIENCE {
                return Err(self.still_open("a connection that the server has let go"));
            }
            thread::sleep(LOOK);
        }
    }

    /// The same, though we go on saying a byte every 50 ms: to be read is not to be kept.
    pub fn is_let_go_within_though_it_writes(&mut self, limit: Duration) -> Told {
        self.notes("writes on, a byte every 50 ms");
        let since = Instant::now();
        while self.writes_a_byte().is_ok() && !self.is_let_go() {
            if since.elapsed() > PATIENCE {
                return Err(self.still_open("a connection that the server has let go"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.was_gone_in_time(since, limit)
    }

    fn notes(&self, note: &str) {
        self.transcript.write(&self.who, "", What::Notes, note);
    }

    fn was_gone_in_time(&self, since: Instant, limit: Duration) -> Told {
        let took = since.elapsed();
        self.notes("the server has let the connection go");
        // Without the table it is looked for when the time is over, and no earlier.
        if kernel::has_tables() && self.program.was_late(since, took, limit)? {
            let expected = format!("a connection that is gone within {} ms", limit.as_millis());
            let got = format!("it was let go after {} ms", took.as_millis());
            return self.fails(Symptom::Late, expected, got, "");
        }
        Ok(())
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
