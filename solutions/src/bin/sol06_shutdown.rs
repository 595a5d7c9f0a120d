//! # Shutdown: a solution
//!
//! std can't wake a thread that waits in `accept`. It needn't be woken: it holds nothing that must be
//! finished. Who is inside is counted, under one lock with whether the server closes; the thread that
//! reads stdin waits until nobody is left, or two seconds, and ends the process.
//!
//!     cargo run -p solutions --bin sol06_shutdown 127.0.0.1:7006

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, thread};

/// How long those who are inside may take to finish.
const PATIENCE: Duration = Duration::from_secs(2);

/// The door: who is inside, and whether anybody is still let in.
#[derive(Default)]
struct Door {
    state: Mutex<State>,
    somebody_left: Condvar,
}

#[derive(Default)]
struct State {
    inside: usize,
    closing: bool,
}

impl Door {
    /// Counted in before the thread starts: else a shutdown could miss whom it has let in.
    fn lets_in(self: &Arc<Door>) -> Option<Inside> {
        let mut state = self.lock();
        if state.closing {
            return None;
        }
        state.inside += 1;
        Some(Inside(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody is inside as long as this lives.
struct Inside(Arc<Door>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.somebody_left.notify_all();
    }
}

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = TcpListener::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Serves until somebody types `shutdown`.
fn serve(listener: TcpListener) -> io::Result<()> {
    announce(listener.local_addr()?)?;
    let door = Arc::new(Door::default());
    let entrance = Arc::clone(&door);
    let accepting = thread::Builder::new().spawn(move || accept(&listener, &entrance))?;
    // The end of stdin is no command: a server in the background has none.
    if !io::stdin()
        .lock()
        .split(b'\n')
        .map_while(Result::ok)
        .any(|line| line == b"shutdown")
    {
        _ = accepting.join();
        return Ok(());
    }
    let mut state = door.lock();
    state.closing = true;
    eprintln!("shutting down, clients: {}", state.inside);
    let waited = door
        .somebody_left
        .wait_timeout_while(state, PATIENCE, |state| state.inside > 0);
    let left = waited.unwrap_or_else(PoisonError::into_inner).0.inside;
    eprintln!("shut down, clients cut off: {left}");
    Ok(())
}

fn accept(listener: &TcpListener, door: &Arc<Door>) {
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let Some(inside) = door.lets_in() else {
            continue; // Closed without a word.
        };
        let started = thread::Builder::new().spawn(move || {
            eprintln!("{peer} connected");
            match converse(&stream) {
                Ok(n) => eprintln!("{peer} closed after {n} bytes"),
                Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
            }
            // In this order: the process may end as soon as nobody is inside.
            drop(stream);
            drop(inside);
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
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
    eprintln!("{wrong}\nusage: sol06_shutdown ADDR");
    None
}
