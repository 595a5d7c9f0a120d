//! A ring of eight places for the expected segment and seven early ones; two phases, two functions.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::exit;
use std::time::{Duration, Instant};

fn main() {
    let addr = std::env::args().nth(1).expect("usage: ring ADDR");
    let socket = UdpSocket::bind(addr).expect("bind");
    println!("listening on {}", socket.local_addr().expect("own address"));
    let (mut ring, mut expected) = (<[Option<Vec<u8>>; 8]>::default(), 0_u32);
    let (first, sender) = loop {
        if let Some((segment, from)) = next(&socket, None) {
            if number(&segment) == 0 {
                break (segment, from);
            }
        }
    };
    let mut segment = first;
    loop {
        let n = number(&segment);
        if segment[0] == 3 && n == expected {
            break;
        }
        if segment[0] == 1 && n >= expected && n - expected < 8 {
            ring[n as usize % 8] = Some(segment[7..].to_vec());
        }
        let mut stdout = io::stdout().lock();
        while let Some(payload) = ring[expected as usize % 8].take() {
            stdout.write_all(&payload).expect("stdout");
            expected += 1;
        }
        stdout.flush().expect("stdout");
        answer(&socket, 2, expected, sender);
        segment = match from(&socket, sender, Instant::now() + Duration::from_secs(10)) {
            Some(segment) => segment,
            None => {
                eprintln!("ten seconds without a segment");
                exit(1)
            }
        };
    }
    answer(&socket, 4, expected, sender);
    let mut deadline = Instant::now() + Duration::from_secs(1);
    while let Some(segment) = from(&socket, sender, deadline) {
        if segment[0] == 3 {
            answer(&socket, 4, expected, sender);
            deadline = Instant::now() + Duration::from_secs(1);
        } else {
            answer(&socket, 2, expected, sender);
        }
    }
}

fn number(segment: &[u8]) -> u32 {
    u32::from_be_bytes(segment[1..5].try_into().expect("four bytes"))
}

fn answer(socket: &UdpSocket, kind: u8, number: u32, to: SocketAddr) {
    let _ = socket.send_to(&[&[kind][..], &number.to_be_bytes(), &[0, 0]].concat(), to);
}

fn from(socket: &UdpSocket, sender: SocketAddr, deadline: Instant) -> Option<Vec<u8>> {
    loop {
        let (segment, peer) = next(socket, Some(deadline))?;
        if peer == sender {
            return Some(segment);
        }
    }
}

/// The next segment of data or end, from whomever; `None` when the time is over.
fn next(socket: &UdpSocket, deadline: Option<Instant>) -> Option<(Vec<u8>, SocketAddr)> {
    let mut buffer = vec![0; 65_536];
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return None;
        }
        socket.set_read_timeout(left).expect("a timeout");
        match socket.recv_from(&mut buffer) {
            Ok((n, peer)) if n >= 7 && matches!(buffer[0], 1 | 3) => {
                let length = usize::from(buffer[5]) << 8 | usize::from(buffer[6]);
                if length == n - 7 && length <= 1024 {
                    return Some((buffer[..n].to_vec(), peer));
                }
            }
            Ok(_) => {}
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(_) => {}
        }
    }
}
