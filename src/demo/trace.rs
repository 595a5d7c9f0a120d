//! A transcript as a file: what a figure is drawn from, and what a test compares a new run with.
//!
//! A committed trace says nothing that differs between two runs: its times are its order, ports are
//! `<port A>`, `<port B>` in the order in which they are met, and so are process numbers.

use super::diagram;
use crate::grader::bytes;
use crate::grader::report::json;
use crate::grader::transcript::{Event, What};
use jzon::JsonValue;
use std::time::Duration;

/// A recorded conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The stem of its file: `ch02_echo`.
    pub name: String,
    pub title: String,
    pub sections: Vec<Section>,
}

/// A part of it with lanes of its own: one step of a demo, or all of a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// What the room was told before it; may be empty.
    pub heading: String,
    pub lanes: Vec<String>,
    pub events: Vec<Event>,
}

impl Trace {
    /// The trace without what differs from run to run.
    pub fn normalised(mut self) -> Trace {
        let mut names = Names::default();
        let mut order = 0;
        for section in &mut self.sections {
            section.heading = names.normalised(&section.heading);
            for event in &mut section.events {
                event.at = Duration::from_millis(order);
                order += 1;
                event.note = names.normalised(&event.note);
            }
        }
        self
    }

    /// As it is committed: JSON, a line an event.
    pub fn to_json(&self) -> String {
        let mut out = format!(
            "{{\n\"version\": 1,\n\"name\": {},\n\"title\": {},\n\"sections\": [",
            jzon::stringify(self.name.as_str()),
            jzon::stringify(self.title.as_str())
        );
        for (i, section) in self.sections.iter().enumerate() {
            out.push_str(if i == 0 { "\n" } else { ",\n" });
            let heading = jzon::stringify(section.heading.as_str());
            let lanes = jzon::stringify(section.lanes.clone());
            out.push_str(&format!(
                "{{\"heading\": {heading}, \"lanes\": {lanes}, \"events\": ["
            ));
            for (i, event) in section.events.iter().enumerate() {
                out.push_str(if i == 0 { "\n" } else { ",\n" });
                out.push_str(&json::event(event).to_string());
            }
            out.push_str("\n]}");
        }
        out.push_str("\n]\n}\n");
        out
    }

    /// Reads what [`Trace::to_json`] wrote.
    ///
    /// # Errors
    /// A sentence that names the place: no JSON, another version, a field that is missing.
    pub fn from_json(text: &str) -> Result<Trace, String> {
        let trace = jzon::parse(text).map_err(|err| format!("no JSON: {err}"))?;
        if trace["version"] != 1 {
            return Err(format!(
                "version {} is not known here; it must be 1",
                trace["version"]
            ));
        }
        let sections = array(&trace, "sections")?.iter().map(section);
        Ok(Trace {
            name: string(&trace, "name")?,
            title: string(&trace, "title")?,
            sections: sections.collect::<Result<_, _>>()?,
        })
    }
}

fn section(section: &JsonValue) -> Result<Section, String> {
    let lanes = array(section, "lanes")?
        .iter()
        .map(|lane| lane.as_str().map(String::from));
    let events = array(section, "events")?.iter().enumerate();
    let events = events.map(|(i, e)| event(e).map_err(|err| format!("event {}: {err}", i + 1)));
    Ok(Section {
        heading: string(section, "heading")?,
        lanes: lanes.collect::<Option<_>>().ok_or("a lane is no text")?,
        events: events.collect::<Result<_, _>>()?,
    })
}

fn event(event: &JsonValue) -> Result<Event, String> {
    let word = string(event, "what")?;
    let bytes = unhex(event["bytes"].as_str().unwrap_or_default())?;
    let at = event["at"]
        .as_f64()
        .and_then(|at| Duration::try_from_secs_f64(at).ok());
    let optional = |key: &str| event[key].as_str().unwrap_or_default().to_string();
    Ok(Event {
        at: at.ok_or("\"at\" is no time in seconds")?,
        who: string(event, "who")?,
        peer: optional("peer"),
        what: What::from_word(&word).ok_or(format!("{word:?} is no kind of event"))?,
        length: event["length"]
            .as_u64()
            .map_or(bytes.len(), |length| length as usize),
        bytes,
        note: optional("note"),
    })
}

fn string(value: &JsonValue, key: &str) -> Result<String, String> {
    value[key]
        .as_str()
        .map(String::from)
        .ok_or(format!("{key:?} is missing, or no text"))
}

