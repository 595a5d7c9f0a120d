//! The accept loop doesn't block: it looks every 20 ms whether it shall close, and ends by itself.

use std::io::{self, BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

static CLOSING: AtomicBool = AtomicBool::new(false);

fn main() {
    let addr = std::env::args().nth(1).expect("an address");
    let listener = TcpListener::bind(addr).expect("an address that is free");
    println!(
        "listening on {}",
        listener.local_addr().expect("an address")
    );
    listener
        .set_nonblocking(true)
        .expect("a listener that doesn't block");
    thread::spawn(|| {
        let mut line = Vec::new();
        let mut stdin = io::stdin().lock();
        while stdin.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if line == b"shutdown\n" {
                CLOSING.store(true, Ordering::SeqCst);
            }
            line.clear();
        }
    });
    // Each client's thread holds a clone: their number is the count.
    let inside = Arc::new(());
    while !CLOSING.load(Ordering::SeqCst) {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let inside = Arc::clone(&inside);
        thread::spawn(move || {
            _ = echo(stream);
            drop(inside);
        });
    }
    drop(listener);
    let deadline = Instant::now() + Duration::from_millis(2100);
    while Arc::strong_count(&inside) > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n])?;
    }
}
