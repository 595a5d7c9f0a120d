//! # Frame client: a solution
//!
//! Replies are read with the same care as requests: the limit before the room, nothing of a length
//! told from a part of one, bytes checked before they are called text. The count of the replies
//! decides at the end.
//!
//!     printf 'hello\n' | cargo run -p solutions --bin sol04_frame_client 127.0.0.1:7004

use byteorder::{BigEndian, WriteBytesExt};
use std::io::ErrorKind::{Interrupted, InvalidData, UnexpectedEof};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, str, thread};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = TcpStream::connect(addr).and_then(converse) {
        eprintln!("cannot exchange frames with {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
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
    // The sender may wait at a terminal where nobody types, or in a write that nobody reads.
    let wrong = match told.recv_timeout(Duration::from_secs(1)) {
        Ok(Ok(sent)) if received >= sent => return Ok(()),
        Ok(Ok(sent)) => format!("the server ended after {received} of {sent} replies"),
        Ok(Err(err)) => format!("not all of stdin was sent: {err}"),
        Err(_) => "the server ended before stdin did".to_string(),
    };
    Err(io::Error::other(wrong))
}

/// Each line as a frame: how many.
fn send_lines(stream: &TcpStream) -> io::Result<u64> {
    let mut stdin = io::stdin().lock();
    let mut frames = BufWriter::new(stream);
    let (mut line, mut sent) = (Vec::new(), 0);
    while stdin.read_until(b'\n', &mut line)? > 0 {
        let payload = line.strip_suffix(b"\n").unwrap_or(&line);
        frames.write_u32::<BigEndian>(payload.len() as u32)?;
        frames.write_all(payload)?;
        frames.flush()?;
        sent += 1;
        line.clear();
    }
    Ok(sent)
}

/// Each reply on a line: how many.
fn receive(stream: &TcpStream) -> io::Result<u64> {
    let mut replies = BufReader::new(stream);
    let mut stdout = io::stdout().lock();
    let mut reply = Vec::new();
    let mut received = 0;
    loop {
        let mut header = [0; HEADER];
        match fill(&mut replies, &mut header)? {
            HEADER => {}
            0 => return Ok(received),
            n => return Err(truncated(n, HEADER)),
        }
        let length = u32::from_be_bytes(header) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::new(InvalidData, "a reply is too long"));
        }
        reply.resize(length, 0);
        let n = fill(&mut replies, &mut reply)?;
        if n < length {
            return Err(truncated(n, length));
        }
        let Ok(text) = str::from_utf8(&reply) else {
            return Err(io::Error::new(InvalidData, "a reply is not UTF-8"));
        };
        writeln!(stdout, "{text}")?;
        received += 1;
    }
}

/// Fills `space`, unless the stream ends before: how many bytes came.
fn fill(stream: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < space.len() {
        match stream.read(&mut space[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(err) if err.kind() == Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}

fn truncated(n: usize, of: usize) -> io::Error {
    io::Error::new(UnexpectedEof, format!("truncated after {n} of {of} bytes"))
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
    eprintln!("{wrong}\nusage: sol04_frame_client ADDR");
    None
}
