//! A thread for each client, one that panics where anything goes wrong: it takes no other with it.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: threads ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        thread::spawn(move || {
            let caller = stream.peer_addr().expect("the caller's address");
            // In pieces, on purpose: a client has to read on until the LF.
            write!(stream, "you are ").expect("write");
            write!(stream, "{}:{}", caller.ip(), caller.port()).expect("write");
            writeln!(stream).expect("write");
        });
    }
}
