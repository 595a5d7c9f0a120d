//! No line is kept: a byte is counted and forgotten. One thread looks after all clients in turn.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

struct Client {
    stream: TcpStream,
    /// Bytes since the last LF.
    length: usize,
    after_cr: bool,
    outgoing: Vec<u8>,
    ended: bool,
}

fn main() {
    let addr = std::env::args().nth(1).expect("usage: counts_only ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    listener.set_nonblocking(true).expect("set non-blocking");
    println!("listening on {}", listener.local_addr().expect("own address"));
    let mut clients: Vec<Client> = Vec::new();
    loop {
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                clients.push(Client {
                    stream,
                    length: 0,
                    after_cr: false,
                    outgoing: Vec::new(),
                    ended: false,
                });
            }
        }
        let mut idle = true;
        clients.retain_mut(|client| turn(client, &mut idle));
        if idle {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Does what can be done for a client now; whether it stays.
fn turn(client: &mut Client, idle: &mut bool) -> bool {
    if !client.outgoing.is_empty() {
        match client.stream.write(&client.outgoing) {
            Ok(n) => {
                client.outgoing.drain(..n);
                *idle = false;
            }
            Err(err) if err.kind() == ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
        return true;
    }
    if client.ended {
        return false;
    }
    let mut buffer = [0; 1000];
    match client.stream.read(&mut buffer) {
        Ok(0) => client.ended = true,
        Ok(n) => {
            *idle = false;
            for byte in &buffer[..n] {
                if *byte == b'\n' {
                    let length = client.length - usize::from(client.after_cr);
                    client.outgoing.extend(format!("{length}\n").bytes());
                    client.length = 0;
                } else {
                    client.length += 1;
                }
                client.after_cr = *byte == b'\r';
            }
        }
        Err(err) if err.kind() == ErrorKind::WouldBlock => {}
        Err(_) => return false,
    }
    true
}
