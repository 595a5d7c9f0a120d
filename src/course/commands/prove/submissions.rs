//! Every submission of an exercise that the project keeps: as shipped, right, and wrong.

use super::diff;
use crate::chapters::Exercise;
use crate::course::house::House;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a submission is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a learner gets it: a check must fail.
    Shipped,
    /// The solution, or a right program of another structure: every check must pass.
    Right,
    /// The check of this number is meant for it, and must fail.
    Wrong(usize),
}

/// One submission.
pub struct Submission {
    pub exercise: &'static Exercise,
    /// Its file, as one would type it at the root.
    pub shown: String,
    pub kind: Kind,
    pub source: Source,
}

/// How it becomes something that runs.
pub enum Source {
    /// Rust, built under this name.
    Rust { bin: String, text: String },
    /// Run by an interpreter.
    Script { command: Vec<String> },
}

/// What was found.
#[derive(Default)]
pub struct Gathered {
    pub submissions: Vec<Submission>,
    /// Files that can't be what they should be, each in a sentence.
    pub faults: Vec<String>,
    /// Files that nothing on this machine can run, each in a sentence.
    pub skipped: Vec<String>,
}

/// A right program in only one structure proves little of the checks.
const RIGHT_BESIDES: usize = 2;

/// Finds all that is kept of these exercises. Nothing is run.
pub fn gather(house: &House, exercises: &[&'static Exercise]) -> Gathered {
    let mut found = Gathered::default();
    let mut interpreters = Interpreters::default();
    let known: Vec<&str> = crate::chapters::exercises().map(|(_, e)| e.name).collect();
    for kept in ["tests/right", "tests/wrong"] {
        for folder in entries(&house.root().join(kept)) {
            if !known.contains(&name_of(&folder).as_str()) {
                let shown = house.shown(&folder);
                found
                    .faults
                    .push(format!("{shown} is named after no exercise"));
            }
        }
    }
    for exercise in exercises {
        found.file(
            house,
            exercise,
            Kind::Shipped,
            "shipped",
            &house.shipped(exercise.name),
        );
        let solution = house.solution(exercise.name);
        found.file(house, exercise, Kind::Right, "solution", &solution);
        let right = entries(&house.root().join("tests/right").join(exercise.name));
        if right.len() < RIGHT_BESIDES {
            found.faults.push(format!(
                "tests/right/{} has {} of the {RIGHT_BESIDES} right programs that an exercise \
                 needs besides its solution",
                exercise.name,
                right.len()
            ));
        }
        for path in right {
            match comment_of(&path) {
                Some("//") if extension(&path) == "rs" => {
                    found.file(house, exercise, Kind::Right, "right", &path);
                }
                Some(_) => found.script(house, exercise, Kind::Right, &path, &mut interpreters),
                None => found
                    .faults
                    .push(format!("{} is no program", house.shown(&path))),
            }
        }
        let solution = fs::read_to_string(solution).unwrap_or_default();
        for path in entries(&house.root().join("tests/wrong").join(exercise.name)) {
            if let Err(why) = found.wrong(house, exercise, &path, &solution, &mut interpreters) {
                found.faults.push(format!("{}: {why}", house.shown(&path)));
            }
        }
    }
    found
}

impl Gathered {
    /// A Rust program that stands in a file of its own.
    fn file(
        &mut self,
        house: &House,
        exercise: &'static Exercise,
        kind: Kind,
        what: &str,
        path: &Path,
    ) {
        let shown = house.shown(path);
        match fs::read_to_string(path) {
            Ok(text) => {
                let bin = match what {
                    "right" => bin("right", exercise, path),
                    what => format!("{what}_{}", exercise.name),
                };
                let source = Source::Rust { bin, text };
                self.submissions.push(Submission {
                    exercise,
                    shown,
                    kind,
                    source,
                });
            }
            Err(err) => self.faults.push(format!("cannot read {shown}: {err}")),
        }
    }

    fn script(
        &mut self,
        house: &House,
        exercise: &'static Exercise,
        kind: Kind,
        path: &Path,
        interpreters: &mut Interpreters,
    ) {
        let shown = house.shown(path);
        let (language, names) = match extension(path).as_str() {
            "py" => ("Python", ["python3", "python"].as_slice()),
            _ => ("Node", ["node"].as_slice()),
        };
        let Some(interpreter) = interpreters.find(language, names) else {
            let sentence = format!("{shown} was not run: {language} is not installed here");
            // Where every peer has to be there, a missing one is no excuse.
            match std::env::var_os("WIRESIDE_ALL_PEERS").is_some_and(|value| value == "1") {
                true => self.faults.push(sentence),
                false => self.skipped.push(sentence),
            }
            return;
        };
        let command = vec![interpreter, path.display().to_string()];
        let source = Source::Script { command };
        self.submissions.push(Submission {
            exercise,
            shown,
            kind,
            source,
        });
    }

    fn wrong(
        &mut self,
        house: &House,
        exercise: &'static Exercise,
        path: &Path,
        solution: &str,
        interpreters: &mut Interpreters,
    ) -> Result<(), String> {
        let text = fs::read_to_string(path).map_err(|err| format!("cannot read it: {err}"))?;
        let comment = comment_of(path).ok_or("it is neither a diff nor a program")?;
        let head = diff::head(&text, comment)?;
        let meant = exercise
            .checks
            .iter()
            .position(|check| check.name == head.caught_by);
        let meant =
            meant.ok_or_else(|| format!("{} has no check “{}”", exercise.name, head.caught_by))?;
        let text = match extension(path).as_str() {
            "diff" => diff::apply(&text, solution)?,
            "rs" => text,
            _ => {
                self.script(house, exercise, Kind::Wrong(meant), path, interpreters);
                return Ok(());
            }
        };
        self.submissions.push(Submission {
            exercise,
            shown: house.shown(path),
            kind: Kind::Wrong(meant),
            source: Source::Rust {
                bin: bin("wrong", exercise, path),
                text,
            },
        });
        Ok(())
    }
}

fn bin(what: &str, exercise: &Exercise, path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    format!("{what}_{}_{stem}", exercise.name)
}

fn extension(path: &Path) -> String {
    path.extension()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// What a comment begins with in the file's language; a diff's head is no comment.
fn comment_of(path: &Path) -> Option<&'static str> {
    match extension(path).as_str() {
        "diff" => Some(""),
        "rs" | "js" => Some("//"),
        "py" => Some("#"),
        _ => None,
    }
}

/// What is in a folder, by name; nothing where there is no such folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let found = found.flatten().map(|entry| entry.path());
    // Editors and Python leave files of their own.
    let mut found: Vec<_> = found
        .filter(|path| !name_of(path).starts_with(['.', '_']))
        .collect();
    found.sort();
    found
}

