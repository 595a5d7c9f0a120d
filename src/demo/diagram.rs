//! Events as lines of a sequence diagram in a terminal: time runs down, a lane for each who takes
//! part, arrows between them with the bytes on them.
//!
//! What an arrow looks like stands in [`SIGNS`], and only there: the figure in the book is drawn
//! from the same table.

mod signs;
mod words;

pub use signs::{Fate, Line, SIGNS, Shape, Sign, sign_of};
pub use words::{label, one_line, wrapped};

use crate::grader::transcript::{Event, What};
use Shape::{At, Datagram, In, Out, Stopped};
use std::collections::BTreeSet;
use std::time::Duration;

/// The index of a name among the lanes.
pub fn lane(lanes: &[String], name: &str) -> Option<usize> {
    lanes.iter().position(|lane| lane == name)
}

/// The two lanes that an event is about. Where it names no other end, that is the last lane: the
/// server's; of the last one itself it is the first.
pub fn ends(lanes: &[String], event: &Event) -> Option<(usize, usize)> {
    let own = lane(lanes, &event.who)?;
    let last = lanes.len() - 1;
    let other = lane(lanes, &event.peer).unwrap_or(if own == last { 0 } else { last });
    Some((own, other))
}

/// Who takes part at the moment: their lanes have a line.
#[derive(Clone, Default)]
pub struct Lives(BTreeSet<String>);

impl Lives {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// What has to be drawn with the event itself.
    pub fn before(&mut self, lanes: &[String], event: &Event) {
        self.0.insert(event.who.clone());
        let arrives = matches!(
            sign_of(event.what).shape,
            Out(_) | In(_) | Datagram(Fate::Twice | Fate::Arrives)
        );
        if let (true, Some((_, other))) = (arrives, ends(lanes, event)) {
            self.0.insert(lanes[other].clone());
        }
    }

    /// What has to be drawn after it.
    pub fn after(&mut self, event: &Event) {
        if matches!(event.what, What::Exits | What::HangsUp | What::Resets) {
            self.0.remove(&event.who);
        }
    }
}

/// The diagram's state between two events.
pub struct Diagram {
    width: usize,
    lanes: Vec<String>,
    lives: Lives,
}

/// Columns for the time: `  0.003 `.
const TIME: usize = 8;

impl Diagram {
    /// At most so many columns wide; a longer arrow than on 100 columns says no more.
    pub fn new(width: usize) -> Diagram {
        Diagram {
            width: width.clamp(60, 100),
            lanes: Vec::new(),
            lives: Lives::default(),
        }
    }

    /// From now on these take part, from left to right. Who took part before may again.
    pub fn set_lanes(&mut self, lanes: &[String]) {
        self.lanes = lanes.to_vec();
    }

    /// The line with the names of the lanes.
    pub fn header(&self) -> String {
        let mut canvas = Canvas::new(self.width);
        canvas.put(0, "seconds");
        for (i, name) in self.lanes.iter().enumerate() {
            let name = one_line(name);
            let half = name.chars().count() / 2;
            let most = self.width.saturating_sub(name.chars().count());
            canvas.put(self.column(i).saturating_sub(half).clamp(TIME, most), &name);
        }
        canvas.line()
    }

    /// The lines of an event that happened so long after its step began.
    pub fn rows(&mut self, event: &Event, at: Duration) -> Vec<String> {
        self.lives.before(&self.lanes, event);
        let time = format!("{:>7.3}", at.as_secs_f64());
        let mut rows = match ends(&self.lanes, event) {
            Some((own, other)) => match sign_of(event.what).shape {
                Out(line) => self.arrow(event, (own, other), own, line.char(), '─'),
                In(line) => self.arrow(event, (other, own), own, line.char(), '─'),
                Stopped => self.arrow(event, (own, other), own, '─', 'X'),
                Datagram(fate) => vec![self.datagram(event, (own, other), fate)],
                At(mark) => self.remark(&label(event, self.width), own, mark),
            },
            None => {
                let text = format!("{}: {}", one_line(&event.who), label(event, self.width));
                let lines = wrapped(&text, self.width - TIME - 2);
                lines.iter().map(|line| self.aside(line)).collect()
            }
        };
        self.lives.after(event);
        rows[0].put(0, &time);
        rows.iter().map(Canvas::line).collect()
    }

