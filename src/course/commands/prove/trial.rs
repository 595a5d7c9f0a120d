//! Runs the checks of a proof.
//!
//! Right programs are judged as a learner's are, but that checks with a tight bound don't run alone:
//! two at a time, and under load a few. What passes so passes alone. Wrong ones mostly wait for a
//! deadline, so many of them run side by side. What a busy machine may have had a part in is asked
//! again while nothing else runs, before anybody is told of it.

use super::submissions::Kind;
use crate::chapters::Exercise;
use crate::grader::check::Check;
use crate::grader::failure::Symptom;
use crate::grader::launch::Launch;
use crate::grader::report::human;
use crate::grader::seed::Seed;
use crate::grader::verdict::{CheckReport, ExerciseReport, Verdict};
use crate::grader::{kernel, platform, session, watchdog};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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
    /// Whether the machine stood still, or had somebody wait for a processor, for a tenth of the time.
    pressed: bool,
}

/// One run of one check: the numbers of the case, of its check, and of the round.
pub type Task = (usize, usize, u32);

/// Everything that was run.
pub type Results = BTreeMap<Task, Came>;

/// What a wrong program says of the check that is meant for it.
pub enum Standing {
    /// It caught the program, and none before it did.
    Proves,
    /// This earlier one caught it as well.
    CaughtBefore(usize),
    /// It caught the program, and not all that come before it were tried.
    Untried,
    NotCaught,
}

/// How the wrong program with this number stands, by what was run so far.
pub fn standing(results: &Results, c: usize, meant: usize) -> Standing {
    let failed = |k: usize| {
        let came = results.get(&(c, k, 0));
        came.map(|came| came.verdict == Verdict::Failed)
    };
    if failed(meant) != Some(true) {
        return Standing::NotCaught;
    }
    if let Some(before) = (0..meant).find(|k| failed(*k) == Some(true)) {
        return Standing::CaughtBefore(before);
    }
    match (0..meant).all(|k| failed(k).is_some()) {
        true => Standing::Proves,
        false => Standing::Untried,
    }
}

/// Wrong programs side by side: nearly all of them wait.
const WAITING: usize = 40;

/// Those of them that are run again: so few that none is late because of the others. And right programs
/// whose bound is tight, under load.
const A_FEW: usize = 4;

/// Right programs whose bound is tight, where there is no load: each has less to suffer from the other
/// than from the loops of a load proof.
const TWO: usize = 2;

/// How often, at most, one is run alone whose verdict the machine has spoilt.
const ALONE: u32 = 5;

/// The seed of wrong submissions: their messages are compared with those that are kept.
const REPEATABLE: Seed = Seed(0x5f3a);

/// Runs the whole proof. `progress` is told how many runs are done, and of how many.
pub fn run(cases: &[Case], effort: Effort, progress: &(dyn Fn(usize, usize) + Sync)) -> Results {
    watchdog::start();
    platform::adopt_orphans();
    let (mut wrong, mut right, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let mut has_first = BTreeSet::new();
    for (c, case) in cases.iter().enumerate() {
        let checks = case.exercise.checks;
        match case.kind {
            // The one that is meant for it first: it is the longest.
            Kind::Wrong(meant) => {
                wrong.push((c, meant, 0));
                if has_first.insert((case.exercise.name, meant)) {
                    wrong.extend((0..meant).rev().map(|check| (c, check, 0)));
                }
            }
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
    let (wrong, right) = (mixed(cases, &wrong), mixed(cases, &right));
    let desk = Desk {
        cases,
        seed: effort.seed,
        results: Mutex::default(),
        failed: cases.iter().map(|_| AtomicBool::new(false)).collect(),
        done: AtomicUsize::new(0),
        total: AtomicUsize::new(wrong.len() + right.len() + alone.len()),
        progress,
    };
    // As many as a learner's own checks.
    let width = session::width();
    let right = Queue::of(&right);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            desk.side_by_side(&Queue::of(&wrong), WAITING);
            // What has run beside all these is helped along by those who ran them.
            if effort.load == 0 {
                desk.side_by_side(&right, 2 * width);
            }
        });
        if effort.load > 0 {
            // Wrong programs are no part of what the load is to prove.
            let _ = waiting.join();
            desk.settle(wrong.clone());
        }
        let load = Load::of(effort.load);
        desk.side_by_side(&right, width);
        if effort.load > 0 {
            desk.side_by_side(&Queue::of(&alone), A_FEW);
        }
        drop(load);
    });
    if effort.load == 0 {
        desk.side_by_side(&Queue::of(&alone), TWO);
        desk.settle(wrong);
    }
    desk.results
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Each exercise's tasks spread over the whole of the time: those that only wait leave the processor
/// to those that compute. Forty of one kind would wait for each other.
fn mixed(cases: &[Case], tasks: &[Task]) -> Vec<Task> {
    let exercise = |task: &Task| cases[task.0].exercise.name;
    let mut counts = BTreeMap::new();
    for task in tasks {
        *counts.entry(exercise(task)).or_insert(0) += 1;
    }
    let mut seen = BTreeMap::new();
    let mut placed = Vec::new();
    for task in tasks {
        let before = seen.entry(exercise(task)).or_insert(0_u64);
        placed.push((*before * 1_000_000 / counts[exercise(task)], *task));
        *before += 1;
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, task)| task).collect()
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

