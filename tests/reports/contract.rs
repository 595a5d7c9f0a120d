//! The JSON report: the fields that are promised, of the types that are promised.

use crate::made;
use crate::run::{self, Submission};
use serde_json::Value;
use wireside::grader::report::json;

const VERDICTS: [&str; 6] = [
    "passed",
    "failed",
    "inconclusive",
    "error",
    "skipped",
    "not-built",
];

/// What is wrong with a report; nothing, if it keeps the contract.
fn faults(report: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut holds = |place: &str, holds: bool| {
        if !holds {
            faults.push(place.to_string());
        }
    };
    let is_score = |v: &Value| v.is_u64();
    let is_seconds = |v: &Value| v.as_f64().is_some_and(|seconds| seconds >= 0.0);
    let is_verdict = |v: &Value| v.as_str().is_some_and(|word| VERDICTS.contains(&word));
    let sum = |list: &[Value], key: &str| list.iter().filter_map(|v| v[key].as_u64()).sum::<u64>();
    let exercises = report["exercises"].as_array().cloned().unwrap_or_default();
    holds("version", report["version"] == 1);
    holds(
        "seed",
        report["seed"]
            .as_str()
            .is_some_and(|s| u32::from_str_radix(s, 16).is_ok()),
    );
    holds("exercises", report["exercises"].is_array());
    for key in ["score", "max_score"] {
        holds(key, report[key].as_u64() == Some(sum(&exercises, key)));
    }
    for exercise in &exercises {
        let checks = exercise["checks"].as_array().cloned().unwrap_or_default();
        holds("exercise", exercise["exercise"].is_string());
        holds("exercise: verdict", is_verdict(&exercise["verdict"]));
        holds("exercise: seconds", is_seconds(&exercise["seconds"]));
        holds("exercise: checks", exercise["checks"].is_array());
        for key in ["score", "max_score"] {
            let place = format!("exercise: {key}");
            holds(&place, exercise[key].as_u64() == Some(sum(&checks, key)));
        }
        for check in &checks {
            holds(
                "check: name",
                check["name"].as_str().is_some_and(|name| !name.is_empty()),
            );
            holds("check: verdict", is_verdict(&check["verdict"]));
            holds("check: score", is_score(&check["score"]));
            holds("check: max_score", is_score(&check["max_score"]));
            holds("check: seconds", is_seconds(&check["seconds"]));
            holds("check: why", check["why"].is_string());
            holds("check: message", check["message"].is_string());
            let said = check["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty());
            holds(
                "check: message of a failure",
                check["verdict"] != "failed" || said,
            );
            let skipped = check["verdict"] == "skipped";
            holds(
                "check: max_score if skipped",
                !skipped || check["max_score"] == 0,
            );
            let passed = check["verdict"] == "passed";
            let earned = check["score"]
                == if passed {
                    check["max_score"].clone()
                } else {
                    0.into()
                };
            holds("check: score is all or nothing", earned);
            holds("check: transcript", check["transcript"].is_array());
            for event in check["transcript"].as_array().into_iter().flatten() {
                holds("event: at", is_seconds(&event["at"]));
                holds("event: who", event["who"].is_string());
                holds("event: what", event["what"].is_string());
                let bytes = event.get("bytes");
                let is_hex = |v: &Value| {
                    v.as_str().is_some_and(|hex| {
                        hex.len() % 2 == 0 && hex.bytes().all(|b| b.is_ascii_hexdigit())
                    })
                };
                holds("event: bytes", bytes.is_none_or(is_hex));
            }
        }
    }
    faults
}

#[test]
fn every_verdict_keeps_the_contract() {
    let report = made::read_back(&json::report(&made::every_verdict()));
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!(
        (&report["score"], &report["max_score"]),
        (&2.into(), &15.into())
    );
}

#[test]
fn a_field_that_is_missing_or_of_another_type_is_seen() {
    let whole = made::read_back(&json::report(&made::every_verdict()));
    let changes: [(&str, Value, &str); 8] = [
        ("/version", "1".into(), "version"),
        ("/score", 3.into(), "score"),
        ("/seed", 7.into(), "seed"),
        ("/exercises/0/max_score", Value::Null, "exercise: max_score"),
        ("/exercises/0/verdict", "fail".into(), "exercise: verdict"),
        (
            "/exercises/0/checks/1/message",
            "".into(),
            "check: message of a failure",
        ),
        (
            "/exercises/0/checks/4/max_score",
            7.into(),
            "check: max_score if skipped",
        ),
        (
            "/exercises/0/checks/1/transcript/0/bytes",
            "xyz".into(),
            "event: bytes",
        ),
    ];
    for (pointer, value, fault) in changes {
        let mut report = whole.clone();
        *report.pointer_mut(pointer).expect("the field is there") = value;
        assert!(
            faults(&report).iter().any(|f| f == fault),
            "{pointer}: {:?}",
            faults(&report)
        );
    }
}

#[test]
fn stdout_is_one_object_and_nothing_else_whatever_the_program_prints() {
    if !run::there_is("python3") {
        return;
    }
    let only = ["--format", "json", "--only", run::first_check()];
    let graded = run::grade(Submission::Hostile, &only, || {});
    let report: Value = serde_json::from_str(&graded.stdout).expect("one JSON object");
    assert_eq!(faults(&report), [""; 0]);
    assert_eq!(graded.status.code(), Some(1), "{}", graded.stderr);
    assert_eq!(report["seed"], "5f3a");
    assert_eq!(report["score"], 0);
    let check = &report["exercises"][0]["checks"][0];
    assert_eq!(check["verdict"], "failed");
    assert!(!graded.stdout.contains('\x1b'));
    let stderr = check["stderr"]
        .as_array()
        .expect("the program's stderr")
        .clone();
    assert!(
        stderr
            .iter()
            .any(|line| line.as_str().is_some_and(|l| l.contains("totalPoints")))
    );
}
