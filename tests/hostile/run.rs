//! One grading of one hostile script, watched from outside.

use crate::left::{Marker, disk, peak_resident};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use std::cell::Cell;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// No grading here takes longer: each step of a check has its limit.
const LIMIT: Duration = Duration::from_secs(150);

/// What the grader may have resident, in bytes.
const RESIDENT_MOST: u64 = 200 << 20;

/// One at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Listens where it is told to, and says so.
pub const LISTEN: &str = "\
host, port = sys.argv[1].rsplit(':', 1)
listener = socket.create_server((host, int(port)))
";

/// A right echo server. A thread for each client, so that none is kept waiting by another.
pub const RIGHT: &str = "\
host, port = sys.argv[1].rsplit(':', 1)
listener = socket.create_server((host, int(port)))
def converse(stream):
    try:
        with stream:
            while data := stream.recv(65536):
                stream.sendall(data)
    except OSError:
        pass
while True:
    stream, _ = listener.accept()
    threading.Thread(target=converse, args=(stream,), daemon=True).start()
";

/// Answers once, then hangs up.
pub const WRONG: &str = "\
host, port = sys.argv[1].rsplit(':', 1)
listener = socket.create_server((host, int(port)))
while True:
    stream, _ = listener.accept()
    try:
        with stream:
            stream.sendall(stream.recv(65536))
    except OSError:
        pass
";

/// The interpreter itself, not what a version manager puts before it; `None` where there is none,
/// unless every peer has to be there.
pub fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let mut command = Command::new("python3");
        command
            .args(["-c", "import sys; print(sys.executable)"])
            .stdin(Stdio::null());
        let output = command
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
    });
    let required = std::env::var_os("WIRESIDE_ALL_PEERS").is_some_and(|value| value == "1");
    assert!(python.is_some() || !required, "python3 is not installed");
    if python.is_none() {
        eprintln!("skipped: python3 is not installed");
    }
    python.as_deref()
}

/// A submission that is to be graded.
pub struct Asked {
    marker: Marker,
    folder: PathBuf,
    only: Option<&'static str>,
    _turn: MutexGuard<'static, ()>,
}

/// What came of it.
pub struct Graded {
    status: Option<i32>,
    pub stdout: String,
    stderr: String,
    /// The most that lay in the grader's folders.
    pub disk: u64,
    pub course_was_written: bool,
}

