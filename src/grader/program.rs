//! One running submission: started in a group of its own, read, waited for, ended.

mod patience;
mod readiness;

pub use patience::PATIENCE;

use super::check::{Stop, Told, broken};
use super::launch::{Launch, fill_in, shown};
use super::output::{self, Output};
use super::platform::{self, Exit};
use super::transcript::{Transcript, What};
use super::watchdog::{self, Judge};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program that was asked to end may take before it is ended.
const GRACE: Duration = Duration::from_secs(2);

/// Bytes of stdout that are kept: more than any exercise prints. The rest is drained and counted.
const STDOUT_KEPT: usize = 32 << 20;

/// The same of a program that is given nothing on stdin, a server mostly: it has only its address
/// and lines to print, and many run side by side.
const STDOUT_KEPT_OF_SERVERS: usize = 4 << 20;

/// Bytes of stderr that are kept, beside the latest: some programs tell of each byte that they read.
const STDERR_KEPT: usize = 4 << 20;

/// The longest file that a program may write: no exercise asks for one, and the disk is everybody's.
const FILE_MOST: u64 = 256 << 20;

/// What a program reads on stdin.
pub enum Input {
    Nothing,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// What [`Program::types`] gives it; it ends when the program is dropped.
    Typed,
}

/// What is running now, so that a signal handler can end it.
static RUNNING: Mutex<Running> = Mutex::new(Running {
    groups: BTreeSet::new(),
    closed: false,
});

