//! A buffered reader, whose buffer is looked at between two reads, and a clock for the line.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).expect("ADDR"))?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        thread::spawn(move || {
            if let Err(err) = converse(&stream) {
                eprintln!("a client broke off: {err}");
            }
        });
    }
    Ok(())
}

fn converse(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        // Nothing of a line is here, or the beginning of one.
        stream.set_read_timeout(None)?;
        if reader.fill_buf()?.is_empty() {
            return Ok(());
        }
        let over = Instant::now() + Duration::from_secs(2);
        let mut line = Vec::new();
        loop {
            let part = match reader.fill_buf() {
                Err(err) if matches!(err.kind(), WouldBlock | TimedOut) => {
                    return stream.write_all(b"error: too slow\n");
                }
                Ok([]) => return Ok(()),
                part => part?,
            };
            let end = part.iter().position(|byte| *byte == b'\n');
            let n = end.map_or(part.len(), |end| end + 1);
            line.extend_from_slice(&part[..n]);
            reader.consume(n);
            if end.is_some() {
                break;
            }
            let left = over.saturating_duration_since(Instant::now());
            stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        }
        let cr = usize::from(line.ends_with(b"\r\n"));
        writeln!(stream, "{}", line.len() - 1 - cr)?;
    }
}
