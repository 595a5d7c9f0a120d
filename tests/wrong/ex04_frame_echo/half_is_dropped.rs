// mistake: What is left behind the last whole frame of a read is thrown away.
// caught by: a frame and a half, then the rest, get two replies

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: half_is_dropped ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    for stream in listener.incoming().flatten() {
        thread::spawn(move || converse(stream));
    }
}

/// The first whole frame of what is held: its length, header included.
fn whole(held: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*held.first_chunk()?) as usize;
    (held.len() >= 4 + length).then_some(4 + length)
}

fn converse(mut stream: TcpStream) -> io::Result<()> {
    let mut held = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Ok(());
        }
        held.extend_from_slice(&piece[..n]);
        let mut done = 0;
        while let Some(length) = whole(&held[done..]) {
            stream.write_all(&held[done..done + length])?;
            done += length;
        }
        if done > 0 {
            held.clear();
        }
    }
}
