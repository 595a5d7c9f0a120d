//! The errors of chapter 2's page.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_echo_page_happens() {
    check("ch02_echo.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "another socket listens",
        provoke: || {
            let (_first, addr) = listen();
            TcpListener::bind(addr).into()
        },
    },
    Row {
        cause: "nobody listens",
        provoke: || TcpStream::connect(bound_only().1).into(),
    },
    Row {
        cause: "isn't an address and a port",
        provoke: || TcpStream::connect("127.0.0.1").into(),
    },
    Row {
        cause: "the peer half-closed",
        provoke: || {
            let (mut ours, theirs) = pair();
            theirs.shutdown(Shutdown::Write).expect("half-close");
            ours.read(&mut [0; 16]).into()
        },
    },
    Row {
        cause: "the peer reset",
        provoke: || {
            let (mut ours, theirs) = pair();
            reset(theirs);
            ours.read(&mut [0; 16]).into()
        },
    },
    Row {
        cause: "has been gone",
        provoke: || {
            let (mut ours, theirs) = pair();
            drop(theirs);
            // The first write is taken, and answered by a reset.
            let limit = 1_000;
            let failed = (0..limit).find_map(|_| {
                std::thread::sleep(Duration::from_millis(5));
                ours.write(b"is anybody there?\n").err()
            });
            Seen::Error(failed.expect("a write to a peer that is gone to fail"))
        },
    },
];

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    (listener, addr)
}

/// Both ends of a connection. No read takes longer than the limit.
fn pair() -> (TcpStream, TcpStream) {
    let (listener, addr) = listen();
    let ours = TcpStream::connect(addr).expect("connect");
    ours.set_read_timeout(Some(Duration::from_secs(20)))
        .expect("set a read timeout");
    (ours, listener.accept().expect("accept").0)
}

/// A port that nobody else can take meanwhile, and at which nobody listens.
fn bound_only() -> (socket2::Socket, SocketAddr) {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("bind");
    let addr = socket
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("of IP");
    (socket, addr)
}

/// Ends the connection by a reset, on every system: there is no time left for a goodbye.
fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    let set: io::Result<()> = socket.set_linger(Some(Duration::ZERO));
    set.expect("set the linger time");
}
