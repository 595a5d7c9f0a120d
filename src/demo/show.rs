//! What a demo is told in: steps, lanes, the real chapter programs, clients with the grader's verbs.
//!
//! Every event goes through a watched transcript: drawn as it happens, kept for the figure, waited
//! for by the demo. Nothing here waits without a bound, and nothing that was started outlives the
//! show.

use super::diagram::{self, Diagram, wrapped};
use super::relay::Relay;
use super::trace::{Section, Trace};
use crate::grader::bytes;
use crate::grader::check::Stop;
use crate::grader::client::Client;
use crate::grader::failure::Side;
use crate::grader::launch::Launch;
use crate::grader::listener::{Refusing, free_ports};
use crate::grader::program::{Input, PATIENCE, Program, Start};
use crate::grader::seed::Seed;
use crate::grader::transcript::{Event, Transcript, What};
use std::collections::BTreeSet;
use std::io::{self, BufRead, ErrorKind, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a demo ends with: it was played to its end, or why not.
pub type Played = Result<(), Leave>;

/// Why a demo stopped before its end.
#[derive(Debug)]
pub enum Leave {
    /// Whoever plays it has seen enough, or nobody reads it any more.
    Quit,
    /// Something that it needs didn't come; a sentence.
    Failed(String),
}

impl From<Stop> for Leave {
    fn from(stop: Stop) -> Leave {
        Leave::Failed(match stop {
            Stop::Failed(failure) => {
                let side = |side: &Side| match side {
                    Side::Bytes(bytes) => bytes::brief(bytes, 60),
                    Side::Words(words) => words.clone(),
                };
                let who = if failure.who.is_empty() {
                    "the program"
                } else {
                    &failure.who
                };
                let (due, got) = (side(&failure.expected), side(&failure.got));
                format!("{who}: expected {due}, got {got} {}", failure.when)
                    .trim_end()
                    .to_string()
            }
            Stop::Inconclusive(why)
            | Stop::Broken(why)
            | Stop::Skipped(why)
            | Stop::NotStarted(why)
            | Stop::PortTaken(why) => why,
        })
    }
}

/// Where a show is written; false once nobody reads it any more.
pub type Paper = Box<dyn FnMut(&str) -> bool + Send>;

/// Who turns the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Enter on stdin; `q` leaves.
    Enter,
    /// The show itself, after so long.
    Auto(Duration),
}

/// The pace where nobody said one.
pub const USUAL_PACE: Duration = Duration::from_millis(1200);

/// How a show is played.
pub struct Staging {
    pub paper: Paper,
    /// Columns.
    pub width: usize,
    /// The paper knows bold.
    pub bold: bool,
    pub pace: Pace,
    /// The chapter programs, by their file stems.
    pub programs: Vec<(&'static str, PathBuf)>,
}

/// A demo while it is played.
pub struct Show {
    screen: Arc<Screen>,
    transcript: Arc<Transcript>,
    pace: Pace,
    programs: Vec<(&'static str, PathBuf)>,
    running: Vec<Arc<Program>>,
    mark: String,
    step: u32,
}

/// A server of the demo's: a chapter program that is ready for clients.
pub struct Server {
    pub program: Arc<Program>,
    pub addr: SocketAddr,
}

/// A program that is not ours, and the relay through which it talks to a server.
pub struct Guest {
    who: String,
    pub program: Arc<Program>,
    _relay: Relay,
}

impl Show {
    pub fn new(staging: Staging) -> Show {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let Staging {
            paper,
            width,
            bold,
            pace,
            programs,
        } = staging;
        let width = width.clamp(60, 120);
        let beat = match pace {
            Pace::Enter => USUAL_PACE / 5,
            Pace::Auto(pace) => pace / 5,
        };
        let screen = Arc::new(Screen {
            drawn: Mutex::new(Drawn {
                paper,
                read: true,
                width,
                bold,
                diagram: Diagram::new(width),
                sections: vec![Section::default()],
                header_due: true,
                zero: None,
                paused: Duration::ZERO,
                legends: Vec::new(),
                known: BTreeSet::new(),
            }),
            changed: Condvar::new(),
            beat,
        });
        let watcher = Arc::clone(&screen);
        let transcript = Arc::new(Transcript::watched(move |event| watcher.event(event)));
        let mark = format!("wireside-demo-{}-{count}", std::process::id());
        Show {
            screen,
            transcript,
            pace,
            programs,
            running: Vec::new(),
            mark,
            step: 0,
        }
    }

