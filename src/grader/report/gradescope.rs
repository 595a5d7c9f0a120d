//! Gradescope's `results.json`: a test for each check.
//!
//! Gradescope knows two states, passed and failed. What is neither is told in words: in the test's
//! output, in its tags, and above all the tests. A check that was skipped gets no state at all, is
//! worth nothing and costs nothing.

use super::{human, plain};
use crate::grader::verdict::{CheckReport, ExerciseReport, Report, Verdict};
use jzon::{JsonValue, object};

/// Bytes of one test's output, and of what stands above the tests.
const MOST: usize = 16 * 1024;

/// The whole of `results.json`.
pub fn render(report: &Report) -> JsonValue {
    let seconds: f64 = report
        .exercises
        .iter()
        .map(|exercise| exercise.seconds)
        .sum();
    let passed = checks(report)
        .filter(|check| check.verdict == Verdict::Passed)
        .count();
    let exercises = report.exercises.iter().map(|exercise| {
        object! {
            "exercise": exercise.exercise,
            "verdict": exercise.verdict.word(),
            "score": exercise.score(),
            "max_score": exercise.max_score(),
        }
    });
    object! {
        "score": report.score(),
        "execution_time": (seconds * 1e3).round() / 1e3,
        "output": plain::cut(&summary(report), MOST),
        "output_format": "text",
        "test_output_format": "text",
        "visibility": "visible",
        // The learner's report is in the tests; what the machine said besides is the instructor's.
        "stdout_visibility": "hidden",
        "extra_data": {
            "version": 1,
            "seed": report.seed.to_string(),
            "max_score": report.max_score(),
            "exercises": exercises.collect::<Vec<_>>(),
        },
        "tests": tests(report),
        "leaderboard": [
            {"name": "Points", "value": report.score(), "order": "desc"},
            {"name": "Checks passed", "value": passed, "order": "desc"},
        ],
    }
}

fn checks(report: &Report) -> impl Iterator<Item = &CheckReport> {
    report
        .exercises
        .iter()
        .flat_map(|exercise| &exercise.checks)
}

fn tests(report: &Report) -> Vec<JsonValue> {
    let mut tests = Vec::new();
    for (e, exercise) in report.exercises.iter().enumerate() {
        for (c, check) in exercise.checks.iter().enumerate() {
            let number = format!("{}.{}", e + 1, c + 1);
            tests.push(test(check, exercise, report, &number));
        }
    }
    tests
}

fn test(
    check: &CheckReport,
    exercise: &ExerciseReport,
    report: &Report,
    number: &str,
) -> JsonValue {
    let name = match report.exercises.len() {
        1 => check.name.to_string(),
        _ => format!("{}: {}", exercise.exercise, check.name),
    };
    let mut test = object! {
        "score": check.score(),
        "max_score": check.max_score(),
        "name": plain::line(&name),
        "name_format": "text",
        "number": number,
        "output": plain::cut(&output(check, exercise, report), MOST),
        "output_format": "text",
        "tags": [
            check.verdict.word(),
            exercise.exercise,
            format!("chapter {}", exercise.chapter),
        ],
        "visibility": "visible",
        "extra_data": {
            "exercise": exercise.exercise,
            "verdict": check.verdict.word(),
            "symptom": check.failure.as_ref().map(|failure| failure.symptom.word()),
            "seconds": (check.took.as_secs_f64() * 1e3).round() / 1e3,
        },
    };
    match check.verdict {
        Verdict::Passed => test["status"] = "passed".into(),
        Verdict::Skipped => {}
        _ => test["status"] = "failed".into(),
    }
    test
}

fn output(check: &CheckReport, exercise: &ExerciseReport, report: &Report) -> String {
    let means = match check.verdict {
        Verdict::Passed | Verdict::Failed => "",
        Verdict::Inconclusive => {
            "INCONCLUSIVE: the machine was too busy to tell. This says nothing about the program: \
             grade it again.\n"
        }
        Verdict::Error => {
            "ERROR of the grader, not of the program: grade it again, and tell your instructor if \
             it stays.\n"
        }
        Verdict::Skipped => "SKIPPED: it could not be judged here, and counts for nothing.\n",
        Verdict::NotBuilt => "NOT BUILT: there was no program to judge. See above the tests.\n",
    };
    let message = plain::text(&human::message(check, exercise, report.seed));
    format!("{means}{message}")
}

/// What stands above the tests.
fn summary(report: &Report) -> String {
    let mut out = String::new();
    let (score, most) = (report.score(), report.max_score());
    out.push_str(&format!(
        "{score} of {most} points. Seed {}.\n",
        report.seed
    ));
    for exercise in &report.exercises {
        out.push_str(&format!(
            "{}: {}, {} of {} points\n",
            exercise.exercise,
            exercise.verdict.word(),
            exercise.score(),
            exercise.max_score()
        ));
        for check in &exercise.checks {
            let word = check.verdict.word();
            if matches!(
                check.verdict,
                Verdict::Inconclusive | Verdict::Error | Verdict::Skipped
            ) {
                let reason = check.reason.as_deref().map(plain::line).unwrap_or_default();
                out.push_str(&format!("  {word}: {} ({reason})\n", check.name));
            }
        }
        if let Some(trouble) = &exercise.trouble {
            out.push_str(&format!("\n{}\n", plain::text(trouble.trim_end())));
        }
    }
    if checks(report).any(|c| matches!(c.verdict, Verdict::Inconclusive | Verdict::Error)) {
        out.push_str(
            "What is inconclusive or an error says nothing about the program: submit it again.\n",
        );
    }
    out
}
