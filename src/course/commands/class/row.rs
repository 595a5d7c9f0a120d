//! A row of the table: what came of one exercise of one submission.

use crate::chapters::Exercise;
use crate::grader::verdict as grader;

/// What was found of it: what the grader finds, and what is found without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    NotBuilt,
    Skipped,
    Inconclusive,
    Error,
    /// The submission's time was over before all was graded.
    TimeLimit,
    /// It was asked for, and there is no file for it.
    Missing,
    /// Its file is as shipped.
    NotAttempted,
    /// There is no exercise at all in the folder.
    Empty,
    /// It is there, and can't be read or must not be.
    Unreadable,
}

impl Verdict {
    const ALL: [Verdict; 11] = [
        // The first that a submission has is the one that is shown for all of it.
        Verdict::Error,
        Verdict::Inconclusive,
        Verdict::Unreadable,
        Verdict::TimeLimit,
        Verdict::NotBuilt,
        Verdict::Failed,
        Verdict::Missing,
        Verdict::NotAttempted,
        Verdict::Empty,
        Verdict::Passed,
        Verdict::Skipped,
    ];

    /// Its word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => grader::Verdict::Passed.word(),
            Verdict::Failed => grader::Verdict::Failed.word(),
            Verdict::NotBuilt => grader::Verdict::NotBuilt.word(),
            Verdict::Skipped => grader::Verdict::Skipped.word(),
            Verdict::Inconclusive => grader::Verdict::Inconclusive.word(),
            Verdict::Error => grader::Verdict::Error.word(),
            Verdict::TimeLimit => "time-limit",
            Verdict::Missing => "missing",
            Verdict::NotAttempted => "not-attempted",
            Verdict::Empty => "empty",
            Verdict::Unreadable => "unreadable",
        }
    }

    pub fn from_word(word: &str) -> Option<Verdict> {
        Verdict::ALL
            .into_iter()
            .find(|verdict| verdict.word() == word)
    }

    /// Somebody has to look, or grade it again: it says nothing of the submission.
    pub fn is_no_judgement(self) -> bool {
        matches!(
            self,
            Verdict::Error | Verdict::Inconclusive | Verdict::Unreadable
        )
    }

    /// The one of these that is shown for all of them.
    pub fn of(rows: &[Row]) -> Verdict {
        let has = |verdict: &Verdict| rows.iter().any(|row| row.verdict == *verdict);
        Verdict::ALL.into_iter().find(has).unwrap_or(Verdict::Empty)
    }
}

/// One exercise of one submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub submission: String,
    /// Empty where the submission has none at all.
    pub exercise: String,
    pub verdict: Verdict,
    pub score: u32,
    pub max_score: u32,
    /// Its grading, and its share of the build.
    pub seconds: f64,
    /// Why, on one line.
    pub note: String,
}

impl Row {
    /// One that was not graded: no points of those that there are.
    pub fn ungraded(
        submission: &str,
        exercise: &Exercise,
        verdict: Verdict,
        note: impl Into<String>,
    ) -> Row {
        Row {
            submission: submission.to_string(),
            exercise: exercise.name.to_string(),
            verdict,
            score: 0,
            max_score: exercise.checks.iter().map(|check| check.points).sum(),
            seconds: 0.0,
            note: note.into(),
        }
    }

    /// A submission without a single exercise.
    pub fn without_exercise(submission: &str, verdict: Verdict, note: impl Into<String>) -> Row {
        Row {
            submission: submission.to_string(),
            exercise: String::new(),
            verdict,
            score: 0,
            max_score: 0,
            seconds: 0.0,
            note: note.into(),
        }
    }
}

/// Whether a character is what it looks like: a letter, a digit, a sign; nothing without width,
/// nothing that turns the line's direction.
pub fn is_plain(c: char) -> bool {
    // Some systems write an accent as a character of its own.
    let accent = ('\u{300}'..='\u{36f}').contains(&c);
    let sign = c == ' ' || c.is_ascii_graphic() || "…“”‘’·–—→←×≤≥★✓✗".contains(c);
    sign || accent || c.is_alphanumeric()
}

/// A text as a note: one line, harmless, not long.
pub fn note(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = words
        .join(" ")
        .chars()
        .map(|c| if is_plain(c) { c } else { '?' })
        .collect::<String>();
    if plain.chars().count() <= NOTE_MOST {
        return plain;
    }
    plain.chars().take(NOTE_MOST).chain(['…']).collect()
}

/// Characters of a note.
const NOTE_MOST: usize = 200;
