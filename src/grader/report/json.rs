//! The versioned JSON report, from which machines read. Fields may be added, none changed.

use crate::grader::bytes;
use crate::grader::report::human;
use crate::grader::transcript::Event;
use crate::grader::verdict::{CheckReport, ExerciseReport, Report};
use jzon::{JsonValue, object};

/// Reads JSON from the bytes that somebody else wrote; `None` if it is none.
pub fn parse(bytes: &[u8]) -> Option<JsonValue> {
    jzon::parse(std::str::from_utf8(bytes).ok()?).ok()
}

/// The whole report as one JSON object.
pub fn report(report: &Report) -> JsonValue {
    object! {
        "version": 1,
        "seed": report.seed.to_string(),
        "score": report.score(),
        "max_score": report.max_score(),
        "exercises": report.exercises.iter().map(|e| exercise(e, report)).collect::<Vec<_>>(),
    }
}

fn exercise(exercise: &ExerciseReport, report: &Report) -> JsonValue {
    let checks = exercise.checks.iter().map(|c| check(c, exercise, report));
    object! {
        "exercise": exercise.exercise,
        "chapter": exercise.chapter,
        "verdict": exercise.verdict.word(),
        "score": exercise.score(),
        "max_score": exercise.max_score(),
        "seconds": thousandths(exercise.seconds),
        "trouble": exercise.trouble.as_deref(),
        "checks": checks.collect::<Vec<_>>(),
    }
}

fn check(check: &CheckReport, exercise: &ExerciseReport, report: &Report) -> JsonValue {
    let cause = check
        .cause
        .map(|cause| object! {"likely": cause.likely, "try": cause.advice});
    let control = check
        .control
        .map(|(name, verdict)| object! {"name": name, "verdict": verdict.word()});
    object! {
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
        "stderr": check.stderr.clone(),
        "transcript": check.events.iter().map(event).collect::<Vec<_>>(),
        "events_left_out": check.events_left_out,
    }
}

/// One event. `bytes` is hex, lossless but cut; `length` is what it was; `text` is there where the
/// bytes are text.
pub fn event(event: &Event) -> JsonValue {
    let mut value = object! {
        "at": (event.at.as_secs_f64() * 1e6).round() / 1e6,
        "who": event.who.as_str(),
        "what": event.what.word(),
    };
    if !event.peer.is_empty() {
        value["peer"] = event.peer.as_str().into();
    }
    if event.length > 0 {
        value["bytes"] = (bytes::hex(&event.bytes).replace(' ', "")).into();
        value["length"] = event.length.into();
        if let (true, Ok(text)) = (
            bytes::is_text(&event.bytes),
            std::str::from_utf8(&event.bytes),
        ) {
            value["text"] = text.into();
        }
    }
    if !event.note.is_empty() {
        value["note"] = event.note.as_str().into();
    }
    value
}

fn thousandths(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
