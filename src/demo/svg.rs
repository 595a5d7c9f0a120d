//! A trace as a figure for the book: SVG to be put inline, so that it takes the page's colours.
//!
//! Drawn from the same signs as the terminal's diagram, 360 units wide for a phone, in
//! `currentColor` and the page's `--wire-…` variables. Its label replaces it in words. Equal traces
//! give equal bytes.

use super::diagram::{self, Fate, Line, Lives, Shape};
use super::trace::{self, Section, Trace};
use crate::grader::transcript::{Event, What};
use std::fmt::Write;

const WIDTH: usize = 360;

/// Where the first and the last lane are.
const FIRST: usize = 30;
const LAST: usize = 330;

/// Font size, in units: no text is smaller.
const TEXT: usize = 11;

/// Units from one line of text to the next.
const LEADING: usize = 14;

/// What a character of the monospace font is taken to be wide, in tenths of a unit: the widest of
/// the usual fonts has 6.7.
const CHARACTER: usize = 67;

const CLIENT: &str = "var(--wire-a, #1b5e9e)";
const SERVER: &str = "var(--wire-b, #8a4100)";
const LOST: &str = "var(--wire-lost, #a91d2b)";
const NOTE: &str = "var(--wire-note, #6b7078)";

/// Draws the trace.
pub fn draw(trace: &Trace) -> String {
    let mut pen = Pen {
        body: String::new(),
        y: 4,
        lives: Lives::default(),
    };
    for section in &trace.sections {
        pen.section(section);
    }
    let words = trace.sections.iter().flat_map(|section| {
        let events = section.events.iter();
        events.map(|event| trace::sentence(event, &section.lanes, ""))
    });
    let words = words.collect::<Vec<_>>().join(" ");
    let label = escaped(&format!(
        "{}. {words}",
        trace.title.trim_end_matches(['.', '?', '!'])
    ));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-label=\"{label}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', \
         monospace\" font-size=\"{TEXT}\" fill=\"currentColor\">\n{}</svg>\n",
        pen.y + 6,
        pen.body
    )
}

struct Pen {
    body: String,
    /// Where the next row begins.
    y: usize,
    lives: Lives,
}

/// A line of text, and where it stands.
struct Text {
    x: usize,
    y: usize,
    anchor: &'static str,
    text: String,
}

impl Text {
    fn covers(&self, x: usize) -> bool {
        let width = self.text.chars().count() * CHARACTER / 10;
        let left = match self.anchor {
            "start" => self.x,
            "end" => self.x.saturating_sub(width),
            _ => self.x.saturating_sub(width / 2),
        };
        (left.saturating_sub(3)..=left + width + 3).contains(&x)
    }
}

impl Pen {
    fn section(&mut self, section: &Section) {
        if !section.heading.is_empty() {
            self.y += 8;
            for line in diagram::wrapped(&section.heading, (WIDTH - 12) * 10 / CHARACTER) {
                self.y += LEADING;
                let text = Text {
                    x: 6,
                    y: self.y,
                    anchor: "start",
                    text: line,
                };
                self.text(&text, " font-weight=\"bold\"");
            }
            self.y += 4;
        }
        self.y += LEADING;
        for (i, name) in section.lanes.iter().enumerate() {
            let half = name.chars().count() * CHARACTER / 20 + 2;
            let x = lane_x(section, i).clamp(half, WIDTH - half);
            let name = Text {
                x,
                y: self.y,
                anchor: "middle",
                text: diagram::one_line(name),
            };
            self.text(&name, " font-weight=\"bold\"");
        }
        self.y += 6;
        for event in &section.events {
            self.lives.before(&section.lanes, event);
            self.event(section, event);
            self.lives.after(event);
        }
    }

