//! A grading session: which checks run beside which, which are run again, what each came to.

use super::check::{Cause, Check, Stop, Told};
use super::failure::Symptom;
use super::launch::Launch;
use super::platform;
use super::seed::Seed;
use super::stage::Stage;
use super::verdict::{self, CheckReport, ExerciseReport, Report, Verdict};
use super::watchdog;
use crate::chapters::{Chapter, Exercise};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a check is run when the machine was too busy to tell, or a port was taken.
const TRIES: u32 = 4;

/// One exercise to be graded, and with what.
pub struct Job {
    pub chapter: &'static Chapter,
    pub exercise: &'static Exercise,
    /// The submission, or why there is none: the compiler's words, or the system's.
    pub launch: Result<Launch, String>,
    /// Why it can't be graded on this machine at all, which is no fault of the submission; there is
    /// no launch then.
    pub skip: Option<String>,
    /// The options of `grade` that lead to this launch: ` --connect 127.0.0.1:7000`, or nothing.
    pub how: String,
    /// Only these of its checks.
    pub checks: Vec<&'static Check>,
}

/// Grades them all. `progress` is called after each check with the report as it is then: whole,
/// but for the checks that have not been run.
pub fn grade(jobs: &[Job], seed: Seed, progress: &(dyn Fn(&Report) + Sync)) -> Report {
    watchdog::start();
    platform::adopt_orphans();
    let desk = Desk {
        jobs,
        seed,
        found: Mutex::new(
            jobs.iter()
                .map(|job| vec![None; job.checks.len()])
                .collect(),
        ),
        progress,
    };
    let mut together = Vec::new();
    let mut alone = Vec::new();
    for (j, job) in jobs
        .iter()
        .enumerate()
        .filter(|(_, job)| job.launch.is_ok())
    {
        for (c, check) in job.checks.iter().enumerate() {
            if check.alone {
                alone.push((j, c))
            } else {
                together.push((j, c))
            }
        }
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..width().min(together.len()) {
            scope.spawn(|| {
                while let Some((j, c)) = together.get(next.fetch_add(1, Ordering::Relaxed)) {
                    desk.judge(*j, *c);
                }
            });
        }
    });
    for (j, c) in alone {
        desk.judge(j, c);
    }
    desk.report()
}

/// Checks that run side by side: mostly they wait, but a flood of bytes does not.
pub fn width() -> usize {
    thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(1, 4)
        * 4
}

/// Where the results are gathered.
struct Desk<'a> {
    jobs: &'a [Job],
    seed: Seed,
    found: Mutex<Vec<Vec<Option<CheckReport>>>>,
    progress: &'a (dyn Fn(&Report) + Sync),
}

impl Desk<'_> {
    fn found(&self) -> MutexGuard<'_, Vec<Vec<Option<CheckReport>>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, j: usize, c: usize) {
        let job = &self.jobs[j];
        let Ok(launch) = &job.launch else { return };
        let report = judge(job.exercise, job.checks[c], launch, self.seed);
        self.found()[j][c] = Some(report);
        (self.progress)(&self.report());
    }

    fn report(&self) -> Report {
        let found = self.found();
        let exercises = self.jobs.iter().zip(found.iter()).map(|(job, found)| {
            let skipped = |check: &&'static Check| CheckReport {
                reason: job.skip.clone(),
                ..unjudged(check, Verdict::Skipped)
            };
            let checks: Vec<CheckReport> = match job.launch {
                Ok(_) => found.iter().flatten().cloned().collect(),
                Err(_) if job.skip.is_some() => job.checks.iter().map(skipped).collect(),
                // Left out, they would make it 0 of 0 points, which is no grade at all.
                Err(_) => job
                    .checks
                    .iter()
                    .map(|c| unjudged(c, Verdict::NotBuilt))
                    .collect(),
            };
            let failed = job.launch.as_ref().err().filter(|_| job.skip.is_none());
            let trouble = failed.cloned();
            let could_not_start = checks.iter().find(|c| c.verdict == Verdict::NotBuilt);
            let trouble = trouble.or(could_not_start.and_then(|check| check.reason.clone()));
            ExerciseReport {
                exercise: job.exercise.name,
                chapter: job.chapter.number,
                how: job.how.clone(),
                verdict: match (&trouble, verdict::of_checks(&checks)) {
                    (Some(_), _) => Verdict::NotBuilt,
                    // Not all have run: should this report be the last, it must not say "passed".
                    (None, Verdict::Passed | Verdict::Skipped)
                        if job.launch.is_ok() && found.iter().any(Option::is_none) =>
                    {
                        Verdict::Inconclusive
                    }
                    (None, verdict) => verdict,
                },
                trouble,
                seconds: checks.iter().map(|check| check.took.as_secs_f64()).sum(),
                checks,
            }
        });
        Report {
            seed: self.seed,
            exercises: exercises.collect(),
        }
    }
}

