//! Every demo of the table is played to its end: by itself, in a pipe, at a terminal of 80 columns
//! with a scripted keyboard. None leaves a process behind.

#[path = "support/again.rs"]
mod again;

use again::where_pressed;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use wireside::chapters::{self, Chapter};

/// No demo without pauses needs so long, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireside"));
    command.arg("demo").args(args);
    command
        .env("COLUMNS", "80")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a demo that has ended left behind.
struct Ended {
    pid: u32,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

fn ends(mut child: Child) -> Ended {
    let pid = child.id();
    let stdout = gather(child.stdout.take());
    let stderr = gather(child.stderr.take());
    let status = wait(&mut child);
    let text = |output: mpsc::Receiver<Vec<u8>>| {
        let bytes = output.recv_timeout(LIMIT).expect("the end of an output");
        String::from_utf8(bytes).expect("an output in UTF-8")
    };
    Ended {
        pid,
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

fn gather(output: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (give, take) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut output) = output {
            let _ = output.read_to_end(&mut bytes);
        }
        let _ = give.send(bytes);
    });
    take
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().expect("ask for the status") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the demo has not ended within {} s", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn run(args: &[&str]) -> Ended {
    ends(demo(args).spawn().expect("start the runner"))
}

/// Where the runner keeps what needs TLS.
fn build_with_tls() {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "build",
        "--quiet",
        "--package",
        "wireside",
        "--features",
        "tls",
    ]);
    command.args(["--target-dir", "target/tls"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let programs = chapters::chapters().filter(|chapter| chapter.tls);
    for program in programs.flat_map(|chapter| chapter.demo.programs) {
        command.args(["--bin", program]);
    }
    assert!(command.status().expect("run cargo").success());
}

fn names() -> impl Iterator<Item = &'static str> {
    // One with TLS builds its programs first: that takes what a compiler takes, and is no part of
    // what is timed here.
    static BUILT: std::sync::Once = std::sync::Once::new();
    if cfg!(feature = "tls") {
        BUILT.call_once(build_with_tls);
    }
    chapters::chapters()
        // The server of chapter 10 is one for Linux.
        .filter(|chapter| !chapter.tls || cfg!(all(feature = "tls", target_os = "linux")))
        .map(|chapter: &Chapter| chapter.demo.name)
}

/// The processes that a demo with this number has started and not ended. Linux tells.
fn left_by(pid: u32) -> Vec<String> {
    let mark = format!("WIRESIDE_STAGE=wireside-demo-{pid}-");
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let marked = processes.flatten().filter(|process| {
        let env = fs::read(process.path().join("environ")).unwrap_or_default();
        env.split(|b| *b == 0)
            .any(|variable| variable.starts_with(mark.as_bytes()))
    });
    marked
        .map(|process| process.path().display().to_string())
        .collect()
}

#[track_caller]
fn leaves_nothing(pid: u32) {
    let left = left_by(pid);
    assert!(left.is_empty(), "still running: {left:?}");
}

#[track_caller]
fn reads_well(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        assert!(
            !line.contains('\x1b'),
            "an escape sequence in a pipe: {line:?}"
        );
        assert_eq!(line, line.trim_end(), "blanks at the end");
    }
}

/// A terminal of 80 by 24 shows question, diagram and answer together; one row of it has the line
/// that says what Enter does.
#[track_caller]
fn has_steps_that_a_room_sees_whole(name: &str, text: &str) {
    let is_heading = |line: &str| {
        let number = line.split(". ").next().unwrap_or_default();
        number.parse::<u32>().is_ok() || line == "What to take away"
    };
    let lines: Vec<&str> = text.lines().collect();
    for step in lines.split(|line| is_heading(line)).skip(1) {
        // The heading's first line is the separator.
        let rows = 1 + step.join("\n").trim_end().lines().count();
        assert!(rows < 24, "{name}: {rows} rows:\n{}", step.join("\n"));
    }
}

#[test]
fn every_demo_plays_by_itself_to_its_end() {
    for name in names() {
        let ended = run(&[name, "--auto", "--pace", "0"]);
        assert!(
            ended.status.success(),
            "{name}: {}\n{}",
            ended.stdout,
            ended.stderr
        );
        assert!(
            ended.stdout.contains("\nWhat to take away\n"),
            "{name}: {}",
            ended.stdout
        );
        assert!(
            ended.stdout.contains("   Predict: "),
            "{name}: {}",
            ended.stdout
        );
        assert_eq!(ended.stderr, "", "{name}");
        reads_well(&ended.stdout);
        has_steps_that_a_room_sees_whole(name, &ended.stdout);
        leaves_nothing(ended.pid);
    }
}

