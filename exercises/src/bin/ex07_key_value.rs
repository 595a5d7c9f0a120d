//! # Key and value ★★
//!
//! A store that is spoken to in datagrams: `color=blue` stores a value, `color` asks for it, and the
//! answer is `color=blue`. As it stands, it is one for tidy people: keys and values are text without
//! a second `=`, nobody asks for what isn't there, nothing is too long, and whoever likes overwrites
//! its version.
//!
//! What is graded:
//! - a datagram with a `=` in it stores: what stands before the first `=` is the key, all behind it
//!   the value. It isn't answered. A value that was there is replaced;
//! - a datagram without a `=` is a question. The answer is one datagram, `key=value`, to the peer
//!   that asked, from the address that was asked; `key=`, if nothing was ever stored there;
//! - keys and values are bytes, any but for the `=` in a key, and taken as they come. Either may be
//!   empty: the empty datagram asks for the empty key, and `=x` stores there;
//! - there is one store for all peers. It holds at least 1,000 keys;
//! - `version` is answered with `version=` and at least one byte. Nobody can store it;
//! - a request has at most 1,000 bytes. A longer one does nothing and isn't answered (an answer may
//!   be longer than 1,000 bytes);
//! - the requests of one peer are served in the order in which they come;
//! - a peer that has gone before its answer came ends nothing for the others.
//!
//! Try it:
//!
//!     cargo run -p exercises --bin ex07_key_value 127.0.0.1:7007              # terminal 1
//!     printf 'color=blue' | nc -u -w 1 127.0.0.1 7007                         # terminal 2
//!     printf 'color' | nc -u -w 1 127.0.0.1 7007
//!     cargo course grade ex07_key_value

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

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
    let mut store = HashMap::from([("version".to_string(), "key_value 1.0".to_string())]);
    let mut buffer = [0; 1000];
    loop {
        let (n, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let request = String::from_utf8_lossy(&buffer[..n]);
        match request.trim().rsplit_once('=') {
            Some((key, value)) => _ = store.insert(key.to_string(), value.to_string()),
            None => {
                let Some(value) = store.get(request.trim()) else {
                    continue;
                };
                let answer = format!("{}={value}", request.trim());
                if let Err(err) = socket.send_to(answer.as_bytes(), peer) {
                    eprintln!("{peer} cannot be told: {err}");
                }
            }
        }
    }
}

/// The line that says where clients find it: with port 0 the kernel has chosen the port.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {addr}")?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    stdout.flush()
}

/// Nothing is wrong with the socket, but it could fail again at once, at full speed.
fn pause_after(err: io::Error) {
    eprintln!("cannot receive: {err}");
    thread::sleep(Duration::from_millis(50));
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
    eprintln!("{wrong}\nusage: ex07_key_value ADDR");
    None
}
