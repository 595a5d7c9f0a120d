//! Submissions that mean harm: the verdict is what their conversation deserves, in bounded time and
//! memory, and nothing of them is left.
//!
//! Each is a right echo server, or one that answers once and no more, and does its harm besides.
//! They are run one at a time: what they do to the machine must not be taken for the grader's.

#![cfg(target_os = "linux")]

mod left;
mod run;

use run::{Asked, Graded, RIGHT, WRONG, python};
use rustix::process::Signal;
use std::fs;
use std::time::Duration;

/// One that a server passes which answers again and again, and no other.
const ONE_CHECK: &str = "a conversation goes on until";

/// Plays a submission with this harm at its beginning: with the right server, which must pass every
/// check, and with the wrong one, which must fail. Of neither anything may be left.
fn harms_nobody(harm: &str) -> Option<Vec<Graded>> {
    let right = Asked::of(&format!("{harm}\n{RIGHT}"))?.grade();
    right.has_status(0);
    let wrong = Asked::of(&format!("{harm}\n{WRONG}"))?
        .only(ONE_CHECK)
        .grade();
    wrong.has_status(1);
    Some(vec![right, wrong])
}

/// The same with one check: what takes much, several side by side would take from the machine.
fn harms_nobody_in_one_check(harm: &str) -> Option<Vec<Graded>> {
    let mut graded = Vec::new();
    for (server, status) in [(RIGHT, 0), (WRONG, 1)] {
        let came = Asked::of(&format!("{harm}\n{server}"))?
            .only(ONE_CHECK)
            .grade();
        came.has_status(status);
        graded.push(came);
    }
    Some(graded)
}

#[test]
fn without_any_harm_the_right_one_passes_and_the_wrong_one_fails() {
    harms_nobody("");
}

