//! # Acknowledging server ★
//!
//! Whoever is told "acknowledged" won't send it again. So a server says it when it has the message,
//! and not before; and since its word may be lost, it will be sent messages that it has already. As
//! it stands, the server acknowledges first, takes in whatever comes as often as it comes, and cuts
//! off what doesn't fit its buffer. Of a datagram that is too short for an id it acknowledges the id
//! of the one before.
//!
//! What is graded:
//! - a request is an id (a `u32`, big-endian) and a payload of 0 to 1,200 bytes, any bytes. The
//!   acknowledgement is 7 bytes: the id, and `ACK`; it goes to the peer that asked, from the address
//!   that was asked;
//! - `listening on IP:PORT` is the first line on stdout. After it, there is a line for each request
//!   that is taken in, `id length`, both decimal: `7 5`. It is there, flushed, before the
//!   acknowledgement is sent;
//! - an id that this peer (its IP and its port) has sent before is acknowledged again and not taken
//!   in again, whatever its payload is now. The last 65,536 are remembered;
//! - ids come in any order, 0 and 4,294,967,295 among them. Two peers may use the same;
//! - a datagram of less than 4 bytes, an empty one too, gets nothing. One with 1,201 bytes of
//!   payload or more is neither taken in, nor acknowledged, nor remembered: its id is free;
//! - 64 datagrams may come at once. None is lost;
//! - a peer that has gone before its acknowledgement came ends nothing for the others.
//!
//! Try it:
//!
//!     cargo run -p exercises --bin ex07_ack_server 127.0.0.1:7007             # terminal 1
//!     cargo run --bin ch07_udp_client 127.0.0.1:7007 hello world              # terminal 2
//!     printf '\0\0\0\7hello' | nc -u -w 1 127.0.0.1 7007 | od -A d -c
//!     cargo course grade ex07_ack_server

use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// The id: a `u32`, big-endian.
const HEADER: usize = 4;

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
    print(&format!("listening on {}", socket.local_addr()?))?;
    let mut buffer = [0; 1024];
    loop {
        let (n, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(err) => {
                pause_after(err);
                continue;
            }
        };
        let id = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]);
        let ack = [&id.to_be_bytes()[..], b"ACK"].concat();
        if let Err(err) = socket.send_to(&ack, peer) {
            eprintln!("{peer} cannot be told: {err}");
        }
        print(&format!("{id} {}", n.saturating_sub(HEADER)))?;
    }
}

/// A line on stdout, at once.
fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
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
    eprintln!("{wrong}\nusage: ex07_ack_server ADDR");
    None
}
