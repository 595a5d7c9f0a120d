//! Sends all of stdin before it reads: with a server that answers at the end, that is enough.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let mut failures = Vec::new();
    let connected = std::env::args().skip(1).find_map(|given| {
        let addr: SocketAddr = given.parse().expect("IP:PORT");
        let connected = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
        connected.map_err(|err| failures.push(format!("{err}: {given}"))).ok()
    });
    let Some(mut stream) = connected else {
        for failure in failures {
            eprintln!("{failure}");
        }
        eprintln!("nobody answered");
        std::process::exit(1);
    };
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    stream.write_all(&input)?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    io::stdout().write_all(&reply)
}
