//! GitHub Classroom: the step output that its grading reporter reads.
//!
//! The reporter adds up the tests' scores, and prints names, messages and code into the job's log.
//! There a line that begins with `::`, or holds `##[`, is a command to the runner, so that a
//! program could announce a grade of its own choice. No such line is let through.

use super::{human, plain};
use crate::grader::verdict::{CheckReport, ExerciseReport, Report, Verdict};
use jzon::{JsonValue, object};

/// Bytes of JSON that are less than 64 KiB in base64.
const MOST_JSON: usize = 48_000;

/// The line for the file that `$GITHUB_OUTPUT` names: `result=`, base64, LF. What the programs did
/// is told as fully as there is room; the scores are always there.
pub fn render(report: &Report) -> String {
    let in_full = [4000, 1000, 250, 0]
        .into_iter()
        .map(|most| by_check(report, most).to_string());
    let by_exercise = std::iter::once_with(|| by_exercise(report).to_string());
    let json = in_full
        .chain(by_exercise)
        .find(|json| json.len() <= MOST_JSON);
    let json = json.unwrap_or_else(|| as_one(report).to_string());
    format!("result={}\n", base64(json.as_bytes()))
}

/// A test for each check, each told in so many bytes.
fn by_check(report: &Report, most: usize) -> JsonValue {
    let tests = report
        .exercises
        .iter()
        .flat_map(|e| tests_of(e, report, most))
        .collect();
    result(report, tests)
}

/// A test for each exercise, where there are too many checks.
fn by_exercise(report: &Report) -> JsonValue {
    let tests = report.exercises.iter().map(|exercise| {
        let (score, most) = (exercise.score(), exercise.max_score());
        let summary = format!("{}, {score} of {most} points", exercise.verdict.word());
        Test {
            name: exercise.exercise.to_string(),
            status: status(exercise.verdict),
            score,
            message: summary.clone(),
            code: summary,
            filename: filename(exercise),
            seconds: exercise.seconds,
        }
        .json()
    });
    result(report, tests.collect())
}

/// One test for everything: hundreds of exercises, which no course has.
fn as_one(report: &Report) -> JsonValue {
    let summary = format!("{} of {} points", report.score(), report.max_score());
    let test = Test {
        name: "every exercise".to_string(),
        status: overall(report),
        score: report.score(),
        message: summary.clone(),
        code: summary,
        filename: String::new(),
        seconds: report
            .exercises
            .iter()
            .map(|exercise| exercise.seconds)
            .sum(),
    };
    result(report, vec![test.json()])
}

fn result(report: &Report, tests: Vec<JsonValue>) -> JsonValue {
    object! {
        "version": 1,
        "status": overall(report),
        "max_score": report.max_score(),
        "tests": tests,
    }
}

/// The submission's faults come before the grader's.
fn overall(report: &Report) -> &'static str {
    let statuses: Vec<&str> = report.exercises.iter().map(|e| status(e.verdict)).collect();
    ["fail", "error"]
        .into_iter()
        .find(|s| statuses.contains(s))
        .unwrap_or("pass")
}

/// The reporter's word for a verdict.
fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed | Verdict::Skipped => "pass",
        Verdict::Failed | Verdict::NotBuilt => "fail",
        Verdict::Inconclusive | Verdict::Error => "error",
    }
}

