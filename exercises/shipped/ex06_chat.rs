//! # Chat ★★★
//!
//! Everybody reads what anybody says. As it stands, each line is written to all by the thread that
//! read it, with the lock held: one client that doesn't read, and nobody says anything any more.
//! Names are whatever came first, and nobody is told who comes and goes.
//!
//! What is graded, line by line, every line ending with LF:
//! - a client's first line, ending with LF or CRLF, is its name: 1 to 16 of a-z, A-Z and 0-9; `alice`
//!   and `Alice` are two. A wrong name, or one that is taken, gets a sentence and a close, and nobody
//!   hears of it;
//! - the newcomer's first line is `* here: A, B` (who else is here, in any order; alone: `* here:`),
//!   the others get `* NAME joined`;
//! - of two who ask for the same name at the same time, one gets it;
//! - a line reaches all others, not its sender, as `[NAME] text`: any bytes, up to 4,096, ending with
//!   LF or CRLF, an empty one too (`[NAME] ` and LF). One CR belongs to the ending, others are text. A
//!   last line without LF is dropped;
//! - `* NAME left`, once, however they left, and a half-close is leaving: the server closes then, and
//!   the name is free;
//! - a client that hasn't said its name yet isn't here, reads nothing, and holds nobody up;
//! - a client that doesn't read delays the others by at most 500 ms. It isn't dropped while less than
//!   512 KiB wait for it in the program; when more than 2 MiB do, it is dropped: its connection
//!   ends, and `left` is told, within 5 s;
//! - threads don't grow with clients that left.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex06_chat 127.0.0.1:7006     # terminal 1
//!     nc -N 127.0.0.1 7006                                      # terminals 2, 3 and 4
//!     cargo course grade ex06_chat

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{env, thread};

/// Who is here.
type Room = Mutex<HashMap<String, Arc<TcpStream>>>;

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
    let room = Arc::new(Room::default());
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let room = Arc::clone(&room);
        let started = thread::Builder::new().spawn(move || {
            eprintln!("{peer} connected");
            match visit(&room, &Arc::new(stream)) {
                Ok(()) => eprintln!("{peer} closed"),
                Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
            }
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

/// One client, from its name to its leaving.
fn visit(room: &Room, stream: &Arc<TcpStream>) -> io::Result<()> {
    let mut reader = BufReader::new(&**stream);
    let mut name = String::new();
    reader.read_line(&mut name)?;
    let name = name.trim_end().to_string();
    let members = || room.lock().unwrap_or_else(PoisonError::into_inner);
    (&**stream).write_all(b"* here:\n")?;
    members().insert(name.clone(), Arc::clone(stream));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let told = [b"[", name.as_bytes(), b"] ", &line].concat();
        for member in members().values() {
            _ = (&**member).write_all(&told);
        }
        line.clear();
    }
    Ok(())
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
    eprintln!("cannot take a client: {err}");
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
    eprintln!("{wrong}\nusage: ex06_chat ADDR");
    None
}
