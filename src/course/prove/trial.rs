//! Runs the checks of a proof, and weighs what came of them.
//!
//! Right programs are judged as a learner's are: checks with a tight bound while nothing else runs.
//! Wrong ones mostly wait for a deadline, so many of them run side by side. What a busy machine may
//! have had a part in is asked again while nothing else runs, before anybody is told of it.

use super::submissions::Kind;
use crate::chapters::Exercise;
use crate::grader::check::Check;
use crate::grader::failure::Symptom;
use crate::grader::launch::Launch;
use crate::grader::report::human;
use crate::grader::seed::Seed;
use crate::grader::verdict::{CheckReport, ExerciseReport, Verdict};
use crate::grader::{platform, session, watchdog};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// A submission that is ready to run.
pub struct Case {
    pub exercise: &'static Exercise,
    /// Its file, as one would type it at the root.
    pub shown: String,
    pub kind: Kind,
    pub launch: Launch,
    /// The options of `grade` that run it: ` --cmd 'python3 server.py'`.
    pub how: String,
}

/// How right programs are tried.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: u32,
    /// Loops that burn a core each meanwhile.
    pub load: usize,
    pub seed: Seed,
}

/// What came of one check of one submission in one round.
#[derive(Clone)]
pub struct Came {
    pub verdict: Verdict,
    symptom: Option<Symptom>,
    pub seconds: f64,
    /// What a person would read of it; empty where it passed.
    pub words: String,
}

/// One run of one check: the numbers of the case, of its check, and of the round.
pub type Task = (usize, usize, u32);

/// Everything that was run.
pub type Results = BTreeMap<Task, Came>;

/// Wrong programs side by side: nearly all of them wait.
const WAITING: usize = 24;

/// The seed of wrong submissions: their messages are compared with those that are kept.
const REPEATABLE: Seed = Seed(0x5f3a);

/// Runs the whole proof. `progress` is told how many runs are done, and of how many.
pub fn run(cases: &[Case], effort: Effort, progress: &(dyn Fn(usize, usize) + Sync)) -> Results {
    watchdog::start();
    platform::adopt_orphans();
    let (mut wrong, mut right, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for (c, case) in cases.iter().enumerate() {
        let checks = case.exercise.checks;
        match case.kind {
            // The one that is meant for it first: it is the longest.
            Kind::Wrong(meant) => wrong.extend((0..=meant).rev().map(|check| (c, check, 0))),
            Kind::Shipped => wrong.extend((0..checks.len()).map(|check| (c, check, 0))),
            Kind::Right => {
                for round in 0..effort.rounds {
                    for (k, check) in checks.iter().enumerate() {
                        let tasks = if check.alone { &mut alone } else { &mut right };
                        tasks.push((c, k, round));
                    }
                }
            }
        }
    }
    let desk = Desk {
        cases,
        seed: effort.seed,
        results: Mutex::default(),
        failed: cases.iter().map(|_| AtomicBool::new(false)).collect(),
        done: AtomicUsize::new(0),
        total: wrong.len() + right.len() + alone.len(),
        progress,
    };
    let width = thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(1, 8)
        * 2;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| desk.side_by_side(&wrong, WAITING));
        if effort.load > 0 {
            // Wrong programs are no part of what the load is to prove.
            let _ = waiting.join();
            desk.ask_again(&wrong);
        }
        let load = Load::of(effort.load);
        desk.side_by_side(&right, width);
        if effort.load > 0 {
            desk.side_by_side(&alone, 1);
        }
        drop(load);
    });
    if effort.load == 0 {
        desk.side_by_side(&alone, 1);
        desk.ask_again(&wrong);
    }
    desk.results
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Loops that burn a core each, until this is dropped.
struct Load {
    over: Arc<AtomicBool>,
    loops: Vec<JoinHandle<()>>,
}

impl Load {
    fn of(count: usize) -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let burn = |_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let loops = (0..count).map(burn).collect();
        Load { over, loops }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for burning in self.loops.drain(..) {
            let _ = burning.join();
        }
    }
}

