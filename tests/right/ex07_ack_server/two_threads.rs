//! One thread receives, another takes in and acknowledges. Ids are kept in order of their age, with a
//! number for each, instead of a queue.

use std::collections::{BTreeMap, HashMap};
use std::io::{Write, stdout};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: two_threads ADDR");
    let socket = UdpSocket::bind(addr).expect("bind");
    println!("listening on {}", socket.local_addr().expect("bound"));
    let replies = socket.try_clone().expect("clone");
    let (give, take) = mpsc::sync_channel::<(Vec<u8>, SocketAddr)>(1_000);
    thread::spawn(move || {
        let mut buffer = [0; 1_205];
        while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
            if (4..=1_204).contains(&n) && give.send((buffer[..n].to_vec(), peer)).is_err() {
                return;
            }
        }
    });
    let mut ages: BTreeMap<u64, (SocketAddr, [u8; 4])> = BTreeMap::new();
    let mut known: HashMap<(SocketAddr, [u8; 4]), u64> = HashMap::new();
    for (age, (datagram, peer)) in (0..).zip(take) {
        let id: [u8; 4] = datagram[..4].try_into().expect("four bytes");
        if !known.contains_key(&(peer, id)) {
            let mut out = stdout().lock();
            writeln!(out, "{} {}", u32::from_be_bytes(id), datagram.len() - 4).expect("print");
            out.flush().expect("print");
            known.insert((peer, id), age);
            ages.insert(age, (peer, id));
        }
        if known.len() > 70_000 {
            if let Some((_, oldest)) = ages.pop_first() {
                known.remove(&oldest);
            }
        }
        let _ = replies.send_to(&[&id[..], b"ACK"].concat(), peer);
    }
}
