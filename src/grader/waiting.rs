//! What waits: a connection for its being accepted, a place for the next client, bytes in a program
//! for a client that doesn't read. On Linux the kernel's table tells of the first and the last.

use super::check::{Stop, Told};
use super::client::Client;
use super::failure::Symptom;
use super::kernel;
use super::platform;
use super::program::{PATIENCE, Program};
use super::stage::Stage;
use super::transcript::What;
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

/// Between a question and its echo, where nothing stands in its way.
const ANSWER: Duration = Duration::from_millis(50);

impl Client {
    /// Says as much of this as the submission takes while it is not read from: how much that was.
    pub fn says_what_is_taken(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        self.stops_reading();
        let mut said = 0;
        let mut deadline = Instant::now() + Duration::from_millis(300);
        while said < bytes.len() && Instant::now() < deadline {
            match self.wire.write(&bytes[said..]) {
                Ok(n) => {
                    said += n;
                    deadline = Instant::now() + Duration::from_millis(300);
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    platform::wait_ready(self.wire.socket(), false, true, left);
                }
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => break, // What is heard next tells.
            }
        }
        let note = format!("says {said} bytes, until no more were taken");
        self.transcript.write(&self.who, "", What::Notes, note);
        Ok(said)
    }

    /// Whether what took the submission so long took too long: see [`Program::was_late`].
    pub fn program_was_late(
        &self,
        since: Instant,
        took: Duration,
        limit: Duration,
    ) -> Result<bool, Stop> {
        self.program.was_late(since, took, limit)
    }

    /// Whether the submission has accepted the connection, waiting for it so long. Where the kernel
    /// doesn't tell, it has.
    pub fn is_accepted_within(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        loop {
            let row = kernel::far_end(self.addr(), self.peer_addr());
            if !kernel::has_tables() || row.is_some_and(|row| row.inode != 0) {
                return true;
            }
            if begun.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many of so many bytes, which the submission has for this client, are still in itself:
    /// neither in its kernel's queue nor in ours. `None`: the connection is gone, or the kernel
    /// doesn't tell.
    pub fn waits_for_it(&self, bytes: usize) -> Option<usize> {
        // What moves from the first to the second between the looks is counted twice: too little
        // waits then, never too much.
        let unsent = kernel::far_end(self.addr(), self.peer_addr()).filter(|row| row.inode != 0)?;
        let unread = kernel::far_end(self.peer_addr(), self.addr())?;
        Some(bytes.saturating_sub(unsent.unsent + unread.unread))
    }
}

impl Stage {
    /// A client that is echoed no later than so long after `since`: told `busy`, or let go, it comes
    /// again.
    pub fn client_with_a_place(
        &self,
        who: &str,
        since: Instant,
        limit: Duration,
    ) -> Result<Client, Stop> {
        loop {
            // What is seen after this was so at this time or later.
            let asked = since.elapsed();
            let mut client = self.client(who)?;
            client.says(b"hello\n")?;
            if client.has_come(5, PATIENCE) {
                let line = client.hears_line("its echo", 64)?;
                match &line[..] {
                    b"hello" => {
                        let took = client.last_arrival().saturating_duration_since(since);
                        // It asked before, and the answer took its time.
                        if self.server()?.was_late(since, took, limit + ANSWER)? {
                            return too_late(&client, limit, took);
                        }
                        return Ok(client);
                    }
                    b"busy" => {}
                    line => return client.fails(Symptom::Different, &b"hello"[..], line, ""),
                }
            }
            self.server()?.runs_on("on")?;
            match self.server()?.was_late(since, asked, limit) {
                Ok(true) => return too_late(&client, limit, asked),
                Ok(false) => {}
                // The machine stood still: a little more of the same will tell.
                Err(stop) if asked > limit * 2 + PATIENCE / 2 => return Err(stop),
                Err(_) => {}
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn too_late<T>(client: &Client, limit: Duration, after: Duration) -> Result<T, Stop> {
    let due = format!("a place within {} ms", limit.as_millis());
    let got = format!("none after {} ms", after.as_millis());
    client.fails(Symptom::Late, due, got, "")
}

impl Program {
    /// Comes to have no more threads than this, where the kernel tells.
    pub fn has_threads_at_most(&self, most: usize) -> Told {
        let begun = Instant::now();
        loop {
            let threads = self.threads();
            if threads <= most {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                self.must_have_run(PATIENCE)?;
                let due = format!("at most {most} threads once they have left");
                let got = format!("{threads} threads after {} s", PATIENCE.as_secs());
                return Err(self.departs(Symptom::StillOpen, due, got));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Takes at most this share of one core for so long. What it waited for a processor doesn't count:
    /// on a busy machine a program that spins gets little.
    pub fn rests_for(&self, time: Duration, share: f64) -> Told {
        let (begun, ran, queued) = (Instant::now(), self.ran(), self.queued());
        thread::sleep(time);
        let elapsed = begun.elapsed();
        let used = self.ran().saturating_sub(ran);
        let waited = self.queued().saturating_sub(queued);
        // Many threads may have waited at the same time.
        let could_run = elapsed.saturating_sub(waited).max(elapsed / 10);
        let part = used.as_secs_f64() / could_run.as_secs_f64();
        if part <= share {
            return Ok(());
        }
        let due = format!("at most {:.0} % of a core", share * 100.0);
        let got = format!("{:.0} % for {:.1} s", part * 100.0, elapsed.as_secs_f64());
        Err(self.departs(Symptom::Different, due, got))
    }
}
