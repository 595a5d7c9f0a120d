//! The conversation knows no time at all: `main` waits for its end, for two seconds and no longer.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::exit;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let addr: SocketAddr = std::env::args().nth(1).expect("ADDR").parse().expect("IP:PORT");
    let over = Instant::now() + Duration::from_secs(2);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(converse(addr)));
    match within(over, &told) {
        Some(Ok(reply)) => io::stdout().write_all(&reply).expect("stdout"),
        Some(Err(err)) => {
            eprintln!("{addr}: {err}");
            exit(1);
        }
        None => {
            eprintln!("{addr}: timed out");
            exit(1);
        }
    }
}

fn within<T>(over: Instant, told: &Receiver<T>) -> Option<T> {
    told.recv_timeout(over.saturating_duration_since(Instant::now())).ok()
}

fn converse(addr: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr)?;
    let mut outgoing = stream.try_clone()?;
    let sender = thread::spawn(move || -> io::Result<()> {
        io::copy(&mut io::stdin().lock(), &mut outgoing)?;
        outgoing.shutdown(Shutdown::Write)
    });
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    sender.join().expect("no panic")?;
    Ok(reply)
}