/// Where the results are gathered.
struct Desk<'a> {
    cases: &'a [Case],
    seed: Seed,
    results: Mutex<Results>,
    /// Of each case, whether a check failed for certain.
    failed: Vec<AtomicBool>,
    done: AtomicUsize,
    total: usize,
    progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl Desk<'_> {
    fn side_by_side(&self, tasks: &[Task], width: usize) {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..width.min(tasks.len()) {
                scope.spawn(|| {
                    while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.judge(*task);
                    }
                });
            }
        });
    }

    fn judge(&self, task: Task) {
        let (c, k, round) = task;
        let case = &self.cases[c];
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        // One failure is all that is wanted of an exercise as shipped.
        if case.kind == Kind::Shipped && self.failed[c].load(Ordering::Relaxed) {
            return;
        }
        let seed = match case.kind {
            Kind::Wrong(_) => REPEATABLE,
            _ => Seed(self.seed.0.wrapping_add(round)),
        };
        let came = judged(case, k, seed, round);
        if came.verdict == Verdict::Failed && came.symptom != Some(Symptom::Late) {
            self.failed[c].store(true, Ordering::Relaxed);
        }
        self.results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(task, came);
        (self.progress)(done.min(self.total), self.total);
    }

    /// Whether what came of this may be the machine's doing: then it is to be asked once more.
    fn is_doubtful(&self, task: Task, came: &Came) -> bool {
        let (c, k, _) = task;
        let late = came.symptom == Some(Symptom::Late);
        let unknown = matches!(came.verdict, Verdict::Inconclusive | Verdict::Error);
        match self.cases[c].kind {
            Kind::Right => false,
            Kind::Shipped => (late || unknown) && !self.failed[c].load(Ordering::Relaxed),
            // Load lets a wrong program pass, so that only a failure is certain.
            Kind::Wrong(meant) if meant == k => late || came.verdict != Verdict::Failed,
            Kind::Wrong(_) => late || unknown,
        }
    }

    /// Runs what is doubtful again, one after another.
    fn ask_again(&self, tasks: &[Task]) {
        let results = self
            .results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let doubtful = |task: &&Task| {
            results
                .get(*task)
                .is_some_and(|came| self.is_doubtful(**task, came))
        };
        for task in tasks.iter().filter(doubtful) {
            self.judge(*task);
        }
    }
}

fn judged(case: &Case, k: usize, seed: Seed, round: u32) -> Came {
    let check = case.exercise.checks[k];
    // A control finds out why a program failed. Of a wrong one that is known, but the message of the
    // check that is meant for it is to be whole.
    let control = match case.kind {
        Kind::Right => check.control,
        Kind::Wrong(meant) if meant == k => check.control,
        _ => None,
    };
    let check = Check { control, ..check };
    let mut report = session::judge(case.exercise, &check, &case.launch, seed);
    if let (Kind::Right, 0, Verdict::Passed, Some(control)) =
        (case.kind, round, report.verdict, check.control)
    {
        // A control that a right program fails would never let a cause be named.
        let alone = Check {
            run: control.run,
            control: None,
            ..check
        };
        let came = session::judge(case.exercise, &alone, &case.launch, seed);
        if matches!(came.verdict, Verdict::Failed | Verdict::Error) {
            report = came;
        }
    }
    let words = match report.verdict {
        Verdict::Passed => String::new(),
        _ => words(case, &report, seed),
    };
    Came {
        verdict: report.verdict,
        symptom: report.failure.as_ref().map(|failure| failure.symptom),
        seconds: report.took.as_secs_f64(),
        words,
    }
}

/// The message that `grade` would show.
fn words(case: &Case, check: &CheckReport, seed: Seed) -> String {
    let exercise = ExerciseReport {
        exercise: case.exercise.name,
        chapter: 0,
        how: case.how.clone(),
        verdict: check.verdict,
        trouble: None,
        seconds: 0.0,
        checks: Vec::new(),
    };
    human::message(check, &exercise, seed)
}

/// What came of one exercise, as a row of the table.
#[derive(Default, Debug, PartialEq)]
pub struct Row {
    pub name: &'static str,
    pub checks: usize,
    pub right: usize,
    pub wrong: usize,
    pub caught: usize,
    /// Checks that a right program did not pass.
    pub failures: usize,
    /// Checks of right programs of which the machine was too busy to tell.
    pub unsure: usize,
    pub seconds: f64,
}

