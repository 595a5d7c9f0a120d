//! *Reads are not messages*: the line reader of chapter 3 and the frame reader of chapter 4, fed
//! with the pieces that the figure's reads return.

// The program itself: a copy of its reader would prove nothing of it.
#[allow(dead_code)]
#[path = "../../src/bin/ch04_frame_server.rs"]
mod frame_server;

use frame_server::FrameReader;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

/// A stream whose every read returns one piece.
struct Pieces(VecDeque<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.0.pop_front() else {
            return Ok(0);
        };
        assert!(piece.len() <= buffer.len(), "a piece would be cut again");
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

#[test]
fn rust_makes_of_every_vector_what_the_figure_shows() {
    super::hold("reads", |vector| {
        let messages: Vec<Vec<u8>> = list(&vector["messages"]).map(|text| bytes(&text)).collect();
        let mark = vector["mark"].as_str().expect("a mark");
        let stream: Vec<u8> = messages
            .iter()
            .flat_map(|message| marked(message, mark))
            .collect();
        let reads = reads(&stream, vector);
        let pieces = || Pieces(reads.iter().cloned().collect());
        let (lines, left) = lines(pieces());
        let (frames, error) = frames(pieces());
        let texts = |all: &[Vec<u8>]| all.iter().map(|bytes| text(bytes)).collect::<Vec<_>>();
        json!({
            "stream": text(&stream),
            "reads": texts(&reads),
            "one_read": texts(&one_read(&reads, mark)),
            "lines": texts(&lines),
            "left": left,
            "frames": texts(&frames),
            "error": error,
        })
    });
}

/// What goes out for a message.
fn marked(message: &[u8], mark: &str) -> Vec<u8> {
    match mark {
        "length" => [&(message.len() as u32).to_be_bytes(), message].concat(),
        "lf" => [message, b"\n"].concat(),
        "none" => message.to_vec(),
        _ => panic!("no such mark: {mark}"),
    }
}

/// What real reads return, from a buffer of that size, when the stream comes in these pieces.
fn reads(stream: &[u8], vector: &Value) -> Vec<Vec<u8>> {
    let room = vector["buffer"].as_u64().expect("a buffer") as usize;
    let cuts = vector["cuts"].as_array().expect("cuts").iter();
    let cuts = cuts.map(|cut| cut.as_u64().expect("a place") as usize);
    let (mut from, mut reads) = (0, Vec::new());
    for end in cuts.chain([stream.len()]) {
        let mut arrived = &stream[from..end];
        let mut buffer = vec![0; room];
        loop {
            let n = arrived.read(&mut buffer).expect("a slice can be read");
            if n == 0 {
                break;
            }
            reads.push(buffer[..n].to_vec());
        }
        from = end;
    }
    reads
}

/// The mistake of the exercises as shipped: a read is taken for a message.
fn one_read(reads: &[Vec<u8>], mark: &str) -> Vec<Vec<u8>> {
    let message = |read: &Vec<u8>| match mark {
        "length" => read.get(4..).unwrap_or_default().to_vec(),
        "lf" => read.strip_suffix(b"\n").unwrap_or(read).to_vec(),
        _ => read.clone(),
    };
    reads.iter().map(message).collect()
}

/// As `converse` of ch03_shout_server gathers lines: with what is left over at the end.
fn lines(stream: Pieces) -> (Vec<Vec<u8>>, usize) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).expect("no error here");
        if !line.ends_with(b"\n") {
            return (lines, line.len()); // an unterminated line is no line
        }
        line.pop();
        lines.push(line);
    }
}

/// The frames, and what the reader says in the end if it isn't content.
fn frames(stream: Pieces) -> (Vec<Vec<u8>>, String) {
    let mut reader = FrameReader::new(stream);
    let mut frames = Vec::new();
    loop {
        match reader.read_frame() {
            Ok(Some(frame)) => frames.push(frame.to_vec()),
            Ok(None) => return (frames, String::new()),
            Err(err) => return (frames, err.to_string()),
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = String> + '_ {
    let all = value.as_array().expect("a list").iter();
    all.map(|one| one.as_str().expect("a text").to_string())
}

/// As it is typed into the figure: `\n` is an LF.
fn bytes(typed: &str) -> Vec<u8> {
    typed.replace("\\n", "\n").into_bytes()
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
