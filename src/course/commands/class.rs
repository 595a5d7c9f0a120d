//! `class`: grades a folder of submissions, one after another or a few at a time, and makes a table.
//!
//! Each exercise of each submission is graded by a runner of its own, in a process group of its own
//! and with a time limit: a submission that hangs, crashes or takes the grader with it costs nobody
//! but its author.

mod csv;
mod found;
mod guarded;
mod judge;
mod package;
mod row;
mod table;

use super::{Outcome, Stop, interrupt, option, tls};
use crate::course::house::House;
use crate::course::names::{self, Entry};
use crate::course::{files, out};
use crate::grader::seed::Seed;
use found::Submission;
use judge::Judge;
use lexopt::{Arg, Parser, ValueExt};
use row::Row;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(super) const HELP: &str = "\
Grades each folder in DIR as a submission: a learner's clone, or a folder with
exNN_name.rs, exNN_name.py or exNN_name.js in it. Without EX: the exercises that
a submission has files for; with EX: those, and one without a file is missing.

  --out FILE        the table as CSV, whole, anew after each submission
  --limit SECONDS   for a submission, its build included (300)
  --shard I/N       only the I-th of N parts, each for a machine of its own; the
                    same folder always has the same parts
  --jobs N          so many submissions at a time (1); more than half of the
                    processors make checks of time inconclusive
  --seed HEX        other random choices than this command's own

  --join FILE...    joins the tables of parts instead: into --out FILE, or
                    stdout

To grade a program is to run it, as you. Grade strangers' work in a container.

Exit status: 0 every submission was judged, whatever its grade; 2 bad usage;
4 one could not be judged: graded on a busy machine, or the grader's own error.
";

/// The same for every submission and every run, so that a grade doesn't hang on chance.
const SEED: Seed = Seed(0xc1a55);

/// How a class is graded.
struct Options {
    /// The folder of submissions, or with `join` nothing.
    folder: PathBuf,
    entries: Vec<Entry>,
    out: Option<PathBuf>,
    limit: Duration,
    /// Which part, from 0, of how many.
    shard: (usize, usize),
    jobs: usize,
    seed: Seed,
    /// Tables to be joined.
    join: Option<Vec<PathBuf>>,
}

/// Runs it: the exit status says whether all were judged, not how they did.
///
/// # Errors
/// Bad usage, or the runner can't be started again.
pub fn run(house: &House, parser: Parser) -> Outcome {
    let options = parse(house, parser)?;
    if let Some(out) = &options.out {
        files::can_write(out)
            .map_err(|err| Stop::Usage(format!("cannot write {}: {err}", out.display())))?;
    }
    if let Some(tables) = &options.join {
        return join(tables, options.out.as_deref());
    }
    let submissions = found::submissions(house, &options.folder).map_err(Stop::Usage)?;
    let chosen: Vec<Submission> = submissions
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % options.shard.1 == options.shard.0)
        .map(|(_, submission)| submission)
        .collect();
    let needs_tls = |(chapter, _): &Entry| chapter.tls;
    let asked = options.entries.iter().any(needs_tls);
    let found = || {
        let mut entries = chosen.iter().flat_map(Submission::attempted);
        entries.any(|entry| needs_tls(&entry))
    };
    if !cfg!(feature = "tls") && (asked || (options.entries.is_empty() && found())) {
        return tls::rerun_with_tls(house, &env::args_os().skip(1).collect::<Vec<_>>());
    }
    grade(house, &options, &chosen)
}

fn grade(house: &House, options: &Options, chosen: &[Submission]) -> Outcome {
    let judge = Judge::new(house, options.limit, options.seed).map_err(Stop::Failed)?;
    let class = Class {
        options,
        chosen,
        judge,
        rows: Mutex::new(vec![None; chosen.len()]),
        trouble: Mutex::new(None),
    };
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..options.jobs.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(submission) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    class.judge(submission);
                }
            });
        }
    });
    interrupt::wait_if_under_way();
    out::status_done();
    let rows = class.rows();
    if chosen.is_empty() {
        class.write();
        out::warn(match options.shard {
            (_, 1) => format!("there is no submission in {}", options.folder.display()),
            (i, n) => format!("part {} of {n} has no submission", i + 1),
        });
    } else {
        out::show(&table::show(&rows));
    }
    let trouble = class.trouble.into_inner();
    if let Some(trouble) = trouble.unwrap_or_else(PoisonError::into_inner) {
        out::warn(trouble);
        return Ok(4);
    }
    Ok(status(&rows))
}

/// 4 if somebody was not judged.
fn status(rows: &[Row]) -> u8 {
    if rows.iter().any(|row| row.verdict.is_no_judgement()) {
        4
    } else {
        0
    }
}

struct Class<'a> {
    options: &'a Options,
    chosen: &'a [Submission],
    judge: Judge<'a>,
    /// Of each that is done.
    rows: Mutex<Vec<Option<Vec<Row>>>>,
    /// Why the table could not be written.
    trouble: Mutex<Option<String>>,
}

