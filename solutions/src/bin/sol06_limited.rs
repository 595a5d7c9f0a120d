//! # Limited: a solution
//!
//! A place is a value. Who has one is served, and when it is dropped it is free again: at the
//! client's end, at its reset, at a panic in its thread. So no way out can forget to give it back.
//!
//!     cargo run -p solutions --bin sol06_limited 127.0.0.1:7006

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, thread};

/// Clients at a time.
const PLACES: usize = 8;

/// One of the places, as long as this lives.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(taken: &Arc<AtomicUsize>) -> Option<Place> {
        // Counted up and looked at in one step: between two, another could take the last one.
        let before = taken.fetch_add(1, Ordering::SeqCst);
        // Dropped at once where there was none: that counts down again.
        let place = Place(Arc::clone(taken));
        (before < PLACES).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
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
    let taken = Arc::new(AtomicUsize::new(0));
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let Some(place) = Place::take(&taken) else {
            turn_away(stream, peer);
            continue;
        };
        // `thread::spawn` would panic where the system has no thread left.
        let started = thread::Builder::new().spawn(move || {
            eprintln!("{peer} connected");
            match converse(&stream) {
                Ok(n) => eprintln!("{peer} closed after {n} bytes"),
                Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
            }
            drop(place);
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

/// Five bytes fit into any new connection, so that this write never waits.
fn turn_away(mut stream: TcpStream, peer: SocketAddr) {
    eprintln!("{peer} turned away");
    // It may have gone already.
    _ = stream.write_all(b"busy\n");
}

/// One client, to the end of its stream: how many bytes went back.
fn converse(mut stream: &TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
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
    eprintln!("{wrong}\nusage: sol06_limited ADDR");
    None
}
