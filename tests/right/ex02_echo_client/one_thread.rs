//! No second thread: a small piece goes out only when all before it has come back. After the
//! half-close it reads to the end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1).expect("usage: one_thread ADDR");
    let mut stream = TcpStream::connect(addr)?;
    let (mut sent, mut came) = (0, 0);
    let mut piece = [0; 1024];
    loop {
        let n = io::stdin().read(&mut piece)?;
        if n == 0 {
            break;
        }
        stream.write_all(&piece[..n])?;
        sent += n;
        // A server may keep its echo until it knows that this is all: then the rest has to go out
        // without it.
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        while came < sent {
            match take(&mut stream) {
                Ok(0) => return Err(io::Error::other(format!("{came} of {sent} bytes came"))),
                Ok(n) => came += n,
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => break,
                Err(err) => return Err(err),
            }
        }
    }
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(None)?;
    loop {
        match take(&mut stream)? {
            0 if came < sent => {
                return Err(io::Error::other(format!("{came} of {sent} bytes came")));
            }
            0 => return Ok(()),
            n => came += n,
        }
    }
}

/// What has come goes to stdout: how many bytes.
fn take(stream: &mut TcpStream) -> io::Result<usize> {
    let mut piece = [0; 4096];
    let n = stream.read(&mut piece)?;
    io::stdout().write_all(&piece[..n])?;
    io::stdout().flush()?;
    Ok(n)
}
