//! Ctrl-C and its kin leave nothing behind.

use crate::clone::{Clone, Running, wait_until};
use crate::hostile::{nap, runs};
use rustix::process::{Pid, Signal, kill_process};

fn send(running: &Running, signal: Signal) {
    kill_process(Pid::from_raw(running.id() as i32).unwrap(), signal).unwrap();
}

/// Signals that ended a runner reach its whole house; one that whoever runs these tests has ignored
/// (as a shell does for what it runs in the background) would reach nobody.
fn signals() -> Vec<(Signal, i32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap_or("0");
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)]
        .into_iter()
        .filter(|(_, number)| mask & (1 << (number - 1)) == 0)
        .collect()
}

#[test]
fn a_signal_ends_the_submissions_of_a_grading() {
    for (signal, number) in signals() {
        let clone = Clone::new();
        let nap = nap(10 + number as u32);
        let command = format!("sh -c \"sleep {nap} & exec sleep {nap}\" {{addr}}");
        let out = clone.root.join("report.json");
        let mut runner = clone.runner(["grade", "ex01_caller_id", "--cmd", &command, "--out"]);
        runner.arg(&out);
        let running = Running::start(runner);
        wait_until("the submission's start", || runs(&nap));
        send(&running, signal);
        let done = running.end();
        done.exits(128 + number);
        assert!(!runs(&nap), "after signal {number}");
        let left = std::fs::read_dir(&clone.root).unwrap().flatten();
        let left = left.filter(|entry| entry.file_name().to_string_lossy().contains(".tmp"));
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn a_signal_ends_a_build() {
    let clone = Clone::new();
    // A stand-in for a cargo that takes its time.
    let nap = nap(30);
    let cargo = clone.root.join("slow-cargo");
    std::fs::write(&cargo, format!("#!/bin/sh\nsleep {nap}\n")).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut runner = clone.runner(["grade", "ex01_caller_id"]);
    runner.env("CARGO", &cargo);
    let running = Running::start(runner);
    wait_until("the build's start", || runs(&nap));
    send(&running, Signal::TERM);
    let done = running.end();
    done.exits(143);
    assert_eq!(done.stdout, "", "the build's end was taken for a verdict");
    assert!(!runs(&nap));
}

#[test]
fn a_signal_ends_the_watcher_its_grading_and_the_submission() {
    let clone = Clone::new();
    let nap = nap(31);
    let mute = format!(
        "fn main() {{ std::process::Command::new(\"sleep\").arg(\"{nap}\").status().unwrap(); }}"
    );
    std::fs::write(clone.exercise("ex01_caller_id"), mute).unwrap();
    let running = Running::start(clone.runner(["watch", "ex01_caller_id"]));
    wait_until("the submission's start", || runs(&nap));
    send(&running, Signal::TERM);
    running.end().exits(143);
    assert!(!runs(&nap));
}
