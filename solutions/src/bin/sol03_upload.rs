//! # Upload: a solution
//!
//! Only the client's half-close says that all has come: a read of 0 bytes. Not a short read, and
//! not a pause. The answer goes the other way, which is open still.
//!
//!     cargo run -p solutions --bin sol03_upload 127.0.0.1:7003

use std::io::ErrorKind::Interrupted;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
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
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        eprintln!("{peer} connected");
        thread::spawn(move || match converse(stream) {
            Ok(n) => eprintln!("{peer} closed after {n} bytes"),
            Err(err) => eprintln!("{peer} broke off: {}", err.kind()),
        });
    }
}

/// One client: how many bytes it uploaded.
fn converse(mut stream: TcpStream) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut count, mut sum) = (0_u64, 0_u64);
    loop {
        let n = match stream.read(&mut buffer) {
            // The client has said all, and hears still.
            Ok(0) => break,
            Ok(n) => n,
            // A signal came first. No byte was lost.
            Err(err) if err.kind() == Interrupted => continue,
            Err(err) => return Err(err),
        };
        count += n as u64;
        for byte in &buffer[..n] {
            // 32 bits are full after 17 MB, 64 after two thousand years at 1 MB/s.
            sum = sum.wrapping_add(u64::from(*byte));
        }
    }
    stream.write_all(format!("{count} bytes, sum {sum}\n").as_bytes())?;
    Ok(count)
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
    eprintln!("{wrong}\nusage: sol03_upload ADDR");
    None
}