    // ---- what the room reads

    /// From now on these take part, from left to right; the last is the server.
    pub fn lanes(&mut self, names: &[&str]) {
        self.screen.drawn().lanes(names);
    }

    /// Says what the room is about to see, asks it to predict, and waits for Enter.
    ///
    /// # Errors
    /// `Quit` for `q`, and where nobody reads the show any more.
    pub fn step(&mut self, sees: &str, predict: &str) -> Played {
        self.step += 1;
        let mut drawn = self.screen.drawn();
        drawn.finish_step();
        drawn.begin_section(&format!("{}. {sees}", self.step));
        drawn.line("");
        drawn.heading(&format!("{}. {sees}", self.step));
        if !predict.is_empty() {
            drawn.paragraph(&format!("   Predict: {predict}"));
        }
        drop(drawn);
        self.wait_for_room()
    }

    /// A sentence about what was seen.
    pub fn remarks(&mut self, text: &str) {
        let mut drawn = self.screen.drawn();
        drawn.finish_step();
        drawn.line("");
        drawn.paragraph(text);
    }

    /// Lines as they are: a program's output, a table. What is too long is cut.
    pub fn shows<T: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = T>) {
        let mut drawn = self.screen.drawn();
        drawn.finish_step();
        drawn.line("");
        for line in lines {
            drawn.verbatim(line.as_ref());
        }
    }

    /// The last words.
    pub fn closes(&mut self, text: &str) {
        let mut drawn = self.screen.drawn();
        drawn.finish_step();
        drawn.line("");
        drawn.heading("What to take away");
        drawn.paragraph(text);
    }

    fn wait_for_room(&mut self) -> Played {
        match self.pace {
            Pace::Auto(pace) => thread::sleep(pace),
            Pace::Enter => {
                self.screen
                    .drawn()
                    .put("   [Enter goes on, q + Enter leaves] ");
                let mut line = Vec::new();
                let read = io::stdin().lock().read_until(b'\n', &mut line);
                if !matches!(read, Ok(1..)) || !io::stdin().is_terminal() {
                    // Nobody's Enter has ended the line.
                    self.screen.drawn().line("");
                }
                match read {
                    Ok(0) => {
                        self.screen
                            .drawn()
                            .line("   (stdin has ended: the demo goes on by itself)");
                        self.pace = Pace::Auto(USUAL_PACE);
                    }
                    Err(err) if err.kind() != ErrorKind::Interrupted => {
                        return Err(Leave::Failed(format!("cannot read the keyboard: {err}")));
                    }
                    _ if line.trim_ascii().eq_ignore_ascii_case(b"q") => return Err(Leave::Quit),
                    _ => {}
                }
            }
        }
        if self.screen.drawn().read {
            Ok(())
        } else {
            Err(Leave::Quit)
        }
    }

    // ---- who takes part

    /// A port of 127.0.0.1 that is kept from everybody as long as this lives: nobody listens there.
    pub fn empty_port(&mut self) -> Result<Refusing, Leave> {
        for _ in 0..20 {
            let port = free_ports(&mut Seed::fresh().dice("demo", &self.mark), 1)?.start;
            if let Ok(kept) = Refusing::at((Ipv4Addr::LOCALHOST, port).into()) {
                return Ok(kept);
            }
        }
        Err(Leave::Failed("found no free port on 127.0.0.1".to_string()))
    }

