//! Each server of chapters 5 and 6 among hostile clients: two hundred of them beside twenty honest
//! ones. The honest ones' replies come soon, memory and descriptors don't climb, nothing dies.
//!
//! A short run is part of `cargo test`. The long one, whose figures the book shows:
//!
//!     WIRESIDE_SOAK=60 cargo test --release --test soak -- --nocapture --test-threads 1

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use support::{LIMIT, Program, connect};
use wireside::grader::watchdog;

/// A server that must bear it.
struct Server {
    program: &'static str,
    /// What an honest client sends, and what it is to read, of a word that only this client knows.
    asks: fn(&str) -> String,
    answer: fn(&str) -> String,
    /// A connection is good for more than one question.
    stays: bool,
    /// The question is over when its direction is.
    to_the_end: bool,
}

/// A line for each server; add yours.
const SERVERS: &[Server] = &[
    Server {
        program: env!("CARGO_BIN_EXE_ch05_strict_server"),
        asks: number,
        answer: sum,
        stays: false,
        to_the_end: true,
    },
    Server {
        program: env!("CARGO_BIN_EXE_ch05_audit_server"),
        asks: request,
        answer: |word| format!("GET /{word} HTTP/1.1"),
        stays: false,
        to_the_end: false,
    },
    Server {
        program: env!("CARGO_BIN_EXE_ch06_thread_server"),
        asks: line,
        answer: line,
        stays: true,
        to_the_end: false,
    },
    Server {
        program: env!("CARGO_BIN_EXE_ch06_pool_server"),
        asks: line,
        answer: capitals,
        stays: false,
        to_the_end: false,
    },
    Server {
        program: env!("CARGO_BIN_EXE_ch06_chat_server"),
        asks: line,
        answer: said,
        stays: true,
        to_the_end: false,
    },
];

/// A number that only this word has, on a line.
fn number(word: &str) -> String {
    let digits = word
        .chars()
        .map(|c| if c.is_ascii_digit() { c } else { '0' });
    format!("{}\n", digits.collect::<String>())
}

fn sum(word: &str) -> String {
    let digits = number(word);
    format!(
        "numbers: 1, sum: {}\n",
        digits.trim().trim_start_matches('0')
    )
}

fn request(word: &str) -> String {
    format!("GET /{word} HTTP/1.1\r\n\r\n")
}

fn line(word: &str) -> String {
    format!("{word}\n")
}

fn capitals(word: &str) -> String {
    format!("{}\n", word.to_uppercase())
}

/// As a chat repeats it, behind whoever said it.
fn said(word: &str) -> String {
    format!(": {word}\n")
}

const HONEST: usize = 20;
const HOSTILE: usize = 200;

/// The slowest reply of an honest client.
const SOON: Duration = Duration::from_secs(1);

/// The short run shares its machine with other tests: an honest client that had to wait may have
/// waited for them. A server at fault lets it wait every time.
const TRIES: u32 = 3;

/// Between two questions of one honest client: nobody types faster.
const PAUSE: Duration = Duration::from_millis(300);

