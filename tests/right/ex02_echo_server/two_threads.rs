//! One thread reads a client, another writes to it, with a queue of a few small pieces between.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: two_threads ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    loop {
        if let Ok((stream, _)) = listener.accept() {
            converse(stream);
        }
    }
}

fn converse(mut stream: TcpStream) {
    let (give, take) = mpsc::sync_channel::<Vec<u8>>(4);
    let Ok(mut outgoing) = stream.try_clone() else { return };
    let writer = thread::spawn(move || {
        for piece in take {
            if outgoing.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let mut piece = [0; 1000];
    while let Ok(n @ 1..) = stream.read(&mut piece) {
        if give.send(piece[..n].to_vec()).is_err() {
            break;
        }
    }
    drop(give);
    let _ = writer.join();
}
