//! Bytes as a person reads them: text where they are text, hex where they are not, cut where long.

/// Whether these bytes are better shown as text: UTF-8 without control bytes other than TAB, LF
/// and CR. No bytes at all are text.
pub fn is_text(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => text
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')),
        Err(_) => false,
    }
}

/// Text on one line, in quotes: LF, CR, TAB and the quote are escaped.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `68 65 6c 6c 6f`
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// The bytes on one line, whole if they are few, else their beginning and how many there are.
pub fn brief(bytes: &[u8], most: usize) -> String {
    brief_of(bytes, bytes.len(), most)
}

/// The same for bytes of which only the beginning was kept.
pub fn brief_of(bytes: &[u8], length: usize, most: usize) -> String {
    let shown = &bytes[..bytes.len().min(most)];
    // A cut inside a character must not turn text into hex.
    let shown = match std::str::from_utf8(shown) {
        Err(err) if shown.len() - err.valid_up_to() < 4 && length > shown.len() => {
            &shown[..err.valid_up_to()]
        }
        _ => shown,
    };
    let mut out = match std::str::from_utf8(shown) {
        Ok(text) if is_text(shown) => quoted(text),
        _ => hex(shown),
    };
    if shown.len() < length {
        out.push_str(&format!(" … ({length} bytes)"));
    }
    out
}

/// Where two byte strings first differ; where one is the beginning of the other, the shorter's end.
pub fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    // Megabytes that are equal, as they nearly always are, in one step.
    if a == b {
        return None;
    }
    Some(a.iter().zip(b).take_while(|(x, y)| x == y).count())
}

/// A text in which a terminal, XML or a log can do no harm: control bytes as `\xNN`, LF kept.
pub fn harmless(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\n' || !c.is_control() {
                out.push(c);
            } else if c != '\r' {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_text_and_the_rest_as_hex() {
        assert_eq!(brief(b"hello\r\n", 40), r#""hello\r\n""#);
        assert_eq!(brief(&[0, 5, 0xff], 40), "00 05 ff");
        assert_eq!(brief(b"", 40), r#""""#);
    }

    #[test]
    fn a_long_one_is_cut_and_says_how_long_it_is() {
        assert_eq!(brief(&[b'x'; 100], 4), r#""xxxx" … (100 bytes)"#);
        assert_eq!(brief("ééé".as_bytes(), 3), r#""é" … (6 bytes)"#);
    }

    #[test]
    fn the_first_difference_is_found_also_at_an_end() {
        assert_eq!(first_difference(b"abc", b"abd"), Some(2));
        assert_eq!(first_difference(b"abc", b"ab"), Some(2));
        assert_eq!(first_difference(b"abc", b"abc"), None);
    }

    #[test]
    fn hostile_output_does_no_harm() {
        assert_eq!(harmless(b"a\x1b[2Jb\xff\n"), "a\\x1b[2Jb\\xff\n");
    }
}
