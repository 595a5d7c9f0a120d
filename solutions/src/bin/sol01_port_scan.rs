//! # Port scan: a solution
//!
//! Timeouts that run at the same time don't add up: a batch of a hundred ports costs one timeout,
//! however many of them are filtered. The batch keeps 65,536 ports from costing as many threads and
//! descriptors. The answers come back in the order of the batch, so that the lines are in order.
//!
//!     cargo run -p solutions --bin sol01_port_scan 127.0.0.1 6998 7005

use std::ffi::OsString;
use std::io::ErrorKind::{BrokenPipe, ConnectionRefused};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

/// Windows asks a refusing port again for two seconds before it believes it.
const TIMEOUT: Duration = Duration::from_millis(if cfg!(windows) { 2500 } else { 1000 });

/// So many probes at once: each costs a thread and a descriptor, of which macOS allows 256.
const BATCH: usize = 100;

fn main() -> ExitCode {
    let Some((host, low, high)) = range_from_args() else {
        return ExitCode::from(2);
    };
    match resolve(&host).and_then(|addr| scan(addr, low, high)) {
        // `sol01_port_scan … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot scan {host}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn scan(mut addr: SocketAddr, low: u16, high: u16) -> io::Result<()> {
    let mut addrs = Vec::new();
    for port in low..=high {
        addr.set_port(port);
        addrs.push(addr);
    }
    let mut stdout = io::stdout();
    for batch in addrs.chunks(BATCH) {
        for (addr, state) in batch.iter().zip(probe_all(batch)?) {
            writeln!(stdout, "{} {state}", addr.port())?;
        }
        stdout.flush()?;
    }
    Ok(())
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
    eprintln!("{wrong}\nusage: sol01_port_scan HOST LOW HIGH");
    None
}
