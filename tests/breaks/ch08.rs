//! The errors of chapter 8's page.

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_reliability_page_happens() {
    check("ch08_reliability.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "a read timeout is over",
        provoke: || {
            let socket = bound();
            let limit = Some(Duration::from_millis(5));
            socket.set_read_timeout(limit).expect("a timeout");
            socket.recv(&mut [0; 8]).into()
        },
    },
    Row {
        cause: "datagram of a connected socket met a closed port",
        provoke: || {
            let (socket, gone) = (bound(), bound());
            let addr = gone.local_addr().expect("own address");
            drop(gone);
            socket.connect(addr).expect("connect");
            let limit = Some(Duration::from_secs(5));
            socket.set_read_timeout(limit).expect("a timeout");
            socket.send(b"data").expect("the first one goes out");
            socket.recv(&mut [0; 8]).into()
        },
    },
    Row {
        cause: "nothing was left until the deadline",
        provoke: || bound().set_read_timeout(Some(Duration::ZERO)).into(),
    },
    Row {
        cause: "another receiver has the port",
        provoke: || {
            let first = bound();
            let addr = first.local_addr().expect("own address");
            UdpSocket::bind(addr).map(|_| ()).into()
        },
    },
    Row {
        cause: "the buffer was shorter than the datagram",
        provoke: || match a_cut_one() {
            Err(err) if err.kind() != io::ErrorKind::WouldBlock && cfg!(windows) => {
                Seen::NotHere("Windows tells it as an error")
            }
            came => came.into(),
        },
    },
];

fn bound() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("bind")
}

fn a_cut_one() -> io::Result<usize> {
    let (from, to) = (bound(), bound());
    from.send_to(&[1; 1_031], to.local_addr()?)?;
    to.set_read_timeout(Some(Duration::from_secs(5)))?;
    to.recv(&mut [0; 8])
}
