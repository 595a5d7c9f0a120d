//! A terminal: commands are typed into it, and what it shows is recorded.
//!
//! A step waits for what it names, so that two runs show the same. What a running program prints
//! after the last step that waited isn't recorded. stdout and stderr are one stream, as in a
//! terminal, and stay in order.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::names::Names;
use crate::session::root;

/// No step of a right program takes so long.
const LIMIT: Duration = Duration::from_secs(20);

pub struct Terminal {
    prompt: String,
    shown: Rc<RefCell<String>>,
    names: Rc<RefCell<Names>>,
    running: Option<Running>,
    status: Option<i32>,
}

struct Running {
    command: String,
    child: Child,
    pieces: Receiver<Vec<u8>>,
    /// Printed, and not shown yet.
    held: Vec<u8>,
}

impl Terminal {
    pub fn new(prompt: String, shown: Rc<RefCell<String>>, names: Rc<RefCell<Names>>) -> Terminal {
        Terminal {
            prompt,
            shown,
            names,
            running: None,
            status: None,
        }
    }

    /// Types a server's command, and waits until it listens. Really it gets port 0; the book shows
    /// the port of the command, in this and in every terminal of the session.
    #[track_caller]
    pub fn serves(&mut self, command: &str) {
        self.serves_with(command, "");
    }

    /// The same, with more behind it: a relay's, say, which names the server that it leads to.
    #[track_caller]
    pub fn serves_with(&mut self, command: &str, more: &str) {
        // Words may follow the address.
        let (start, port) = port_of(command.trim_end_matches(|c: char| !c.is_ascii_digit()))
            .unwrap_or_else(|| panic!("`{command}` has no port, as in 127.0.0.1:7002"));
        let shown: u16 = port.parse().expect("digits that are a port");
        let real = format!("{}0{}", &command[..start], &command[start + port.len()..]);
        let real_more = self.names.borrow().command(more);
        self.start(&format!("{command}{more}"), &format!("{real}{real_more}"));
        let line = self.running().line_with("istening on ");
        let (_, port) = port_of(&line).unwrap_or_else(|| panic!("no port in {line:?}"));
        self.names
            .borrow_mut()
            .server(port.parse().expect("digits that are a port"), shown);
        self.show(&line);
    }

    /// The same of a relay: the port of its own stands first, and another server's behind it.
    #[track_caller]
    pub fn relays(&mut self, command: &str, shown: u16) {
        let own = format!(":{shown} ");
        let real = self.names.borrow().command(command).replace(&own, ":0 ");
        self.start(command, &real);
        let line = self.running().line_with("istening on ");
        let (_, port) = port_of(&line).unwrap_or_else(|| panic!("no port in {line:?}"));
        let real = port.parse().expect("digits that are a port");
        self.names.borrow_mut().server(real, shown);
        self.show(&line);
    }

    /// Types a command, and goes on while it runs. A shell runs it, at the root of the clone;
    /// `cargo run --bin NAME` is the program itself, so that cargo says nothing.
    #[track_caller]
    pub fn runs(&mut self, command: &str) {
        let real = self.names.borrow().command(command);
        self.start(command, &real);
    }

    /// Types a command, and another is run that shows the same: grading builds the learner's own
    /// file, and a test must not depend on what stands there.
    #[track_caller]
    pub fn runs_as(&mut self, shown: &str, real: &str) {
        self.start(shown, real);
    }

    /// Waits for a line that holds these words, and shows everything up to its end.
    #[track_caller]
    pub fn shows(&mut self, words: &str) {
        let words = self.names.borrow().command(words);
        let lines = self.running().line_with(&words);
        self.show(&lines);
    }

    /// Types a line to the program that runs.
    #[track_caller]
    pub fn types(&mut self, line: &str) {
        self.shown.borrow_mut().push_str(&format!("{line}\n"));
        let stdin = self
            .running()
            .child
            .stdin
            .as_mut()
            .expect("stdin is still open");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .expect("type a line");
    }

    /// Types Ctrl+D, of which a terminal shows nothing.
    #[track_caller]
    pub fn types_the_end(&mut self) {
        drop(self.running().child.stdin.take());
    }

