//! How does a client know which reply is whole?
//!
//! It reads frames, as the server does. Each line of stdin is sent as a frame, without its LF, and
//! each reply is printed on a line. One thread sends while `main` receives, as in chapter 2: any
//! number of messages may be under way.
//!
//!     cargo run --bin ch04_frame_server 127.0.0.1:7004                    # terminal 1
//!     printf 'hello\n\nhej hå\n' | cargo run --bin ch04_frame_client 127.0.0.1:7004
//!
//! What it still gets wrong: a server that stays silent keeps it waiting for ever, which chapter 5
//! mends. And replies have no numbers: that the first one answers the first message is a custom of
//! this server. `ex04_envelope` has an id in each.

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use std::io::ErrorKind::{BrokenPipe, Interrupted, InvalidData, UnexpectedEof};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

/// The length: a `u32`, big-endian. It counts the payload alone.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
/// What one read may bring. A read for each part of a frame takes 30 times as long.
const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    match TcpStream::connect(addr).and_then(converse) {
        // `ch04_frame_client … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot exchange frames with {addr}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn converse(stream: TcpStream) -> io::Result<()> {
    let outgoing = stream.try_clone()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        _ = tell.send(send_lines(&outgoing));
        // It fails if the connection is gone: `receive` sees that.
        _ = outgoing.shutdown(Shutdown::Write);
    });
    let received = receive(&stream)?;
    // The sender may wait at a terminal where nobody types.
    let wrong = match told.recv_timeout(Duration::from_secs(1)) {
        Ok(Ok(sent)) if received >= sent => return Ok(()),
        Ok(Ok(sent)) => format!("the server ended after {received} of {sent} replies"),
        Ok(Err(err)) => format!("not all of stdin was sent: {err}"),
        Err(_) => "the server ended before stdin did".to_string(),
    };
    Err(io::Error::other(wrong))
}

// ANCHOR: send
/// Each line as a frame: how many.
fn send_lines(stream: &TcpStream) -> io::Result<u64> {
    let mut stdin = BufReader::with_capacity(BUFFER, io::stdin());
    let mut frames = BufWriter::with_capacity(BUFFER, stream);
    let (mut line, mut sent) = (Vec::new(), 0);
    while stdin.read_until(b'\n', &mut line)? > 0 {
        // The last line of a file may lack its LF.
        let payload = line.strip_suffix(b"\n").unwrap_or(&line);
        if payload.len() > MAX_FRAME {
            return Err(io::Error::other("a line is longer than a frame"));
        }
        frames.write_u32::<BigEndian>(payload.len() as u32)?;
        frames.write_all(payload)?;
        sent += 1;
        line.clear();
        // Now stdin may wait for somebody to type, after a reply.
        if !stdin.buffer().contains(&b'\n') {
            frames.flush()?;
        }
    }
    frames.flush()?;
    Ok(sent)
}
// ANCHOR_END: send

/// Each reply, on a line: how many.
fn receive(stream: &TcpStream) -> io::Result<u64> {
    let mut stdout = io::stdout().lock();
    let mut frames = FrameReader::new(stream);
    let mut received = 0;
    while let Some(frame) = frames.read_frame()? {
        // A payload is bytes. That these are text is for us to check.
        let Ok(text) = std::str::from_utf8(frame) else {
            return Err(io::Error::new(InvalidData, "a reply is not UTF-8"));
        };
        writeln!(stdout, "{text}")?;
        received += 1;
    }
    Ok(received)
}

/// Cuts a stream into frames.
pub struct FrameReader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// `buffer[start..end]` was read, and belongs to frames to come.
    start: usize,
    end: usize,
}

impl<R: Read> FrameReader<R> {
    pub fn new(stream: R) -> FrameReader<R> {
        FrameReader {
            stream,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
        }
    }

    /// The next payload; `None` if the stream ends where none begins.
    /// `UnexpectedEof`: it ends inside a frame. `InvalidData`: the
    /// frame is longer than `MAX_FRAME`.
    pub fn read_frame(&mut self) -> io::Result<Option<&[u8]>> {
        if self.held() < HEADER && !self.fill(0, HEADER)? {
            return Ok(None);
        }
        let header = &self.buffer[self.start..];
        let length = BigEndian::read_u32(header) as usize;
        // The peer's word for it is no reason to make room.
        if length > MAX_FRAME {
            let wrong = format!("frame too long: {length} bytes");
            return Err(io::Error::new(InvalidData, wrong));
        }
        if self.held() < HEADER + length {
            self.fill(HEADER, length)?;
        }
        let payload = self.start + HEADER;
        self.start = payload + length;
        Ok(Some(&self.buffer[payload..self.start]))
    }

    fn held(&self) -> usize {
        self.end - self.start
    }

    /// Reads until `m` bytes are here, and `before` others before them.
    /// `false`: the stream has ended, and nothing at all is here.
    fn fill(&mut self, before: usize, m: usize) -> io::Result<bool> {
        // Room for the rest: what is left over moves to the front.
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.held());
        if self.buffer.len() < before + m {
            self.buffer.resize(HEADER + MAX_FRAME, 0);
        }
        while self.end < before + m {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) if self.end == 0 => return Ok(false),
                Ok(0) => {
                    let n = self.end - before;
                    let wrong = format!("truncated after {n} of {m} bytes");
                    return Err(io::Error::new(UnexpectedEof, wrong));
                }
                Ok(n) => self.end += n,
                Err(err) if err.kind() == Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        Ok(true)
    }
}

/// The one argument, ADDR; what is wrong with it goes to stderr.
fn addr_from_args() -> Option<SocketAddr> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let wrong = match args.as_slice() {
        [addr] => match addr.to_string_lossy().parse() {
            Ok(addr) => return Some(addr),
            Err(_) => format!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT"),
        },
        args => format!("one argument is needed, not {}", args.len()),
    };
    eprintln!("{wrong}\nusage: ch04_frame_client ADDR");
    None
}
