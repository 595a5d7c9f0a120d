//! Guests: programs that are not ours. Each talks to a server through a relay that records.

use super::relay::Relay;
use super::show::{Leave, Played, Server, Show};
use crate::grader::bytes;
use crate::grader::launch::Launch;
use crate::grader::program::{Input, PATIENCE, Program};
use crate::grader::transcript::{Event, What};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A program that the system may have, and what it does at a server.
pub struct Foreign {
    /// Its lane.
    pub who: &'static str,
    /// Its command line, with `{host}` and `{port}` in it.
    pub words: &'static [&'static str],
    /// Given on stdin; where there is none, the line is typed there.
    pub script: &'static str,
    /// What it is to send.
    pub line: &'static str,
    /// What it is to print.
    pub due: &'static str,
}

/// A program that is not ours, and the relay through which it talks to a server.
pub struct Guest {
    who: String,
    pub program: Arc<Program>,
    _relay: Relay,
}

impl Show {
    /// One guest's whole visit: its script is shown, it says its line, has to print what is due, and
    /// is seen off. Where the system hasn't got it, a chapter program that echoes takes its place.
    pub fn visit(&mut self, server: &Server, foreign: &Foreign, stand_in: &str) -> Played {
        let Foreign {
            who,
            words,
            script,
            line,
            due,
        } = foreign;
        if !script.is_empty() {
            self.shows(script.lines().map(|line| format!("   {line}")));
        }
        let input = match *script {
            "" => Input::Typed,
            script => Input::Bytes(script.as_bytes().to_vec()),
        };
        let (guest, types) = match self.guest(who, &known_words(words), input, server)? {
            Some(guest) => (guest, script.is_empty()),
            None => {
                self.remarks(&format!("Our own {stand_in} takes its place."));
                (self.stand_in(who, stand_in, Input::Typed, server)?, true)
            }
        };
        if types {
            guest.program.types(line.as_bytes());
            // curl reads its input again before it looks for what has come: it would wait for both.
            self.awaits(who, What::Hears, PATIENCE);
            guest.program.ends_typing();
        }
        self.guest_printed(&guest, due.as_bytes())?;
        // curl's telnet keeps the connection when its input has ended; a script has its reasons.
        let limit = if types {
            Duration::from_secs(2)
        } else {
            PATIENCE
        };
        if !self.sees_off(guest, limit)? {
            self.remarks(&format!(
                "The input of {who} had ended, and it stayed connected: its process was ended, and \
                 the kernel sent the FIN."
            ));
        }
        Ok(())
    }

    /// Starts a command that the system may have, with `{host}` and `{port}` in it, and connects it
    /// to the server through a relay that records. `None`, with a sentence to the room, if the
    /// system hasn't got it or it doesn't connect.
    pub fn guest(
        &mut self,
        who: &str,
        words: &[&str],
        input: Input,
        server: &Server,
    ) -> Result<Option<Guest>, Leave> {
        let command = words.first().copied().unwrap_or_default();
        if find_in_path(command).is_none() {
            self.remarks(&format!("{command} is not installed here."));
            return Ok(None);
        }
        let launch = Launch::Command(words.iter().map(|word| word.to_string()).collect());
        let guest = self.through_relay(&launch, who, &[], input, server)?;
        if guest.is_none() {
            self.remarks(&format!("{command} is installed, but has not connected."));
        }
        Ok(guest)
    }

