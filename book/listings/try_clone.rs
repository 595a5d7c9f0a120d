use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut reader = TcpStream::connect(listener.local_addr()?)?;
    let mut writer = reader.try_clone()?;
    let (mut server, _peer) = listener.accept()?;

    writer.write_all(b"question")?;
    // Dropping `writer` would tell the server nothing: `reader` holds the
    // same socket. `shutdown` acts on the socket, whoever holds it.
    writer.shutdown(Shutdown::Write)?;

    let mut question = String::new();
    server.read_to_string(&mut question)?;
    println!("the server heard {question:?} and the end");
    server.write_all(b"answer")?;
    drop(server);

    let mut answer = String::new();
    reader.read_to_string(&mut answer)?;
    println!("the client heard {answer:?} and the end");
    Ok(())
}

// It prints:
// the server heard "question" and the end
// the client heard "answer" and the end
