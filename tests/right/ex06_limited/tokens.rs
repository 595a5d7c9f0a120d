//! Eight tokens in a channel: who comes takes one, who goes puts it back.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

fn main() {
    let addr = std::env::args().nth(1).expect("an address");
    let listener = TcpListener::bind(addr).expect("an address that is free");
    println!(
        "listening on {}",
        listener.local_addr().expect("an address")
    );
    let (give, take) = sync_channel(8);
    (0..8).for_each(|token| give.send(token).expect("room for it"));
    loop {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(200));
            continue;
        };
        let Ok(token) = take.try_recv() else {
            _ = (&stream).write_all(b"busy\n");
            continue;
        };
        let give = give.clone();
        thread::spawn(move || {
            _ = echo(stream);
            give.send(token).expect("room for it");
        });
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n])?;
    }
}
