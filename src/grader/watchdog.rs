//! Was it the program that was late, or the machine?
//!
//! A thread ticks every 10 ms and notes each gap between two ticks that was longer. A bound that is
//! missed by no more than such gaps (and the time that the program itself stood in the queue for a
//! processor) says nothing about the program.

use std::collections::VecDeque;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(10);

/// Gaps up to this long are the system's ordinary jitter.
const ORDINARY: Duration = Duration::from_millis(30);

/// Gaps remembered: more than an hour's worth on a machine that stalls every second.
const REMEMBERED: usize = 4096;

static GAPS: Mutex<VecDeque<(Instant, Duration)>> = Mutex::new(VecDeque::new());
static STARTED: Once = Once::new();

/// Starts the ticker, once.
pub fn start() {
    STARTED.call_once(|| {
        thread::spawn(|| {
            let mut last = Instant::now();
            loop {
                thread::sleep(TICK);
                let now = Instant::now();
                let gap = now - last;
                if gap > ORDINARY {
                    let mut gaps = GAPS.lock().unwrap_or_else(PoisonError::into_inner);
                    if gaps.len() == REMEMBERED {
                        gaps.pop_front();
                    }
                    gaps.push_back((now, gap - TICK));
                }
                last = now;
            }
        });
    });
}

/// How long the machine stood still since then, all gaps together.
pub fn stalled_since(then: Instant) -> Duration {
    let gaps = GAPS.lock().unwrap_or_else(PoisonError::into_inner);
    gaps.iter()
        .rev()
        .take_while(|(end, _)| *end > then)
        .map(|(_, gap)| *gap)
        .sum()
}
