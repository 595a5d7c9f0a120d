//! Events as lines of a sequence diagram in a terminal: time runs down, a lane for each who takes
//! part, arrows between them with the bytes on them.
//!
//! What an arrow looks like stands in [`SIGNS`], and only there: the figure in the book is drawn
//! from the same table. Every sign differs from the others by its shape or its word, never by its
//! colour alone.

use crate::grader::bytes;
use crate::grader::transcript::{Event, What};
use std::collections::BTreeSet;
use std::time::Duration;

/// How an event is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Sign {
    pub what: What,
    pub shape: Shape,
    /// On the arrow or beside the lane, before the note; nothing where bytes speak for themselves.
    pub word: &'static str,
    /// What it means: said where the sign is first met. Empty where the word says all.
    pub legend: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An arrow from whose step it is to the other end.
    Out(Line),
    /// An arrow from the other end to whose step it is.
    In(Line),
    /// An arrow that doesn't arrive: it ends in an X.
    Stopped,
    /// A datagram's arrow, from whose step it is.
    Datagram(Fate),
    /// A remark at the lane of whose step it is, with this mark on the lane.
    At(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Single,
    Double,
}

/// How a datagram's arrow shows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ends in an X on its way.
    Lost,
    /// It has two heads.
    Twice,
    /// It is dashed, and ends in a wave on its way.
    Held,
    /// It is dashed, and begins with the wave.
    Arrives,
}

impl Line {
    fn char(self) -> char {
        match self {
            Line::Single => '─',
            Line::Double => '═',
        }
    }
}

const fn sign(what: What, shape: Shape, word: &'static str, legend: &'static str) -> Sign {
    Sign {
        what,
        shape,
        word,
        legend,
    }
}

use Line::{Double, Single};
use Shape::{At, Datagram, In, Out, Stopped};

/// The signs. A chapter that brings a new one (a datagram that is lost) adds a row here.
pub const SIGNS: &[Sign] = &[
    sign(What::Starts, At('┬'), "starts", ""),
    sign(
        What::Listens,
        At('O'),
        "listens on",
        "O: from here on, its port is open",
    ),
    sign(
        What::Connects,
        Out(Double),
        "connects",
        "═══: the three-way handshake; the kernel does it",
    ),
    sign(What::Accepts, At('│'), "accepts", ""),
    sign(What::Says, Out(Single), "", ""),
    sign(What::AllRead, At('│'), "all of it has been read", ""),
    sign(What::Hears, In(Single), "", ""),
    sign(What::HalfCloses, Out(Single), "FIN", FIN),
    sign(What::HangsUp, Out(Single), "FIN", FIN),
    sign(What::HearsEnd, In(Single), "FIN", FIN),
    sign(What::Resets, Out(Single), "RST", RST),
    sign(What::HearsReset, In(Single), "RST", RST),
    sign(
        What::Refused,
        Stopped,
        "refused:",
        "X: refused; nobody listens at that port",
    ),
    sign(
        What::Lost,
        Datagram(Fate::Lost),
        "lost",
        "──X: a datagram that is lost on its way",
    ),
    sign(
        What::Twice,
        Datagram(Fate::Twice),
        "twice",
        "►►: a datagram that arrives twice",
    ),
    sign(What::Held, Datagram(Fate::Held), "late", LATE),
    sign(What::Arrives, Datagram(Fate::Arrives), "arrives", LATE),
    sign(What::Waits, At('│'), "waits", ""),
    sign(What::Exits, At('┴'), "ends:", ""),
    sign(What::Fails, At('X'), "fails:", ""),
    sign(What::Notes, At('│'), "", ""),
];

const FIN: &str = "FIN: whoever sends it has said all; it can still hear";
const LATE: &str = "╌╌~: a datagram that is late; ~╌╌: now it arrives";
const RST: &str = "RST: the connection is broken off; what was still on its way is lost";

/// How this kind of event is drawn.
pub fn sign_of(what: What) -> Sign {
    let plain = sign(what, At('│'), what.word(), "");
    SIGNS
        .iter()
        .copied()
        .find(|sign| sign.what == what)
        .unwrap_or(plain)
}

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

