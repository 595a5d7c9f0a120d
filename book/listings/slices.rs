use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _peer) = listener.accept()?;

    let mut buf = *b"0123456789"; // what an earlier read left there
    client.write_all(b"stop")?;
    let n = server.read(&mut buf)?;

    println!("n is {n}");
    println!("buf[..n] is {:?}", String::from_utf8_lossy(&buf[..n]));
    println!("buf is {:?}", String::from_utf8_lossy(&buf));
    Ok(())
}

// It prints:
// n is 4
// buf[..n] is "stop"
// buf is "stop456789"
