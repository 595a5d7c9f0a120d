//! One thread receives and passes on what comes from the peer; `main` waits for that with a timeout.

use std::io::{self, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::exit;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let to = std::env::args().nth(1).and_then(|addr| addr.parse().ok());
    let to: SocketAddr = to.expect("usage: two_threads ADDR");
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).expect("bind");
    let (tell, answers) = mpsc::channel();
    let ear = socket.try_clone().expect("clone");
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        loop {
            if let Ok((n, from)) = ear.recv_from(&mut buffer) {
                if from == to && tell.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        }
    });
    let mut file = Vec::new();
    io::stdin().read_to_end(&mut file).expect("stdin");
    let mut number = 0_u32;
    for payload in file.chunks(700) {
        let (data, ack) = (segment(1, number, payload), segment(2, number + 1, &[]));
        exchange(&socket, to, &data, &ack, &answers);
        number += 1;
    }
    let (end, end_ack) = (segment(3, number, &[]), segment(4, number, &[]));
    exchange(&socket, to, &end, &end_ack, &answers);
}

fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&[kind][..], &number.to_be_bytes(), &length, payload].concat()
}

fn exchange(
    socket: &UdpSocket,
    to: SocketAddr,
    segment: &[u8],
    due: &[u8],
    answers: &Receiver<Vec<u8>>,
) {
    for _ in 0..10 {
        let deadline = Instant::now() + Duration::from_millis(200);
        let _ = socket.send_to(segment, to);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match answers.recv_timeout(left) {
                Ok(answer) if answer == due => return,
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
    eprintln!("ten transmissions of a segment, and no answer to any");
    exit(1);
}