impl Asked {
    /// A script, in a folder of its own beside a course of its own.
    pub fn of(script: &str) -> Option<Asked> {
        python()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("hostile-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(&marker);
        let asked = Asked {
            marker: Marker(marker),
            folder,
            only: None,
            _turn: turn,
        };
        for folder in [
            "tmp",
            "course/exercises/shipped",
            "course/exercises/src/bin",
        ] {
            fs::create_dir_all(asked.folder.join(folder)).expect("make a folder");
        }
        let head = format!(
            "import os, signal, socket, sys, threading, time\nMARKER = {:?}\n",
            asked.marker.0
        );
        fs::write(asked.script(), head + script).expect("write the script");
        asked.make_course();
        Some(asked)
    }

    /// As much of the course as the runner looks for; its sources are this repository's.
    fn make_course(&self) {
        let bin = "[package]\nname = \"exercises\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                   [[bin]]\nname = \"ex02_echo_server\"\npath = \"src/bin/ex02_echo_server.rs\"\n";
        // By this line a folder is known to be the course.
        let root = "[workspace]\nmembers = [\"exercises\"]\nresolver = \"3\"\n\n\
                    [workspace.metadata.course]\nname = \"wireside\"\n";
        fs::write(self.course().join("Cargo.toml"), root).expect("write a manifest");
        fs::write(self.course().join("exercises/Cargo.toml"), bin).expect("write a manifest");
    }

    pub fn script(&self) -> PathBuf {
        self.folder.join("server.py")
    }

    pub fn course(&self) -> PathBuf {
        self.folder.join("course")
    }

    /// Only the checks with this in their name.
    pub fn only(mut self, name: &'static str) -> Asked {
        self.only = Some(name);
        self
    }

    pub fn grade(self) -> Graded {
        self.grade_while(|_| {})
    }

    /// Grades it as this exercise, and as if the course had built it.
    pub fn grade_as_built(self, exercise: &str) -> Graded {
        let built = self.folder.join("built");
        let script = fs::read_to_string(self.script()).expect("read the script");
        let python = python().unwrap_or_default();
        fs::write(&built, format!("#!{python}\n{script}")).expect("write the program");
        fs::set_permissions(&built, fs::Permissions::from_mode(0o755)).expect("let it be run");
        let mut command = self.runner();
        command
            .args(["grade", exercise, "--format", "json", "--executable"])
            .arg(built);
        if let Some(only) = self.only {
            command.args(["--only", only]);
        }
        self.run(command, |_, _| false)
    }

    /// Grades it, and calls this now and then meanwhile.
    pub fn grade_while(self, meanwhile: impl Fn(&Marker)) -> Graded {
        let command = self.grader();
        self.run(command, |_, marker| {
            meanwhile(marker);
            false
        })
    }

    /// Grades it, and sends the grader a signal once the submission runs: no later than so long
    /// after that it has ended.
    pub fn grade_and_send(self, signal: Signal, limit: Duration) -> Graded {
        let command = self.grader();
        self.run(command, send_once(signal, limit))
    }

    /// Watches the course's exercise, and sends the watcher a signal once the submission runs: no later
    /// than so long after that it has ended. What was built before that is no part of it.
    pub fn watch_and_send(self, signal: Signal, limit: Duration) -> Graded {
        let mut command = self.runner();
        command.args(["watch", "ex02_echo_server"]);
        self.run(command, send_once(signal, limit))
    }

    fn grader(&self) -> Command {
        let mut command = self.runner();
        let server = format!(
            "{} {} {{addr}}",
            python().unwrap_or_default(),
            self.script().display()
        );
        command.args([
            "grade",
            "ex02_echo_server",
            "--format",
            "json",
            "--cmd",
            &server,
        ]);
        if let Some(only) = self.only {
            command.args(["--only", only]);
        }
        command
    }

    fn runner(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wireside"));
        command
            .current_dir(self.course())
            .env("CARGO_MANIFEST_DIR", self.course())
            .env("WIRESIDE_TEST_COURSE", self.course())
            .env("TMPDIR", self.folder.join("tmp"))
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A submission that signals the grader's group must not reach the tests.
            .process_group(0);
        command
    }

    /// Runs it to its end, and looks at what it took and at what it left. `meanwhile` is asked now and
    /// then whether that is overdue.
    fn run(self, mut command: Command, meanwhile: impl Fn(u32, &Marker) -> bool) -> Graded {
        let mut child = command.spawn().expect("start the runner");
        let stdout = read(child.stdout.take());
        let stderr = read(child.stderr.take());
        let tmp = self.folder.join("tmp");
        let (mut peak, mut most_disk) = (0, 0);
        let begun = Instant::now();
        let status = loop {
            peak = peak.max(peak_resident(child.id()).unwrap_or(0));
            most_disk = most_disk.max(disk(&tmp));
            if let Some(status) = child.try_wait().expect("ask for the status") {
                break status;
            }
            if meanwhile(child.id(), &self.marker) || begun.elapsed() > LIMIT {
                let seen = what_it_does(child.id());
                end(&mut child, &self.marker);
                panic!("it still runs after {:?}:\n{seen}", begun.elapsed());
            }
            thread::sleep(Duration::from_millis(20));
        };
        let carriers = self.marker.carriers();
        let kept: Vec<_> = fs::read_dir(&tmp)
            .expect("read the folder")
            .flatten()
            .collect();
        let graded = Graded {
            status: status.code(),
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
            disk: most_disk,
            course_was_written: self.course().join(".wireside-progress").exists(),
        };
        end_all(&self.marker);
        assert!(
            carriers.is_empty(),
            "{} processes are left: {}",
            carriers.len(),
            graded.told()
        );
        assert!(
            kept.is_empty(),
            "folders are left: {kept:?}: {}",
            graded.told()
        );
        assert!(
            peak > 0 && peak < RESIDENT_MOST,
            "the grader had {} MiB resident",
            peak >> 20
        );
        graded
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // One of the submissions digs deeper than this can follow, where a test has failed.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Graded {
    #[track_caller]
    pub fn has_status(&self, status: i32) {
        assert_eq!(self.status, Some(status), "{}", self.told());
    }

    /// The one JSON object on stdout.
    #[track_caller]
    pub fn report(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON object on stdout")
    }

    /// What the grader said, without the transcripts.
    fn told(&self) -> String {
        let report: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        let checks = report["exercises"][0]["checks"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let failed = checks.iter().filter(|check| check["verdict"] != "passed");
        let messages: Vec<&str> = failed
            .filter_map(|check| check["message"].as_str())
            .collect();
        format!("{}\n{}", messages.join("\n"), self.stderr)
    }
}

/// Sends the signal, once, as soon as the submission has started something; overdue is what still runs
/// so long after it.
fn send_once(signal: Signal, limit: Duration) -> impl Fn(u32, &Marker) -> bool {
    let sent = Cell::new(None::<Instant>);
    move |id, marker| {
        if sent.get().is_none() && marker.is_up() {
            let pid = Pid::from_raw(id as i32).expect("a process has a number");
            kill_process(pid, signal).expect("send a signal");
            sent.set(Some(Instant::now()));
        }
        sent.get().is_some_and(|at| at.elapsed() > limit)
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What each thread of a process waits in, for the message of a failed test.
fn what_it_does(id: u32) -> String {
    let mut seen = String::new();
    let tasks = fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten();
    for task in tasks.flatten() {
        let of = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let state = of("status");
        let state = state.lines().find(|line| line.starts_with("State:"));
        seen.push_str(&format!(
            "{} {} {} {}\n",
            of("comm").trim(),
            state.unwrap_or_default(),
            of("wchan"),
            of("syscall").trim()
        ));
    }
    seen
}

/// Ends what a failed test has left.
fn end(child: &mut Child, marker: &Marker) {
    let _ = child.kill();
    let _ = child.wait();
    end_all(marker);
}

fn end_all(marker: &Marker) {
    for id in marker.carriers() {
        // Its number may be another's by now: who has it must carry the marker still.
        let Some(pid) = Pid::from_raw(id as i32) else {
            continue;
        };
        if let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) {
            if marker.carriers().contains(&id) {
                let _ = pidfd_send_signal(&process, Signal::KILL);
            }
        }
    }
}
