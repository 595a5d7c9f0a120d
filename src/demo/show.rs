//! What a demo is told in: steps, lanes, the real chapter programs, clients with the grader's verbs.
//!
//! Every event goes through a watched transcript: drawn as it happens, kept for the figure, waited
//! for by the demo. Nothing here waits without a bound, and nothing that was started outlives the
//! show.

mod cast;

pub use super::screen::Paper;
pub use cast::Server;
pub(in crate::demo) use cast::end_of;

use super::screen::Screen;
use super::trace::Trace;
use crate::grader::bytes;
use crate::grader::check::Stop;
use crate::grader::failure::Side;
use crate::grader::program::Program;
use crate::grader::transcript::{Transcript, What};
use std::io::{self, BufRead, ErrorKind, IsTerminal};
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

    /// Says what the room has to wait for, and behind it on the same line what came of it.
    pub fn announces(
        &mut self,
        words: &str,
        part: impl FnOnce(&mut Show) -> Result<String, Leave>,
    ) -> Played {
        let mut drawn = self.screen.drawn();
        drawn.finish_step();
        drawn.line("");
        drawn.put(words);
        drop(drawn);
        let came = part(self);
        // Nobody is told of a failure in the middle of a line.
        let told = came.as_ref().map_or("failed", String::as_str);
        self.screen.drawn().line(told);
        came.map(|_| ())
    }

    /// From now on what somebody hears byte by byte stands in one row, after the first two of them: it
    /// grows with each. A room has 24 rows.
    pub fn gathers(&mut self) {
        self.screen.drawn().gathers = true;
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
        if self.is_read() {
            Ok(())
        } else {
            Err(Leave::Quit)
        }
    }

    // ---- the record

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

    /// Waits for an event of this kind, by whom, since the step began; whether it came in time.
    pub fn awaits(&self, who: &str, what: What, limit: Duration) -> bool {
        self.screen
            .awaits(limit, |event| event.who == who && event.what == what)
    }

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
}

impl Drop for Show {
    fn drop(&mut self) {
        self.screen.drawn().end_row();
        for program in &self.running {
            program.end();
        }
    }
}