#[test]
fn every_demo_goes_the_same_way_every_time() {
    for name in names() {
        let file = |run: u32, end: &str| {
            let name = format!("wireside-test-{}-{name}-{run}.{end}", std::process::id());
            std::env::temp_dir().join(name)
        };
        let record = |run_number: u32| {
            let (svg, trace) = (file(run_number, "svg"), file(run_number, "json"));
            let (svg_arg, trace_arg) = (svg.to_string_lossy(), trace.to_string_lossy());
            let ended = run(&[
                name, "--pace", "0", "--svg", &svg_arg, "--trace", &trace_arg,
            ]);
            let take = |path: &PathBuf| {
                let text = fs::read_to_string(path).unwrap_or_default();
                let _ = fs::remove_file(path);
                text
            };
            let texts = (take(&svg), take(&trace));
            assert!(ended.status.success(), "{name}: {}", ended.stderr);
            texts
        };
        // In some of them a timer of some 100 ms decides.
        where_pressed(Duration::from_millis(80), || {
            let (svg, trace) = record(1);
            assert!(
                svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
                "{name}: {svg}"
            );
            assert!(trace.contains("\"events\""), "{name}: {trace}");
            let (svg_again, trace_again) = record(2);
            assert_eq!(trace, trace_again, "{name}");
            assert_eq!(svg, svg_again, "{name}");
        });
    }
}

#[test]
fn a_keyboard_of_enters_plays_every_demo_in_a_terminal_of_80_columns() {
    if !has_script() {
        eprintln!("skipped: no util-linux `script` here, so there is no terminal to play in");
        return;
    }
    for name in names() {
        let (pid, screen) = in_terminal(name, &"\r".repeat(30));
        assert!(screen.contains("What to take away"), "{name}: {screen}");
        assert!(screen.contains("Enter goes on"), "{name}: {screen}");
        assert!(screen.contains("rc=0"), "{name}: {screen}");
        // Bold, and the erased line that said what is being built.
        let screen = ["\x1b[1m", "\x1b[0m", "\x1b[K"]
            .iter()
            .fold(screen, |s, e| s.replace(e, ""));
        assert!(
            !screen.contains('\x1b'),
            "{name}: more than bold: {screen:?}"
        );
        for line in screen.split(['\r', '\n']) {
            assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        }
        leaves_nothing(pid);
    }
}

#[test]
fn q_leaves_at_the_first_step() {
    for name in names() {
        let mut command = demo(&[name]);
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .expect("start the runner");
        let mut keyboard = child.stdin.take().expect("piped above");
        keyboard.write_all(b"q\n").expect("type");
        let ended = ends(child);
        assert!(ended.status.success(), "{name}: {}", ended.stderr);
        assert!(
            ended.stdout.contains("\n1. ") && !ended.stdout.contains("\n2. "),
            "{name}"
        );
        assert_eq!(ended.stderr, "", "{name}");
        leaves_nothing(ended.pid);
    }
    if has_script() {
        for name in names() {
            let (pid, screen) = in_terminal(name, "\rq\r");
            assert!(screen.contains("rc=0"), "{name}: {screen}");
            assert!(!screen.contains("What to take away"), "{name}: {screen}");
            leaves_nothing(pid);
        }
    }
}

#[test]
fn a_reader_that_leaves_early_ends_a_demo_quietly() {
    for name in names() {
        let mut child = demo(&[name, "--pace", "0"])
            .spawn()
            .expect("start the runner");
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut first).expect("a first line");
        drop(stdout);
        let ended = ends(child);
        assert!(ended.status.success(), "{name}: {:?}", ended.status);
        assert_eq!(ended.stderr, "", "{name}");
        leaves_nothing(ended.pid);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_in_the_middle_leaves_no_process_behind() {
    for name in names() {
        let mut child = demo(&[name, "--pace", "300"])
            .spawn()
            .expect("start the runner");
        let stdout = child.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("listens on")),
            "{name}: no server"
        );
        if cfg!(target_os = "linux") {
            assert!(
                !left_by(child.id()).is_empty(),
                "{name}: nothing runs: the test sees nothing"
            );
        }
        let pid = child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("run kill");
        assert!(sent.success());
        let ended = ends(child);
        assert_eq!(ended.status.code(), Some(128 + 15), "{name}");
        leaves_nothing(ended.pid);
    }
}