/// What stands on an event's arrow or beside its lane, on one line. Bytes are cut to the room.
pub fn label(event: &Event, room: usize) -> String {
    let sign = sign_of(event.what);
    if event.length == 0 {
        let words = [sign.word, &one_line(&event.note)];
        return words
            .iter()
            .filter(|word| !word.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
    }
    let plural = if event.length == 1 { "" } else { "s" };
    let word = match sign.word {
        "" => String::new(),
        word => format!("{word}: "),
    };
    let all = if event.bytes.len() == event.length {
        format!(
            "{word}{}, {} byte{plural}",
            one_line(&shown(&event.bytes)),
            event.length
        )
    } else {
        String::new()
    };
    if !all.is_empty() && all.chars().count() <= room {
        return all;
    }
    // Escapes and hex take more room than the bytes: try until it fits.
    let fits = (1..=event.bytes.len().min(room)).rev().map(|most| {
        format!(
            "{word}{}…, {} byte{plural}",
            one_line(&shown(cut(&event.bytes, most))),
            event.length
        )
    });
    let mut fits = fits.filter(|text| text.chars().count() <= room);
    fits.next()
        .unwrap_or_else(|| format!("{word}{} byte{plural}", event.length))
}

/// The first so many bytes, or a few less: a cut inside a character must not turn text into hex.
fn cut(bytes: &[u8], most: usize) -> &[u8] {
    let cut = &bytes[..most];
    match std::str::from_utf8(cut) {
        Err(err) if bytes::is_text(bytes) => &cut[..err.valid_up_to()],
        _ => cut,
    }
}

/// Text in quotes where each character is one column wide, else hex.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes::is_text(bytes) && text.chars().all(is_narrow) => bytes::quoted(text),
        _ => bytes::hex(bytes),
    }
}

/// One line in which each character takes one column, so that nothing moves a lane.
pub fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars()
        .map(|c| {
            if is_narrow(c) && !c.is_control() {
                c
            } else {
                '?'
            }
        })
        .collect()
}

fn is_narrow(c: char) -> bool {
    // Latin, Greek and Cyrillic without combining marks; arrows and the ellipsis.
    matches!(c, '\0'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{2010}'..='\u{2026}' | '→' | '←')
}

/// Words on lines of at most so many columns. A word that is longer is cut.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = vec![String::new()];
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            // `<port A>` is one word.
            Some(last) if last.ends_with("<port") || last.ends_with("<pid") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_string()),
        }
    }
    for mut word in words {
        loop {
            let line = lines.last_mut().expect("never empty");
            let used = line.chars().count();
            let needed = word.chars().count() + usize::from(used > 0);
            if used + needed <= width {
                if used > 0 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if used == 0 {
                line.extend(word.chars().take(width));
                word = word.chars().skip(width).collect();
            }
            lines.push(String::new());
        }
    }
    lines
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
    fn words_are_wrapped_and_what_is_too_long_for_a_line_is_cut() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(
            wrapped("127.0.0.1 port <port A>", 15),
            ["127.0.0.1 port", "<port A>"]
        );
        assert_eq!(wrapped("abcdefghijkl m", 8), ["abcdefgh", "ijkl m"]);
        assert_eq!(wrapped("", 8), [""]);
    }

    #[test]
    fn every_kind_of_event_has_its_sign() {
        for what in What::ALL {
            assert!(
                SIGNS.iter().any(|sign| sign.what == what),
                "{}",
                what.word()
            );
        }
    }

    #[test]
    fn long_bytes_are_cut_to_the_room_and_say_how_many_they_were() {
        let text = label(&event("a", What::Says, &[b'x'; 100], ""), 20);
        assert_eq!(text, "\"xxxxxx\"…, 100 bytes");
        let text = label(&event("a", What::Says, &[0xff; 2000], ""), 20);
        assert_eq!(text, "ff ff…, 2000 bytes");
    }
}