/// Its name, and what it does.
type Hostility = (&'static str, fn(&TcpStream, &Soak));

/// What a hostile client does with its connection, until it is ended or the time is over.
const HOSTILITIES: &[Hostility] = &[
    ("dripping", |stream, soak| {
        while soak.goes_on() && write(stream, b"x") {
            soak.waits(Duration::from_millis(100));
        }
    }),
    ("silent", |stream, soak| {
        // Until the server has had enough of it.
        while soak.goes_on() && !has_ended(stream) {}
    }),
    ("resetting", |stream, soak| {
        write(stream, b"half a li");
        soak.waits(Duration::from_millis(20));
        let socket = socket2::SockRef::from(stream);
        socket
            .set_linger(Some(Duration::ZERO))
            .expect("make it a reset");
    }),
    ("flooding", |stream, soak| {
        let lines =
            b"a line of some length, again and again, as often as it is taken\n".repeat(256);
        let mut reader = stream;
        let mut ignored = vec![0; 64 << 10];
        while soak.goes_on() && write(stream, &lines) && !matches!(reader.read(&mut ignored), Ok(0))
        {
        }
    }),
    ("not reading", |stream, soak| {
        let lines = b"and I don't want to hear anything of it\n".repeat(256);
        while soak.goes_on() && write(stream, &lines) {}
        while soak.goes_on() && !is_gone(stream) {
            soak.waits(Duration::from_millis(100));
        }
    }),
    ("lying about lengths", |stream, soak| {
        // As a frame's length, 4 GiB; as a line, one without an end; as a request, a body that never comes.
        for claim in [
            &[0xff; 4][..],
            b"POST / HTTP/1.1\r\nContent-Length: 4294967295\r\n\r\n",
            &[0; 70_000],
        ] {
            write(stream, claim);
        }
        while soak.goes_on() && !has_ended(stream) {}
    }),
];

/// Whether it was taken, or at least nobody has broken off: a full window is no end.
fn write(mut stream: &TcpStream, bytes: &[u8]) -> bool {
    let taken = stream.write(bytes).map(|n| n > 0);
    taken.unwrap_or_else(|err| matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

/// Reads for a moment: whether the server has ended the connection.
fn has_ended(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0; 4096]) {
        Ok(n) => n == 0,
        Err(err) => !matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// Whether it has been reset, of one that doesn't read.
fn is_gone(stream: &TcpStream) -> bool {
    !write(stream, b"x") || stream.take_error().is_ok_and(|error| error.is_some())
}

/// What all threads of a soak share.
struct Soak {
    until: Instant,
    over: AtomicBool,
    replies: AtomicU64,
    hostile: AtomicU64,
    refusals: AtomicU64,
    slowest: Mutex<Duration>,
    /// What went wrong, each in a sentence.
    faults: Mutex<Vec<String>>,
}

impl Soak {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until && !self.over.load(Ordering::Relaxed)
    }

    fn waits(&self, pause: Duration) {
        thread::sleep(pause.min(self.until.saturating_duration_since(Instant::now())));
    }

    fn faults(&self, fault: String) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < 10 {
            faults.push(fault);
        }
        self.over.store(true, Ordering::Relaxed);
    }

    /// An honest client asks, and waits for the answer to its own question.
    fn is_honest(&self, server: &Server, addr: SocketAddr, number: usize) {
        let mut stream = None;
        let mut count = 0;
        while self.goes_on() {
            count += 1;
            let word = format!("q{number}x{count}z");
            let begun = Instant::now();
            loop {
                let asked = stream.get_or_insert_with(|| connect(addr));
                match ask(asked, server, &word) {
                    Ok(()) => break,
                    // Told `busy`, it comes again: the reply is as late as that makes it.
                    Err(_) if !server.stays && begun.elapsed() < SOON => {
                        self.refusals.fetch_add(1, Ordering::Relaxed);
                        stream = None;
                        self.waits(Duration::from_millis(20));
                    }
                    Err(why) => {
                        let who = format!("honest client {number}, question {count}");
                        return self.faults(format!("{who}: {why}"));
                    }
                }
            }
            if !server.stays {
                stream = None;
            }
            // What the machine stood still is not the server's.
            let took = begun
                .elapsed()
                .saturating_sub(watchdog::stalled_since(begun));
            self.replies.fetch_add(1, Ordering::Relaxed);
            let mut slowest = self.slowest.lock().unwrap_or_else(PoisonError::into_inner);
            *slowest = took.max(*slowest);
            drop(slowest);
            self.waits(PAUSE);
        }
    }

    fn is_hostile(&self, addr: SocketAddr, number: usize) {
        let (_, hostility) = HOSTILITIES[number % HOSTILITIES.len()];
        // Not all in one moment: the backlog holds 128, and who is crowded out of it, an honest
        // client too, tries again after a second only. That is the kernel's doing.
        self.waits(Duration::from_millis(5) * number as u32);
        while self.goes_on() {
            // Refused, or out of patience: as the server likes.
            let Ok(stream) = TcpStream::connect_timeout(&addr, LIMIT) else {
                self.waits(PAUSE);
                continue;
            };
            let brief = Some(Duration::from_millis(250));
            stream.set_read_timeout(brief).expect("set a read timeout");
            stream
                .set_write_timeout(brief)
                .expect("set a write timeout");
            self.hostile.fetch_add(1, Ordering::Relaxed);
            hostility(&stream, self);
            // Each at most some ten times a second: TIME_WAIT keeps every port for a minute.
            self.waits(Duration::from_millis(100));
        }
    }
}

fn ask(stream: &mut TcpStream, server: &Server, word: &str) -> Result<(), String> {
    let due = (server.answer)(word);
    stream
        .write_all((server.asks)(word).as_bytes())
        .map_err(|err| format!("cannot send: {err}"))?;
    if server.to_the_end {
        let ended = stream.shutdown(Shutdown::Write);
        ended.map_err(|err| format!("cannot half-close: {err}"))?;
    }
    let (mut got, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    let begun = Instant::now();
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(format!("the end, instead of {due:?}")),
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(err) => return Err(format!("{err}, instead of {due:?}")),
        }
        if got.windows(due.len()).any(|part| part == due.as_bytes()) {
            return Ok(());
        }
        if begun.elapsed() > LIMIT {
            return Err(format!("not {due:?} within {LIMIT:?}"));
        }
        // Others talk in a chat: the answer may be cut, but is no longer than this.
        let kept = got.len().saturating_sub(due.len());
        got.drain(..kept);
    }
}

/// What the kernel says of a process: KiB in memory, descriptors, threads.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Uses {
    kib: u64,
    descriptors: usize,
    threads: usize,
}

fn uses(id: u32) -> Option<Uses> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Uses {
        kib: number("VmRSS:")?,
        descriptors: std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.count(),
        threads: number("Threads:")? as usize,
    })
}

