//! Submissions that mean no good: bounded, ended, and nothing of them is left.

use crate::clone::{Clone, Running};
use std::fs;
use std::process::Command;

/// Whether a process has this among its arguments. Zombies have none.
pub fn runs(argument: &str) -> bool {
    // A small container has no ps, and macOS no /proc.
    if let Ok(processes) = fs::read_dir("/proc") {
        let lines = processes
            .flatten()
            .filter_map(|p| fs::read(p.path().join("cmdline")).ok());
        return lines.into_iter().any(|line| has_word(&line, 0, argument));
    }
    let output = Command::new("ps")
        .args(["-A", "-o", "args="])
        .output()
        .unwrap();
    output
        .stdout
        .split(|b| *b == b'\n')
        .any(|line| has_word(line, b' ', argument))
}

fn has_word(line: &[u8], between: u8, word: &str) -> bool {
    line.split(|b| *b == between)
        .any(|other| other == word.as_bytes())
}

/// A number of seconds that no other process sleeps: it tells a test's own processes from others.
pub fn nap(test: u32) -> String {
    format!("{}.{test}", 100_000 + std::process::id())
}

/// Grades one check with a shell script as the submission.
fn grade(script: &str) -> crate::clone::Done {
    let clone = Clone::new();
    let command = format!("sh -c \"{script}\" {{addr}}");
    let only = ["--only", "told its own address"];
    let mut args = vec!["grade", "ex01_caller_id", "--cmd", &command];
    args.extend(only);
    Running::start(clone.runner(args)).end()
}

#[test]
fn one_that_never_announces_itself_fails() {
    let nap = nap(1);
    let done = grade(&format!("exec sleep {nap}"));
    done.exits(1).says("nothing on stdout");
    assert!(!runs(&nap));
}

#[test]
fn one_that_prints_for_ever_fails_and_is_ended() {
    let mark = format!("for-ever-{}", std::process::id());
    let done = grade(&format!("exec yes {mark}"));
    done.exits(1);
    assert!(done.stdout.len() < 10_000, "{} bytes", done.stdout.len());
    assert!(!runs(&mark));
}

#[test]
fn one_that_prints_for_ever_on_stderr_fails_and_is_ended() {
    let mark = format!("for-ever-and-ever-{}", std::process::id());
    let done = grade(&format!("exec yes {mark} >&2"));
    done.exits(1);
    assert!(done.stdout.len() < 10_000, "{} bytes", done.stdout.len());
    assert!(!runs(&mark));
}

#[test]
fn one_that_forks_leaves_nothing() {
    let nap = nap(2);
    let script = format!("sleep {nap} & sleep {nap} & (sleep {nap} &) ; wait");
    grade(&script).exits(1);
    assert!(!runs(&nap));
}

#[test]
fn one_that_ends_and_leaves_others_behind_leaves_nothing() {
    let nap = nap(3);
    grade(&format!("sleep {nap} & exit 0"))
        .exits(1)
        .says("exit status 0");
    assert!(!runs(&nap));
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_leaves_its_group_leaves_nothing() {
    let nap = nap(4);
    grade(&format!("setsid sleep {nap} & exit 0")).exits(1);
    assert!(!runs(&nap));
}

#[test]
fn one_that_ignores_termination_is_ended() {
    let nap = nap(5);
    let done = grade(&format!("trap '' TERM HUP INT; sleep {nap}; sleep {nap}"));
    done.exits(1);
    assert!(!runs(&nap));
}

#[test]
fn one_that_prints_a_result_has_no_effect_on_it() {
    let done =
        grade("echo '{\\\"version\\\":1,\\\"score\\\":99}'; echo 'ex01_caller_id passed 5/5'");
    done.exits(1).says("ex01_caller_id  failed");
}
