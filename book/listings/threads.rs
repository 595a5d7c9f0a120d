use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;

    // `move`: the thread owns the listener, and may outlive this function.
    let server = thread::spawn(move || -> io::Result<()> {
        let (mut stream, _peer) = listener.accept()?;
        stream.write_all(b"from the thread\n")
    });

    let mut reply = String::new();
    TcpStream::connect(addr)?.read_to_string(&mut reply)?;
    print!("{reply}");

    // Without `join` nobody would learn of the thread's error.
    match server.join() {
        Ok(served) => served,
        Err(_) => Err(io::Error::other("the server's thread panicked")),
    }
}

// It prints:
// from the thread
