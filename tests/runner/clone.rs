//! A clone of the course for one test, and the runner in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// No command of these tests takes longer, unless something hangs.
pub const LIMIT: Duration = Duration::from_secs(180);

/// A copy of what the runner needs of the course, without `.git`, gone when it is dropped.
pub struct Clone {
    pub root: PathBuf,
}

impl Clone {
    pub fn new() -> Clone {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("clone-{}-{count}", std::process::id());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["src", "exercises", "solutions"] {
            copy_folder(&here.join(folder), &root.join(folder));
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            fs::copy(here.join(file), root.join(file)).unwrap();
        }
        let clone = Clone { root };
        // A learner's own answers must make no difference to these tests.
        for shipped in fs::read_dir(clone.root.join("exercises/shipped")).unwrap() {
            let shipped = shipped.unwrap();
            let to = clone
                .root
                .join("exercises/src/bin")
                .join(shipped.file_name());
            fs::copy(shipped.path(), to).unwrap();
        }
        clone
    }

    pub fn exercise(&self, name: &str) -> PathBuf {
        self.root.join(format!("exercises/src/bin/{name}.rs"))
    }

    /// The text of an exercise's solution.
    pub fn solution(&self, name: &str) -> String {
        let name = name.replacen("ex", "sol", 1);
        fs::read_to_string(self.root.join(format!("solutions/src/bin/{name}.rs"))).unwrap()
    }

    /// Solves an exercise.
    pub fn solve(&self, name: &str) {
        fs::write(self.exercise(name), self.solution(name)).unwrap();
    }

    pub fn progress(&self) -> String {
        fs::read_to_string(self.root.join(".wireside-progress")).unwrap_or_default()
    }

    /// The runner in this clone, with these arguments.
    pub fn runner<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wireside"));
        command
            .args(args)
            .current_dir(&self.root)
            .env("CARGO_MANIFEST_DIR", &self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Done {
        Running::start(self.runner(args)).end()
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// Ended with this status.
    #[track_caller]
    pub fn exits(&self, status: i32) -> &Done {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Done {
        assert!(self.stdout.contains(text), "no {text:?} on stdout:\n{self}");
        self
    }

    #[track_caller]
    pub fn complains(&self, text: &str) -> &Done {
        assert!(self.stderr.contains(text), "no {text:?} on stderr:\n{self}");
        self
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Done {
            status,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "status {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

/// A command that runs; ended when it is dropped.
pub struct Running {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    /// What was read of stdout so far.
    heard: Vec<u8>,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = read(child.stdout.take().unwrap());
        let stderr = read(child.stderr.take().unwrap());
        Running {
            child,
            stdout,
            stderr,
            heard: Vec::new(),
        }
    }

    #[cfg(unix)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Types a line. The command must have been given a pipe.
    pub fn types(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits until this is on stdout, and takes it and what stands before it.
    #[track_caller]
    pub fn hears(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let heard = String::from_utf8_lossy(&self.heard).into_owned();
            if let Some(at) = heard.find(text) {
                let (taken, rest) = heard.split_at(at + text.len());
                self.heard = rest.as_bytes().to_vec();
                return taken.to_string();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stdout.recv_timeout(left) {
                Ok(bytes) => self.heard.extend(bytes),
                Err(err) => panic!("waited for {text:?} ({err}) and heard:\n{heard}"),
            }
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Done {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "still running after {LIMIT:?}");
            thread::sleep(Duration::from_millis(5));
        };
        let rest = |output: &Receiver<Vec<u8>>| {
            let mut bytes = Vec::new();
            loop {
                match output.recv_timeout(Duration::from_secs(20)) {
                    Ok(chunk) => bytes.extend(chunk),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return bytes,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        panic!("the runner has ended, and something it started holds its output")
                    }
                }
            }
        };
        self.heard.extend(rest(&self.stdout));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done {
            status: status.code(),
            stdout: text(&self.heard),
            stderr: text(&rest(&self.stderr)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(n @ 1..) = output.read(&mut chunk) {
            if sender.send(chunk[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Waits until something holds.
#[track_caller]
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
