//! # Envelope ★★★
//!
//! A length says where a message ends. An envelope says as well what it is and which one: 12 bytes
//! in front of the payload, all integers big-endian.
//!
//!     magic u16 = 0x5753, version u8 = 1, kind u8, id u32, length u32
//!
//! As it stands, the server takes every message for a ping, whatever its magic, version and kind.
//!
//! What is graded:
//! - a ping (kind 1) is answered by a pong (kind 2) with the same id and the same payload, any bytes;
//! - a text (kind 3) is answered by a receipt (kind 4) with the same id and no payload;
//! - any other kind, also 0, 2, 4, 254 and 255, is answered by kind 255 with the same id and no
//!   payload. Its own payload is skipped, whatever its length (up to 4 GiB - 1) and whatever it
//!   looks like, and the conversation goes on;
//! - a wrong magic or a wrong version, whatever the kind, or a ping or text of more than 1,048,576
//!   bytes is answered by kind 254 with the same id and no payload, as soon as the 12 bytes are
//!   there, and the connection is closed;
//! - a message that is cut off by the client's end gets no reply (of a kind that isn't known, a
//!   reply that came before the cut is no fault);
//! - messages may come in any pieces, and many at once; each is answered as soon as it is whole, in
//!   order;
//! - a client that is silent, at whatever place, holds nobody up, and one that leaves ends nothing
//!   for the others.
//!
//! A ping with id 7 and payload `hi`:
//!
//!     cargo run -p exercises --bin ex04_envelope 127.0.0.1:7004               # terminal 1
//!     printf 'WS\1\1\0\0\0\7\0\0\0\2hi' | nc -N 127.0.0.1 7004 | od -A d -c
//!     cargo course grade ex04_envelope

use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use std::io::ErrorKind::UnexpectedEof;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

const MAGIC: u16 = 0x5753;
const VERSION: u8 = 1;
/// Magic, version, kind, id, length.
const HEADER: usize = 12;
/// What one read may bring.
const BUFFER: usize = 64 * 1024;

const PONG: u8 = 2;

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
    let mut answered = 0;
    loop {
        let mut header = [0; HEADER];
        match reader.read_exact(&mut header) {
            Err(err) if err.kind() == UnexpectedEof => return Ok(answered),
            read => read?,
        }
        let mut header = &header[..];
        let _magic = header.read_u16::<BigEndian>()?;
        let _version = header.read_u8()?;
        let _kind = header.read_u8()?;
        let id = header.read_u32::<BigEndian>()?;
        let length = header.read_u32::<BigEndian>()?;
        let mut payload = vec![0; length as usize];
        reader.read_exact(&mut payload)?;
        reply(stream, PONG, id, &payload)?;
        answered += 1;
    }
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
    eprintln!("{wrong}\nusage: ex04_envelope ADDR");
    None
}
