//! `watch`: grades the exercise each time it is saved.
//!
//! Each grading is a process of its own, `grade EX`, so that a program that hangs never hangs the
//! watcher, and a save in the middle of it ends it. The file is polled, because editors save by
//! renaming and network drives tell nobody.

use super::{Outcome, Stop, grade, hint, interrupt, one_exercise};
use crate::course::house::House;
use crate::course::names::Entry;
use crate::course::out::{self, Ink, ink};
use crate::course::progress::Progress;
use crate::grader::{platform, program};
use lexopt::Parser;
use std::env;
use std::fs;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

pub(super) const HELP: &str = "\
Grades an exercise now and each time it is saved: the one that is named, or the
next one that has not passed. Each of these, and Enter:

  h    the next hint
  n    on to the next exercise that has not passed
  q    leave
";

/// What can be typed.
const KEYS: &str = "h a hint, n the next exercise, q to leave; and Enter";

/// How often the file is looked at.
const POLL: Duration = Duration::from_millis(200);

/// How often, while a grading runs, it is asked whether it is done.
const GLANCE: Duration = Duration::from_millis(20);

/// How long a grading may take to end once it is asked to.
const GRACE: Duration = Duration::from_secs(3);

/// What a save changes.
type Signature = (SystemTime, u64);

/// Runs it until it is left. The exit status.
///
/// # Errors
/// Bad usage, or the runner can't start itself.
pub fn run(house: &House, parser: Parser) -> Outcome {
    let (named, _) = one_exercise(house, parser, None)?;
    let Some(entry) = named.or_else(|| Progress::load(house).next()) else {
        out::say("Every exercise has passed. Name one to watch it: cargo course watch EX");
        return Ok(0);
    };
    let runner = env::current_exe().map_err(|err| {
        Stop::Failed(format!(
            "cannot tell which file the runner is, to start it again: {err}"
        ))
    })?;
    // What a grading that had to be killed leaves behind becomes ours to end.
    platform::adopt_orphans();
    let mut watcher = Watcher {
        house,
        runner,
        entry,
        graded: None,
        missing: None,
        grading: None,
    };
    let status = watcher.watch(&commands());
    watcher.end_grading();
    status
}

struct Watcher<'a> {
    house: &'a House,
    runner: PathBuf,
    entry: Entry,
    /// The file as it was when it was last graded.
    graded: Option<Signature>,
    /// Since when it isn't there; `None` in it once that was said.
    missing: Option<Option<Instant>>,
    grading: Option<Grading>,
}

