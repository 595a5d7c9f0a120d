//! What becomes of clients that all come while the server is busy elsewhere?
//!
//! The kernel connects them without the server, and keeps them for its next `accept`: in a queue, the
//! backlog. This program is a server that comes 200 ms late, and its 300 clients in one moment. It
//! says how many of them were let in at once, and how long the others took.
//!
//!     cargo run --bin ch06_burst
//!     nstat -az TcpExtListenOverflows       # Linux: how often the kernel found a queue full
//!
//! What it still gets wrong: std asks for a queue of 128, and has no way to ask for another one. The
//! crate `socket2` has.

use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// More than twice what std's listeners let wait.
const BURST: usize = 300;
/// Where the server is meanwhile, is its own affair: it doesn't accept.
const BUSY: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        eprintln!("usage: ch06_burst");
        return ExitCode::from(2);
    }
    match burst() {
        Err(err) if err.kind() != ErrorKind::BrokenPipe => {
            eprintln!("cannot connect {BURST} clients at once: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn burst() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let connect = move || {
        let begun = Instant::now();
        // Kept with its time: a client that has gone would leave its place to another.
        TcpStream::connect(addr).map(|stream| (begun.elapsed(), stream))
    };
    let clients = (0..BURST).map(|_| thread::Builder::new().spawn(connect));
    let clients: Vec<_> = clients.collect::<io::Result<_>>()?;
    thread::sleep(BUSY);
    thread::spawn(move || listener.incoming().flatten().for_each(drop));
    let ended = clients.into_iter().filter_map(|client| client.join().ok());
    let times: Vec<_> = ended.collect::<io::Result<_>>()?;

    let times = times.iter().map(|(took, _)| took.as_millis());
    // Whoever found the queue full has tried again after a second: nothing lies between.
    let soon = times.clone().filter(|took| *took < 500).count();
    let (later, slowest) = (BURST - soon, times.max().unwrap_or(0));
    writeln!(
        io::stdout(),
        "a burst of {BURST} connects, accepted after 200 ms: {soon} of them came through at once, \
         {later} later; the slowest took {slowest} ms"
    )
}
