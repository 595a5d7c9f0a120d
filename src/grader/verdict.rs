//! What grading comes to: the one report from which every output is made.

use super::check::Cause;
use super::failure::Failure;
use super::seed::Seed;
use super::transcript::Event;
use std::time::Duration;

/// What was found of a check or an exercise. Never mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// The submission is wrong.
    Failed,
    /// The machine was too busy to tell, also when it was tried again.
    Inconclusive,
    /// The grader itself could not go on.
    Error,
    /// Not possible here, or not with a running program; not in `max_score`.
    Skipped,
    /// There is no program to grade.
    NotBuilt,
}

impl Verdict {
    /// Its word in the JSON report.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Error => "error",
            Verdict::Skipped => "skipped",
            Verdict::NotBuilt => "not-built",
        }
    }

    /// The exit status of `grade` that says it.
    pub fn exit_status(self) -> u8 {
        match self {
            Verdict::Passed | Verdict::Skipped => 0,
            Verdict::Failed => 1,
            Verdict::NotBuilt => 3,
            Verdict::Inconclusive | Verdict::Error => 4,
        }
    }
}

/// Everything that was graded in one go.
#[derive(Clone, Debug)]
pub struct Report {
    pub seed: Seed,
    pub exercises: Vec<ExerciseReport>,
}

/// One exercise.
#[derive(Clone, Debug)]
pub struct ExerciseReport {
    pub exercise: &'static str,
    pub chapter: u8,
    /// The options with which the submission was met, for the command that repeats a check:
    /// ` --cmd 'python3 server.py'`, or nothing.
    pub how: String,
    pub verdict: Verdict,
    /// Why there is nothing to grade: the compiler's words, or the system's.
    pub trouble: Option<String>,
    pub seconds: f64,
    pub checks: Vec<CheckReport>,
}

/// One check.
#[derive(Clone, Debug)]
pub struct CheckReport {
    pub name: &'static str,
    pub why: &'static str,
    pub points: u32,
    pub verdict: Verdict,
    pub took: Duration,
    pub failure: Option<Failure>,
    /// The control that was run after a failure, and what came of it.
    pub control: Option<(&'static str, Verdict)>,
    /// Named only when the control passed.
    pub cause: Option<Cause>,
    /// Why it is inconclusive, skipped or the grader's error.
    pub reason: Option<String>,
    pub events: Vec<Event>,
    /// Events of its middle that the transcript had no room for.
    pub events_left_out: usize,
    /// The last lines that the program wrote to stderr.
    pub stderr: Vec<String>,
}

impl CheckReport {
    pub fn score(&self) -> u32 {
        if self.verdict == Verdict::Passed {
            self.points
        } else {
            0
        }
    }

    /// Skipped checks can't be earned, so they don't count.
    pub fn max_score(&self) -> u32 {
        if self.verdict == Verdict::Skipped {
            0
        } else {
            self.points
        }
    }
}

impl ExerciseReport {
    pub fn score(&self) -> u32 {
        self.checks.iter().map(CheckReport::score).sum()
    }

    pub fn max_score(&self) -> u32 {
        self.checks.iter().map(CheckReport::max_score).sum()
    }
}

impl Report {
    pub fn score(&self) -> u32 {
        self.exercises.iter().map(ExerciseReport::score).sum()
    }

    pub fn max_score(&self) -> u32 {
        self.exercises.iter().map(ExerciseReport::max_score).sum()
    }

    /// Of several exercises, the highest.
    pub fn exit_status(&self) -> u8 {
        self.exercises
            .iter()
            .map(|e| e.verdict.exit_status())
            .max()
            .unwrap_or(0)
    }
}

/// What the verdicts of an exercise's checks come to. One violation seen is a failure, whatever
/// could not be told of the others; only what was seen to pass has passed.
pub fn of_checks(checks: &[CheckReport]) -> Verdict {
    let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
    for verdict in [
        Verdict::NotBuilt,
        Verdict::Failed,
        Verdict::Error,
        Verdict::Inconclusive,
        Verdict::Passed,
    ] {
        if any(verdict) {
            return verdict;
        }
    }
    Verdict::Skipped
}
