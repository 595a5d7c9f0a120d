//! The report that a person reads: what was observed, and apart from it what may be behind it.

use crate::grader::bytes;
use crate::grader::failure::{Failure, Side, Symptom, Write};
use crate::grader::seed::Seed;
use crate::grader::transcript::{Event, What};
use crate::grader::verdict::{CheckReport, ExerciseReport, Verdict};

/// Whether to colour. The words say everything without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub colour: bool,
}

/// Where a row's text begins, and where it is wrapped.
const INDENT: usize = 12;
const WIDTH: usize = 80;

/// Bytes of one side that are shown on a line, as text and as hex.
const MOST_TEXT: usize = 44;
const MOST_HEX: usize = 16;

impl Style {
    fn paint(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Passed => "32",
            Verdict::Failed | Verdict::NotBuilt => "31",
            Verdict::Inconclusive | Verdict::Error => "33",
            Verdict::Skipped => "36",
        };
        if self.colour {
            format!("\x1b[1;{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✓",
        Verdict::Failed | Verdict::NotBuilt => "✗",
        Verdict::Inconclusive => "?",
        Verdict::Error => "!",
        Verdict::Skipped => "–",
    }
}

/// One exercise, whole: a line for each check, and the failure message below those that failed.
/// Of several checks that failed in the same way, or also without their fault, only the first says
/// how: the machine's reports have all of it.
pub fn exercise(report: &ExerciseReport, seed: Seed, style: Style) -> String {
    let mut out = format!(
        "{}  {}  {}/{}\n",
        report.exercise,
        style.paint(report.verdict, report.verdict.word()),
        report.score(),
        report.max_score()
    );
    if let Some(trouble) = &report.trouble {
        out.push('\n');
        out.push_str(trouble.trim_end());
        out.push('\n');
        return out;
    }
    let reason = report
        .checks
        .first()
        .and_then(|check| check.reason.as_ref());
    let same = |check: &CheckReport| check.reason.as_ref() == reason;
    if report.verdict == Verdict::Skipped && report.checks.iter().all(same) {
        // What holds for all of them is said once.
        row(&mut out, "skipped", reason.map_or("", String::as_str));
        return out;
    }
    let mut told: Vec<&CheckReport> = Vec::new();
    for check in &report.checks {
        out.push_str(&format!(
            "{} {}   {}/{}\n",
            style.paint(check.verdict, sign(check.verdict)),
            check.name,
            check.score(),
            check.max_score()
        ));
        if check.verdict == Verdict::Passed {
            continue;
        }
        if let Some(other) = told.iter().find(|other| same_failure(other, check)) {
            row(&mut out, "as above", &format!("like “{}”", other.name));
        } else if let (Some((name, Verdict::Failed)), false) = (check.control, told.is_empty()) {
            // Whatever is wrong here shows without the fault too: it would only be told twice.
            row(
                &mut out,
                "control",
                &format!("{name}: failed too. Begin with the first ✗"),
            );
        } else {
            out.push_str(&message(check, report, seed));
            told.push(check);
        }
    }
    out
}

fn same_failure(a: &CheckReport, b: &CheckReport) -> bool {
    match (&a.failure, &b.failure) {
        (Some(x), Some(y)) => {
            x.symptom == y.symptom
                && matches!(x.symptom, Symptom::NotReady | Symptom::Exit)
                && x.expected == y.expected
                && x.got == y.got
        }
        _ => a.verdict == b.verdict && a.reason.is_some() && a.reason == b.reason,
    }
}

/// What a check that didn't pass has to say, without colour; empty for one that passed.
pub fn message(check: &CheckReport, exercise: &ExerciseReport, seed: Seed) -> String {
    let mut out = String::new();
    if let Some(reason) = &check.reason {
        row(&mut out, check.verdict.word(), reason);
    }
    let Some(failure) = &check.failure else {
        return out;
    };
    row(&mut out, "why", check.why);
    observed(&mut out, failure);
    if let Some((name, verdict)) = check.control {
        let came = match verdict {
            Verdict::Passed => "passed",
            _ => "failed too: begin there",
        };
        row(&mut out, "control", &format!("{name}: {came}"));
    }
    if let Some(cause) = check.cause {
        row(&mut out, "likely", cause.likely);
        row(&mut out, "try", cause.advice);
    }
    let steps = timeline(&check.events);
    if !steps.is_empty() {
        pieces(&mut out, "timeline", &steps, "   ");
    }
    for (i, line) in check.stderr.iter().enumerate() {
        let label = if i == 0 { "its stderr" } else { "" };
        out.push_str(&format!("  {label:<10}│ {line}\n"));
    }
    let again = format!(
        "cargo course grade {}{} --only \"{}\" --seed {seed}",
        exercise.exercise, exercise.how, check.name
    );
    // Not wrapped: it is there to be copied.
    out.push_str(&format!("  {:<10}{again}\n", "again"));
    out
}

/// The rows `sent`, `expected` and `got`, and a caret below the first byte that differs.
fn observed(out: &mut String, failure: &Failure) {
    if !failure.sent.is_empty() {
        let shown = |w: &Write| bytes::brief_of(&w.bytes, w.length, MOST_HEX);
        let writes: Vec<String> = failure.sent.iter().map(shown).collect();
        let shown = writes[..writes.len().min(6)].join(" | ");
        let more = if writes.len() > 6 { " | …" } else { "" };
        let count = match writes.len() {
            1 => String::new(),
            n => format!("   in {n} writes"),
        };
        row(out, "sent", &format!("{shown}{more}{count}"));
    }
    let (Side::Bytes(expected), Side::Bytes(got)) = (&failure.expected, &failure.got) else {
        row(out, "expected", &side(&failure.expected));
        row(out, "got", &with_when(side(&failure.got), failure));
        return;
    };
    let at = failure.first_difference().unwrap_or(0);
    let window = Window::around(at, expected, got);
    let (expected_shown, _) = window.of(expected);
    let (got_shown, caret) = window.of(got);
    row(out, "expected", &expected_shown);
    if failure.first_difference().is_some() && at < got.len() {
        // One line, or the caret would stand below something else.
        out.push_str(&format!("  {:<10}{got_shown}\n", "got"));
        let mark = if window.text { "^" } else { "^^" };
        out.push_str(&format!(
            "  {:<10}{}{mark} byte {at}\n",
            "",
            " ".repeat(caret)
        ));
        if !failure.when.is_empty() {
            row(out, "", &failure.when);
        }
        return;
    }
    let got_shown = if got.is_empty() {
        "nothing".to_string()
    } else {
        got_shown
    };
    row(out, "got", &with_when(got_shown, failure));
    if at > 0 && at == got.len() {
        row(
            out,
            "",
            &format!("the first {at} of {} bytes were right", expected.len()),
        );
    }
}

fn side(side: &Side) -> String {
    match side {
        Side::Words(words) => words.clone(),
        Side::Bytes(bytes) if bytes.is_empty() => "nothing".to_string(),
        Side::Bytes(bytes) => bytes::brief(bytes, MOST_TEXT),
    }
}

fn with_when(got: String, failure: &Failure) -> String {
    if failure.when.is_empty() {
        got
    } else {
        format!("{got}   {}", failure.when)
    }
}

/// The part of two byte strings that is shown, so that both begin at the same byte.
struct Window {
    from: usize,
    at: usize,
    text: bool,
}

impl Window {
    fn around(at: usize, expected: &[u8], got: &[u8]) -> Window {
        let is_text = |from: usize| {
            [expected, got].iter().all(|side| {
                bytes::is_text(&side[from.min(side.len())..side.len().min(from + MOST_TEXT)])
            })
        };
        // What fits is shown whole.
        if at < MOST_TEXT && is_text(0) {
            return Window {
                from: 0,
                at,
                text: true,
            };
        }
        let from = if at < MOST_HEX { 0 } else { at - 8 };
        Window {
            from,
            at,
            text: is_text(from),
        }
    }

