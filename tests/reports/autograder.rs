//! The script that Gradescope runs, in a folder instead of its container.

use crate::gradescope::faults;
use crate::run::{self, Folder};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Cargo would put another runner in the place of the one that the tests test.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("autograder")
}

/// The script's time is for the submission: what it runs is built before, as in its container.
fn built() {
    static BUILT: std::sync::Once = std::sync::Once::new();
    BUILT.call_once(|| {
        let mut course = Command::new(env!("CARGO"));
        course.args(["course", "--version"]);
        course.env("CARGO_TARGET_DIR", target());
        let ran = course.current_dir(env!("CARGO_MANIFEST_DIR")).output();
        assert!(ran.expect("run cargo").status.success());
    });
}

/// Runs it for a submission of one file, with so many seconds: the results, and what it said.
fn autograded(name: &str, text: &str, limit: u32) -> (Value, String) {
    let folder = Folder::new();
    let submission = folder.path().join("submission/their folder");
    fs::create_dir_all(&submission).expect("a folder");
    fs::write(submission.join(name), text).expect("a submission");
    let root = env!("CARGO_MANIFEST_DIR");
    built();
    let ran = Command::new("bash")
        .arg(format!("{root}/book/classroom/gradescope/run_autograder"))
        .env("AUTOGRADER", folder.path())
        // A submission in Python leaves the clone's own exercises as they are.
        .env("COURSE", root)
        .env("CARGO_TARGET_DIR", target())
        .env("EXERCISE", "ex02_echo_server")
        .env("LIMIT", limit.to_string())
        .env("RUN_AS", "nobody that is known here")
        .output()
        .expect("bash can be run");
    assert!(
        ran.status.success(),
        "Gradescope would call it broken: {ran:?}"
    );
    let results = fs::read_to_string(folder.path().join("results/results.json")).expect("results");
    let results: Value = serde_json::from_str(&results).expect("JSON");
    assert_eq!(faults(&results), [""; 0]);
    (results, String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn a_submission_without_the_file_is_told_which_file_is_due() {
    if !run::there_is("bash") {
        return;
    }
    let (results, _) = autograded("server.rs", "fn main() {}", 120);
    let output = results["output"].as_str().expect("output");
    assert!(
        output.starts_with("There is no file ex02_echo_server.rs"),
        "{output}"
    );
    assert_eq!(results["score"], 0);
}

#[test]
fn a_submission_is_graded_and_told_how_to_repeat_it_at_home() {
    if !run::there_is("bash") || !run::there_is("python3") {
        return;
    }
    let (results, said) = autograded("ex02_echo_server.py", run::HALF_RIGHT, 120);
    let tests = results["tests"].as_array().expect("tests");
    let failed = tests
        .iter()
        .find(|test| test["status"] == "failed")
        .expect("it is half right");
    let output = failed["output"].as_str().expect("output");
    assert!(
        output.contains(" --cmd 'python3 ex02_echo_server.py' --only "),
        "{output}"
    );
    assert!(
        results["score"].as_u64() > Some(0) && tests.len() > 1,
        "{results}"
    );
    assert!(
        said.ends_with("cargo course grade: exit status 1\n"),
        "{said}"
    );
}

#[test]
fn where_the_time_is_up_what_was_judged_until_then_counts_and_it_is_said() {
    if !run::there_is("bash") || !run::there_is("python3") {
        return;
    }
    // Most of its checks wait for ten seconds; some have passed long before.
    let echoes_once = r#"
import socket, sys, time
host, port = sys.argv[1].rsplit(":", 1)
listener = socket.create_server((host, int(port)))
print("listening on %s:%d" % listener.getsockname(), flush=True)
stream, _ = listener.accept()
stream.sendall(stream.recv(65536))
time.sleep(600)
"#;
    let (results, said) = autograded("ex02_echo_server.py", echoes_once, 9);
    assert!(said.ends_with("exit status 124\n"), "{said}");
    let output = results["output"].as_str().expect("output");
    assert!(output.starts_with("TIME WAS UP: "), "{output}");
    assert!(!results["tests"].as_array().expect("tests").is_empty());
}
