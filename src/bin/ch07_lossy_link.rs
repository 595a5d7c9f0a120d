//! What does a program do on a bad network?
//!
//! The loopback interface loses next to nothing, so this relay stands between a client and a server
//! and does what the internet does: it drops datagrams, doubles them, lets some come late and lets
//! others overtake them. What happens to a datagram follows from the seed, its direction and its
//! number in that direction, never from the clock: a bad day can be had again.
//!
//!     cargo run --bin ch07_udp_server 127.0.0.1:7007                                  # terminal 1
//!     cargo run --bin ch07_lossy_link 127.0.0.1:7070 127.0.0.1:7007 --lose 20%        # terminal 2
//!     cargo run --bin ch07_udp_client 127.0.0.1:7070 hello                            # terminal 3
//!
//! Each option may be given more than once and says which datagrams it is for: `20%` of those in
//! both directions, or numbers: `out:0` is the first to the server, `back:3-5`, `out:7-` from 7 on.
//! What it doesn't do: turn bits over, or lose the more the more it is sent, as a full router does.

use std::collections::HashMap;
use std::io::ErrorKind::{ConnectionReset, Interrupted};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};
use std::{env, thread};

const USAGE: &str = "usage: ch07_lossy_link ADDR SERVER [--seed N] [--lose WHICH]
       [--duplicate WHICH] [--reorder WHICH] [--delay WHICH=MS]
WHICH: 20%, or numbers: out:0 (the first to SERVER), back:3-5, out:7- (from 7 on)";

/// What is to be overtaken waits no longer than this: it may be the last.
const OVERTAKEN: Duration = Duration::from_millis(100);
const MAX_CLIENTS: usize = 1_000; // each costs a socket and a thread, for ever
const MAX_DATAGRAM: usize = 65_536; // more than UDP carries: nothing is cut off

fn main() -> ExitCode {
    let args = env::args_os().skip(1);
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into()).collect();
    let (addr, server, faults) = match parsed(&args) {
        Ok(parsed) => parsed,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Err(err) = UdpSocket::bind(addr).and_then(|socket| serve(socket, server, faults)) {
        eprintln!("cannot relay from {addr} to {server}: {err}");
    }
    ExitCode::FAILURE
}

fn serve(socket: UdpSocket, server: SocketAddr, faults: Faults) -> io::Result<()> {
    say(format!("listening on {}", socket.local_addr()?));
    let (post, parcels) = mpsc::channel();
    thread::spawn(move || deliver(parcels));
    let numbers = Default::default();
    let link = Arc::new(Link {
        faults,
        post,
        numbers,
    });
    let near = Arc::new(socket);
    // A socket towards the server for each client: so it sees as many peers as there are.
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let (n, client) = receive(&near, &mut buffer)?;
        if !clients.contains_key(&client) && clients.len() < MAX_CLIENTS {
            clients.insert(client, link.way_back(server, &near, client)?);
        }
        if let Some(far) = clients.get(&client) {
            link.pass(OUT, far, server, &buffer[..n]);
        }
    }
}

/// The next datagram. What a socket says of an earlier one that found nobody (Windows does, as a
/// reset) is no end.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Err(err) if matches!(err.kind(), Interrupted | ConnectionReset) => {}
            received => return received,
        }
    }
}

const OUT: usize = 0;
const BACK: usize = 1;

struct Link {
    faults: Faults,
    post: Sender<Parcel>,
    /// How many there were so far, out and back.
    numbers: [AtomicU64; 2],
}

impl Link {
    // ANCHOR: pass
    /// Decides what becomes of a datagram, says it, and posts it.
    fn pass(&self, way: usize, by: &Arc<UdpSocket>, to: SocketAddr, datagram: &[u8]) {
        let number = self.numbers[way].fetch_add(1, Ordering::Relaxed);
        let fate = self.faults.fate(way, number);
        say(format!("{} {number} {}", ["→", "←"][way], fate.in_words()));
        let hold = OVERTAKEN * u32::from(fate.overtaken);
        for _ in 0..fate.copies {
            let parcel = Parcel {
                number,
                due: Instant::now() + fate.late + hold,
                overtaken: fate.overtaken,
                by: Arc::clone(by),
                to,
                datagram: datagram.to_vec(),
            };
            // The postman has never left yet.
            _ = self.post.send(parcel);
        }
    }
    // ANCHOR_END: pass

    /// A new socket towards the server, and a thread that brings back what is answered there.
    fn way_back(
        self: &Arc<Link>,
        server: SocketAddr,
        near: &Arc<UdpSocket>,
        client: SocketAddr,
    ) -> io::Result<Arc<UdpSocket>> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let far = Arc::new(UdpSocket::bind((any, 0))?);
        let (link, replies, near) = (Arc::clone(self), Arc::clone(&far), Arc::clone(near));
        thread::Builder::new().spawn(move || {
            let mut buffer = vec![0; MAX_DATAGRAM];
            while let Ok((n, from)) = receive(&replies, &mut buffer) {
                // Anybody can write to that socket.
                if from == server {
                    link.pass(BACK, &near, client, &buffer[..n]);
                }
            }
        })?;
        Ok(far)
    }
}

/// A datagram on its way.
struct Parcel {
    number: u64,
    due: Instant,
    overtaken: bool,
    by: Arc<UdpSocket>,
    to: SocketAddr,
    datagram: Vec<u8>,
}

impl Parcel {
    fn overtakes(&self, other: &Parcel) -> bool {
        let same_way = self.to == other.to && Arc::ptr_eq(&self.by, &other.by);
        same_way && self.number > other.number && !self.overtaken
    }
}