/// Runs one check, again where the machine was to blame, and its control where it failed.
pub fn judge(exercise: &Exercise, check: &Check, launch: &Launch, seed: Seed) -> CheckReport {
    let begun = Instant::now();
    let mut report = unjudged(check, Verdict::Error);
    for attempt in 1..=TRIES {
        let (told, record) = tell(check.run, exercise, check, launch, seed);
        (report.events, report.events_left_out) = record.events;
        report.stderr = record.stderr;
        report.reason = None;
        (report.verdict, report.reason) = match told {
            Ok(()) => (Verdict::Passed, None),
            Err(Stop::Failed(failure)) => {
                report.failure = Some(*failure);
                (Verdict::Failed, None)
            }
            Err(Stop::Inconclusive(why)) => (Verdict::Inconclusive, Some(why)),
            Err(Stop::PortTaken(why)) if attempt < TRIES => (Verdict::Inconclusive, Some(why)),
            Err(Stop::PortTaken(why) | Stop::Broken(why)) => (Verdict::Error, Some(why)),
            Err(Stop::Skipped(why)) => (Verdict::Skipped, Some(why)),
            Err(Stop::NotStarted(why)) => (Verdict::NotBuilt, Some(why)),
        };
        if report.verdict != Verdict::Inconclusive {
            break;
        }
    }
    if let (Some(failure), Some(control)) = (&report.failure, check.control) {
        // One that can't be judged says nothing of the cause, and isn't spoken of.
        let judged = (0..TRIES).find_map(|_| {
            let (told, _) = tell(control.run, exercise, check, launch, seed);
            match told {
                Ok(()) => Some(Verdict::Passed),
                Err(Stop::Failed(_)) => Some(Verdict::Failed),
                Err(_) => None,
            }
        });
        report.control = judged.map(|verdict| (control.name, verdict));
        if judged == Some(Verdict::Passed) {
            report.cause =
                (check.told_by)(failure).or_else(|| likely(check.causes, failure.symptom));
        }
    }
    report.took = begun.elapsed();
    report
}

/// A check of which nothing is known but what it is.
fn unjudged(check: &Check, verdict: Verdict) -> CheckReport {
    CheckReport {
        name: check.name,
        why: check.why,
        points: check.points,
        verdict,
        took: Duration::ZERO,
        failure: None,
        control: None,
        cause: None,
        reason: None,
        events: Vec::new(),
        events_left_out: 0,
        stderr: Vec::new(),
    }
}

/// The first that explains the symptom. One that names none explains what a conversation can come
/// to, but not that there was no server to talk to.
fn likely(causes: &[Cause], symptom: Symptom) -> Option<Cause> {
    let explains = |cause: &&Cause| match cause.symptoms {
        [] => symptom != Symptom::NotReady,
        symptoms => symptoms.contains(&symptom),
    };
    causes.iter().find(explains).copied()
}

/// What is left of a conversation.
struct Record {
    events: (Vec<super::transcript::Event>, usize),
    stderr: Vec<String>,
}

/// Tells a conversation on a stage of its own.
fn tell(
    run: fn(&Stage) -> Told,
    exercise: &Exercise,
    check: &Check,
    launch: &Launch,
    seed: Seed,
) -> (Told, Record) {
    let stage = match Stage::new(launch, seed.dice(exercise.name, check.name)) {
        Ok(stage) => stage,
        Err(stop) => {
            return (
                Err(stop),
                Record {
                    events: (Vec::new(), 0),
                    stderr: Vec::new(),
                },
            );
        }
    };
    let told = catch_unwind(AssertUnwindSafe(|| run(&stage))).unwrap_or_else(|_| {
        Err(Stop::Broken(
            "the check itself panicked: please report it".to_string(),
        ))
    });
    let programs = stage.programs();
    for program in &programs {
        program.end();
        // What it wrote before its end may still be in the pipe.
        program.wait_output(Duration::from_millis(500), |stdout, stderr| {
            stdout.closed && stderr.closed
        });
    }
    let stderr = programs
        .last()
        .map(|program| program.outputs().1.last_lines(6));
    let record = Record {
        events: stage.transcript().events(),
        stderr: stderr.unwrap_or_default(),
    };
    (told, record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapters;

    #[test]
    fn what_this_machine_cannot_grade_is_skipped_and_not_counted() {
        let (chapter, exercise) = chapters::exercises().next().unwrap();
        let job = |skip: Option<&str>| Job {
            chapter,
            exercise,
            launch: Err("no headers".to_string()),
            skip: skip.map(String::from),
            how: String::new(),
            checks: exercise.checks.iter().collect(),
        };
        let jobs = [job(Some("no headers")), job(None)];
        let report = grade(&jobs, Seed(1), &|_| {});
        let [skipped, unbuilt] = &report.exercises[..] else {
            panic!("{report:?}");
        };
        assert_eq!(
            (skipped.verdict, skipped.max_score()),
            (Verdict::Skipped, 0)
        );
        assert_eq!(skipped.trouble, None);
        let reasons = skipped.checks.iter().map(|check| check.reason.as_deref());
        assert!(
            reasons
                .into_iter()
                .all(|reason| reason == Some("no headers"))
        );
        assert_eq!(unbuilt.verdict, Verdict::NotBuilt);
        assert!(unbuilt.max_score() > 0);
    }
}
