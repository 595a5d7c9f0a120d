//! What does a client cost that does nothing: in memory, and in everybody's time?
//!
//! Measured here, on this machine. The program starts a server, connects so many clients to it, and
//! asks the kernel what has become of the server's memory. Then all of them are silent but one,
//! whose round trips are timed; and then that one too, to see what the server does for nobody.
//!
//!     cargo run --release --bin ch06_cost                             # both ways, then a burst
//!     cargo run --release --bin ch06_cost 100 1000 -- python3 server.py
//!
//! The two ways: `threads`, one for each client, as in ch06_thread_server; and `one loop`, a single
//! thread and sockets that don't block: it asks each of them whether something has come, again and
//! again. Behind `--` any server of your own that echoes and prints `listening on IP:PORT`.
//!
//! What it still gets wrong: memory and processor time are told on Linux only. And std can't ask the
//! kernel *which* sockets have something: one loop that can is what an async runtime is built on.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// No step of a server that works takes so long.
const LIMIT: Duration = Duration::from_secs(30);
const ROUND_TRIPS: u32 = 1000;
/// Connects of the burst: more than twice what std's listeners let wait (128).
const BURST: usize = 300;

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into())
        .collect();
    let done = match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["serve", way, addr] => TcpListener::bind(addr).and_then(|listener| serve(listener, way)),
        _ => match parse(&args) {
            Some((counts, command)) => measure(&counts, &command),
            None => {
                eprintln!("usage: ch06_cost [CLIENTS...] [-- PROGRAM [ARGS...]]");
                return ExitCode::from(2);
            }
        },
    };
    match done {
        // `ch06_cost | head` has read enough.
        Err(err) if err.kind() != ErrorKind::BrokenPipe => {
            eprintln!("cannot measure: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

// ---- the servers that are measured

fn serve(listener: TcpListener, way: &str) -> io::Result<()> {
    println!("listening on {}", listener.local_addr()?);
    match way {
        "threads" => loop {
            let (stream, _) = listener.accept()?;
            thread::Builder::new().spawn(move || echo(stream))?;
        },
        _ => one_loop(&listener),
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 4 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n])?,
        }
    }
}

// ANCHOR: one_loop
/// One thread for all. A real one would also have to keep, for each of
/// them, what it couldn't write yet, and how far it has got in a message.
fn one_loop(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut buffer = vec![0; 4 * 1024];
    loop {
        let mut quiet = true;
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            streams.push(stream);
        }
        // A system call for each client, to learn that it says nothing.
        streams.retain_mut(|stream| match stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                quiet = false;
                stream.write_all(&buffer[..n]).is_ok()
            }
            Err(err) => err.kind() == ErrorKind::WouldBlock,
        });
        // Without this: a whole core, also when nobody says anything.
        if quiet {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
// ANCHOR_END: one_loop

// ---- what is measured

fn measure(counts: &[usize], command: &[String]) -> io::Result<()> {
    let own = env::current_exe()?.to_string_lossy().into_owned();
    let ways: Vec<(String, Vec<String>)> = match command {
        [] => ["threads", "one loop"]
            .map(|way| {
                (
                    way.to_string(),
                    [own.as_str(), "serve", way].map(String::from).to_vec(),
                )
            })
            .to_vec(),
        [name, ..] => vec![(
            name.rsplit('/').next().unwrap_or(name).to_string(),
            command.to_vec(),
        )],
    };
    let mut stdout = io::stdout();
    writeln!(
        stdout,
        "{:<10} {:>8} {:>14} {:>12} {:>12} {:>12}",
        "server", "clients", "memory each", "joining", "round trip", "when silent"
    )?;
    for (name, command) in &ways {
        let mut last = 0;
        for clients in counts.iter().map(|asked| allowed(*asked)) {
            if clients != last {
                let row = row_of(command, clients)?;
                writeln!(stdout, "{name:<10} {clients:>8} {row}")?;
            }
            last = clients;
        }
    }
    if let (Some(most), Some(asked)) = (descriptors(), counts.iter().max()) {
        let kept = if allowed(*asked) < *asked {
            ", so no more clients than that"
        } else {
            ""
        };
        writeln!(
            stdout,
            "\ndescriptors: {most} to a process (`ulimit -n`){kept}"
        )?;
    }
    if command.is_empty() {
        burst(&mut stdout)?;
    }
    Ok(())
}

/// Memory a client, time to join, a round trip beside the silent ones, processor when all are.
fn row_of(command: &[String], clients: usize) -> io::Result<String> {
    let (server, addr) = start(command)?;
    let id = server.0.id();
    let before = resident(id);
    let begun = Instant::now();
    let streams: Vec<TcpStream> = (0..clients)
        .map(|_| join(addr))
        .collect::<io::Result<_>>()?;
    let joined = begun.elapsed() / clients as u32;
    let each = resident(id)
        .zip(before)
        .map(|(now, then)| (now - then) / clients as f64);
    let begun = Instant::now();
    for _ in 0..ROUND_TRIPS {
        round_trip(&streams[clients / 2])?;
    }
    let trip = begun.elapsed() / ROUND_TRIPS;
    let ran = processor(id);
    thread::sleep(Duration::from_secs(1));
    let idle = processor(id).zip(ran).map(|(now, then)| now - then);
    Ok(format!(
        "{:>14} {:>12} {:>12} {:>12}",
        each.map_or("?".into(), |kib| format!("{kib:.1} KiB")),
        format!("{} µs", joined.as_micros()),
        format!("{} µs", trip.as_micros()),
        idle.map_or("?".into(), |share| format!("{:.0} % CPU", share * 100.0)),
    ))
}

// ANCHOR: burst
/// Many clients at once, and a server that is busy elsewhere for a
/// moment: who waits in the listener's backlog, and who doesn't get in?
fn burst(stdout: &mut impl Write) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let connect = move || {
        let begun = Instant::now();
        TcpStream::connect(addr).map(|stream| (begun.elapsed(), stream))
    };
    let connecting: Vec<_> = (0..BURST).map(|_| thread::spawn(connect)).collect();
    thread::sleep(Duration::from_millis(200));
    thread::spawn(move || listener.incoming().flatten().for_each(drop));
    let joined = connecting.into_iter().filter_map(|one| one.join().ok());
    let times: Vec<_> = joined.collect::<io::Result<Vec<_>>>()?;
    let soon = times
        .iter()
        .filter(|(took, _)| took.as_millis() < 500)
        .count();
    let slowest = times.iter().map(|(took, _)| took.as_millis()).max();
    writeln!(
        stdout,
        "a burst of {BURST} connects, accepted after 200 ms: {soon} of them came through at once, \
         {} later; the slowest took {} ms",
        BURST - soon,
        slowest.unwrap_or(0)
    )
}
// ANCHOR_END: burst

