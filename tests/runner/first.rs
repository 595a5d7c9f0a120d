//! The first `cargo run`, in a clone where nothing was built, and how it comes to the rest.

use crate::clone::{Clone, Done, Running};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

const BUILDING: &str = "Building the grader";

/// A command in the clone, with none of what cargo tells a test.
fn in_clone(clone: &Clone, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&clone.root)
        .env("CARGO_MANIFEST_DIR", &clone.root)
        .env("CARGO_TARGET_DIR", clone.root.join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null());
    command
}

/// What the alias `cargo course` does.
fn course(clone: &Clone, args: &[&str]) -> Done {
    let mut cargo = in_clone(clone, env!("CARGO"));
    cargo.args(["run", "--quiet", "--package", "wireside", "--bin"]);
    Running::start({
        cargo.args(["wireside", "--"]).args(args);
        cargo
    })
    .end()
}

/// The runner that cargo has built, where there is no cargo.
fn without_cargo(clone: &Clone, args: &[&str]) -> Done {
    let runner = format!("target/debug/wireside{}", std::env::consts::EXE_SUFFIX);
    let mut runner = in_clone(clone, clone.root.join(runner));
    runner.args(args).env("CARGO", clone.root.join("no-cargo"));
    Running::start(runner).end()
}

/// As an editor saves that writes a new file and renames it.
fn append(clone: &Clone, file: &str, text: &str) {
    let file = clone.root.join(file);
    let whole = fs::read_to_string(&file).unwrap() + text;
    let new = file.with_extension("rs~");
    fs::write(&new, whole).unwrap();
    fs::rename(&new, file).unwrap();
}

#[test]
fn the_first_run_compiles_the_home_screen_and_a_command_the_rest() {
    let clone = Clone::new();
    let runner = clone.root.join("target/runner");
    let grader = clone.root.join("src/grader/mod.rs");

    let mut first = in_clone(&clone, env!("CARGO"));
    first.args(["run", "--color", "never"]);
    let first = Running::start(first).end();
    first.exits(0).says("Next: ex01_caller_id");
    let crates: Vec<&str> = first
        .stderr
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Compiling ")?.split(' ').next())
        .collect();
    assert_eq!(crates, ["byteorder", "wireside"], "{first}");
    assert!(!runner.exists(), "nobody reads it: it is only shown");

    // What doesn't build is no verdict, and takes the home screen with it in no case.
    let whole = fs::read(&grader).unwrap();
    append(&clone, "src/grader/mod.rs", "}\n");
    for (args, status) in [(["grade"], 4), (["class"], 4), (["hint"], 1)] {
        course(&clone, &args)
            .exits(status)
            .complains("unexpected closing delimiter")
            .complains("not built: cargo's reason stands above");
    }
    course(&clone, &[]).exits(0).says("Next: ex01_caller_id");
    fs::write(&grader, whole).unwrap();

    if !reads_on_a_terminal(&clone) {
        course(&clone, &["hint"]).exits(0).complains(BUILDING);
    }
    let hint = course(&clone, &["hint"]);
    hint.exits(0).says(" of 3 for ex01_caller_id");
    assert!(!hint.stderr.contains(BUILDING), "{hint}");
    // Arguments and exit status pass through.
    course(&clone, &["grade", "ex99_nothing"])
        .exits(2)
        .complains("no exercise is called `ex99_nothing`");

    // Nothing that it is made of has changed: cargo isn't asked.
    append(&clone, "exercises/src/bin/ex01_caller_id.rs", "// Mine.\n");
    append(&clone, "src/bin/ch02_echo_server.rs", "// Tried.\n");
    without_cargo(&clone, &["--version"])
        .exits(0)
        .says("wireside ");
    // A version that is older is another version, too.
    let file = fs::File::options().append(true).open(&grader).unwrap();
    let then = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(86_400);
    file.set_modified(then).unwrap();
    without_cargo(&clone, &["grade"])
        .exits(4)
        .complains("cannot run ")
        .complains("https://rustup.rs");
    without_cargo(&clone, &["hint"]).exits(1);
    without_cargo(&clone, &[])
        .exits(0)
        .says("Next: ex01_caller_id");
}

/// The home screen on a terminal, which goes on to build the rest; false where no terminal can be
/// made.
fn reads_on_a_terminal(clone: &Clone) -> bool {
    let version = Command::new("script").arg("--version").output();
    if !version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("util-linux")) {
        assert!(
            std::env::var_os("WIRESIDE_ALL_PEERS").is_none(),
            "util-linux's script is not installed"
        );
        return false;
    }
    let runner = clone.root.join("target/debug/wireside");
    let mut script = in_clone(clone, "script");
    script
        .args(["--quiet", "--return", "--command"])
        .arg(runner)
        .arg("/dev/null")
        .env("CARGO", env!("CARGO"));
    let done = Running::start(script).end();
    done.exits(0).says("Next: ").says(BUILDING);
    let home = done.stdout.find("Next: ");
    assert!(home < done.stdout.find(BUILDING), "{done}");
    assert!(!done.stdout.contains("error"), "{done}");
    true
}
