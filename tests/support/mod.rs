//! What the tests of the chapter programs share: start a program, run a client, and end both.
//!
//! Nothing here waits without a limit, and nothing that was started outlives its value.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod again;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// No right program needs so long; a wrong one costs a test this much.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A running program. It is killed when this is dropped.
pub struct Program {
    child: Child,
    pub stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
}

/// What a program that has ended left behind.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Program {
    pub fn start(command: &mut Command) -> Program {
        let mut child = spawn(command);
        let stdout = Output::of(child.stdout.take());
        Program {
            stdin: child.stdin.take(),
            stdout,
            stderr: Output::of(child.stderr.take()),
            child,
        }
    }

    /// Starts it with a stdout that nobody reads, as `| head` leaves it.
    pub fn start_unread(command: &mut Command) -> Program {
        let mut child = spawn(command);
        drop(child.stdout.take());
        Program {
            stdin: child.stdin.take(),
            stdout: Output::of(child.stdout.take()),
            stderr: Output::of(child.stderr.take()),
            child,
        }
    }

    /// A server on a port of the kernel's choice, and where it listens.
    pub fn serve(program: &str) -> (Program, SocketAddr) {
        let mut server = Program::start(Command::new(program).arg("127.0.0.1:0"));
        let line = server.stdout_line();
        let addr = line
            .strip_prefix("listening on ")
            .and_then(|addr| addr.parse().ok());
        (
            server,
            addr.unwrap_or_else(|| panic!("no listening line but {line:?}")),
        )
    }

    /// The next line of stdout, without its LF.
    pub fn stdout_line(&mut self) -> String {
        self.stdout.line()
    }

    /// The next line of stderr, without its LF.
    pub fn stderr_line(&mut self) -> String {
        self.stderr.line()
    }

    /// The next `n` bytes of stdout.
    pub fn stdout_bytes(&mut self, n: usize) -> Vec<u8> {
        self.stdout.take(|held| (held.len() >= n).then_some(n))
    }

    /// Its process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads its stderr from now on, so that a long trail fills no pipe and no memory: whether these
    /// words have come in a line of it.
    pub fn watches_stderr(&mut self, words: &'static str) -> Arc<AtomicBool> {
        let (tell, pieces) = mpsc::channel();
        let empty = Output {
            pieces,
            held: Vec::new(),
        };
        drop(tell);
        let stderr = std::mem::replace(&mut self.stderr, empty);
        let found = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&found);
        thread::spawn(move || {
            let mut held = stderr.held;
            for piece in stderr.pieces {
                held.extend(piece);
                if held
                    .windows(words.len())
                    .any(|part| part == words.as_bytes())
                {
                    seen.store(true, Ordering::Relaxed);
                }
                let kept = held.len().saturating_sub(words.len());
                held.drain(..kept);
            }
        });
        found
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("ask for the status").is_none()
    }

    /// Gives it all of `stdin`, closes that, and waits for its end.
    pub fn finish(mut self, stdin: &[u8]) -> Ended {
        thread::scope(|scope| {
            let pipe = self.stdin.take();
            // A program may end without having read all of it: the pipe breaks, as it may.
            scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(stdin)));
            let ended = self.wait();
            // Where the program hangs, so does the writer: killing the one frees the other.
            _ = self.child.kill();
            ended.expect("the program to end in time")
        })
    }

    fn wait(&mut self) -> Option<Ended> {
        let deadline = Instant::now() + LIMIT;
        while self.stdout.more(deadline)? {}
        while self.stderr.more(deadline)? {}
        let stdout = std::mem::take(&mut self.stdout.held);
        let stderr = String::from_utf8_lossy(&self.stderr.held).into_owned();
        loop {
            if let Some(status) = self.child.try_wait().expect("ask for the status") {
                return Some(Ended {
                    status,
                    stdout,
                    stderr,
                });
            }
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Starts a program, gives it `stdin` and waits for its end.
pub fn run(command: &mut Command, stdin: &[u8]) -> Ended {
    Program::start(command).finish(stdin)
}

/// A client of the test's own. None of its reads and writes takes longer than the limit.
pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&addr, LIMIT).expect("connect");
    stream
        .set_read_timeout(Some(LIMIT))
        .expect("set a read timeout");
    stream
        .set_write_timeout(Some(LIMIT))
        .expect("set a write timeout");
    stream
}

/// A program of another maker, or `None` where it isn't installed. With `WIRESIDE_ALL_PEERS=1`
/// that fails the test. `harmless` is an argument with which it ends at once.
pub fn peer(name: &str, harmless: &str) -> Option<Command> {
    if Command::new(name)
        .arg(harmless)
        .stdin(Stdio::null())
        .output()
        .is_ok()
    {
        let mut command = Command::new(name);
        // A proxy is somebody else.
        for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(proxy);
            command.env_remove(proxy.to_uppercase());
        }
        return Some(command);
    }
    let required = std::env::var_os("WIRESIDE_ALL_PEERS").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{name} is not installed, and WIRESIDE_ALL_PEERS=1 asks for every peer"
    );
    eprintln!("skipped: {name} is not installed");
    None
}

/// An nc whose `-N` half-closes when its stdin ends, as OpenBSD's. That of macOS takes it for a number
/// of probes, and Ncat doesn't know it.
pub fn nc_that_half_closes() -> Option<Command> {
    let nc = peer("nc", "-h")?;
    let help = Command::new("nc").arg("-h").output().expect("nc runs");
    let help = [help.stdout, help.stderr].concat();
    let explains = |line: &str| line.trim_start().starts_with("-N") && line.contains("Shutdown");
    if String::from_utf8_lossy(&help).lines().any(explains) {
        return Some(nc);
    }
    eprintln!("skipped: this nc has no -N that half-closes");
    None
}

fn spawn(command: &mut Command) -> Child {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .spawn()
        .unwrap_or_else(|err| panic!("cannot start {command:?}: {err}"))
}

/// What a program prints, as it comes. A thread reads it, so that no wait is without a limit.
struct Output {
    pieces: Receiver<Vec<u8>>,
    held: Vec<u8>,
}

impl Output {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Output {
        let (tell, pieces) = mpsc::channel();
        if let Some(mut pipe) = pipe {
            thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                    if tell.send(buffer[..n].to_vec()).is_err() {
                        return;
                    }
                }
            });
        }
        Output {
            pieces,
            held: Vec::new(),
        }
    }

    /// Waits for the next piece. `Some(false)`: there are no more. `None`: none came in time.
    fn more(&mut self, deadline: Instant) -> Option<bool> {
        match self
            .pieces
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(piece) => self.held.extend(piece),
            Err(RecvTimeoutError::Disconnected) => return Some(false),
            Err(RecvTimeoutError::Timeout) => return None,
        }
        Some(true)
    }

    /// The first bytes, as many as `enough` asks for once it is satisfied.
    fn take(&mut self, enough: impl Fn(&[u8]) -> Option<usize>) -> Vec<u8> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(n) = enough(&self.held) {
                return self.held.drain(..n).collect();
            }
            let held = String::from_utf8_lossy(&self.held).into_owned();
            match self.more(deadline) {
                Some(true) => {}
                Some(false) => panic!("the output ended after {held:?}"),
                None => panic!("after {LIMIT:?} there is only {held:?}"),
            }
        }
    }

    fn line(&mut self) -> String {
        let line = self.take(|held| Some(held.iter().position(|&byte| byte == b'\n')? + 1));
        String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_string()
    }
}
