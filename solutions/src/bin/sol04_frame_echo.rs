//! # Frame echo: a solution
//!
//! `read_exact` puts together what came in pieces, and the `BufReader` keeps what a read brought
//! too much; so there is one for the whole connection, not one for each frame. Length and payload
//! leave in one write.
//!
//!     cargo run -p solutions --bin sol04_frame_echo 127.0.0.1:7004

use byteorder::{BigEndian, ByteOrder};
use std::io::ErrorKind::{Interrupted, InvalidData};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
/// What one read may bring.
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

/// One client: how many frames went back.
fn converse(mut stream: &TcpStream) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let mut frame = Vec::new();
    let mut echoed = 0;
    while !at_end(&mut reader)? {
        frame.resize(HEADER, 0);
        reader.read_exact(&mut frame)?;
        let length = BigEndian::read_u32(&frame) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::new(InvalidData, "frame too long"));
        }
        frame.resize(HEADER + length, 0);
        reader.read_exact(&mut frame[HEADER..])?;
        stream.write_all(&frame)?;
        echoed += 1;
    }
    Ok(echoed)
}

/// Whether the stream has ended; waits for its next byte to find out.
fn at_end(stream: &mut impl BufRead) -> io::Result<bool> {
    loop {
        match stream.fill_buf() {
            Ok(next) => return Ok(next.is_empty()),
            Err(err) if err.kind() == Interrupted => {}
            Err(err) => return Err(err),
        }
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
    eprintln!("{wrong}\nusage: sol04_frame_echo ADDR");
    None
}