    /// A chapter program in the place of such a command: `PROGRAM ADDR`.
    pub fn stand_in(
        &mut self,
        who: &str,
        program: &str,
        input: Input,
        server: &Server,
    ) -> Result<Guest, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        self.called(launch, who, program, &[], input, server)
    }

    /// A chapter program that calls the server through a relay: `PROGRAM ADDR ARGS`.
    pub fn calls(
        &mut self,
        who: &str,
        program: &str,
        args: &[&str],
        server: &Server,
    ) -> Result<Guest, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        self.called(launch, who, program, args, Input::Nothing, server)
    }

    fn called(
        &mut self,
        launch: Launch,
        who: &str,
        program: &str,
        args: &[&str],
        input: Input,
        server: &Server,
    ) -> Result<Guest, Leave> {
        let guest = self.through_relay(&launch, who, args, input, server)?;
        guest.ok_or_else(|| Leave::Failed(format!("{program} has not connected to the server")))
    }

    fn through_relay(
        &mut self,
        launch: &Launch,
        who: &str,
        args: &[&str],
        input: Input,
        server: &Server,
    ) -> Result<Option<Guest>, Leave> {
        let name = &server.program.who;
        let transcript = Arc::clone(&self.transcript);
        let relay = Relay::start(who, name, server.addr, Arc::clone(&transcript))
            .map_err(|err| Leave::Failed(format!("cannot listen on 127.0.0.1: {err}")))?;
        let program = self.launch(launch, who, Some(relay.addr), args, input, transcript)?;
        relay.opens();
        let deadline = Instant::now() + PATIENCE;
        while !self.awaits(who, What::Connects, Duration::from_millis(50)) {
            // Its connection may have come just before its end.
            let ended = program.exit().is_some();
            if (ended && !self.awaits(who, What::Connects, Duration::from_millis(500)))
                || Instant::now() > deadline
            {
                program.end();
                self.transcript
                    .write(who, "", What::Exits, "before it connected");
                return Ok(None);
            }
        }
        Ok(Some(Guest {
            who: who.to_string(),
            program,
            _relay: relay,
        }))
    }

    /// Waits until a guest has printed these bytes: it has heard them.
    pub fn guest_printed(&self, guest: &Guest, expected: &[u8]) -> Played {
        let has = |bytes: &[u8]| bytes.windows(expected.len()).any(|part| part == expected);
        if guest
            .program
            .wait_output(PATIENCE, |stdout, _| has(&stdout.bytes))
        {
            return Ok(());
        }
        let (stdout, stderr) = guest.program.outputs();
        let got = bytes::brief(&stdout.bytes, 60);
        let due = bytes::brief(expected, 60);
        let mut words = format!("{} printed {got}, not {due}", guest.who);
        if let Some(last) = stderr.last_lines(1).first() {
            words.push_str(&format!("; on stderr: {last}"));
        }
        Err(Leave::Failed(words))
    }

    /// Waits until a guest that ends by itself has ended and its connection with it; its last line on
    /// stderr. What the server goes on sending is nobody's business any more.
    pub fn leaves(&self, guest: Guest) -> Result<String, Leave> {
        let left = |event: &Event| {
            event.who == guest.who && matches!(event.what, What::HalfCloses | What::Resets)
        };
        // Before its exit is asked for: in the record the one comes before the other, always.
        self.screen.awaits(PATIENCE, left);
        self.ends(&guest.program)?;
        guest
            .program
            .wait_output(PATIENCE, |_, stderr| stderr.closed);
        Ok(guest.program.outputs().1.last_lines(1).join(""))
    }

    /// Sees a guest off: its half-close, the server's end, its exit. One that keeps its connection
    /// open for longer than `limit` is ended. Whether it ended by itself.
    pub fn sees_off(&self, guest: Guest, limit: Duration) -> Result<bool, Leave> {
        let is =
            |event: &Event, whats: &[What]| event.who == guest.who && whats.contains(&event.what);
        // Where a process that is ended resets its connections, the server's end is heard by nobody.
        let left = |event: &Event| is(event, &[What::HalfCloses, What::Resets]);
        let over = |event: &Event| is(event, &[What::HearsEnd, What::HearsReset, What::Resets]);
        let own = self.screen.awaits(limit, left);
        if !own {
            self.notes(&guest.who, "stays: the demo ends its process");
            guest.program.end();
        }
        if !self.screen.awaits(PATIENCE, left) || !self.screen.awaits(PATIENCE, over) {
            let who = &guest.who;
            return Err(Leave::Failed(format!(
                "{who}'s connection is still open after 10 s"
            )));
        }
        if guest.program.wait_exit(PATIENCE).is_none() {
            self.notes(&guest.who, "does not end: the demo ends its process");
            guest.program.end();
        }
        self.ends(&guest.program)?;
        guest.program.end();
        Ok(own)
    }
}

/// The words of a command without the options that this system's version of it lacks.
fn known_words<'a>(words: &[&'a str]) -> Vec<&'a str> {
    // Not every nc knows -N; without it some half-close by themselves, and some never.
    let lacks = words.contains(&"-N") && !has_option(words[0], "-N");
    words
        .iter()
        .copied()
        .filter(|word| !lacks || *word != "-N")
        .collect()
}

/// Where an executable of this name is, if the system has one.
fn find_in_path(command: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = [command.to_string(), format!("{command}.exe")];
    let names = if cfg!(windows) {
        &names[1..]
    } else {
        &names[..1]
    };
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| is_executable(file))
}

/// Whether a command's help names an option. For commands of which there are several.
fn has_option(command: &str, option: &str) -> bool {
    let help = Command::new(command)
        .arg("-h")
        .stdin(Stdio::null())
        .output();
    help.is_ok_and(|help| {
        let text = [help.stdout, help.stderr].concat();
        String::from_utf8_lossy(&text)
            .lines()
            .any(|line| line.trim_start().starts_with(option))
    })
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}
