//! Weighs what came of a proof: a row for each exercise, and all that does not hold.

use super::submissions::Kind;
use super::trial::{Came, Case, Results, Standing, standing};
use crate::chapters::Exercise;
use crate::grader::verdict::Verdict;
use std::collections::BTreeMap;

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
    only_right: bool,
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
        // Of each check: what was meant for it, and the earlier check that caught it.
        let mut taken: BTreeMap<usize, Vec<String>> = BTreeMap::new();
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
                    match standing(results, c, meant) {
                        Standing::Proves => proven[meant] = true,
                        Standing::CaughtBefore(by) => taken
                            .entry(meant)
                            .or_default()
                            .push(format!("{}: “{}”", case.shown, exercise.checks[by].name)),
                        Standing::Untried | Standing::NotCaught => {}
                    }
                    if failed(meant) {
                        row.caught += 1;
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
            .filter(|(k, _)| !only_right && !proven[*k])
        {
            let (name, check) = (exercise.name, check.name);
            let taken = taken.remove(&k).unwrap_or_default();
            if skipped[k] {
                unknown.push(format!("{name}: “{check}” can't be proven on this system."));
                continue;
            }
            let sentence = format!(
                "{name}: “{check}” is not proven: there is no wrong submission that it catches \
                 and no earlier check does."
            );
            let seen = taken
                .iter()
                .map(|row| format!("    {row} catches it first\n"));
            faults.push(Fault {
                sentence,
                seen: seen.collect(),
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
    use crate::course::commands::prove::trial::{Effort, run};
    use crate::grader::check::{Check, Stop};
    use crate::grader::launch::Launch;
    use crate::grader::seed::Seed;
    use std::sync::atomic::{AtomicU32, Ordering};

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
        let (mut rows, faults, unknown) = weigh(&[&FAKE], cases, &results, false);
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
    fn what_other_peoples_programs_spoil_is_asked_until_it_can_be_told() {
        /// For three runs of its check, which tries four times, nobody can tell.
        static ASKED: AtomicU32 = AtomicU32::new(0);
        const UNSURE: Exercise = Exercise {
            checks: &[Check {
                run: |stage| match ASKED.fetch_add(1, Ordering::Relaxed) {
                    0..12 => Err(Stop::Inconclusive("the machine was busy".to_string())),
                    _ => stage.starts_without_address(&[])?.exits(0),
                },
                ..FAKE.checks[0]
            }],
            ..FAKE
        };
        let cases = [Case {
            exercise: &UNSURE,
            ..case(Kind::Wrong(0), "false")
        }];
        let effort = Effort {
            rounds: 1,
            load: 0,
            seed: Seed(1),
        };
        let results = run(&cases, effort, &|_, _| {});
        let (rows, faults, _) = weigh(&[&UNSURE], &cases, &results, false);
        assert_eq!((rows[0].caught, faults.len()), (1, 0));
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
