//! What the room sees of a show, and what is kept of it: text and diagram on paper, a section of the
//! trace for each step. Whoever writes to the transcript draws here, from whichever thread.

use super::diagram::{self, Diagram, Row, wrapped};
use super::trace::Section;
use crate::grader::transcript::{Event, What};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Where a show is written; false once nobody reads it any more.
pub type Paper = Box<dyn FnMut(&str) -> bool + Send>;

/// What is drawn, shared by the show and by whoever writes to the transcript.
pub(super) struct Screen {
    drawn: Mutex<Drawn>,
    changed: Condvar,
    turn: Mutex<()>,
    /// After each event, so that the room can follow.
    beat: Duration,
    /// There are no beats now: the times themselves are what the room is to see.
    real_time: AtomicBool,
}

pub(super) struct Drawn {
    paper: Paper,
    /// Somebody still reads it.
    pub read: bool,
    width: usize,
    bold: bool,
    diagram: Diagram,
    pub sections: Vec<Section>,
    /// The lanes' names are written above the next event.
    header_due: bool,
    /// When the step's first event was.
    zero: Option<Duration>,
    /// What the beats have added to the step's times: it is not the conversation's doing.
    paused: Duration,
    /// When the last beat ends, since the step's first event.
    resumed: Duration,
    /// What the beats had added before the record began that is being drawn.
    unrecorded: Option<Duration>,
    /// What the signs of this step mean, where nobody was told yet.
    legends: Vec<&'static str>,
    known: BTreeSet<&'static str>,
    /// Bytes that come one by one, by the same to the same, stand in one row.
    pub gathers: bool,
    /// How many came so, one after the other.
    single: usize,
    row: Option<Row>,
}

/// Arrows that this many single bytes have before a row gathers the others.
const ARROWS: usize = 2;

