//! # Frame limits: a solution
//!
//! `read_exact` tells that a stream ended too early, but not where, and not whether anything had
//! come. So `fill` counts: nothing of a length is the end, a part of one is a cut. The limit is
//! looked at before there is room for the payload. The refusal ends our direction and then takes in
//! what the client still sends: a close with bytes unread would be a reset.
//!
//!     cargo run -p solutions --bin sol04_frame_limits 127.0.0.1:7004

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use std::io::ErrorKind::{Interrupted, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// The length of the length.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
/// What one read may bring.
const BUFFER: usize = 64 * 1024;
/// How long a client that was refused may go on sending.
const PATIENCE: Duration = Duration::from_secs(1);

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
    loop {
        frame.resize(HEADER, 0);
        match fill(&mut reader, &mut frame)? {
            HEADER => {}
            0 => return Ok(echoed),
            n => return Err(truncated(n, HEADER)),
        }
        let length = BigEndian::read_u32(&frame) as usize;
        if length > MAX_FRAME {
            refuse(stream, b"error: frame too long")?;
            return Err(io::Error::other(format!("a frame of {length} bytes")));
        }
        frame.resize(HEADER + length, 0);
        let n = fill(&mut reader, &mut frame[HEADER..])?;
        if n < length {
            return Err(truncated(n, length));
        }
        stream.write_all(&frame)?;
        echoed += 1;
    }
}

/// Says why, says that it is all, and reads on until the client ends too, or its time is over.
fn refuse(mut stream: &TcpStream, why: &[u8]) -> io::Result<()> {
    let mut frame = Vec::new();
    frame.write_u32::<BigEndian>(why.len() as u32)?;
    frame.write_all(why)?;
    stream.write_all(&frame)?;
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
    eprintln!("{wrong}\nusage: sol04_frame_limits ADDR");
    None
}