impl Watcher<'_> {
    fn watch(&mut self, commands: &Receiver<String>) -> Outcome {
        self.greet();
        let mut commands = Some(commands);
        loop {
            self.look()?;
            let pause = if self.grading.is_some() { GLANCE } else { POLL };
            let command = match commands.map(|commands| commands.recv_timeout(pause)) {
                Some(Ok(command)) => command,
                Some(Err(RecvTimeoutError::Timeout)) => String::new(),
                // Stdin has ended: no more commands, but the file is still watched.
                Some(Err(RecvTimeoutError::Disconnected)) => {
                    commands = None;
                    continue;
                }
                None => {
                    thread::sleep(pause);
                    String::new()
                }
            };
            self.finish_grading();
            interrupt::wait_if_under_way();
            if out::reader_is_gone() || out::trouble().is_some() {
                return Ok(0);
            }
            match command.trim() {
                "" => {}
                "h" => {
                    hint::run(self.house, self.entry);
                }
                "n" => self.go_on(),
                "q" => return Ok(0),
                _ => out::say(KEYS),
            }
        }
    }

    fn greet(&self) {
        let name = self.entry.1.name;
        let file = self.house.shown(&self.house.exercise(name));
        out::say(format!("Watching {file}"));
        out::say(KEYS);
    }

    /// Looks at the file, and has it graded if it was saved.
    fn look(&mut self) -> Result<(), Stop> {
        let path = self.house.exercise(self.entry.1.name);
        let Some(signature) = signature(&path) else {
            self.wait_for(&path);
            return Ok(());
        };
        self.missing = None;
        // An editor that writes in place empties the file first: the rest is about to come.
        if self.graded == Some(signature) || signature.1 == 0 {
            return Ok(());
        }
        self.end_grading();
        self.graded = Some(signature);
        self.grading = Some(Grading::start(&self.runner, self.entry.1.name)?);
        out::status(&format!("grading {}", self.entry.1.name));
        Ok(())
    }

    /// The file is not there: an editor that saves by renaming, or it was deleted.
    fn wait_for(&mut self, path: &Path) {
        match self.missing {
            None => self.missing = Some(Some(Instant::now())),
            Some(Some(since)) if since.elapsed() > Duration::from_secs(1) => {
                let shown = self.house.shown(path);
                out::say(format!(
                    "{shown} is not there; it is graded when it is back."
                ));
                self.missing = Some(None);
                self.graded = None;
            }
            Some(_) => {}
        }
    }

    /// Shows what came of the grading, if it is done.
    fn finish_grading(&mut self) {
        let Some(done) = self.grading.as_mut().and_then(Grading::done) else {
            return;
        };
        self.grading = None;
        if out::can_clear() {
            out::show("\x1b[H\x1b[2J");
        }
        out::show(&done.stdout);
        if !done.stderr.is_empty() {
            out::warn(done.stderr.trim_end());
        }
        let name = self.entry.1.name;
        if done.status == Some(0) {
            let passes = ink(&format!("{name} passes."), Ink::Green);
            out::say(format!("\n{passes}\n\n{}", grade::after(self.house)));
            if Progress::load(self.house).next().is_some() {
                out::say("n and Enter goes there, q and Enter leaves.");
            }
        } else {
            out::say("\nIt is graded again when it is saved; h and Enter for a hint.");
        }
    }

    fn end_grading(&mut self) {
        if let Some(grading) = self.grading.take() {
            grading.end();
            out::status_done();
        }
    }

    /// On to the next exercise that has not passed.
    fn go_on(&mut self) {
        // The one that is told as the next, or, before this one has passed, the one behind it.
        let (progress, name) = (Progress::load(self.house), self.entry.1.name);
        let told = progress.next().filter(|(_, next)| next.name != name);
        let Some(entry) = told.or_else(|| progress.next_after(name)) else {
            out::say("There is no other exercise that has not passed.");
            return;
        };
        self.end_grading();
        self.entry = entry;
        (self.graded, self.missing) = (None, None);
        self.greet();
    }
}

fn signature(path: &Path) -> Option<Signature> {
    let data = fs::metadata(path).ok().filter(|data| data.is_file())?;
    Some((
        data.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        data.len(),
    ))
}

/// The lines of stdin, as they come. No raw terminal.
fn commands() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                break;
            }
        }
    });
    receiver
}

/// A runner that grades, in a group of its own.
struct Grading {
    child: Child,
    _guard: interrupt::Guard,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

/// What came of it.
struct Done {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Grading {
    fn start(runner: &Path, name: &str) -> Result<Grading, Stop> {
        let mut command = Command::new(runner);
        command.args(["grade", name, "--watched"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if out::has_colour() {
            command.env("CLICOLOR_FORCE", "1");
        }
        platform::in_own_group(&mut command);
        let mut child = command.spawn().map_err(|err| {
            Stop::Failed(format!(
                "cannot start the grader, {}: {err}",
                runner.display()
            ))
        })?;
        let guard = interrupt::group(child.id());
        let (stdout, stderr) = (
            read_whole(child.stdout.take()),
            read_whole(child.stderr.take()),
        );
        Ok(Grading {
            child,
            _guard: guard,
            stdout,
            stderr,
        })
    }

    /// What came of it, once it has ended.
    fn done(&mut self) -> Option<Done> {
        let status = self.child.try_wait().ok()??.code();
        let text = |output: &Receiver<Vec<u8>>| {
            // Whoever inherited the pipe may hold it open: what is read by then has to do.
            let bytes = output
                .recv_timeout(Duration::from_secs(2))
                .unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Some(Done {
            status,
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
        })
    }

    /// Ends it and everything under it.
    fn end(mut self) {
        let id = self.child.id();
        let running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        if running(&mut self.child) {
            platform::ask_group(id);
            let deadline = Instant::now() + GRACE;
            while running(&mut self.child) && Instant::now() < deadline {
                thread::sleep(GLANCE);
            }
        }
        if running(&mut self.child) {
            platform::kill_group(id);
            let _ = self.child.wait();
        }
        program::end_all();
    }
}

fn read_whole(output: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut output) = output {
            // What was read before an error is worth showing.
            let _ = output.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}
