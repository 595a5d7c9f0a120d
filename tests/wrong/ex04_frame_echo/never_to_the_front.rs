// mistake: The buffer is used from front to back and then again: a frame across its end is lost.
// caught by: 3 MiB of frames in pieces of any size come back

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: never_to_the_front ADDR");
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
    let mut buffer = vec![0; 4 + (1 << 20)];
    let (mut start, mut end) = (0, 0);
    loop {
        if end == buffer.len() {
            (start, end) = (0, 0);
        }
        let n = stream.read(&mut buffer[end..])?;
        if n == 0 {
            return Ok(());
        }
        end += n;
        while let Some(length) = whole(&buffer[start..end]) {
            stream.write_all(&buffer[start..start + length])?;
            start += length;
        }
    }
}
