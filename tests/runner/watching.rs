//! `watch`: a save is graded, a hanging program hangs nobody, and it never goes on by itself.

use crate::clone::{Clone, Running};
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::process::Stdio;

const CALLER_ID: &str = "ex01_caller_id";

/// Saves as many editors do: into another file, and then a rename.
fn save(clone: &Clone, text: &str) {
    let beside = clone.root.join("exercises/src/bin/.swap");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, clone.exercise(CALLER_ID)).unwrap();
}

fn watch(clone: &Clone) -> Running {
    let mut command = clone.runner(["watch"]);
    command.stdin(Stdio::piped());
    Running::start(command)
}

#[test]
fn each_save_is_graded_and_n_goes_on() {
    let clone = Clone::new();
    let mut watch = watch(&clone);
    watch.hears("Watching exercises");
    watch.hears("ex01_caller_id  failed");
    watch.hears("graded again when it is saved");
    watch.types("h");
    watch.hears("Hint 1 of 3");
    watch.types("what");
    watch.hears("q to leave");
    save(&clone, "fn main() { nonsense }");
    watch.hears("cannot find value `nonsense`");
    watch.hears("graded again when it is saved");
    save(&clone, &clone.solution(CALLER_ID));
    watch.hears("ex01_caller_id passes.");
    watch.hears("n and Enter goes there");
    assert_eq!(
        clone.progress(),
        "passed ex01_caller_id\nhints ex01_caller_id 1\n"
    );
    // It never goes on by itself: a save is still that exercise's.
    save(&clone, &(clone.solution(CALLER_ID) + "// again\n"));
    let said = watch.hears("ex01_caller_id passes.");
    assert!(!said.contains("Watching"), "{said}");
    watch.types("n");
    watch.hears("ex01_port_scan.rs");
    watch.types("q");
    let done = watch.end();
    done.exits(0);
    assert!(!done.stdout.contains('\x1b'), "{done}");
}

#[test]
fn a_program_that_hangs_is_ended_by_the_next_save() {
    let clone = Clone::new();
    save(&clone, "fn main() { loop { std::thread::park(); } }");
    let mut watch = watch(&clone);
    watch.hears("Watching");
    // Its grading takes the 15 s that it has to become ready; the save comes in the middle.
    let built = clone
        .root
        .join(format!("target/debug/{CALLER_ID}{EXE_SUFFIX}"));
    crate::clone::wait_until("the build", || built.exists());
    save(&clone, &clone.solution(CALLER_ID));
    let said = watch.hears("ex01_caller_id passes.");
    assert!(!said.contains("failed"), "{said}");
    watch.types("q");
    watch.end().exits(0);
}

#[test]
fn a_file_that_is_gone_is_waited_for_and_the_end_of_stdin_is_no_command() {
    let clone = Clone::new();
    fs::remove_file(clone.exercise(CALLER_ID)).unwrap();
    // Without a terminal and without stdin it watches on.
    let mut watch = Running::start(clone.runner(["watch", CALLER_ID]));
    watch.hears("is not there; it is graded when it is back");
    save(&clone, &clone.solution(CALLER_ID));
    watch.hears("ex01_caller_id passes.");
    fs::remove_file(clone.exercise(CALLER_ID)).unwrap();
    watch.hears("is not there");
    save(&clone, &clone.solution(CALLER_ID));
    watch.hears("ex01_caller_id passes.");
}
