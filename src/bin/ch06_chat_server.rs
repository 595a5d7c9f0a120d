//! What one client says, all shall read: who writes it to them, and what if one doesn't read?
//!
//! Each client has two threads. One reads its lines and puts each into everybody's queue; the other
//! takes what is in its client's queue, and writes. So nobody waits for a write but the writer. A
//! queue has an end: who doesn't read until it is full is shown the door.
//!
//!     cargo run --bin ch06_chat_server 127.0.0.1:7006                 # terminal 1
//!     nc -N 127.0.0.1 7006                                            # terminals 2, 3 and 4
//!
//! What it still gets wrong: people have ports for names, and nobody is told who comes and goes.
//! A queue is counted in lines, whether they are long or short. `ex06_chat` has all of that.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, thread};

/// A line with its LF. The peer chooses how long its lines are, and each is kept for all others.
const MAX_LINE: u64 = 1024;
/// Lines that may wait for one client.
const QUEUE: usize = 256;
/// Between two lines of one client. Who floods is slowed down by his own full window: each of his
/// lines is work for everybody.
const PACE: Duration = Duration::from_millis(250);

/// How long a client that has said goodbye may take to read what still waits for it.
const FAREWELL: Duration = Duration::from_secs(2);

/// A line, once for all who are to read it.
type Line = Arc<[u8]>;

// ANCHOR: room
/// Who is here. Locked for as long as it takes to look, never while
/// somebody reads from a socket or writes to one.
#[derive(Default)]
struct Room(Mutex<HashMap<SocketAddr, Member>>);

struct Member {
    queue: SyncSender<Line>,
    stream: Arc<TcpStream>,
}

impl Room {
    /// Whether the speaker was still here, so that everybody was told.
    fn tell_all(&self, speaker: SocketAddr, line: Line) -> bool {
        let mut members = self.lock();
        let is_here = members.contains_key(&speaker);
        members.retain(|_, member| {
            // `send` would wait for the slowest, with the lock held.
            let queued = !is_here || member.queue.try_send(Arc::clone(&line)).is_ok();
            if !queued {
                // Wakes both of its threads, wherever they wait.
                _ = member.stream.shutdown(Shutdown::Both);
            }
            queued
        });
        is_here
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: room

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
        let thread = thread::Builder::new();
        let started = thread.spawn(move || match visit(&room, stream, peer) {
            Ok(()) => eprintln!("{peer} closed"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

// ANCHOR: visit
/// One client, from its entry to its leaving, however it leaves.
fn visit(room: &Room, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    let stream = Arc::new(stream);
    let (queue, lines) = mpsc::sync_channel(QUEUE);
    let member = Member {
        queue,
        stream: Arc::clone(&stream),
    };
    let outgoing = Arc::clone(&stream);
    let (writes, has_written) = mpsc::channel::<()>();
    thread::Builder::new().spawn(move || {
        let _writes = writes; // Dropped at the end: that is the message.
        write(&outgoing, &lines);
    })?;
    room.lock().insert(peer, member);
    eprintln!("{peer} connected");
    let ended = converse(room, &stream, peer);
    // With the member goes the queue's only sender: the writer writes
    // what still waits, and ends. A sender that is left anywhere keeps
    // a thread for each client that was ever here.
    room.lock().remove(&peer);
    _ = has_written.recv_timeout(FAREWELL);
    _ = stream.shutdown(Shutdown::Both);
    ended
}

fn write(mut stream: &TcpStream, lines: &Receiver<Line>) {
    while let Ok(line) = lines.recv() {
        let mut bytes = line.to_vec();
        // What has piled up goes out in one write: a busy room costs
        // each of its members a few writes, not one for each line.
        bytes.extend(lines.try_iter().flat_map(|line| line.to_vec()));
        if stream.write_all(&bytes).is_err() {
            break; // Its reader has seen the same, or will.
        }
    }
}
// ANCHOR_END: visit

/// Puts each of its lines into everybody's queue, its own too: so all read the same order.
fn converse(room: &Room, stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(MAX_LINE as usize, stream);
    loop {
        let mut line = format!("{peer}: ").into_bytes();
        let said = line.len();
        reader
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            // The end, or more of a line than anybody is to keep.
            let too_long = (line.len() - said) as u64 == MAX_LINE;
            return if too_long {
                Err(io::ErrorKind::InvalidData.into())
            } else {
                Ok(())
            };
        }
        // Of who has gone megabytes may still be here to be read.
        if !room.tell_all(peer, line.into()) {
            return Ok(());
        }
        thread::sleep(PACE);
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
    eprintln!("{wrong}\nusage: ch06_chat_server ADDR");
    None
}
