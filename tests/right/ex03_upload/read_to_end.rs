//! It keeps the whole upload and sums at the end. (A limit would be wise. None is asked for.)

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: read_to_end ADDR");
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
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let sum: u64 = all.iter().copied().map(u64::from).sum();
    write!(stream, "{} bytes, ", all.len())?;
    write!(stream, "sum {sum}\n")?;
    stream.shutdown(Shutdown::Both)
}
