//! One thread: each line is sent after the reply to the last.

use std::io::{BufRead, ErrorKind, Read, Write, stdin};
use std::net::{Shutdown, TcpStream};

fn main() -> Result<(), String> {
    let addr = std::env::args().nth(1).expect("usage: lockstep ADDR");
    let mut stream = TcpStream::connect(addr).map_err(|err| err.to_string())?;
    for line in stdin().lock().split(b'\n') {
        let line = line.map_err(|err| err.to_string())?;
        let mut frame = (line.len() as u32).to_be_bytes().to_vec();
        frame.extend(line);
        stream.write_all(&frame).map_err(|err| err.to_string())?;
        let Some(reply) = reply(&mut stream)? else {
            return Err("the server ended before its reply".to_string());
        };
        println!("{}", String::from_utf8(reply).map_err(|_| "not UTF-8")?);
    }
    stream.shutdown(Shutdown::Write).map_err(|err| err.to_string())?;
    match reply(&mut stream)? {
        None => Ok(()),
        Some(_) => Err("a reply that nobody asked for".to_string()),
    }
}

fn reply(stream: &mut TcpStream) -> Result<Option<Vec<u8>>, String> {
    let mut header = Vec::new();
    let n = stream.take(4).read_to_end(&mut header).map_err(|err| err.to_string())?;
    let Ok(header) = header.try_into() else {
        return if n == 0 { Ok(None) } else { Err("truncated".to_string()) };
    };
    let length = u32::from_be_bytes(header);
    if length > 1 << 20 {
        return Err(format!("{length} bytes are too long"));
    }
    let mut payload = vec![0; length as usize];
    match stream.read_exact(&mut payload) {
        Ok(()) => Ok(Some(payload)),
        Err(err) if err.kind() == ErrorKind::UnexpectedEof => Err("truncated".to_string()),
        Err(err) => Err(err.to_string()),
    }
}
