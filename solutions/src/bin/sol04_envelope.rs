//! # Envelope: a solution
//!
//! Three questions in this order: is it our protocol, is the kind known, is it short enough? Only
//! then is there room for the payload. What isn't known is skipped by its length, without room: so
//! old servers live with new clients.
//!
//!     cargo run -p solutions --bin sol04_envelope 127.0.0.1:7004

use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use std::io::ErrorKind::{Interrupted, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

const MAGIC: u16 = 0x5753;
const VERSION: u8 = 1;
/// Magic, version, kind, id, length.
const HEADER: usize = 12;
/// The longest payload of a ping or a text.
const MAX_PAYLOAD: u32 = 1 << 20;
/// What one read may bring.
const BUFFER: usize = 64 * 1024;
/// How long a client that was refused may go on sending.
const PATIENCE: Duration = Duration::from_secs(1);

const PING: u8 = 1;
const PONG: u8 = 2;
const TEXT: u8 = 3;
const RECEIPT: u8 = 4;
const REFUSED: u8 = 254;
const UNKNOWN: u8 = 255;

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
            Ok(n) => eprintln!("{peer} closed after {n} messages"),
            Err(err) => eprintln!("{peer} broke off: {err}"),
        });
    }
}

/// One client: how many messages were answered.
fn converse(stream: &TcpStream) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let mut payload = Vec::new();
    let mut answered = 0;
    loop {
        let mut header = [0; HEADER];
        match reader.read_exact(&mut header) {
            Err(err) if err.kind() == UnexpectedEof => return Ok(answered),
            read => read?,
        }
        let mut header = &header[..];
        let magic = header.read_u16::<BigEndian>()?;
        let version = header.read_u8()?;
        let kind = header.read_u8()?;
        let id = header.read_u32::<BigEndian>()?;
        let length = header.read_u32::<BigEndian>()?;

        let known = kind == PING || kind == TEXT;
        if magic != MAGIC || version != VERSION || (known && length > MAX_PAYLOAD) {
            reply(stream, REFUSED, id, b"")?;
            part(stream)?;
            return Err(io::Error::other("a message that can't be understood"));
        }
        if known {
            payload.resize(length as usize, 0);
            reader.read_exact(&mut payload)?;
        } else {
            skip(&mut reader, length)?;
        }
        match kind {
            PING => reply(stream, PONG, id, &payload)?,
            TEXT => reply(stream, RECEIPT, id, b"")?,
            _ => reply(stream, UNKNOWN, id, b"")?,
        }
        answered += 1;
    }
}

/// Ends our direction, and for a moment throws away what still comes: to close with bytes unread would
/// be a reset, and that may destroy the refusal.
fn part(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + PATIENCE;
    let mut ignored = vec![0; BUFFER];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A timeout of zero is an error of its own.
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut ignored) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(err) if err.kind() == Interrupted => {}
            Err(err) if matches!(err.kind(), WouldBlock | TimedOut) => return Ok(()),
            Err(err) => return Err(err),
        }
    }
}

/// Takes a payload in without keeping it.
fn skip(stream: &mut impl Read, length: u32) -> io::Result<()> {
    let skipped = io::copy(&mut stream.take(length.into()), &mut io::sink())?;
    if skipped < length.into() {
        return Err(UnexpectedEof.into());
    }
    Ok(())
}

/// Sends a message in one write.
fn reply(mut stream: &TcpStream, kind: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let mut message = Vec::with_capacity(HEADER + payload.len());
    message.write_u16::<BigEndian>(MAGIC)?;
    message.write_u8(VERSION)?;
    message.write_u8(kind)?;
    message.write_u32::<BigEndian>(id)?;
    message.write_u32::<BigEndian>(payload.len() as u32)?;
    message.write_all(payload)?;
    stream.write_all(&message)
}

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
    eprintln!("{wrong}\nusage: sol04_envelope ADDR");
    None
}