    /// Starts a chapter program that serves, on a port that the kernel chooses.
    pub fn serves(&mut self, who: &str, program: &str) -> Result<Server, Leave> {
        self.serves_at(who, program, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The same, at this address.
    pub fn serves_at(
        &mut self,
        who: &str,
        program: &str,
        addr: SocketAddr,
    ) -> Result<Server, Leave> {
        let mut running = self.starts(who, program, Some(addr), &[], Input::Nothing)?;
        let mut ready = running.ready(PATIENCE);
        if ready.is_err() && running.exit().is_some() && addr.port() != 0 {
            self.remarks("Somebody else took that port meanwhile: the server gets another.");
            let any = SocketAddr::new(addr.ip(), 0);
            running = self.starts(who, program, Some(any), &[], Input::Nothing)?;
            ready = running.ready(PATIENCE);
        }
        Ok(Server {
            addr: ready?,
            program: running,
        })
    }

    /// Starts a chapter program with an address and arguments.
    pub fn starts(
        &mut self,
        who: &str,
        program: &str,
        addr: Option<SocketAddr>,
        args: &[&str],
        input: Input,
    ) -> Result<Arc<Program>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        self.launch(
            &launch,
            who,
            addr,
            args,
            input,
            Arc::clone(&self.transcript),
        )
    }

    /// Runs a chapter program that isn't part of the diagram to its end: the lines of its stdout.
    pub fn output_of(&mut self, program: &str, args: &[&str]) -> Result<Vec<String>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        let aside = Arc::new(Transcript::new());
        let running = self.launch(&launch, program, None, args, Input::Nothing, aside)?;
        if running.wait_exit(PATIENCE).is_none() {
            return Err(Leave::Failed(format!(
                "{program} has not ended within 10 s"
            )));
        }
        running.wait_output(PATIENCE, |stdout, _| stdout.closed);
        running.end();
        let text = bytes::harmless(&running.outputs().0.bytes);
        Ok(text.lines().map(String::from).collect())
    }

    /// A client, connected to the server. Its verbs are the grader's.
    pub fn client(&mut self, who: &str, server: &Server) -> Result<Client, Leave> {
        let stream = TcpStream::connect_timeout(&server.addr, PATIENCE).map_err(|err| {
            Leave::Failed(format!("{who} cannot connect to {}: {err}", server.addr))
        })?;
        let from = stream
            .local_addr()
            .map_err(|err| Leave::Failed(err.to_string()))?;
        self.transcript
            .write(who, "", What::Connects, format!("from {from}"));
        let (program, transcript) = (Arc::clone(&server.program), Arc::clone(&self.transcript));
        Ok(Client::over(
            Box::new(stream),
            server.addr,
            who,
            program,
            transcript,
        )?)
    }

    /// Tries to connect where nobody listens, and is refused.
    pub fn is_refused(&mut self, who: &str, addr: SocketAddr) -> Played {
        match TcpStream::connect_timeout(&addr, PATIENCE) {
            Err(err) if err.kind() == ErrorKind::ConnectionRefused => {
                self.transcript
                    .write(who, "", What::Refused, format!("connect to {addr}"));
                Ok(())
            }
            Err(err) => Err(Leave::Failed(format!(
                "{who}'s connect to {addr} failed: {err}"
            ))),
            Ok(_) => Err(Leave::Failed(format!(
                "somebody listens at {addr}: it was to be empty"
            ))),
        }
    }

    /// The first lines that a program printed on stdout, whole and without LF, once there are so
    /// many.
    pub fn printed(&self, program: &Program, lines: usize) -> Result<Vec<String>, Leave> {
        let whole = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count();
        if !program.wait_output(PATIENCE, |stdout, _| whole(&stdout.bytes) >= lines) {
            let who = &program.who;
            return Err(Leave::Failed(format!(
                "{who} has not printed {lines} lines in 10 s"
            )));
        }
        let text = bytes::harmless(&program.outputs().0.bytes);
        Ok(text.lines().take(lines).map(String::from).collect())
    }