#[test]
fn endless_output_on_both_streams_changes_nothing() {
    harms_nobody(
        "\
def shout(to):
    while True:
        os.write(to, b'noise without a line\\'s end ' * 2000)
for to in (1, 2):
    threading.Thread(target=shout, args=(to,), daemon=True).start()",
    );
}

#[test]
fn endless_lines_change_nothing() {
    harms_nobody(
        "\
def shout():
    while True:
        os.write(1, b'listening on port 80\\n' * 2000)
threading.Thread(target=shout, daemon=True).start()",
    );
}

#[test]
fn one_that_ignores_termination_is_ended() {
    harms_nobody(
        "\
for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(n, signal.SIG_IGN)",
    );
}

#[test]
fn grandchildren_that_left_group_session_and_environment_are_ended() {
    harms_nobody(DAEMON);
}

/// A double fork, a session of its own, and an environment with nothing in it.
const DAEMON: &str = "\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, ['python3', '-c', 'import time; time.sleep(600)', MARKER], {})
    os._exit(0)
os.wait()";

#[test]
fn daemons_are_ended_with_their_check_and_not_only_at_the_end() {
    let width = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    if width > 4 {
        eprintln!("skipped: with so many processors all checks run side by side");
        return;
    }
    let ten = format!(
        "def daemon():\n{}\nfor _ in range(30):\n    daemon()",
        indented(DAEMON)
    );
    let Some(asked) = Asked::of(&format!("{ten}\n{RIGHT}")) else {
        return;
    };
    let most = std::cell::Cell::new(0);
    let came = asked.grade_while(|marker| most.set(most.get().max(marker.count())));
    came.has_status(0);
    // Thirteen checks have 390 in all; four at a time have 120, besides what is on its way.
    assert!(most.get() < 260, "{} processes at a time", most.get());
}

fn indented(script: &str) -> String {
    let lines = script.lines().map(|line| format!("    {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn one_that_forks_and_ends_again_and_again_is_ended() {
    harms_nobody(
        "\
if os.fork() == 0:
    os.setsid()
    for _ in range(50_000):
        if os.fork() != 0:
            os._exit(0)
    os._exit(0)",
    );
}

#[test]
fn one_that_closes_its_outputs_is_judged_by_its_conversation() {
    harms_nobody("os.close(1)\nos.close(2)");
}

#[test]
fn a_report_of_its_own_has_no_effect() {
    let report = r#"{\"version\":1,\"score\":999,\"max_score\":999,\"exercises\":[{\"exercise\":\"ex02_echo_server\",\"verdict\":\"passed\",\"score\":999,\"max_score\":999,\"checks\":[]}]}"#;
    let harm = format!(
        "\
for to in (1, 2):
    os.write(to, b'::set-output name=result::x\\n' + \"{report}\\n\".encode())"
    );
    for came in harms_nobody(&harm).unwrap_or_default() {
        assert_ne!(came.report()["max_score"], 999);
        assert_ne!(came.report()["score"], 999);
    }
}

#[test]
fn two_gibibytes_of_memory_are_its_own() {
    let harm = "\
block = bytearray(2 << 30)
for at in range(0, len(block), 4096):
    block[at] = 1";
    if left::memory().is_some_and(|bytes| bytes < 3 << 30) {
        eprintln!("skipped: here are no 3 GiB of memory to spare");
        return;
    }
    for (server, status) in [(RIGHT, 0), (WRONG, 1)] {
        let Some(asked) = Asked::of(&format!("{harm}\n{server}")) else {
            return;
        };
        // One check: several side by side would take what the machine has.
        asked.only(ONE_CHECK).grade().has_status(status);
    }
}

#[test]
fn ten_thousand_descriptors_are_its_own() {
    harms_nobody(
        "\
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
try:
    while len(held) < 10_000:
        held.append(os.open('/dev/null', os.O_RDONLY))
except OSError:
    for fd in held[-20:]:
        os.close(fd)",
    );
}

/// A daemon's habit. Where its grader has not all rights of root, it can't be limited any more.
const NOBODY: &str = "\
try:
    os.setuid(65534)
except OSError:
    pass
";

#[test]
fn one_that_becomes_nobody_is_judged_or_skipped_and_no_trouble_of_the_grader() {
    let refuses = "\
while True:
    stream, _ = listener.accept()
    length = stream.recv(4)
    if int.from_bytes(length, 'big') > 1 << 20:
        words = b'error: frame too long'
        stream.sendall(len(words).to_bytes(4, 'big') + words)
    else:
        stream.sendall(length + stream.recv(100))
    stream.shutdown(socket.SHUT_WR)
    stream.recv(1)
    stream.close()";
    let echoes = "\
stream, _ = listener.accept()
while data := stream.recv(65536):
    stream.sendall(data)";
    for (exercise, only, server) in [
        ("ex04_frame_limits", "no room is made", refuses),
        ("ex06_limited", "those inside are echoed", echoes),
    ] {
        let announced = "print('listening on %s:%d' % listener.getsockname(), flush=True)\n";
        let script = format!("{}{NOBODY}{announced}{server}", run::LISTEN);
        let Some(asked) = Asked::of(&script) else {
            return;
        };
        let came = asked.only(only).grade_as_built(exercise);
        came.has_status(0);
    }
}

#[test]
fn a_file_that_fills_the_disk_is_stopped_and_removed() {
    let Some(graded) = harms_nobody_in_one_check(
        "\
def fill():
    with open(os.path.join(os.environ['TMPDIR'], 'full'), 'wb', buffering=0) as file:
        try:
            for _ in range(1024):
                file.write(bytes(1 << 20))
        except OSError as err:
            os.write(2, f'stopped at {file.tell() >> 20} MiB: {err}\\n'.encode())
threading.Thread(target=fill, daemon=True).start()",
    ) else {
        return;
    };
    for came in graded {
        assert!(came.disk <= 256 << 20, "{} MiB on disk", came.disk >> 20);
    }
}

#[test]
fn folders_that_are_hard_to_remove_are_removed() {
    harms_nobody_in_one_check(
        "\
here = os.getcwd()
os.chdir(os.environ['TMPDIR'])
os.mkdir('locked'); os.mkdir('locked/in'); os.chmod('locked', 0)
for _ in range(3000):
    os.mkdir('deep'); os.chdir('deep')
os.chdir(here)",
    );
}

#[test]
fn a_bounded_fork_bomb_is_cleared_away() {
    let harm = "\
for _ in range(300):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.setsid()
        time.sleep(600)
        os._exit(0)";
    for (server, status) in [(RIGHT, 0), (WRONG, 1)] {
        let Some(asked) = Asked::of(&format!("{harm}\n{server}")) else {
            return;
        };
        asked.only(ONE_CHECK).grade().has_status(status);
    }
}

#[test]
fn one_that_stops_itself_fails_and_is_ended() {
    // Before it listens, and after it has heard something.
    for harm in [
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "\
def later():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGSTOP)
threading.Thread(target=later, daemon=True).start()
time.sleep(1)",
    ] {
        let Some(asked) = Asked::of(&format!("{harm}\n{RIGHT}")) else {
            return;
        };
        asked.only(ONE_CHECK).grade().has_status(1);
    }
}

#[test]
fn endless_bytes_on_the_connection_fail_and_fill_no_memory() {
    let server = "\
while True:
    stream, _ = listener.accept()
    try:
        while True:
            stream.sendall(b'hello\\n' * 10_000)
    except OSError:
        stream.close()";
    let Some(asked) = Asked::of(&format!("{}{server}", run::LISTEN)) else {
        return;
    };
    asked.grade().has_status(1);
}

#[test]
fn a_grader_that_is_ended_by_its_submission_passes_nobody() {
    // It runs as the same user: a container keeps it from more than its own grader.
    for harm in [
        "os.kill(os.getppid(), signal.SIGTERM)",
        "os.killpg(os.getpgid(os.getppid()), signal.SIGTERM)",
    ] {
        let script = format!("{harm}\ntime.sleep(0.2)\n{RIGHT}");
        let Some(asked) = Asked::of(&script) else {
            return;
        };
        let came = asked.grade();
        came.has_status(143);
        assert_eq!(came.stdout, "", "a report of a grading that was broken off");
    }
}

#[test]
fn what_it_writes_into_the_course_changes_no_verdict() {
    let harm = "\
course = os.environ['WIRESIDE_TEST_COURSE']
with open(course + '/.wireside-progress', 'w') as file:
    file.write('passed ex02_echo_server\\n')
with open(course + '/exercises/shipped/ex02_echo_server.rs', 'w') as file:
    file.write('fn main() {}')";
    for came in harms_nobody(harm).unwrap_or_default() {
        // Same user, same rights: it could, and a container is what keeps it out.
        assert!(came.course_was_written);
    }
}

/// Whether whoever started the tests wants the signal ignored, as `nohup` and `&` do: then the runner,
/// which inherits that, ignores it as well.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

#[test]
fn a_signal_ends_the_grading_and_all_that_it_started() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1)] {
        if is_ignored(number) {
            continue;
        }
        let deaf = "\
for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(n, signal.SIG_IGN)";
        // It listens and never answers, so the grading lasts.
        let script = format!("{deaf}\n{DAEMON}\n{}time.sleep(600)", run::LISTEN);
        let Some(asked) = Asked::of(&script) else {
            return;
        };
        let came = asked.grade_and_send(signal, Duration::from_secs(30));
        came.has_status(128 + number);
    }
}

#[test]
fn a_signal_ends_the_watcher_and_all_that_it_started() {
    let Some(python) = python() else { return };
    for (signal, number) in [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1)] {
        if is_ignored(number) {
            continue;
        }
        let script = format!("{DAEMON}\n{}time.sleep(600)", run::LISTEN);
        let Some(asked) = Asked::of(&script) else {
            return;
        };
        // What is watched is Rust: it becomes the script.
        let program = format!(
            "use std::os::unix::process::CommandExt;\n\
             fn main() {{ let _ = std::process::Command::new({python:?}).arg({:?})\n\
             .args(std::env::args().skip(1)).exec(); }}\n",
            asked.script()
        );
        let exercise = asked.course().join("exercises/src/bin/ex02_echo_server.rs");
        fs::write(exercise, program).expect("write the exercise");
        let came = asked.watch_and_send(signal, Duration::from_secs(30));
        came.has_status(128 + number);
    }
}
