//! # Port scan ★★
//!
//! A line for each port from LOW to HIGH, both included, in order: `PORT open`, `PORT refused` or
//! `PORT filtered`. As it stands, the scan says all that rightly, but it waits for one port before
//! it asks the next. Behind a firewall that drops, a hundred ports cost a hundred seconds.
//!
//! What is graded:
//! - `ex01_port_scan HOST LOW HIGH` prints those lines on stdout, in order, and nothing else there;
//! - somebody listens: `open`; the attempt is refused: `refused`; no answer within a second, or any
//!   other error: `filtered`;
//! - the exit status is 0, whatever the ports are;
//! - 100 filtered ports cost less than 2.8 s in all, from start to exit.
//!
//! Asking a hundred ports at once takes threads, which chapter 3 explains. So `probe_all` is given:
//! it asks all the addresses in a slice at the same time. It is right as it is; who calls it how is
//! not. Don't give it 65,536 at once, though: each costs a thread and a descriptor, and where there
//! are no descriptors left, every port looks `filtered`.
//!
//!     cargo run -p exercises --bin ex01_port_scan 127.0.0.1 6998 7005
//!     cargo course grade ex01_port_scan

use std::ffi::OsString;
use std::io::ErrorKind::{BrokenPipe, ConnectionRefused};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// Windows asks a refusing port again for two seconds before it believes it.
const TIMEOUT: Duration = Duration::from_millis(if cfg!(windows) { 2500 } else { 1000 });

fn main() -> ExitCode {
    let Some((host, low, high)) = range_from_args() else {
        return ExitCode::from(2);
    };
    match resolve(&host).and_then(|addr| scan(addr, low, high)) {
        // `ex01_port_scan … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot scan {host}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn scan(mut addr: SocketAddr, low: u16, high: u16) -> io::Result<()> {
    let mut stdout = io::stdout();
    for port in low..=high {
        addr.set_port(port);
        for state in probe_all(&[addr])? {
            writeln!(stdout, "{port} {state}")?;
        }
    }
    stdout.flush()
}

/// Probes all the addresses at once; the answers are in the order of the addresses.
///
/// It starts a thread for each, and then waits for one after another. Chapter 3 explains threads.
fn probe_all(addrs: &[SocketAddr]) -> io::Result<Vec<&'static str>> {
    thread::scope(|scope| {
        let mut probes = Vec::new();
        for &addr in addrs {
            probes.push(thread::Builder::new().spawn_scoped(scope, move || probe(addr))?);
        }
        Ok(probes
            .into_iter()
            .map(|probe| probe.join().unwrap_or("filtered"))
            .collect())
    })
}

/// One attempt to connect. `connect` alone would wait for minutes where
/// nothing answers.
fn probe(addr: SocketAddr) -> &'static str {
    match TcpStream::connect_timeout(&addr, TIMEOUT) {
        // A scan of the dynamic range: the kernel may give this very
        // attempt the port that it asks for. It then meets itself.
        Ok(stream) if is_itself(&stream) => "refused",
        Ok(_) => "open",
        Err(err) if err.kind() == ConnectionRefused => "refused",
        Err(_) => "filtered",
    }
}

fn is_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(own), Ok(peer)) if own == peer)
}

/// The first address of a host, which may be a name. Its other addresses are not scanned.
fn resolve(host: &str) -> io::Result<SocketAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addr = (bare, 0).to_socket_addrs()?.next();
    let addr = addr.ok_or_else(|| io::Error::other("the name has no address"))?;
    if addr.ip().to_string() != bare {
        // `localhost` may be ::1, where a server on 127.0.0.1 isn't found.
        eprintln!("{host} is {}", addr.ip());
    }
    Ok(addr)
}

/// HOST, LOW and HIGH; what is wrong with them goes to stderr.
fn range_from_args() -> Option<(String, u16, u16)> {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let port = |arg: &OsString| arg.to_string_lossy().parse::<u16>();
    let wrong = match args.as_slice() {
        [host, low, high] => match (port(low), port(high)) {
            (Ok(low), Ok(high)) if low <= high => {
                return Some((host.to_string_lossy().into_owned(), low, high));
            }
            (Ok(_), Ok(_)) => format!("LOW is more than HIGH: {low:?} {high:?}"),
            (Ok(_), Err(_)) => format!("{high:?} is no port: 0 to 65535"),
            (Err(_), _) => format!("{low:?} is no port: 0 to 65535"),
        },
        args => format!("3 arguments are needed, not {}", args.len()),
    };
    eprintln!("{wrong}\nusage: ex01_port_scan HOST LOW HIGH");
    None
}
