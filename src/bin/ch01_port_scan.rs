//! Which ports of a host have somebody behind them?
//!
//! A connection attempt has three outcomes. Somebody listens: `open`. Nobody does, and the host
//! says so with a reset: `refused`. No answer comes within the timeout, as behind a firewall that
//! drops what it doesn't like: `filtered`.
//!
//!     cargo run --bin ch02_echo_server 127.0.0.1:7002             # terminal 1: something to find
//!     cargo run --bin ch01_port_scan 127.0.0.1 6998 7005          # terminal 2
//!
//! What it still gets wrong: it tries one port after another, so that timeouts add up. A hundred
//! filtered ports cost a hundred seconds. The exercise ex01_port_scan is to lift that. And a
//! `filtered` may have other causes: no route to the host, or no descriptors left here.
//!
//! Scan your own machines: on others a scan is taken for what it often is.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind::{BrokenPipe, ConnectionRefused};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

/// Windows asks a refusing port again for two seconds before it believes it.
const TIMEOUT: Duration = Duration::from_millis(if cfg!(windows) { 2500 } else { 1000 });

fn main() -> ExitCode {
    let Some((host, low, high)) = range_from_args() else {
        return ExitCode::from(2);
    };
    match resolve(&host).and_then(|addr| scan(addr, low, high)) {
        // `ch01_port_scan … | head` has read enough.
        Err(err) if err.kind() != BrokenPipe => {
            eprintln!("cannot scan {host}: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
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

fn scan(mut addr: SocketAddr, low: u16, high: u16) -> io::Result<()> {
    let mut stdout = io::stdout();
    for port in low..=high {
        addr.set_port(port);
        writeln!(stdout, "{port} {}", probe(addr))?;
        stdout.flush()?;
    }
    Ok(())
}

// ANCHOR: probe
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
// ANCHOR_END: probe

fn is_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(own), Ok(peer)) if own == peer)
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
    eprintln!("{wrong}\nusage: ch01_port_scan HOST LOW HIGH");
    None
}