fn array<'a>(value: &'a JsonValue, key: &str) -> Result<&'a Vec<JsonValue>, String> {
    value[key]
        .as_array()
        .ok_or(format!("{key:?} is missing, or no list"))
}

fn unhex(hex: &str) -> Result<Vec<u8>, String> {
    let pairs = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    let bytes = pairs.map(|pair| match pair.len() {
        2 => u8::from_str_radix(pair, 16).ok(),
        _ => None,
    });
    bytes
        .collect::<Option<_>>()
        .ok_or(format!("{hex:?} is no hex"))
}

/// The numbers that were met so far, each with the letter that stands for it.
#[derive(Default)]
struct Names {
    ports: Vec<String>,
    processes: Vec<String>,
}

impl Names {
    /// `127.0.0.1:41873`, `127.0.0.1 41873`, `port 41873` and `pid 712` without their numbers.
    /// Port 0, which asks for any, stays.
    fn normalised(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let number = &rest[start..];
            let end = number
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(number.len());
            let (number, after) = number.split_at(end);
            out.push_str(&rest[..start]);
            let is_port = match number.parse::<u16>() {
                // `nc 127.0.0.1 41873`; small numbers behind an address may be anything.
                Ok(1024..) if follows_address(&out, ' ') => true,
                Ok(1..) => follows_address(&out, ':') || out.ends_with("port "),
                _ => false,
            };
            if is_port {
                out.push_str(&named("port", &mut self.ports, number));
            } else if out.ends_with("pid ") {
                out.push_str(&named("pid", &mut self.processes, number));
            } else {
                out.push_str(number);
            }
            rest = after;
        }
        out + rest
    }
}

/// Whether what comes next is the port of an address: `127.0.0.1:`, `[::1]:`.
fn follows_address(before: &str, separator: char) -> bool {
    let Some(host) = before.strip_suffix(separator) else {
        return false;
    };
    host.ends_with(']')
        || host
            .rsplit(|c: char| !(c.is_ascii_digit() || c == '.'))
            .next()
            .is_some_and(|ip| ip.parse::<std::net::Ipv4Addr>().is_ok())
}

fn named(kind: &str, met: &mut Vec<String>, number: &str) -> String {
    let index = met
        .iter()
        .position(|known| known == number)
        .unwrap_or_else(|| {
            met.push(number.to_string());
            met.len() - 1
        });
    match u8::try_from(index) {
        Ok(index) if index < 26 => format!("<{kind} {}>", char::from(b'A' + index)),
        _ => format!("<{kind} {}>", index + 1),
    }
}

/// The events of a figure as a Markdown list: what a reader gets who doesn't see it.
pub fn as_words(events: &[Event], lanes: &[String]) -> String {
    events
        .iter()
        .map(|event| format!("- {}\n", sentence(event, lanes, "`")))
        .collect()
}

/// One event as a sentence; `code` is put around what a program said or was given.
pub fn sentence(event: &Event, lanes: &[String], code: &str) -> String {
    let who = &event.who;
    let other = match diagram::ends(lanes, event) {
        Some((_, other)) => lanes[other].as_str(),
        None => "the other end",
    };
    let note = diagram::one_line(&event.note);
    let note = if note.is_empty() {
        String::new()
    } else {
        format!(" {code}{note}{code}")
    };
    match event.what {
        What::Starts => format!("{who} starts:{note}."),
        What::Listens => format!("{who} listens on{note}."),
        What::Connects => format!("{who} connects to {other}{}.", event_note(event, code)),
        What::Accepts => format!("{who} accepts a connection from{note}."),
        What::Says => format!("{who} sends {other} {}.", in_words(event, code)),
        What::Hears => format!("{other} sends {who} {}.", in_words(event, code)),
        What::AllRead => format!("{other} has read all that {who} sent."),
        What::HalfCloses => {
            let farewell = event.farewell();
            format!("{who} ends its direction ({farewell}): it will send no more.")
        }
        What::HangsUp => format!("{who} closes the connection (FIN)."),
        What::Resets => format!("{who} breaks the connection off (RST)."),
        What::HearsEnd => {
            let farewell = event.farewell();
            format!("{other} ends its direction ({farewell}); {who} hears the end.")
        }
        What::HearsReset => format!("{other} breaks the connection off (RST)."),
        What::Refused => format!("{who} is refused{}.", event_note(event, code)),
        What::Waits => format!("{who} waits{note}."),
        What::Exits => format!("{who} ends:{note}."),
        What::Fails => format!("{who} fails:{note}."),
        What::Lost => format!(
            "{who} sends {other} {}, which is lost on its way.",
            in_words(event, code)
        ),
        What::Twice => format!(
            "{who} sends {other} {}, which arrives twice.",
            in_words(event, code)
        ),
        What::Held => format!(
            "{who} sends {other} {}, which is late.",
            in_words(event, code)
        ),
        What::Arrives => format!("Late, {who}'s {} arrive at {other}.", in_words(event, code)),
        What::Notes => format!("{who}:{note}."),
    }
}

