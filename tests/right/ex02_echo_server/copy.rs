//! A thread for each client, and `io::copy` from the stream to itself.

use std::io;
use std::net::TcpListener;
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: copy ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Err(err) = io::copy(&mut &stream, &mut &stream) {
                eprintln!("a client broke off: {err}");
            }
        });
    }
}
