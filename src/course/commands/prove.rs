//! `prove`: proves the grader, by right programs that must pass and wrong ones that must not.
//!
//! It proves that every exercise fails as shipped; that every solution and every other right
//! program passes every check; that every wrong submission fails, by the check that is meant for
//! it; and that each check has a wrong submission that no earlier check of its exercise catches.

mod diff;
mod messages;
mod package;
mod submissions;
mod trial;
mod weigh;

use super::{interrupt, tls};
use crate::chapters::{self, Exercise};
use crate::course::house::House;
use crate::course::{names, out};
use crate::grader::launch::Launch;
use crate::grader::seed::Seed;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::time::Instant;
use submissions::{Kind, Source};
use trial::{Case, Effort};
use weigh::{Fault, Row};

const USAGE: &str = "\
usage: cargo course prove [--rounds N] [--load L] [--right] [--seed HEX] [EX...]

  --rounds N   runs every right program N times (1 to 10000; without it, once)
  --load L     keeps L loops busy meanwhile (0 to 64; without it, none)
  --right      tries the right programs only: that none of them fails
  --seed HEX   makes the random choices of an earlier run again

Proves the grader with the programs under exercises/shipped, solutions,
tests/right and tests/wrong; all exercises, or those that are named.
Exit status: 0 all of it holds, 1 something does not, 2 bad usage, 4 it could
not be tried.";

const WIDTH: usize = 80;

/// What is to be proven, and how thoroughly.
struct Asked {
    exercises: Vec<&'static Exercise>,
    effort: Effort,
    only_right: bool,
    /// Exercises that this runner can't build, each in a sentence.
    left_out: Vec<String>,
}

/// The command. Its exit status: 0 all of it holds, 1 something doesn't, 2 bad usage, 4 it could
/// not be tried.
pub fn command(args: Vec<OsString>, house: &House) -> u8 {
    let asked = match understand(args, house) {
        Ok(Some(asked)) => asked,
        Ok(None) => {
            out::say(USAGE);
            return 0;
        }
        Err(why) => {
            out::warn(format!("{why}\n\n{USAGE}"));
            return 2;
        }
    };
    if !asked.left_out.is_empty() && cfg!(all(target_os = "linux", not(feature = "tls"))) {
        match tls::runner(house) {
            Ok(runner) => {
                let args: Vec<OsString> = env::args_os().skip(1).collect();
                return tls::run(&runner, &args).unwrap_or_else(|why| {
                    out::warn(why);
                    4
                });
            }
            Err(why) => out::warn(why),
        }
    }
    if asked.exercises.is_empty() {
        out::warn(asked.left_out.join("\n"));
        return 4;
    }
    match prove(house, asked) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(why) => {
            out::warn(why);
            4
        }
    }
}

