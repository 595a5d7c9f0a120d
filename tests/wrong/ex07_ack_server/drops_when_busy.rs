// mistake: Requests wait in a queue of 40; what finds it full is dropped.
// caught by: 64 datagrams at once are all taken in

use std::collections::HashSet;
use std::io::{Write, stdout};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: drops_when_busy ADDR");
    let socket = UdpSocket::bind(addr).expect("bind");
    println!("listening on {}", socket.local_addr().expect("bound"));
    let replies = socket.try_clone().expect("clone");
    let (give, take) = mpsc::sync_channel::<(Vec<u8>, SocketAddr)>(40);
    thread::spawn(move || {
        let mut buffer = [0; 1_205];
        while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
            if (4..=1_204).contains(&n) {
                let _ = give.try_send((buffer[..n].to_vec(), peer));
            }
        }
    });
    let mut known = HashSet::new();
    for (datagram, peer) in take {
        thread::sleep(Duration::from_millis(50));
        let id: [u8; 4] = datagram[..4].try_into().expect("four bytes");
        if known.insert((peer, id)) {
            let mut out = stdout().lock();
            writeln!(out, "{} {}", u32::from_be_bytes(id), datagram.len() - 4).expect("print");
            out.flush().expect("print");
        }
        let _ = replies.send_to(&[&id[..], b"ACK"].concat(), peer);
    }
}
