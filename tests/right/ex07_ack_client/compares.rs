//! An unconnected socket, each answer's address compared, ids from 1 on, and a thread that keeps the
//! clock: it sends while main receives.

use std::net::{SocketAddr, UdpSocket};
use std::process::exit;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [addr, texts @ ..] = &args[..] else { exit(2) };
    let Ok(addr) = addr.parse::<SocketAddr>() else { exit(2) };
    if texts.is_empty() || texts.iter().any(|text| text.len() > 1_200) {
        eprintln!("usage: compares ADDR TEXT [TEXT...], each of at most 1,200 bytes");
        exit(2);
    }
    let any = if addr.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).expect("bind");
    let incoming = socket.try_clone().expect("clone");
    let (give, take) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        loop {
            match incoming.recv_from(&mut buffer) {
                Ok((n, peer)) if peer == addr => drop(give.send(buffer[..n].to_vec())),
                Ok(_) => {}
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    });
    for (id, text) in (1_u32..).zip(texts) {
        let id = id.to_be_bytes();
        let request = [&id[..], text.as_bytes()].concat();
        let due = [&id[..], b"ACK"].concat();
        let began = std::time::Instant::now();
        let mut tries = 0;
        loop {
            let next = Duration::from_millis(300) * tries;
            match next.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
                None if tries == 3 => {
                    eprintln!("{addr} has not acknowledged {text:?}");
                    exit(1);
                }
                None => {
                    let _ = socket.send_to(&request, addr);
                    tries += 1;
                }
                Some(left) => match take.recv_timeout(left) {
                    Ok(answer) if answer == due => break,
                    Err(RecvTimeoutError::Disconnected) => exit(1),
                    _ => {}
                },
            }
        }
        println!("acknowledged");
    }
}
