//! Ctrl-C and its kin: nothing that was started here outlives the runner.
//!
//! Submissions, cargo and the watcher's grader run in process groups of their own, so the terminal's
//! Ctrl-C doesn't reach them: it is passed on here. Where there are no such signals the system ends
//! the console's processes together.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is to be ended with us.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Child {
    /// A process group, by its leader's number.
    Group(u32),
    /// One process, but not what it started: mdBook, and not the browser that it opened.
    Process(u32),
    /// Whatever was started with this variable: what a grader leaves that had to be killed.
    Marked(&'static str, String),
}

static CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Ctrl-C is how this command is meant to be ended.
static EXPECTED: AtomicBool = AtomicBool::new(false);

/// The signal that ends us, once one has come.
static ENDING: AtomicU32 = AtomicU32::new(0);

fn children() -> MutexGuard<'static, Vec<Child>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the group with us, as long as the guard lives.
pub fn group(id: u32) -> Guard {
    Guard::new(Child::Group(id))
}

/// Ends the process with us, as long as the guard lives.
pub fn process(id: u32) -> Guard {
    Guard::new(Child::Process(id))
}

/// Ends what was started with this variable with us, after all others, as long as the guard lives.
pub fn marked(variable: &'static str, value: &str) -> Guard {
    Guard::new(Child::Marked(variable, value.to_string()))
}

/// From now on Ctrl-C is the ordinary end: exit status 0.
pub fn is_the_ordinary_end() {
    EXPECTED.store(true, Ordering::Relaxed);
}

/// Whether a signal has come and everything is being ended.
pub fn is_under_way() -> bool {
    ENDING.load(Ordering::Relaxed) != 0
}

/// Waits for the end that is under way. Without this a command that sees its child end would go on
/// and report that as the child's own doing.
pub fn wait_if_under_way() {
    while is_under_way() {
        std::thread::park_timeout(std::time::Duration::from_secs(1));
    }
}

/// Takes its child off the list when it is dropped.
pub struct Guard(Child);

impl Guard {
    fn new(child: Child) -> Guard {
        children().push(child.clone());
        Guard(child)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut children = children();
        if let Some(at) = children.iter().position(|child| *child == self.0) {
            children.swap_remove(at);
        }
    }
}

pub use system::install;

#[cfg(unix)]
mod system {
    use super::*;
    use crate::course::{files, out};
    use crate::grader::{platform, program, stage};
    use rustix::process::{Pid, Signal, kill_process, test_kill_process, test_kill_process_group};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use std::thread;
    use std::time::{Duration, Instant};

    /// How long what we started may take to end by itself.
    const GRACE: Duration = Duration::from_secs(2);

    /// From now on a signal that ends us ends what we started first.
    pub fn install() {
        let wanted = [SIGINT, SIGTERM, SIGHUP]
            .into_iter()
            .filter(|signal| !is_ignored(*signal));
        let Ok(mut signals) = Signals::new(wanted) else {
            // Then the system's own way holds: the runner ends at once.
            return;
        };
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                ENDING.store(signal as u32, Ordering::Relaxed);
                // The second signal ends us even if the first got stuck.
                thread::spawn(move || {
                    if signals.forever().next().is_some() {
                        program::end_all_for_good();
                        stage::remove_folders_for_good();
                        std::process::exit(128 + signal);
                    }
                });
                end_children();
                program::end_all_for_good();
                stage::remove_folders_for_good();
                files::remove_temporaries();
                out::restore_terminal();
                let ordinary = signal == SIGINT && EXPECTED.load(Ordering::Relaxed);
                std::process::exit(if ordinary { 0 } else { 128 + signal });
            }
        });
    }

    fn end_children() {
        let ended = children().clone();
        for child in &ended {
            match *child {
                Child::Group(id) => platform::ask_group(id),
                Child::Process(id) => {
                    if let Some(pid) = pid(id) {
                        let _ = kill_process(pid, Signal::TERM);
                    }
                }
                Child::Marked(..) => {}
            }
        }
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && ended.iter().any(lives) {
            thread::sleep(Duration::from_millis(5));
        }
        for child in ended.iter().filter(|child| lives(child)) {
            match *child {
                Child::Group(id) => platform::kill_group(id),
                Child::Process(id) => {
                    if let Some(pid) = pid(id) {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
                Child::Marked(..) => {}
            }
        }
        for child in &ended {
            if let Child::Marked(variable, value) = child {
                platform::end_marked(variable, value);
            }
        }
    }

    /// Whoever waits for the child takes it off the list: then its number may be another's.
    fn lives(child: &Child) -> bool {
        children().contains(child)
            && match *child {
                Child::Group(id) => pid(id).is_some_and(|pid| test_kill_process_group(pid).is_ok()),
                Child::Process(id) => pid(id).is_some_and(|pid| test_kill_process(pid).is_ok()),
                Child::Marked(..) => false,
            }
    }

    fn pid(id: u32) -> Option<Pid> {
        Pid::from_raw(i32::try_from(id).ok()?)
    }

    /// Whether whoever started us wants the signal ignored, as `nohup` does. Linux tells.
    fn is_ignored(signal: i32) -> bool {
        let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
            return false;
        };
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
    }
}

#[cfg(not(unix))]
mod system {
    pub fn install() {}
}
