//! What a submission printed, made fit for a file that a machine reads and a page that a person
//! reads: no control byte reaches either, and nothing that is shown otherwise than it is read.

use crate::grader::bytes;

/// The text with every control byte as `\xNN`, and what deceives the eye or is no character of
/// XML 1.0 (section 2.2) as `\u{NNNN}`. LF stays.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in bytes::harmless(text.as_bytes()).chars() {
        if deceives(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The same on one line.
pub fn line(words: &str) -> String {
    text(words).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text, and how much more there was.
pub fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_string();
    }
    let end = (0..=most)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}… ({} bytes more)", &text[..end], text.len() - end)
}

/// Without width, turning the direction in which the line is read, a line's end that only some
/// take for one, or no character at all.
fn deceives(c: char) -> bool {
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    is_noncharacter
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_otherwise_than_it_is_read_gets_through() {
        assert_eq!(text("a\x1b[2J\r\n\tb\u{85}"), "a\\x1b[2J\n\\x09b\\x85");
        assert_eq!(
            text("\u{202e}\u{feff}\u{fffe}\u{1ffff}"),
            "\\u{202e}\\u{feff}\\u{fffe}\\u{1ffff}"
        );
        assert_eq!(text("é ✓ 漢"), "é ✓ 漢");
        assert_eq!(line(" a\n b "), "a b");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("ééé", 3), "é… (4 bytes more)");
    }
}
