use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

/// Fifty requests of eight bytes, each in so many writes, each answered.
fn ask(writes: usize, nodelay: bool) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut peer, _) = listener.accept()?;
    stream.set_nodelay(nodelay)?;
    thread::spawn(move || -> io::Result<()> {
        let mut request = [0; 8];
        loop {
            peer.read_exact(&mut request)?;
            peer.write_all(b"ok")?;
        }
    });
    let mut took = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        for part in b"headbody".chunks(8 / writes) {
            stream.write_all(part)?;
        }
        stream.read_exact(&mut [0; 2])?;
        took.push(begun.elapsed());
    }
    took.sort();
    println!("{writes} writes, TCP_NODELAY {nodelay}: 50 answers");
    eprintln!("an answer mostly took {:.2?}", took[25]);
    Ok(())
}

fn main() -> io::Result<()> {
    ask(1, false)?;
    ask(2, false)?;
    ask(2, true)
}

// It prints:
// 1 writes, TCP_NODELAY false: 50 answers
// 2 writes, TCP_NODELAY false: 50 answers
// 2 writes, TCP_NODELAY true: 50 answers
