use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();

    // One name, a list of addresses. On many machines the first is ::1.
    let addrs: Vec<_> = ("localhost", port).to_socket_addrs()?.collect();
    let loopback = addrs.iter().all(|addr| addr.ip().is_loopback());
    println!("all of them loopback: {loopback}");

    // Given a name, `connect` tries its addresses one after another.
    // Whoever tries the first alone may find nobody there.
    let stream = TcpStream::connect(("localhost", port))?;
    println!("the one that answered: {}", stream.peer_addr()?.ip());
    Ok(())
}

// It prints:
// all of them loopback: true
// the one that answered: 127.0.0.1
