//! # Frame client ★★
//!
//! A client sends each line of stdin as a frame, and prints each reply on a line. As it stands it
//! does that, and is content with anything: a reply that is cut off is the end, an end in the middle
//! is success, bytes that aren't text become question marks, and for a length of 4 GiB it makes
//! room. Who pipes its output into a program will never know.
//!
//! What is graded:
//! - `ex04_frame_client ADDR` sends each line of stdin, without its LF, as a frame: a `u32`,
//!   big-endian, that counts bytes, and then the bytes. A CR before the LF is one of them. A blank
//!   line is a frame of length 0. The last line may lack its LF. All lines may be sent at once, or
//!   each after the reply to the last;
//! - after them it half-closes;
//! - each reply, of 0 to 1,048,576 bytes, is on a line of stdout, however it was cut on its way. When
//!   every frame has its reply and the server has ended, the exit status is 0;
//! - the exit status is 1, and stderr says which of these it was,
//!   - for a reply that isn't UTF-8: `not UTF-8`;
//!   - for a reply that is cut off by the server's end, in its length or in its payload: `truncated`;
//!   - for a reply with a longer length: `too long`;
//! - if the server ends between two replies, before every frame has its own, the exit status is 1,
//!   and the last line on stderr says what failed.
//!
//! Sending is right as it is. So look at `converse` and `receive`.
//!
//!     cargo run --bin ch04_frame_server 127.0.0.1:7004                        # terminal 1
//!     printf 'hello\n\nhej hå' | cargo run -p exercises --bin ex04_frame_client 127.0.0.1:7004
//!     printf '\0\0\0\5hel' | nc -l 127.0.0.1 7005                             # a rude server
//!     cargo course grade ex04_frame_client

use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::{env, thread};

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
    let sender = thread::spawn(move || {
        let sent = send_lines(&outgoing);
        // It fails if the connection is gone: `receive` sees that.
        _ = outgoing.shutdown(Shutdown::Write);
        sent
    });
    let received = receive(&stream)?;
    _ = stream.shutdown(Shutdown::Both);
    _ = sender.join();
    eprintln!("received {received} replies");
    Ok(())
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
    let mut received = 0;
    while let Ok(length) = replies.read_u32::<BigEndian>() {
        let mut reply = vec![0; length as usize];
        if replies.read_exact(&mut reply).is_err() {
            break;
        }
        writeln!(stdout, "{}", String::from_utf8_lossy(&reply))?;
        received += 1;
    }
    Ok(received)
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
    eprintln!("{wrong}\nusage: ex04_frame_client ADDR");
    None
}