/// A note that reads on from its sentence: `from 127.0.0.1:41873`; only the address is code.
fn event_note(event: &Event, code: &str) -> String {
    let note = diagram::one_line(&event.note);
    match note.rsplit_once(' ') {
        Some((words, address)) if address.contains(':') && !words.contains(':') => {
            format!(" {words} {code}{address}{code}")
        }
        _ => {
            // A normalised address holds a blank: `127.0.0.1:<port A>`.
            match note.split_once(" 127.0.0.1:") {
                Some((words, port)) => format!(" {words} {code}127.0.0.1:{port}{code}"),
                None if note.is_empty() => String::new(),
                None => format!(": {note}"),
            }
        }
    }
}

fn in_words(event: &Event, code: &str) -> String {
    // Somebody looked on who could not see the bytes, or did not want to.
    if event.length == 0 && !event.note.is_empty() {
        return format!("{code}{}{code}", diagram::one_line(&event.note));
    }
    let plural = if event.length == 1 { "" } else { "s" };
    let brief = diagram::one_line(&bytes::brief(&event.bytes, 60));
    format!("{} byte{plural}, {code}{brief}{code}", event.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_of(what: What, bytes: &[u8], note: &str) -> Event {
        Event {
            at: Duration::from_millis(7),
            who: "alice".to_string(),
            peer: String::new(),
            what,
            bytes: bytes.to_vec(),
            length: bytes.len(),
            note: note.to_string(),
        }
    }

    fn trace(events: Vec<Event>) -> Trace {
        let lanes = ["alice", "server"].map(String::from).to_vec();
        let sections = vec![Section {
            heading: "one \"two\"".to_string(),
            lanes,
            events,
        }];
        Trace {
            name: "ch02_echo".to_string(),
            title: "A <title>".to_string(),
            sections,
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let events = What::ALL.map(|what| event_of(what, b"\x00\xff\n", "a \"note\""));
        let trace = trace(events.to_vec());
        assert_eq!(Trace::from_json(&trace.to_json()), Ok(trace));
    }

    #[test]
    fn a_damaged_file_is_told_with_its_place() {
        let good = trace(vec![event_of(What::Says, b"hi", "")]).to_json();
        let wrong = [
            ("\"version\": 1", "\"version\": 2"),
            ("says", "sings"),
            ("6869", "686"),
        ];
        for (was, is) in wrong {
            let err = Trace::from_json(&good.replace(was, is)).unwrap_err();
            assert!(err.len() > 10, "{err}");
        }
        assert!(Trace::from_json("{").is_err());
    }

    #[test]
    fn ports_and_process_numbers_get_letters_and_nothing_else_does() {
        let mut names = Names::default();
        let before = "127.0.0.1:7001 to [::1]:80 port 7001, pid 12, 12:30, port 0, 127.0.0.1:0, \
                      nc 127.0.0.1 7001 5, os error 98";
        let after = "127.0.0.1:<port A> to [::1]:<port B> port <port A>, pid <pid A>, 12:30, \
                     port 0, 127.0.0.1:0, nc 127.0.0.1 <port A> 5, os error 98";
        assert_eq!(names.normalised(before), after);
    }

    #[test]
    fn each_event_is_a_sentence() {
        let lanes = ["alice", "server"].map(String::from);
        let events = [
            event_of(What::Connects, b"", "from 127.0.0.1:<port B>"),
            event_of(What::Says, b"hello\n", ""),
            event_of(What::HearsEnd, b"", ""),
        ];
        let words = "- alice connects to server from `127.0.0.1:<port B>`.\n\
                     - alice sends server 6 bytes, `\"hello\\n\"`.\n\
                     - server ends its direction (FIN); alice hears the end.\n";
        assert_eq!(as_words(&events, &lanes), words);
    }
}