/// A client that is connected, and has a thread, a task or whatever the server gives it.
fn join(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_nodelay(true)?;
    round_trip(&stream)?;
    Ok(stream)
}

fn round_trip(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(&[b'x'; 64])?;
    stream.read_exact(&mut [0; 64])
}

/// A server that runs; it is ended with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn start(command: &[String]) -> io::Result<(Running, SocketAddr)> {
    let wrong = |what: &str| io::Error::other(format!("{}: {what}", command[0]));
    let mut child = Command::new(&command[0]);
    let child = child
        .args(&command[1..])
        .arg("127.0.0.1:0")
        .stdin(Stdio::null());
    let child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.map_err(|err| wrong(&err.to_string()))?);
    let mut line = String::new();
    if let Some(stdout) = running.0.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let addr = line
        .trim_end()
        .strip_prefix("listening on ")
        .and_then(|addr| addr.parse().ok());
    Ok((
        running,
        addr.ok_or_else(|| wrong("its first line must be `listening on IP:PORT`"))?,
    ))
}

/// What the limit of descriptors leaves of so many clients: some are needed for other things.
fn allowed(asked: usize) -> usize {
    descriptors().map_or(asked, |most| asked.min(most.saturating_sub(16)).max(1))
}

/// How many descriptors this process, and what it starts, may have.
fn descriptors() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|l| {
        l.strip_prefix("Max open files")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    })
}

/// KiB of a process that are really in memory. What it has merely reserved costs nothing.
fn resident(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|l| {
        l.strip_prefix("VmRSS:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    })
}

/// Seconds of processor time that all threads of a process have had, counted in hundredths.
fn processor(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: f64 = words.next()?.parse().ok()?;
    let in_kernel: f64 = words.next()?.parse().ok()?;
    Some((ticks + in_kernel) / 100.0)
}

/// Numbers of clients, and perhaps a server's command behind `--`.
fn parse(args: &[String]) -> Option<(Vec<usize>, Vec<String>)> {
    let (counts, command) = match args.iter().position(|arg| arg == "--") {
        Some(at) if at + 1 < args.len() => (&args[..at], args[at + 1..].to_vec()),
        Some(_) => return None,
        None => (args, Vec::new()),
    };
    let asked: Option<Vec<usize>> = counts
        .iter()
        .map(|n| n.parse().ok().filter(|n| *n > 0))
        .collect();
    let counts = asked.filter(|asked| asked.iter().all(|n| *n <= 50_000))?;
    Some((
        if counts.is_empty() {
            vec![100, 1000, 5000]
        } else {
            counts
        },
        command,
    ))
}
