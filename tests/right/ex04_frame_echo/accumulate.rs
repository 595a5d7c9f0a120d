//! Everything that comes goes into one Vec, and whole frames are taken from its front.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: accumulate ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Err(err) = converse(stream) {
                eprintln!("a client broke off: {err}");
            }
        });
    }
}

fn converse(mut stream: TcpStream) -> std::io::Result<()> {
    let mut held = Vec::new();
    let mut piece = [0; 5000];
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Ok(());
        }
        held.extend_from_slice(&piece[..n]);
        let mut done = 0;
        while let Some(header) = held[done..].first_chunk() {
            let length = u32::from_be_bytes(*header) as usize;
            if length > 1 << 20 {
                return Err(std::io::Error::other("too long"));
            }
            let Some(frame) = held[done..].get(..4 + length) else { break };
            stream.write_all(frame)?;
            done += frame.len();
        }
        held.drain(..done);
    }
}
