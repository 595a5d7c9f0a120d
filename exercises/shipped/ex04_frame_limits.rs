//! # Frame limits ★★
//!
//! A server that echoes frames, and believes what it is told. Four bytes ask it for 4 GiB, and it
//! makes room. A client that is cut off in the middle of a frame looks like one that left in peace,
//! or like an error that says nothing of where it happened.
//!
//! What is graded:
//! - frames are echoed as in `ex04_frame_echo`, up to 1,048,576 bytes of payload;
//! - to a longer length the server answers at once, after the replies to what came before, with one
//!   frame whose payload is `error: frame too long` (it may end in an LF), and then says that
//!   nothing will follow (FIN). It makes no room for such a frame: a Rust program is given 1 GB of
//!   address space;
//! - the client may be sending still, and must be able to read that answer: for half a second after
//!   it the client's writes succeed. The server reads on until the client's end, but no longer than
//!   1 s in all; 2 s after the answer the connection is gone. What it reads then, whatever it looks
//!   like, is answered by nothing;
//! - when a client's stream ends inside a frame, stderr has `truncated after N of M bytes`: in the
//!   length, N of 4; in the payload, so many bytes of the payload. The client gets nothing for it.
//!   (After a reset nothing is graded.) When it ends between two frames, stderr says no such thing;
//! - nobody is held up meanwhile.
//!
//! What the last second of a connection needs, in the sense of `ex03_polite_refusal`, is there in
//! std: `shutdown` and `set_read_timeout`. A timeout begins anew with each read, a second does not.
//!
//!     cargo run -p exercises --bin ex04_frame_limits 127.0.0.1:7004           # terminal 1
//!     printf '\377\377\377\377' | nc -N 127.0.0.1 7004 | od -A d -c           # terminal 2
//!     printf '\0\0\0\13hello' | nc -N 127.0.0.1 7004                          # 5 of 11 bytes
//!     cargo course grade ex04_frame_limits

use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use std::io::ErrorKind::UnexpectedEof;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

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
fn converse(stream: &TcpStream) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let mut writer = BufWriter::new(stream);
    let mut echoed = 0;
    loop {
        let length = match reader.read_u32::<BigEndian>() {
            Err(err) if err.kind() == UnexpectedEof => return Ok(echoed),
            length => length?,
        };
        let mut payload = vec![0; length as usize];
        reader.read_exact(&mut payload)?;
        writer.write_u32::<BigEndian>(length)?;
        writer.write_all(&payload)?;
        writer.flush()?;
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
    eprintln!("{wrong}\nusage: ex04_frame_limits ADDR");
    None
}
