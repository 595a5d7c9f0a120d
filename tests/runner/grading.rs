//! `grade`: what it builds, what it says, what it remembers, and what it refuses.

use crate::clone::Clone;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;

const CALLER_ID: &str = "ex01_caller_id";

/// A command of these words, quoted for `--cmd`.
fn quoted(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn an_exercise_fails_as_shipped_and_passes_when_it_is_solved() {
    let clone = Clone::new();
    let done = clone.run(["grade"]);
    done.exits(1)
        .says("ex01_caller_id  failed")
        .says("4 of 4 checks failed. Begin with the first of them:\ncargo course grade ex01_caller_id --only ")
        .says("A hint: cargo course hint ex01_caller_id");
    assert_eq!(clone.progress(), "");
    clone.solve(CALLER_ID);
    // A part of its checks is not the exercise.
    let done = clone.run(["grade", CALLER_ID, "--only", "OWN ADDRESS"]);
    done.exits(0)
        .says("All of its checks: cargo course grade ex01_caller_id");
    assert_eq!(clone.progress(), "");
    let done = clone.run(["grade", "ex01_caller_id.rs"]);
    done.exits(0)
        .says("ex01_caller_id  passed")
        .says("Next: ex01_port_scan");
    assert_eq!(clone.progress(), "passed ex01_caller_id\n");
    clone.run([""; 0]).says("Next: ex01_port_scan");
}

#[test]
fn when_all_have_passed_it_says_so() {
    let clone = Clone::new();
    let names = wireside::chapters::exercises().map(|(_, e)| format!("passed {}\n", e.name));
    fs::write(
        clone.root.join(".wireside-progress"),
        names.collect::<String>(),
    )
    .unwrap();
    clone
        .run(["grade"])
        .exits(0)
        .says("cargo course grade --all");
    // A machine gets its object all the same.
    let done = clone.run(["grade", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["exercises"], serde_json::json!([]), "{done}");
    clone
        .run(["watch"])
        .exits(0)
        .says("Every exercise has passed");
    clone
        .run(["hint"])
        .exits(2)
        .complains("name the one whose hints you want");
}

#[test]
fn a_broken_exercise_breaks_nothing_else_and_nothing_stale_is_graded() {
    let clone = Clone::new();
    clone.solve(CALLER_ID);
    clone.run(["grade", CALLER_ID]).exits(0);
    fs::write(
        clone.exercise(CALLER_ID),
        "fn main() { let x: u8 = \"no\"; }\n",
    )
    .unwrap();
    let done = clone.run(["grade", CALLER_ID]);
    done.exits(3)
        .says("not-built")
        .says("mismatched types")
        .says("ex01_caller_id.rs:1:");
    // The other is graded all the same, and its verdict stands first or second as it was named.
    clone.solve("ex02_echo_server");
    let done = clone.run(["grade", CALLER_ID, "ex02_echo_server"]);
    done.exits(3)
        .says("mismatched types")
        .says("ex02_echo_server  passed");
    done.says("1 of 2 exercises passed. The first that did not: ex01_caller_id");
    assert!(clone.progress().contains("passed ex02_echo_server"));
}

#[test]
fn a_file_that_is_not_utf_8_and_one_that_is_gone_are_said_to_be_so() {
    let clone = Clone::new();
    fs::write(clone.exercise(CALLER_ID), b"fn main() {} // \xff\xfe\n").unwrap();
    clone.run(["grade", CALLER_ID]).exits(3).says("UTF-8");
    fs::remove_file(clone.exercise(CALLER_ID)).unwrap();
    clone
        .run(["grade", CALLER_ID])
        .exits(3)
        .says("cargo course reset ex01_caller_id");
}

#[test]
fn a_cargo_that_is_not_there_or_cannot_go_on_is_said_to_be_so() {
    let clone = Clone::new();
    let mut command = clone.runner(["grade", CALLER_ID]);
    command.env("CARGO", clone.root.join("no-cargo"));
    let done = crate::clone::Running::start(command).end();
    done.exits(3).says("cannot run").says("https://rustup.rs");
    let manifest = clone.root.join("exercises/Cargo.toml");
    fs::write(&manifest, "[package\n").unwrap();
    clone.run(["grade", CALLER_ID]).exits(3).says("Cargo.toml");
}

#[test]
fn what_the_compiler_warns_of_is_shown() {
    let clone = Clone::new();
    let text = clone.solution(CALLER_ID) + "\nfn nobody_calls_this() {}\n";
    fs::write(clone.exercise(CALLER_ID), text).unwrap();
    clone
        .run(["grade", CALLER_ID])
        .exits(0)
        .complains("nobody_calls_this");
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let clone = Clone::new();
    clone.solve(CALLER_ID);
    let done = clone.run(["grade", CALLER_ID, "--format", "json", "--seed", "5f3a"]);
    let report: Value = serde_json::from_str(&done.exits(0).stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["seed"], "5f3a");
    assert_eq!(report["score"], report["max_score"]);
    assert_eq!(report["exercises"][0]["verdict"], "passed");

    fs::write(clone.exercise(CALLER_ID), "fn").unwrap();
    let done = clone.run(["grade", CALLER_ID, "--format", "json"]);
    let report: Value = serde_json::from_str(&done.exits(3).stdout).unwrap();
    assert_eq!(report["exercises"][0]["verdict"], "not-built");
}

#[test]
fn a_report_goes_into_a_file_whole_and_the_human_one_to_stdout() {
    let clone = Clone::new();
    clone.solve(CALLER_ID);
    let folder = clone.root.join("results");
    fs::create_dir(&folder).unwrap();
    let out = folder.join("report.json");
    fs::write(&out, "what was there before, and is longer than nothing").unwrap();
    let mut command = clone.runner(["grade", CALLER_ID, "--format", "json", "--out"]);
    command.arg(&out);
    let done = crate::clone::Running::start(command).end();
    done.exits(0).says("ex01_caller_id  passed");
    let report: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let checks = report["exercises"][0]["checks"].as_array().unwrap().len();
    assert_eq!(
        checks,
        wireside::chapters::exercise(CALLER_ID)
            .unwrap()
            .1
            .checks
            .len()
    );
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "a temporary file was left"
    );

    let done = clone.run(["grade", CALLER_ID, "--out", "no/such/folder/report.json"]);
    done.exits(2).complains("there is no folder no/such/folder");
    assert_eq!(done.stdout, "", "it was graded all the same");
    clone
        .run(["grade", CALLER_ID, "--out", "results"])
        .exits(2)
        .complains("cannot write results");
}

#[test]
fn a_file_that_may_not_be_written_is_refused_before_anything_is_graded() {
    let clone = Clone::new();
    let out = clone.root.join("kept.json");
    fs::write(&out, "mine").unwrap();
    let mut permissions = fs::metadata(&out).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&out, permissions).unwrap();
    let done = clone.run(["grade", CALLER_ID, "--format", "json", "--out", "kept.json"]);
    done.exits(2).complains("cannot write kept.json");
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    assert!(!clone.root.join("target").exists(), "something was built");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_is_no_verdict() {
    let clone = Clone::new();
    clone.solve(CALLER_ID);
    let done = clone.run(["grade", CALLER_ID, "--format", "json", "--out", "/dev/full"]);
    done.exits(4)
        .says("ex01_caller_id  passed")
        .complains("cannot write /dev/full: ");
    assert!(
        !fs::metadata("/dev/full").unwrap().is_file(),
        "the device was replaced"
    );

    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = clone
        .runner(["grade", CALLER_ID, "--format", "json"])
        .stdout(full)
        .output();
    assert_eq!(output.unwrap().status.code(), Some(4));
}

#[test]
fn bad_usage_is_refused_before_anything_is_built() {
    let clone = Clone::new();
    let refused = |args: &[&str], why: &str| {
        let mut all = vec!["grade"];
        all.extend(args);
        let done = clone.run(all);
        done.exits(2).complains(why);
        assert_eq!(done.stdout, "");
    };
    refused(&["--seed", "xyz"], "no hex number");
    refused(&["--seed"], "--seed");
    refused(
        &["--format", "pdf"],
        "no format is called `pdf`; there are: human, json",
    );
    refused(&["--all", CALLER_ID], "leave out the names");
    refused(&["--all=yes"], "--all");
    refused(&["--cmd", "true"], "needs the name of the one exercise");
    refused(
        &["--connect", "127.0.0.1:1"],
        "needs the name of the one exercise",
    );
    refused(
        &["--all", "--cmd", "true"],
        "needs the name of the one exercise",
    );
    refused(
        &[CALLER_ID, "ex02_echo_server", "--cmd", "true"],
        "of the one exercise",
    );
    refused(
        &[CALLER_ID, "--cmd", "true", "--connect", "127.0.0.1:1"],
        "use one of them",
    );
    refused(
        &[CALLER_ID, "--cmd", "python3 'server.py"],
        "opened and not closed",
    );
    refused(&[CALLER_ID, "--cmd", " "], "the command is empty");
    refused(
        &[CALLER_ID, "--connect", "localhost"],
        "no address of the form IP:PORT",
    );
    refused(
        &["ex02_echo_client", "--connect", "127.0.0.1:1"],
        "is a client",
    );
    refused(
        &[CALLER_ID, "--only", "no such words"],
        "there are:\n  ex01_caller_id: a client is",
    );
    assert!(!clone.root.join("target").exists(), "something was built");
}

#[test]
fn a_program_of_another_origin_is_graded_by_command_and_by_address() {
    let clone = Clone::new();
    let server = env!("CARGO_BIN_EXE_ch02_echo_server");
    let command = quoted(&[server, "{addr}"]);
    let done = clone.run(["grade", "ex02_echo_server", "--cmd", &command]);
    done.exits(0).says("ex02_echo_server  passed");
    assert_eq!(clone.progress(), "", "the clone's own file was not graded");
    assert!(!clone.root.join("target").exists(), "something was built");

    let mut command = std::process::Command::new(server);
    command.arg("127.0.0.1:0");
    let mut running = crate::clone::Running::start(command);
    running.hears("listening on ");
    let addr = running.hears("\n");
    let done = clone.run(["grade", "ex02_echo_server", "--connect", addr.trim()]);
    done.exits(0).says("ex02_echo_server  passed");
    assert_eq!(clone.progress(), "");
    let addr = addr.trim().to_string();
    drop(running);
    // Nobody is there any more.
    let done = clone.run(["grade", "ex02_echo_server", "--connect", &addr]);
    assert!(done.status == Some(1), "{done}");
}

#[cfg(unix)]
#[test]
fn a_built_program_may_be_named_from_where_one_is() {
    let clone = Clone::new();
    let server = env!("CARGO_BIN_EXE_ch02_echo_server");
    std::os::unix::fs::symlink(server, clone.root.join("server")).unwrap();
    let folder = clone.root.join("exercises");
    for named in ["../server", "./../server"] {
        let mut command = clone.runner(["grade", "ex02_echo_server", "--executable", named]);
        command.args(["--only", "a conversation goes on until"]);
        command.current_dir(&folder);
        let done = crate::clone::Running::start(command).end();
        done.exits(0).says("ex02_echo_server  passed");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_whose_low_descriptors_are_taken_is_the_same_one_else() {
    // The shell's own number, and those of its descriptors that are not taken.
    let script = "echo $$; for n in $(seq 3 29); do [ -e /proc/$$/fd/$n ] || echo $n; done";
    let started = std::process::Command::new(env!("CARGO_BIN_EXE_wireside"))
        .args(["--with-fillers", "sh", "-c", script])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = started.id();
    let output = started.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{id}\n"));
}

#[test]
fn a_program_that_begins_with_its_low_descriptors_taken_may_not_be_there() {
    let clone = Clone::new();
    let only = "those inside are echoed while there is no descriptor";
    let grade = ["grade", "ex06_limited", "--only", only, "--cmd"];
    let done = clone.run(grade.into_iter().chain(["no-such-program-anywhere {addr}"]));
    done.exits(3).says("cannot start no-such-program-anywhere");
}

#[test]
fn a_command_that_does_not_exist_is_not_started_and_one_that_ends_at_once_fails() {
    let clone = Clone::new();
    let done = clone.run([
        "grade",
        CALLER_ID,
        "--cmd",
        "no-such-program-anywhere {addr}",
    ]);
    done.exits(3).says("cannot start no-such-program-anywhere");
    // Bad usage of its own: it ends before it listens.
    let command = quoted(&[env!("CARGO_BIN_EXE_ch02_echo_server"), "{addr}", "more"]);
    clone
        .run(["grade", CALLER_ID, "--cmd", &command])
        .exits(1)
        .says("it ended: exit status 2");
}

#[test]
fn a_port_in_use_is_the_program_s_own_trouble() {
    let clone = Clone::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = clone.solution(CALLER_ID);
    let taken = format!("TcpListener::bind(\"{}\")", held.local_addr().unwrap());
    let stubborn = source.replace("TcpListener::bind(addr)", &taken);
    assert_ne!(stubborn, source);
    fs::write(clone.exercise(CALLER_ID), stubborn).unwrap();
    let done = clone.run(["grade", CALLER_ID]);
    done.exits(1).says(match cfg!(windows) {
        true => "os error 10048",
        false => "in use",
    });
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_doesn_t_change_the_verdict() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let clone = Clone::new();
    clone.solve(CALLER_ID);
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    let output = clone
        .runner(["grade", CALLER_ID])
        .stdout(OwnedFd::from(theirs))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(clone.progress(), "passed ex01_caller_id\n");
}