struct Running {
    groups: BTreeSet<u32>,
    /// Nothing is started any more.
    closed: bool,
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends everything that was started here and is still running. For the end of the grader itself.
pub fn end_all() {
    for group in running().groups.iter() {
        platform::kill_group(*group);
    }
    platform::end_orphans(None, &[]);
}

/// The same, and from now on nothing is started: checks that run on would start the next program.
pub fn end_all_for_good() {
    running().closed = true;
    end_all();
}

/// A program that runs, or ran.
pub struct Program {
    /// Its name in the transcript.
    pub who: String,
    group: Option<u32>,
    mark: String,
    started: Instant,
    /// Who looks at what it does.
    judge: Judge,
    /// Where it was told to listen, if it was.
    told: Option<SocketAddr>,
    /// Built by the course: must say where it listens.
    announces: bool,
    watched: Arc<Watched>,
    stdin: Mutex<Option<ChildStdin>>,
    pub(super) transcript: Arc<Transcript>,
}

/// What the threads around a program share.
#[derive(Default)]
struct Watched {
    state: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    stdout: Output,
    stderr: Output,
    exit: Option<(Exit, Instant)>,
    /// Its stdout isn't read: what it prints fills the pipe.
    stdout_held: bool,
    /// The group was ended: its leader may be reaped.
    ended: bool,
    reaped: bool,
}

/// What a program is started with.
pub struct Start<'a> {
    pub launch: &'a Launch,
    pub who: &'a str,
    /// Put where the launch has `{addr}`; a server's own address, or the grader's for a client.
    pub addr: Option<SocketAddr>,
    /// The exercise's further arguments.
    pub args: &'a [String],
    pub input: Input,
    /// A folder of its own.
    pub folder: &'a Path,
    /// Distinguishes its processes from those of other stages.
    pub mark: &'a str,
    /// Variables that are set for it besides.
    pub env: &'a [(&'a str, &'a str)],
    /// Its low descriptors are taken when its own code begins, where the system can do that.
    pub filled: bool,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// `NotStarted` if there is no such program or it may not be run; `Broken` if this process has
    /// no more descriptors or processes to give.
    pub fn start(start: Start<'_>, transcript: Arc<Transcript>) -> Result<Program, Stop> {
        let (mut command, announces) = match start.launch {
            Launch::Built(executable) => {
                let mut command = Command::new(executable);
                command.args(start.addr.map(|addr| addr.to_string()));
                command.args(start.args);
                command.current_dir(start.folder);
                (command, true)
            }
            Launch::Command(words) => {
                let words = fill_in(words, start.addr, start.args);
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]);
                (command, false)
            }
            Launch::Running(addr) => {
                return Ok(Program {
                    who: start.who.to_string(),
                    group: None,
                    mark: String::new(),
                    started: Instant::now(),
                    judge: Judge::begins(),
                    told: Some(*addr),
                    announces: false,
                    watched: Arc::default(),
                    stdin: Mutex::new(None),
                    transcript,
                });
            }
        };
        let shown = shown(&command);
        if start.filled {
            command = platform::with_fillers(&command).unwrap_or(command);
        }
        command
            .stdin(if matches!(start.input, Input::Nothing) {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env(platform::STAGE_VARIABLE, start.mark)
            .env("TMPDIR", start.folder)
            // Of a panic the first lines tell, and only the last lines of stderr are shown.
            .env("RUST_BACKTRACE", "0")
            .envs(start.env.iter().copied());
        platform::in_own_group(&mut command);
        // Held until it is on the list: what is ended for good is ended whole.
        let mut running = running();
        if running.closed {
            return Err(Stop::Broken("the grader is being ended".to_string()));
        }
        let mut child = command.spawn().map_err(|err| match err.kind() {
            ErrorKind::WouldBlock | ErrorKind::OutOfMemory => {
                Stop::Broken(format!("cannot start {shown}: {err}"))
            }
            _ if platform::is_lack_of_descriptors(&err) => {
                Stop::Broken(format!("cannot start {shown}: {err}"))
            }
            _ => Stop::NotStarted(format!("cannot start {shown}: {err}")),
        })?;
        let group = child.id();
        running.groups.insert(group);
        drop(running);
        platform::limit_files(group, FILE_MOST);
        let watched = Arc::new(Watched::default());
        let kept = match start.input {
            Input::Bytes(_) => STDOUT_KEPT,
            Input::Nothing | Input::Typed => STDOUT_KEPT_OF_SERVERS,
        };
        if let Some(stdout) = child.stdout.take() {
            let holds = |seen: &Seen| seen.stdout_held;
            watched.follow(stdout, |seen| &mut seen.stdout, holds, kept)?;
        }
        if let Some(stderr) = child.stderr.take() {
            watched.follow(stderr, |seen| &mut seen.stderr, |_| false, STDERR_KEPT)?;
        }
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = start.input {
            if let Some(mut stdin) = stdin.take() {
                // A program need not read its stdin: a broken pipe is its own affair.
                in_a_thread(move || {
                    let _ = stdin.write_all(&bytes);
                })?;
            }
        }
        let exits = Arc::clone(&watched);
        in_a_thread(move || {
            let exit = platform::wait_unreaped(&mut child).unwrap_or(Exit::Status(-1));
            let mut seen = exits.lock();
            seen.exit = Some((exit, Instant::now()));
            exits.changed.notify_all();
            while !seen.ended {
                seen = exits
                    .changed
                    .wait(seen)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let _ = child.wait();
            seen.reaped = true;
            exits.changed.notify_all();
        })?;
        let started = Instant::now();
        // A demo makes a pause of this. Whoever looks for the exit already isn't kept from it: a short
        // program would seem to have run until the pause was over.
        transcript.write(start.who, "", What::Starts, shown);
        Ok(Program {
            who: start.who.to_string(),
            group: Some(group),
            mark: start.mark.to_string(),
            started,
            judge: Judge::begins(),
            told: start.addr,
            announces,
            watched,
            stdin: Mutex::new(stdin),
            transcript,
        })
    }

    /// How it ended, once it has.
    pub fn exit(&self) -> Option<Exit> {
        self.watched.lock().exit.map(|(exit, _)| exit)
    }

    /// Waits for its end; `None` if it still runs when the time is over.
    pub fn wait_exit(&self, limit: Duration) -> Option<(Exit, Duration)> {
        let deadline = Instant::now() + limit;
        let mut seen = self.watched.lock();
        loop {
            if let Some((exit, at)) = seen.exit {
                return Some((exit, at - self.started));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            seen = self.wait_changed(seen, left);
        }
    }

    /// Its stdout and stderr so far.
    pub fn outputs(&self) -> (Output, Output) {
        let seen = self.watched.lock();
        (seen.stdout.clone(), seen.stderr.clone())
    }

    /// Waits until `done` holds of its outputs; whether it came to hold in time.
    pub fn wait_output(&self, limit: Duration, done: impl Fn(&Output, &Output) -> bool) -> bool {
        let begun = Instant::now();
        let mut seen = self.watched.lock();
        loop {
            if done(&seen.stdout, &seen.stderr) {
                return true;
            }
            // Where the machine stood still, so did the thread that reads the pipe.
            let limit = limit + watchdog::stalled_since(begun).min(limit);
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() || (seen.stdout.closed && seen.stderr.closed) {
                return false;
            }
            seen = self.wait_changed(seen, left);
        }
    }

    /// Types a line, or any bytes, on its stdin. It must have been started with [`Input::Typed`].
    pub fn types(&self, bytes: &[u8]) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stdin) = stdin.as_mut() {
            let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Bytes of its stdin that it hasn't read yet, where the system tells.
    pub fn untold(&self) -> Option<u64> {
        let stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        stdin.as_ref().and_then(platform::unread_in)
    }

    /// Ends its stdin, as Ctrl-D does at a terminal.
    pub fn ends_typing(&self) {
        self.stdin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Whether a socket is known to belong to another program. One that nobody holds any more may
    /// have been this one's.
    pub fn is_not_owner(&self, inode: u64) -> bool {
        self.group
            .is_some_and(|group| platform::belongs_to_others(inode, group, &self.mark))
    }

    /// Whether it is one that runs without our having started it.
    pub fn is_foreign(&self) -> bool {
        self.group.is_none()
    }

    /// The number of its process.
    pub fn id(&self) -> Option<u32> {
        self.group
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Its threads, and those of what it started, where the system tells.
    pub fn threads(&self) -> usize {
        self.group
            .map_or(0, |group| platform::threads_of_group(group).len())
    }

    fn wait_changed<'a>(
        &self,
        seen: MutexGuard<'a, Seen>,
        limit: Duration,
    ) -> MutexGuard<'a, Seen> {
        let waited = self.watched.changed.wait_timeout(seen, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Leaves its stdout unread from now on: when the pipe is full, its next print waits.
    pub fn leaves_stdout_unread(&self) {
        self.watched.lock().stdout_held = true;
    }

    /// Kills it where it stands, and then reads what it had printed by then.
    pub fn is_killed(&self) {
        if let Some(group) = self.group {
            platform::kill_group(group);
        }
        self.wait_exit(GRACE);
        self.watched.lock().stdout_held = false;
        self.watched.changed.notify_all();
        self.wait_output(GRACE, |stdout, _| stdout.closed);
    }

    /// Ends it and everything that it started: asks, waits, kills. Safe to call again.
    pub fn end(&self) {
        let Some(group) = self.group else { return };
        self.watched.lock().stdout_held = false;
        self.watched.changed.notify_all();
        if self.watched.lock().ended {
            return;
        }
        if self.exit().is_none() {
            platform::ask_group(group);
            self.wait_exit(GRACE);
        }
        // Also when its leader is gone: others of the group may still run.
        platform::kill_group(group);
        self.wait_exit(GRACE);
        let mut seen = self.watched.lock();
        seen.ended = true;
        self.watched.changed.notify_all();
        let deadline = Instant::now() + GRACE;
        while seen.exit.is_some() && !seen.reaped && Instant::now() < deadline {
            seen = self.wait_changed(seen, GRACE);
        }
        drop(seen);
        let others: Vec<u32> = {
            let mut running = running();
            running.groups.remove(&group);
            running.groups.iter().copied().collect()
        };
        platform::end_orphans(Some(&self.mark), &others);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one of the outputs to its end.
    fn follow(
        self: &Arc<Watched>,
        output: impl Read + Send + 'static,
        of: fn(&mut Seen) -> &mut Output,
        is_held: fn(&Seen) -> bool,
        kept: usize,
    ) -> Told {
        let watched = Arc::clone(self);
        in_a_thread(move || {
            output::read_all(output, |chunk| {
                let mut seen = watched.lock();
                match chunk {
                    Some(chunk) => of(&mut seen).take_in(chunk, kept),
                    None => of(&mut seen).closed = true,
                }
                watched.changed.notify_all();
                while is_held(&seen) {
                    let waited = watched.changed.wait(seen);
                    seen = waited.unwrap_or_else(PoisonError::into_inner);
                }
            });
        })
    }
}

/// A submission may have left no thread to its grader: that is the grader's trouble, and no panic.
fn in_a_thread(work: impl FnOnce() + Send + 'static) -> Told {
    let started = thread::Builder::new().spawn(work);
    started.map(drop).map_err(broken("cannot start a thread"))
}
