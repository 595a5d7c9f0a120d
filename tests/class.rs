//! `cargo course class`: a folder of submissions, the good, the bad and the hostile, becomes a table.

#![cfg(unix)]

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use wireside::chapters;

const ECHO: &str = "ex02_echo_server";

/// A right echo server, a client at a time.
const RIGHT: &str = "\
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
const NODE: &str = "\
const [, host, port] = process.argv[2].match(/(.*):(\\d+)/);
require('net').createServer({allowHalfOpen: true}, stream => {
    stream.on('error', () => {});
    stream.pipe(stream);
}).listen(+port, host);
";

/// One at a time: a class that is graded beside another takes its processors.
static TURN: Mutex<()> = Mutex::new(());

/// A folder of submissions, gone with this.
struct Class {
    folder: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Class {
    fn new() -> Class {
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

    fn all(&self) -> PathBuf {
        self.folder.join("all")
    }

    fn csv(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Puts a file into a submission, which is made if it isn't there.
    fn put(&self, submission: &str, file: &str, text: &str) -> &Class {
        let path = self.all().join(submission).join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("make a folder");
        fs::write(path, text).expect("write a file");
        self
    }

    fn grade(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("run the runner")
    }

    fn command(&self, args: &[&str]) -> Command {
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
    fn table(&self, args: &[&str]) -> (Option<i32>, Vec<Vec<String>>) {
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

/// The rows of a table without its header: RFC 4180, read independently of who wrote it.
fn rows(csv: &str) -> Vec<Vec<String>> {
    assert!(csv.ends_with("\r\n"), "the last line has no end");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in csv.split_terminator("\r\n") {
        let (mut fields, mut rest) = (Vec::new(), line);
        loop {
            let end;
            if let Some(quoted) = rest.strip_prefix('"') {
                let mut close = 0;
                while let Some(at) = quoted[close..].find('"') {
                    close += at;
                    if !quoted[close + 1..].starts_with('"') {
                        break;
                    }
                    close += 2;
                }
                fields.push(quoted[..close].replace("\"\"", "\""));
                end = close + 2;
            } else {
                end = rest.find(',').unwrap_or(rest.len());
                fields.push(rest[..end].to_string());
            }
            match rest[end..].strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        assert_eq!(fields.len(), 7, "{line}");
        rows.push(fields);
    }
    let header = rows.remove(0).join(",");
    assert_eq!(
        header,
        "submission,exercise,verdict,score,max_score,seconds,note"
    );
    rows
}

/// Submission, verdict, score and maximum of each row.
/// Submission, verdict, and how much of the exercise's points it got: `all`, `none`, or a fraction.
fn verdicts(rows: &[Vec<String>]) -> Vec<String> {
    let words = |row: &Vec<String>| {
        let max = max_score(&row[1]);
        let got = match (row[3].parse::<u32>(), row[4].parse::<u32>()) {
            (Ok(0), Ok(most)) if most == max => "none".to_string(),
            (Ok(score), Ok(most)) if score == max && most == max => "all".to_string(),
            _ => format!("{}/{}", row[3], row[4]),
        };
        format!("{} {} {got}", row[0], row[2])
    };
    rows.iter().map(words).collect()
}

fn max_score(exercise: &str) -> u32 {
    let checks = chapters::exercise(exercise).map(|(_, exercise)| exercise.checks);
    checks
        .unwrap_or_default()
        .iter()
        .map(|check| check.points)
        .sum()
}

fn course() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(course().join(path)).expect("read a file of the course")
}

fn solution() -> String {
    read("solutions/src/bin/sol02_echo_server.rs")
}

fn shipped() -> String {
    read("exercises/shipped/ex02_echo_server.rs")
}

fn has(name: &str) -> bool {
    let there = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    let required = std::env::var_os("WIRESIDE_ALL_PEERS").is_some_and(|value| value == "1");
    assert!(there || !required, "{name} is not installed");
    there
}

/// How many processes have this on their command line.
fn carriers(marker: &str) -> usize {
    let output = Command::new("ps")
        .args(["-A", "-o", "args="])
        .output()
        .expect("run ps");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| line.contains(marker)).count()
}

fn marker() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "classmate-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Python that starts so many processes with the marker, each in a session of its own.
fn bomb(count: usize, marker: &str) -> String {
    format!(
        "\
import os
for _ in range({count}):
    if os.fork() == 0:
        os.setsid()
        os.execve('/bin/sh', ['sh', '-c', 'sleep 600; : {marker}'], os.environ)
"
    )
}

#[test]
fn each_submission_gets_the_verdict_that_it_deserves() {
    if !has("python3") {
        return;
    }
    let (class, marker) = (Class::new(), marker());
    let file = "ex02_echo_server.rs";
    class
        .put("right", file, &solution())
        .put("wrong", file, &shipped().replace("64 * 1024", "32 * 1024"))
        .put("as_shipped", file, &shipped().replace('\n', "\r\n"))
        .put("not_compiling", file, "fn main() { let n: u32 = \"\"; }")
        .put("crashing", file, "fn main() { panic!(\"here\") }")
        .put("silent", "notes.txt", "I had no time")
        .put(
            "fork_bomb",
            "ex02_echo_server.py",
            &format!("{}{RIGHT}", bomb(20, &marker)),
        )
        .put(
            "clone",
            "exercises/src/bin/ex02_echo_server.rs",
            &solution(),
        )
        .put(
            "clone",
            "exercises/src/bin/ex01_caller_id.rs",
            "not asked for",
        );
    fs::create_dir(class.all().join("empty")).expect("make a folder");
    fs::write(class.all().join("names.txt"), "beside").expect("write a file");
    let (status, rows) = class.table(&[ECHO]);
    let mut found = verdicts(&rows);
    // A busy machine may let a wrong program pass a check, and this one passes some anyway.
    found[8].truncate("wrong failed".len());
    assert_eq!(
        found,
        [
            "as_shipped not-attempted none",
            "clone passed all",
            "crashing failed none",
            "empty missing none",
            "fork_bomb passed all",
            "not_compiling not-built none",
            "right passed all",
            "silent missing none",
            "wrong failed",
        ]
    );
    // All were judged, whatever their grades.
    assert_eq!(status, Some(0));
    assert!(rows.iter().all(|row| row[1] == ECHO));
    assert!(rows[5][6].contains("E0308"), "{:?}", rows[5]);
    assert!(rows[8][6].starts_with("failed: "), "{:?}", rows[8]);
    assert_eq!(carriers(&marker), 0);
}

#[test]
fn one_that_takes_too_long_is_ended_and_keeps_what_it_earned() {
    let class = Class::new();
    // It answers once, so it passes one check at least; then it never ends anything.
    let echo_once = "\
use std::io::{Read, Write};
fn main() {
    let listener = std::net::TcpListener::bind(std::env::args().nth(1).unwrap()).unwrap();
    println!(\"listening on {}\", listener.local_addr().unwrap());
    let (mut stream, _) = listener.accept().unwrap();
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer).unwrap();
    stream.write_all(&buffer[..n]).unwrap();
    loop { std::thread::park() }
}
";
    class.put("hanging", "ex02_echo_server.rs", echo_once).put(
        "hanging",
        "ex02_echo_client.rs",
        &shipped(),
    );
    let begun = Instant::now();
    let (status, rows) = class.table(&["--limit", "20"]);
    assert_eq!(rows[0][2..3], ["time-limit"], "{rows:?}");
    assert!(
        rows[0][3]
            .parse::<u32>()
            .is_ok_and(|score| (1..max_score(ECHO)).contains(&score)),
        "{rows:?}"
    );
    assert_eq!(verdicts(&rows)[1], "hanging time-limit none");
    let seconds: f64 = rows[0][5].parse().expect("seconds");
    // Counted are the checks: what it took to start is not, on a busy machine some seconds.
    assert!((12.0..40.0).contains(&seconds), "{seconds} s of 20");
    assert!(
        begun.elapsed() >= Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(status, Some(0));
}

#[test]
fn without_names_each_exercise_that_is_there_is_graded() {
    let class = Class::new();
    class
        .put("ada", "ex02_echo_server.rs", &solution())
        .put(
            "ada",
            "ex01_caller_id.rs",
            &read("solutions/src/bin/sol01_caller_id.rs"),
        )
        .put(
            "bob",
            "exercises/src/bin/ex01_caller_id.rs",
            &read("exercises/shipped/ex01_caller_id.rs"),
        );
    fs::create_dir(class.all().join("carol")).expect("make a folder");
    let (status, rows) = class.table(&[]);
    let found: Vec<String> = rows
        .iter()
        .map(|r| format!("{} {} {}", r[0], r[1], r[2]))
        .collect();
    assert_eq!(
        found,
        [
            "ada ex01_caller_id passed",
            "ada ex02_echo_server passed",
            "bob ex01_caller_id not-attempted",
            "carol  empty",
        ]
    );
    assert_eq!(status, Some(0));
}

#[test]
fn the_rust_file_wins_over_a_script_and_a_script_over_what_is_as_shipped() {
    if !has("python3") || !has("node") {
        return;
    }
    let class = Class::new();
    class
        .put("both", "ex02_echo_server.rs", &solution())
        .put("both", "ex02_echo_server.py", "import sys; sys.exit(1)")
        .put("clone", "exercises/src/bin/ex02_echo_server.rs", &shipped())
        .put("clone", "ex02_echo_server.js", NODE);
    let (status, rows) = class.table(&[ECHO]);
    assert_eq!(verdicts(&rows), ["both passed all", "clone passed all"]);
    assert_eq!(rows[0][6], "not graded: ex02_echo_server.py");
    assert_eq!(status, Some(0));
}

#[test]
fn nothing_of_a_submission_runs_before_it_is_graded() {
    let class = Class::new();
    let sign = class.folder.join("it_ran");
    let write = format!("std::fs::write({sign:?}, \"\").unwrap();");
    class
        .put(
            "clone",
            "exercises/src/bin/ex02_echo_server.rs",
            &solution(),
        )
        .put(
            "clone",
            "exercises/build.rs",
            &format!("fn main() {{ {write} }}"),
        )
        .put(
            "clone",
            "exercises/src/bin/build.rs",
            &format!("fn main() {{ {write} }}"),
        )
        .put("clone", "build.rs", &format!("fn main() {{ {write} }}"))
        .put(
            "clone",
            ".cargo/config.toml",
            "[build]\nrustc-wrapper = \"/nowhere/at/all\"\n",
        )
        .put("clone", "Cargo.toml", "this is no manifest")
        .put(
            "clone",
            "rust-toolchain.toml",
            "[toolchain]\nchannel = \"1.0.0\"\n",
        );
    let (status, rows) = class.table(&[ECHO]);
    assert_eq!(verdicts(&rows), ["clone passed all"]);
    assert_eq!(status, Some(0));
    assert!(!sign.exists());
}

#[test]
fn an_exercise_may_have_a_module_beside_it() {
    let class = Class::new();
    class
        .put(
            "ada",
            "exercises/src/bin/ex02_echo_server.rs",
            &format!("mod aid;\n{}", solution()),
        )
        .put("ada", "exercises/src/bin/aid.rs", "");
    let main = class
        .all()
        .join("ada/exercises/src/bin/ex02_echo_server.rs");
    // Inner comments must come first.
    let text = fs::read_to_string(&main)
        .expect("read it")
        .replace("//!", "//");
    fs::write(main, text).expect("write it");
    assert_eq!(verdicts(&class.table(&[ECHO]).1), ["ada passed all"]);
}

#[test]
fn links_out_of_a_submission_are_not_followed_and_odd_names_are_shown() {
    let class = Class::new();
    fs::write(class.folder.join("secret.rs"), solution()).expect("write a file");
    let folder = |name: &[u8]| {
        let folder = class.all().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&folder).expect("make a folder");
        folder
    };
    symlink(
        "../../secret.rs",
        folder(b"out").join("ex02_echo_server.rs"),
    )
    .expect("link");
    symlink("other.rs", folder(b"inside").join("ex02_echo_server.rs")).expect("link");
    class.put("inside", "other.rs", &solution());
    symlink(&class.folder, class.all().join("whole")).expect("link");
    symlink("/nowhere", folder(b"dangling").join("ex02_echo_server.rs")).expect("link");
    let pipe = folder(b"pipe").join("ex02_echo_server.rs");
    assert!(
        Command::new("mkfifo")
            .arg(pipe)
            .status()
            .expect("run mkfifo")
            .success()
    );
    fs::create_dir(folder(b"a_folder").join("ex02_echo_server.rs")).expect("make a folder");
    // A file system may refuse a name that is not UTF-8.
    let odd = class
        .all()
        .join(std::ffi::OsStr::from_bytes(b"caf\xe9, \"x\""));
    let odd = fs::create_dir(&odd)
        .is_ok_and(|()| fs::write(odd.join("ex02_echo_server.rs"), solution()).is_ok());
    folder(b"=1+1");
    let (status, rows) = class.table(&[ECHO]);
    let mut due = vec!["\\x3d1+1 missing none", "a_folder unreadable none"];
    if odd {
        due.push("caf\\xe9, \"x\" passed all");
    }
    due.extend([
        "dangling unreadable none",
        "inside passed all",
        "out unreadable none",
    ]);
    due.extend(["pipe unreadable none", "whole unreadable none"]);
    assert_eq!(verdicts(&rows), due);
    // Somebody has to look at those.
    assert_eq!(status, Some(4));
}

#[test]
fn the_parts_of_a_class_are_disjoint_and_together_the_whole() {
    let class = Class::new();
    for (at, name) in ["dora", "ada", "carl", "finn", "bob", "emil", "gert"]
        .iter()
        .enumerate()
    {
        match at % 2 {
            0 => class.put(name, "ex02_echo_server.rs", &shipped()),
            _ => class.put(name, "ex02_echo_server.rs", "fn main() { 1 }"),
        };
    }
    let (_, whole) = class.table(&[]);
    assert_eq!(whole.len(), 7);
    let mut together = Vec::new();
    for (i, due) in [(1, 3), (2, 2), (3, 2)] {
        let name = format!("part{i}.csv");
        let output = class.grade(&[
            "all",
            "--shard",
            &format!("{i}/3"),
            "--out",
            &name,
            "--jobs",
            "2",
        ]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let part = rows(&fs::read_to_string(class.csv(&name)).expect("read a part"));
        assert_eq!(part.len(), due);
        together.extend(part);
    }
    together.sort();
    assert_eq!(verdicts(&together), verdicts(&whole));

    // In whatever order they are named.
    let parts = [
        "--join",
        "part3.csv",
        "part1.csv",
        "part2.csv",
        "--out",
        "joined.csv",
    ];
    assert_eq!(class.grade(&parts).status.code(), Some(0));
    let joined = rows(&fs::read_to_string(class.csv("joined.csv")).expect("read the table"));
    assert_eq!(verdicts(&joined), verdicts(&whole));

    let twice = class.grade(&["--join", "part1.csv", "joined.csv", "--out", "twice.csv"]);
    assert_eq!(twice.status.code(), Some(2));
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(
        said.contains("ada is in part1.csv and again in joined.csv"),
        "{said}"
    );
    assert!(!class.csv("twice.csv").exists());
}

#[test]
fn two_runs_give_the_same_table_but_for_the_times() {
    let class = Class::new();
    class
        .put("right", "ex02_echo_server.rs", &solution())
        .put(
            "crashing",
            "ex02_echo_server.rs",
            "fn main() { panic!(\"here\") }",
        )
        .put(
            "broken",
            "ex02_echo_server.rs",
            "fn main() { let n: u32 = \"\"; }",
        );
    let timeless = |args: &[&str]| {
        let (status, mut rows) = class.table(args);
        for row in &mut rows {
            row[5].clear();
        }
        (status, rows)
    };
    let first = timeless(&[]);
    assert_eq!(first, timeless(&[]));
    assert_eq!(first, timeless(&["--jobs", "2"]));
}

#[test]
fn two_at_a_time_are_never_taken_for_each_other() {
    if !has("python3") {
        return;
    }
    let class = Class::new();
    let wrong = RIGHT.replace("stream.sendall(data)", "stream.sendall(b'x' + data)");
    for (name, text) in [("a", RIGHT), ("b", &wrong), ("c", RIGHT), ("d", &wrong)] {
        class.put(name, "ex02_echo_server.py", text);
    }
    // All of them with the same seed: a port that followed from it would be everybody's.
    let (_, rows) = class.table(&["--jobs", "2"]);
    let due = [
        "a passed all",
        "b failed none",
        "c passed all",
        "d failed none",
    ];
    assert_eq!(verdicts(&rows), due);
}

#[test]
fn one_that_kills_its_grader_costs_nobody_else_anything() {
    if !has("python3") {
        return;
    }
    let (class, marker) = (Class::new(), marker());
    let kill = "os.kill(os.getppid(), 9)\nimport time\ntime.sleep(600)\n";
    class
        .put(
            "killer",
            "ex02_echo_server.py",
            &format!("{}{kill}# {marker}", bomb(3, &marker)),
        )
        .put("right", "ex02_echo_server.py", RIGHT);
    let (status, rows) = class.table(&[ECHO]);
    assert_eq!(verdicts(&rows), ["killer error none", "right passed all"]);
    assert!(rows[0][6].contains("by a signal"), "{:?}", rows[0]);
    assert_eq!(status, Some(4));
    assert_eq!(carriers(&marker), 0);
}

#[test]
fn a_report_that_a_submission_has_forged_is_not_believed() {
    if !has("python3") {
        return;
    }
    let class = Class::new();
    // Its grader's command line says where the report goes.
    let forge = "\
import json, os, sys
words = open(f'/proc/{os.getppid()}/cmdline').read().split('\\0')
checks = [{'name': 'what a client sends comes back', 'verdict': 'passed', 'message': ''}]
report = {'exercises': [{'verdict': 'passed', 'score': 99, 'checks': checks}]}
open(words[words.index('--out') + 1], 'w').write(json.dumps(report))
os.kill(os.getppid(), 9)
";
    class.put("forger", "ex02_echo_server.py", forge);
    let (status, rows) = class.table(&[ECHO]);
    assert_eq!(verdicts(&rows), ["forger error none"]);
    assert_eq!(status, Some(4));
}

#[test]
fn a_signal_ends_the_class_and_all_that_it_started_and_keeps_what_was_done() {
    if !has("python3") {
        return;
    }
    let (class, marker) = (Class::new(), marker());
    let waits = "import time\ntime.sleep(600)\n";
    class.put("a_first", "ex02_echo_server.rs", &shipped()).put(
        "b_hangs",
        "ex02_echo_server.py",
        &format!("{}{waits}", bomb(2, &marker)),
    );
    let args = ["all", "--out", "out.csv"];
    let mut child = class
        .command(&args)
        .stdout(Stdio::null())
        .spawn()
        .expect("start the runner");
    let begun = Instant::now();
    while carriers(&marker) < 2 && begun.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(20));
    }
    let pid = Pid::from_raw(child.id() as i32).expect("a process has a number");
    kill_process(pid, Signal::TERM).expect("send a signal");
    let status = child.wait().expect("wait for the runner");
    assert_eq!(status.code(), Some(143));
    assert!(begun.elapsed() < Duration::from_secs(40));
    assert_eq!(carriers(&marker), 0);
    let rows = rows(&fs::read_to_string(class.csv("out.csv")).expect("read the table"));
    assert_eq!(verdicts(&rows), ["a_first not-attempted none"]);
}

#[test]
fn bad_usage_is_answered_with_what_is_wrong() {
    let class = Class::new();
    fs::write(class.csv("no_table.csv"), "a,b\r\n").expect("write a file");
    for (args, word) in [
        (&[][..], "name the folder"),
        (&["nowhere"], "nowhere"),
        (&["all", "ex99_none"], "ex99_none"),
        (&["all", "--shard", "3/2"], "I from 1 to N"),
        (&["all", "--limit", "0"], "from 1 to"),
        (&["all", "--jobs", "x"], "from 1 to"),
        (&["all", "--out", "nowhere/out.csv"], "cannot write"),
        (&["all", "--frobnicate"], "--frobnicate"),
        (&["--join"], "tables"),
        (&["--join", "nowhere.csv"], "nowhere.csv"),
        (&["--join", "no_table.csv"], "first line"),
    ] {
        let output = class.grade(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(word), "{args:?}: {said}");
    }
}
