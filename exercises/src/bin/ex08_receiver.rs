//! # Receiver ★★
//!
//! A receiver writes a file that comes in numbered segments. As it stands it writes what comes, as it comes,
//! and leaves with the end: what comes twice is in the file twice, what comes early stands before what comes
//! late, anybody may add a line, and whoever missed the last answer asks in vain.
//!
//! A segment is `type u8, seq u32, length u16`, big-endian, and `length` bytes of payload. Types: 1 data,
//! 2 ack, 3 end, 4 end-ack. Only data has a payload, of 1 to 1,024 bytes. Data is numbered from 0, and
//! after 4,294,967,295 comes 0. An ack names the next number that is expected, and acknowledges all before
//! it. The end takes the number after the last data, is sent when all data is acknowledged, and an end-ack
//! repeats it. An empty file is only an end.
//!
//! What is graded:
//! - `ex08_receiver ADDR` prints `listening on IP:PORT` as a line; after its LF stdout is the file, exactly
//!   once and in order, each segment flushed before it is acknowledged;
//! - its sender is the first address from which data or an end with number 0 comes. Everybody else is
//!   ignored: nothing of theirs is written, and nothing is answered;
//! - the expected segment is written, and answered with an ack. Any other data of the sender's is answered
//!   with an ack too, and not written: a copy because the answer may have been lost, an early one so that the
//!   sender knows what is missing. (You may keep up to 7 early ones and write them in their turn.)
//! - the end, in its turn, is answered with an end-ack; out of turn, with an ack;
//! - fewer than 7 bytes, another type, a length that differs from the bytes that follow or is over 1,024:
//!   no segment, and ignored;
//! - after the end it stays: for 1 s after the last copy of the end that it heard it goes on answering, then
//!   it exits with 0;
//! - 10 s in which the sender is silent before its end: exit 1. (For its first segment it may wait as long as it
//!   likes.)
//!
//! To try it:
//!
//!     cargo run -p exercises --bin ex08_receiver 127.0.0.1:7008 | tail -n +2 > copy  # terminal 1
//!     cargo run --bin ch08_send_file 127.0.0.1:7008 < Cargo.lock                     # terminal 2
//!     cargo course grade ex08_receiver

use std::env;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;

/// A segment is `type u8, seq u32, length u16`, big-endian, and a payload, which only data has.
const HEADER: usize = 7;
const DATA: u8 = 1;
const ACK: u8 = 2;
const END: u8 = 3;
const END_ACK: u8 = 4;

/// No datagram is longer. A shorter buffer would cut one, and on Windows make it an error.
const LARGEST: usize = 65_536;

fn main() -> ExitCode {
    let Some(addr) = addr_from_args() else {
        return ExitCode::from(2);
    };
    if let Err(err) = serve(addr) {
        eprintln!("cannot receive a file on {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn serve(addr: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind(addr)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {}", socket.local_addr()?)?;
    stdout.flush()?;
    let mut buffer = vec![0; LARGEST];
    loop {
        let (n, from) = socket.recv_from(&mut buffer)?;
        let (header, payload) = buffer[..n].split_at(HEADER);
        let number = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        match header[0] {
            DATA => {
                stdout.write_all(payload)?;
                stdout.flush()?;
                send(&socket, ACK, number + 1, from)?;
            }
            END => {
                send(&socket, END_ACK, number, from)?;
                return Ok(());
            }
            _ => {}
        }
    }
}

fn send(socket: &UdpSocket, kind: u8, number: u32, to: SocketAddr) -> io::Result<()> {
    let [a, b, c, d] = number.to_be_bytes();
    socket.send_to(&[kind, a, b, c, d, 0, 0], to).map(|_| ())
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
    eprintln!("{wrong}\nusage: ex08_receiver ADDR");
    None
}
