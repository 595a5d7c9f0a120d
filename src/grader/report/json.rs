//! The versioned JSON report, from which machines read. Fields may be added, none changed.

use crate::grader::bytes;
use crate::grader::report::human;
use crate::grader::transcript::Event;
use crate::grader::verdict::{CheckReport, ExerciseReport, Report};
use serde_json::{Value, json};

/// The whole report as one JSON object.
pub fn report(report: &Report) -> Value {
    json!({
        "version": 1,
        "seed": report.seed.to_string(),
        "score": report.score(),
        "max_score": report.max_score(),
        "exercises": report.exercises.iter().map(|e| exercise(e, report)).collect::<Vec<_>>(),
    })
}

fn exercise(exercise: &ExerciseReport, report: &Report) -> Value {
    let checks = exercise.checks.iter().map(|c| check(c, exercise, report));
    json!({
        "exercise": exercise.exercise,
        "chapter": exercise.chapter,
        "verdict": exercise.verdict.word(),
        "score": exercise.score(),
        "max_score": exercise.max_score(),
        "seconds": thousandths(exercise.seconds),
        "trouble": exercise.trouble,
        "checks": checks.collect::<Vec<_>>(),
    })
}

fn check(check: &CheckReport, exercise: &ExerciseReport, report: &Report) -> Value {
    let cause = check
        .cause
        .map(|cause| json!({"likely": cause.likely, "try": cause.advice}));
    let control = check
        .control
        .map(|(name, verdict)| json!({"name": name, "verdict": verdict.word()}));
    json!({
        "name": check.name,
        "verdict": check.verdict.word(),
        "score": check.score(),
        "max_score": check.max_score(),
        "seconds": thousandths(check.took.as_secs_f64()),
        "why": check.why,
        "message": human::message(check, exercise, report.seed),
        "symptom": check.failure.as_ref().map(|failure| failure.symptom.word()),
        "control": control,
        "cause": cause,
        "stderr": check.stderr,
        "transcript": check.events.iter().map(event).collect::<Vec<_>>(),
        "events_left_out": check.events_left_out,
    })
}

/// One event. `bytes` is hex, lossless but cut; `length` is what it was; `text` is there where the
/// bytes are text.
pub fn event(event: &Event) -> Value {
    let mut value = json!({
        "at": (event.at.as_secs_f64() * 1e6).round() / 1e6,
        "who": event.who,
        "what": event.what.word(),
    });
    if !event.peer.is_empty() {
        value["peer"] = json!(event.peer);
    }
    if event.length > 0 {
        value["bytes"] = json!(bytes::hex(&event.bytes).replace(' ', ""));
        value["length"] = json!(event.length);
        if let (true, Ok(text)) = (
            bytes::is_text(&event.bytes),
            std::str::from_utf8(&event.bytes),
        ) {
            value["text"] = json!(text);
        }
    }
    if !event.note.is_empty() {
        value["note"] = json!(event.note);
    }
    value
}

fn thousandths(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
