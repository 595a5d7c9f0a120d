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
use std::net::{SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};
use std::{env, thread};

const USAGE: &str = "usage: ch07_lossy_link ADDR SERVER [--seed N] [--lose WHICH]
       [--duplicate WHICH] [--reorder WHICH] [--delay WHICH=MS]
WHICH: 20%, or numbers: out:0 (the first to SERVER), back:3-5, out:7- (from 7 on)";

const OUT: usize = 0;
const BACK: usize = 1;
/// What is to be overtaken waits no longer than this: it may be the last.
const OVERTAKEN: Duration = Duration::from_millis(100);
const MAX_WAITING: usize = 10_000; // of up to 64 KiB each
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

/// A datagram: the client whose own socket it came to, unless it is from one; the address that it
/// came from; its bytes.
type Arrival = (Option<SocketAddr>, SocketAddr, Vec<u8>);

fn serve(near: UdpSocket, server: SocketAddr, faults: Faults) -> io::Result<()> {
    say(format!("listening on {}", near.local_addr()?));
    // Bounded: what is too much fills the kernel's buffer, which drops, and not our memory.
    let (post, arrivals) = mpsc::sync_channel(64);
    let near = Arc::new(near);
    read(&near, None, &post)?;
    // A socket towards the server for each client: so it sees as many peers as there are.
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let v6 = server.is_ipv6();
    let any = if v6 { "[::]:0" } else { "0.0.0.0:0" };
    let mut numbers = [0, 0];
    let mut waiting: Vec<Parcel> = Vec::new();
    loop {
        if let Ok((client, from, datagram)) = arrivals.recv_timeout(left(&waiting)) {
            let way = if client.is_none() { OUT } else { BACK };
            let client = client.unwrap_or(from);
            if !clients.contains_key(&client) && clients.len() < MAX_CLIENTS {
                let far = UdpSocket::bind(any).map(Arc::new);
                // One client too many for this system is no end for the others.
                match far.and_then(|far| read(&far, Some(client), &post).map(|()| far)) {
                    Ok(far) => _ = clients.insert(client, far),
                    Err(err) => eprintln!("{client} finds no way: {err}"),
                }
            }
            // To a client's socket anybody can write, not only the server.
            let far = clients.get(&client);
            if let Some(far) = far.filter(|_| way == OUT || from == server) {
                let (by, to) = [(far, server), (&near, client)][way];
                let number = numbers[way];
                numbers[way] += 1;
                let fate = faults.fate(way, number);
                say(format!("{} {number} {}", ["→", "←"][way], fate.in_words()));
                let parcel = Parcel {
                    number,
                    due: Instant::now() + fate.late + OVERTAKEN * u32::from(fate.overtaken),
                    overtaken: fate.overtaken,
                    by: Arc::clone(by),
                    to,
                    datagram,
                };
                // Late by minutes, and many: they would fill our memory.
                if waiting.len() < MAX_WAITING {
                    waiting.extend(vec![parcel; fate.copies]);
                }
            }
        }
        deliver(&mut waiting);
    }
}

/// A thread that tells of each datagram that comes to a socket.
fn read(
    socket: &Arc<UdpSocket>,
    client: Option<SocketAddr>,
    post: &SyncSender<Arrival>,
) -> io::Result<()> {
    let (socket, post) = (Arc::clone(socket), post.clone());
    let mut buffer = vec![0; MAX_DATAGRAM];
    let reader = move || loop {
        match socket.recv_from(&mut buffer) {
            // It fails when the link has ended, and this thread with it.
            Ok((n, from)) => _ = post.send((client, from, buffer[..n].to_vec())),
            // Windows says so of an earlier datagram that found nobody.
            Err(err) if matches!(err.kind(), Interrupted | ConnectionReset) => {}
            Err(err) => {
                eprintln!("cannot receive: {err}");
                thread::sleep(Duration::from_millis(50)); // Or it could fail again at once.
            }
        }
    };
    thread::Builder::new().spawn(reader).map(|_| ())
}

/// A datagram on its way.
#[derive(Clone)]
struct Parcel {
    number: u64,
    due: Instant,
    overtaken: bool,
    by: Arc<UdpSocket>,
    to: SocketAddr,
    datagram: Vec<u8>,
}

/// How long until the next is due.
fn left(waiting: &[Parcel]) -> Duration {
    let due = waiting.iter().map(|parcel| parcel.due).min();
    let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
    due.saturating_duration_since(Instant::now())
}

