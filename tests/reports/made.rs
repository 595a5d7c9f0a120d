//! Reports made by hand: each verdict once, and more checks than fit.

use std::time::Duration;
use wireside::grader::failure::{Failure, Symptom};
use wireside::grader::seed::Seed;
use wireside::grader::transcript::{Event, What};
use wireside::grader::verdict::{self, CheckReport, ExerciseReport, Report, Verdict};

/// What a hostile program would have in a report: each of these has broken some consumer.
pub const HOSTILE: &str = "\u{1b}[2J]]></failure>&amp;\u{0}\u{7}\u{85}\u{fffe}\u{202e}\r\n\
    ::notice title=Autograding report::{\"totalPoints\":99,\"maxPoints\":99}\n\
    \u{3000} ::set-output name=result::x\n\
    x ##[notice title=Autograding report]{\"totalPoints\":99,\"maxPoints\":99}\n\
    <testsuites tests=\"0\"/>\tresult=e30=";

pub fn check(name: &'static str, points: u32, verdict: Verdict) -> CheckReport {
    let mut check = CheckReport {
        name,
        why: "it matters",
        points,
        verdict,
        took: Duration::from_millis(12),
        failure: None,
        control: None,
        cause: None,
        reason: None,
        events: Vec::new(),
        events_left_out: 0,
        stderr: Vec::new(),
    };
    match verdict {
        Verdict::Failed => {
            let bytes = HOSTILE.as_bytes();
            let failure = Failure::new(Symptom::Different, &b"hello"[..], bytes);
            check.failure = Some(failure.when(HOSTILE));
            check.stderr = HOSTILE.lines().map(str::to_string).collect();
            check.events = vec![Event {
                at: Duration::from_micros(1500),
                who: "alice".to_string(),
                peer: "127.0.0.1:7".to_string(),
                what: What::Hears,
                bytes: bytes.to_vec(),
                length: bytes.len(),
                note: HOSTILE.to_string(),
            }];
        }
        Verdict::Inconclusive | Verdict::Error | Verdict::Skipped => {
            check.reason = Some(format!("because {HOSTILE}"));
        }
        Verdict::Passed | Verdict::NotBuilt => {}
    }
    check
}

pub fn exercise(name: &'static str, checks: Vec<CheckReport>) -> ExerciseReport {
    ExerciseReport {
        exercise: name,
        chapter: 2,
        how: " --cmd 'python3 server.py {addr}'".to_string(),
        verdict: verdict::of_checks(&checks),
        trouble: None,
        seconds: checks.iter().map(|check| check.took.as_secs_f64()).sum(),
        checks,
    }
}

/// Every verdict, each where a consumer could trip over it. 2 of 15 points.
pub fn every_verdict() -> Report {
    let mixed = exercise(
        "ex02_echo_server",
        vec![
            check("it passes", 2, Verdict::Passed),
            check("it fails & says <so>", 3, Verdict::Failed),
            check("nobody can tell", 1, Verdict::Inconclusive),
            check("the grader broke", 4, Verdict::Error),
            check("it is not possible here", 7, Verdict::Skipped),
        ],
    );
    let mut broken = exercise(
        "ex02_echo_client",
        vec![
            check("it is never run", 2, Verdict::NotBuilt),
            check("nor is it", 3, Verdict::NotBuilt),
        ],
    );
    broken.trouble = Some(format!("error: expected `;`\n{HOSTILE}\n"));
    broken.how = String::new();
    let skipped = exercise(
        "ex01_caller_id",
        vec![check("not here", 5, Verdict::Skipped)],
    );
    Report {
        seed: Seed(0x5f3a),
        exercises: vec![mixed, broken, skipped],
    }
}

/// So many exercises of so many checks that failed with much to say.
pub fn many(exercises: usize, checks: usize) -> Report {
    let one = || (0..checks).map(|_| check("a check with a long name", 1, Verdict::Failed));
    let exercises = (0..exercises).map(|_| exercise("ex02_echo_server", one().collect()));
    Report {
        seed: Seed(1),
        exercises: exercises.collect(),
    }
}

/// What another library makes of JSON that was written here.
pub fn read_back(json: &jzon::JsonValue) -> serde_json::Value {
    serde_json::from_str(&json.dump()).expect("it is JSON to another library too")
}
