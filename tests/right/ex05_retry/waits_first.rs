//! The waits are chosen beforehand; all of stdin is sent before the reply is read.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr: SocketAddr = std::env::args().nth(1).expect("ADDR").parse().expect("IP:PORT");
    let random = RandomState::new();
    let waits = [200.0, 400.0, 800.0, 1600.0].map(|middle: f64| {
        let part = random.hash_one(middle.to_bits()) as f64 / u64::MAX as f64;
        Some((middle * (0.75 + part / 2.0)).min(1000.0) as u64)
    });
    let mut stream = None;
    for (k, wait) in (1..).zip(waits.into_iter().chain([None])) {
        match (TcpStream::connect_timeout(&addr, Duration::from_millis(900)), wait) {
            (Ok(connected), _) => {
                stream = Some(connected);
                break;
            }
            (Err(err), Some(wait)) => {
                eprintln!("{addr}: attempt {k} of 5 failed: {err}, waiting {wait} ms");
                std::thread::sleep(Duration::from_millis(wait));
            }
            (Err(err), None) => eprintln!("{addr}: attempt {k} of 5 failed: {err}"),
        }
    }
    let Some(mut stream) = stream else { std::process::exit(1) };
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    stream.write_all(&input)?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    io::stdout().write_all(&reply)
}
