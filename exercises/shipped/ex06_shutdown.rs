//! # Shutdown ★★
//!
//! An echo server that can be told to end. As it stands, it ends at once: whoever was being served
//! loses what was on its way.
//!
//! What is graded:
//! - `ex06_shutdown ADDR` echoes, to any number of clients, until the line `shutdown`, exactly that, comes on
//!   stdin, however it is cut. Another line, of any bytes, UTF-8 or not, is no command, and neither is the
//!   end of stdin;
//! - from then on nobody new is served: a new client may be refused, reset, closed or left waiting,
//!   but it gets no byte;
//! - those who are inside are echoed as before, to their end;
//! - the program ends with status 0: within 1 s of the last one's leaving (at once, where nobody is
//!   inside), and where they don't leave between 2 and 3 s after the line.
//!
//! `std` can't wake a thread that waits in `accept`: find out why it needn't be woken.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex06_shutdown 127.0.0.1:7006     # terminal 1: type shutdown
//!     nc -N 127.0.0.1 7006                                          # terminals 2 and 3
//!     cargo course grade ex06_shutdown

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, thread};

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
    thread::Builder::new().spawn(listen_to_stdin)?;
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let started = thread::Builder::new().spawn(move || {
            eprintln!("{peer} connected");
            match converse(&stream) {
                Ok(n) => eprintln!("{peer} closed after {n} bytes"),
                Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
            }
        });
        if let Err(err) = started {
            pause_after(err);
        }
    }
}

fn listen_to_stdin() {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if line == "shutdown" {
            eprintln!("shutting down");
            process::exit(0);
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
    eprintln!("{wrong}\nusage: ex06_shutdown ADDR");
    None
}
