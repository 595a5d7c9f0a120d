//! How does one server talk to many clients at the same time?
//!
//! It gives each a thread. A thread that waits for its client costs no processor time, and the code
//! of a conversation stays what it was for one client. This server echoes.
//!
//!     cargo run --release --bin ch06_thread_server 127.0.0.1:7006     # terminal 1
//!     nc -N 127.0.0.1 7006                                            # terminals 2, 3, 4, …
//!
//! A client that says nothing for a minute is let go, and so is one that doesn't read. When the
//! system has no thread or no descriptor left, a newcomer is lost, and nobody else.
//!
//! What it still gets wrong: it takes clients until the system has nothing left for them, and only
//! then finds out. `ch06_pool_server` has as many places as somebody chose, and says so to whoever
//! comes too many; `ex06_limited` does it with a thread for each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// How long a client may be silent. Without this, a client whose machine was switched off would
/// hold its thread for ever: a connection over which nothing is sent never breaks.
const IDLE: Duration = Duration::from_secs(60);
/// How long a write may wait for a client that doesn't read.
const STUCK: Duration = Duration::from_secs(5);
/// Each client has one of these: a large one is paid as often as there are clients.
const BUFFER: usize = 4 * 1024;

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
        // `?` here would end the server when it is busiest.
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        eprintln!("{peer} connected");
        // `thread::spawn` panics if the system has no thread left.
        let thread = thread::Builder::new();
        let started = thread.spawn(move || match converse(&stream) {
            Ok(n) => eprintln!("{peer} closed after {n} bytes"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: converse
/// One client, to the end of its stream: how many bytes went back.
fn converse(mut stream: &TcpStream) -> io::Result<u64> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(STUCK))?;
    let mut buffer = vec![0; BUFFER];
    let mut echoed = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(echoed),
            Ok(n) => {
                stream.write_all(&buffer[..n])?;
                echoed += n as u64;
            }
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}
// ANCHOR_END: converse

/// The line that says where clients can connect: with port 0 the kernel has chosen the port.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {addr}")?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    stdout.flush()
}

// ANCHOR: pause_after
/// Out of descriptors, or of threads. The client that could not be
/// accepted still waits, so `accept` without a pause would fail again
/// at once, and take a whole core to do so.
fn pause_after(err: io::Error) {
    eprintln!("cannot take a client: {err}");
    thread::sleep(Duration::from_millis(50));
}
// ANCHOR_END: pause_after

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
    eprintln!("{wrong}\nusage: ch06_thread_server ADDR");
    None
}
