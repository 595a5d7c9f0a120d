//! A line in, the same line in capitals out: where does a line end, if TCP knows no lines?
//!
//! Where the program says so. It reads until it meets an LF, however many reads that takes, and
//! keeps what came behind it for the next line. Only a whole line is taken for text: a read may
//! have stopped in the middle of a character.
//!
//!     cargo run --bin ch03_shout_server 127.0.0.1:7003            # terminal 1
//!     nc -N 127.0.0.1 7003                                        # terminals 2 and 3
//!
//! Each client has a thread of its own, so that one who says nothing holds nobody up.
//!
//! What it still gets wrong: an idle client costs a thread, for ever, and when the system has no
//! thread left, `thread::spawn` ends the server. Chapter 5 gives clients a deadline, chapter 6
//! limits their number.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// A line with its ending. The peer chooses how long its lines are: without a limit one peer could
/// fill the memory of all.
const MAX_LINE: usize = 64 * 1024;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = TcpListener::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

// ANCHOR: serve
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
        // `move`: from here on the stream is the thread's own.
        thread::spawn(move || match converse(stream) {
            Ok(lines) => eprintln!("{peer} closed, lines: {lines}"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
    }
}
// ANCHOR_END: serve

// ANCHOR: converse
/// One client, to the end of its stream: how many lines it had.
fn converse(stream: TcpStream) -> io::Result<u64> {
    let mut outgoing = &stream;
    // One for the whole conversation: it may have read further than
    // the line's end. A new one for each line would lose that.
    let mut reader = BufReader::new(&stream);
    let mut lines = 0;
    loop {
        let mut line = Vec::new();
        let mut bounded = reader.by_ref().take(MAX_LINE as u64);
        bounded.read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") {
            outgoing.write_all(&shout(&line))?;
        } else if line.len() == MAX_LINE {
            reader.skip_until(b'\n')?;
            outgoing.write_all(b"error: line too long\n")?;
        } else {
            // The end of the stream. What came before it without an
            // LF is half a line: nobody knows what it was to be.
            return Ok(lines);
        }
        lines += 1;
    }
}
// ANCHOR_END: converse

// ANCHOR: shout
/// Text in capitals. What isn't UTF-8 is no text, but its ASCII letters
/// are letters all the same.
fn shout(line: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(line) {
        // A ß becomes SS: characters aren't bytes, nor as many of them.
        Ok(text) => text.to_uppercase().into_bytes(),
        Err(_) => line.to_ascii_uppercase(),
    }
}
// ANCHOR_END: shout

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
    eprintln!("{wrong}\nusage: ch03_shout_server ADDR");
    None
}