/// Tasks of which each is taken once, by whoever has time.
struct Queue<'a> {
    tasks: &'a [Task],
    taken: AtomicUsize,
}

impl Queue<'_> {
    fn of(tasks: &[Task]) -> Queue<'_> {
        Queue {
            tasks,
            taken: AtomicUsize::new(0),
        }
    }

    fn next(&self) -> Option<Task> {
        let next = self.taken.fetch_add(1, Ordering::Relaxed);
        self.tasks.get(next).copied()
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
    total: AtomicUsize,
    progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl Desk<'_> {
    fn side_by_side(&self, queue: &Queue<'_>, width: usize) {
        thread::scope(|scope| {
            for _ in 0..width.min(queue.tasks.len()) {
                scope.spawn(|| {
                    while let Some(task) = queue.next() {
                        self.judge(task);
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
        let total = self.total.load(Ordering::Relaxed);
        (self.progress)(done.min(total), total);
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

    /// Asks again what is doubtful. Then, as long as a check has no wrong program that passed all that
    /// comes before it, tries the earlier checks of its next one: one such program is enough, and all
    /// of them would be most of the proof's time.
    fn settle(&self, mut tasks: Vec<Task>) {
        while !tasks.is_empty() {
            self.ask_again(&tasks);
            tasks = self.next_candidates();
            self.total.fetch_add(tasks.len(), Ordering::Relaxed);
            self.side_by_side(&Queue::of(&tasks), WAITING);
        }
        // On a busy machine a pause is longer than it should be, and a check that has one catches what
        // is meant for a later one.
        self.side_by_side(&Queue::of(&self.caught_before()), A_FEW);
    }

    /// What caught a wrong program before the check that is meant for it, where that one would be
    /// proven without it.
    fn caught_before(&self) -> Vec<Task> {
        let results = self.so_far();
        let caught = self.unproven(&results, |it| matches!(it, Standing::CaughtBefore(_)));
        let failed = |task: &Task| {
            let came = results.get(task);
            came.is_some_and(|came| came.verdict == Verdict::Failed)
        };
        earlier(caught).filter(failed).collect()
    }

    /// The earlier checks of one wrong program for each check that isn't proven.
    fn next_candidates(&self) -> Vec<Task> {
        let mut untried = self.unproven(&self.so_far(), |it| matches!(it, Standing::Untried));
        let mut has_one = BTreeSet::new();
        untried.retain(|(c, meant)| has_one.insert((self.cases[*c].exercise.name, *meant)));
        earlier(untried).collect()
    }

    /// The wrong programs that stand so, each with the check that is meant for it, where no other one
    /// proves that check.
    fn unproven(&self, results: &Results, stands: fn(&Standing) -> bool) -> Vec<(usize, usize)> {
        let mut proven = BTreeSet::new();
        let mut found = Vec::new();
        for (c, case) in self.cases.iter().enumerate() {
            if let Kind::Wrong(meant) = case.kind {
                match standing(results, c, meant) {
                    Standing::Proves => _ = proven.insert((case.exercise.name, meant)),
                    other if stands(&other) => found.push((c, meant)),
                    _ => {}
                }
            }
        }
        found.retain(|(c, meant)| !proven.contains(&(self.cases[*c].exercise.name, *meant)));
        found
    }

    fn so_far(&self) -> Results {
        let results = self.results.lock();
        results.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs what is doubtful again, a few at a time; and what the machine still may have had a part in,
    /// one after another. Nothing of ours runs beside it then, but other people's programs may: what
    /// they spoil is asked once more, a few times.
    fn ask_again(&self, tasks: &[Task]) {
        let doubtful = self.doubtful(tasks, |_| true);
        self.side_by_side(&Queue::of(&doubtful), A_FEW);
        let mut open = self.doubtful(tasks, |came| came.verdict != Verdict::Failed);
        for _ in 0..ALONE {
            self.side_by_side(&Queue::of(&open), 1);
            open = self.doubtful(&open, |came| {
                came.verdict != Verdict::Failed && came.pressed
            });
        }
    }

    fn doubtful(&self, tasks: &[Task], which: impl Fn(&Came) -> bool) -> Vec<Task> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |task: &&Task| {
            results
                .get(*task)
                .is_some_and(|came| which(came) && self.is_doubtful(**task, came))
        };
        tasks.iter().filter(is_meant).copied().collect()
    }
}

/// All checks that come before the one that is meant for a program.
fn earlier(meant: Vec<(usize, usize)>) -> impl Iterator<Item = Task> {
    meant
        .into_iter()
        .flat_map(|(c, meant)| (0..meant).map(move |check| (c, check, 0)))
}

/// The message of the check that is meant for a wrong program, from another run of it.
pub fn told_again(case: &Case, meant: usize) -> Came {
    judged(case, meant, REPEATABLE, 0)
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
    let (begun, waited) = (Instant::now(), kernel::processor_pressure());
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
    let waited = waited
        .zip(kernel::processor_pressure())
        .map_or(Duration::ZERO, |(before, after)| {
            after.saturating_sub(before)
        });
    let pressed = 10 * (watchdog::stalled_since(begun) + waited) >= begun.elapsed();
    Came {
        pressed: pressed || report.verdict == Verdict::Inconclusive,
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
