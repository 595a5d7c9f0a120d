//! The errors of chapter 1's page.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_ports_page_happens() {
    check("ch01_ports.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "another socket listens",
        provoke: || {
            let first = TcpListener::bind("127.0.0.1:0").expect("bind");
            Seen::from(TcpListener::bind(first.local_addr().expect("an address")))
        },
    },
    Row {
        cause: "below 1024",
        provoke: reserved::port,
    },
    Row {
        cause: "isn't this machine's",
        // TEST-NET-3 of RFC 5737: nobody's address.
        provoke: || Seen::from(TcpListener::bind("203.0.113.9:0")),
    },
    Row {
        cause: "nobody listens",
        provoke: || {
            // Bound, so that no other process can listen there meanwhile.
            let (_bound, addr) = bound();
            Seen::from(TcpStream::connect(addr))
        },
    },
    Row {
        cause: "no answer",
        provoke: silence,
    },
    Row {
        cause: "more than 65,535",
        provoke: || Seen::from(TcpStream::connect("127.0.0.1:70010")),
    },
];

/// A socket at an address of its own that doesn't listen.
fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .expect("bind");
    let addr = socket
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("of IP");
    (socket, addr)
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

#[cfg(target_os = "linux")]
mod reserved {
    use super::Seen;
    use std::io;
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    /// Asks for a port that needs a privilege, without one.
    pub fn port() -> Seen {
        let first_free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        if first_free.is_ok_and(|port| port.trim() == "0") {
            return Seen::NotHere("no port is reserved here: ip_unprivileged_port_start is 0");
        }
        if !rustix::process::geteuid().is_root() {
            return Seen::from(TcpListener::bind("127.0.0.1:1"));
        }
        // Root may. In a user namespace of its own, root is nobody outside of it.
        let program = Command::new("unshare")
            .args([
                "--user",
                env!("CARGO_BIN_EXE_ch01_five_tuple"),
                "127.0.0.1:1",
            ])
            .stdin(Stdio::null())
            .output();
        let said = program.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        let number = said.ok().and_then(|said| {
            let (_, rest) = said.split_once("cannot serve on 127.0.0.1:1: ")?;
            rest.rsplit_once("(os error ")?
                .1
                .trim_end()
                .strip_suffix(')')?
                .parse()
                .ok()
        });
        match number {
            Some(number) => Seen::Error(io::Error::from_raw_os_error(number)),
            None => Seen::NotHere("this is root, and a namespace without its rights isn't allowed"),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod reserved {
    use super::Seen;

    pub fn port() -> Seen {
        Seen::NotHere("which ports need a privilege differs between systems")
    }
}
