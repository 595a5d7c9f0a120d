//! The errors of chapter 5's page.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::{Row, Seen, check};

#[allow(dead_code)]
#[path = "../../src/bin/ch05_strict_server.rs"]
mod strict_server;

use strict_server::{Deadline, Timed};

#[test]
fn each_row_of_the_deadlines_page_happens() {
    check("ch05_deadlines.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "`read`: the timeout has passed",
        provoke: || {
            let (mut ours, _theirs) = pair();
            let short = Some(Duration::from_millis(20));
            ours.set_read_timeout(short).expect("set a read timeout");
            ours.read(&mut [0]).into()
        },
    },
    Row {
        cause: "`write`: the timeout has passed",
        provoke: || {
            let (mut ours, _theirs) = pair();
            let short = Some(Duration::from_millis(20));
            ours.set_write_timeout(short).expect("set a write timeout");
            ours.write_all(&vec![0; 64 << 20]).into()
        },
    },
    Row {
        cause: "of the deadline",
        provoke: || {
            let (ours, _theirs) = pair();
            let (stream, deadline) = (&ours, Deadline::after(Duration::from_millis(20)));
            Timed { stream, deadline }.read(&mut [0]).into()
        },
    },
    Row {
        cause: "left until the deadline is zero",
        provoke: || {
            let (ours, _theirs) = pair();
            ours.set_read_timeout(Some(Duration::ZERO)).into()
        },
    },
    Row {
        cause: "nothing answers",
        provoke: silence,
    },
    Row {
        cause: "nobody listens, or a firewall rejects",
        provoke: || {
            // Bound, so that no other process can listen there meanwhile.
            let (_bound, addr) = bound();
            TcpStream::connect(addr).into()
        },
    },
    Row {
        cause: "says that the host can't be reached",
        provoke: rejected,
    },
    Row {
        cause: "has no way to this address",
        provoke: no_network,
    },
    Row {
        cause: "the peer is gone, or has closed",
        provoke: || {
            let (mut ours, theirs) = pair();
            ours.write_all(b"order\n").expect("send");
            theirs.peek(&mut [0]).expect("the bytes have come");
            drop(theirs);
            ours.read(&mut [0]).into()
        },
    },
    Row {
        cause: "an earlier write was answered by a reset",
        provoke: || {
            let (mut ours, theirs) = pair();
            ours.shutdown(Shutdown::Write).expect("half-close");
            drop(theirs);
            ours.write(b"order\n").into()
        },
    },
];

/// Both ends of a connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("connect");
    let theirs = listener.accept().expect("accept").0;
    for stream in [&ours, &theirs] {
        let limit = Some(Duration::from_secs(20));
        stream.set_read_timeout(limit).expect("set a read timeout");
    }
    (ours, theirs)
}

/// A socket at an address of its own that doesn't listen.
fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("bind");
    let addr = socket.local_addr().expect("an address");
    (socket, addr.as_socket().expect("of IP"))
}

/// A listener that accepts nobody, and whose backlog is full: Linux leaves the next unanswered.
fn silence() -> Seen {
    let (listener, addr) = bound();
    listener.listen(0).expect("listen");
    let mut waiting = Vec::new();
    for _ in 0..8 {
        match TcpStream::connect_timeout(&addr, Duration::from_millis(300)) {
            Ok(stream) => waiting.push(stream),
            Err(err) if err.kind() == io::ErrorKind::TimedOut => return Seen::Error(err),
            Err(_) => break,
        }
    }
    Seen::NotHere("a full backlog is no silence on this system")
}

/// TCP has no broadcast. Nothing leaves the machine: it is the loopback network's address.
fn no_network() -> Seen {
    match cfg!(target_os = "linux") {
        true => TcpStream::connect("127.255.255.255:9").into(),
        false => Seen::NotHere("another address would have to be asked, outside of this machine"),
    }
}

/// A firewall that rejects by ICMP, in a network of its own where one can be had. What the program
/// said there has the error's number.
fn rejected() -> Seen {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/book/listings/ch05_drop_reject.sh"
    );
    let run = std::process::Command::new("unshare")
        .args([
            "-rn",
            "sh",
            script,
            env!("CARGO_BIN_EXE_ch05_patient_client"),
        ])
        .output();
    let said = run.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let number = said.ok().and_then(|said| {
        let (_, rest) = said.split_once("127.0.0.1:7007/: ")?;
        let (_, rest) = rest.split_once("(os error ")?;
        rest.split_once(')')?.0.parse().ok()
    });
    // Where nft may not be used, nobody listens there, and that is all.
    match number.map(io::Error::from_raw_os_error) {
        Some(err) if err.kind() != io::ErrorKind::ConnectionRefused => Seen::Error(err),
        _ => Seen::NotHere("no network of its own with nft can be had here"),
    }
}
