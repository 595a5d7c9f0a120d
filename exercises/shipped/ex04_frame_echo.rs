//! # Frame echo ★
//!
//! A frame is a length, four bytes, big-endian, and then so many bytes of payload. The server sends
//! each frame back. As it stands, it takes what one read returns for one frame. On a good day it is
//! one. On another it is a part of one, or two at once: what is missing then, the server takes from
//! the frame before, and what is too much it throws away.
//!
//! What is graded:
//! - a frame (a `u32`, big-endian, which counts the payload alone, and 0 to 1,048,576 bytes of
//!   payload, any bytes) is sent back as it came: length and payload;
//! - wherever it was cut on its way, also inside the length, and however many pieces it became;
//! - many frames may come at once, or one and a half: each is answered, in order;
//! - a frame is answered as soon as it is whole, whatever comes or doesn't come behind it;
//! - what came before the client's half-close is answered;
//! - a client that is silent, at whatever place, holds nobody up, and one that ends or resets the
//!   connection, at whatever place, ends nothing for the others.
//!
//! Try it:
//!
//!     cargo run -p exercises --bin ex04_frame_echo 127.0.0.1:7004             # terminal 1
//!     printf '\0\0\0\5hello' | nc -N 127.0.0.1 7004 | od -A d -c              # terminal 2
//!     (printf '\0\0\0\5he'; sleep 1; printf llo) | nc -N 127.0.0.1 7004 | od -A d -c
//!     cargo course grade ex04_frame_echo

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload.
const MAX_FRAME: usize = 1 << 20;

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

/// One client: how many frames went back.
fn converse(mut stream: &TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; HEADER + MAX_FRAME];
    let mut echoed = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        if n < HEADER {
            return Ok(echoed);
        }
        let length = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other(format!("a frame of {length} bytes")));
        }
        stream.write_all(&buffer[..HEADER + length])?;
        echoed += 1;
    }
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
    eprintln!("{wrong}\nusage: ex04_frame_echo ADDR");
    None
}