/// The postman: sends each parcel when it is due, and an overtaken one right behind the next.
fn deliver(parcels: Receiver<Parcel>) {
    let mut waiting: Vec<Parcel> = Vec::new();
    loop {
        let left = match waiting.first() {
            Some(first) => first.due.saturating_duration_since(Instant::now()),
            None => Duration::from_secs(3600),
        };
        waiting.extend(parcels.recv_timeout(left));
        // Stable: what is due at the same time leaves in the order in which it came.
        waiting.sort_by_key(|parcel| parcel.due);
        let is_due = |parcel: &Parcel| parcel.due <= Instant::now();
        while waiting.first().is_some_and(is_due) {
            let gone = waiting.remove(0);
            if let Err(err) = gone.by.send_to(&gone.datagram, gone.to) {
                // Too large for the next network, say: it is lost, and nobody is told but us.
                eprintln!("a datagram to {} is lost: {err}", gone.to);
            }
            for held in &mut waiting {
                if held.overtaken && gone.overtakes(held) {
                    held.due = gone.due;
                }
            }
            waiting.sort_by_key(|parcel| parcel.due);
        }
    }
}

const FAULTS: [&str; 4] = ["--lose", "--duplicate", "--reorder", "--delay"];

/// What happens to which datagrams.
struct Faults {
    seed: u64,
    rules: Vec<Rule>,
}

struct Rule {
    /// Its place in `FAULTS`.
    fault: usize,
    which: Which,
    late: Duration,
}

enum Which {
    Percent(u64),
    Numbers(usize, u64, u64),
}

struct Fate {
    copies: u32,
    overtaken: bool,
    late: Duration,
}

impl Faults {
    // ANCHOR: fate
    /// What becomes of the datagram with this number. It depends on
    /// nothing else: asked again, the answer is the same.
    fn fate(&self, way: usize, number: u64) -> Fate {
        let (mut copies, mut overtaken, mut late) = (1, false, Duration::ZERO);
        for rule in &self.rules {
            let hit = match rule.which {
                Which::Percent(percent) => self.roll(rule.fault, way, number) < percent,
                Which::Numbers(its, low, high) => its == way && (low..=high).contains(&number),
            };
            match FAULTS[rule.fault] {
                _ if !hit => {}
                "--lose" => copies = 0,
                "--duplicate" => copies *= 2,
                "--reorder" => overtaken = true,
                _ => late += rule.late,
            }
        }
        Fate {
            copies,
            overtaken,
            late,
        }
    }
    // ANCHOR_END: fate

    /// From 0 to 99, from dice of its own for each fault and way: more losses don't move what is
    /// doubled. The numbers are SplitMix64's, which stirs every bit into every other.
    fn roll(&self, fault: usize, way: usize, number: u64) -> u64 {
        let parts = [(fault * 2 + way) as u64, number];
        let stirred = parts.iter().fold(self.seed, |state, part| {
            let mut z = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        stirred % 100
    }
}

impl Fate {
    fn in_words(&self) -> String {
        let mut words = Vec::new();
        if self.copies > 1 {
            words.push("twice".to_string());
        }
        if self.overtaken {
            words.push("overtaken".to_string());
        }
        if !self.late.is_zero() {
            words.push(format!("late by {} ms", self.late.as_millis()));
        }
        match self.copies {
            0 => "dropped".to_string(),
            1 if words.is_empty() => "passed".to_string(),
            _ => words.join(", "),
        }
    }
}

fn say(line: String) {
    let mut stdout = io::stdout().lock();
    // Whoever has closed our stdout wants no more of this; the link goes on.
    _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// The two addresses and the faults, or what is wrong with the arguments.
fn parsed(args: &[String]) -> Result<(SocketAddr, SocketAddr, Faults), String> {
    let [addr, server, options @ ..] = args else {
        return Err(format!("two addresses are needed, not {args:?}"));
    };
    let parse = |addr: &String| addr.parse().map_err(|_| format!("{addr:?} is no IP:PORT"));
    let mut faults = Faults {
        seed: 1,
        rules: Vec::new(),
    };
    for option in options.chunks(2) {
        let [option, value] = option else {
            return Err(format!("a value is needed after {option:?}"));
        };
        let wrong = || format!("{option} {value} is not understood");
        if option == "--seed" {
            faults.seed = value.parse().map_err(|_| wrong())?;
            continue;
        }
        let fault = FAULTS
            .iter()
            .position(|name| name == option)
            .ok_or_else(wrong)?;
        let (which, ms) = match value.split_once('=') {
            Some((which, ms)) if option == "--delay" => (which, ms.parse::<u32>().ok()),
            None if option != "--delay" => (value.as_str(), Some(0)),
            _ => return Err(wrong()),
        };
        let (which, ms) = which_of(which).zip(ms).ok_or_else(wrong)?;
        let late = Duration::from_millis(ms.into());
        faults.rules.push(Rule { fault, which, late });
    }
    Ok((parse(addr)?, parse(server)?, faults))
}

/// `20%`, `out:0`, `back:3-5`, `out:7-`.
fn which_of(text: &str) -> Option<Which> {
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse().ok().filter(|percent| *percent <= 100);
        return percent.map(Which::Percent);
    }
    let (way, numbers) = text.split_once(':')?;
    let way = ["out", "back"].iter().position(|name| *name == way)?;
    let (low, high) = match numbers.split_once('-') {
        Some((low, "")) => (low.parse().ok()?, u64::MAX),
        Some((low, high)) => (low.parse().ok()?, high.parse().ok()?),
        None => (numbers.parse().ok()?, numbers.parse().ok()?),
    };
    Some(Which::Numbers(way, low, high))
}
