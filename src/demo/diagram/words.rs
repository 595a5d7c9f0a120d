//! Words on a line of columns: what stands on an arrow, cut to its room, and what is wrapped.

use super::signs::sign_of;
use crate::grader::bytes;
use crate::grader::transcript::{Event, What};

/// What stands on an event's arrow or beside its lane, on one line. Bytes are cut to the room.
pub fn label(event: &Event, room: usize) -> String {
    let sign = sign_of(event.what);
    if event.length == 0 {
        let words = match event.what {
            What::HalfCloses | What::HearsEnd => ["", event.farewell()],
            _ => [sign.word, &one_line(&event.note)],
        };
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