    /// Waits for the end of the program that runs, and shows all that it printed.
    #[track_caller]
    pub fn ends(&mut self) {
        let mut running = self.running.take().expect("a command runs");
        let deadline = Instant::now() + LIMIT;
        while running.more(deadline) {}
        self.status = running.child.wait().expect("wait for the end").code();
        let rest = String::from_utf8_lossy(&running.held).into_owned();
        self.show(&rest);
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn runs_to_its_end(&mut self, command: &str) {
        self.runs(command);
        self.ends();
    }

    /// Asks the shell for the exit status of the program that ended last.
    #[track_caller]
    pub fn asks_for_the_status(&mut self) {
        let status = self.status.expect("a program that has ended, by no signal");
        self.show(&format!("{}echo $?\n{status}\n", self.prompt));
    }

    /// The program prints nothing for so long, and doesn't end. For what lasts for ever only.
    #[track_caller]
    pub fn stays_silent(&mut self, time: Duration) {
        let running = self.running();
        let more = running.pieces.recv_timeout(time);
        let held = String::from_utf8_lossy(&running.held);
        assert!(
            running.held.is_empty() && matches!(more, Err(RecvTimeoutError::Timeout)),
            "`{}` was to stay silent, and printed {held:?} {:?} or ended",
            running.command,
            more.map(|piece| String::from_utf8_lossy(&piece[..piece.len().min(200)]).into_owned())
        );
    }

    /// Types Ctrl+C, and waits for the end.
    #[track_caller]
    pub fn types_ctrl_c(&mut self) {
        self.shown.borrow_mut().push_str("^C\n");
        let group = self.running().group();
        _ = kill_process_group(group, Signal::INT);
        self.ends();
    }

    /// The PID of the program that runs; of the shell, if the command is a pipeline.
    // For the chapters whose sessions show one.
    #[allow(dead_code)]
    #[track_caller]
    pub fn pid(&mut self) -> u32 {
        self.running().child.id()
    }

    #[track_caller]
    fn start(&mut self, shown: &str, real: &str) {
        assert!(
            self.running.is_none(),
            "`{shown}` is typed while another command runs"
        );
        let typed = format!("{}{shown}\n", self.prompt);
        self.shown.borrow_mut().push_str(&typed);
        self.running = Some(Running::start(shown, &with_programs(real)));
    }

    #[track_caller]
    fn running(&mut self) -> &mut Running {
        self.running
            .as_mut()
            .expect("a command runs in this terminal")
    }

    fn show(&mut self, printed: &str) {
        let text = self.names.borrow_mut().shown(printed);
        let mut shown = self.shown.borrow_mut();
        shown.push_str(&text);
        // The prompt that follows an unfinished line, or the end of the file.
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
    }
}

impl Running {
    fn start(shown: &str, real: &str) -> Running {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let both = || Stdio::from(OwnedFd::from(theirs.try_clone().expect("clone a socket")));
        // The program in the shell's place: its PID is then the child's.
        let exec = if real.contains(['|', ';', '&']) {
            ""
        } else {
            "exec "
        };
        let child = Command::new("sh")
            .args(["-c", &format!("{exec}{real}")])
            .current_dir(root())
            // As it prints to a terminal, so it does here.
            .env("PYTHONUNBUFFERED", "1")
            .env("CURL_HOME", root().join("tests/sessions"))
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(both())
            .stderr(both())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|err| panic!("cannot start `{real}`: {err}"));
        let (tell, pieces) = mpsc::channel();
        let mut ours = ours;
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(n @ 1..) = ours.read(&mut buffer) {
                if tell.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Running {
            command: shown.to_string(),
            child,
            pieces,
            held: Vec::new(),
        }
    }

    /// Everything up to the end of the first line that holds these words.
    #[track_caller]
    fn line_with(&mut self, words: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let held = String::from_utf8_lossy(&self.held).into_owned();
            let end = held
                .find(words)
                .and_then(|at| Some(at + held[at..].find('\n')? + 1));
            if let Some(end) = end {
                self.held.drain(..end);
                return held[..end].to_string();
            }
            if !self.more(deadline) {
                panic!("`{}` ended without {words:?}, after {held:?}", self.command);
            }
        }
    }

    /// Waits for more output. False: there is no more.
    #[track_caller]
    fn more(&mut self, deadline: Instant) -> bool {
        match self
            .pieces
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(piece) => self.held.extend(piece),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!(
                "`{}` printed only {:?} in {LIMIT:?}, and didn't end",
                self.command,
                String::from_utf8_lossy(&self.held)
            ),
        }
        true
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once the child was waited for, its number may belong to somebody else.
        if let Ok(None) = self.child.try_wait() {
            _ = kill_process_group(self.group(), Signal::KILL);
            _ = self.child.wait();
        }
    }
}

/// `cargo run --bin NAME` as the path of the program that cargo has built for this test, and
/// `cargo run -p exercises --bin NAME` as that of the exercise as shipped.
fn with_programs(command: &str) -> String {
    let built = Path::new(env!("CARGO_BIN_EXE_wireside"))
        .parent()
        .expect("a folder of programs");
    let mut out = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once("cargo run ") {
        // (-q: cargo says nothing itself.)
        let after = after.strip_prefix("-q ").unwrap_or(after);
        let (exercise, after) = match after.strip_prefix("-p exercises ") {
            Some(after) => (true, after),
            None => (false, after),
        };
        let after = after.strip_prefix("--features tls ").unwrap_or(after);
        let after = after
            .strip_prefix("--bin ")
            .unwrap_or_else(|| panic!("`{command}`: write cargo run --bin NAME"));
        let name = after.split_whitespace().next().unwrap_or_default();
        let program = if exercise {
            shipped(name)
        } else {
            built.join(name)
        };
        assert!(program.exists(), "`{command}`: there is no program {name}");
        out.push_str(&format!("{before}'{}'", program.display()));
        rest = &after[name.len()..];
    }
    out + rest
}

/// An exercise as shipped, compiled: the learner's own file may be solved by now. The exercises
/// that a session shows need std alone.
fn shipped(name: &str) -> PathBuf {
    static COMPILED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // A test that failed meanwhile has left each program whole or not there.
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if compiled.iter().any(|done| done == name) {
        return program;
    }
    let source = root().join(format!("exercises/shipped/{name}.rs"));
    let unfinished = program.with_extension(process::id().to_string());
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "-o"])
        .arg(&unfinished)
        .arg(&source)
        .output()
        .expect("rustc runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cannot compile {}:\n{said}",
        source.display()
    );
    fs::rename(&unfinished, &program).expect("rename what was compiled");
    compiled.push(name.to_string());
    program
}

/// The last number of a text that follows a colon or a space: where it starts, and its digits.
fn port_of(text: &str) -> Option<(usize, &str)> {
    let text = text.trim_end();
    let start = text.rfind(|c: char| !c.is_ascii_digit())? + 1;
    let separated = text[..start].ends_with([':', ' ']);
    (separated && start < text.len()).then(|| (start, &text[start..]))
}