/// Sends what is due, and what is to be overtaken right behind the next of its way.
fn deliver(waiting: &mut Vec<Parcel>) {
    while left(waiting).is_zero() {
        // Stable: what is due at the same time leaves in the order in which it came.
        waiting.sort_by_key(|parcel| parcel.due);
        let gone = waiting.remove(0);
        if let Err(err) = gone.by.send_to(&gone.datagram, gone.to) {
            // Too large for the next network, say: it is lost, and nobody is told but us.
            eprintln!("a datagram to {} is lost: {err}", gone.to);
        }
        for held in waiting.iter_mut().filter(|held| held.overtaken) {
            let same_way = held.to == gone.to && Arc::ptr_eq(&held.by, &gone.by);
            if same_way && held.number < gone.number && !gone.overtaken {
                held.due = gone.due;
            }
        }
    }
}

/// The place of a fault says which dice are rolled for it.
const FAULTS: [&str; 4] = ["--lose", "--duplicate", "--reorder", "--delay"];

struct Faults {
    seed: u64,
    rules: Vec<Rule>,
}

/// A fault of so many percent of the datagrams with these numbers, on one way or on both.
struct Rule {
    fault: usize,
    way: Option<usize>,
    numbers: RangeInclusive<u64>,
    percent: u64,
    late: Duration,
}

#[derive(Default)]
struct Fate {
    copies: usize,
    overtaken: bool,
    late: Duration,
}

impl Faults {
    // ANCHOR: fate
    /// What becomes of the datagram with this number. It depends on
    /// nothing else: asked again, the answer is the same.
    fn fate(&self, way: usize, number: u64) -> Fate {
        let mut fate = Fate {
            copies: 1,
            ..Fate::default()
        };
        for rule in &self.rules {
            let its_way = rule.way.is_none_or(|its| its == way);
            let is_meant = its_way && rule.numbers.contains(&number);
            let dice = self.roll(rule.fault, way, number);
            match FAULTS[rule.fault] {
                _ if !is_meant || dice >= rule.percent => {}
                "--lose" => fate.copies = 0,
                "--duplicate" => fate.copies = 2 * fate.copies.min(1),
                "--reorder" => fate.overtaken = true,
                _ => fate.late += rule.late,
            }
        }
        fate
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
        let late = format!("late by {} ms", self.late.as_millis());
        let words: Vec<&str> = [
            (self.copies == 2, "twice"),
            (self.overtaken, "overtaken"),
            (!self.late.is_zero(), &late),
        ]
        .iter()
        .filter_map(|(holds, word)| holds.then_some(*word))
        .collect();
        match words.as_slice() {
            _ if self.copies == 0 => "dropped".to_string(),
            [] => "passed".to_string(),
            words => words.join(", "),
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
    let (mut seed, mut rules) = (1, Vec::new());
    for option in options.chunks(2) {
        let [name, value] = option else {
            return Err(format!("a value is needed after {option:?}"));
        };
        let wrong = || format!("{name} {value} is not understood");
        match name.as_str() {
            "--seed" => seed = value.parse().map_err(|_| wrong())?,
            _ => rules.push(rule(name, value).ok_or_else(wrong)?),
        }
    }
    Ok((parse(addr)?, parse(server)?, Faults { seed, rules }))
}

/// `--lose 20%`, `--reorder out:0`, `--duplicate out:7-`, `--delay back:3-5=250`.
fn rule(name: &str, value: &str) -> Option<Rule> {
    let fault = FAULTS.iter().position(|fault| *fault == name)?;
    let (which, ms) = match name {
        "--delay" => value.split_once('=')?,
        _ => (value, "0"),
    };
    let (way, numbers, percent) = match which.split_once(':') {
        None => (None, 0..=u64::MAX, which.strip_suffix('%')?.parse().ok()?),
        Some((way, numbers)) => {
            let way = ["out", "back"].iter().position(|name| *name == way)?;
            let (low, high) = numbers.split_once('-').unwrap_or((numbers, numbers));
            let high = match high {
                "" => u64::MAX,
                high => high.parse().ok()?,
            };
            (Some(way), low.parse().ok()?..=high, 100)
        }
    };
    (percent <= 100).then_some(Rule {
        fault,
        way,
        numbers,
        percent,
        late: Duration::from_millis(ms.parse::<u32>().ok()?.into()),
    })
}