/// What was wrong in a soak.
enum Wrong {
    /// An honest client had to wait, and nothing else.
    Slow(String),
    /// All else: no busy machine makes a server panic, leak or lie.
    Broken(String),
}

fn soaked(server: &Server, seconds: u64) -> Result<(), Wrong> {
    watchdog::start();
    let (mut program, addr) = Program::serve(server.program);
    let name = server
        .program
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(server.program);
    let panicked = program.watches_stderr("panicked");
    // It has served once, so that what it needs for that is counted.
    ask(&mut connect(addr), server, "first1").expect("an answer before the soak");
    // And it has got over that.
    thread::sleep(Duration::from_secs(1));
    let before = uses(program.id());
    let begun = Instant::now();
    let soak = Soak {
        until: begun + Duration::from_secs(seconds),
        over: AtomicBool::new(false),
        replies: AtomicU64::new(0),
        hostile: AtomicU64::new(0),
        refusals: AtomicU64::new(0),
        slowest: Mutex::default(),
        faults: Mutex::default(),
    };
    let mut samples = Vec::new();
    thread::scope(|scope| {
        let soak = &soak;
        for number in 0..HOSTILE {
            scope.spawn(move || soak.is_hostile(addr, number));
        }
        for number in 0..HONEST {
            scope.spawn(move || soak.is_honest(server, addr, number));
        }
        while soak.goes_on() {
            samples.extend(uses(program.id()).map(|uses| uses.kib));
            soak.waits(Duration::from_millis(100));
        }
    });
    let mut faults = soak
        .faults
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let slowest = soak
        .slowest
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if !program.is_running() {
        faults.push("it has ended".to_string());
    }
    if panicked.load(Ordering::Relaxed) {
        faults.push("it has panicked".to_string());
    }
    // All clients have gone: a while later, so has what it kept for them.
    let idle = before.map(|before| settles(program.id(), before));
    if let (Some(before), Some(Err(after))) = (before, idle) {
        faults.push(format!(
            "before: {before:?}; when all had left for {LIMIT:?}: {after:?}"
        ));
    }
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (second, last) = (samples.len() / 3, samples.len() * 2 / 3);
    let (middle, end) = (most(&samples[second..last]), most(&samples[last..]));
    // An allocator keeps what it once had: a leak climbs on.
    if end > middle + middle / 4 + 8 * 1024 {
        faults.push(format!(
            "memory climbs: {middle} KiB at most in the second third, then {end}"
        ));
    }
    println!(
        "{name}: {seconds} s, {} hostile connections, {} honest replies, {} after a `busy`, the slowest \
         after {} ms; memory {:.1} MiB at most; before {:?}, after {:?}",
        soak.hostile.into_inner(),
        soak.replies.into_inner(),
        soak.refusals.into_inner(),
        slowest.as_millis(),
        most(&samples) as f64 / 1024.0,
        before,
        idle,
    );
    let slow = format!("{name}: an honest client waited {slowest:?} for a reply");
    match (faults.is_empty(), slowest < SOON) {
        (true, true) => Ok(()),
        (true, false) => Err(Wrong::Slow(slow)),
        (false, _) => Err(Wrong::Broken(format!("{slow}\n{}", faults.join("\n")))),
    }
}

/// So many soaks at most, as long as nothing but a wait was wrong.
fn bears(server: &Server, seconds: u64, tries: u32) -> Result<(), String> {
    let mut slow = String::new();
    for _ in 0..tries {
        match soaked(server, seconds) {
            Ok(()) => return Ok(()),
            Err(Wrong::Broken(why)) => return Err(why),
            Err(Wrong::Slow(why)) => slow = why,
        }
    }
    Err(slow)
}

/// Waits until a process has no more descriptors and threads than before, give or take what a pool
/// starts later.
fn settles(id: u32, before: Uses) -> Result<Uses, Option<Uses>> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match uses(id) {
            Some(now) if now.descriptors <= before.descriptors && now.threads <= before.threads => {
                return Ok(now);
            }
            now if Instant::now() > deadline => return Err(now),
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[test]
fn honest_clients_are_served_among_two_hundred_hostile_ones() {
    let (seconds, tries) = match std::env::var("WIRESIDE_SOAK") {
        Ok(seconds) => (seconds.parse().expect("a number of seconds"), 1),
        Err(_) => (5, TRIES),
    };
    for server in SERVERS {
        if let Err(why) = bears(server, seconds, tries) {
            panic!("{why}");
        }
    }
}

/// One thread for all of them, as chapter 2's server has: the soak must find that out.
#[test]
fn a_server_that_serves_one_after_another_does_not_pass() {
    let serial = Server {
        program: env!("CARGO_BIN_EXE_ch02_echo_server"),
        asks: line,
        answer: line,
        stays: true,
        to_the_end: false,
    };
    let why = bears(&serial, 6, TRIES).expect_err("it must not pass");
    assert!(why.contains("honest client"), "{why}");
}
