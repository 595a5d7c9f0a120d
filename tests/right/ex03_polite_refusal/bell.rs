//! Bytes are counted one by one. A second thread rings the bell: it shuts down both halves when the
//! farewell has lasted long enough, which ends the read that still waits.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: bell ADDR");
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

fn converse(stream: TcpStream) -> io::Result<()> {
    let mut outgoing = &stream;
    let (mut length, mut cr_waits) = (0_usize, false);
    for byte in BufReader::new(&stream).bytes() {
        match byte? {
            b'\n' => {
                outgoing.write_all(format!("{length}\n").as_bytes())?;
                (length, cr_waits) = (0, false);
                continue;
            }
            byte => {
                // A CR that waited is followed by something else: it belongs to the line.
                length += usize::from(cr_waits) + usize::from(byte != b'\r');
                cr_waits = byte == b'\r';
            }
        }
        if length > 1024 {
            return refuse(stream);
        }
    }
    Ok(())
}

fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"error: line too long\n")?;
    stream.shutdown(Shutdown::Write)?;
    let bell = stream.try_clone()?;
    let ringer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(700));
        _ = bell.shutdown(Shutdown::Both);
    });
    let read = io::copy(&mut stream, &mut io::sink());
    _ = ringer.join();
    read.map(|_| ())
}