    /// The part of one side, and the column of the first difference in it.
    fn of(&self, side: &[u8]) -> (String, usize) {
        let most = if self.text { MOST_TEXT } else { MOST_HEX };
        let from = self.from.min(side.len());
        let part = &side[from..side.len().min(from + most)];
        let before = &part[..self.at.saturating_sub(from).min(part.len())];
        let mut shown = if from > 0 {
            "… ".to_string()
        } else {
            String::new()
        };
        let start = shown.chars().count();
        let caret = if self.text {
            shown.push_str(&bytes::quoted(&String::from_utf8_lossy(part)));
            // Without the closing quote.
            start
                + bytes::quoted(&String::from_utf8_lossy(before))
                    .chars()
                    .count()
                - 1
        } else {
            shown.push_str(&bytes::hex(part));
            start + before.len() * 3
        };
        if from + part.len() < side.len() {
            shown.push_str(&format!(" … ({} bytes)", side.len()));
        }
        (shown, caret)
    }
}

/// The last steps before the failure, the earliest of them first.
fn timeline(events: &[Event]) -> Vec<String> {
    let end = events
        .iter()
        .position(|e| e.what == What::Fails)
        .map_or(events.len(), |i| i + 1);
    let mut steps: Vec<String> = events[..end].iter().filter_map(step).collect();
    if steps.len() > 8 {
        steps.drain(..steps.len() - 8);
        steps.insert(0, "…".to_string());
    }
    steps
}

fn step(event: &Event) -> Option<String> {
    let n = event.length;
    let what = match event.what {
        What::Starts => return None,
        What::Listens if event.who == "program" => "listens".to_string(),
        What::Listens => return None,
        What::Connects => format!("{} connects", event.who),
        What::Accepts => "the program connects".to_string(),
        What::Says if !event.note.is_empty() => format!("→ {}", event.note),
        What::Hears if !event.note.is_empty() => format!("← {}", event.note),
        What::Says => format!("→ {n} byte{}", plural(n)),
        What::AllRead => "all read".to_string(),
        What::Hears => format!("← {n} byte{}", plural(n)),
        What::HalfCloses => format!("→ {}", event.farewell()),
        What::HangsUp => "→ close".to_string(),
        What::Resets => "→ RST".to_string(),
        What::HearsEnd => format!("← {}", event.farewell()),
        What::HearsReset => "← RST".to_string(),
        What::Refused => "refused".to_string(),
        What::Waits | What::Notes | What::Lost | What::Twice | What::Held | What::Arrives => {
            event.note.clone()
        }
        What::Exits => format!("the program ends: {}", event.note),
        What::Fails => "✗".to_string(),
    };
    Some(format!("+{:.3} {what}", event.at.as_secs_f64()))
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// A labelled row, wrapped between words and indented.
fn row(out: &mut String, label: &str, text: &str) {
    let words: Vec<String> = text.split(' ').map(String::from).collect();
    pieces(out, label, &words, " ");
}

/// A labelled row of pieces that are not broken, with this between them.
fn pieces(out: &mut String, label: &str, pieces: &[String], between: &str) {
    let mut line = format!("  {label:<width$}", width = INDENT - 2);
    if label.len() > INDENT - 3 {
        line.push_str("  ");
    }
    for (i, piece) in pieces.iter().enumerate() {
        let fits = line.chars().count() + between.len() + piece.chars().count() <= WIDTH;
        if i > 0 && fits {
            line.push_str(between);
        } else if i > 0 {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(INDENT);
        }
        line.push_str(piece);
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grader::transcript::Transcript;

    fn shown(expected: &[u8], got: &[u8]) -> String {
        let mut out = String::new();
        observed(&mut out, &Failure::new(Symptom::Different, expected, got));
        out
    }

    #[test]
    fn the_caret_stands_below_the_first_byte_that_differs() {
        let out = shown(&[0, 0, 0, 5, 9], &[0, 0, 0, 2, 9]);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[1], "  got       00 00 00 02 09");
        assert_eq!(lines[2], "                     ^^ byte 3");
        let out = shown(b"one\r\ntwo", b"one\ntwo");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[1], r#"  got       "one\ntwo""#);
        assert_eq!(lines[2], "                ^ byte 3");
    }

    #[test]
    fn a_long_one_is_cut_around_the_difference() {
        let (mut a, mut b) = (vec![b'x'; 9000], vec![b'x'; 9000]);
        a[5000] = b'a';
        b[5000] = b'b';
        let out = shown(&a, &b);
        assert!(out.contains("… \"xxxxxxxxb"), "{out}");
        assert!(
            out.lines().all(|line| line.chars().count() <= WIDTH),
            "{out}"
        );
        assert_eq!(
            out.lines().nth(2),
            Some("                       ^ byte 5000"),
            "{out}"
        );
    }

    #[test]
    fn silence_says_how_far_it_had_got() {
        let mut out = String::new();
        let failure = Failure::new(Symptom::Silence, &b"hello"[..], &b"he"[..]);
        observed(&mut out, &failure.when("then silence for 10 s"));
        assert!(out.contains("\"he\"   then silence for 10 s"), "{out}");
        assert!(out.contains("the first 2 of 5 bytes were right"), "{out}");
    }

    #[test]
    fn a_timeline_tells_a_fin_from_a_close_notify_and_an_alert_from_a_reset() {
        let transcript = Transcript::new();
        transcript.write("alice", "", What::HalfCloses, "");
        transcript.write("alice", "", What::HearsEnd, "");
        transcript.write("bob", "", What::HalfCloses, "close_notify");
        transcript.write("bob", "", What::HearsEnd, "close_notify");
        transcript.write("carol", "", What::Notes, "← alert 42 (bad certificate)");
        transcript.write("trudy", "", What::HearsReset, "");
        let steps = timeline(&transcript.events().0).join(" ");
        let drawn: Vec<&str> = steps
            .split(" +")
            .filter_map(|step| Some(step.split_once(' ')?.1))
            .collect();
        let due = [
            "→ FIN",
            "← FIN",
            "→ close_notify",
            "← close_notify",
            "← alert 42 (bad certificate)",
            "← RST",
        ];
        assert_eq!(drawn, due);
    }

    #[test]
    fn a_row_is_wrapped_between_words() {
        let mut out = String::new();
        row(&mut out, "likely", &"word ".repeat(40));
        assert!(out.lines().count() > 2);
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH));
    }
}
