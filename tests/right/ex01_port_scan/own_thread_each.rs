//! A thread for each port, fifty at a time, which tell their results through a channel. A hundred
//! silent ports take exactly two timeouts.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [host, low, high] = args.as_slice() else {
        eprintln!("usage: own_thread_each HOST LOW HIGH");
        std::process::exit(2);
    };
    let host: IpAddr = host.parse().expect("an address");
    let (low, high): (u16, u16) = (low.parse().expect("LOW"), high.parse().expect("HIGH"));
    let ports: Vec<u16> = (low..=high).collect();
    for ports in ports.chunks(50) {
        let (tell, told) = mpsc::channel();
        for &port in ports {
            let tell = tell.clone();
            thread::spawn(move || tell.send((port, state(SocketAddr::new(host, port)))));
        }
        drop(tell);
        let mut results: Vec<(u16, &str)> = told.into_iter().collect();
        results.sort();
        for (port, state) in results {
            println!("{port} {state}");
        }
    }
}

fn state(addr: SocketAddr) -> &'static str {
    let connected = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
    match connected.map_err(|err| err.kind()) {
        Ok(_) => "open",
        Err(ErrorKind::ConnectionRefused) => "refused",
        Err(_) => "filtered",
    }
}
