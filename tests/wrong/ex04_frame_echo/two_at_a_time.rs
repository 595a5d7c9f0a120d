// mistake: Of what a read brought, two frames are answered, and then it reads again.
// caught by: a hundred frames in one write get a hundred replies

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: two_at_a_time ADDR");
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
        if let Some(end) = whole(&held) {
            stream.write_all(&held[..end])?;
            held.drain(..end);
        }
        if let Some(end) = whole(&held) {
            stream.write_all(&held[..end])?;
            held.drain(..end);
        }
    }
}
