//! A submission's Rust exercises as a package of their own.
//!
//! Of the submission there are only sources in it: its manifest, its build script and its cargo
//! configuration would run before anything is graded, and are never looked at. All packages share
//! one target folder, so what they depend on is compiled once.

use super::guarded;
use crate::course::house::House;
use crate::course::{cargo_itself, files};
use crate::grader::platform;
use crate::grader::report::json;
use jzon::JsonValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Address space of a compiler, in bytes: a source can name a file without an end to be included.
const COMPILER_MOST: u64 = 6 << 30;

/// What came of a build.
pub enum Built {
    /// The executables, or the compiler's first words, by exercise.
    Done(BTreeMap<&'static str, Result<PathBuf, String>>),
    /// The time was over.
    Late,
}

/// What all packages have in common.
pub struct Bench {
    /// The manifest up to the list of programs.
    head: String,
    lock: String,
    target: PathBuf,
}

impl Bench {
    /// Reads the course's own manifests.
    ///
    /// # Errors
    /// A sentence: one can't be read.
    pub fn new(house: &House) -> Result<Bench, String> {
        let read = |path: PathBuf| {
            let shown = house.shown(&path);
            fs::read_to_string(&path).map_err(|err| format!("cannot read {shown}: {err}"))
        };
        let exercises = read(house.root().join("exercises/Cargo.toml"))?;
        Ok(Bench {
            head: head(&read(house.manifest())?, &exercises),
            lock: read(house.root().join("Cargo.lock"))?,
            target: house.target().join("class").join("target"),
        })
    }

