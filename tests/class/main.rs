//! `cargo course class`: a folder of submissions, the good, the bad and the hostile, becomes a table.

// What left its process group is found and ended on Linux only.
#![cfg(target_os = "linux")]

mod hostile;
mod submissions;
mod table;

use hostile::{bomb, carriers, marker};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;
use submissions::{Class, NODE, RIGHT, has, read, shipped, solution};
use table::{rows, verdicts};

const ECHO: &str = "ex02_echo_server";

#[test]
fn each_submission_gets_the_verdict_that_it_deserves() {
    if !has("python3") {
        return;
    }
    let (class, marker) = (Class::new(), marker());
    let file = "ex02_echo_server.rs";
    class
        .put("right", file, &solution())
        .put("wrong", file, &shipped().replace("64 * 1024", "32 * 1024"))
        .put("as_shipped", file, &shipped().replace('\n', "\r\n"))
        .put("not_compiling", file, "fn main() { let n: u32 = \"\"; }")
        .put("crashing", file, "fn main() { panic!(\"here\") }")
        .put("silent", "notes.txt", "I had no time")
        .put(
            "fork_bomb",
            "ex02_echo_server.py",
            &format!("{}{RIGHT}", bomb(20, &marker)),
        )
        .put(
            "clone",
            "exercises/src/bin/ex02_echo_server.rs",
            &solution(),
        )
        .put(
            "clone",
            "exercises/src/bin/ex01_caller_id.rs",
            "not asked for",
        );
    fs::create_dir(class.all().join("empty")).expect("make a folder");
    fs::write(class.all().join("names.txt"), "beside").expect("write a file");
    let (status, rows) = class.table(&[ECHO]);
    let mut found = verdicts(&rows);
    // A busy machine may let a wrong program pass a check, and this one passes some anyway.
    found[8].truncate("wrong failed".len());
    assert_eq!(
        found,
        [
            "as_shipped not-attempted none",
            "clone passed all",
            "crashing failed none",
            "empty missing none",
            "fork_bomb passed all",
            "not_compiling not-built none",
            "right passed all",
            "silent missing none",
            "wrong failed",
        ]
    );
    // All were judged, whatever their grades.
    assert_eq!(status, Some(0));
    assert!(rows.iter().all(|row| row[1] == ECHO));
    assert!(rows[5][6].contains("E0308"), "{:?}", rows[5]);
    assert!(rows[8][6].starts_with("failed: "), "{:?}", rows[8]);
    assert_eq!(carriers(&marker), 0);
}

#[test]
fn without_names_each_exercise_that_is_there_is_graded() {
    let class = Class::new();
    class
        .put("ada", "ex02_echo_server.rs", &solution())
        .put(
            "ada",
            "ex01_caller_id.rs",
            &read("solutions/src/bin/sol01_caller_id.rs"),
        )
        .put(
            "bob",
            "exercises/src/bin/ex01_caller_id.rs",
            &read("exercises/shipped/ex01_caller_id.rs"),
        );
    fs::create_dir(class.all().join("carol")).expect("make a folder");
    let (status, rows) = class.table(&[]);
    let found: Vec<String> = rows
        .iter()
        .map(|r| format!("{} {} {}", r[0], r[1], r[2]))
        .collect();
    assert_eq!(
        found,
        [
            "ada ex01_caller_id passed",
            "ada ex02_echo_server passed",
            "bob ex01_caller_id not-attempted",
            "carol  empty",
        ]
    );
    assert_eq!(status, Some(0));
}

#[test]
fn the_rust_file_wins_over_a_script_and_a_script_over_what_is_as_shipped() {
    if !has("python3") || !has("node") {
        return;
    }
    let class = Class::new();
    class
        .put("both", "ex02_echo_server.rs", &solution())
        .put("both", "ex02_echo_server.py", "import sys; sys.exit(1)")
        .put("clone", "exercises/src/bin/ex02_echo_server.rs", &shipped())
        .put("clone", "ex02_echo_server.js", NODE);
    let (status, rows) = class.table(&[ECHO]);
    assert_eq!(verdicts(&rows), ["both passed all", "clone passed all"]);
    assert_eq!(rows[0][6], "not graded: ex02_echo_server.py");
    assert_eq!(status, Some(0));
}