    fn event(&mut self, section: &Section, event: &Event) {
        let Some((own, other)) = diagram::ends(&section.lanes, event) else {
            let words = format!("{}: {}", event.who, diagram::label(event, 200));
            let lines = diagram::wrapped(&words, (WIDTH - 12) * 10 / CHARACTER);
            let texts = lines.into_iter().zip(1..).map(|(text, row)| Text {
                x: 6,
                y: self.y + row * LEADING,
                anchor: "start",
                text,
            });
            let texts: Vec<Text> = texts.collect();
            return self.row(section, &texts, texts.len() * LEADING + 4, None);
        };
        match diagram::sign_of(event.what).shape {
            Shape::Out(line) => self.arrow(section, event, (own, other), line, false),
            Shape::In(line) => self.arrow(section, event, (other, own), line, false),
            Shape::Stopped => self.arrow(section, event, (own, other), Line::Single, true),
            Shape::Datagram(fate) => self.datagram(section, event, (own, other), fate),
            Shape::At(mark) => self.remark(section, event, own, mark),
        }
    }

    fn arrow(
        &mut self,
        section: &Section,
        event: &Event,
        (from, to): (usize, usize),
        line: Line,
        stopped: bool,
    ) {
        let (start, end) = (lane_x(section, from), lane_x(section, to));
        let (left, right) = (start.min(end), start.max(end));
        let middle = (left + right) / 2;
        let room = (right - left).saturating_sub(12) * 10 / CHARACTER;
        let label = diagram::label(event, room);
        let lines = diagram::wrapped(&label, room).into_iter().take(3).zip(1..);
        let texts: Vec<Text> = lines
            .map(|(text, row)| Text {
                x: middle,
                y: self.y + row * LEADING,
                anchor: "middle",
                text,
            })
            .collect();
        let y = self.y + texts.len() * LEADING + 6;
        self.row(section, &texts, texts.len() * LEADING + 12, None);
        let broken = matches!(event.what, What::Resets | What::HearsReset);
        let colour = match (stopped || broken, from < to) {
            (true, _) => LOST,
            (false, true) => CLIENT,
            (false, false) => SERVER,
        };
        let back = |x: usize, by: usize| if end > start { x - by } else { x + by };
        let tip = if stopped { back(end, 8) } else { end };
        let shafts = match line {
            Line::Single => vec![y],
            Line::Double => vec![y - 2, y + 2],
        };
        let ends_at = if stopped { tip } else { back(tip, 6) };
        for y in shafts {
            self.put(&format!(
                "<path d=\"M{start} {y}H{ends_at}\" style=\"stroke: {colour}\" stroke-width=\"1.5\"/>"
            ));
        }
        if stopped {
            let (a, b) = (tip - 5, tip + 5);
            let (top, bottom) = (y - 5, y + 5);
            self.put(&format!(
                "<path d=\"M{a} {top}L{b} {bottom}M{a} {bottom}L{b} {top}\" style=\"stroke: {colour}\" \
                 stroke-width=\"2.5\"/>"
            ));
        } else {
            let (neck, top, bottom) = (back(tip, 9), y - 5, y + 5);
            self.put(&format!(
                "<path d=\"M{tip} {y}L{neck} {top}V{bottom}Z\" style=\"fill: {colour}\"/>"
            ));
        }
    }

