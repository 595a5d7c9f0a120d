//! The errors of chapter 7's page.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::time::Duration;

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_udp_page_happens() {
    check("ch07_udp.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "read timeout",
        provoke: || {
            let socket = bound();
            let limit = socket.set_read_timeout(Some(Duration::from_millis(20)));
            limit.expect("set a read timeout");
            socket.recv(&mut [0; 8]).into()
        },
    },
    Row {
        cause: "an earlier datagram of this connected socket",
        provoke: || {
            let (socket, nobody) = (bound(), bound());
            let addr = nobody.local_addr().expect("an address");
            drop(nobody);
            socket.connect(addr).expect("connect");
            let limit = socket.set_read_timeout(Some(Duration::from_secs(10)));
            limit.expect("set a read timeout");
            socket.send(b"hello").expect("nothing is known yet");
            socket.recv(&mut [0; 8]).into()
        },
    },
    Row {
        cause: "more than 65,507 bytes",
        provoke: || {
            let (socket, other) = (bound(), bound());
            let addr = other.local_addr().expect("an address");
            socket.send_to(&[0; 65_508], addr).into()
        },
    },
    Row {
        cause: "has a socket at that port",
        provoke: || {
            let socket = bound();
            let addr = socket.local_addr().expect("an address");
            UdpSocket::bind(addr).map(drop).into()
        },
    },
    Row {
        cause: "an empty datagram",
        provoke: || received(b"", 8).into(),
    },
    Row {
        cause: "longer than the buffer",
        provoke: || match received(b"hello", 3) {
            Err(err) if err.kind() != ErrorKind::WouldBlock && cfg!(windows) => {
                Seen::NotHere("Windows tells it as an error")
            }
            received => received.into(),
        },
    },
];

fn bound() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("a free port")
}

/// What a receive into a buffer of this size makes of a datagram.
fn received(datagram: &[u8], size: usize) -> io::Result<usize> {
    let (socket, client) = (bound(), bound());
    let addr = socket.local_addr().expect("an address");
    client.send_to(datagram, addr).expect("send");
    let limit = socket.set_read_timeout(Some(Duration::from_secs(10)));
    limit.expect("set a read timeout");
    socket.recv(&mut vec![0; size])
}
