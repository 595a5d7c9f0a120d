//! Where does a message end?
//!
//! Where its sender says. Each message travels as a frame: its length in four bytes, and then so
//! many bytes. The reader cuts the stream at these lengths, however it was cut on its way: what a
//! read brought too much is kept for the next frame, what it brought too little is waited for.
//! This server echoes frames.
//!
//!     cargo run --bin ch04_frame_server 127.0.0.1:7004                # terminal 1
//!     cargo run --bin ch04_frame_client 127.0.0.1:7004                # terminal 2: type lines
//!     printf '\0\0\0\5hello' | nc -N 127.0.0.1 7004 | od -A d -c      # or this
//!
//! What it still gets wrong: it waits for the rest of a frame for ever; chapter 5 gives it a
//! deadline. And who sends too long a frame is cut off without a word: `ex04_frame_limits` has one.

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use std::io::ErrorKind::{Interrupted, InvalidData, UnexpectedEof};
use std::io::{self, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
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
    if let Err(err) = TcpListener::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn serve(listener: TcpListener) -> io::Result<()> {
    announce(listener.local_addr()?)?;
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        eprintln!("{peer} connected");
        thread::spawn(move || match converse(&stream) {
            Ok(n) => eprintln!("{peer} closed after {n} frames"),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
    }
}

// ANCHOR: converse
/// One client, to the end of its stream: how many frames went back.
fn converse(stream: &TcpStream) -> io::Result<u64> {
    let mut frames = FrameReader::new(stream);
    let mut replies = BufWriter::with_capacity(BUFFER, stream);
    let mut echoed = 0;
    while let Some(frame) = frames.read_frame()? {
        replies.write_u32::<BigEndian>(frame.len() as u32)?;
        replies.write_all(frame)?;
        echoed += 1;
        // Now `read_frame` would wait; so may the client, for a reply.
        // (A write for each of them takes 150 times as long.)
        if !frames.has_frame() {
            replies.flush()?;
        }
    }
    Ok(echoed)
}
// ANCHOR_END: converse

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

    /// Whether the next frame is here whole: `read_frame` won't wait for it.
    pub fn has_frame(&self) -> bool {
        let held = &self.buffer[self.start..self.end];
        held.len() >= HEADER && held.len() - HEADER >= BigEndian::read_u32(held) as usize
    }
}

// ANCHOR: read_frame
impl<R: Read> FrameReader<R> {
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
}
// ANCHOR_END: read_frame

// ANCHOR: fill
impl<R: Read> FrameReader<R> {
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
// ANCHOR_END: fill

/// The line that says where clients can connect: with port 0 the kernel has chosen the port.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {addr}")?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    stdout.flush()
}

/// Out of descriptors, say: `accept` without a pause would fail again at once, at full speed.
fn pause_after(err: io::Error) {
    eprintln!("cannot accept a client: {err}");
    thread::sleep(Duration::from_millis(50));
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
    eprintln!("{wrong}\nusage: ch04_frame_server ADDR");
    None
}
