//! How many clients shall one server have, and what becomes of the next?
//!
//! As many as it has workers: threads that are started once and take one client after another.
//! Some more wait in a queue. Whoever comes when that is full too reads `busy` at once.
//!
//!     cargo run --bin ch06_pool_server 127.0.0.1:7006                 # terminal 1
//!     echo hello | nc -N 127.0.0.1 7006                               # terminal 2
//!     cargo run --bin ch06_pool_server 127.0.0.1:7006 2 1             # 2 workers, 1 in the queue
//!
//! A client sends one line, reads it back in capitals, and that is all. It has two seconds: a
//! worker that waits for one client serves nobody else. A pool is for short conversations.
//!
//! What it still gets wrong: who has many addresses can hold all places, two seconds each, for as
//! long as he likes. No limit knows good clients from bad ones; from chapter 9 on they say who
//! they are.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

/// So many clients at a time.
const WORKERS: usize = 256;
/// So many more may wait: the longer the queue, the older its clients when their turn comes. It
/// counts as waiting until a worker has woken to take it, so a burst finds the queue full sooner.
const QUEUE: usize = 256;
/// For a whole conversation, however it drips.
const BUDGET: Duration = Duration::from_secs(2);
/// A line with its LF. The peer chooses how long its lines are.
const MAX_LINE: usize = 1024;

type Client = (TcpStream, SocketAddr);

fn main() -> ExitCode {
    let Some((addr, workers, queue)) = parse_args() else {
        return ExitCode::from(2);
    };
    let bound = TcpListener::bind(addr);
    if let Err(err) = bound.and_then(|listener| serve(listener, workers, queue)) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

// ANCHOR: serve
fn serve(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let (hand_over, clients) = mpsc::sync_channel::<Client>(queue);
    let clients = Arc::new(Mutex::new(clients));
    for _ in 0..workers {
        let clients = Arc::clone(&clients);
        // A pool that can't be filled is known before the first client.
        thread::Builder::new().spawn(move || work(&clients))?;
    }
    announce(listener.local_addr()?)?;
    loop {
        let client = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        eprintln!("{} connected", client.1);
        // `send` would wait for a place, and nobody would be accepted.
        if let Err(TrySendError::Full(client)) = hand_over.try_send(client) {
            turn_away(client);
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: work
/// One worker: a client, to its end, and then the next.
fn work(clients: &Mutex<Receiver<Client>>) {
    loop {
        // The lock is given back at the end of this line. In a
        // `while let` it would be held for the whole conversation, and
        // a single worker would work.
        let next = lock(clients).recv();
        let Ok((stream, peer)) = next else { return };
        eprintln!("{peer} has a worker");
        match converse(&stream) {
            Ok(()) => eprintln!("{peer} closed"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        }
    }
}
// ANCHOR_END: work

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Poisoned by a thread that panicked: what is in it is whole all the same.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A few bytes fit into any new connection: this write can't wait, and needs no thread.
fn turn_away((mut stream, peer): Client) {
    eprintln!("{peer} turned away");
    // It may have gone already.
    _ = stream.write_all(b"busy\n");
}

/// One line, and the answer to it.
fn converse(mut stream: &TcpStream) -> io::Result<()> {
    let deadline = Instant::now() + BUDGET;
    let (mut line, mut buffer) = (Vec::new(), [0; MAX_LINE]);
    while !line.contains(&b'\n') {
        if line.len() >= MAX_LINE {
            return stream.write_all(b"error: line too long\n");
        }
        // What is left for all reads together: one who drips would stay for ever otherwise.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer[line.len()..]) {
            Ok(0) => return Ok(()),
            Ok(n) => line.extend_from_slice(&buffer[line.len()..][..n]),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    let end = line.iter().position(|byte| *byte == b'\n');
    line.truncate(end.map_or(0, |end| end + 1));
    stream.write_all(&line.to_ascii_uppercase())
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

/// ADDR, and perhaps how many work and how many wait; what is wrong with them goes to stderr.
fn parse_args() -> Option<(SocketAddr, usize, usize)> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let number = |n: usize, usual: usize| words.get(n).map_or(Some(usual), |w| w.parse().ok());
    let addr = words.first().and_then(|word| word.parse().ok());
    let wrong = match (addr, number(1, WORKERS), number(2, QUEUE)) {
        _ if !(1..=3).contains(&args.len()) => {
            format!("one to three arguments, not {}", args.len())
        }
        (Some(addr), Some(workers @ 1..=10_000), Some(queue @ 0..=10_000)) => {
            return Some((addr, workers, queue));
        }
        (None, ..) => format!(
            "{:?} is no address of the form IP:PORT or [IP6]:PORT",
            args[0]
        ),
        _ => "WORKERS is a number from 1 to 10000, QUEUE one from 0".to_string(),
    };
    eprintln!("{wrong}\nusage: ch06_pool_server ADDR [WORKERS [QUEUE]]");
    None
}
