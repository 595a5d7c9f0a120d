//! The table on a terminal: a line for each submission.

use super::row::{Row, Verdict};

const WIDTH: usize = 80;

/// The table, no wider than 80 columns, and what it comes to.
pub fn show(rows: &[Row]) -> String {
    let submissions: Vec<&[Row]> = rows.chunk_by(|a, b| a.submission == b.submission).collect();
    let longest = submissions
        .iter()
        .map(|rows| rows[0].submission.chars().count())
        .max();
    let name = longest.unwrap_or(0).clamp("submission".len(), 32);
    let mut out = format!(
        "{:<name$}  {:>9}  {:<13}  {:>7}\n",
        "submission", "score", "verdict", "seconds"
    );
    for rows in &submissions {
        let score: u32 = rows.iter().map(|row| row.score).sum();
        let most: u32 = rows.iter().map(|row| row.max_score).sum();
        let seconds: f64 = rows.iter().map(|row| row.seconds).sum();
        let line = format!(
            "{:<name$}  {:>9}  {:<13}  {seconds:>7.1}  {}",
            cut(&rows[0].submission, name),
            format!("{score}/{most}"),
            Verdict::of(rows).word(),
            remark(rows),
        );
        out.push_str(cut(&line, WIDTH).trim_end());
        out.push('\n');
    }
    out.push_str(&format!("\n{}\n", sum(&submissions)));
    out
}

/// What there is to say in a few words.
fn remark(rows: &[Row]) -> String {
    if let [row] = rows {
        return row.note.clone();
    }
    let passed = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Passed)
        .count();
    format!("{passed} of {} exercises", rows.len())
}

/// How many there are, and how many nobody can say anything of.
fn sum(submissions: &[&[Row]]) -> String {
    let unjudged = |rows: &&&[Row]| rows.iter().any(|row| row.verdict.is_no_judgement());
    let count = submissions.len();
    let (s, were) = if count == 1 {
        ("", "was")
    } else {
        ("s", "were")
    };
    match submissions.iter().filter(unjudged).count() {
        0 => format!("{count} submission{s}, and all {were} judged."),
        n => format!(
            "{count} submission{s}, of which {n} could not be judged: look at the notes (--out),\n\
             then grade those again, on a machine with less to do."
        ),
    }
}

/// At most so many characters; `…` says that there were more.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(submission: &str, verdict: Verdict, note: &str) -> Row {
        let mut row = Row::without_exercise(submission, verdict, note);
        (row.score, row.max_score, row.seconds) = (9_999, 9_999, 12_345.6);
        row
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let long = "n".repeat(300);
        let shown = show(&[
            row(&long, Verdict::NotAttempted, &long),
            row("é漢", Verdict::Error, "short"),
        ]);
        assert!(
            shown.lines().all(|line| line.chars().count() <= WIDTH),
            "{shown}"
        );
        assert!(shown.contains("of which 1 could not be judged"), "{shown}");
    }

    #[test]
    fn a_submission_has_one_line_and_its_worst_verdict() {
        let rows = [
            row("a", Verdict::Passed, ""),
            row("a", Verdict::Failed, ""),
            row("b", Verdict::Passed, ""),
        ];
        let shown = show(&rows);
        assert_eq!(shown.lines().count(), 5, "{shown}");
        assert!(
            shown.contains("failed") && shown.contains("1 of 2 exercises"),
            "{shown}"
        );
        assert!(
            shown.contains("2 submissions, and all were judged."),
            "{shown}"
        );
    }
}
