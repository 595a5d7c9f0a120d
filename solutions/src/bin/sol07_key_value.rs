//! # Key and value: a solution
//!
//! One datagram is one request, so there is nothing to put together and nothing to cut apart. Keys
//! and values are bytes, and the first `=` parts them.
//!
//!     cargo run -p solutions --bin sol07_key_value 127.0.0.1:7007

use std::collections::HashMap;
use std::io::ErrorKind::{ConnectionReset, Interrupted};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

const VERSION: &[u8] = b"key_value 1.0";
const MAX_REQUEST: usize = 1_000;
/// As long as any datagram: in a smaller buffer a long request would look like one that fits.
const BUFFER: usize = 65_536;
/// The peers choose how many keys there are. More than these aren't stored.
const MAX_KEYS: usize = 100_000;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = UdpSocket::bind(addr).and_then(serve) {
        eprintln!("cannot serve on {addr}: {err}");
    }
    ExitCode::FAILURE
}

fn serve(socket: UdpSocket) -> io::Result<()> {
    announce(socket.local_addr()?)?;
    let mut store: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let (n, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        if n > MAX_REQUEST {
            eprintln!("{peer} sent {n} bytes: too long");
            continue;
        }
        let request = &buffer[..n];
        match request.iter().position(|byte| *byte == b'=') {
            Some(end) => put(&mut store, &request[..end], &request[end + 1..]),
            None => {
                let value = match request {
                    b"version" => VERSION,
                    key => store.get(key).map_or(&b""[..], Vec::as_slice),
                };
                let answer = [request, b"=", value].concat();
                if let Err(err) = socket.send_to(&answer, peer) {
                    eprintln!("{peer} cannot be told: {err}");
                }
            }
        }
    }
}

fn put(store: &mut HashMap<Vec<u8>, Vec<u8>>, key: &[u8], value: &[u8]) {
    let has_room = store.len() < MAX_KEYS || store.contains_key(key);
    if key != b"version" && has_room {
        store.insert(key.to_vec(), value.to_vec());
    }
}

/// The line that says where clients find it: with port 0 the kernel has chosen the port.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {addr}")?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    stdout.flush()
}

/// On Windows a peer that has gone is told here, as a reset; nothing is wrong with the socket.
fn pause_after(err: io::Error) {
    if !matches!(err.kind(), Interrupted | ConnectionReset) {
        eprintln!("cannot receive: {err}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The one argument, ADDR; what is wrong with it goes to stderr.
fn addr_from_args() -> Option<SocketAddr> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let wrong = match args.as_slice() {
        [addr] => match addr.to_string_lossy().parse() {
            Ok(addr) => return Some(addr),
            Err(_) => format!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT"),
        },
        args => format!("one argument is needed, not {}", args.len()),
    };
    eprintln!("{wrong}\nusage: sol07_key_value ADDR");
    None
}
