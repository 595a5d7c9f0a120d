use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn greet(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"hello\n")
} // `stream` ends here, and with it the connection.

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (stream, _peer) = listener.accept()?;
    greet(stream)?;

    // Had `greet` borrowed the stream, it would still be open, and this
    // read would wait for an end that never comes.
    let mut reply = String::new();
    client.read_to_string(&mut reply)?;
    print!("{reply}");
    println!("then the end of the stream");
    Ok(())
}

// It prints:
// hello
// then the end of the stream
