//! One Vec for what comes, whole frames taken from its front; a second thread watches the clock of a
//! client that was refused.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: accumulate ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    for stream in listener.incoming().flatten() {
        thread::spawn(move || match converse(stream) {
            Ok(()) => eprintln!("done"),
            Err(why) => eprintln!("broke off: {why}"),
        });
    }
}

fn converse(mut stream: TcpStream) -> Result<(), String> {
    let mut held = Vec::new();
    let mut piece = [0; 5000];
    loop {
        let n = stream.read(&mut piece).map_err(|err| err.to_string())?;
        if n == 0 {
            return match held.len() {
                0 => Ok(()),
                n @ 1..4 => Err(format!("truncated after {n} of 4 bytes of a length")),
                n => Err(format!("truncated after {} of {} bytes", n - 4, length(&held).unwrap_or(0))),
            };
        }
        held.extend_from_slice(&piece[..n]);
        let mut done = 0;
        while let Some(length) = length(&held[done..]) {
            if length > 1 << 20 {
                return refuse(stream);
            }
            let Some(frame) = held[done..].get(..4 + length) else { break };
            stream.write_all(frame).map_err(|err| err.to_string())?;
            done += frame.len();
        }
        held.drain(..done);
    }
}

fn length(held: &[u8]) -> Option<usize> {
    held.first_chunk().map(|header| u32::from_be_bytes(*header) as usize)
}

fn refuse(mut stream: TcpStream) -> Result<(), String> {
    let text = "error: frame too long";
    let mut frame = (text.len() as u32).to_be_bytes().to_vec();
    frame.extend(text.bytes());
    let refused = stream.write_all(&frame).and_then(|()| stream.shutdown(Shutdown::Write));
    if let (Ok(()), Ok(watched)) = (refused, stream.try_clone()) {
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            // Frees the read below. Where that is done, nobody minds.
            let _ = watched.shutdown(Shutdown::Both);
        });
        while let Ok(1..) = stream.read(&mut [0; 4096]) {}
    }
    Err(text.to_string())
}
