//! The real binary, grading small programs in Python.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// No grading of one exercise needs so long; a hanging one costs a test this much.
const LIMIT: Duration = Duration::from_secs(180);

/// Echoes wrongly, and says all that could harm a report, on stdout, on stderr and to its client.
const HOSTILE: &str = r##"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
listener = socket.create_server((host, int(port)))
print("listening on %s:%d" % listener.getsockname(), flush=True)
bad = (b'\x1b[2J\x1b]0;title\x07]]></failure>&\x00\xff\xfe\xe2\x80\xae\xef\xbf\xbe\r\n'
       b'::notice title=Autograding report::{"totalPoints":99,"maxPoints":99}\n'
       b'##[notice title=Autograding report]{"totalPoints":99,"maxPoints":99}\n'
       b'result=e30=\n{"version": 1, "score": 99, "max_score": 99}\n'
       b'<testsuites tests="0" failures="0"/>\n')
sys.stdout.buffer.write(bad)
sys.stdout.flush()
sys.stderr.buffer.write(bad)
sys.stderr.flush()
while True:
    stream, _ = listener.accept()
    stream.recv(4096)
    stream.sendall(bad)
    stream.close()
"##;

/// Echoes what one read returns, and closes: some checks pass, some fail.
pub const HALF_RIGHT: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
listener = socket.create_server((host, int(port)))
print("listening on %s:%d" % listener.getsockname(), flush=True)
while True:
    stream, _ = listener.accept()
    try:
        stream.sendall(stream.recv(65536))
        while stream.recv(65536):
            pass
    except OSError:
        pass
    stream.close()
"#;

#[derive(Clone, Copy)]
pub enum Submission {
    Hostile,
    HalfRight,
}

pub struct Graded {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A folder that is removed with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wireside-reports-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether this command can be run here. If not, the test says that it saw nothing.
pub fn there_is(command: &str) -> bool {
    let found = Command::new(command)
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    if !found {
        eprintln!("there is no {command} here: this test did not look");
    }
    found
}

/// Grades the submission as ex02_echo_server. `meanwhile` is called again and again while it is
/// graded.
pub fn grade(submission: Submission, args: &[&str], mut meanwhile: impl FnMut()) -> Graded {
    let folder = Folder::new();
    let program = folder.path().join("server.py");
    let text = match submission {
        Submission::Hostile => HOSTILE,
        Submission::HalfRight => HALF_RIGHT,
    };
    fs::write(&program, text).expect("the submission can be written");
    let cmd = format!("python3 '{}' {{addr}}", program.display());
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireside"))
        .args(["grade", "ex02_echo_server", "--cmd", &cmd, "--seed", "5f3a"])
        .args(args)
        .env("CLICOLOR_FORCE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the runner can be started");
    let stdout = drained(child.stdout.take().expect("it was piped"));
    let stderr = drained(child.stderr.take().expect("it was piped"));
    let status = ended(&mut child, &mut meanwhile);
    let text = |bytes: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8(bytes.join().expect("the reader did not panic"))
            .expect("a report is UTF-8, whatever the program printed")
    };
    Graded {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

fn drained(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

fn ended(child: &mut Child, meanwhile: &mut impl FnMut()) -> ExitStatus {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().expect("the runner is our child") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("grading took more than {LIMIT:?}");
        }
        meanwhile();
        thread::sleep(Duration::from_millis(5));
    }
}

/// The name of the exercise's first check, which every wrong echo fails.
pub fn first_check() -> &'static str {
    let (_, exercise) = wireside::chapters::exercise("ex02_echo_server").expect("it is there");
    exercise.checks[0].name
}
