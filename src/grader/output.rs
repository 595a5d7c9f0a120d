//! What a submission prints: bounded, however much it is.

use std::io::{ErrorKind, Read};

/// The latest bytes that are kept of an output whose beginning fills its room.
const TAIL: usize = 64 << 10;

/// One output of a program: what is kept of it, and how much it was.
#[derive(Clone, Default)]
pub struct Output {
    pub bytes: Vec<u8>,
    /// Its latest bytes, where `bytes` is full.
    tail: Vec<u8>,
    pub length: usize,
    /// The program has closed it, and so has whoever inherited it.
    pub closed: bool,
}

impl Output {
    pub(super) fn take_in(&mut self, chunk: &[u8], kept: usize) {
        let room = kept.saturating_sub(self.bytes.len()).min(chunk.len());
        self.bytes.extend_from_slice(&chunk[..room]);
        self.tail.extend_from_slice(&chunk[room..]);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
        self.length += chunk.len();
    }

    /// Whether all of it is kept.
    pub fn is_whole(&self) -> bool {
        self.length == self.bytes.len() + self.tail.len()
    }

    /// What is kept of it, made harmless: all of it or, where it is too long, its beginning and its
    /// latest bytes.
    pub fn text(&self) -> String {
        if self.is_whole() {
            return super::bytes::harmless(&[&self.bytes[..], &self.tail].concat());
        }
        let [first, last] = [&self.bytes, &self.tail].map(|bytes| super::bytes::harmless(bytes));
        format!("{first}\n…\n{last}")
    }

    /// Whether these words are in what is kept of it. Of its beginning only what is behind `from` is
    /// looked at: who asks again need not look at all of it again.
    pub fn has(&self, words: &str, from: usize) -> bool {
        let has = |bytes: &[u8]| {
            bytes
                .windows(words.len())
                .any(|part| part == words.as_bytes())
        };
        if has(&self.bytes[from.min(self.bytes.len())..]) {
            return true;
        }
        if self.tail.is_empty() {
            return false;
        }
        let before = match self.is_whole() {
            true => &self.bytes[self.bytes.len().saturating_sub(words.len())..],
            false => &[],
        };
        has(&[before, &self.tail].concat())
    }

    /// Its last lines, made harmless.
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        let bytes = if self.tail.is_empty() {
            &self.bytes
        } else {
            &self.tail
        };
        let text = super::bytes::harmless(&bytes[bytes.len().saturating_sub(8192)..]);
        let mut lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        // It was being written when we looked: half a line tells nothing, where there are whole ones.
        if !self.closed && !text.ends_with('\n') && lines.len() > 1 {
            lines.pop();
        }
        let lines = lines[lines.len().saturating_sub(most)..].iter();
        lines.map(|line| line.chars().take(200).collect()).collect()
    }
}

/// Reads an output to its end: each chunk is given on, and `None` when there are no more.
pub(super) fn read_all(mut output: impl Read, mut take: impl FnMut(Option<&[u8]>)) {
    let mut chunk = vec![0; 64 << 10];
    loop {
        match output.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => take(Some(&chunk[..n])),
            Err(err) if err.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
    }
    take(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_keeps_its_beginning_and_its_last_lines() {
        let mut output = Output::default();
        output.take_in(b"first\n", 6);
        for _ in 0..100_000 {
            output.take_in(b"again\n", 6);
        }
        output.take_in(b"last\x07\n\n", 6);
        assert_eq!(output.bytes, b"first\n");
        assert_eq!(output.length, 600_013);
        assert!(output.tail.len() <= 2 * TAIL);
        assert_eq!(output.last_lines(2), ["again", "last\\x07"]);
        assert!(!output.is_whole());
        assert!(output.text().starts_with("first\n\n…\n"));
        assert!(output.text().ends_with("last\\x07\n\n"));
    }

    #[test]
    fn words_are_found_wherever_they_stand_in_what_is_kept() {
        let mut output = Output::default();
        output.take_in(b"attempt 1 of 5 failed\n", 5);
        assert!(output.is_whole());
        assert_eq!(output.text(), "attempt 1 of 5 failed\n");
        for (words, is_there) in [("attempt", true), ("1 of 5", true), ("attempt 2", false)] {
            assert_eq!(output.has(words, 0), is_there, "{words}");
        }
        output.take_in(&b"x".repeat(3 * TAIL), 5);
        assert!(!output.has("1 of 5", 0));
        assert!(output.has("attem", 0) && !output.has("attem", 1));
    }
}
