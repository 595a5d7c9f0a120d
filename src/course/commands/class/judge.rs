//! One submission: built, each exercise graded by a runner of its own, within its time.

use super::found::{Found, Submission};
use super::guarded;
use super::package::{Bench, Built};
use super::row::{self, Row, Verdict};
use crate::chapters::Exercise;
use crate::course::commands::words;
use crate::course::house::House;
use crate::course::names::Entry;
use crate::grader::report::json;
use crate::grader::seed::Seed;
use crate::grader::stage::remove_folder;
use crate::grader::verdict as grader;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How submissions are judged.
pub struct Judge<'a> {
    house: &'a House,
    /// Ourselves, to be started for each exercise.
    runner: PathBuf,
    bench: Bench,
    limit: Duration,
    seed: Seed,
}

/// A submission that is being judged.
struct Work<'a> {
    submission: &'a Submission,
    /// A word of its own.
    tag: &'a str,
    /// Its package, and where its programs run; made anew and removed at the end.
    folder: PathBuf,
    deadline: Instant,
    rows: Vec<Row>,
}

impl<'a> Judge<'a> {
    /// # Errors
    /// A sentence: the runner doesn't know itself, or the course's manifests can't be read.
    pub fn new(house: &'a House, limit: Duration, seed: Seed) -> Result<Judge<'a>, String> {
        let runner = env::current_exe().map_err(|err| {
            format!("cannot tell which file the runner is, to start it again: {err}")
        })?;
        let bench = Bench::new(house)?;
        Ok(Judge {
            house,
            runner,
            bench,
            limit,
            seed,
        })
    }

    /// Grades these exercises of a submission, or all that it has: a row for each, in order.
    pub fn judge(&self, submission: &Submission, asked: &[Entry]) -> Vec<Row> {
        if let Some(row) = submission.hopeless() {
            return vec![row];
        }
        let entries = match asked {
            [] => submission.entries().collect(),
            asked => asked.to_vec(),
        };
        if entries.is_empty() {
            let why = "no exNN_name.rs, .py or .js in it, and no exercises/src/bin";
            return vec![Row::without_exercise(&submission.name, Verdict::Empty, why)];
        }
        let tag = tag(&submission.folder);
        let folder = self.house.target().join("class").join(&tag);
        remove_folder(&folder);
        let mut work = Work {
            submission,
            tag: &tag,
            folder,
            deadline: Instant::now() + self.limit,
            rows: Vec::new(),
        };
        let begun = Instant::now();
        let mut built = self.build(&work, &entries);
        let share =
            begun.elapsed().as_secs_f64() / built.as_ref().map_or(1, BTreeMap::len).max(1) as f64;
        for (_, exercise) in &entries {
            let found = submission
                .found
                .iter()
                .find(|((_, known), _)| known.name == exercise.name);
            let mut row = match (found.map(|(_, found)| found), &mut built) {
                (None, _) => work.ungraded(exercise, Verdict::Missing, "no file for it"),
                (Some(Found::AsShipped), _) => {
                    work.ungraded(exercise, Verdict::NotAttempted, "its file is as shipped")
                }
                (Some(Found::Unreadable(why)), _) => {
                    work.ungraded(exercise, Verdict::Unreadable, why)
                }
                (
                    Some(Found::Script {
                        path,
                        interpreter,
                        note,
                    }),
                    _,
                ) => match work.script(path) {
                    Ok(path) => self.grade(&work, exercise, &[interpreter.to_string(), path], note),
                    Err(why) => work.ungraded(exercise, Verdict::Error, &why),
                },
                (Some(Found::Rust { note, .. }), Ok(built)) => {
                    let mut row = match built.remove(exercise.name) {
                        Some(Ok(executable)) => {
                            self.grade(&work, exercise, &[executable.display().to_string()], note)
                        }
                        came => {
                            let why = came.and_then(Result::err).unwrap_or_default();
                            work.ungraded(exercise, Verdict::NotBuilt, &why)
                        }
                    };
                    row.seconds += share;
                    row
                }
                (Some(Found::Rust { .. }), Err(row)) => Row {
                    exercise: exercise.name.to_string(),
                    max_score: Row::ungraded("", exercise, Verdict::Missing, "").max_score,
                    seconds: std::mem::take(&mut row.seconds),
                    ..Row::clone(row)
                },
            };
            row.note = row::note(&row.note);
            work.rows.push(row);
        }
        remove_folder(&work.folder);
        work.rows
    }

    /// The executables of the submission's Rust exercises; or the row that stands for each of them.
    #[allow(clippy::type_complexity)]
    fn build(
        &self,
        work: &Work<'_>,
        entries: &[Entry],
    ) -> Result<BTreeMap<&'static str, Result<PathBuf, String>>, Box<Row>> {
        let wanted = |name: &str| entries.iter().any(|(_, exercise)| exercise.name == name);
        let programs: Vec<(&'static str, &[u8])> = work
            .submission
            .found
            .iter()
            .filter_map(|((_, exercise), found)| match found {
                Found::Rust { text, .. } if wanted(exercise.name) => {
                    Some((exercise.name, text.as_slice()))
                }
                _ => None,
            })
            .collect();
        if programs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let begun = Instant::now();
        let modules = work.submission.modules();
        let came = self
            .bench
            .build(&work.folder, work.tag, &programs, &modules, work.deadline);
        let (verdict, why) = match came {
            Ok(Built::Done(built)) => return Ok(built),
            Ok(Built::Late) => (
                Verdict::TimeLimit,
                "the build took all of the time".to_string(),
            ),
            Err(why) => (Verdict::Error, why),
        };
        let mut row = Row::without_exercise(&work.submission.name, verdict, why);
        row.seconds = begun.elapsed().as_secs_f64();
        Err(Box::new(row))
    }

    /// Grades one exercise with a runner of its own.
    fn grade(&self, work: &Work<'_>, exercise: &Exercise, command: &[String], note: &str) -> Row {
        let begun = Instant::now();
        if begun >= work.deadline {
            return work.ungraded(
                exercise,
                Verdict::TimeLimit,
                "the time was over before its turn",
            );
        }
        let mut row = self
            .graded(work, exercise, command)
            .unwrap_or_else(|why| work.ungraded(exercise, Verdict::Error, &why));
        row.seconds = begun.elapsed().as_secs_f64();
        if !note.is_empty() {
            let gap = if row.note.is_empty() { "" } else { "; " };
            row.note = format!("{}{gap}{note}", row.note);
        }
        row
    }

    fn graded(
        &self,
        work: &Work<'_>,
        exercise: &Exercise,
        command: &[String],
    ) -> Result<Row, String> {
        // Programs run in it and the grader makes its own folders in it: what a grader that was
        // killed leaves is removed with it.
        let folder = work.folder.join("run");
        remove_folder(&folder);
        fs::create_dir_all(&folder)
            .map_err(|err| format!("cannot make {}: {err}", folder.display()))?;
        let file = work.folder.join("report.json");
        let _ = fs::remove_file(&file);
        let mut grader = Command::new(&self.runner);
        grader.args(["grade", exercise.name]);
        match command {
            // What the course built keeps the whole contract, as in a learner's own grading.
            [executable] => grader.args(["--executable", executable]),
            words => {
                let quoted: Vec<String> = words.iter().map(|word| words::quote(word)).collect();
                grader.args(["--cmd", &quoted.join(" ")])
            }
        };
        grader
            .args([
                "--seed",
                &self.seed.to_string(),
                "--format",
                "json",
                "--out",
            ])
            .arg(&file)
            .current_dir(&folder)
            .envs(own_environment(self.house))
            .env("TMPDIR", &folder);
        let mut last = String::new();
        let ended = guarded::run(
            &mut grader,
            work.tag,
            work.deadline,
            |_| {},
            |line| {
                let text = String::from_utf8_lossy(line);
                if !text.trim().is_empty() {
                    last = text.trim().to_string();
                }
            },
        );
        let ended = ended.map_err(|err| format!("cannot start the grader: {err}"))?;
        let report = read_report(&file, exercise);
        let mut row = work.ungraded(exercise, Verdict::Error, "");
        if let Some(report) = &report {
            (row.score, row.max_score) = (report.score, row.max_score - report.skipped);
        }
        if ended.late {
            row.verdict = Verdict::TimeLimit;
            let (done, all) = (
                report.map_or(0, |report| report.done),
                exercise.checks.len(),
            );
            row.note = format!("ended after {done} of {all} checks");
            return Ok(row);
        }
        let status = ended.status.and_then(|status| u8::try_from(status).ok());
        match (report, status) {
            // The two are told on different ways: where they differ, somebody has meddled.
            (Some(report), Some(status)) if report.exit_status() == Some(status) => {
                row.verdict = report.verdict;
                row.note = report.note;
            }
            (_, status) => {
                row.score = 0;
                row.note = match status {
                    Some(status) => format!("the grader ended with status {status}: {last}"),
                    None => "the grader was ended by a signal, and not by us".to_string(),
                };
            }
        }
        Ok(row)
    }
}

impl Work<'_> {
    /// The path of a script as a word of a command line. It runs where it lies, beside its modules,
    /// unless the way there can't be written in UTF-8.
    fn script(&self, path: &Path) -> Result<String, String> {
        if let Some(path) = path.to_str() {
            return Ok(path.to_string());
        }
        let own = self.folder.join(path.file_name().unwrap_or_default());
        let copied = fs::create_dir_all(&self.folder).and_then(|()| fs::copy(path, &own));
        copied.map_err(|err| format!("cannot copy the script: {err}"))?;
        Ok(own.display().to_string())
    }

