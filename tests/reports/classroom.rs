//! GitHub Classroom: read as `classroom-resources/autograding-grading-reporter` reads it.
//!
//! The workflow hands the step's output to the reporter in the variable `<STEP>_RESULTS`. It is
//! decoded from base64 and parsed. The reporter adds up `score` for the grade that it announces,
//! and multiplies `max_score` by the share of tests with the status `pass` for the table in its
//! log. What it prints goes through GitHub's runner, which obeys certain lines.

use crate::made;
use crate::run::{self, Submission};
use serde_json::Value;
use std::process::Command;
use wireside::grader::report::github;
use wireside::grader::verdict::Report;

/// What the reporter makes of a result.
#[derive(Debug, PartialEq)]
struct Read {
    /// The job is marked as failed.
    failed: bool,
    /// What it announces to the classroom: the points, and out of how many. `None` without any.
    points: Option<(f64, f64)>,
    /// What its own table shows.
    table: f64,
    /// What it prints.
    log: String,
}

/// The value of `result` in a step's output file.
fn output(file: &str) -> &str {
    let value = file
        .strip_prefix("result=")
        .and_then(|rest| rest.strip_suffix('\n'));
    let value = value.expect("one line, NAME=VALUE");
    assert!(!value.contains('\n'), "an output of one line");
    value
}

fn read(value: &str) -> Result<Read, String> {
    assert!(
        value.len() < 64 * 1024,
        "{} bytes are too many for a variable",
        value.len()
    );
    let json = String::from_utf8(decoded(value)?).map_err(|err| err.to_string())?;
    let result: Value = serde_json::from_str(&json).map_err(|err| err.to_string())?;
    let status = result["status"].as_str().ok_or("no status")?;
    if !["pass", "fail", "error"].contains(&status) {
        return Err(format!("the status {status} is unknown"));
    }
    if result["version"] != 1 {
        return Err("another version".to_string());
    }
    let tests = result["tests"].as_array().ok_or("no tests")?;
    let max = result["max_score"].as_f64().ok_or("no max_score")?;
    let (mut sum, mut passed, mut log) = (0.0, 0.0, String::new());
    for test in tests {
        let text = |key: &str| test[key].as_str().ok_or(format!("no {key}: {test}"));
        sum += test["score"]
            .as_f64()
            .ok_or("a test without a score makes the sum NaN")?;
        if test["line_no"] != 0 {
            return Err("a line number is printed behind the name".to_string());
        }
        test["execution_time"].as_f64().ok_or("no execution_time")?;
        text("filename")?;
        match text("status")? {
            "pass" => {
                passed += 1.0;
                log.push_str(&format!("✅ {}\n", text("name")?));
            }
            "fail" => log.push_str(&format!("❌ {}\n", text("name")?)),
            "error" => log.push_str(&format!("Error: {}\n\n", text("message")?)),
            other => return Err(format!("the status {other} is unknown")),
        }
        match text("test_code")? {
            "" => {}
            code => log.push_str(&format!("Test code:\n{code}\n\n")),
        }
    }
    Ok(Read {
        failed: status != "pass",
        points: (max != 0.0).then_some((sum, max)),
        table: passed / tests.len() as f64 * max,
        log,
    })
}

/// RFC 4648, section 4, and strict: canonical, padded, nothing else in it.
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Ok(c - b'A'),
        b'a'..=b'z' => Ok(c - b'a' + 26),
        b'0'..=b'9' => Ok(c - b'0' + 52),
        b'+' => Ok(62),
        b'/' => Ok(63),
        _ => Err(format!("{:?} is no digit", char::from(c))),
    };
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if text.len() % 4 != 0 || padding > 2 {
        return Err("padded wrongly".to_string());
    }
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for c in digits.bytes() {
        bits = bits << 6 | u32::from(digit(c)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    if bits == 0 {
        Ok(bytes)
    } else {
        Err("not canonical".to_string())
    }
}

/// The lines that GitHub's runner would obey.
fn commands(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.trim().starts_with("::") || line.contains("##["))
        .collect()
}

fn rendered(report: &Report) -> Read {
    let read = read(output(&github::render(report))).expect("the reporter can read it");
    assert_eq!(commands(&read.log), [""; 0]);
    read
}

#[test]
fn the_points_are_those_of_the_report() {
    let report = made::every_verdict();
    let read = rendered(&report);
    assert_eq!(read.points, Some((2.0, 15.0)));
    assert!(read.failed);
    for said in [
        "✅ ex02_echo_server: it passes",
        "❌ ex02_echo_server: it fails & says <so>",
        "failed, 0 of 3 points",
        "Error: inconclusive: because",
        "skipped, not counted: it is not possible here",
        "❌ ex02_echo_client: the program builds and starts",
        "error: expected `;`",
    ] {
        assert!(read.log.contains(said), "{said}:\n{}", read.log);
    }
    assert!(
        !read
            .log
            .contains("✅ ex02_echo_server: it is not possible here"),
        "what was skipped has not passed:\n{}",
        read.log
    );
}

