//! Where the report goes, as it grows: stdout, a file, the progress; and what to do next.

use super::options::Options;
use super::{Format, after};
use crate::course::files;
use crate::course::house::House;
use crate::course::out::{self, Ink, ink};
use crate::course::progress::Progress;
use crate::grader::report::human;
use crate::grader::seed::Seed;
use crate::grader::session::Job;
use crate::grader::verdict::{CheckReport, ExerciseReport, Report, Verdict};
use std::sync::{Mutex, PoisonError};

/// Where the report goes, as it grows.
pub(super) struct Delivery<'a> {
    house: &'a House,
    options: &'a Options,
    jobs: &'a [Job],
    state: Mutex<Delivered>,
}

#[derive(Default)]
struct Delivered {
    /// So many exercises are on stdout, in order.
    shown: usize,
    /// So many checks are in the file: an older report must not replace a newer one.
    written: usize,
    /// Why the file could not be written.
    trouble: Option<String>,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(house: &'a House, options: &'a Options, jobs: &'a [Job]) -> Delivery<'a> {
        Delivery {
            house,
            options,
            jobs,
            state: Mutex::default(),
        }
    }

    /// Takes the report as it is now; it may be called by several threads.
    pub(super) fn take(&self, report: &Report, last: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done: usize = report
            .exercises
            .iter()
            .map(|exercise| exercise.checks.len())
            .sum();
        if let Some(out) = &self.options.out {
            // What can't be replaced as a whole is written once.
            let now = last || (done > state.written && !files::is_device(out));
            if now && state.trouble.is_none() {
                let rendered = self.options.format.render(report);
                match files::write_whole(out, rendered.as_bytes()) {
                    Ok(()) => state.written = done,
                    Err(err) => {
                        state.trouble = Some(format!("cannot write {}: {err}", out.display()));
                    }
                }
            }
        }
        while let Some(exercise) = report.exercises.get(state.shown) {
            let job = &self.jobs[state.shown];
            if !last && job.launch.is_ok() && exercise.checks.len() < job.checks.len() {
                break;
            }
            self.complete(exercise, report.seed);
            state.shown += 1;
        }
        if !last {
            let all: usize = self.jobs.iter().map(|job| job.checks.len()).sum();
            if done < all {
                out::status(&format!("grading: {done} of {all} checks"));
            }
        }
    }

    /// An exercise of which all is known.
    fn complete(&self, exercise: &ExerciseReport, seed: Seed) {
        if self.is_human() {
            if exercise.exercise != self.jobs[0].exercise.name {
                out::say("");
            }
            let style = human::Style {
                colour: out::has_colour(),
            };
            out::show(&human::exercise(exercise, seed, style));
        }
        if self.is_full() && exercise.verdict == Verdict::Passed {
            Progress::change(self.house, |progress| {
                progress.note_passed(exercise.exercise)
            });
        }
    }

    /// The human report is on stdout: it is asked for, or the other one goes into a file.
    fn is_human(&self) -> bool {
        self.options.format == Format::Human || self.options.out.is_some()
    }

    /// The clone's own files were graded by all of their checks.
    fn is_full(&self) -> bool {
        let options = self.options;
        options.only.is_none() && !options.is_given()
    }

    /// What stands below the reports; the exit status.
    pub(super) fn finish(&self, report: &Report) -> u8 {
        if !self.is_human() {
            out::show(&self.options.format.render(report));
        } else if !self.options.watched {
            if let Some(next) = self.next(report) {
                out::say(format!("\n{next}"));
            }
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.trouble {
            Some(trouble) => {
                out::warn(trouble);
                // The verdict may be known, but whoever reads the file doesn't get it.
                4
            }
            None => report.exit_status(),
        }
    }

    /// What to do now, in a line.
    fn next(&self, report: &Report) -> Option<String> {
        let options = self.options;
        if options.is_given() {
            return None;
        }
        if let [exercise] = &report.exercises[..] {
            let name = exercise.exercise;
            return match exercise.verdict {
                Verdict::Passed if !self.is_full() => {
                    Some(format!("All of its checks: cargo course grade {name}"))
                }
                Verdict::Passed => Some(after(self.house)),
                Verdict::Failed => Some(begin_with_the_first(exercise)),
                _ => None,
            };
        }
        let passed = |e: &&ExerciseReport| e.verdict == Verdict::Passed;
        let count = report.exercises.iter().filter(passed).count();
        let mut line = format!("{count} of {} exercises passed.", report.exercises.len());
        if let Some(first) = report.exercises.iter().find(|e| !passed(e)) {
            line.push_str(&format!(
                " The first that did not: {}",
                ink(first.exercise, Ink::Bold)
            ));
        }
        Some(line)
    }
}

/// Where many checks fail, most of them do for the same mistake, and the first is the plainest.
fn begin_with_the_first(exercise: &ExerciseReport) -> String {
    let name = exercise.exercise;
    let hint = format!("A hint: cargo course hint {name}");
    let failed = |check: &&CheckReport| check.verdict == Verdict::Failed;
    let count = exercise.checks.iter().filter(failed).count();
    match exercise.checks.iter().find(failed) {
        Some(first) if count > 2 => format!(
            "{count} of {} checks failed. Begin with the first of them:\n\
             cargo course grade {name} --only \"{}\"\n{hint}",
            exercise.checks.len(),
            first.name
        ),
        _ => hint,
    }
}