    /// Begins a row for bytes that come one by one, and grows with each: what stands before them. Only
    /// for arrows between two neighbours, the first and the last.
    pub fn begin_row(&mut self, event: &Event, at: Duration) -> Option<(Row, String)> {
        let (own, other) = ends(&self.lanes, event)?;
        if (own, other + 1) != (0, self.lanes.len()) {
            return None;
        }
        self.lives.before(&self.lanes, event);
        let (left, right) = (self.column(own), self.column(other));
        let begin = format!(
            "{:>7.3}{:blanks$}│◄── byte by byte \"",
            at.as_secs_f64(),
            "",
            blanks = left - 7
        );
        let row = Row {
            right,
            at: begin.chars().count(),
            bytes: 0,
            is_full: false,
        };
        Some((row, begin))
    }

    fn column(&self, lane: usize) -> usize {
        let (first, last) = (TIME + 3, self.width - 5);
        let gaps = self.lanes.len().saturating_sub(1).max(1);
        first + (last - first) * lane / gaps
    }

    /// A canvas with the lines of those who take part.
    fn lines(&self) -> Canvas {
        let mut canvas = Canvas::new(self.width);
        for (i, name) in self.lanes.iter().enumerate() {
            if self.lives.has(name) {
                canvas.put(self.column(i), "│");
            }
        }
        canvas
    }

    /// A line about somebody who has no lane.
    fn aside(&self, text: &str) -> Canvas {
        let mut canvas = Canvas::new(self.width);
        canvas.put(TIME + 1, text);
        canvas
    }

    /// An arrow; below it, at the lane of whose step it is, the note that has no room on it.
    fn arrow(
        &self,
        event: &Event,
        (from, to): (usize, usize),
        own: usize,
        line: char,
        end: char,
    ) -> Vec<Canvas> {
        let mut canvas = self.lines();
        let (from, to) = (self.column(from), self.column(to));
        let (left, right) = (from.min(to), from.max(to));
        for x in left + 1..right {
            canvas.cells[x] = line;
        }
        let rightwards = to > from;
        canvas.cells[from] = match (rightwards, line) {
            (true, '═') => '╞',
            (false, '═') => '╡',
            (true, _) => '├',
            (false, _) => '┤',
        };
        let head = if rightwards { to - 1 } else { to + 1 };
        canvas.cells[head] = match (end, rightwards) {
            ('X', _) => 'X',
            (_, true) => '►',
            (_, false) => '◄',
        };
        let room = (right - left).saturating_sub(10);
        let mut label = label(event, room);
        let mut below = Vec::new();
        if label.chars().count() > room {
            below = self.remark(&one_line(&event.note), own, '│');
            label = sign_of(event.what)
                .word
                .trim_end_matches(':')
                .chars()
                .take(room)
                .collect();
        }
        if !label.is_empty() {
            let label = format!(" {label} ");
            let start = left + (right - left + 1).saturating_sub(label.chars().count()) / 2;
            canvas.put(start, &label);
        }
        below.insert(0, canvas);
        below
    }

    /// The arrow of a datagram that doesn't simply arrive. What is on it stands where it is whole.
    fn datagram(&self, event: &Event, (from, to): (usize, usize), fate: Fate) -> Canvas {
        let mut canvas = self.lines();
        let (from, to) = (self.column(from), self.column(to));
        let rightwards = to > from;
        let (left, right) = (from.min(to), from.max(to));
        // An arrow that ends on its way, or begins there, is an eighth shorter.
        let short = (right - left) / 8;
        let (left, right) = match (fate, rightwards) {
            (Fate::Twice, _) => (left, right),
            (Fate::Lost | Fate::Held, true) | (Fate::Arrives, false) => (left, right - short),
            (Fate::Lost | Fate::Held, false) | (Fate::Arrives, true) => (left + short, right),
        };
        let shaft = match fate {
            Fate::Lost | Fate::Twice => '─',
            Fate::Held | Fate::Arrives => '╌',
        };
        for x in left + 1..right {
            canvas.cells[x] = shaft;
        }
        let (tail, head, back) = match rightwards {
            true => (left, right - 1, right - 2),
            false => (right, left + 1, left + 2),
        };
        canvas.cells[tail] = match (fate, rightwards) {
            (Fate::Arrives, _) => '~',
            (_, true) => '├',
            (_, false) => '┤',
        };
        let arrow = if rightwards { '►' } else { '◄' };
        canvas.cells[head] = match fate {
            Fate::Lost => 'X',
            Fate::Held => '~',
            Fate::Twice | Fate::Arrives => arrow,
        };
        if fate == Fate::Twice {
            canvas.cells[back] = arrow;
        }
        let room = (right - left).saturating_sub(8);
        let label: String = label(event, room).chars().take(room).collect();
        let label = format!(" {label} ");
        let start = left + (right - left + 1).saturating_sub(label.chars().count()) / 2;
        canvas.put(start, &label);
        canvas
    }

