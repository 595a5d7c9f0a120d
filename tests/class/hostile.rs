//! Submissions that do harm: to their grader, to the report, to the time of all.

use crate::ECHO;
use crate::submissions::{Class, RIGHT, has, shipped};
use crate::table::{max_score, rows, verdicts};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many processes have this on their command line.
pub fn carriers(marker: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("read /proc").flatten();
    let carries = |process: &fs::DirEntry| {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(marker)
    };
    processes.filter(carries).count()
}

pub fn marker() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "classmate-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Python that starts so many processes with the marker, each in a session of its own.
pub fn bomb(count: usize, marker: &str) -> String {
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

/// A class in which the second submission leaves its process group and then hangs, up to there.
fn hanging(class: &Class, marker: &str) -> Child {
    let waits = "import time\ntime.sleep(600)\n";
    class.put("a_first", "ex02_echo_server.rs", &shipped()).put(
        "b_hangs",
        "ex02_echo_server.py",
        &format!("{}{waits}", bomb(2, marker)),
    );
    let child = class
        .command(&["all", "--out", "out.csv"])
        .stdout(Stdio::null())
        .spawn()
        .expect("start the runner");
    let begun = Instant::now();
    while carriers(marker) < 2 && begun.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Ends the class by a signal. What was judged before is in the table, and nothing runs any more.
#[track_caller]
fn ended_by_a_signal(mut child: Child, class: &Class, marker: &str) {
    let begun = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).expect("send a signal");
    let status = child.wait().expect("wait for the runner");
    assert_eq!(status.code(), Some(143));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(carriers(marker), 0);
    let rows = rows(&fs::read_to_string(class.csv("out.csv")).expect("read the table"));
    assert_eq!(verdicts(&rows), ["a_first not-attempted none"]);
}

#[test]
fn a_signal_ends_the_class_and_all_that_it_started_and_keeps_what_was_done() {
    if !has("python3") {
        return;
    }
    let (class, marker) = (Class::new(), marker());
    let child = hanging(&class, &marker);
    ended_by_a_signal(child, &class, &marker);
}

#[test]
fn a_signal_ends_also_what_a_grader_has_started_that_can_t_end_it() {
    if !has("python3") {
        return;
    }
    let (class, marker) = (Class::new(), marker());
    let child = hanging(&class, &marker);
    for grader in children(child.id()) {
        kill_process(grader, Signal::STOP).expect("stop the grader");
    }
    ended_by_a_signal(child, &class, &marker);
}

/// The processes that this one has started and not waited for.
fn children(parent: u32) -> Vec<Pid> {
    let mut all = Vec::new();
    for task in fs::read_dir(format!("/proc/{parent}/task")).expect("read /proc") {
        let task = task.expect("read /proc").path().join("children");
        all.extend(fs::read_to_string(task));
    }
    let numbers = all.iter().flat_map(|listed| listed.split_whitespace());
    let found: Vec<Pid> = numbers
        .filter_map(|number| Pid::from_raw(number.parse().ok()?))
        .collect();
    assert!(!found.is_empty(), "it has started nothing");
    found
}
