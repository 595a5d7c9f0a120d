//! # Chat: a solution
//!
//! One lock, around who is here. Whatever must not come apart happens under it: a name is looked up
//! and taken, the newcomer's list is made and the others are told. What may wait doesn't: under the
//! lock lines are put into queues, and each client's own thread writes them. A queue counts the
//! bytes that wait in it, and who lets them become too many is taken out of the room.
//!
//!     cargo run -p solutions --bin sol06_chat 127.0.0.1:7006

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

const MAX_NAME: usize = 16;
/// A line with its CR and LF.
const MAX_LINE: u64 = 4096 + 2;
/// Bytes that may wait for one client. They are everybody's memory.
const MAX_WAITING: usize = 1 << 20;

type Line = Arc<[u8]>;
type Members = BTreeMap<String, Member>;
type Room = Mutex<Members>;

struct Member {
    queue: Sender<Line>,
    waiting: Arc<AtomicUsize>,
    stream: Arc<TcpStream>,
}

impl Member {
    /// Queues a line, unless too much waits already.
    fn is_told(&self, line: Line) -> bool {
        let waiting = self.waiting.fetch_add(line.len(), Ordering::SeqCst);
        waiting + line.len() <= MAX_WAITING && self.queue.send(line).is_ok()
    }
}

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
        // The name is read in the thread as well: who doesn't say one holds nobody up.
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
    // One for name and lines: it may have read further than the name.
    let mut reader = BufReader::new(&**stream);
    let Some(name) = next_line(&mut reader)? else {
        return Ok(());
    };
    let name = match String::from_utf8(name) {
        Ok(name) if is_name(&name) => name,
        _ => return (&**stream).write_all(b"a name has 1 to 16 of a-z, A-Z, 0-9\n"),
    };
    if !enter(room, &name, stream)? {
        return (&**stream).write_all(b"this name is taken\n");
    }
    let ended = converse(room, &name, stream, &mut reader);
    if ended.is_ok() {
        hears_the_rest(room, &name, stream);
    }
    let mut members = lock(room);
    if is_still(&members, &name, stream) {
        leave(&mut members, &name);
    }
    ended
}

/// Who has only ended its own writing still reads: what is queued for it is written before it leaves.
fn hears_the_rest(room: &Room, name: &str, stream: &Arc<TcpStream>) {
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        let members = lock(room);
        let waits = |member: &Member| member.waiting.load(Ordering::SeqCst) > 0;
        if !is_still(&members, name, stream) || !members.get(name).is_some_and(waits) {
            return;
        }
        drop(members);
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Takes the name, if it is free. All at once: nobody comes or talks between two of these steps.
fn enter(room: &Room, name: &str, stream: &Arc<TcpStream>) -> io::Result<bool> {
    let mut members = lock(room);
    if members.contains_key(name) {
        return Ok(false);
    }
    let (queue, lines) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let member = Member {
        queue,
        waiting: Arc::clone(&waiting),
        stream: Arc::clone(stream),
    };
    let outgoing = Arc::clone(stream);
    thread::Builder::new().spawn(move || write(&outgoing, &lines, &waiting))?;
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    let gap = if names.is_empty() { "" } else { " " };
    member.is_told(line(format!("* here:{gap}{}\n", names.join(", "))));
    tell(&mut members, line(format!("* {name} joined\n")), None);
    members.insert(name.to_string(), member);
    Ok(true)
}

fn converse(
    room: &Room,
    name: &str,
    stream: &Arc<TcpStream>,
    reader: &mut impl BufRead,
) -> io::Result<()> {
    while let Some(text) = next_line(reader)? {
        let line = [b"[", name.as_bytes(), b"] ", &text, b"\n"].concat();
        let mut members = lock(room);
        if !is_still(&members, name, stream) {
            break; // Dropped meanwhile: somebody else may have the name by now.
        }
        tell(&mut members, line.into(), Some(name));
    }
    Ok(())
}

/// A line without its ending; `None` at the end, also behind half a line.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader
        .by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Ok(Some(line))
}

/// Queues a line for everybody but one. Who doesn't read is dropped, and the others are told.
fn tell(members: &mut Members, line: Line, except: Option<&str>) {
    let mut dropped = Vec::new();
    for (name, member) in members.iter() {
        if Some(name.as_str()) != except && !member.is_told(Arc::clone(&line)) {
            dropped.push(name.clone());
        }
    }
    for name in dropped {
        leave(members, &name);
    }
}

/// Whoever takes a name out of the room says so: once, since it is there only once.
fn leave(members: &mut Members, name: &str) {
    if let Some(member) = members.remove(name) {
        // Wakes its reader and its writer, wherever they wait: else two threads would stay.
        _ = member.stream.shutdown(Shutdown::Both);
        tell(members, line(format!("* {name} left\n")), None);
    }
}

fn is_still(members: &Members, name: &str, stream: &Arc<TcpStream>) -> bool {
    members
        .get(name)
        .is_some_and(|member| Arc::ptr_eq(&member.stream, stream))
}

fn write(mut stream: &TcpStream, lines: &Receiver<Line>, waiting: &AtomicUsize) {
    for line in lines {
        if stream.write_all(&line).is_err() {
            break; // Its reader has seen the same, or will.
        }
        waiting.fetch_sub(line.len(), Ordering::SeqCst);
    }
}

fn line(text: String) -> Line {
    text.into_bytes().into()
}

fn lock(room: &Room) -> MutexGuard<'_, Members> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
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
    eprintln!("{wrong}\nusage: sol06_chat ADDR");
    None
}