    /// Builds the programs of a submission in this folder, which is made anew. `tag` is a word
    /// that no other submission has.
    ///
    /// # Errors
    /// A sentence: the package can't be written, or cargo can't build it for a reason of its own.
    pub fn build(
        &self,
        folder: &Path,
        tag: &str,
        programs: &[(&'static str, &[u8])],
        modules: &[(String, Vec<u8>)],
        deadline: Instant,
    ) -> Result<Built, String> {
        self.write(folder, tag, programs, modules)
            .map_err(|err| format!("cannot write {}: {err}", folder.display()))?;
        // The network is asked only for what this machine doesn't have yet.
        let mut said = Said::default();
        for offline in [true, false] {
            said = match self.cargo(folder, tag, offline, deadline)? {
                Some(said) => said,
                None => {
                    self.clean(tag);
                    return Ok(Built::Late);
                }
            };
            if said.compiled {
                break;
            }
        }
        let mut built = BTreeMap::new();
        for (name, _) in programs {
            let came = match said.executables.remove(&bin(tag, name)) {
                Some(executable) => {
                    let own = folder.join("bin").join(file_name(name, &executable));
                    fs::rename(&executable, &own)
                        .map_err(|err| format!("cannot move {}: {err}", executable.display()))?;
                    Ok(own)
                }
                None if said.compiled => {
                    Err(said.words.remove(&bin(tag, name)).unwrap_or_default())
                }
                None => {
                    self.clean(tag);
                    return Err(format!("cargo could not go on: {}", said.last));
                }
            };
            built.insert(*name, came);
        }
        self.clean(tag);
        Ok(Built::Done(built))
    }

    fn write(
        &self,
        folder: &Path,
        tag: &str,
        programs: &[(&'static str, &[u8])],
        modules: &[(String, Vec<u8>)],
    ) -> std::io::Result<()> {
        let src = folder.join("src");
        fs::create_dir_all(&src)?;
        fs::create_dir_all(folder.join("bin"))?;
        let mut manifest = format!("[package]\nname = \"{tag}\"\n{}", self.head);
        for (name, text) in programs {
            let bin = bin(tag, name);
            manifest.push_str(&format!(
                "\n[[bin]]\nname = \"{bin}\"\npath = \"src/{name}.rs\"\n"
            ));
            fs::write(src.join(format!("{name}.rs")), text)?;
        }
        for (name, text) in modules {
            fs::write(src.join(name), text)?;
        }
        files::write_whole(&folder.join("Cargo.toml"), manifest.as_bytes())?;
        files::write_whole(&folder.join("Cargo.lock"), self.lock.as_bytes())
    }

    /// What cargo reported; `None` if it took too long.
    fn cargo(
        &self,
        folder: &Path,
        tag: &str,
        offline: bool,
        deadline: Instant,
    ) -> Result<Option<Said>, String> {
        let mut command = Command::new(cargo_itself());
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
            .arg(folder.join("Cargo.toml"));
        command.arg("--target-dir").arg(&self.target);
        if offline {
            command.arg("--offline");
        }
        if cfg!(feature = "tls") {
            command.args(["--features", "tls"]);
        }
        // Cargo looks for its configuration in the current folder and above.
        command.current_dir(folder);
        let mut said = Said::default();
        let limit = |id| {
            let _ = platform::limit_address_space(id, COMPILER_MOST);
        };
        let ended = guarded::run(&mut command, tag, deadline, limit, |line| {
            said.take_in(line, tag)
        });
        let ended = ended.map_err(|err| {
            format!("cannot run cargo: {err}; install Rust from https://rustup.rs")
        })?;
        Ok((!ended.late).then_some(said))
    }

    /// Removes what a build leaves beside the executables: of a thousand submissions it would fill
    /// the disk.
    fn clean(&self, tag: &str) {
        for folder in [
            "debug",
            "debug/deps",
            "debug/.fingerprint",
            "debug/incremental",
        ] {
            let entries = fs::read_dir(self.target.join(folder));
            for entry in entries.into_iter().flatten().flatten() {
                if !entry.file_name().to_string_lossy().starts_with(tag) {
                    continue;
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    let _ = fs::remove_dir_all(entry.path());
                } else {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }
}

/// A program's name in the shared target folder.
fn bin(tag: &str, name: &str) -> String {
    format!("{tag}_{name}")
}

/// The exercise's own name, with the system's ending.
fn file_name(name: &str, executable: &Path) -> PathBuf {
    PathBuf::from(name).with_extension(executable.extension().unwrap_or_default())
}

/// The manifest without its name and its programs: the exercises' features and dependencies, and
/// the workspace's lints, some of which forbid what a clone's own build would refuse, too.
fn head(root: &str, exercises: &str) -> String {
    let edition = root
        .lines()
        .find(|line| line.starts_with("edition = "))
        .unwrap_or_default();
    let mut out = format!(
        "version = \"0.0.0\"\n{edition}\npublish = false\nautobins = false\nbuild = false\n\n\
         [workspace]\n\n[profile.dev]\ndebug = 0\nincremental = false\n\n"
    );
    let mut taken = false;
    for (text, of_root) in [(root, true), (exercises, false)] {
        for line in text.lines() {
            if line.starts_with('[') {
                let table = line.trim_matches(['[', ']']);
                let (_, last) = table.rsplit_once('.').unwrap_or(("", table));
                // `[dependencies]`, and `[target.'cfg(…)'.dependencies]`, whose cfg may hold a dot.
                taken = match of_root {
                    true => table.starts_with("workspace.lints"),
                    false => table == "features" || last == "dependencies",
                };
            }
            if taken {
                out.push_str(&line.replace("[workspace.lints", "[lints"));
                out.push('\n');
            }
        }
    }
    out
}

/// What cargo reported.
#[derive(Default)]
struct Said {
    executables: BTreeMap<String, PathBuf>,
    /// The first error of each program, on one line.
    words: BTreeMap<String, String>,
    /// A program was compiled, or its compiler said why not.
    compiled: bool,
    /// The last line that was no message to a machine.
    last: String,
}

impl Said {
    fn take_in(&mut self, line: &[u8], tag: &str) {
        let Some(message) = json::parse(line) else {
            let text = String::from_utf8_lossy(line);
            // The error stands above the lines that only explain it.
            if !text.trim().is_empty() && !self.last.starts_with("error") {
                self.last = text.trim().to_string();
            }
            return;
        };
        let Some(name) = message["target"]["name"]
            .as_str()
            .filter(|n| n.starts_with(tag))
        else {
            return;
        };
        if let Some(executable) = message["executable"].as_str() {
            self.executables.insert(name.to_string(), executable.into());
            self.compiled = true;
        } else if message["reason"] == "compiler-message" {
            self.compiled = true;
            let words = &message["message"];
            if words["level"] == "error" && !self.words.contains_key(name) {
                self.words.insert(name.to_string(), first_words(words));
            }
        }
    }
}

/// `error[E0425] at line 7: cannot find value `x` in this scope`
fn first_words(message: &JsonValue) -> String {
    let code = message["code"]["code"]
        .as_str()
        .map(|code| format!("[{code}]"));
    let spans = message["spans"].as_array();
    let line = spans.and_then(|spans| spans.iter().find_map(|span| span["line_start"].as_u64()));
    let line = line.map(|line| format!(" at line {line}"));
    let said = message["message"].as_str().unwrap_or_default();
    format!(
        "error{}{}: {said}",
        code.unwrap_or_default(),
        line.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_has_the_course_s_dependencies_and_lints_and_runs_no_build_script() {
        let root = "[workspace.package]\nedition = \"2024\"\n\n[workspace.lints.rust]\n\
                    unsafe_code = \"forbid\"\n\n[dependencies]\nlexopt = \"0.3\"\n";
        let exercises = "[package]\nname = \"exercises\"\n\n[features]\ntls = [\"dep:a\"]\n\n\
                         [target.'cfg(target_os = \"linux\")'.dependencies]\nb = \"2.0\"\n\n\
                         [lints]\nworkspace = true\n\n[[bin]]\nname = \"ex\"\n";
        let made = head(root, exercises);
        for due in [
            "edition = \"2024\"",
            "build = false",
            "[lints.rust]\nunsafe_code",
            "tls = [",
            "b = \"2.0\"",
        ] {
            assert!(made.contains(due), "{due} is missing in:\n{made}");
        }
        for wrong in ["lexopt", "workspace = true", "\"ex\"", "\"exercises\""] {
            assert!(!made.contains(wrong), "{wrong} is in:\n{made}");
        }
    }

    #[test]
    fn a_compiler_s_first_error_is_kept_on_one_line() {
        let mut said = Said::default();
        for text in ["first", "second"] {
            let line = jzon::object! {
                "reason": "compiler-message",
                "target": {"name": "s1_ex02_echo_server"},
                "message": {"level": "error", "message": text, "code": {"code": "E0425"},
                            "spans": [{"line_start": 7}]},
            };
            said.take_in(line.to_string().as_bytes(), "s1");
        }
        assert_eq!(
            said.words["s1_ex02_echo_server"],
            "error[E0425] at line 7: first"
        );
    }
}