/// One thing that does not hold, and what was seen of it.
#[derive(Debug)]
pub struct Fault {
    pub sentence: String,
    pub seen: String,
}

/// Weighs the results: a row for each exercise, the faults, and what could not be told here.
pub fn weigh(
    exercises: &[&'static Exercise],
    cases: &[Case],
    results: &Results,
) -> (Vec<Row>, Vec<Fault>, Vec<String>) {
    let (mut rows, mut faults, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for exercise in exercises {
        let mut row = Row {
            name: exercise.name,
            checks: exercise.checks.len(),
            ..Row::default()
        };
        // Of each check: a wrong program that it alone caught, or that nothing here could tell.
        let mut proven = vec![false; row.checks];
        let mut skipped = vec![false; row.checks];
        for (c, case) in cases
            .iter()
            .enumerate()
            .filter(|(_, c)| c.exercise.name == exercise.name)
        {
            let came: Vec<(usize, &Came)> = results
                .range((c, 0, 0)..(c + 1, 0, 0))
                .map(|(task, came)| (task.1, came))
                .collect();
            row.seconds += came.iter().map(|(_, came)| came.seconds).sum::<f64>();
            let failed = |k: usize| {
                came.iter()
                    .any(|(of, came)| *of == k && came.verdict == Verdict::Failed)
            };
            match case.kind {
                Kind::Shipped => {
                    if !(0..row.checks).any(failed) {
                        faults.push(Fault {
                            sentence: format!("{} passes every check as shipped.", exercise.name),
                            seen: String::new(),
                        });
                    }
                }
                Kind::Right => {
                    row.right += 1;
                    let mut failures: BTreeMap<usize, Vec<&Came>> = BTreeMap::new();
                    for (k, came) in came {
                        match came.verdict {
                            Verdict::Passed => {}
                            Verdict::Skipped => skipped[k] = true,
                            Verdict::Inconclusive => row.unsure += 1,
                            _ => failures.entry(k).or_default().push(came),
                        }
                    }
                    for (k, came) in failures {
                        row.failures += came.len();
                        faults.push(right_failed(case, k, &came));
                    }
                }
                Kind::Wrong(meant) => {
                    row.wrong += 1;
                    let came = came
                        .iter()
                        .find(|(k, _)| *k == meant)
                        .map(|(_, came)| *came);
                    if failed(meant) {
                        row.caught += 1;
                        proven[meant] |= !(0..meant).any(failed);
                    } else if came.is_some_and(|came| came.verdict == Verdict::Skipped) {
                        skipped[meant] = true;
                    } else {
                        faults.push(uncaught(case, meant, came));
                    }
                }
            }
        }
        for (k, check) in exercise
            .checks
            .iter()
            .enumerate()
            .filter(|(k, _)| !proven[*k])
        {
            let (name, check) = (exercise.name, check.name);
            if skipped[k] {
                unknown.push(format!("{name}: “{check}” can't be proven on this system."));
                continue;
            }
            let sentence = format!(
                "{name}: “{check}” is not proven: there is no wrong submission that it catches \
                 and no earlier check does."
            );
            faults.push(Fault {
                sentence,
                seen: String::new(),
            });
        }
        rows.push(row);
    }
    (rows, faults, unknown)
}

/// The same check may have failed in many rounds: what was seen in the first tells enough.
fn right_failed(case: &Case, k: usize, came: &[&Came]) -> Fault {
    let sentence = format!(
        "{} is right, and yet “{}” {} it {}.",
        case.shown,
        case.exercise.checks[k].name,
        match came[0].verdict {
            Verdict::Failed => "failed",
            _ => "could not judge",
        },
        match came.len() {
            1 => "once".to_string(),
            n => format!("in {n} rounds"),
        }
    );
    let seen = came[0].words.clone();
    Fault { sentence, seen }
}

fn uncaught(case: &Case, meant: usize, came: Option<&Came>) -> Fault {
    let sentence = format!(
        "{} is wrong, and yet “{}”, which is meant for it, {}.",
        case.shown,
        case.exercise.checks[meant].name,
        match came.map(|came| came.verdict) {
            Some(Verdict::Passed) => "passes it",
            _ => "could not judge it, also when nothing else ran",
        }
    );
    Fault {
        sentence,
        seen: came.map(|came| came.words.clone()).unwrap_or_default(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::chapters::Role;

    /// An exercise whose right programs end with status 0, and say nothing.
    const FAKE: Exercise = Exercise {
        name: "ex00_fake",
        stars: 1,
        minutes: 1,
        task: "",
        role: Role::Client,
        usage: "",
        checks: &[
            Check {
                name: "it ends with status 0",
                run: |stage| stage.starts_without_address(&[])?.exits(0),
                ..Check::PLAIN
            },
            Check {
                name: "it says nothing",
                run: |stage| {
                    let pupil = stage.starts_without_address(&[])?;
                    pupil.ends()?;
                    pupil.printed(b"")
                },
                alone: true,
                ..Check::PLAIN
            },
        ],
    };

    fn case(kind: Kind, command: &str) -> Case {
        Case {
            exercise: &FAKE,
            shown: command.to_string(),
            kind,
            launch: Launch::Command(command.split(' ').map(String::from).collect()),
            how: String::new(),
        }
    }

    /// All is as it should be with these.
    fn sound() -> Vec<Case> {
        vec![
            case(Kind::Shipped, "false"),
            case(Kind::Right, "true"),
            case(Kind::Right, "sleep 0"),
            case(Kind::Wrong(0), "false"),
            case(Kind::Wrong(1), "echo hello"),
        ]
    }

    fn proof(cases: &[Case], rounds: u32, load: usize) -> (Row, Vec<String>) {
        let results = run(
            cases,
            Effort {
                rounds,
                load,
                seed: Seed(1),
            },
            &|_, _| {},
        );
        let (mut rows, faults, unknown) = weigh(&[&FAKE], cases, &results);
        assert!(unknown.is_empty(), "{unknown:?}");
        (
            rows.remove(0),
            faults.into_iter().map(|fault| fault.sentence).collect(),
        )
    }

    fn the_one_fault(cases: &[Case]) -> String {
        let (_, mut faults) = proof(cases, 1, 0);
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }

    #[test]
    fn a_sound_grader_is_proven_round_after_round_and_under_load() {
        for load in [0, 2] {
            let (row, faults) = proof(&sound(), 3, load);
            assert_eq!(faults, [""; 0]);
            assert_eq!((row.checks, row.right, row.wrong, row.caught), (2, 2, 2, 2));
            assert_eq!((row.failures, row.unsure), (0, 0));
        }
    }

    #[test]
    fn a_wrong_submission_that_is_right_is_a_fault() {
        let mut cases = sound();
        cases.push(case(Kind::Wrong(1), "true"));
        let fault = the_one_fault(&cases);
        assert!(
            fault.contains("true is wrong") && fault.contains("passes it"),
            "{fault}"
        );
    }

    #[test]
    fn a_wrong_submission_that_only_another_check_catches_is_a_fault() {
        let mut cases = sound();
        cases.push(case(Kind::Wrong(1), "false"));
        let fault = the_one_fault(&cases);
        assert!(fault.contains("“it says nothing”"), "{fault}");
    }

    #[test]
    fn an_exercise_that_passes_as_shipped_is_a_fault() {
        let mut cases = sound();
        cases[0] = case(Kind::Shipped, "true");
        assert!(the_one_fault(&cases).contains("as shipped"));
    }

    #[test]
    fn a_right_program_that_fails_is_a_fault_and_each_round_counts() {
        let mut cases = sound();
        cases.push(case(Kind::Right, "false"));
        let (row, faults) = proof(&cases, 3, 0);
        assert_eq!((row.failures, faults.len()), (3, 1));
        assert!(
            faults[0].starts_with("false is right, and yet"),
            "{faults:?}"
        );
        assert!(faults[0].ends_with("failed it in 3 rounds."), "{faults:?}");
    }

    #[test]
    fn a_check_whose_wrong_submissions_an_earlier_one_catches_too_is_not_proven() {
        let mut cases = sound();
        // It fails with both checks.
        cases[4] = case(Kind::Wrong(1), "ls /no/such/folder /");
        let fault = the_one_fault(&cases);
        assert!(fault.contains("“it says nothing” is not proven"), "{fault}");
    }
}
