//! JUnit: read by Python's XML parser, and by `junitparser` where that is installed.

use crate::made;
use crate::run::{self, Submission};
use std::io::Write;
use std::process::{Command, Stdio};
use wireside::grader::report::junit;

/// Has `junit.py` look at it: what it saw, or what is wrong.
fn looked_at(xml: &str) -> Result<String, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/junit.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 can be run");
    let mut stdin = python.stdin.take().expect("it was piped");
    // It reads all of it before it says a word, or it is gone and says why on stderr.
    let _ = stdin.write_all(xml.as_bytes());
    drop(stdin);
    let ended = python.wait_with_output().expect("python3 ends");
    if ended.status.success() {
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&ended.stderr).into_owned())
    }
}

/// XML 1.0, section 2.2, but for TAB and CR, which a parser would change.
fn has_only_characters(xml: &str) -> bool {
    let is_char = |c: char| c == '\n' || (!c.is_control() && c != '\u{fffe}' && c != '\u{ffff}');
    xml.chars().all(is_char)
}

#[test]
fn every_verdict_is_told_as_junit_tells_it() {
    let xml = junit::render(&made::every_verdict());
    assert!(has_only_characters(&xml));
    if !run::there_is("python3") {
        return;
    }
    let seen = looked_at(&xml).unwrap_or_else(|why| panic!("{why}\n{xml}"));
    let expected = "\
suites 9 1 3 4
suite ex02_echo_server 5 1 2 1 seed=5f3a
case it passes: passed 2/2
case it fails & says <so>: failure 0/3
case nobody can tell: error 0/1
case the grader broke: error 0/4
case it is not possible here: skipped 0/0
suite ex02_echo_client 3 0 1 2 seed=5f3a
case the program builds and starts: error -
case it is never run: skipped 0/2
case nor is it: skipped 0/3
suite ex01_caller_id 1 0 0 1 seed=5f3a
case not here: skipped 0/0
";
    assert_eq!(seen, expected);
}

#[test]
fn a_document_that_a_parser_would_refuse_or_misread_is_seen() {
    if !run::there_is("python3") {
        return;
    }
    let xml = junit::render(&made::every_verdict());
    let changes = [
        ("\\x1b", "\u{1b}"),
        ("]]&gt;", "]]>"),
        ("&amp;", "&"),
        ("failures=\"1\"", "failures=\"2\""),
        ("skipped=\"1\"", "skipped=\"0\""),
        ("time=\"0.012\"", "time=\"soon\""),
        ("<skipped message", "<ignored message"),
        (" classname=\"wireside.ex02_echo_server\"", ""),
        ("<property name=\"seed\" value=\"5f3a\"/>", ""),
    ];
    for (from, to) in changes {
        assert!(xml.contains(from), "{from} is not there to be changed");
        let wrong = xml.replacen(from, to, 1);
        assert!(looked_at(&wrong).is_err(), "{from:?} -> {to:?} went unseen");
    }
}

#[test]
fn a_hostile_program_makes_no_hostile_document() {
    if !run::there_is("python3") {
        return;
    }
    let only = ["--format", "junit", "--only", run::first_check()];
    let graded = run::grade(Submission::Hostile, &only, || {});
    assert!(has_only_characters(&graded.stdout), "{}", graded.stdout);
    let seen = looked_at(&graded.stdout).unwrap_or_else(|why| panic!("{why}\n{}", graded.stdout));
    assert!(seen.starts_with("suites 1 1 0 0\n"), "{seen}");
    assert!(
        seen.contains(&format!("case {}: failure 0/", run::first_check())),
        "{seen}"
    );
}
