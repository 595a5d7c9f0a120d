//! Building exercises and chapter programs with cargo.
//!
//! Cargo reports as JSON which executable it made of what, and what the compiler said of which
//! program. So one run builds any number of them, a broken one takes nothing else with it, and what
//! is graded is what was built just now: never a stale file that happens to lie there.

use super::interrupt;
use crate::course::house::House;
use crate::course::{cargo_itself, no_cargo, out};
use crate::grader::platform;
use crate::grader::report::json;
use jzon::JsonValue;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

/// What came of one program.
#[derive(Debug)]
pub struct Built {
    /// The executable, or why there is none: the compiler's words, or cargo's.
    pub executable: Result<PathBuf, String>,
    /// What the compiler said although it built it.
    pub warnings: String,
}

/// Builds these exercises, each for itself: what came of each, in the same order.
pub fn exercises(house: &House, names: &[&str]) -> Vec<Built> {
    build(house, "exercises", names, features(names))
}

/// Builds these chapter programs; their executables, in the same order.
///
/// # Errors
/// The compiler's words about the first that doesn't build, or cargo's.
pub fn programs(house: &House, names: &[&str]) -> Result<Vec<PathBuf>, String> {
    let built = build(house, "wireside", names, features(names));
    built.into_iter().map(|built| built.executable).collect()
}

/// The runner with TLS, or why it can't be built.
pub(super) fn runner_with_tls(house: &House) -> Result<PathBuf, String> {
    let built = build(house, "wireside", &["wireside"], "runner,tls").pop();
    built.map_or_else(
        || Err("cargo built no runner".to_string()),
        |built| built.executable,
    )
}

/// `tls` if one of these belongs to a chapter on it: the others are built without it, and sooner.
fn features(names: &[&str]) -> &'static str {
    let mut chapters = crate::chapters::chapters().filter(|chapter| chapter.tls);
    let needs_tls = chapters.any(|chapter| {
        let exercises = chapter.exercises.iter().map(|exercise| exercise.name);
        let mut own = exercises.chain(chapter.programs.iter().copied());
        own.any(|name| names.contains(&name))
    });
    if needs_tls { "tls" } else { "" }
}

/// Builds programs of one package; with features in a target folder of its own, because on Windows
/// the running runner can't be overwritten.
fn build(house: &House, package: &str, names: &[&str], features: &str) -> Vec<Built> {
    if names.is_empty() {
        return Vec::new();
    }
    let said = match cargo(house, package, names, features) {
        Ok(said) => said,
        Err(why) => {
            let failed = |_: &&str| Built {
                executable: Err(why.clone()),
                warnings: String::new(),
            };
            return names.iter().map(failed).collect();
        }
    };
    let of = |name: &&str| {
        let words = said.words.get(*name).cloned().unwrap_or_default();
        match said.executables.get(*name) {
            Some(executable) => Built {
                executable: Ok(executable.clone()),
                warnings: words,
            },
            // What cargo itself said holds for all of them: a broken Cargo.toml, a full disk.
            None if words.is_empty() => Built {
                executable: Err(advised(&said.stderr)),
                warnings: words,
            },
            None => Built {
                executable: Err(words),
                warnings: String::new(),
            },
        }
    };
    names.iter().map(of).collect()
}

/// What cargo reported, by the program's name.
#[derive(Default)]
struct Said {
    executables: BTreeMap<String, PathBuf>,
    words: BTreeMap<String, String>,
    stderr: String,
}

fn cargo(house: &House, package: &str, names: &[&str], features: &str) -> Result<Said, String> {
    let mut command = Command::new(cargo_itself());
    // The current folder stays what it is, so that cargo finds the same configuration as the
    // learner's own `cargo build` does.
    command.args([
        "build",
        "--keep-going",
        "--color",
        "never",
        "--message-format",
        "json",
    ]);
    command
        .arg("--manifest-path")
        .arg(house.manifest())
        .args(["--package", package]);
    for name in names {
        command.args(["--bin", name]);
    }
    if !features.is_empty() {
        command
            .args(["--features", features, "--target-dir"])
            .arg(house.target().join("tls"));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Ctrl-C is ours to pass on.
    platform::in_own_group(&mut command);
    out::status(&building(names));
    let mut child = command.spawn().map_err(no_cargo)?;
    let guard = interrupt::group(child.id());
    let stderr = child.stderr.take();
    let stderr = thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stderr) = stderr {
            // What was read before an error is worth showing.
            let _ = stderr.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let mut said = Said::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let Ok(line) = line else { break };
            if let Some(message) = json::parse(&line) {
                said.take_in(&message, names);
            }
        }
    }
    let ended = child.wait();
    drop(guard);
    interrupt::wait_if_under_way();
    said.stderr = stderr.join().unwrap_or_default();
    out::status_done();
    if let Err(err) = ended {
        return Err(format!("lost sight of cargo: {err}"));
    }
    Ok(said)
}

