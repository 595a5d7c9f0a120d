//! All Rust submissions as the programs of one package, built in one go.
//!
//! The package has a workspace of its own, so that a wrong program is in nobody's way. A file is
//! written only where its text has changed: a second proof builds nothing.

use crate::course::commands::interrupt;
use crate::course::house::House;
use crate::course::{cargo_itself, files, out};
use crate::grader::platform;
use crate::grader::report::json;
use jzon::JsonValue;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// What came of each program: its executable, or the compiler's words.
pub type Built = BTreeMap<String, Result<PathBuf, String>>;

/// Writes the package with these programs, and builds them: name and text of each.
///
/// # Errors
/// A sentence: the package can't be written, cargo can't be run, or it could not go on.
pub fn build(house: &House, programs: &BTreeMap<&str, &str>) -> Result<Built, String> {
    let folder = house.target().join("proof");
    write(house, &folder, programs)?;
    // The network is asked only for what this machine doesn't have yet.
    let mut said = cargo(&folder, programs.len(), true)?;
    if said.is_wanting(programs) {
        said = cargo(&folder, programs.len(), false)?;
    }
    if said.is_wanting(programs) {
        return Err(format!(
            "cargo could not build the proof's programs:\n{}",
            said.stderr
        ));
    }
    let mut built = Built::new();
    for name in programs.keys() {
        let words = said.words.remove(*name);
        let came = said
            .executables
            .remove(*name)
            .ok_or(words.unwrap_or_default());
        built.insert(name.to_string(), came);
    }
    Ok(built)
}

fn write(house: &House, folder: &Path, programs: &BTreeMap<&str, &str>) -> Result<(), String> {
    let read = |path: &Path| {
        let shown = house.shown(path);
        fs::read_to_string(path).map_err(|err| format!("cannot read {shown}: {err}"))
    };
    let cannot = |path: &Path, err| format!("cannot write {}: {err}", path.display());
    let src = folder.join("src");
    fs::create_dir_all(&src).map_err(|err| cannot(&src, err))?;
    let root = read(&house.manifest())?;
    let solutions = read(&house.root().join("solutions/Cargo.toml"))?;
    let mut wanted = vec![(
        folder.join("Cargo.toml"),
        manifest(&root, &solutions, programs),
    )];
    for (name, text) in programs {
        wanted.push((src.join(format!("{name}.rs")), text.to_string()));
    }
    // Cargo takes out of its copy what this package doesn't use: the original stands beside it.
    let lock = read(&house.root().join("Cargo.lock"))?;
    let copied = folder.join("Cargo.lock.copied");
    let cargos = folder.join("Cargo.lock");
    if !cargos.is_file() || fs::read_to_string(&copied).ok().as_ref() != Some(&lock) {
        wanted.push((cargos, lock.clone()));
        wanted.push((copied, lock));
    }
    for (path, text) in wanted {
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            files::write_whole(&path, text.as_bytes()).map_err(|err| cannot(&path, err))?;
        }
    }
    Ok(())
}

/// The package's Cargo.toml: the solutions' features and dependencies, and nothing of their lints.
fn manifest(root: &str, solutions: &str, programs: &BTreeMap<&str, &str>) -> String {
    let edition = root
        .lines()
        .find(|line| line.starts_with("edition = "))
        .unwrap_or_default();
    let mut out = format!(
        "# Made by `cargo course prove`.\n[package]\nname = \"proof\"\nversion = \"0.0.0\"\n\
         {edition}\npublish = false\nautobins = false\n\n[workspace]\n\n\
         [profile.dev]\ndebug = 0\nincremental = false\n\n"
    );
    let mut taken = false;
    for line in solutions.lines() {
        if line.starts_with('[') {
            let table = line.trim_matches(['[', ']']);
            let (_, last) = table.rsplit_once('.').unwrap_or(("", table));
            // `[dependencies]`, and `[target.'cfg(…)'.dependencies]`, whose cfg may hold a dot.
            taken = table == "features" || last == "dependencies";
        }
        if taken {
            out.push_str(line);
            out.push('\n');
        }
    }
    for name in programs.keys() {
        out.push_str(&format!(
            "\n[[bin]]\nname = \"{name}\"\npath = \"src/{name}.rs\"\n"
        ));
    }
    out
}

/// What cargo reported.
#[derive(Default)]
struct Said {
    executables: BTreeMap<String, PathBuf>,
    words: BTreeMap<String, String>,
    stderr: String,
}

impl Said {
    /// Whether a program is missing and no compiler said why: cargo itself could not go on.
    fn is_wanting(&self, programs: &BTreeMap<&str, &str>) -> bool {
        programs
            .keys()
            .any(|name| !self.executables.contains_key(*name) && !self.words.contains_key(*name))
    }

    fn take_in(&mut self, message: &JsonValue) {
        let Some(name) = message["target"]["name"].as_str() else {
            return;
        };
        let words = &message["message"];
        if message["reason"] == "compiler-message" && words["level"] == "error" {
            let rendered = words["rendered"].as_str().unwrap_or_default();
            self.words
                .entry(name.to_string())
                .or_default()
                .push_str(rendered);
        } else if let Some(executable) = message["executable"].as_str() {
            self.executables.insert(name.to_string(), executable.into());
        }
    }
}

fn cargo(folder: &Path, count: usize, offline: bool) -> Result<Said, String> {
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
    command.arg("--target-dir").arg(folder.join("target"));
    if offline {
        command.arg("--offline");
    }
    if cfg!(feature = "tls") {
        command.args(["--features", "tls"]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    platform::in_own_group(&mut command);
    let mut child = command.spawn().map_err(|err| {
        format!("cannot run cargo: {err}\nInstall Rust from https://rustup.rs, then try again.")
    })?;
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
                said.take_in(&message);
                let done = said.executables.len();
                out::status(&format!("building: {done} of {count} programs"));
            }
        }
    }
    let ended = child.wait();
    drop(guard);
    interrupt::wait_if_under_way();
    said.stderr = stderr.join().unwrap_or_default();
    out::status_done();
    ended
        .map(|_| said)
        .map_err(|err| format!("lost sight of cargo: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_takes_over_dependencies_and_no_lints() {
        let solutions = "[package]\nname = \"solutions\"\n\n[features]\ntls = [\"dep:a\"]\n\n\
                         [dependencies]\na = \"1.0\"\n\n[lints]\nworkspace = true\n\n\
                         [target.'cfg(target_os = \"linux\")'.dependencies]\nb = \"2.0\"\n\n\
                         [[bin]]\nname = \"sol\"\n";
        let programs = BTreeMap::from([("one", ""), ("two", "")]);
        let made = manifest("x\nedition = \"2024\"\n", solutions, &programs);
        for due in [
            "edition = \"2024\"",
            "tls = [",
            "a = \"1.0\"",
            "b = \"2.0\"",
            "src/two.rs",
        ] {
            assert!(made.contains(due), "{due} is missing in:\n{made}");
        }
        for wrong in ["lints", "\"sol\"", "\"solutions\""] {
            assert!(!made.contains(wrong), "{wrong} is in:\n{made}");
        }
    }
}
