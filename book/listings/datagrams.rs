// ANCHOR: datagrams
use std::io;
use std::net::UdpSocket;

fn main() -> io::Result<()> {
    // Nobody listens, nobody accepts: each end has a socket.
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let client = UdpSocket::bind("127.0.0.1:0")?;
    let to = server.local_addr()?;
    for message in ["hello", "", "good morning"] {
        client.send_to(message.as_bytes(), to)?;
    }
    let mut buffer = [0; 1500];
    for _ in 0..3 {
        let (n, peer) = server.recv_from(&mut buffer)?;
        let own = peer == client.local_addr()?;
        println!("{n} bytes, from the client: {own}");
    }
    Ok(())
}
// ANCHOR_END: datagrams

// It prints:
// 5 bytes, from the client: true
// 0 bytes, from the client: true
// 12 bytes, from the client: true
