//! The whole runner, and how the first `cargo run` comes to it.
//!
//! Without the feature `runner` the runner is this: it shows the home screen, and for all else it
//! builds the whole one, in a target folder of its own (on Windows what runs can't be overwritten),
//! and that one does what was asked for.

use super::house::House;
use super::{cargo_itself, ended, home, judges, no_cargo, out};
use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

/// Shows the home screen, or hands the arguments to the whole runner.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let trouble = if judges(&args) { 4 } else { 1 };
    let house = match House::find() {
        Ok(house) => house,
        Err(why) => {
            out::warn(why);
            return ExitCode::from(trouble);
        }
    };
    if args.is_empty() {
        let status = home::run(&house);
        if io::stdout().is_terminal() && io::stderr().is_terminal() && current(&house).is_none() {
            // While the screen is read. It is as good without.
            out::warn("");
            if let Err(why) = build(&house) {
                out::warn(why);
            }
        }
        return ended(status, false);
    }
    let runner = current(&house).map_or_else(|| build(&house), Ok);
    match runner.and_then(|runner| hand_over(&runner, &args)) {
        Ok(status) => status,
        Err(why) => {
            out::warn(why);
            ExitCode::from(trouble)
        }
    }
}

/// Where it is built.
fn folder(house: &House) -> PathBuf {
    house.target().join("runner")
}

/// Its modification time is when the last build that came to its end began.
fn stamp(house: &House) -> PathBuf {
    folder(house).join("built")
}

/// The whole runner, if nothing that it is made of was changed since it was built. Cargo knows
/// better, but takes longer to say so than the rest of a command.
fn current(house: &House) -> Option<PathBuf> {
    let built = changed(&stamp(house)).ok()?;
    let root = house.root();
    let parts = [
        root.join("Cargo.toml"),
        root.join("Cargo.lock"),
        root.join("src"),
    ];
    let is_older = |part| last_change(part).is_ok_and(|changed| changed < built);
    if parts.iter().all(|part| is_older(part)) {
        newest(&folder(house))
    } else {
        None
    }
}

fn changed(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// When the file, or a file of the folder, was last changed. The chapter programs are no part of the
/// runner.
fn last_change(path: &Path) -> io::Result<SystemTime> {
    let mut last = changed(path)?;
    if path.is_dir() && !path.ends_with("bin") && !path.ends_with("systems") {
        for entry in fs::read_dir(path)? {
            last = last.max(last_change(&entry?.path())?);
        }
    }
    Ok(last)
}

/// The runner that was built last. Where cargo is told to build for a target it has a folder more.
fn newest(folder: &Path) -> Option<PathBuf> {
    let inner = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    inner
        .chain([folder.to_path_buf()])
        .map(|folder| folder.join("debug").join(format!("wireside{EXE_SUFFIX}")))
        .filter(|runner| runner.is_file())
        .max_by_key(|runner| changed(runner).ok())
}

/// Builds it.
fn build(house: &House) -> Result<PathBuf, String> {
    let folder = folder(house);
    let failed = |err| format!("cannot write to {}: {err}", folder.display());
    out::warn("Building the grader, demos and commands: some ten seconds the first time.");
    fs::create_dir_all(&folder).map_err(failed)?;
    // What is changed during the build counts as newer. Another terminal may build at the same time.
    let begun = folder.join(format!("begun-{}", std::process::id()));
    fs::write(&begun, "").map_err(failed)?;
    let mut cargo = Command::new(cargo_itself());
    cargo
        .args([
            "build",
            "--quiet",
            "--package",
            "wireside",
            "--bin",
            "wireside",
        ])
        .args(["--features", "runner", "--target-dir"])
        .arg(&folder)
        .arg("--manifest-path")
        .arg(house.manifest())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = cargo.status();
    if !status.as_ref().is_ok_and(|status| status.success()) {
        let _ = fs::remove_file(&begun);
    }
    if !status.map_err(no_cargo)?.success() {
        return Err(
            "They were not built: cargo's reason stands above. The next command tries again."
                .to_string(),
        );
    }
    fs::rename(&begun, stamp(house)).map_err(failed)?;
    newest(&folder).ok_or_else(|| {
        format!(
            "cargo built a runner, and it isn't in {}: please report this",
            folder.display()
        )
    })
}

/// The whole runner does what was asked for. Where the system can, it takes this one's place.
fn hand_over(runner: &Path, args: &[OsString]) -> Result<ExitCode, String> {
    let mut command = Command::new(runner);
    command.args(args);
    let failed = |err: io::Error| format!("cannot run {}: {err}", runner.display());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(failed(command.exec()))
    }
    #[cfg(not(unix))]
    {
        let code = command.status().map_err(failed)?.code();
        // Ended from outside, it has no status: then nobody can tell what it would have been.
        Ok(ExitCode::from(
            code.and_then(|code| u8::try_from(code).ok()).unwrap_or(4),
        ))
    }
}
