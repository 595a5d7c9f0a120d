//! Whole microseconds, SRTT kept eightfold and RTTVAR fourfold, as in the appendix of Jacobson's
//! paper; one loop over a state instead of a function for each segment.

use std::io::{self, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::exit;
use std::time::{Duration, Instant};

fn main() {
    let to = std::env::args().nth(1).and_then(|addr| addr.parse().ok());
    let to: SocketAddr = to.expect("usage: scaled ADDR");
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).expect("bind");
    let mut file = Vec::new();
    io::stdin().read_to_end(&mut file).expect("stdin");
    let segments: Vec<&[u8]> = file.chunks(1024).collect();

    let (mut srtt8, mut rttvar4, mut rto) = (0_i64, 0_i64, 1_000_000_i64);
    let (mut number, mut transmissions) = (0_usize, 0);
    let mut sent = Instant::now();
    let mut deadline = sent;
    let mut buffer = vec![0; 65_536];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            if transmissions == 5 {
                eprintln!("segment {number} was sent five times");
                exit(1);
            }
            if transmissions > 0 {
                rto *= 2;
            }
            transmissions += 1;
            sent = Instant::now();
            deadline = sent + Duration::from_micros(rto as u64);
            let payload = segments.get(number).copied().unwrap_or_default();
            let kind = if number < segments.len() { 1 } else { 3 };
            let mut segment = vec![kind];
            segment.extend((number as u32).to_be_bytes());
            segment.extend((payload.len() as u16).to_be_bytes());
            segment.extend(payload);
            let _ = socket.send_to(&segment, to);
            if transmissions == 5 {
                // The last of them is waited for like the others.
                deadline = sent + Duration::from_micros(rto as u64);
            }
            continue;
        }
        socket.set_read_timeout(Some(left)).expect("a timeout");
        let Ok((n, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let is_end = number == segments.len();
        let due = if is_end { [4, number as u32] } else { [2, number as u32 + 1] };
        let mut answer = vec![due[0] as u8];
        answer.extend(due[1].to_be_bytes());
        answer.extend([0, 0]);
        if from != to || buffer[..n] != answer {
            continue;
        }
        if transmissions == 1 {
            let rtt = sent.elapsed().as_micros() as i64;
            if srtt8 == 0 {
                (srtt8, rttvar4) = (rtt * 8, rtt * 2);
            } else {
                let off = rtt - srtt8 / 8;
                srtt8 += off;
                rttvar4 += off.abs() - rttvar4 / 4;
            }
            rto = (srtt8 / 8 + rttvar4).max(200_000);
        }
        if is_end {
            return;
        }
        (number, transmissions) = (number + 1, 0);
        deadline = Instant::now();
    }
}