impl Screen {
    /// Nothing is drawn yet; each event is followed by a beat.
    pub fn new(paper: Paper, width: usize, bold: bool, beat: Duration) -> Screen {
        let width = width.clamp(60, 120);
        Screen {
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
                resumed: Duration::ZERO,
                unrecorded: None,
                legends: Vec::new(),
                known: BTreeSet::new(),
                gathers: false,
                single: 0,
                row: None,
            }),
            changed: Condvar::new(),
            turn: Mutex::new(()),
            beat,
            real_time: AtomicBool::new(false),
        }
    }

    /// From now on events come as fast as they happen, or with a beat after each again.
    pub fn in_real_time(&self, real_time: bool) {
        self.real_time.store(real_time, Ordering::Relaxed);
    }

    fn beat(&self) -> Duration {
        match self.real_time.load(Ordering::Relaxed) {
            true => Duration::ZERO,
            false => self.beat,
        }
    }

    pub fn drawn(&self) -> MutexGuard<'_, Drawn> {
        // A panic elsewhere leaves at worst half a line.
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn event(&self, event: &Event) {
        // One beat after the other, also where two threads write at once.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let beat = self.beat();
        self.drawn().event(event, beat);
        self.changed.notify_all();
        thread::sleep(beat);
        drop(turn);
    }

    /// Draws what was recorded meanwhile, at the speed of the beats: its times are the record's.
    pub fn replays(&self, event: &Event) {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.drawn().replay(event, self.beat);
        self.changed.notify_all();
        thread::sleep(self.beat);
        drop(turn);
    }

    pub fn awaits(&self, limit: Duration, is_due: impl Fn(&Event) -> bool) -> bool {
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
    pub fn lanes(&mut self, names: &[&str]) {
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

    pub fn begin_section(&mut self, heading: &str) {
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
        (self.zero, self.unrecorded) = (None, None);
        (self.paused, self.resumed) = (Duration::ZERO, Duration::ZERO);
    }

    fn event(&mut self, event: &Event, beat: Duration) {
        let zero = *self.zero.get_or_insert(event.at);
        // What happened during a beat is as old as the beat: its clock stands still.
        let at = event.at.saturating_sub(zero).max(self.resumed);
        let shown = at - self.paused;
        self.resumed = at + beat;
        self.paused += beat;
        self.draw(event, shown);
    }

    fn replay(&mut self, event: &Event, beat: Duration) {
        let zero = *self.zero.get_or_insert(event.at);
        let at = event.at.saturating_sub(zero);
        // The beats before the record went by before it began, but for the last if it began in that
        // one; those after it are none of its own.
        let last = if at < self.resumed {
            beat
        } else {
            Duration::ZERO
        };
        let before = self.paused.saturating_sub(last);
        let shown = at.saturating_sub(*self.unrecorded.get_or_insert(before));
        self.paused += beat;
        // What happens next isn't shown to be earlier.
        self.resumed = self.resumed.max(self.paused + shown);
        self.draw(event, shown);
    }

    /// What is replayed from here on happened after all beats so far.
    pub fn begin_record(&mut self) {
        self.unrecorded = None;
    }

    fn draw(&mut self, event: &Event, shown: Duration) {
        if self.header_due {
            let header = self.diagram.header();
            self.line("");
            self.bold_line(&header);
            self.header_due = false;
        }
        if !self.gathered(event, shown) {
            for row in self.diagram.rows(event, shown) {
                self.line(&row);
            }
        }
        let legend = diagram::sign_of(event.what).legend;
        if !legend.is_empty() && self.known.insert(legend) {
            self.legends.push(legend);
        }
        if let Some(section) = self.sections.last_mut() {
            section.events.push(event.clone());
        }
    }

    /// Whether an event is drawn in the row of those before it, or begins one.
    fn gathered(&mut self, event: &Event, shown: Duration) -> bool {
        let last = self
            .sections
            .last()
            .and_then(|section| section.events.last());
        let goes_on = last.is_some_and(|last| last.who == event.who && last.peer == event.peer);
        let is_single = self.gathers && event.what == What::Hears && event.length == 1;
        if !is_single || !goes_on {
            self.end_row();
            self.single = usize::from(is_single);
            return false;
        }
        self.single += 1;
        if self.single <= ARROWS {
            return false;
        }
        if self.row.is_none() {
            let Some((row, begin)) = self.diagram.begin_row(event, shown) else {
                return false;
            };
            self.row = Some(row);
            self.put(&begin);
        }
        if let Some(row) = &mut self.row {
            let text = row.grows(event);
            self.put(&text);
        }
        true
    }

    /// Ends a row that is still growing.
    pub fn end_row(&mut self) {
        if let Some(row) = self.row.take() {
            let end = row.ends();
            self.line(&end);
        }
        self.single = 0;
    }

    pub fn finish_step(&mut self) {
        self.end_row();
        let legends = std::mem::take(&mut self.legends);
        if !legends.is_empty() {
            self.line("");
            for legend in legends {
                self.paragraph(&format!("   {legend}"));
            }
        }
    }

    pub fn heading(&mut self, text: &str) {
        // Below the words, not below the step's number.
        let hang = text
            .find(". ")
            .filter(|end| *end < 3)
            .map_or(0, |end| end + 2);
        let (number, words) = text.split_at(hang);
        for (i, line) in wrapped(words, self.width - hang).iter().enumerate() {
            let before = if i == 0 { number } else { "" };
            self.bold_line(&format!("{before:hang$}{line}"));
        }
    }

    /// Wrapped; every line is indented as the first.
    pub fn paragraph(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        for line in wrapped(text, self.width - indent) {
            self.line(&format!("{:indent$}{line}", ""));
        }
    }

    pub fn verbatim(&mut self, line: &str) {
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

    pub fn line(&mut self, line: &str) {
        self.put(&format!("{line}\n"));
    }

    pub fn put(&mut self, text: &str) {
        self.read = self.read && (self.paper)(text);
    }
}