    fn ungraded(&self, exercise: &Exercise, verdict: Verdict, why: &str) -> Row {
        Row::ungraded(&self.submission.name, exercise, verdict, why)
    }
}

/// What a runner needs to find the course from another folder.
fn own_environment(house: &House) -> [(&'static str, OsString); 3] {
    [
        ("CARGO_MANIFEST_DIR", house.root().into()),
        ("CARGO_TARGET_DIR", house.target().into()),
        // A script must not leave its compiled modules in the submission.
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
    ]
}

/// What is taken from a grader's report. Points are looked up by the checks' names: the file lies
/// where a submission could write.
struct Report {
    verdict: Verdict,
    score: u32,
    /// Points that could not be earned here.
    skipped: u32,
    /// Checks that were run.
    done: usize,
    note: String,
}

impl Report {
    /// With what a grader ends that has found this.
    fn exit_status(&self) -> Option<u8> {
        let verdict = match self.verdict {
            Verdict::Passed => grader::Verdict::Passed,
            Verdict::Failed => grader::Verdict::Failed,
            Verdict::NotBuilt => grader::Verdict::NotBuilt,
            Verdict::Skipped => grader::Verdict::Skipped,
            Verdict::Inconclusive => grader::Verdict::Inconclusive,
            Verdict::Error => grader::Verdict::Error,
            _ => return None,
        };
        Some(verdict.exit_status())
    }
}

fn read_report(file: &Path, exercise: &Exercise) -> Option<Report> {
    let json = json::parse(&fs::read(file).ok()?)?;
    let graded = json["exercises"].as_array()?.first()?;
    let told = graded["checks"].as_array()?;
    let mut report = Report {
        verdict: Verdict::from_word(graded["verdict"].as_str()?)?,
        score: 0,
        skipped: 0,
        done: told.len(),
        note: String::new(),
    };
    let mut unpassed = Vec::new();
    let mut reason = None;
    let mut untold = 0;
    for check in exercise.checks {
        let Some(told) = told.iter().find(|told| told["name"] == check.name) else {
            continue;
        };
        match told["verdict"].as_str()? {
            "passed" => report.score += check.points,
            "skipped" => report.skipped += check.points,
            // It says nothing of the program; of one that has failed elsewhere it would go unseen.
            "inconclusive" | "error" if report.verdict == Verdict::Failed => untold += 1,
            _ => {
                unpassed.push(check.name);
                let message = told["message"].as_str().unwrap_or_default();
                reason.get_or_insert_with(|| row::note(message));
            }
        }
    }
    report.note = match (report.verdict, &unpassed[..]) {
        (Verdict::Failed, [one]) => format!("failed: {one}"),
        (Verdict::Failed, [first, rest @ ..]) => {
            format!("failed: {first}, and {} more", rest.len())
        }
        (Verdict::NotBuilt, _) => graded["trouble"].as_str().unwrap_or_default().to_string(),
        (_, [first, ..]) => format!("{first}: {}", reason.unwrap_or_default()),
        _ => String::new(),
    };
    if untold > 0 {
        let note = format!("; {untold} could not be told: grade again");
        report.note.push_str(&note);
    }
    Some(report)
}

/// A word for a submission's folder that no other has, nor another run, and that any tool takes for
/// a name.
fn tag(folder: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    (folder, std::process::id()).hash(&mut hasher);
    format!("s{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapters;

    /// The report of a grader that found these verdicts, the exercise's first checks' in order.
    fn report(verdict: &str, checks: &[&str]) -> Report {
        let (_, exercise) = chapters::exercise("ex01_caller_id").unwrap();
        let told: Vec<String> = (exercise.checks.iter().zip(checks))
            .map(|(check, verdict)| {
                let name = check.name;
                format!(r#"{{"name": "{name}", "verdict": "{verdict}", "message": "why"}}"#)
            })
            .collect();
        let told = told.join(", ");
        let text = format!(r#"{{"exercises": [{{"verdict": "{verdict}", "checks": [{told}]}}]}}"#);
        let file = std::env::temp_dir().join(format!(
            "wireside-report-{}-{}",
            std::process::id(),
            checks.concat()
        ));
        fs::write(&file, text).unwrap();
        let report = read_report(&file, exercise);
        fs::remove_file(&file).unwrap();
        report.unwrap()
    }

    #[test]
    fn what_could_not_be_told_is_no_failure_and_is_said_beside_one() {
        let failed = report("failed", &["passed", "failed", "inconclusive", "error"]);
        assert!(failed.note.starts_with("failed: "), "{}", failed.note);
        assert!(!failed.note.contains(" more"), "{}", failed.note);
        let untold = "; 2 could not be told: grade again";
        assert!(failed.note.ends_with(untold), "{}", failed.note);
        let failed = report("failed", &["failed", "failed"]);
        assert!(failed.note.ends_with(", and 1 more"), "{}", failed.note);
        let unsure = report("inconclusive", &["passed", "inconclusive"]);
        assert!(unsure.note.ends_with(": why"), "{}", unsure.note);
    }
}
