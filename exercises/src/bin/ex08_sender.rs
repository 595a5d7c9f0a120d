//! # Sender ★★
//!
//! A sender sends stdin to a receiver, a segment at a time. As it stands it is an optimist: it takes the first
//! datagram that comes for the answer, whoever sent it and whatever it says, and if none comes it waits for
//! ever.
//!
//! A segment is `type u8, seq u32, length u16`, big-endian, and `length` bytes of payload. Types: 1 data,
//! 2 ack, 3 end, 4 end-ack. Only data has a payload, of 1 to 1,024 bytes. Data is numbered from 0, and
//! after 4,294,967,295 comes 0. An ack names the next number that is expected, and acknowledges all before
//! it. The end takes the number after the last data, is sent when all data is acknowledged, and an end-ack
//! repeats it. An empty file is only an end.
//!
//! What is graded:
//! - `ex08_sender ADDR` sends stdin in segments, one at a time: the next one when the last is acknowledged, by
//!   an ack that names the number after it. After the data the end, which is acknowledged by an end-ack with
//!   the end's number. Then it exits with 0;
//! - a segment that isn't acknowledged within 200 ms is sent again, the same bytes, and again 200 ms later.
//!   Each is sent 10 times at most, counted anew for each. An answer to the tenth, within 200 ms, counts as well.
//!   Otherwise, of data or of the end: exit 1;
//! - any other ack changes nothing: it neither makes it send again at once, nor does the 200 ms begin anew;
//! - only datagrams from ADDR count, and only segments: fewer than 7 bytes, another type, a length that differs
//!   from the bytes that follow or is over 1,024 are ignored;
//! - a refused port (`ConnectionRefused`, on Windows `ConnectionReset`) is a loss like any other.
//!
//! To try it:
//!
//!     cargo run --bin ch08_receive_file 127.0.0.1:7008 | tail -n +2 > copy             # terminal 1
//!     cargo run -p exercises --bin ex08_sender 127.0.0.1:7008 < Cargo.lock             # terminal 2
//!     cargo course grade ex08_sender

use std::env;
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const MAX_PAYLOAD: usize = 1024;
const DATA: u8 = 1;
const END: u8 = 3;

/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = send_stdin(addr) {
        eprintln!("cannot send a file to {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn send_stdin(addr: SocketAddr) -> io::Result<()> {
    let any: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    let mut stdin = io::stdin().lock();
    let mut payload = Vec::new();
    let mut number = 0_u32;
    loop {
        payload.clear();
        // A read of a pipe may return less than there will be: only 0 bytes are the end.
        let n = (&mut stdin)
            .take(MAX_PAYLOAD as u64)
            .read_to_end(&mut payload)?;
        if n == 0 {
            return exchange(&socket, addr, &segment(END, number, &[]));
        }
        exchange(&socket, addr, &segment(DATA, number, &payload))?;
        number = number.wrapping_add(1);
    }
}

/// Sends a segment until it is answered.
fn exchange(socket: &UdpSocket, addr: SocketAddr, segment: &[u8]) -> io::Result<()> {
    let mut buffer = vec![0; LARGEST];
    socket.send_to(segment, addr)?;
    socket.recv_from(&mut buffer)?;
    Ok(())
}

fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![kind];
    segment.extend(number.to_be_bytes());
    segment.extend((payload.len() as u16).to_be_bytes());
    segment.extend(payload);
    segment
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
    eprintln!("{wrong}\nusage: ex08_sender ADDR");
    None
}