impl Class<'_> {
    fn judge(&self, submission: &Submission) {
        if interrupt::is_under_way() {
            return;
        }
        let at = self
            .chosen
            .iter()
            .position(|other| other.name == submission.name);
        self.tell(submission);
        let rows = self.judge.judge(submission, &self.options.entries);
        // Whoever is being ended reports what an interrupt did, not what a submission did.
        interrupt::wait_if_under_way();
        if let Some(at) = at {
            self.rows.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(rows);
        }
        self.write();
    }

    fn tell(&self, submission: &Submission) {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let done = rows.iter().flatten().count();
        let (all, name) = (rows.len(), &submission.name);
        out::status(&format!("{done} of {all} submissions graded; now {name}"));
    }

    /// The rows of those that are done, in order.
    fn rows(&self) -> Vec<Row> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().flatten().flatten().cloned().collect()
    }

    fn write(&self) {
        let Some(out) = &self.options.out else { return };
        // Held while it is written: an older table must not replace a newer one.
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let text = csv::write(&self.rows());
        *trouble = files::write_whole(out, text.as_bytes())
            .err()
            .map(|err| format!("cannot write {}: {err}", out.display()));
    }
}

fn join(tables: &[PathBuf], out: Option<&Path>) -> Outcome {
    let mut all: Vec<(usize, Row)> = Vec::new();
    for (at, path) in tables.iter().enumerate() {
        let shown = path.display();
        let text = std::fs::read(path)
            .map_err(|err| Stop::Usage(format!("cannot read {shown}: {err}")))?;
        let rows = csv::read(&text).map_err(|why| Stop::Usage(format!("{shown}: {why}")))?;
        all.extend(rows.into_iter().map(|row| (at, row)));
    }
    // Stable: a submission's exercises stay in their order.
    all.sort_by(|(_, a), (_, b)| a.submission.cmp(&b.submission));
    for (i, (at, row)) in all.iter().enumerate() {
        let twice = all[..i].iter().rev();
        let mut twice = twice.take_while(|(_, other)| other.submission == row.submission);
        let Some((before, _)) =
            twice.find(|(other_at, other)| other_at != at || other.exercise == row.exercise)
        else {
            continue;
        };
        let (name, a, b) = (
            &row.submission,
            tables[*before].display(),
            tables[*at].display(),
        );
        return Err(Stop::Usage(format!(
            "{name} is in {a} and again in {b}: parts of one class are disjoint, so these are not"
        )));
    }
    let rows: Vec<Row> = all.into_iter().map(|(_, row)| row).collect();
    let text = csv::write(&rows);
    match out {
        None => out::show(&text),
        Some(out) => {
            files::write_whole(out, text.as_bytes())
                .map_err(|err| Stop::Failed(format!("cannot write {}: {err}", out.display())))?;
            out::show(&table::show(&rows));
        }
    }
    Ok(status(&rows))
}

fn parse(house: &House, mut parser: Parser) -> Result<Options, Stop> {
    let usage = |why: String| Stop::Usage(why);
    let mut options = Options {
        folder: PathBuf::new(),
        entries: Vec::new(),
        out: None,
        limit: Duration::from_secs(300),
        shard: (0, 1),
        jobs: 1,
        seed: SEED,
        join: None,
    };
    let mut values: Vec<OsString> = Vec::new();
    let mut joins = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(value) => values.push(value),
            Arg::Long("join") => joins = true,
            Arg::Long("out") => options.out = Some(parser.value()?.into()),
            Arg::Long("limit") => {
                let seconds = number(&parser.value()?, "--limit", 1, 86_400)?;
                options.limit = Duration::from_secs(seconds as u64);
            }
            Arg::Long("jobs") => options.jobs = number(&parser.value()?, "--jobs", 1, 64)?,
            Arg::Long("shard") => {
                let said = parser.value()?;
                options.shard = shard(&said.to_string_lossy()).ok_or_else(|| {
                    usage(format!(
                        "--shard {said:?}: it takes I/N with I from 1 to N; 2/20, say"
                    ))
                })?;
            }
            Arg::Long("seed") => {
                let hex = parser.value()?.string()?;
                options.seed = Seed::parse(&hex).ok_or_else(|| {
                    usage(format!(
                        "--seed: {hex:?} is no hex number of up to 8 digits"
                    ))
                })?;
            }
            other => return Err(option(other)),
        }
    }
    let mut values = values.into_iter();
    if joins {
        let tables: Vec<PathBuf> = values.map(PathBuf::from).collect();
        if tables.is_empty() {
            return Err(usage(
                "--join needs the tables that are to be joined".to_string(),
            ));
        }
        options.join = Some(tables);
        return Ok(options);
    }
    let Some(folder) = values.next() else {
        return Err(usage(
            "name the folder that holds the submissions".to_string(),
        ));
    };
    options.folder = folder.into();
    for name in values {
        let entry = names::exercise(house, &name).map_err(usage)?;
        if options
            .entries
            .iter()
            .all(|(_, known)| known.name != entry.1.name)
        {
            options.entries.push(entry);
        }
    }
    Ok(options)
}

fn number(said: &OsString, option: &str, least: usize, most: usize) -> Result<usize, Stop> {
    let number = said.to_str().and_then(|text| text.parse().ok());
    let number = number.filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        Stop::Usage(format!(
            "{option} {said:?}: it takes a number from {least} to {most}"
        ))
    })
}

/// Which part, from 0, of how many.
fn shard(said: &str) -> Option<(usize, usize)> {
    let (i, n) = said.split_once('/')?;
    let (i, n): (usize, usize) = (i.parse().ok()?, n.parse().ok()?);
    (1..=n).contains(&i).then(|| (i - 1, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_as_many_as_are_said() {
        assert_eq!(shard("1/1"), Some((0, 1)));
        assert_eq!(shard("20/20"), Some((19, 20)));
        for wrong in ["0/2", "3/2", "1/0", "1", "/", "1/2/3", "-1/2", "a/b", ""] {
            assert_eq!(shard(wrong), None, "{wrong}");
        }
    }
}
