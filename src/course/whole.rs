//! The whole runner, and how the first `cargo run` comes to it.
//!
//! Without the feature `runner` the runner is this: it shows the home screen, and for all else it
//! builds the whole one, in a target folder of its own (on Windows what runs can't be overwritten),
//! and that one does what was asked for. A build goes on where this program alone is killed: what a
//! terminal's Ctrl-C or `timeout` ends is cargo as well.

use super::house::House;
use super::{cargo_itself, ended, files, home, no_cargo, out, trouble};
use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

/// Shows the home screen, or hands the arguments to the whole runner.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let trouble = trouble(args.first().map_or(OsStr::new(""), |first| first));
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
        return ended(status, trouble);
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

/// Where it is built: beside what runs now, for one clone may be used from several systems.
fn folder(house: &House) -> PathBuf {
    let exe = env::current_exe().unwrap_or_default();
    // target/debug/wireside; a program that was copied elsewhere says nothing.
    let profile = exe
        .parent()
        .filter(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    let target = profile.and_then(Path::parent).unwrap_or(house.target());
    target
        .join("runner")
        .join(format!("{}-{}", env::consts::OS, env::consts::ARCH))
}

/// What the runner that lies in the folder was made of.
fn stamp(folder: &Path) -> PathBuf {
    folder.join("made-of")
}

/// What it is to be made of, a file a line with its length and time. Cargo knows better whether it must
/// be built again, but takes longer to say so than the rest of a command.
fn parts(house: &House) -> io::Result<String> {
    let root = house.root();
    let mut parts = format!("{}\n", root.display());
    // Another cargo or another version of the course has built this program anew.
    add(&env::current_exe()?, &mut parts)?;
    add(&root.join("Cargo.toml"), &mut parts)?;
    add(&root.join("Cargo.lock"), &mut parts)?;
    add_sources(&root.join("src"), &mut parts)?;
    Ok(parts)
}

fn add(file: &Path, parts: &mut String) -> io::Result<()> {
    let found = fs::metadata(file)?;
    let time = found.modified()?.duration_since(SystemTime::UNIX_EPOCH);
    let nanos = time.map_or(0, |time| time.as_nanos());
    parts.push_str(&format!("{} {} {nanos}\n", file.display(), found.len()));
    Ok(())
}

/// The chapter programs are no part of the runner.
fn add_sources(folder: &Path, parts: &mut String) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("bin") && !path.ends_with("systems") {
            add_sources(&path, parts)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && path.is_file() {
            add(&path, parts)?;
        }
    }
    Ok(())
}

/// The whole runner, if it was made of what is there now.
fn current(house: &House) -> Option<PathBuf> {
    let folder = folder(house);
    let made_of = fs::read_to_string(stamp(&folder)).ok()?;
    if made_of == parts(house).ok()? {
        newest(&folder)
    } else {
        None
    }
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
        .filter_map(|runner| Some((fs::metadata(&runner).ok()?.modified().ok()?, runner)))
        .max()
        .map(|(_, runner)| runner)
}

/// Builds it.
fn build(house: &House) -> Result<PathBuf, String> {
    let folder = folder(house);
    out::warn(if stamp(&folder).exists() {
        "Building the grader, demos and commands: the course has changed."
    } else {
        "Building the grader, demos and commands: once, some ten seconds."
    });
    // Before cargo looks at them: what is changed meanwhile is built next time.
    let parts = parts(house);
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
    if !cargo.status().map_err(no_cargo)?.success() {
        return Err(NOT_BUILT.to_string());
    }
    // Without it cargo is asked each time, and that is all.
    if let Ok(parts) = parts {
        let _ = files::write_whole(&stamp(&folder), parts.as_bytes());
    }
    newest(&folder).ok_or_else(|| {
        let folder = folder.display();
        format!("cargo built a runner, and it isn't in {folder}: please report this")
    })
}

const NOT_BUILT: &str = if cfg!(windows) {
    "They were not built: cargo's reason stands above. The first time it needs the internet.\n\
     If the course still runs in another terminal, end it there; the next command tries again."
} else {
    "They were not built: cargo's reason stands above. The first time it needs the internet;\n\
     the next command tries again."
};

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
