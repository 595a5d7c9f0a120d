//! # Upload ★★
//!
//! Take what the client sends, and when it has sent all, say how much it was. As it stands, the
//! server takes a read that didn't fill its buffer for the last one. Over loopback that is often
//! right. Over a network most reads are short, and an upload may stop for a while and go on.
//!
//! What is graded:
//! - `ex03_upload ADDR` takes any bytes, as many as come, until the client half-closes;
//! - not before that, it answers `N bytes, sum S` and an LF, and closes. N is how many came, S the
//!   sum of them all, each as a number from 0 to 255: for `abc` it says `3 bytes, sum 294`, for `a`
//!   in the same form `1 bytes, sum 97`;
//! - both are 64-bit numbers: 17 MB of the byte 255 have a sum that 32 bits don't hold;
//! - an upload may come in any pieces, and it may pause, for seconds;
//! - several clients upload at the same time, each gets the sum of its own bytes, and one who says
//!   nothing holds nobody up.
//!
//! Run it:
//!
//!     cargo run -p exercises --bin ex03_upload 127.0.0.1:7003         # terminal 1
//!     printf 'abc' | nc -N 127.0.0.1 7003                             # terminal 2
//!     (printf 'abc'; sleep 3; printf 'abc') | nc -N 127.0.0.1 7003
//!     cargo course grade ex03_upload

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
    let (mut count, mut sum) = (0_u64, 0_u32);
    loop {
        let n = stream.read(&mut buffer)?;
        count += n as u64;
        for byte in &buffer[..n] {
            sum = sum.wrapping_add(u32::from(*byte));
        }
        if n < buffer.len() {
            break;
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
    eprintln!("{wrong}\nusage: ex03_upload ADDR");
    None
}