/// The interpreters that this machine has, each asked for once.
#[derive(Default)]
struct Interpreters(BTreeMap<&'static str, Option<String>>);

impl Interpreters {
    fn find(&mut self, language: &'static str, names: &[&str]) -> Option<String> {
        let found = self.0.entry(language).or_insert_with(|| {
            let runs = |name: &&&str| {
                let mut command = Command::new(name);
                command.arg("--version").stdin(Stdio::null());
                command.output().is_ok_and(|output| output.status.success())
            };
            names.iter().find(runs).map(|name| name.to_string())
        });
        found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a wrong submission of ex02_echo_server with this text.
    fn kept(name: &str, text: &str) -> Result<Gathered, String> {
        let house = House::find().unwrap();
        let (_, exercise) = crate::chapters::exercise("ex02_echo_server").unwrap();
        let solution = fs::read_to_string(house.solution(exercise.name)).unwrap();
        let folder = std::env::temp_dir().join(format!("wireside-kept-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let mut found = Gathered::default();
        let came = found.wrong(
            &house,
            exercise,
            &path,
            &solution,
            &mut Interpreters::default(),
        );
        fs::remove_file(&path).unwrap();
        came.map(|()| found)
    }

    const CHECK: &str = "nothing comes back but what was sent";

    #[test]
    fn a_diff_becomes_the_solution_with_its_mistake() {
        let text = format!("mistake: m\ncaught by: {CHECK}\n@@\n-fn main() -> ExitCode {{\n+X\n");
        let found = kept("one.diff", &text).unwrap();
        let Source::Rust { bin, text } = &found.submissions[0].source else {
            panic!("it is no Rust");
        };
        assert_eq!(bin, "wrong_ex02_echo_server_one");
        assert!(
            text.contains("\nX\n") && text.contains("fn serve("),
            "{text}"
        );
        assert_eq!(found.submissions[0].kind, Kind::Wrong(1));
    }

    #[test]
    fn what_can_t_be_kept_is_refused_with_its_reason() {
        let head = format!("mistake: m\ncaught by: {CHECK}\n");
        for (name, text, reason) in [
            (
                "two.diff",
                format!("{head}@@\n-no such line\n+X\n"),
                "nowhere",
            ),
            (
                "three.diff",
                head.replace(CHECK, "no such check") + "@@\n",
                "no check",
            ),
            ("four.diff", "@@\n".to_string(), "head"),
            ("five.rs", head.clone(), "head"),
            ("six.txt", head.clone(), "neither"),
        ] {
            let why = kept(name, &text)
                .err()
                .unwrap_or_else(|| panic!("{name} was taken"));
            assert!(why.contains(reason), "{name}: {why}");
        }
        assert!(
            kept(
                "seven.rs",
                "// mistake: m\n// caught by: what a client sends comes back\n"
            )
            .is_ok()
        );
    }
}