#[test]
fn a_report_that_passed_passes_there_and_its_table_is_full() {
    let mut report = made::every_verdict();
    report.exercises.truncate(1);
    report.exercises[0]
        .checks
        .retain(|check| check.verdict.exit_status() == 0);
    report.exercises[0].verdict = wireside::grader::verdict::Verdict::Passed;
    let read = rendered(&report);
    assert_eq!(
        (read.failed, read.points, read.table),
        (false, Some((2.0, 2.0)), 2.0)
    );
}

#[test]
fn what_could_not_be_told_is_an_error_there_and_no_failure() {
    let mut report = made::every_verdict();
    report.exercises.truncate(1);
    report.exercises[0].checks.remove(1);
    report.exercises[0].verdict = wireside::grader::verdict::Verdict::Error;
    let json = decoded(output(&github::render(&report))).expect("base64");
    let result: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(result["status"], "error");
}

#[test]
fn where_nothing_was_judged_the_table_is_still_a_number() {
    let mut report = made::every_verdict();
    report.exercises.drain(..2);
    let read = rendered(&report);
    assert_eq!((read.points, read.table), (None, 0.0));
}

#[test]
fn however_much_there_is_to_say_it_fits_and_the_scores_are_right() {
    for (exercises, checks) in [(1, 10), (5, 12), (40, 12), (60, 40), (2000, 1)] {
        let report = made::many(exercises, checks);
        let read = rendered(&report);
        let max = (exercises * checks) as f64;
        let told = read.log.matches("❌").count();
        let due = if exercises * checks <= 60 {
            exercises * checks
        } else {
            1
        };
        assert!(
            told >= due,
            "{told} of {exercises} exercises of {checks} checks are told"
        );
        assert_eq!(
            read.points,
            Some((0.0, max)),
            "{exercises} exercises of {checks} checks"
        );
    }
}

#[test]
fn a_result_that_the_reporter_would_trip_over_is_seen() {
    let encoded = |json: &str| {
        let report = made::every_verdict();
        let whole = String::from_utf8(decoded(output(&github::render(&report))).expect("base64"));
        let whole: Value = serde_json::from_str(&whole.expect("UTF-8")).expect("JSON");
        let mut changed = whole.clone();
        let (pointer, value) = json.split_once('=').expect("POINTER=VALUE");
        *changed.pointer_mut(pointer).expect("it is there") =
            serde_json::from_str(value).expect("JSON");
        base64_of(&changed.to_string())
    };
    for change in [
        "/status=\"failed\"",
        "/version=2",
        "/tests/0/score=null",
        "/tests/0/line_no=7",
        "/tests/0/status=\"passed\"",
        "/max_score=null",
    ] {
        assert!(read(&encoded(change)).is_err(), "{change}");
    }
    assert!(read("e30").is_err());
    assert!(decoded("Zh==").is_err());
    assert_eq!(commands("a\n \u{3000}::x::y\nb ##[z]\n::1").len(), 3);
}

/// An encoder of the test's own, slow and plain.
fn base64_of(text: &str) -> String {
    let bits: String = text.bytes().map(|byte| format!("{byte:08b}")).collect();
    let digits = bits.as_bytes().chunks(6).map(|chunk| {
        let group = std::str::from_utf8(chunk).expect("ASCII");
        let index = u8::from_str_radix(&format!("{group:0<6}"), 2).expect("binary");
        char::from(match index {
            0..=25 => b'A' + index,
            26..=51 => b'a' + index - 26,
            52..=61 => b'0' + index - 52,
            62 => b'+',
            _ => b'/',
        })
    });
    let mut out: String = digits.collect();
    while out.len() % 4 != 0 {
        out.push('=');
    }
    out
}

#[test]
fn a_hostile_program_announces_no_grade_of_its_own() {
    if !run::there_is("python3") {
        return;
    }
    let only = ["--format", "github", "--only", run::first_check()];
    let graded = run::grade(Submission::Hostile, &only, || {});
    let read = read(output(&graded.stdout)).expect("the reporter can read it");
    assert_eq!(commands(&read.log), [""; 0]);
    let (sum, _) = read.points.expect("points");
    assert_eq!(
        (read.failed, sum, graded.status.code()),
        (true, 0.0, Some(1))
    );
    assert!(
        read.log.contains("totalPoints"),
        "what it printed is told:\n{}",
        read.log
    );
    assert_eq!(commands(&graded.stderr), [""; 0]);
}

/// As the reporter does it: a variable, `Buffer`, `JSON.parse`.
#[test]
fn node_decodes_what_the_environment_hands_over() {
    if !run::there_is("node") {
        return;
    }
    let report = made::many(40, 12);
    let file = github::render(&report);
    let script = "const r = JSON.parse(Buffer.from(process.env.GRADE_RESULTS, 'base64').toString());\
                  console.log(r.max_score, r.tests.reduce((sum, test) => sum + test.score, 0));";
    let node = Command::new("node")
        .args(["-e", script])
        .env("GRADE_RESULTS", output(&file))
        .output();
    let node = node.expect("node can be run");
    assert_eq!(
        String::from_utf8_lossy(&node.stdout).trim(),
        "480 0",
        "{node:?}"
    );
}
