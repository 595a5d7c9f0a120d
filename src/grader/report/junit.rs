//! JUnit's XML, which every CI reads: a suite for each exercise, a case for each check.
//!
//! A `failure` is the submission's. An `error` is that there was no program, or that the grader
//! could not tell. A check that could not be run because of it, or not on this machine, is
//! `skipped`.

use super::{human, plain};
use crate::grader::bytes;
use crate::grader::transcript::Event;
use crate::grader::verdict::{CheckReport, ExerciseReport, Report, Verdict};
use std::time::{SystemTime, UNIX_EPOCH};

/// Events of a conversation that are written out; a failure is near the end.
const MOST_EVENTS: usize = 200;

/// The report as an XML 1.0 document, encoded as UTF-8.
pub fn render(report: &Report) -> String {
    render_at(report, SystemTime::now())
}

/// The same, as it is when grading ends at this time.
fn render_at(report: &Report, now: SystemTime) -> String {
    let suites: Vec<Suite> = report
        .exercises
        .iter()
        .map(|e| Suite::of(e, report))
        .collect();
    let mut counts = Counts::default();
    for suite in &suites {
        counts.add(&suite.counts);
    }
    let seconds: f64 = report
        .exercises
        .iter()
        .map(|exercise| exercise.seconds)
        .sum();
    let mut xml = Xml::new();
    let mut attributes = vec![("name", "wireside".to_string())];
    attributes.extend(counts.attributes(seconds));
    xml.open("testsuites", &attributes);
    for suite in &suites {
        suite.write(&mut xml, report, now);
    }
    xml.close("testsuites");
    xml.text
}

/// One exercise.
struct Suite<'a> {
    exercise: &'a ExerciseReport,
    cases: Vec<Case<'a>>,
    counts: Counts,
}

impl<'a> Suite<'a> {
    fn of(exercise: &'a ExerciseReport, report: &Report) -> Suite<'a> {
        let mut cases = Vec::new();
        if let Some(trouble) = &exercise.trouble {
            cases.push(Case {
                name: "the program builds and starts",
                seconds: 0.0,
                check: None,
                outcome: Outcome::Error {
                    kind: Verdict::NotBuilt.word(),
                    message: plain::line(trouble.lines().next().unwrap_or_default()),
                    body: plain::text(trouble),
                },
            });
        }
        cases.extend(exercise.checks.iter().map(|check| Case {
            name: check.name,
            seconds: check.took.as_secs_f64(),
            check: Some(check),
            outcome: outcome(check, exercise, report),
        }));
        let mut counts = Counts::default();
        for case in &cases {
            counts.tests += 1;
            match case.outcome {
                Outcome::Passed => {}
                Outcome::Failure { .. } => counts.failures += 1,
                Outcome::Error { .. } => counts.errors += 1,
                Outcome::Skipped { .. } => counts.skipped += 1,
            }
        }
        Suite {
            exercise,
            cases,
            counts,
        }
    }

    fn write(&self, xml: &mut Xml, report: &Report, now: SystemTime) {
        let exercise = self.exercise;
        let mut attributes = vec![("name", exercise.exercise.to_string())];
        attributes.extend(self.counts.attributes(exercise.seconds));
        attributes.push(("timestamp", timestamp(now)));
        xml.open("testsuite", &attributes);
        xml.properties(&[
            ("seed", report.seed.to_string()),
            ("verdict", exercise.verdict.word().to_string()),
            ("score", exercise.score().to_string()),
            ("max_score", exercise.max_score().to_string()),
        ]);
        for case in &self.cases {
            case.write(xml, exercise);
        }
        xml.close("testsuite");
    }
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
    }

    fn attributes(&self, seconds: f64) -> [(&'static str, String); 5] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("skipped", self.skipped.to_string()),
            ("time", format!("{seconds:.3}")),
        ]
    }
}

/// One check, or the building of the program.
struct Case<'a> {
    name: &'a str,
    seconds: f64,
    check: Option<&'a CheckReport>,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failure {
        kind: &'static str,
        message: String,
        body: String,
    },
    Error {
        kind: &'static str,
        message: String,
        body: String,
    },
    Skipped {
        message: String,
    },
}

fn outcome(check: &CheckReport, exercise: &ExerciseReport, report: &Report) -> Outcome {
    let body = plain::text(&human::message(check, exercise, report.seed));
    let reason = check.reason.as_deref().map(plain::line).unwrap_or_default();
    let kind = check.verdict.word();
    match check.verdict {
        Verdict::Passed => Outcome::Passed,
        Verdict::Failed => Outcome::Failure {
            kind: check
                .failure
                .as_ref()
                .map_or(kind, |failure| failure.symptom.word()),
            message: first_words(check),
            body,
        },
        Verdict::Inconclusive | Verdict::Error => Outcome::Error {
            kind,
            message: reason,
            body,
        },
        Verdict::Skipped => Outcome::Skipped { message: reason },
        Verdict::NotBuilt => Outcome::Skipped {
            message: "there is no program to grade".to_string(),
        },
    }
}