#[test]
fn nothing_of_a_submission_runs_before_it_is_graded() {
    let class = Class::new();
    let sign = class.folder.join("it_ran");
    let write = format!("std::fs::write({sign:?}, \"\").unwrap();");
    class
        .put(
            "clone",
            "exercises/src/bin/ex02_echo_server.rs",
            &solution(),
        )
        .put(
            "clone",
            "exercises/build.rs",
            &format!("fn main() {{ {write} }}"),
        )
        .put(
            "clone",
            "exercises/src/bin/build.rs",
            &format!("fn main() {{ {write} }}"),
        )
        .put("clone", "build.rs", &format!("fn main() {{ {write} }}"))
        .put(
            "clone",
            ".cargo/config.toml",
            "[build]\nrustc-wrapper = \"/nowhere/at/all\"\n",
        )
        .put("clone", "Cargo.toml", "this is no manifest")
        .put(
            "clone",
            "rust-toolchain.toml",
            "[toolchain]\nchannel = \"1.0.0\"\n",
        );
    let (status, rows) = class.table(&[ECHO]);
    assert_eq!(verdicts(&rows), ["clone passed all"]);
    assert_eq!(status, Some(0));
    assert!(!sign.exists());
}

#[test]
fn an_exercise_may_have_a_module_beside_it() {
    let class = Class::new();
    class
        .put(
            "ada",
            "exercises/src/bin/ex02_echo_server.rs",
            &format!("mod aid;\n{}", solution()),
        )
        .put("ada", "exercises/src/bin/aid.rs", "");
    let main = class
        .all()
        .join("ada/exercises/src/bin/ex02_echo_server.rs");
    // Inner comments must come first.
    let text = fs::read_to_string(&main)
        .expect("read it")
        .replace("//!", "//");
    fs::write(main, text).expect("write it");
    assert_eq!(verdicts(&class.table(&[ECHO]).1), ["ada passed all"]);
}

#[test]
fn links_out_of_a_submission_are_not_followed_and_odd_names_are_shown() {
    let class = Class::new();
    fs::write(class.folder.join("secret.rs"), solution()).expect("write a file");
    let folder = |name: &[u8]| {
        let folder = class.all().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&folder).expect("make a folder");
        folder
    };
    symlink(
        "../../secret.rs",
        folder(b"out").join("ex02_echo_server.rs"),
    )
    .expect("link");
    symlink("other.rs", folder(b"inside").join("ex02_echo_server.rs")).expect("link");
    class.put("inside", "other.rs", &solution());
    symlink(&class.folder, class.all().join("whole")).expect("link");
    symlink("/nowhere", folder(b"dangling").join("ex02_echo_server.rs")).expect("link");
    let pipe = folder(b"pipe").join("ex02_echo_server.rs");
    assert!(
        Command::new("mkfifo")
            .arg(pipe)
            .status()
            .expect("run mkfifo")
            .success()
    );
    fs::create_dir(folder(b"a_folder").join("ex02_echo_server.rs")).expect("make a folder");
    // A file system may refuse a name that is not UTF-8.
    let odd = class
        .all()
        .join(std::ffi::OsStr::from_bytes(b"caf\xe9, \"x\""));
    let odd = fs::create_dir(&odd)
        .is_ok_and(|()| fs::write(odd.join("ex02_echo_server.rs"), solution()).is_ok());
    folder(b"=1+1");
    let (status, rows) = class.table(&[ECHO]);
    let mut due = vec!["\\x3d1+1 missing none", "a_folder unreadable none"];
    if odd {
        due.push("caf\\xe9, \"x\" passed all");
    }
    due.extend([
        "dangling unreadable none",
        "inside passed all",
        "out unreadable none",
    ]);
    due.extend(["pipe unreadable none", "whole unreadable none"]);
    assert_eq!(verdicts(&rows), due);
    // Somebody has to look at those.
    assert_eq!(status, Some(4));
}

