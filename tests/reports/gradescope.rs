//! Gradescope: every field that its documentation of `results.json` names, and no other.
//! <https://gradescope-autograders.readthedocs.io/en/latest/specs/>

use crate::made;
use crate::run::{self, Folder, Submission};
use serde_json::Value;
use std::fs;
use wireside::grader::report::gradescope;

const FORMATS: [&str; 5] = ["text", "html", "simple_format", "md", "ansi"];
const VISIBILITIES: [&str; 4] = ["hidden", "after_due_date", "after_published", "visible"];

/// A field, and whether its value is one that the documentation allows.
type Field = (&'static str, fn(&Value) -> bool);

fn is_number(v: &Value) -> bool {
    v.as_f64()
        .is_some_and(|number| number.is_finite() && number >= 0.0)
}

fn is_format(v: &Value) -> bool {
    v.as_str().is_some_and(|word| FORMATS.contains(&word))
}

fn is_visibility(v: &Value) -> bool {
    v.as_str().is_some_and(|word| VISIBILITIES.contains(&word))
}

/// Text that its page can show: no control character but LF.
fn is_text(v: &Value) -> bool {
    v.as_str()
        .is_some_and(|text| text.chars().all(|c| c == '\n' || !c.is_control()))
}

const TOP: [Field; 11] = [
    ("score", is_number),
    ("execution_time", is_number),
    ("output", is_text),
    ("output_format", is_format),
    ("test_output_format", is_format),
    ("test_name_format", is_format),
    ("visibility", is_visibility),
    ("stdout_visibility", is_visibility),
    ("extra_data", Value::is_object),
    ("tests", Value::is_array),
    ("leaderboard", Value::is_array),
];

const TEST: [Field; 11] = [
    ("score", is_number),
    ("max_score", is_number),
    ("status", |v| v == "passed" || v == "failed"),
    ("name", is_text),
    ("name_format", is_format),
    ("number", |v| {
        v.as_str()
            .is_some_and(|s| s.split('.').all(|n| n.parse::<u32>().is_ok()))
    }),
    ("output", is_text),
    ("output_format", is_format),
    ("tags", |v| {
        v.as_array().is_some_and(|tags| tags.iter().all(is_text))
    }),
    ("visibility", is_visibility),
    ("extra_data", Value::is_object),
];

const LEADER: [Field; 3] = [
    ("name", is_text),
    ("value", |v| is_number(v) || is_text(v)),
    ("order", |v| v == "asc" || v == "desc"),
];

/// What is wrong with a `results.json`; nothing, if Gradescope's documentation allows it.
pub fn faults(results: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    object("", results, &TOP, &["score", "tests"], &mut faults);
    let list = |key: &str| results[key].as_array().cloned().unwrap_or_default();
    for (i, test) in list("tests").iter().enumerate() {
        object(
            &format!("tests[{i}]."),
            test,
            &TEST,
            &["score", "max_score", "name"],
            &mut faults,
        );
        if test["score"].as_f64() > test["max_score"].as_f64() {
            faults.push(format!("tests[{i}]: more than all of its points"));
        }
    }
    for (i, leader) in list("leaderboard").iter().enumerate() {
        object(
            &format!("leaderboard[{i}]."),
            leader,
            &LEADER,
            &["name", "value"],
            &mut faults,
        );
    }
    let sum: f64 = list("tests")
        .iter()
        .filter_map(|test| test["score"].as_f64())
        .sum();
    if results["score"].as_f64() != Some(sum) {
        faults.push("score: not the sum of the tests'".to_string());
    }
    faults
}

fn object(at: &str, value: &Value, fields: &[Field], needed: &[&str], faults: &mut Vec<String>) {
    let Some(map) = value.as_object() else {
        faults.push(format!("{at}: no object"));
        return;
    };
    for (key, value) in map {
        match fields.iter().find(|(name, _)| name == key) {
            None => faults.push(format!("{at}{key}: unknown")),
            Some((_, allows)) if !allows(value) => faults.push(format!("{at}{key}: {value}")),
            Some(_) => {}
        }
    }
    for key in needed.iter().filter(|key| !map.contains_key(**key)) {
        faults.push(format!("{at}{key}: missing"));
    }
}

fn max_score(results: &Value) -> u64 {
    let tests = results["tests"].as_array().expect("tests");
    tests
        .iter()
        .map(|test| test["max_score"].as_u64().expect("an integer"))
        .sum()
}

#[test]
fn every_verdict_is_told_as_gradescope_takes_it() {
    let results = made::read_back(&gradescope::render(&made::every_verdict()));
    assert_eq!(faults(&results), [""; 0]);
    assert_eq!(
        (results["score"].as_u64(), max_score(&results)),
        (Some(2), 15)
    );
    let tests = results["tests"].as_array().expect("tests");
    let by_name = |name: &str| {
        let found = tests
            .iter()
            .find(|test| test["name"].as_str().is_some_and(|n| n.ends_with(name)));
        found.unwrap_or_else(|| panic!("no test {name}"))
    };
    assert_eq!(by_name("it passes")["status"], "passed");
    assert_eq!(by_name("it fails & says <so>")["status"], "failed");
    for (name, tag, word) in [
        ("nobody can tell", "inconclusive", "INCONCLUSIVE"),
        ("the grader broke", "error", "ERROR of the grader"),
        ("it is not possible here", "skipped", "SKIPPED"),
        ("it is never run", "not-built", "NOT BUILT"),
    ] {
        let test = by_name(name);
        assert_eq!(test["tags"][0], tag);
        assert!(
            test["output"].as_str().is_some_and(|o| o.contains(word)),
            "{test}"
        );
    }
    let skipped = by_name("it is not possible here");
    assert_eq!(
        (&skipped["max_score"], skipped.get("status")),
        (&0.into(), None)
    );
    let output = results["output"].as_str().expect("output");
    assert!(output.contains("inconclusive: nobody can tell"), "{output}");
    assert!(output.contains("error: expected `;`"), "{output}");
    assert!(output.contains("submit it again"), "{output}");
}

#[test]
fn a_field_that_gradescope_does_not_know_or_take_is_seen() {
    let whole = made::read_back(&gradescope::render(&made::every_verdict()));
    let changes: [(&str, Value); 9] = [
        ("/score", "2".into()),
        ("/score", 15.into()),
        ("/output_format", "markdown".into()),
        ("/stdout_visibility", true.into()),
        ("/tests/0/status", "skipped".into()),
        ("/tests/0/score", 3.into()),
        ("/tests/0/number", 1.into()),
        ("/tests/1/output", "\u{1b}[2J".into()),
        ("/leaderboard/0/order", "up".into()),
    ];
    for (pointer, value) in changes {
        let mut results = whole.clone();
        *results.pointer_mut(pointer).expect("the field is there") = value;
        assert!(!faults(&results).is_empty(), "{pointer}");
    }
    let mut results = whole.clone();
    results["tests"][0]["points"] = 1.into();
    assert_eq!(faults(&results), ["tests[0].points: unknown"]);
}

#[test]
fn a_long_message_is_cut_and_a_long_report_stays_readable() {
    let mut report = made::every_verdict();
    report.exercises[1].trouble = Some("error\n".repeat(100_000));
    let results = made::read_back(&gradescope::render(&report));
    assert_eq!(faults(&results), [""; 0]);
    let output = results["output"].as_str().expect("output");
    assert!(
        output.len() < 20_000 && output.ends_with("bytes more)"),
        "{}",
        output.len()
    );
}

#[test]
fn a_hostile_program_has_no_effect_on_the_results() {
    if !run::there_is("python3") {
        return;
    }
    let only = ["--format", "gradescope", "--only", run::first_check()];
    let graded = run::grade(Submission::Hostile, &only, || {});
    let results: Value = serde_json::from_str(&graded.stdout).expect("one JSON object");
    assert_eq!(faults(&results), [""; 0]);
    assert_eq!(
        (&results["score"], graded.status.code()),
        (&0.into(), Some(1))
    );
    assert!(
        results["tests"][0]["output"]
            .as_str()
            .is_some_and(|o| o.contains("\\x1b[2J"))
    );
}

/// Gradescope gives 0 to what it has to end. What was judged until then is in the file, whole.
#[test]
fn the_file_is_whole_whenever_it_is_read_and_grows_with_each_check() {
    if !run::there_is("python3") {
        return;
    }
    let folder = Folder::new();
    let out = folder.path().join("results.json");
    let mut seen = Vec::new();
    let args = [
        "--format",
        "gradescope",
        "--out",
        out.to_str().expect("a path in UTF-8"),
    ];
    let graded = run::grade(Submission::HalfRight, &args, || {
        let Ok(text) = fs::read_to_string(&out) else {
            return;
        };
        let results: Value = serde_json::from_str(&text).expect("the file is whole");
        assert_eq!(faults(&results), [""; 0]);
        let tests = results["tests"].as_array().map_or(0, Vec::len);
        if seen.last() != Some(&tests) {
            seen.push(tests);
        }
    });
    assert!(
        seen.len() > 1,
        "it was written {} times while grading went on",
        seen.len()
    );
    assert!(
        seen.is_sorted(),
        "an older report replaced a newer one: {seen:?}"
    );
    let text = fs::read_to_string(&out).expect("the file is there");
    let results: Value = serde_json::from_str(&text).expect("one JSON object");
    assert_eq!(faults(&results), [""; 0]);
    let (_, exercise) = wireside::chapters::exercise("ex02_echo_server").expect("it is there");
    assert_eq!(
        results["tests"].as_array().map(Vec::len),
        Some(exercise.checks.len())
    );
    let score = results["score"].as_u64().expect("a score");
    assert!(
        score > 0 && score < max_score(&results),
        "{}: {}",
        score,
        graded.stdout
    );
    assert!(graded.stdout.starts_with("ex02_echo_server") || graded.stdout.contains("\x1b["));
    let left = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 1, "a temporary file was left");
}
