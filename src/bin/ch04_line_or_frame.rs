//! A delimiter or a length: which messages get through?
//!
//! Sends the same messages twice over a TCP connection of its own: each as a line, which ends with
//! LF, and each as a frame, which begins with its length. A message that has an LF in it becomes
//! two lines. It stays one frame: a length is never looked for among the bytes.
//!
//!     cargo run --bin ch04_line_or_frame                          # three messages of its own
//!     cargo run --bin ch04_line_or_frame hello 'one;two' ''       # or yours
//!
//! What it still gets wrong: it trusts its peer, which is itself. `ch04_frame_server` doesn't.

use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

const OWN: [&str; 3] = ["hello", "one\nand two", ""];

fn main() -> ExitCode {
    let mut messages: Vec<Vec<u8>> = env::args_os()
        .skip(1)
        .map(|arg| arg.into_encoded_bytes())
        .collect();
    if messages.is_empty() {
        messages = OWN.map(|text| text.as_bytes().to_vec()).to_vec();
    }
    if let Err(err) = compare(&messages) {
        eprintln!("cannot send messages over 127.0.0.1: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn compare(messages: &[Vec<u8>]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "sent      {}", shown(messages))?;
    for (name, join, cut) in [
        ("lines ", lines as Join, cut_lines as Cut),
        ("frames", frames, cut_frames),
    ] {
        let stream = join(messages)?;
        writeln!(stdout, "{name}    {}", stream.escape_ascii())?;
        let received = cut(&mut carried(stream)?)?;
        let verdict = if received == messages {
            "the same"
        } else {
            "not the same"
        };
        writeln!(stdout, "received  {}: {verdict}", shown(&received))?;
    }
    Ok(())
}

type Join = fn(&[Vec<u8>]) -> io::Result<Vec<u8>>;
type Cut = fn(&mut dyn BufRead) -> io::Result<Vec<Vec<u8>>>;

// ANCHOR: lines
fn lines(messages: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for message in messages {
        out.write_all(message)?;
        out.write_u8(b'\n')?;
    }
    Ok(out)
}

fn cut_lines(stream: &mut dyn BufRead) -> io::Result<Vec<Vec<u8>>> {
    stream.split(b'\n').collect()
}
// ANCHOR_END: lines

// ANCHOR: frames
fn frames(messages: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for message in messages {
        out.write_u32::<BigEndian>(message.len() as u32)?;
        out.write_all(message)?;
    }
    Ok(out)
}

fn cut_frames(stream: &mut dyn BufRead) -> io::Result<Vec<Vec<u8>>> {
    let mut messages = Vec::new();
    while !stream.fill_buf()?.is_empty() {
        let length = stream.read_u32::<BigEndian>()?;
        // No limit, for these are our own. A peer's would need one.
        let mut message = vec![0; length as usize];
        stream.read_exact(&mut message)?;
        messages.push(message);
    }
    Ok(messages)
}
// ANCHOR_END: frames

/// The same bytes, out of the other end of a TCP connection.
fn carried(bytes: Vec<u8>) -> io::Result<impl BufRead> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut outgoing = TcpStream::connect(listener.local_addr()?)?;
    let (incoming, _) = listener.accept()?;
    // Dropped there, and so closed: the end of the last message's stream.
    thread::spawn(move || outgoing.write_all(&bytes));
    Ok(BufReader::new(incoming))
}

fn shown(messages: &[Vec<u8>]) -> String {
    let quoted: Vec<_> = messages
        .iter()
        .map(|message| format!("\"{}\"", message.escape_ascii()))
        .collect();
    format!("{} messages: {}", messages.len(), quoted.join(", "))
}
