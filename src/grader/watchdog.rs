//! Was it the program that was late, or the machine?
//!
//! A thread ticks every 10 ms and notes each gap between two ticks that was longer. A bound that is
//! missed by no more than such gaps (and the time that the program itself, or the thread that judges
//! it, stood in the queue for a processor) says nothing about the program.

use super::platform;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(10);

/// Gaps up to this long are the system's ordinary jitter.
const ORDINARY: Duration = Duration::from_millis(30);

/// Gaps remembered: more than an hour's worth on a machine that stalls every second.
const REMEMBERED: usize = 4096;

static TICKS: Mutex<Ticks> = Mutex::new(Ticks {
    last: None,
    gaps: VecDeque::new(),
});
static STARTED: Once = Once::new();

struct Ticks {
    last: Option<Instant>,
    /// When each gap ended, and how long the machine stood still in it.
    gaps: VecDeque<(Instant, Duration)>,
}

fn ticks() -> MutexGuard<'static, Ticks> {
    TICKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the ticker, once.
pub fn start() {
    STARTED.call_once(|| {
        thread::spawn(|| {
            loop {
                ticks().note(Instant::now());
                thread::sleep(TICK);
            }
        });
    });
}

impl Ticks {
    fn note(&mut self, now: Instant) {
        let gap = self.since_the_last(now);
        if gap > Duration::ZERO {
            if self.gaps.len() == REMEMBERED {
                self.gaps.pop_front();
            }
            self.gaps.push_back((now, gap));
        }
        self.last = Some(now);
    }

    /// How long the machine has stood still since the last tick.
    fn since_the_last(&self, now: Instant) -> Duration {
        let gap = self.last.map(|last| now.saturating_duration_since(last));
        match gap {
            Some(gap) if gap > ORDINARY => gap - TICK,
            _ => Duration::ZERO,
        }
    }

    fn stalled_between(&self, then: Instant, now: Instant) -> Duration {
        let over = self.gaps.iter().rev();
        let over = over.take_while(|(end, _)| *end > then);
        // After a stall whoever asks may wake up before the ticker does.
        over.map(|(_, gap)| *gap).sum::<Duration>() + self.since_the_last(now)
    }
}

/// How long the machine stood still since then, all gaps together.
pub fn stalled_since(then: Instant) -> Duration {
    ticks().stalled_between(then, Instant::now())
}

/// The thread that judges a program. What it hears late, because it had no processor, was no later
/// for that.
pub struct Judge {
    thread: ThreadId,
    /// How long it had been in the queue by the time that it began.
    before: Duration,
}

impl Judge {
    /// The calling thread, which begins now.
    pub fn begins() -> Judge {
        Judge {
            thread: thread::current().id(),
            before: platform::own_queue(),
        }
    }

    /// How long it has been in the queue since. Nothing is known of it in another thread.
    pub fn queued(&self) -> Duration {
        match thread::current().id() == self.thread {
            true => platform::own_queue().saturating_sub(self.before),
            false => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_counts_while_it_lasts_and_afterwards_once() {
        let mut ticks = Ticks {
            last: None,
            gaps: VecDeque::new(),
        };
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        ticks.note(begun);
        ticks.note(at(10));
        assert_eq!(ticks.stalled_between(begun, at(40)), Duration::ZERO);
        // 300 ms without a tick; the ticker hasn't woken up yet.
        let stalled = Duration::from_millis(290);
        assert_eq!(ticks.stalled_between(begun, at(310)), stalled);
        ticks.note(at(310));
        assert_eq!(ticks.stalled_between(begun, at(315)), stalled);
        assert_eq!(ticks.stalled_between(at(311), at(315)), Duration::ZERO);
    }

    #[test]
    fn a_judge_in_the_queue_hears_late_and_another_thread_knows_nothing_of_it() {
        let before = platform::own_queue();
        let judge = Judge {
            thread: thread::current().id(),
            before: Duration::ZERO,
        };
        assert!(judge.queued() >= before);
        let elsewhere = thread::scope(|scope| scope.spawn(|| judge.queued()).join());
        assert_eq!(elsewhere.ok(), Some(Duration::ZERO));
    }
}