    fn remark(&self, text: &str, lane: usize, mark: char) -> Vec<Canvas> {
        let x = self.column(lane);
        let last = lane + 1 == self.lanes.len() && lane > 0;
        // To the side where the other lanes are, over their lines where it has to be.
        let room = if last {
            x - TIME - 3
        } else {
            self.width - x - 3
        };
        let near = if last {
            x - self.column(lane - 1)
        } else {
            self.column(lane + 1) - x
        };
        let fits = text.chars().count() + 3 <= near || near > 40;
        let lines = wrapped(text, if fits { near - 3 } else { room });
        let mut rows = Vec::new();
        for (i, line) in lines.iter().take(4).enumerate() {
            let mut canvas = self.lines();
            if i == 0 {
                canvas.cells[x] = mark;
            }
            let length = line.chars().count();
            canvas.put(
                if last {
                    x - 1 - length.min(x - 1)
                } else {
                    x + 2
                },
                line,
            );
            rows.push(canvas);
        }
        rows
    }
}

/// An arrow that is drawn as what is on it comes.
pub struct Row {
    /// The lane that it comes from.
    right: usize,
    /// The column that is drawn next.
    at: usize,
    bytes: usize,
    /// What comes has no room any more: it is counted.
    is_full: bool,
}

impl Row {
    /// What is drawn for one more byte.
    pub fn grows(&mut self, event: &Event) -> String {
        self.bytes += event.length;
        let text = event.bytes.escape_ascii().to_string();
        // Behind it stand at least `…", 123 bytes ──┤`.
        if self.is_full || self.at + text.chars().count() + 18 > self.right {
            let sign = if self.is_full { "" } else { "…" };
            self.is_full = true;
            self.at += sign.chars().count();
            return sign.to_string();
        }
        self.at += text.chars().count();
        text
    }

    /// The rest of the arrow.
    pub fn ends(self) -> String {
        let plural = if self.bytes == 1 { "" } else { "s" };
        let text = format!("\", {} byte{plural} ", self.bytes);
        let shaft = self.right.saturating_sub(self.at + text.chars().count());
        format!("{text}{}┤", "─".repeat(shaft))
    }
}

/// A row of columns to be written on.
struct Canvas {
    cells: Vec<char>,
}

impl Canvas {
    fn new(width: usize) -> Canvas {
        Canvas {
            cells: vec![' '; width],
        }
    }

    /// Writes text from a column on; what doesn't fit is left out.
    fn put(&mut self, column: usize, text: &str) {
        for (cell, c) in self.cells.iter_mut().skip(column).zip(text.chars()) {
            *cell = c;
        }
    }

