//! The programs of chapter 6, against many clients of the test's own. What they bear for longer is
//! in `soak.rs`.

mod support;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use support::again::where_pressed;
use support::peer;
use support::{LIMIT, Program, connect, run};

const THREADS: &str = env!("CARGO_BIN_EXE_ch06_thread_server");
const POOL: &str = env!("CARGO_BIN_EXE_ch06_pool_server");
const CHAT: &str = env!("CARGO_BIN_EXE_ch06_chat_server");
const COST: &str = env!("CARGO_BIN_EXE_ch06_cost");
const BURST: &str = env!("CARGO_BIN_EXE_ch06_burst");

fn says(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("send");
}

fn hears(mut stream: &TcpStream, due: &[u8]) {
    let mut got = vec![0; due.len()];
    stream.read_exact(&mut got).expect("the whole reply");
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(due));
}

/// All that comes until the end; a reset is an end.
fn hears_all(mut stream: &TcpStream) -> String {
    let mut got = Vec::new();
    match stream.read_to_end(&mut got) {
        Err(err) if err.kind() != ErrorKind::ConnectionReset => panic!("{err}"),
        _ => String::from_utf8_lossy(&got).into_owned(),
    }
}

/// A pool of this size.
fn pool(workers: &str, queue: &str) -> (Program, SocketAddr) {
    let mut server = Program::start(Command::new(POOL).args(["127.0.0.1:0", workers, queue]));
    let line = server.stdout_line();
    let addr = line.strip_prefix("listening on ").expect("listening line");
    (server, addr.parse().expect("an address"))
}

// ---- a thread for each

#[test]
fn a_hundred_silent_clients_hold_nobody_up_and_none_of_them_is_lost() {
    let (_server, addr) = Program::serve(THREADS);
    let clients: Vec<_> = (0..100).map(|_| connect(addr)).collect();
    for (n, client) in clients.iter().enumerate().rev() {
        let line = format!("I am {n}\n");
        says(client, line.as_bytes());
        hears(client, line.as_bytes());
    }
}

#[test]
fn a_megabyte_comes_back_and_the_end_after_it() {
    let (mut server, addr) = Program::serve(THREADS);
    let all: Vec<u8> = (0..1 << 20).map(|i: u32| ((i * 31) >> 3) as u8).collect();
    let stream = connect(addr);
    thread::scope(|scope| {
        scope.spawn(|| {
            says(&stream, &all);
            stream.shutdown(Shutdown::Write).expect("half-close");
        });
        let mut got = Vec::new();
        (&stream).read_to_end(&mut got).expect("all and the end");
        assert!(got == all, "{} bytes of {}", got.len(), all.len());
    });
    assert!(server.stderr_line().ends_with(" connected"));
    assert!(
        server
            .stderr_line()
            .ends_with(" closed after 1048576 bytes")
    );
}