/// The reporter takes the share of tests that passed for the score in its own table, and divides by
/// their number. So there is always a test, and a check that was skipped is none: it is told with
/// another one.
fn tests_of(exercise: &ExerciseReport, report: &Report, most: usize) -> Vec<JsonValue> {
    let mut tests: Vec<Test> = Vec::new();
    if let Some(trouble) = &exercise.trouble {
        tests.push(Test {
            name: format!("{}: the program builds and starts", exercise.exercise),
            status: "fail",
            score: 0,
            message: plain::line(trouble.lines().next().unwrap_or_default()),
            code: plain::text(trouble),
            filename: filename(exercise),
            seconds: 0.0,
        });
    }
    let judged = exercise
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Skipped);
    tests.extend(judged.map(|check| test(check, exercise, report)));
    if tests.is_empty() {
        tests.push(Test {
            name: format!("{}: nothing was judged", exercise.exercise),
            status: status(exercise.verdict),
            score: 0,
            message: exercise.verdict.word().to_string(),
            code: String::new(),
            filename: filename(exercise),
            seconds: 0.0,
        });
    }
    if let Some(last) = tests.last_mut() {
        for check in exercise
            .checks
            .iter()
            .filter(|check| check.verdict == Verdict::Skipped)
        {
            let reason = check.reason.as_deref().map(plain::line).unwrap_or_default();
            last.code.push_str(&format!(
                "\nskipped, not counted: {} ({reason})",
                check.name
            ));
        }
    }
    let fitting = tests.into_iter().map(|test| Test {
        message: plain::cut(&test.message, most),
        code: plain::cut(&test.code, most),
        ..test
    });
    fitting.map(Test::json).collect()
}

fn test(check: &CheckReport, exercise: &ExerciseReport, report: &Report) -> Test {
    let message = plain::text(&human::message(check, exercise, report.seed));
    let (score, most) = (check.score(), check.max_score());
    let word = check.verdict.word();
    Test {
        name: format!("{}: {}", exercise.exercise, check.name),
        status: status(check.verdict),
        score,
        message: match &check.reason {
            Some(reason) => format!("{word}: {}", plain::line(reason)),
            None => word.to_string(),
        },
        code: format!("{word}, {score} of {most} points\n{message}"),
        filename: filename(exercise),
        seconds: check.took.as_secs_f64(),
    }
}

/// The file that was graded, if it is the clone's own.
fn filename(exercise: &ExerciseReport) -> String {
    match exercise.how.as_str() {
        "" => format!("exercises/src/bin/{}.rs", exercise.exercise),
        _ => String::new(),
    }
}

/// What the reporter is told of one test.
struct Test {
    name: String,
    status: &'static str,
    score: u32,
    /// Shown where the status is `error`.
    message: String,
    /// Shown always.
    code: String,
    filename: String,
    seconds: f64,
}

impl Test {
    fn json(self) -> JsonValue {
        object! {
            "name": no_command(&self.name),
            "status": self.status,
            "message": no_command(&self.message),
            "test_code": no_command(self.code.trim_end()),
            "filename": self.filename,
            // With any other number the reporter prints it behind the name.
            "line_no": 0,
            "execution_time": (self.seconds * 1e3).round() / 1e3,
            // Without it the sum is NaN.
            "score": self.score,
        }
    }
}

/// The text without commands to GitHub's runner. It takes `##[` for one anywhere in a line, `::`
/// at its beginning, blanks aside.
fn no_command(text: &str) -> String {
    let text = text.replace("##[", "##\\x5b");
    let lines = text.split('\n').map(|line| {
        let rest = line.trim_start();
        let blanks = &line[..line.len() - rest.len()];
        match rest.strip_prefix("::") {
            Some(rest) => format!("{blanks}\\x3a:{rest}"),
            None => line.to_string(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// RFC 4648, section 4: the usual alphabet, with padding, in one line.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit > group.len() {
                '='
            } else {
                char::from(DIGITS[index as usize])
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, section 10.
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    #[test]
    fn the_largest_result_is_under_64_kib() {
        assert!(format!("result={}\n", base64(&[0; MOST_JSON])).len() < 64 * 1024);
    }

    #[test]
    fn no_line_is_a_command_to_the_runner() {
        assert_eq!(no_command("a\n  ::notice::x"), "a\n  \\x3a:notice::x");
        assert_eq!(no_command("a ##[notice]x"), "a ##\\x5bnotice]x");
        assert_eq!(no_command("to ::1 and [::]:80"), "to ::1 and [::]:80");
    }
}