    /// All lines of a program's stderr, once they are what is waited for.
    pub fn audit(
        &self,
        program: &Program,
        done: impl Fn(&[&str]) -> bool,
    ) -> Result<Vec<String>, Leave> {
        let text = |bytes: &[u8]| bytes::harmless(bytes);
        let complete = program.wait_output(PATIENCE, |_, stderr| {
            let text = text(&stderr.bytes);
            done(&text.lines().collect::<Vec<_>>())
        });
        if !complete {
            let who = &program.who;
            return Err(Leave::Failed(format!(
                "{who}'s audit trail is not complete after 10 s"
            )));
        }
        Ok(text(&program.outputs().1.bytes)
            .lines()
            .map(String::from)
            .collect())
    }

    /// Puts a remark into the record, at somebody's lane.
    pub fn notes(&self, who: &str, note: &str) {
        self.transcript.write(who, "", What::Notes, note);
    }

    /// Waits for a program's end by itself, and puts it into the record: its exit.
    pub fn ends(&self, program: &Program) -> Played {
        let Some((exit, _)) = program.wait_exit(PATIENCE) else {
            return Err(Leave::Failed(format!(
                "{} has not ended within 10 s",
                program.who
            )));
        };
        self.transcript
            .write(&program.who, "", What::Exits, exit.to_string());
        Ok(())
    }

    /// The same of one that fails: its last words come first.
    pub fn fails_to_start(&self, program: &Program) -> Played {
        program.wait_output(PATIENCE, |_, stderr| stderr.closed);
        self.notes(&program.who, &program.outputs().1.last_lines(1).join(""));
        self.ends(program)
    }

    /// Waits for an event of this kind, by whom, since the step began; whether it came in time.
    pub fn awaits(&self, who: &str, what: What, limit: Duration) -> bool {
        self.screen
            .awaits(limit, |event| event.who == who && event.what == what)
    }

    // ---- programs that are not ours

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
        let guest = self.through_relay(&launch, who, input, server)?;
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
        let guest = self.through_relay(&launch, who, input, server)?;
        guest.ok_or_else(|| Leave::Failed(format!("{program} has not connected to the server")))
    }

