//! The errors of chapter 6's page.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_clients_page_happens() {
    check("ch06_clients.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "has as many descriptors as it may",
        provoke: out_of_descriptors,
    },
    Row {
        cause: "no thread left",
        provoke: || {
            // No address space is as large.
            let thread = thread::Builder::new().stack_size(1 << 47);
            match thread.spawn(|| {}) {
                Err(err) if cfg!(unix) => Seen::Error(err),
                _ => Seen::NotHere("threads are refused in another way here"),
            }
        },
    },
    Row {
        cause: "hasn't read for as long as a write may take",
        provoke: || {
            let (mut ours, _theirs) = pair();
            ours.set_write_timeout(Some(Duration::from_millis(50)))
                .expect("set a write timeout");
            let filled: io::Result<()> = (0..1_000).try_for_each(|_| ours.write_all(&[0; 1 << 20]));
            filled.into()
        },
    },
    Row {
        cause: "nobody waits to be accepted",
        provoke: || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
            listener.set_nonblocking(true).expect("set non-blocking");
            listener.accept().map(|_| ()).into()
        },
    },
    Row {
        cause: "was shut down by another thread",
        provoke: || {
            let (ours, _theirs) = pair();
            let other = ours.try_clone().expect("clone");
            let shown_the_door = thread::spawn(move || other.shutdown(Shutdown::Both));
            shown_the_door.join().expect("join").expect("shut down");
            (&ours).write_all(b"one thing more").into()
        },
    },
    Row {
        cause: "backlog is full",
        provoke: || {
            if !cfg!(target_os = "linux") {
                return Seen::NotHere("other systems refuse, or have another backlog");
            }
            let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
            let addr = listener.local_addr().expect("an address");
            let limit = Duration::from_millis(300);
            let mut waiting = Vec::new();
            loop {
                match TcpStream::connect_timeout(&addr, limit) {
                    Ok(stream) => waiting.push(stream),
                    Err(err) => return Seen::Error(err),
                }
                assert!(waiting.len() < 5_000, "a backlog without end");
            }
        },
    },
];

/// A server that may have few descriptors says on stderr what `accept` came to.
fn out_of_descriptors() -> Seen {
    if !cfg!(target_os = "linux") {
        return Seen::NotHere("descriptors are limited by the shell");
    }
    let server = env!("CARGO_BIN_EXE_ch06_thread_server");
    let limited = format!("ulimit -n 16; exec {server} 127.0.0.1:0 2>&1");
    let mut child = std::process::Command::new("sh")
        .args(["-c", &limited])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("start the server");
    let mut lines = io::BufRead::lines(io::BufReader::new(child.stdout.take().expect("piped")));
    let mut line = || lines.next().expect("a line").expect("text");
    let first = line();
    let addr = first.strip_prefix("listening on ").expect("listening");
    let _clients: Vec<_> = (0..20).map(|_| TcpStream::connect(addr)).collect();
    let said = loop {
        if let Some((_, said)) = line().split_once("cannot take a client: ") {
            break said.to_string();
        }
    };
    child.kill().expect("end the server");
    child.wait().expect("wait for its end");
    let number = said.split("os error ").nth(1).expect("a number");
    let number = number.trim_end_matches(')').parse().expect("a number");
    Seen::Error(io::Error::from_raw_os_error(number))
}

/// Both ends of a connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("connect");
    let theirs = listener.accept().expect("accept").0;
    (ours, theirs)
}