impl Said {
    fn take_in(&mut self, message: &JsonValue, names: &[&str]) {
        let target = &message["target"];
        let Some(name) = target["name"].as_str() else {
            return;
        };
        let is_bin = target["kind"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|k| k == "bin"));
        if message["reason"] == "compiler-message" && message["message"]["level"] == "error" {
            let words = message["message"]["rendered"].as_str().unwrap_or_default();
            if !is_bin {
                // A library that they all need: the error is every program's.
                for name in names {
                    self.words
                        .entry(name.to_string())
                        .or_default()
                        .push_str(words);
                }
                return;
            }
        }
        if !is_bin || !names.contains(&name) {
            return;
        }
        match message["reason"].as_str() {
            Some("compiler-message") => {
                let words = message["message"]["rendered"].as_str().unwrap_or_default();
                self.words
                    .entry(name.to_string())
                    .or_default()
                    .push_str(words);
            }
            Some("compiler-artifact") => {
                if let Some(executable) = message["executable"].as_str() {
                    self.executables.insert(name.to_string(), executable.into());
                }
            }
            _ => {}
        }
    }
}

/// What is being built, in one line: the names that it has room for, and how many more there are.
fn building(names: &[&str]) -> String {
    for shown in (1..=names.len()).rev() {
        let mut line = format!("building {}", names[..shown].join(", "));
        if shown < names.len() {
            line.push_str(&format!(" and {} more", names.len() - shown));
        }
        if line.chars().count() <= out::STATUS_COLUMNS {
            return line;
        }
    }
    "building".to_string()
}

/// Cargo's words, with what to do where they don't say it.
fn advised(stderr: &str) -> String {
    let quiet = [
        "   Compiling ",
        "    Finished ",
        "warning: build failed, waiting",
    ];
    let lines = stderr
        .lines()
        .filter(|line| !quiet.iter().any(|start| line.starts_with(start)));
    let mut words: String = lines.map(|line| format!("{line}\n")).collect();
    if words.contains("failed to remove file") {
        words.push_str("The program still runs somewhere: end it, then try again.\n");
    }
    if words.is_empty() {
        words.push_str("cargo ended without a word and without a program: try `cargo build`\n");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use jzon::object;

    fn message(reason: &str, kind: &str, name: &str) -> JsonValue {
        object! {
            "reason": reason,
            "target": {"name": name, "kind": [kind]},
            "executable": format!("/t/{name}"),
            "message": {"level": "error", "rendered": format!("error in {name}\n")},
        }
    }

    #[test]
    fn an_error_stays_with_its_own_program() {
        let mut said = Said::default();
        said.take_in(&message("compiler-message", "bin", "a"), &["a", "b"]);
        said.take_in(&message("compiler-artifact", "bin", "b"), &["a", "b"]);
        assert_eq!(said.words.get("a").unwrap(), "error in a\n");
        assert_eq!(said.words.get("b"), None);
        assert_eq!(said.executables.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn an_error_in_a_library_is_every_program_s() {
        let mut said = Said::default();
        said.take_in(&message("compiler-message", "lib", "wireside"), &["a", "b"]);
        assert_eq!(said.words.len(), 2);
    }

    #[test]
    fn what_is_built_fits_into_the_status_line() {
        assert_eq!(building(&["a", "b"]), "building a, b");
        let long = ["ch05_audit_server"; 6];
        let line = building(&long);
        assert!(line.ends_with("ch05_audit_server and 3 more"), "{line}");
        for chapter in crate::chapters::chapters() {
            let line = building(chapter.demo.programs);
            assert!(line.chars().count() <= out::STATUS_COLUMNS, "{line}");
        }
        assert_eq!(building(&[&"x".repeat(90)]), "building");
    }

    #[test]
    fn cargo_s_own_words_lose_what_says_nothing() {
        let words = advised("   Compiling x v0.1.0\nerror: failed to remove file `x.exe`\n");
        assert!(words.starts_with("error: failed to remove"), "{words}");
        assert!(words.contains("still runs somewhere"), "{words}");
        assert!(!words.contains("Compiling"), "{words}");
    }
}