/// A failure in a line, for a list of failures.
fn first_words(check: &CheckReport) -> String {
    match (&check.cause, &check.failure) {
        (Some(cause), _) => plain::line(cause.likely),
        (None, Some(failure)) => {
            let when = plain::line(&failure.when);
            let comma = if when.is_empty() { "" } else { ", " };
            plain::cut(&format!("{}{comma}{when}", failure.symptom.word()), 200)
        }
        (None, None) => check.verdict.word().to_string(),
    }
}

impl Case<'_> {
    fn write(&self, xml: &mut Xml, exercise: &ExerciseReport) {
        xml.open(
            "testcase",
            &[
                ("name", plain::line(self.name)),
                ("classname", format!("wireside.{}", exercise.exercise)),
                ("time", format!("{:.3}", self.seconds)),
            ],
        );
        if let Some(check) = self.check {
            xml.properties(&[
                ("score", check.score().to_string()),
                ("max_score", check.max_score().to_string()),
                ("verdict", check.verdict.word().to_string()),
            ]);
        }
        match &self.outcome {
            Outcome::Passed => {}
            Outcome::Failure {
                kind,
                message,
                body,
            } => xml.found("failure", kind, message, body),
            Outcome::Error {
                kind,
                message,
                body,
            } => xml.found("error", kind, message, body),
            Outcome::Skipped { message } => {
                xml.element("skipped", &[("message", message.clone())], "");
            }
        }
        if let Some(check) = self.check.filter(|check| check.verdict != Verdict::Passed) {
            if !check.events.is_empty() {
                xml.element("system-out", &[], &conversation(check));
            }
            if !check.stderr.is_empty() {
                xml.element("system-err", &[], &plain::text(&check.stderr.join("\n")));
            }
        }
        xml.close("testcase");
    }
}

/// What was said, an event a line, the last ones of many.
fn conversation(check: &CheckReport) -> String {
    let from = check.events.len().saturating_sub(MOST_EVENTS);
    let mut lines = Vec::new();
    if from > 0 {
        lines.push(format!("({from} earlier events are left out)"));
    }
    lines.extend(check.events[from..].iter().map(event));
    if check.events_left_out > 0 {
        lines.push(format!(
            "({} events of its middle were not kept)",
            check.events_left_out
        ));
    }
    plain::text(&lines.join("\n"))
}

fn event(event: &Event) -> String {
    let mut line = format!(
        "+{:.6} {} {}",
        event.at.as_secs_f64(),
        event.who,
        event.what.word()
    );
    if event.length > 0 {
        let kept = bytes::brief(&event.bytes, 60);
        let more = event.length > event.bytes.len() && event.bytes.len() <= 60;
        let more = if more { " …" } else { "" };
        line.push_str(&format!(" {} bytes: {kept}{more}", event.length));
    }
    if !event.note.is_empty() {
        line.push_str(&format!(" ({})", event.note));
    }
    line
}

/// A document that is being written: indented, and escaped in one place.
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn new() -> Xml {
        Xml {
            text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_string(),
            depth: 0,
        }
    }

    fn indent(&mut self) {
        self.text.push_str(&"  ".repeat(self.depth));
    }

    fn start(&mut self, name: &str, attributes: &[(&str, String)]) {
        self.indent();
        self.text.push_str(&format!("<{name}"));
        for (key, value) in attributes {
            self.text
                .push_str(&format!(" {key}=\"{}\"", escaped(value)));
        }
    }

    fn open(&mut self, name: &str, attributes: &[(&str, String)]) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// An element that holds nothing but text, which stands there as it is.
    fn element(&mut self, name: &str, attributes: &[(&str, String)], text: &str) {
        self.start(name, attributes);
        if text.is_empty() {
            self.text.push_str("/>\n");
        } else {
            self.text
                .push_str(&format!(">{}</{name}>\n", escaped(text)));
        }
    }

    fn found(&mut self, name: &str, kind: &str, message: &str, body: &str) {
        let attributes = [("message", message.to_string()), ("type", kind.to_string())];
        self.element(name, &attributes, body);
    }

    fn properties(&mut self, properties: &[(&str, String)]) {
        self.open("properties", &[]);
        for (name, value) in properties {
            self.element(
                "property",
                &[("name", name.to_string()), ("value", value.clone())],
                "",
            );
        }
        self.close("properties");
    }
}

/// Text as XML 1.0 takes it, in an attribute and between tags. What XML has no way to say at all
/// (section 2.2) is written as Rust would.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Not only for symmetry: `]]>` may not stand in a text.
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push(c),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            '\u{fffe}' | '\u{ffff}' => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// ISO 8601, UTC, as JUnit writes it: without fraction and without zone.
fn timestamp(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (mut days, time) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}",
        days + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_is_written_as_its_date() {
        let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59");
        assert_eq!(at(951_868_800), "2000-03-01T00:00:00");
        assert_eq!(at(1_735_689_599), "2024-12-31T23:59:59");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00");
    }

    #[test]
    fn what_xml_cannot_say_is_escaped() {
        assert_eq!(
            escaped("<a b=\"c\">&]]>"),
            "&lt;a b=&quot;c&quot;&gt;&amp;]]&gt;"
        );
        assert_eq!(escaped("\u{0}\u{1b}\u{fffe}\n"), "\\x00\\x1b\\u{fffe}\n");
    }
}
