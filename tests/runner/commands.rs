//! Every command, with what it is for and with bad input.

use crate::clone::Clone;
use std::fs;
#[cfg(unix)]
use std::process::Command;

#[test]
fn the_home_screen_shows_every_exercise_and_what_comes_next() {
    let clone = Clone::new();
    let done = clone.run([""; 0]);
    done.exits(0)
        .says("New here?")
        .says("Next: ex01_caller_id")
        .says("cargo course book");
    for (_, exercise) in wireside::chapters::exercises() {
        done.says(exercise.name);
    }
    assert_eq!(done.stderr, "");
    assert!(!done.stdout.contains('\x1b'), "colour in a pipe: {done}");
}

#[test]
fn colour_comes_when_it_is_forced_and_never_against_no_color() {
    let clone = Clone::new();
    let run = |set: &[(&str, &str)]| {
        let mut command = clone.runner([""; 0]);
        command.envs(set.iter().copied());
        crate::clone::Running::start(command)
            .end()
            .stdout
            .contains('\x1b')
    };
    assert!(run(&[("CLICOLOR_FORCE", "1")]));
    assert!(!run(&[("CLICOLOR_FORCE", "0")]));
    assert!(!run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn every_command_has_its_help() {
    let clone = Clone::new();
    clone.run(["--help"]).exits(0).says("usage: cargo course");
    clone.run(["--version"]).exits(0).says("wireside ");
    for command in [
        "grade", "watch", "hint", "solution", "reset", "demo", "book", "doctor",
    ] {
        clone
            .run([command, "--help"])
            .exits(0)
            .says(&format!("usage: cargo course {command}"));
        clone
            .run(["help", command])
            .exits(0)
            .says(&format!("usage: cargo course {command}"));
    }
}

#[test]
fn what_is_mistyped_is_answered_with_the_nearest() {
    let clone = Clone::new();
    clone
        .run(["graed"])
        .exits(2)
        .complains("no command is called `graed`; the nearest: grade");
    for command in ["grade", "watch", "hint", "solution", "reset"] {
        let done = clone.run([command, "ex02_ehco_server"]);
        done.exits(2)
            .complains("no exercise is called `ex02_ehco_server`");
        done.complains("the nearest: ex02_echo_server");
        assert_eq!(done.stdout, "");
        clone
            .run([command, "--frobnicate"])
            .exits(2)
            .complains("`--frobnicate`");
    }
    for command in ["watch", "hint", "solution", "reset"] {
        clone
            .run([command, "ex01_caller_id", "ex01_port_scan"])
            .exits(2)
            .complains("one exercise");
    }
    for command in ["book", "doctor"] {
        clone.run([command, "more"]).exits(2);
    }
    clone
        .run(["--frobnicate"])
        .exits(2)
        .complains("`--frobnicate`");
    clone
        .run(["help", "graed"])
        .exits(2)
        .complains("the nearest: grade");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_refused_in_a_sentence() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let clone = Clone::new();
    let bad = OsStr::from_bytes(b"ex\xff");
    clone.run([bad]).exits(2).complains("is not UTF-8");
    for command in ["grade", "watch", "hint", "solution", "reset"] {
        clone
            .run([OsStr::new(command), bad])
            .exits(2)
            .complains("is not UTF-8");
    }
    for option in ["--cmd", "--only", "--seed", "--format", "--connect"] {
        clone
            .run([OsStr::new("grade"), OsStr::new(option), bad])
            .exits(2)
            .complains("not UTF-8");
    }
    for command in ["grade", "hint", "book", "doctor", "demo"] {
        let option = OsStr::from_bytes(b"--\xff");
        let done = clone.run([OsStr::new(command), option]);
        done.exits(2);
        assert!(!done.stderr.contains("panicked"), "{done}");
    }
}

#[test]
fn three_hints_and_the_third_again() {
    let clone = Clone::new();
    let hint = || clone.run(["hint", "ex01_caller_id"]);
    let first = hint();
    first
        .exits(0)
        .says("Hint 1 of 3")
        .says("The next one: cargo course hint ex01_caller_id");
    hint().exits(0).says("Hint 2 of 3");
    assert!(clone.progress().contains("hints ex01_caller_id 2"));
    let third = hint();
    third.exits(0).says("Hint 3 of 3").says("the last one");
    let fourth = hint();
    fourth.exits(0).says("Hint 3 of 3").says("no more hints");
    let body = |done: &crate::clone::Done| done.stdout.split("\n\n").nth(1).map(String::from);
    assert_eq!(body(&third), body(&fourth));
    assert_ne!(body(&first), body(&third));
    // Without a name: the next that has not passed.
    clone.run(["hint"]).exits(0).says("for ex01_caller_id");
    clone.run([""; 0]).says("not yet, 3 of 3 hints seen");
    fs::remove_file(clone.root.join("exercises/hints/ex01_caller_id.md")).unwrap();
    let done = clone.run(["hint", "ex01_caller_id"]);
    done.exits(1)
        .complains("cannot read the hints in exercises");
}

#[test]
fn a_solution_is_not_shown_by_mistake_and_is_remembered() {
    let clone = Clone::new();
    let done = clone.run(["solution", "ex01_caller_id"]);
    done.exits(2)
        .complains("has not passed yet")
        .complains("--yes");
    assert_eq!(done.stdout, "");
    assert_eq!(clone.progress(), "");
    let done = clone.run(["solution", "ex01_caller_id", "--yes"]);
    assert_eq!(done.exits(0).stdout, clone.solution("ex01_caller_id"));
    clone.run([""; 0]).says("solution seen");
    clone
        .run(["solution"])
        .exits(2)
        .complains("name the exercise");
    // After it passed nothing is asked and nothing remembered.
    fs::write(
        clone.root.join(".wireside-progress"),
        "passed ex02_echo_server\n",
    )
    .unwrap();
    clone.run(["solution", "ex02_echo_server"]).exits(0);
    assert_eq!(clone.progress(), "passed ex02_echo_server\n");
}

#[test]
fn reset_keeps_what_was_there_and_replaces_no_backup() {
    let clone = Clone::new();
    let file = clone.exercise("ex01_caller_id");
    let shipped = fs::read(&file).unwrap();
    clone
        .run(["reset", "ex01_caller_id"])
        .exits(0)
        .says("as shipped already");
    for mine in ["fn mine() {}", "fn again() {}", "fn more() {}"] {
        fs::write(&file, mine).unwrap();
        clone
            .run(["reset", "ex01_caller_id"])
            .exits(0)
            .says("What was there is in");
        assert_eq!(fs::read(&file).unwrap(), shipped);
    }
    let mut kept: Vec<String> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("ex01_caller_id.rs.backup-"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, ["fn again() {}", "fn mine() {}", "fn more() {}"]);

    fs::remove_file(&file).unwrap();
    clone
        .run(["reset", "ex01_caller_id"])
        .exits(0)
        .says("was missing");
    assert_eq!(fs::read(&file).unwrap(), shipped);

    // To be solved again.
    fs::write(
        clone.root.join(".wireside-progress"),
        "passed ex01_caller_id\n",
    )
    .unwrap();
    fs::write(&file, [0xff, 0xfe]).unwrap();
    clone
        .run(["reset", "exercises/src/bin/ex01_caller_id.rs"])
        .exits(0);
    assert_eq!(clone.progress(), "");
    clone.run(["reset"]).exits(2).complains("name the exercise");
    fs::remove_file(clone.root.join("exercises/shipped/ex01_caller_id.rs")).unwrap();
    clone
        .run(["reset", "ex01_caller_id"])
        .exits(1)
        .complains("as shipped");
}

#[test]
fn a_damaged_progress_file_costs_nothing_but_progress() {
    let clone = Clone::new();
    let path = clone.root.join(".wireside-progress");
    fs::write(&path, [0xff, 0x00, b'\n', 0x80]).unwrap();
    clone.run([""; 0]).exits(0).says("Next: ex01_caller_id");
    fs::write(
        &path,
        "passed ex01_caller_id\n\0garbage\nhints ex01_port_scan many\n",
    )
    .unwrap();
    clone.run([""; 0]).exits(0).says("Next: ex01_port_scan");
    clone.run(["hint"]).exits(0);
    assert_eq!(
        clone.progress(),
        "passed ex01_caller_id\nhints ex01_port_scan 1\n"
    );
}

#[test]
fn progress_that_cannot_be_written_costs_a_sentence() {
    let clone = Clone::new();
    // Nobody can rename a file over a folder, not even root.
    fs::create_dir(clone.root.join(".wireside-progress")).unwrap();
    let done = clone.run(["hint", "ex01_caller_id"]);
    done.exits(0)
        .says("Hint 1 of 3")
        .complains("cannot remember your progress");
    assert_eq!(done.stderr.lines().count(), 1, "{done}");
    let left = fs::read_dir(&clone.root).unwrap().flatten();
    let left: Vec<_> = left
        .filter(|e| e.file_name().to_string_lossy().contains(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn it_works_in_every_folder_of_the_clone() {
    let clone = Clone::new();
    let mut command = clone.runner(["hint", "ex01_caller_id"]);
    command
        .current_dir(clone.root.join("exercises/src"))
        .env_remove("CARGO_MANIFEST_DIR");
    crate::clone::Running::start(command).end().exits(0);
    assert_eq!(clone.progress(), "hints ex01_caller_id 1\n");
    // The package that cargo runs for may be another: an exercise's own, say.
    let mut command = clone.runner(["hint", "bin/ex01_caller_id.rs"]);
    command.current_dir(clone.root.join("exercises/src"));
    command.env("CARGO_MANIFEST_DIR", clone.root.join("exercises"));
    crate::clone::Running::start(command).end().exits(0);
    assert_eq!(clone.progress(), "hints ex01_caller_id 2\n");
}

#[test]
fn a_file_elsewhere_is_not_taken_for_the_exercise() {
    let clone = Clone::new();
    let other = clone.root.join("ex01_caller_id.rs");
    fs::write(&other, "fn main() {}").unwrap();
    let done = clone.run(["grade", "./ex01_caller_id.rs"]);
    done.exits(2).complains("is not the file that is graded");
    let done = clone.run(["grade", "nowhere/ex01_caller_id.rs"]);
    done.exits(2)
        .complains("there is no file nowhere/ex01_caller_id.rs");
}

#[test]
fn the_doctor_says_what_is_there_and_what_is_not() {
    let clone = Clone::new();
    clone
        .run(["doctor"])
        .exits(0)
        .says("IPv4 loopback    works")
        .says("cargo ");
    let mut command = clone.runner(["doctor"]);
    command.env("PATH", clone.root.join("exercises"));
    let done = crate::clone::Running::start(command).end();
    done.says("not found")
        .says("package manager")
        .says("cargo install mdbook --locked");
    // A firewall in a network of one's own: Linux has that.
    for (tool, package) in [("nft", "nftables"), ("unshare", "util-linux")] {
        let mut lines = done.stdout.lines();
        let line = lines.find(|line| line.get(4..).is_some_and(|rest| rest.starts_with(tool)));
        assert_eq!(line.is_some(), cfg!(target_os = "linux"), "{done}");
        let Some(line) = line else { continue };
        assert!(line.ends_with(" chapters 1 and 5"), "{done}");
        // nft may be where only root's path leads.
        let remedy = lines.next().unwrap_or_default();
        let said = line.contains("found (/") || remedy.contains(&format!("install {package} "));
        assert!(said, "{done}");
    }
}

#[test]
fn without_mdbook_the_book_says_the_command_that_installs_it() {
    let clone = Clone::new();
    for args in [&["book"][..], &["book", "--build"]] {
        let mut command = clone.runner(args);
        command.env("PATH", clone.root.join("exercises"));
        let done = crate::clone::Running::start(command).end();
        done.exits(1)
            .complains("cargo install mdbook --locked --version 0.5.4");
    }
}

/// A stand-in for mdBook: a script that says what it was called with.
#[cfg(unix)]
fn fake_mdbook(clone: &Clone, rest: &str) -> (Command, std::path::PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let folder = clone.root.join("fake");
    fs::create_dir_all(&folder).unwrap();
    let script = folder.join("mdbook");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo mdbook v0.4.1; exit; fi\n\
         echo \"called $*\"\n{rest}\n"
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = folder.clone().into_os_string();
    path.push(":/usr/bin:/bin");
    let mut command = clone.runner(["book"]);
    command.env("PATH", path);
    (command, folder)
}

#[cfg(unix)]
#[test]
fn the_book_is_served_on_loopback_at_a_port_that_is_free() {
    let clone = Clone::new();
    // If this fails, somebody else is at the port, which will do as well.
    let _held = std::net::TcpListener::bind("127.0.0.1:3000");
    let (command, _) = fake_mdbook(&clone, "exit 0");
    let done = crate::clone::Running::start(command).end();
    done.exits(0)
        .says("--hostname 127.0.0.1 --port ")
        .says("--open");
    assert!(!done.stdout.contains("--port 3000"), "{done}");
    done.complains("this is mdBook 0.4.1, the book is made for 0.5.4");
    let (mut command, _) = fake_mdbook(&clone, "exit 7");
    command.arg("--build");
    let done = crate::clone::Running::start(command).end();
    done.exits(1).says("called build ");
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let clone = Clone::new();
    for args in [&[][..], &["--help"], &["doctor"], &["hint"], &["demo"]] {
        // Writes to a socket whose other end is closed fail as those to a pipe do.
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        let mut command = clone.runner(args);
        let child = command
            .stdout(OwnedFd::from(theirs))
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_said() {
    let clone = Clone::new();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = clone.runner(["doctor"]).stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("cannot write to stdout: "), "{stderr}");
}