    fn line(&self) -> String {
        self.cells.iter().collect::<String>().trim_end().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grader::transcript::KEPT;

    fn event(who: &str, what: What, bytes: &[u8], note: &str) -> Event {
        Event {
            at: Duration::ZERO,
            who: who.to_string(),
            peer: String::new(),
            what,
            bytes: bytes[..bytes.len().min(KEPT)].to_vec(),
            length: bytes.len(),
            note: note.to_string(),
        }
    }

    fn diagram(width: usize, lanes: &[&str]) -> Diagram {
        let mut diagram = Diagram::new(width);
        diagram.set_lanes(
            &lanes
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>(),
        );
        diagram
    }

    fn row(diagram: &mut Diagram, event: &Event) -> String {
        diagram.rows(event, Duration::from_millis(3)).join("\n")
    }

    #[test]
    fn bytes_go_from_who_says_them_and_come_to_who_hears_them() {
        let mut diagram = diagram(60, &["alice", "server"]);
        let said = row(&mut diagram, &event("alice", What::Says, b"hello\n", ""));
        assert_eq!(
            said,
            "  0.003    ├─────────── \"hello\\n\", 6 bytes ───────────►│"
        );
        let heard = row(&mut diagram, &event("alice", What::Hears, b"hello\n", ""));
        assert_eq!(
            heard,
            "  0.003    │◄────────── \"hello\\n\", 6 bytes ────────────┤"
        );
    }

    #[test]
    fn what_became_of_a_datagram_is_seen_from_its_arrow() {
        let mut diagram = diagram(60, &["client", "server"]);
        row(&mut diagram, &event("server", What::Starts, b"", ""));
        let arrows = [
            (What::Lost, "client", "├─ lost: \"hi\", 2 bytes ─X │"),
            (What::Lost, "server", "│ X─ lost: \"hi\", 2 bytes ─┤"),
            (What::Twice, "client", "├─ twice: \"hi\", 2 bytes ─►►│"),
            (What::Twice, "server", "│◄◄─ twice: \"hi\", 2 bytes ─┤"),
            (What::Held, "client", "├╌ late: \"hi\", 2 bytes ╌~ │"),
            (What::Arrives, "client", "│ ~╌ arrives: \"hi\", 2 bytes ╌►│"),
            (What::Arrives, "server", "│◄╌ arrives: \"hi\", 2 bytes ╌~ │"),
        ];
        row(&mut diagram, &event("client", What::Starts, b"", ""));
        for (what, who, arrow) in arrows {
            let mut drawn = row(&mut diagram, &event(who, what, b"hi", ""));
            // How long the shafts are is the terminal's affair.
            for twice in ["──", "╌╌", "  "] {
                while drawn.contains(twice) {
                    drawn = drawn.replace(twice, &twice[..twice.len() / 2]);
                }
            }
            assert!(drawn.ends_with(arrow), "{drawn}");
        }
    }

    #[test]
    fn what_is_refused_ends_in_an_x_and_nobody_is_there() {
        let refused = event("alice", What::Refused, b"", "connect to 127.0.0.1:9");
        let row = row(&mut diagram(60, &["alice", "server"]), &refused);
        assert!(row.ends_with("─X"), "{row}");
        assert!(row.contains("refused: connect to 127.0.0.1:9"), "{row}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_whatever_is_in_it() {
        let long = "x".repeat(300) + " " + &"word ".repeat(50);
        for width in [60, 80, 100] {
            for lanes in [
                &["a", "server"][..],
                &["a", "b", "server"],
                &["a", "b", "c", "server"],
            ] {
                let mut diagram = diagram(width, lanes);
                for what in What::ALL {
                    for who in lanes.iter().chain(&["stranger"]) {
                        let events = [
                            event(who, what, b"", &long),
                            event(who, what, "日本 é\u{301}".repeat(90).as_bytes(), ""),
                            event(who, what, &[0xff; 2000], ""),
                        ];
                        for event in events {
                            for row in diagram.rows(&event, Duration::from_secs(12)) {
                                assert!(row.chars().count() <= width, "{row}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_that_come_one_by_one_make_one_arrow_that_fits() {
        let mut diagram = diagram(60, &["alice", "server"]);
        let heard = |byte: u8| event("alice", What::Hears, &[byte], "");
        let mut drawn = |bytes: &[u8]| {
            let at = Duration::from_millis(3);
            let (mut row, mut text) = diagram.begin_row(&heard(bytes[0]), at).unwrap();
            for byte in bytes {
                text.push_str(&row.grows(&heard(*byte)));
            }
            text.push_str(&row.ends());
            text
        };
        assert_eq!(
            drawn(b"low.\n"),
            "  0.003    │◄── byte by byte \"low.\\n\", 5 bytes ────────┤"
        );
        let long = drawn(&[b'x'; 300]);
        assert!(long.ends_with("x…\", 300 bytes ────┤"), "{long}");
        let short = drawn(b"x");
        let whole = row(&mut diagram, &heard(b'x'));
        for text in [long, short] {
            assert_eq!(text.chars().count(), whole.chars().count(), "{text}");
        }
    }

    #[test]
    fn a_lane_ends_with_its_process() {
        let mut diagram = diagram(60, &["alice", "server"]);
        row(
            &mut diagram,
            &event("server", What::Starts, b"", "server 127.0.0.1:0"),
        );
        assert!(row(&mut diagram, &event("alice", What::Notes, b"", "here")).ends_with('│'));
        row(
            &mut diagram,
            &event("server", What::Exits, b"", "exit status 0"),
        );
        assert!(!row(&mut diagram, &event("alice", What::Notes, b"", "here")).ends_with('│'));
    }

    #[test]
    fn long_bytes_are_cut_to_the_room_and_say_how_many_they_were() {
        let text = label(&event("a", What::Says, &[b'x'; 100], ""), 20);
        assert_eq!(text, "\"xxxxxx\"…, 100 bytes");
        let text = label(&event("a", What::Says, &[0xff; 2000], ""), 20);
        assert_eq!(text, "ff ff…, 2000 bytes");
    }
}