/// A machine without nc, curl, Python and Node: the search path has cargo and rustc alone.
#[cfg(unix)]
#[test]
fn where_foreign_clients_are_missing_our_own_takes_their_place() {
    let cargo = PathBuf::from(env!("CARGO"));
    let tools = cargo.parent().expect("cargo is in a folder");
    if ["nc", "curl", "python3", "node"]
        .iter()
        .any(|tool| tools.join(tool).exists())
    {
        eprintln!("skipped: {} holds one of the clients", tools.display());
        return;
    }
    // What it builds is built before: a linker is not in that path.
    run(&["ch02_echo", "--pace", "0"]);
    let mut command = demo(&["ch02_echo", "--pace", "0"]);
    command.env("PATH", tools).env("CARGO", &cargo);
    let ended = ends(command.spawn().expect("start the runner"));
    assert!(ended.status.success(), "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(
        ended.stdout.matches("is not installed here.").count(),
        4,
        "{}",
        ended.stdout
    );
    assert_eq!(
        ended.stdout.matches("starts ch02_echo_client").count(),
        4,
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("What to take away"),
        "{}",
        ended.stdout
    );
    reads_well(&ended.stdout);
}

#[test]
fn the_list_names_every_demo_with_its_command() {
    let ended = run(&[]);
    assert!(ended.status.success());
    for chapter in chapters::chapters() {
        assert!(
            ended.stdout.contains(chapter.demo.title),
            "{}",
            ended.stdout
        );
        let command = format!("cargo course demo {}", chapter.demo.name);
        assert!(ended.stdout.contains(&command), "{}", ended.stdout);
        assert_eq!(
            chapter.demo.name, chapter.stem,
            "a demo has its chapter's stem"
        );
        let own: BTreeSet<&str> = chapter.demo.programs.iter().copied().collect();
        assert_eq!(
            own.len(),
            chapter.demo.programs.len(),
            "{}: a program twice",
            chapter.stem
        );
    }
    reads_well(&ended.stdout);
}

#[test]
fn a_demo_that_does_not_exist_is_bad_usage_and_names_the_nearest() {
    let ended = run(&["ch02_ehco"]);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("ch02_echo"), "{}", ended.stderr);
    for wrong in [
        &["2", "--pace", "fast"][..],
        &["2", "--fast"],
        &["--auto"],
        &["1", "2"],
    ] {
        let ended = run(wrong);
        assert_eq!(ended.status.code(), Some(2), "{wrong:?}");
        assert!(
            ended.stderr.contains("usage: cargo course demo"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_figure_that_cannot_be_written_is_told_before_the_demo() {
    let ended = run(&["1", "--pace", "0", "--svg", "no/such/folder/x.svg"]);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("cannot write no/such/folder/x.svg"),
        "{}",
        ended.stderr
    );
}

fn has_script() -> bool {
    let version = Command::new("script").arg("--version").output();
    version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux"))
}

/// Plays a demo in a terminal of its own with these keys: its number, and all that was on screen.
fn in_terminal(name: &str, keys: &str) -> (u32, String) {
    let runner = env!("CARGO_BIN_EXE_wireside");
    let line = format!(
        "stty cols 80 rows 24; sh -c 'echo pid=$$; exec \"$0\" demo {name}' '{runner}'; echo rc=$?"
    );
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]);
    script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    for variable in ["COLUMNS", "LINES", "NO_COLOR", "CLICOLOR_FORCE"] {
        script.env_remove(variable);
    }
    let piped = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().expect("start script");
    let mut keyboard = child.stdin.take().expect("piped above");
    keyboard.write_all(keys.as_bytes()).expect("type");
    let ended = ends(child);
    drop(keyboard);
    let pid = ended
        .stdout
        .split("pid=")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let pid = pid.and_then(|pid| pid.trim().parse().ok());
    (
        pid.unwrap_or_else(|| panic!("no number in {:?}", ended.stdout)),
        ended.stdout,
    )
}
