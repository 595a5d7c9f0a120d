//! A buffer of one byte more than is allowed, an ordered map, and the version in the map.

use std::collections::BTreeMap;
use std::net::UdpSocket;

fn main() {
    let addr = std::env::args().nth(1).expect("usage: splitn ADDR");
    let socket = UdpSocket::bind(addr).expect("bind");
    println!("listening on {}", socket.local_addr().expect("bound"));
    let mut store = BTreeMap::from([(b"version".to_vec(), b"1".to_vec())]);
    let mut buffer = [0; 1_001];
    loop {
        let Ok((n, peer)) = socket.recv_from(&mut buffer) else { continue };
        if n > 1_000 {
            continue;
        }
        let mut parts = buffer[..n].splitn(2, |byte| *byte == b'=');
        let key = parts.next().unwrap_or_default();
        match parts.next() {
            Some(_) if key == b"version" => {}
            Some(value) => drop(store.insert(key.to_vec(), value.to_vec())),
            None => {
                let mut answer = key.to_vec();
                answer.push(b'=');
                answer.extend(store.get(key).into_iter().flatten());
                let _ = socket.send_to(&answer, peer);
            }
        }
    }
}