#[test]
fn the_parts_of_a_class_are_disjoint_and_together_the_whole() {
    let class = Class::new();
    for (at, name) in ["dora", "ada", "carl", "finn", "bob", "emil", "gert"]
        .iter()
        .enumerate()
    {
        match at % 2 {
            0 => class.put(name, "ex02_echo_server.rs", &shipped()),
            _ => class.put(name, "ex02_echo_server.rs", "fn main() { 1 }"),
        };
    }
    let (_, whole) = class.table(&[]);
    assert_eq!(whole.len(), 7);
    let mut together = Vec::new();
    for (i, due) in [(1, 3), (2, 2), (3, 2)] {
        let name = format!("part{i}.csv");
        let output = class.grade(&[
            "all",
            "--shard",
            &format!("{i}/3"),
            "--out",
            &name,
            "--jobs",
            "2",
        ]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let part = rows(&fs::read_to_string(class.csv(&name)).expect("read a part"));
        assert_eq!(part.len(), due);
        together.extend(part);
    }
    together.sort();
    assert_eq!(verdicts(&together), verdicts(&whole));

    // In whatever order they are named.
    let parts = [
        "--join",
        "part3.csv",
        "part1.csv",
        "part2.csv",
        "--out",
        "joined.csv",
    ];
    assert_eq!(class.grade(&parts).status.code(), Some(0));
    let joined = rows(&fs::read_to_string(class.csv("joined.csv")).expect("read the table"));
    assert_eq!(verdicts(&joined), verdicts(&whole));

    let twice = class.grade(&["--join", "part1.csv", "joined.csv", "--out", "twice.csv"]);
    assert_eq!(twice.status.code(), Some(2));
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(
        said.contains("ada is in part1.csv and again in joined.csv"),
        "{said}"
    );
    assert!(!class.csv("twice.csv").exists());
}

#[test]
fn two_runs_give_the_same_table_but_for_the_times() {
    let class = Class::new();
    class
        .put("right", "ex02_echo_server.rs", &solution())
        .put(
            "crashing",
            "ex02_echo_server.rs",
            "fn main() { panic!(\"here\") }",
        )
        .put(
            "broken",
            "ex02_echo_server.rs",
            "fn main() { let n: u32 = \"\"; }",
        );
    let timeless = |args: &[&str]| {
        let (status, mut rows) = class.table(args);
        for row in &mut rows {
            row[5].clear();
        }
        (status, rows)
    };
    let first = timeless(&[]);
    assert_eq!(first, timeless(&[]));
    assert_eq!(first, timeless(&["--jobs", "2"]));
}

#[test]
fn two_at_a_time_are_never_taken_for_each_other() {
    if !has("python3") {
        return;
    }
    let class = Class::new();
    let wrong = RIGHT.replace("stream.sendall(data)", "stream.sendall(b'x' + data)");
    for (name, text) in [("a", RIGHT), ("b", &wrong), ("c", RIGHT), ("d", &wrong)] {
        class.put(name, "ex02_echo_server.py", text);
    }
    // All of them with the same seed: a port that followed from it would be everybody's.
    let (_, rows) = class.table(&["--jobs", "2"]);
    let due = [
        "a passed all",
        "b failed none",
        "c passed all",
        "d failed none",
    ];
    assert_eq!(verdicts(&rows), due);
}

#[test]
fn bad_usage_is_answered_with_what_is_wrong() {
    let class = Class::new();
    fs::write(class.csv("no_table.csv"), "a,b\r\n").expect("write a file");
    for (args, word) in [
        (&[][..], "name the folder"),
        (&["nowhere"], "nowhere"),
        (&["all", "ex99_none"], "ex99_none"),
        (&["all", "--shard", "3/2"], "I from 1 to N"),
        (&["all", "--limit", "0"], "from 1 to"),
        (&["all", "--jobs", "x"], "from 1 to"),
        (&["all", "--out", "nowhere/out.csv"], "cannot write"),
        (&["all", "--frobnicate"], "--frobnicate"),
        (&["--join"], "tables"),
        (&["--join", "nowhere.csv"], "nowhere.csv"),
        (&["--join", "no_table.csv"], "first line"),
    ] {
        let output = class.grade(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(word), "{args:?}: {said}");
    }
}
