//! What does a client cost that does nothing: in memory, and in everybody's time?
//!
//! Measured here, on this machine. The program starts a server, connects so many clients to it, and
//! asks the kernel what has become of the server's memory. Then all of them are silent but one,
//! whose round trips are timed; and then that one too, to see what the server does for nobody.
//!
//!     cargo run --release --bin ch06_cost                             # both ways
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

fn main() -> ExitCode {
    let args = env::args_os().skip(1);
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into()).collect();
    let done = match (&args[..], parse(&args)) {
        // So it starts itself, for a server to measure.
        ([what, way, addr], _) if what == "serve" => {
            TcpListener::bind(addr).and_then(|listener| serve(listener, way))
        }
        (_, Some((counts, command))) if counts.is_empty() => measure(&[100, 1000, 5000], command),
        (_, Some((counts, command))) => measure(&counts, command),
        (_, None) => {
            eprintln!("usage: ch06_cost [CLIENTS...] [-- PROGRAM [ARGS...]]");
            return ExitCode::from(2);
        }
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

/// Numbers of clients, and perhaps a server's command behind `--`.
fn parse(args: &[String]) -> Option<(Vec<usize>, &[String])> {
    let mut parts = args.splitn(2, |arg| arg == "--");
    let number = |arg: &String| arg.parse().ok().filter(|n| (1..=50_000).contains(n));
    let counts: Option<Vec<usize>> = parts.next()?.iter().map(number).collect();
    match parts.next() {
        Some([]) => None,
        command => Some((counts?, command.unwrap_or_default())),
    }
}

fn serve(listener: TcpListener, way: &str) -> io::Result<()> {
    println!("listening on {}", listener.local_addr()?);
    if way == "one loop" {
        return one_loop(&listener);
    }
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::Builder::new().spawn(move || {
            let mut buffer = vec![0; 4 * 1024];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                stream.write_all(&buffer[..n])?;
            }
            io::Result::Ok(())
        })?;
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

fn measure(counts: &[usize], command: &[String]) -> io::Result<()> {
    let own = env::current_exe()?.to_string_lossy().into_owned();
    let own = ["threads", "one loop"].map(|way| (way, [&own, "serve", way].map(String::from)));
    let servers: Vec<(&str, &[String])> = match command {
        [] => own.iter().map(|(way, own)| (*way, &own[..])).collect(),
        [program, ..] => vec![(program.rsplit('/').next().unwrap_or(program), command)],
    };
    // Of its descriptors a server needs some for other things than clients.
    let most = number_in("/proc/self/limits", "Max open files");
    let room = most.map_or(usize::MAX, |most| (most as usize).saturating_sub(16).max(1));
    let mut served: Vec<usize> = counts.iter().map(|asked| room.min(*asked)).collect();
    served.dedup();

    let mut stdout = io::stdout();
    let head = "server      clients    memory each      joining   round trip  when silent";
    writeln!(stdout, "{head}")?;
    for (name, command) in servers {
        for clients in &served {
            let mut server = start(command)?;
            let row = row_of(&mut server, *clients);
            // Also where the row has failed: the server would outlive this program.
            _ = server.kill();
            _ = server.wait();
            let row = row.map_err(|err| io::Error::other(format!("{}: {err}", command[0])))?;
            writeln!(stdout, "{name:<10} {clients:>8} {row}")?;
        }
    }
    if let Some(most) = most {
        write!(stdout, "\ndescriptors: {most} to a process (`ulimit -n`)")?;
        if counts.iter().any(|asked| *asked > room) {
            write!(stdout, ", so no more clients than that")?;
        }
        writeln!(stdout)?;
    }
    Ok(())
}

fn start(command: &[String]) -> io::Result<Child> {
    let mut server = Command::new(&command[0]);
    server.args(&command[1..]).arg("127.0.0.1:0");
    server.stdin(Stdio::null()).stderr(Stdio::null());
    let spawned = server.stdout(Stdio::piped()).spawn();
    spawned.map_err(|err| io::Error::other(format!("{}: {err}", command[0])))
}

/// Memory a client, time to join, a round trip beside the silent ones, processor when all are.
fn row_of(server: &mut Child, clients: usize) -> io::Result<String> {
    let mut line = String::new();
    if let Some(stdout) = server.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let addr = line.trim_end().strip_prefix("listening on ");
    let addr: Option<SocketAddr> = addr.and_then(|addr| addr.parse().ok());
    let wrong = "its first line must be `listening on IP:PORT`";
    let addr = addr.ok_or_else(|| io::Error::other(wrong))?;

    let status = format!("/proc/{}/status", server.id());
    // What is really in memory. What a server has merely reserved costs nothing.
    let resident = || number_in(&status, "VmRSS:");
    let (before, begun) = (resident(), Instant::now());
    let joining = (0..clients).map(|_| join(addr));
    let streams: Vec<TcpStream> = joining.collect::<io::Result<_>>()?;
    let joined = (begun.elapsed() / clients as u32).as_micros();
    let memory = match (before, resident()) {
        (Some(before), Some(now)) => format!("{:.1} KiB", (now - before) / clients as f64),
        _ => "?".into(),
    };
    let begun = Instant::now();
    for _ in 0..ROUND_TRIPS {
        round_trip(&streams[clients / 2])?;
    }
    let trip = (begun.elapsed() / ROUND_TRIPS).as_micros();
    let before = processor(server.id());
    thread::sleep(Duration::from_secs(1));
    let silent = match (before, processor(server.id())) {
        (Some(before), Some(now)) => format!("{:.0} % CPU", (now - before) * 100.0),
        _ => "?".into(),
    };
    let times = format!("{joined:>9} µs {trip:>9} µs");
    Ok(format!("{memory:>14} {times} {silent:>12}"))
}

/// A client that is connected, and has a thread, a task or whatever the server gives it.
fn join(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_nodelay(true)?;
    // In the backlog it would be connected, too: the answer says that it was accepted.
    round_trip(&stream)?;
    Ok(stream)
}

fn round_trip(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(&[b'x'; 64])?;
    stream.read_exact(&mut [0; 64])
}

/// The number behind this word, in a file that the kernel writes.
fn number_in(path: &str, word: &str) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(word))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Seconds of processor time that all threads of a process have had.
fn processor(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // A program's name may hold spaces; behind it the eleventh and twelfth words count hundredths.
    let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: f64 = words.next()?.parse().ok()?;
    let in_kernel: f64 = words.next()?.parse().ok()?;
    Some((ticks + in_kernel) / 100.0)
}