    /// The arrow of a datagram that doesn't simply arrive: see [`Fate`].
    fn datagram(&mut self, section: &Section, event: &Event, ends: (usize, usize), fate: Fate) {
        let (start, end) = (lane_x(section, ends.0), lane_x(section, ends.1));
        let (left, right) = (start.min(end), start.max(end));
        let room = (right - left).saturating_sub(12) * 10 / CHARACTER;
        let lines = diagram::wrapped(&diagram::label(event, room), room);
        let texts = lines.into_iter().take(3).zip(1..).map(|(text, row)| Text {
            x: (left + right) / 2,
            y: self.y + row * LEADING,
            anchor: "middle",
            text,
        });
        let texts: Vec<Text> = texts.collect();
        let y = self.y + texts.len() * LEADING + 6;
        self.row(section, &texts, texts.len() * LEADING + 12, None);
        let colour = match (fate, start < end) {
            (Fate::Lost, _) => LOST,
            (_, true) => CLIENT,
            (_, false) => SERVER,
        };
        let back = |x: usize, by: usize| if end > start { x - by } else { x + by };
        let eighth = (right - left) / 8;
        let (from, to) = match fate {
            Fate::Lost | Fate::Held => (start, back(end, eighth)),
            Fate::Arrives => (back(end, right - left - eighth), end),
            Fate::Twice => (start, end),
        };
        let dashes = match fate {
            Fate::Held | Fate::Arrives => " stroke-dasharray=\"5 4\"",
            Fate::Lost | Fate::Twice => "",
        };
        self.put(&format!(
            "<path d=\"M{from} {y}H{}\" style=\"stroke: {colour}\" stroke-width=\"1.5\"{dashes}/>",
            back(to, 6)
        ));
        let (top, bottom) = (y - 5, y + 5);
        if fate == Fate::Lost {
            let (a, b) = (to - 5, to + 5);
            self.put(&format!(
                "<path d=\"M{a} {top}L{b} {bottom}M{a} {bottom}L{b} {top}\" style=\"stroke: {colour}\" \
                 stroke-width=\"2.5\"/>"
            ));
        }
        let heads: &[usize] = match fate {
            Fate::Lost | Fate::Held => &[],
            Fate::Arrives => &[0],
            Fate::Twice => &[0, 9],
        };
        for by in heads {
            let (tip, neck) = (back(to, *by), back(to, by + 9));
            self.put(&format!(
                "<path d=\"M{tip} {y}L{neck} {top}V{bottom}Z\" style=\"fill: {colour}\"/>"
            ));
        }
        let wave = match fate {
            Fate::Held => to,
            Fate::Arrives => from,
            Fate::Lost | Fate::Twice => return,
        };
        self.put(&format!(
            "<path d=\"M{} {y}q3 -6 6 0t6 0\" style=\"stroke: {colour}\" stroke-width=\"2\" \
             fill=\"none\"/>",
            wave - 6
        ));
    }

