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
    }
}
