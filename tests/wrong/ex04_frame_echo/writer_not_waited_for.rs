// mistake: A second thread writes the replies; at the end of the stream nobody waits for it.
// caught by: what came before the half-close is answered

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: writer_not_waited_for ADDR");
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
    let mut outgoing = stream.try_clone()?;
    let (give, take) = std::sync::mpsc::channel::<Vec<u8>>();
    thread::spawn(move || take.iter().all(|frame| outgoing.write_all(&frame).is_ok()));
    let mut held = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return stream.shutdown(std::net::Shutdown::Both);
        }
        held.extend_from_slice(&piece[..n]);
        let mut done = 0;
        while let Some(length) = whole(&held[done..]) {
            _ = give.send(held[done..done + length].to_vec());
            done += length;
        }
        held.drain(..done);
    }
}