    fn remark(&mut self, section: &Section, event: &Event, lane: usize, mark: char) {
        let x = lane_x(section, lane);
        let last = lane > 0 && lane + 1 == section.lanes.len();
        let room = if last { x - 14 } else { WIDTH - x - 14 } * 10 / CHARACTER;
        let label = diagram::label(event, room);
        let lines = diagram::wrapped(&label, room).into_iter().take(4).zip(1..);
        let (anchor, at) = if last {
            ("end", x - 8)
        } else {
            ("start", x + 8)
        };
        let texts: Vec<Text> = lines
            .map(|(text, row)| Text {
                x: at,
                y: self.y + row * LEADING,
                anchor,
                text,
            })
            .collect();
        let y = self.y + LEADING - 4;
        self.row(section, &texts, texts.len() * LEADING + 6, Some((x, mark)));
        match mark {
            'O' => self.put(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" style=\"fill: {SERVER}\"/>")),
            '┬' | '┴' => self.put(&format!(
                "<path d=\"M{} {y}H{}\" style=\"stroke: {NOTE}\" stroke-width=\"2\"/>",
                x - 6,
                x + 6
            )),
            'X' => self.put(&format!(
                "<path d=\"M{} {}l10 10m0 -10l-10 10\" style=\"stroke: {LOST}\" stroke-width=\"2.5\"/>",
                x - 5,
                y - 5
            )),
            _ => {}
        }
    }

    /// The lines of those who take part, with gaps where words stand, and the words. A mark begins
    /// or ends the line of its lane.
    fn row(
        &mut self,
        section: &Section,
        texts: &[Text],
        height: usize,
        mark: Option<(usize, char)>,
    ) {
        let (top, bottom) = (self.y, self.y + height);
        for (i, name) in section.lanes.iter().enumerate() {
            if !self.lives.has(name) {
                continue;
            }
            let x = lane_x(section, i);
            let turn = top + LEADING - 4;
            let (mut from, until) = match mark {
                Some((at, '┬')) if at == x => (turn, bottom),
                Some((at, '┴')) if at == x => (top, turn),
                _ => (top, bottom),
            };
            let mut path = String::new();
            for text in texts.iter().filter(|text| text.covers(x)) {
                let gap = (text.y - TEXT, text.y + 4);
                if gap.0 > from {
                    let _ = write!(path, "M{x} {from}V{}", gap.0.min(until));
                }
                from = from.max(gap.1);
            }
            if from < until {
                let _ = write!(path, "M{x} {from}V{until}");
            }
            if !path.is_empty() {
                self.put(&format!("<path d=\"{path}\" style=\"stroke: {NOTE}\"/>"));
            }
        }
        for text in texts {
            self.text(text, "");
        }
        self.y = bottom;
    }

    fn text(&mut self, text: &Text, more: &str) {
        let Text { x, y, anchor, text } = text;
        let anchor = match *anchor {
            "start" => String::new(),
            anchor => format!(" text-anchor=\"{anchor}\""),
        };
        self.put(&format!(
            "<text x=\"{x}\" y=\"{y}\"{anchor}{more}>{}</text>",
            escaped(text)
        ));
    }

    fn put(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

fn lane_x(section: &Section, lane: usize) -> usize {
    FIRST + (LAST - FIRST) * lane / section.lanes.len().saturating_sub(1).max(1)
}

/// Text as XML, and as HTML: the figure stands inside a page of Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // mdBook takes two of them and a sign for a directive.
            '{' => out.push_str("&#123;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn figure(bytes: &[u8], note: &str) -> String {
        let events = What::ALL.iter().map(|what| Event {
            at: Duration::ZERO,
            who: "alice".to_string(),
            peer: String::new(),
            what: *what,
            bytes: if note.is_empty() {
                bytes.to_vec()
            } else {
                Vec::new()
            },
            length: if note.is_empty() { bytes.len() } else { 0 },
            note: note.to_string(),
        });
        let lanes = ["alice", "bob", "server"].map(String::from).to_vec();
        let heading = "A step".to_string();
        let sections = vec![Section {
            heading,
            lanes,
            events: events.collect(),
        }];
        draw(&Trace {
            name: "x".to_string(),
            title: "Who?".to_string(),
            sections,
        })
    }

    #[test]
    fn whatever_was_said_the_figure_is_well_formed_and_has_no_blank_line() {
        for (bytes, note) in [
            (&b"a\n\nb"[..], ""),
            (b"<script>{{#include x}}</script>", ""),
            (b"\x00\xff\"&", ""),
            (b"", "<port A> & {{#x}} \"\n\n\x1b[2J"),
        ] {
            let svg = figure(bytes, note);
            assert!(svg.lines().all(|line| !line.trim().is_empty()), "{svg}");
            assert!(!svg.contains("<script") && !svg.contains("{{"), "{svg}");
            assert!(!svg.contains('\x1b'), "{svg}");
            let opened = svg.matches("<text").count();
            assert_eq!(opened, svg.matches("</text>").count());
            let tags = svg.matches('<').count();
            assert_eq!(tags, svg.matches('>').count());
        }
    }

    #[test]
    fn no_text_leaves_the_figure() {
        let svg = figure(b"", &"word ".repeat(60));
        for line in svg.lines().filter(|line| line.starts_with("<text")) {
            let words = line.split_once('>').unwrap().1.trim_end_matches("</text>");
            let x: usize = line.split('"').nth(1).unwrap().parse().unwrap();
            let width = words.chars().count() * CHARACTER / 10;
            let (left, right) = match line {
                line if line.contains("\"end\"") => (x as i64 - width as i64, x),
                line if line.contains("\"middle\"") => (x as i64 - width as i64 / 2, x + width / 2),
                _ => (x as i64, x + width),
            };
            assert!(left >= 0 && right <= WIDTH, "{line}");
        }
    }
}
