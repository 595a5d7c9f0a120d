//! Patience with a program: how long it is waited for, and when its being late says nothing about it,
//! since the machine stood still or gave it no processor.

use super::Program;
use crate::grader::check::{Stop, Told};
use crate::grader::platform::{self, Exit};
use crate::grader::watchdog;
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// How long a step waits for something to happen. Only wrong programs pay it.
pub const PATIENCE: Duration = Duration::from_secs(10);

impl Program {
    /// How long it has run on a processor, all its threads together, where the system tells.
    pub fn ran(&self) -> Duration {
        self.processor_time().0
    }

    /// How long it was ready to run and had no processor, where the system tells.
    pub fn queued(&self) -> Duration {
        self.processor_time().1
    }

    /// Time since then in which the program could not have acted, or nobody saw that it did: the
    /// machine stood still, or the program or its judge was in the queue for a processor.
    pub fn stalled_since(&self, then: Instant) -> Duration {
        // What they waited before `then` is not known: all of it is taken, in its favour.
        watchdog::stalled_since(then) + self.processor_time().1 + self.judge.queued()
    }

    /// Whether the time since then says nothing about it: the machine stood still for half of it,
    /// or the program waited for a processor for half of it and hardly got one.
    fn hardly_ran(&self, then: Instant) -> bool {
        let elapsed = then.elapsed();
        let (ran, waited) = self.processor_time();
        watchdog::stalled_since(then) * 2 > elapsed || (waited * 2 > elapsed && ran * 10 < elapsed)
    }

    /// Whether something that took so long took too long. Where it did, but not by more than the
    /// machine stood still meanwhile, nobody can tell.
    pub fn was_late(&self, since: Instant, took: Duration, limit: Duration) -> Result<bool, Stop> {
        if took > limit && took.saturating_sub(self.stalled_since(since)) <= limit {
            let why = format!(
                "{} ms, but the machine stood still meanwhile",
                took.as_millis()
            );
            return Err(Stop::Inconclusive(why));
        }
        Ok(took > limit)
    }

    /// Waits for its end as long as patience lasts; a busy machine is no reason to give up on it.
    pub fn wait_end(&self) -> Result<Option<(Exit, Duration)>, Stop> {
        let end = self.wait_exit(PATIENCE);
        if end.is_none() {
            self.must_have_run(PATIENCE)?;
        }
        Ok(end)
    }

    /// Nothing can be said of a program that had no chance to run in the time that has passed.
    pub fn must_have_run(&self, lately: Duration) -> Told {
        match Instant::now().checked_sub(lately) {
            Some(then) if self.hardly_ran(then) || self.starves() => Err(Stop::Inconclusive(
                "the program hardly got any processor time".to_string(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether it may still be starting: some runtimes compute for seconds before a program does
    /// anything, and as many of them as there are checks at a time start at once.
    pub fn may_be_starting(&self) -> bool {
        if self.started.elapsed() > PATIENCE * 3 {
            return false;
        }
        let before = self.ran();
        thread::sleep(Duration::from_millis(200));
        self.ran().saturating_sub(before) > Duration::from_millis(20)
    }

    /// Whether the program, or one that it started, wants a processor now and hardly gets one. What
    /// its leader waited doesn't tell that of a script that starts other programs.
    fn starves(&self) -> bool {
        const LOOKS: u32 = 20;
        let Some(group) = self.group.filter(|_| !self.watched.lock().ended) else {
            return false;
        };
        let begun = Instant::now();
        let (mut wanted, mut ran) = (0, Duration::ZERO);
        let mut before: BTreeMap<u32, Duration> = BTreeMap::new();
        for _ in 0..LOOKS {
            thread::sleep(Duration::from_millis(15));
            let threads = platform::threads_of_group(group);
            wanted += u32::from(threads.iter().any(|(_, runnable, _)| *runnable));
            for (number, _, now) in threads {
                let then = before.insert(number, now).unwrap_or(now);
                ran += now.saturating_sub(then);
            }
        }
        wanted * 2 > LOOKS && ran * 4 < begun.elapsed()
    }

    fn processor_time(&self) -> (Duration, Duration) {
        match self.group {
            // Until it is reaped the kernel still knows; afterwards the number may be another's.
            Some(group) if !self.watched.lock().ended => platform::processor_time(group),
            _ => (Duration::ZERO, Duration::ZERO),
        }
    }
}