    fn through_relay(
        &mut self,
        launch: &Launch,
        who: &str,
        input: Input,
        server: &Server,
    ) -> Result<Option<Guest>, Leave> {
        let name = &server.program.who;
        let transcript = Arc::clone(&self.transcript);
        let relay = Relay::start(who, name, server.addr, Arc::clone(&transcript))
            .map_err(|err| Leave::Failed(format!("cannot listen on 127.0.0.1: {err}")))?;
        let program = self.launch(launch, who, Some(relay.addr), &[], input, transcript)?;
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

    // ---- beneath

    /// What was recorded, as it is committed.
    pub fn trace(&self, name: &str, title: &str) -> Trace {
        let mut sections = self.screen.drawn().sections.clone();
        sections.retain(|section| !section.events.is_empty());
        Trace {
            name: name.to_string(),
            title: title.to_string(),
            sections,
        }
        .normalised()
    }

    /// Whether somebody still reads it.
    pub fn is_read(&self) -> bool {
        self.screen.drawn().read
    }

    fn executable(&self, program: &str) -> Result<PathBuf, Leave> {
        let known = self.programs.iter().find(|(name, _)| *name == program);
        known.map(|(_, path)| path.clone()).ok_or_else(|| {
            Leave::Failed(format!(
                "{program} is not among the programs that this demo names"
            ))
        })
    }

    fn launch(
        &mut self,
        launch: &Launch,
        who: &str,
        addr: Option<SocketAddr>,
        args: &[&str],
        input: Input,
        transcript: Arc<Transcript>,
    ) -> Result<Arc<Program>, Leave> {
        let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
        let folder = std::env::temp_dir();
        let start = Start {
            launch,
            who,
            addr,
            args: &args,
            input,
            folder: &folder,
            mark: &self.mark,
            env: &[],
        };
        let program = Arc::new(Program::start(start, transcript)?);
        self.running.push(Arc::clone(&program));
        Ok(program)
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        for program in &self.running {
            program.end();
        }
    }
}

/// Where an executable of this name is, if the system has one.
pub fn find_in_path(command: &str) -> Option<PathBuf> {
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
pub fn has_option(command: &str, option: &str) -> bool {
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

/// What is drawn, shared by the show and by whoever writes to the transcript.
struct Screen {
    drawn: Mutex<Drawn>,
    changed: Condvar,
    /// After each event, so that the room can follow.
    beat: Duration,
}

struct Drawn {
    paper: Paper,
    /// Somebody still reads it.
    read: bool,
    width: usize,
    bold: bool,
    diagram: Diagram,
    sections: Vec<Section>,
    /// The lanes' names are written above the next event.
    header_due: bool,
    /// When the step's first event was.
    zero: Option<Duration>,
    /// What the beats have added to the step's times: it is not the conversation's doing.
    paused: Duration,
    /// What the signs of this step mean, where nobody was told yet.
    legends: Vec<&'static str>,
    known: BTreeSet<&'static str>,
}

impl Screen {
    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        // A panic elsewhere leaves at worst half a line.
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(&self, event: &Event) {
        self.drawn().event(event);
        self.changed.notify_all();
        if !self.beat.is_zero() {
            thread::sleep(self.beat);
            self.drawn().paused += self.beat;
        }
    }

    fn awaits(&self, limit: Duration, is_due: impl Fn(&Event) -> bool) -> bool {
        // The beats are not the conversation's doing.
        let deadline = Instant::now() + limit + self.beat * 4;
        let mut drawn = self.drawn();
        loop {
            if drawn
                .sections
                .last()
                .is_some_and(|section| section.events.iter().any(&is_due))
            {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(drawn, left);
            drawn = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drawn {
    fn lanes(&mut self, names: &[&str]) {
        let lanes: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        self.diagram.set_lanes(&lanes);
        self.header_due = true;
        match self.sections.last_mut() {
            Some(section) if section.events.is_empty() => section.lanes = lanes,
            _ => self.sections.push(Section {
                lanes,
                ..Section::default()
            }),
        }
    }

    fn begin_section(&mut self, heading: &str) {
        let lanes = self
            .sections
            .last()
            .map(|s| s.lanes.clone())
            .unwrap_or_default();
        self.sections.push(Section {
            heading: heading.to_string(),
            lanes,
            events: Vec::new(),
        });
        self.header_due = true;
        (self.zero, self.paused) = (None, Duration::ZERO);
    }

    fn event(&mut self, event: &Event) {
        if self.header_due {
            let header = self.diagram.header();
            self.line("");
            self.bold_line(&header);
            self.header_due = false;
        }
        let zero = *self.zero.get_or_insert(event.at);
        let at = event.at.saturating_sub(zero).saturating_sub(self.paused);
        for row in self.diagram.rows(event, at) {
            self.line(&row);
        }
        let legend = diagram::sign_of(event.what).legend;
        if !legend.is_empty() && self.known.insert(legend) {
            self.legends.push(legend);
        }
        if let Some(section) = self.sections.last_mut() {
            section.events.push(event.clone());
        }
    }

    fn finish_step(&mut self) {
        let legends = std::mem::take(&mut self.legends);
        if !legends.is_empty() {
            self.line("");
            for legend in legends {
                self.paragraph(&format!("   {legend}"));
            }
        }
    }

    fn heading(&mut self, text: &str) {
        for line in wrapped(text, self.width) {
            self.bold_line(&line);
        }
    }

    /// Wrapped; every line is indented as the first.
    fn paragraph(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        for line in wrapped(text, self.width - indent) {
            self.line(&format!("{:indent$}{line}", ""));
        }
    }

    fn verbatim(&mut self, line: &str) {
        let mut line: String = line
            .chars()
            .map(|c| if c == '\t' { ' ' } else { c })
            .collect();
        if line.chars().count() > self.width {
            line = line.chars().take(self.width - 1).collect();
            line.push('…');
        }
        self.line(&line);
    }

    fn bold_line(&mut self, line: &str) {
        if self.bold && !line.is_empty() {
            self.put(&format!("\x1b[1m{line}\x1b[0m\n"));
        } else {
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        self.put(&format!("{line}\n"));
    }

    fn put(&mut self, text: &str) {
        self.read = self.read && (self.paper)(text);
    }
}
