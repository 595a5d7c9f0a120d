//! What a demo is told in: steps, lanes, the real chapter programs, clients with the grader's verbs.
//!
//! Every event goes through a watched transcript: drawn as it happens, kept for the figure, waited
//! for by the demo. Nothing here waits without a bound, and nothing that was started outlives the
//! show.

pub use super::screen::Paper;
use super::screen::Screen;
use super::trace::Trace;
use crate::grader::bytes;
use crate::grader::check::Stop;
use crate::grader::client::Client;
use crate::grader::failure::Side;
use crate::grader::launch::Launch;
use crate::grader::listener::{Refusing, free_ports};
use crate::grader::output::Output;
use crate::grader::program::{Input, PATIENCE, Program, Start};
use crate::grader::seed::Seed;
use crate::grader::transcript::{Transcript, What};
use std::io::{self, BufRead, ErrorKind, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

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
    pub(super) screen: Arc<Screen>,
    pub(super) transcript: Arc<Transcript>,
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
        let beat = match pace {
            Pace::Enter => USUAL_PACE / 5,
            Pace::Auto(pace) => pace / 5,
        };
        let screen = Arc::new(Screen::new(paper, width, bold, beat));
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

    /// The same, with no line about its start: its arguments are paths, say, which differ from one
    /// machine to the next.
    pub fn starts_aside(
        &mut self,
        who: &str,
        program: &str,
        addr: Option<SocketAddr>,
        args: &[&str],
        input: Input,
    ) -> Result<Arc<Program>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        let aside = Arc::new(Transcript::new());
        self.launch(&launch, who, addr, args, input, aside)
    }

    /// Runs a chapter program that isn't part of the diagram to its end: the lines of its stdout.
    pub fn output_of(&mut self, program: &str, args: &[&str]) -> Result<Vec<String>, Leave> {
        self.output_within(program, args, PATIENCE)
    }

    /// The same of one that computes: a busy machine may make it wait for long.
    pub fn output_within(
        &mut self,
        program: &str,
        args: &[&str],
        limit: Duration,
    ) -> Result<Vec<String>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        let aside = Arc::new(Transcript::new());
        let running = self.launch(&launch, program, None, args, Input::Nothing, aside)?;
        if running.wait_exit(limit).is_none() {
            let seconds = limit.as_secs();
            return Err(Leave::Failed(format!(
                "{program} has not ended within {seconds} s"
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

    /// Waits for so many lines on a server's stdout, and puts the last into the record: that line.
    pub fn prints(&self, server: &Server, lines: usize) -> Result<String, Leave> {
        let line = self
            .printed(&server.program, lines)?
            .pop()
            .unwrap_or_default();
        self.notes(&server.program.who, &line);
        Ok(line)
    }

    /// All lines of a program's stderr, once they are what is waited for.
    pub fn audit(
        &self,
        program: &Program,
        done: impl Fn(&[&str]) -> bool,
    ) -> Result<Vec<String>, Leave> {
        // A line may come in pieces: without its end it isn't looked at.
        let text = |stderr: &Output| {
            let whole = stderr.bytes.iter().rposition(|byte| *byte == b'\n');
            bytes::harmless(&stderr.bytes[..whole.map_or(0, |end| end + 1)])
        };
        // What it waits for may be a timeout of the program's own, on a busy machine.
        let patience = PATIENCE * 3;
        let complete = program.wait_output(patience, |_, stderr| {
            done(&text(stderr).lines().collect::<Vec<_>>())
        });
        if !complete {
            let who = &program.who;
            return Err(Leave::Failed(format!(
                "{who}'s audit trail is not complete after {} s",
                patience.as_secs()
            )));
        }
        Ok(text(&program.outputs().1)
            .lines()
            .map(String::from)
            .collect())
    }

    /// Puts a remark into the record, at somebody's lane.
    pub fn notes(&self, who: &str, note: &str) {
        self.transcript.write(who, "", What::Notes, note);
    }

    /// Plays this part at the pace of what happens: where times matter, a beat after each event would
    /// make a timeout pass that hasn't.
    pub fn in_real_time<T>(&mut self, part: impl FnOnce(&mut Show) -> T) -> T {
        self.screen.in_real_time(true);
        let played = part(self);
        self.screen.in_real_time(false);
        played
    }

    /// Puts an arrow into the record that has words on it in place of bytes.
    pub fn notes_arrow(&self, who: &str, what: What, note: &str) {
        self.transcript.write(who, "", what, note);
    }

    /// Distinguishes what this show makes from what another does.
    pub fn mark(&self) -> &str {
        &self.mark
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

    pub(super) fn executable(&self, program: &str) -> Result<PathBuf, Leave> {
        let known = self.programs.iter().find(|(name, _)| *name == program);
        known.map(|(_, path)| path.clone()).ok_or_else(|| {
            Leave::Failed(format!(
                "{program} is not among the programs that this demo names"
            ))
        })
    }

    pub(super) fn launch(
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