#[test]
fn a_client_that_does_not_read_is_let_go() {
    let (mut server, addr) = Program::serve(THREADS);
    let stream = connect(addr);
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .expect("set a write timeout");
    // Once nothing more is taken the server waits in a write, until it breaks off with bytes unread.
    // One that had no processor for a while takes more after it.
    let begun = Instant::now();
    while begun.elapsed() < LIMIT {
        match (&stream).write(&[b'x'; 64 << 10]) {
            Err(err) if !matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            _ => {}
        }
    }
    assert!(server.stderr_line().ends_with(" connected"));
    let told = server.stderr_line();
    assert!(told.contains(" broke off: "), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_descriptors_clients_wait_and_then_are_served() {
    // The listener and stdio take four.
    let limited = format!("ulimit -n 8; exec {THREADS} 127.0.0.1:0");
    let mut server = Program::start(Command::new("sh").args(["-c", &limited]));
    let line = server.stdout_line();
    let addr = line.strip_prefix("listening on ").expect("listening line");
    let addr: SocketAddr = addr.parse().expect("an address");
    let mut clients: Vec<_> = (0..12).map(|_| connect(addr)).collect();
    while !server.stderr_line().contains("cannot take a client") {}
    says(&clients[0], b"still served");
    hears(&clients[0], b"still served");
    let last = clients.pop().expect("twelve of them");
    drop(clients);
    says(&last, b"at last");
    hears(&last, b"at last");
    assert!(server.is_running());
}

// ---- a pool

#[test]
fn a_worker_answers_a_line_and_takes_the_next_client() {
    let (_server, addr) = pool("1", "8");
    for line in ["hello\n", "and again\n", "\n", "caf\u{e9}\n"] {
        let stream = connect(addr);
        says(&stream, line.as_bytes());
        assert_eq!(hears_all(&stream), line.to_ascii_uppercase());
    }
}

#[test]
fn who_comes_when_all_places_are_taken_is_told_so_at_once() {
    where_pressed(Duration::from_millis(500), || {
        let (mut server, addr) = pool("2", "1");
        let mut inside = vec![connect(addr)];
        while !server.stderr_line().ends_with(" has a worker") {}
        inside.push(connect(addr));
        while !server.stderr_line().ends_with(" has a worker") {}
        inside.push(connect(addr));
        while !server.stderr_line().ends_with(" connected") {}
        let stream = connect(addr);
        assert_eq!(hears_all(&stream), "busy\n");
        while !server.stderr_line().contains(" turned away") {}
        // The first two have two seconds; then it is the third one's turn.
        says(&inside[2], b"at last\n");
        assert_eq!(hears_all(&inside[2]), "AT LAST\n");
    });
}

#[test]
fn the_budget_of_a_conversation_ends_however_it_drips() {
    let (mut server, addr) = pool("1", "0");
    // Where nobody may wait, a worker that hasn't woken up yet takes nobody.
    let (mut stream, begun) = loop {
        let begun = Instant::now();
        let stream = connect(addr);
        assert!(server.stderr_line().ends_with(" connected"));
        match server.stderr_line() {
            told if told.ends_with(" has a worker") => break (stream, begun),
            told => assert!(told.ends_with(" turned away"), "{told}"),
        }
    };
    while stream.write_all(b"x").is_ok() && begun.elapsed() < LIMIT {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(begun.elapsed() >= Duration::from_secs(2), "too early");
    assert!(begun.elapsed() < LIMIT, "it is still here");
    let told = server.stderr_line();
    assert!(told.contains(" broke off: "), "{told}");
}

#[test]
fn a_line_that_is_too_long_is_refused_and_ends_nothing() {
    let (_server, addr) = pool("1", "4");
    let stream = connect(addr);
    says(&stream, &[b'x'; 1024]);
    hears(&stream, b"error: line too long\n");
    let stream = connect(addr);
    says(&stream, &[&[b'x'; 1023][..], b"\n"].concat());
    assert_eq!(hears_all(&stream).len(), 1024);
}

// ---- a chat

fn line_of(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).expect("a line");
    String::from_utf8_lossy(&line).into_owned()
}

/// Somebody in the room, for certain: it has read a line of its own.
fn member(addr: SocketAddr) -> (BufReader<TcpStream>, SocketAddr) {
    let stream = connect(addr);
    let who = stream.local_addr().expect("an address");
    says(&stream, b"I am here\n");
    let mut reader = BufReader::new(stream);
    // Who came before may be read only now.
    while line_of(&mut reader) != format!("{who}: I am here\n") {}
    (reader, who)
}

#[test]
fn everybody_reads_every_line_in_the_same_order() {
    let (_server, addr) = Program::serve(CHAT);
    let (mut alice, a) = member(addr);
    let (mut bob, b) = member(addr);
    assert_eq!(line_of(&mut alice), format!("{b}: I am here\n"));
    says(alice.get_ref(), b"one\ntwo\nthree\n");
    says(bob.get_ref(), b"four\nfive\n");
    let heard = |reader: &mut _| (0..5).map(|_| line_of(reader)).collect::<Vec<_>>();
    let (first, second) = (heard(&mut alice), heard(&mut bob));
    assert_eq!(first, second);
    let of_alice: Vec<_> = first
        .iter()
        .filter(|l| l.starts_with(&a.to_string()))
        .collect();
    assert_eq!(
        of_alice,
        [
            &format!("{a}: one\n"),
            &format!("{a}: two\n"),
            &format!("{a}: three\n")
        ]
    );
}

#[test]
fn who_half_closes_gets_what_waits_and_then_the_end() {
    let (_server, addr) = Program::serve(CHAT);
    let (mut alice, a) = member(addr);
    says(alice.get_ref(), b"a last word\nhalf a li");
    alice
        .get_ref()
        .shutdown(Shutdown::Write)
        .expect("half-close");
    assert_eq!(line_of(&mut alice), format!("{a}: a last word\n"));
    assert_eq!(line_of(&mut alice), "");
}

/// A client whose connection holds as little as a kernel lets one have, and that never reads.
fn deaf(addr: SocketAddr) -> (TcpStream, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(&addr.into()).expect("connect");
    let stream = TcpStream::from(socket);
    says(&stream, b"I am here\n");
    let who = stream.local_addr().expect("an address");
    (stream, who)
}

/// Ends all these connections when it is dropped.
struct HangUp<'a>(&'a [TcpStream]);

impl Drop for HangUp<'_> {
    fn drop(&mut self) {
        for stream in self.0 {
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[test]
fn who_does_not_read_delays_nobody_and_is_shown_the_door() {
    let (mut server, addr) = Program::serve(CHAT);
    let (mallory, m) = deaf(addr);
    let (mut alice, a) = member(addr);
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    let due = format!("{a}: {}", String::from_utf8_lossy(&line));
    // So many, since each is held to its pace; and first the kernel takes a megabyte or three.
    let talkers: Vec<_> = (0..100).map(|_| connect(addr)).collect();
    // Leaked: so the watching thread can have it for as long as it runs.
    let gone = server.watches_stderr(Box::leak(format!("{m} closed").into_boxed_str()));
    let begun = Instant::now();
    thread::scope(|scope| {
        // Also where this test fails: the talkers would talk on, and the scope wait for them.
        let _hang_up = HangUp(&talkers);
        for talker in &talkers {
            scope.spawn(|| while (&*talker).write_all(&line).is_ok() {});
            scope.spawn(|| std::io::copy(&mut &*talker, &mut std::io::sink()));
        }
        let mut slowest = Duration::ZERO;
        while !gone.load(Ordering::Relaxed) {
            assert!(begun.elapsed() < 6 * LIMIT, "Mallory is still here");
            let said = Instant::now();
            says(alice.get_ref(), &line);
            while line_of(&mut alice) != due {}
            slowest = slowest.max(said.elapsed());
        }
        assert!(slowest < LIMIT / 2, "{slowest:?}");
    });
    drop(mallory);
}

#[test]
fn a_line_without_end_is_the_end_of_its_client_alone() {
    let (mut server, addr) = Program::serve(CHAT);
    let (mut alice, a) = member(addr);
    let mallory = connect(addr);
    says(&mallory, &[b'x'; 5000]);
    hears_all(&mallory);
    says(alice.get_ref(), b"still here\n");
    assert_eq!(line_of(&mut alice), format!("{a}: still here\n"));
    let due = format!(
        "{} broke off: invalid data",
        mallory.local_addr().expect("an address")
    );
    while server.stderr_line() != due {}
}

// ---- what it costs

#[test]
fn the_cost_of_both_ways_is_measured() {
    let mut cost = Program::start(Command::new(COST).args(["5", "20"]));
    // Each row takes seconds, and has the whole of the limit for itself.
    let mut shown = String::new();
    let rows = |shown: &str, way: &str| shown.lines().filter(|line| line.starts_with(way)).count();
    while rows(&shown, "threads") + rows(&shown, "one loop") < 4 {
        shown.push_str(&format!("{}\n", cost.stdout_line()));
    }
    let ended = cost.finish(b"");
    shown.push_str(&String::from_utf8_lossy(&ended.stdout));
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(
        (rows(&shown, "threads"), rows(&shown, "one loop")),
        (2, 2),
        "{shown}"
    );
    #[cfg(target_os = "linux")]
    assert!(
        shown.contains("descriptors: ") && !shown.contains('?'),
        "{shown}"
    );
}

#[test]
fn all_of_a_burst_come_through_in_the_end() {
    let ended = run(&mut Command::new(BURST), b"");
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(shown.starts_with("a burst of 300 connects"), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn std_lets_128_clients_wait_and_the_rest_of_a_burst_a_second_longer() {
    if peer("taskset", "--version").is_none() {
        return;
    }
    // On two, a SYN is now and then answered for a place that another one takes in the same moment:
    // both of their clients read "connected", and the page says so.
    let status = std::fs::read_to_string("/proc/self/status").expect("what this process may do");
    let cores = status
        .split_once("Cpus_allowed_list:")
        .expect("its cores")
        .1;
    let first: String = cores
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    // Where others keep the core busy, the same is seen now and then on one.
    where_pressed(Duration::from_millis(50), || {
        let ended = run(Command::new("taskset").args(["-c", &first, BURST]), b"");
        let shown = String::from_utf8_lossy(&ended.stdout);
        let word = |after: &str| -> u32 {
            let rest = shown.split_once(after).expect(after).1;
            rest.split_whitespace()
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number")
        };
        // One more than the backlog is let in.
        assert_eq!(word("after 200 ms: "), 129, "{shown}");
        assert!(word("the slowest took ") >= 1000, "{shown}");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn as_many_clients_as_the_descriptors_allow_and_it_says_so() {
    let limited = format!("ulimit -n 64; exec {COST} 30 500 -- {THREADS}");
    let ended = run(Command::new("sh").args(["-c", &limited]), b"");
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(shown.contains("descriptors: 64 to a process"), "{shown}");
    assert!(shown.contains("so no more clients than that"), "{shown}");
    assert!(
        shown
            .lines()
            .any(|l| l.starts_with("ch06_thread_server") && l.contains(" 48 ")),
        "{shown}"
    );
}

#[test]
fn bad_usage_is_exit_status_2() {
    for (program, args) in [
        (THREADS, &["localhost:7006"][..]),
        (THREADS, &[]),
        (POOL, &["127.0.0.1:0", "none"]),
        (POOL, &["127.0.0.1:0", "0"]),
        (CHAT, &["127.0.0.1"]),
        (COST, &["many"]),
        (COST, &["5", "--"]),
        (BURST, &["5"]),
    ] {
        let ended = run(Command::new(program).args(args), b"");
        assert_eq!(ended.status.code(), Some(2), "{program} {args:?}");
        assert!(ended.stderr.contains("usage: "), "{}", ended.stderr);
    }
    let ended = run(
        Command::new(COST).args(["1", "--", "/no/such/program"]),
        b"",
    );
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.contains("/no/such/program: "),
        "{}",
        ended.stderr
    );
}