/// `None`: only the usage was asked for.
fn understand(args: Vec<OsString>, house: &House) -> Result<Option<Asked>, String> {
    use lexopt::prelude::*;
    let mut effort = Effort {
        rounds: 1,
        load: 0,
        seed: Seed::fresh(),
    };
    let mut only_right = false;
    let mut exercises: Vec<&'static Exercise> = Vec::new();
    let mut left_out = Vec::new();
    let mut parser = lexopt::Parser::from_args(args);
    let said = |err: lexopt::Error| err.to_string();
    while let Some(arg) = parser.next().map_err(said)? {
        match arg {
            Long("rounds") => effort.rounds = number(&mut parser, "--rounds", 1..=10_000)?,
            Long("right") => only_right = true,
            Long("load") => effort.load = number(&mut parser, "--load", 0..=64)? as usize,
            Long("seed") => {
                let hex = parser.value().map_err(said)?;
                let seed = hex.to_str().and_then(Seed::parse);
                effort.seed = seed.ok_or_else(|| format!("{hex:?} is no seed: 5f3a is one"))?;
            }
            Short('h') | Long("help") => return Ok(None),
            Value(name) => {
                let (_, exercise) = names::exercise(house, &name)?;
                if !exercises.iter().any(|other| other.name == exercise.name) {
                    exercises.push(exercise);
                }
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    let all = exercises.is_empty();
    let mut chosen = Vec::new();
    for (chapter, exercise) in chapters::exercises() {
        if !all && !exercises.iter().any(|other| other.name == exercise.name) {
            continue;
        }
        if chapter.tls && !cfg!(all(feature = "tls", target_os = "linux")) {
            left_out.push(format!(
                "{} was left out: TLS is proven on Linux, with OpenSSL's headers",
                exercise.name
            ));
            continue;
        }
        chosen.push(exercise);
    }
    Ok(Some(Asked {
        exercises: chosen,
        effort,
        only_right,
        left_out,
    }))
}

fn number(
    parser: &mut lexopt::Parser,
    option: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, String> {
    let value = parser.value().map_err(|err| err.to_string())?;
    let parsed = value.to_str().and_then(|text| text.parse().ok());
    parsed
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            format!(
                "{option} {value:?}: it takes a number from {} to {}",
                range.start(),
                range.end()
            )
        })
}

/// Whether all of it holds.
fn prove(house: &House, asked: Asked) -> Result<bool, String> {
    let begun = Instant::now();
    let mut found = submissions::gather(house, &asked.exercises);
    if asked.only_right {
        found.submissions.retain(|one| one.kind == Kind::Right);
    }
    let mut faults: Vec<Fault> = found.faults.into_iter().map(Fault::plain).collect();
    let mut unknown = asked.left_out;
    unknown.extend(found.skipped);

    let mut texts = BTreeMap::new();
    for submission in &found.submissions {
        if let Source::Rust { bin, text } = &submission.source {
            texts.insert(bin.as_str(), text.as_str());
        }
    }
    let mut built = package::build(house, &texts)?;
    let mut cases = Vec::new();
    for submission in found.submissions {
        let launch = match submission.source {
            Source::Script { command } => Launch::Command(command),
            Source::Rust { bin, .. } => match built.remove(&bin) {
                Some(Ok(executable)) => Launch::Built(executable),
                came => {
                    let sentence = format!("{} does not compile.", submission.shown);
                    let seen = came.and_then(Result::err).unwrap_or_default();
                    faults.push(Fault { sentence, seen });
                    continue;
                }
            },
        };
        let how = match &launch {
            Launch::Command(words) => format!(" --cmd '{} {}'", words[0], submission.shown),
            Launch::Built(path) => format!(" --cmd '{}'", house.shown(path)),
            Launch::Running(_) => String::new(),
        };
        let (exercise, shown, kind) = (submission.exercise, submission.shown, submission.kind);
        cases.push(Case {
            exercise,
            shown,
            kind,
            launch,
            how,
        });
    }
    let building = begun.elapsed();

    let tell = |done, total| out::status(&format!("proving: {done} of {total} checks run"));
    let results = trial::run(&cases, asked.effort, &tell);
    interrupt::wait_if_under_way();
    out::status_done();
    let (rows, seen, untold) = weigh::weigh(&asked.exercises, &cases, &results, asked.only_right);
    faults.extend(seen);
    faults.extend(messages::compare(house, &asked.exercises, &cases, &results));
    unknown.extend(untold);
    out::show(&table(&rows, asked.effort));
    for sentence in &unknown {
        out::show(&format!("\n{}", wrapped("–", sentence)));
    }
    for fault in &faults {
        out::show(&format!(
            "\n{}{}",
            wrapped("✗", &fault.sentence),
            fault.seen
        ));
    }
    let right = cases.iter().filter(|case| case.kind == Kind::Right).count();
    let wrong = cases
        .iter()
        .filter(|case| matches!(case.kind, Kind::Wrong(_)))
        .count();
    let verdict = match faults.len() {
        0 => "Proven".to_string(),
        1 => "Not proven (1 fault)".to_string(),
        n => format!("Not proven ({n} faults)"),
    };
    out::say(format!(
        "\n{verdict}: {right} right programs, {wrong} wrong ones, seed {}, load {};\n\
         {:.0} s in all, {:.0} s of it for building.",
        asked.effort.seed,
        asked.effort.load,
        begun.elapsed().as_secs_f64(),
        building.as_secs_f64()
    ));
    Ok(faults.is_empty())
}

impl Fault {
    fn plain(sentence: String) -> Fault {
        Fault {
            sentence,
            seen: String::new(),
        }
    }
}

/// The table. Its seconds are those of the exercise's checks together; many run side by side.
fn table(rows: &[Row], effort: Effort) -> String {
    let mut out = format!(
        "{:<20} {:>6} {:>5} {:>5} {:>6} {:>6} {:>8} {:>6} {:>7}\n",
        "exercise", "checks", "right", "wrong", "caught", "rounds", "failures", "unsure", "seconds"
    );
    for row in rows {
        out.push_str(&format!(
            "{:<20} {:>6} {:>5} {:>5} {:>6} {:>6} {:>8} {:>6} {:>7.0}\n",
            row.name,
            row.checks,
            row.right,
            row.wrong,
            row.caught,
            effort.rounds,
            row.failures,
            row.unsure,
            row.seconds
        ));
    }
    out
}

/// A sentence behind a sign, wrapped between words and indented below its beginning.
fn wrapped(sign: &str, sentence: &str) -> String {
    let mut out = sign.to_string();
    let mut column = sign.chars().count();
    for word in sentence.split_whitespace() {
        let width = word.chars().count();
        if column + 1 + width > WIDTH {
            out.push_str("\n ");
            column = 1;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + width;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Result<Option<Asked>, String> {
        let house = House::find().unwrap();
        understand(args.iter().map(OsString::from).collect(), &house)
    }

    #[test]
    fn every_exercise_is_proven_unless_some_are_named() {
        let all = asked(&[]).unwrap().unwrap();
        assert_eq!(
            all.exercises.len() + all.left_out.len(),
            chapters::exercises().count()
        );
        assert_eq!((all.effort.rounds, all.effort.load), (1, 0));
        let words = [
            "--rounds",
            "20",
            "ex01_port_scan",
            "--load=4",
            "--seed",
            "5f3a",
            "--right",
        ];
        let some = asked(&words).unwrap().unwrap();
        assert_eq!(some.exercises[0].name, "ex01_port_scan");
        assert_eq!((some.effort.rounds, some.effort.load), (20, 4));
        assert_eq!(some.effort.seed, Seed(0x5f3a));
        assert!(some.only_right && !all.only_right);
        assert!(asked(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn bad_usage_is_answered_with_what_is_wrong() {
        for (args, word) in [
            (vec!["ex99_none"], "ex99_none"),
            (vec!["--rounds"], "rounds"),
            (vec!["--rounds", "0"], "1 to 10000"),
            (vec!["--load", "-1"], "0 to 64"),
            (vec!["--seed", "xyz"], "5f3a"),
            (vec!["--frobnicate"], "frobnicate"),
        ] {
            let why = asked(&args)
                .err()
                .unwrap_or_else(|| panic!("{args:?} was taken"));
            assert!(why.contains(word), "{args:?}: {why}");
        }
    }

    #[test]
    fn nothing_is_wider_than_a_terminal() {
        let row = Row {
            name: "ex01_every_address",
            checks: 99,
            right: 99,
            wrong: 999,
            caught: 999,
            failures: 99_999,
            unsure: 99_999,
            seconds: 99_999.0,
        };
        let effort = Effort {
            rounds: 10_000,
            load: 4,
            seed: Seed(1),
        };
        let sentence = wrapped("✗", &"a word ".repeat(50));
        let shown = format!("{}{USAGE}\n{sentence}", table(&[row], effort));
        assert!(
            shown.lines().all(|line| line.chars().count() <= WIDTH),
            "{shown}"
        );
    }
}
