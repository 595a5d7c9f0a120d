//! A folder of submissions, and what is put into it: right programs, the solution, the file as shipped.

use crate::table::rows;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A right echo server, a client at a time.
pub const RIGHT: &str = "\
import os, signal, socket, sys, time
host, port = sys.argv[1].rsplit(':', 1)
listener = socket.create_server((host, int(port)))
while True:
    stream, _ = listener.accept()
    try:
        with stream:
            while data := stream.recv(65536):
                stream.sendall(data)
    except OSError:
        pass
";

/// A right echo server in another language than Rust's.
pub const NODE: &str = "\
const [, host, port] = process.argv[2].match(/(.*):(\\d+)/);
require('net').createServer({allowHalfOpen: true}, stream => {
    stream.on('error', () => {});
    stream.pipe(stream);
}).listen(+port, host);
";

/// One at a time: a class that is graded beside another takes its processors.
static TURN: Mutex<()> = Mutex::new(());

/// A folder of submissions, gone with this.
pub struct Class {
    pub folder: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Class {
    pub fn new() -> Class {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("class-{}-{count}", std::process::id()));
        fs::create_dir_all(folder.join("all")).expect("make a folder");
        Class {
            folder,
            _turn: turn,
        }
    }

    pub fn all(&self) -> PathBuf {
        self.folder.join("all")
    }

    pub fn csv(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Puts a file into a submission, which is made if it isn't there.
    pub fn put(&self, submission: &str, file: &str, text: &str) -> &Class {
        let path = self.all().join(submission).join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("make a folder");
        fs::write(path, text).expect("write a file");
        self
    }

    pub fn grade(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("run the runner")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wireside"));
        command
            .arg("class")
            .args(args)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            // A submission that signals the group of its grader must not reach the tests.
            .process_group(0);
        command
    }

    /// Grades this exercise of all, and gives the table's rows: submission, verdict, points.
    pub fn table(&self, args: &[&str]) -> (Option<i32>, Vec<Vec<String>>) {
        let out = self.csv("out.csv");
        let mut all = vec!["all", "--out", "out.csv"];
        all.extend(args);
        let output = self.grade(&all);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in said.lines() {
            assert!(line.chars().count() <= 80, "wider than a terminal: {line}");
        }
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        (
            output.status.code(),
            rows(&fs::read_to_string(out).expect("read the table")),
        )
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn course() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    fs::read_to_string(course().join(path)).expect("read a file of the course")
}

pub fn solution() -> String {
    read("solutions/src/bin/sol02_echo_server.rs")
}

pub fn shipped() -> String {
    read("exercises/shipped/ex02_echo_server.rs")
}

pub fn has(name: &str) -> bool {
    let there = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    let required = std::env::var_os("WIRESIDE_ALL_PEERS").is_some_and(|value| value == "1");
    assert!(there || !required, "{name} is not installed");
    there
}
