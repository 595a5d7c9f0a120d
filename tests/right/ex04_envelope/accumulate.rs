//! A machine of two states: a header, or so many bytes of a payload to come. An unknown kind is
//! answered at its header, and what it carries is skipped as it comes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: accumulate ADDR");
    let listener = TcpListener::bind(addr).expect("bind");
    println!("listening on {}", listener.local_addr().expect("own address"));
    for stream in listener.incoming().flatten() {
        thread::spawn(move || converse(stream));
    }
}

fn converse(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut held, mut skip) = (Vec::new(), 0_u64);
    let mut piece = vec![0; 30_000];
    loop {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Ok(());
        }
        held.extend_from_slice(&piece[..n]);
        loop {
            let skipped = skip.min(held.len() as u64);
            held.drain(..skipped as usize);
            skip -= skipped;
            let Some(header) = held.first_chunk::<12>().copied() else { break };
            let length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
            let id: [u8; 4] = [header[4], header[5], header[6], header[7]];
            let kind = header[3];
            let known = kind == 1 || kind == 3;
            if header[..3] != [0x57, 0x53, 1] || (known && length > 1 << 20) {
                stream.write_all(&reply(254, id, b""))?;
                return Ok(());
            }
            if !known {
                stream.write_all(&reply(255, id, b""))?;
                skip = 12 + u64::from(length);
                continue;
            }
            let Some(payload) = held.get(12..12 + length as usize) else { break };
            let answer = if kind == 1 { reply(2, id, payload) } else { reply(4, id, b"") };
            stream.write_all(&answer)?;
            held.drain(..12 + length as usize);
        }
    }
}

fn reply(kind: u8, id: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x57, 0x53, 1, kind];
    out.extend(id);
    out.extend((payload.len() as u32).to_be_bytes());
    out.extend(payload);
    out
}
