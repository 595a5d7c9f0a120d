//! The programs of chapter 5, against clients and servers of the test's own, curl and Python. Lower
//! bounds in time are exact; upper ones are wide, since the machine may be busy.

mod support;

// The programs themselves: chapter 4's reader is to work with chapter 5's deadline unchanged.
#[allow(dead_code)]
#[path = "../src/bin/ch04_frame_server.rs"]
mod frame_server;
#[allow(dead_code)]
#[path = "../src/bin/ch05_strict_server.rs"]
mod strict_server;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use strict_server::{Deadline, Timed};
use support::again::where_pressed;
use support::{Ended, LIMIT, Program, connect, peer, run};

const PATIENT: &str = env!("CARGO_BIN_EXE_ch05_patient_client");
const RETRY: &str = env!("CARGO_BIN_EXE_ch05_retry_client");
const STRICT: &str = env!("CARGO_BIN_EXE_ch05_strict_server");
const AUDIT: &str = env!("CARGO_BIN_EXE_ch05_audit_server");

/// No wait of these programs comes near it; a machine that stands still may.
const LONG: Duration = Duration::from_secs(8);

fn two_ends() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let near = connect(listener.local_addr().expect("an address"));
    let (far, _) = listener.accept().expect("accept");
    (near, far)
}

/// What a client hears to the end of the stream, or to a reset.
fn rest_of(mut stream: &TcpStream) -> String {
    let mut heard = Vec::new();
    if let Err(err) = stream.read_to_end(&mut heard) {
        assert_eq!(err.kind(), ErrorKind::ConnectionReset, "{err}");
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// An address at which nobody listens. Kept by the caller: `bind` alone doesn't listen.
fn empty_port() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("bind");
    let addr = socket.local_addr().expect("an address");
    let addr = addr.as_socket().expect("an IP address");
    (socket, addr)
}

// ---- the deadline

#[test]
fn the_deadline_is_the_same_in_every_program() {
    let region = |program: &str, name: &str| {
        let path = format!("{}/src/bin/{program}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("read a program");
        let text = text.replace("\r\n", "\n");
        let (start, end) = (
            format!("// ANCHOR: {name}\n"),
            format!("// ANCHOR_END: {name}\n"),
        );
        let from = text.find(&start).expect("its region begins") + start.len();
        let to = text.find(&end).expect("its region ends");
        text[from..to].to_string()
    };
    for name in ["deadline", "timed"] {
        let first = region("ch05_patient_client", name);
        for program in [
            "ch05_retry_client",
            "ch05_strict_server",
            "ch05_audit_server",
        ] {
            assert!(
                region(program, name) == first,
                "{program}: {name} is another"
            );
        }
    }
}

#[test]
fn nothing_is_left_of_a_deadline_that_has_passed() {
    let err = Deadline::after(Duration::ZERO)
        .left()
        .expect_err("it is over");
    assert_eq!(err.kind(), ErrorKind::TimedOut);
    let left = Deadline::after(LIMIT).left().expect("it isn't over");
    assert!(left > LIMIT / 2 && left <= LIMIT, "{left:?}");
    let (near, _far) = two_ends();
    let (stream, deadline) = (&near, Deadline::after(Duration::ZERO));
    let mut timed = Timed { stream, deadline };
    for err in [timed.read(&mut [0]).err(), timed.write(b"x").err()] {
        assert_eq!(err.map(|err| err.kind()), Some(ErrorKind::TimedOut));
    }
}

#[test]
fn a_read_that_waits_ends_at_the_deadline_and_not_before() {
    let (near, _far) = two_ends();
    let budget = Duration::from_millis(300);
    let begun = Instant::now();
    let (stream, deadline) = (&near, Deadline::after(budget));
    let err = Timed { stream, deadline }
        .read(&mut [0])
        .expect_err("nothing comes");
    assert_eq!(err.kind(), ErrorKind::TimedOut);
    assert!(
        (budget..LONG).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_write_that_nobody_takes_ends_at_the_deadline() {
    let (near, _far) = two_ends();
    let begun = Instant::now();
    let (stream, deadline) = (&near, Deadline::after(Duration::from_millis(300)));
    let much = vec![0; 64 << 20];
    let err = Timed { stream, deadline }
        .write_all(&much)
        .expect_err("nobody reads");
    assert_eq!(err.kind(), ErrorKind::TimedOut);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

#[test]
fn chapter_4_s_reader_gets_a_deadline_without_a_changed_line() {
    let (near, mut far) = two_ends();
    far.write_all(&[0, 0, 0, 2, b'h', b'i', 0, 0])
        .expect("send");
    let dripping = thread::spawn(move || {
        for byte in [0, 99].into_iter().chain([b'.'; 40]) {
            thread::sleep(Duration::from_millis(50));
            if far.write_all(&[byte]).is_err() {
                break;
            }
        }
    });
    let (stream, deadline) = (&near, Deadline::after(Duration::from_millis(500)));
    let mut frames = frame_server::FrameReader::new(Timed { stream, deadline });
    let first = frames.read_frame().expect("a whole frame");
    assert_eq!(first, Some(&b"hi"[..]));
    let err = frames.read_frame().expect_err("this one drips");
    assert_eq!(err.kind(), ErrorKind::TimedOut);
    drop(near);
    dripping.join().expect("no panic");
}

// ---- the patient client

fn fetches(addr: SocketAddr, args: &[&str]) -> (Ended, Duration) {
    let begun = Instant::now();
    let ended = run(Command::new(PATIENT).arg(addr.to_string()).args(args), b"");
    (ended, begun.elapsed())
}

#[test]
fn a_budget_for_each_call_lasts_as_long_as_the_server_likes() {
    let (_server, addr) = Program::serve(AUDIT);
    // The server's pauses are 300 ms; four seconds leave a busy machine some room.
    let (ended, took) = fetches(addr, &["/slowly", "4000", "each"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(took > Duration::from_secs(5), "{took:?}");
    assert!(
        ended.stdout.ends_with(b"\r\n\r\nslow but steady.\n"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains(" answered 75 bytes in "), "{ended:?}");
}

#[test]
fn a_budget_for_all_calls_is_one() {
    where_pressed(Duration::from_millis(200), || {
        let (_server, addr) = Program::serve(AUDIT);
        let (ended, took) = fetches(addr, &["/slowly", "1000"]);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(took >= Duration::from_secs(1), "{took:?}");
        let due = format!("cannot get http://{addr}/slowly: timed out, after 1.");
        assert!(ended.stderr.starts_with(&due), "{ended:?}");
        assert!(
            ended.stdout.starts_with(b"HTTP/1.1 200 OK\r\n"),
            "{ended:?}"
        );
        // All of it takes five.
        assert!(!ended.stdout.ends_with(b"steady.\n"), "{ended:?}");
    });
}

#[test]
fn an_answer_in_time_is_printed_whole() {
    let (_server, addr) = Program::serve(AUDIT);
    let (ended, _) = fetches(addr, &["/hello", "15000"]);
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(text.ends_with("\r\n\r\nGET /hello HTTP/1.0\n"), "{ended:?}");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn a_refused_connect_says_so_at_once() {
    let (_kept, addr) = empty_port();
    let (ended, took) = fetches(addr, &["/", "15000"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("refused"), "{ended:?}");
    assert!(took < LONG, "{took:?}");
}

#[test]
fn nobody_who_reads_the_answer_is_no_failure() {
    let (_server, addr) = Program::serve(AUDIT);
    let args = [&addr.to_string(), "/hello", "15000"].map(str::to_string);
    let ended = Program::start_unread(Command::new(PATIENT).args(args)).finish(b"");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("panic"), "{ended:?}");
}

// ---- the retrying client

/// So many connections are taken, their requests read, and closed without an answer; how many came.
fn hangs_up_on(connections: usize) -> (SocketAddr, thread::JoinHandle<TcpListener>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().expect("accept");
            stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
            let n = stream.read(&mut [0; 4096]).expect("a request");
            assert!(n > 0, "no request");
        }
        listener
    });
    (addr, server)
}

fn asks(addr: SocketAddr, method: &str) -> Ended {
    run(Command::new(RETRY).args([&addr.to_string(), method]), b"")
}

#[test]
fn the_budget_ends_the_attempts_and_no_two_runs_are_alike() {
    let (_kept, addr) = empty_port();
    let begun = Instant::now();
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(|| asks(addr, "GET"));
        let two = asks(addr, "POST");
        (one.join().expect("no panic"), two)
    });
    let took = begun.elapsed();
    assert!(took < LONG, "{took:?}");
    let pauses = |ended: &Ended| -> Vec<u64> {
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains(": Connection refused") || !cfg!(target_os = "linux"));
        let lines = ended
            .stderr
            .lines()
            .filter_map(|line| line.rsplit_once("next in "));
        let pauses = lines.filter_map(|(_, rest)| rest.strip_suffix(" ms")?.parse().ok());
        pauses.collect()
    };
    let (one, two) = (pauses(&one), pauses(&two));
    assert_ne!(one, two);
    for pauses in [one, two] {
        assert!(pauses.iter().sum::<u64>() <= 5_000, "{pauses:?}");
        for (longest, pause) in [100, 200, 400, 800].into_iter().zip(&pauses) {
            assert!(*pause <= longest, "{pauses:?}");
        }
        assert!(pauses.iter().all(|pause| *pause <= 1_000), "{pauses:?}");
    }
}

#[test]
fn a_server_that_comes_up_later_is_reached() {
    where_pressed(Duration::from_millis(300), || {
        for method in ["GET", "POST"] {
            let (kept, addr) = empty_port();
            let mut client = Program::start(Command::new(RETRY).args([&addr.to_string(), method]));
            assert!(client.stderr_line().contains(" attempt 1: "));
            drop(kept);
            let mut server = Program::start(Command::new(AUDIT).arg(addr.to_string()));
            assert_eq!(server.stdout_line(), format!("listening on {addr}"));
            let ended = client.finish(b"");
            assert_eq!(ended.status.code(), Some(0), "{ended:?}");
            let text = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(
                text.ends_with(&format!("\r\n\r\n{method} / HTTP/1.1\n")),
                "{ended:?}"
            );
        }
    });
}

#[test]
fn a_get_is_repeated_after_it_was_sent() {
    where_pressed(Duration::from_millis(300), || {
        let (addr, server) = hangs_up_on(2);
        let client = thread::spawn(move || asks(addr, "GET"));
        let listener = server.join().expect("two requests");
        let (mut stream, _) = listener.accept().expect("a third attempt");
        // Unread, it would make the close a reset.
        assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello\n")
            .expect("answer");
        drop(stream);
        let ended = client.join().expect("no panic");
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(ended.stdout.ends_with(b"hello\n"), "{ended:?}");
    });
}

#[test]
fn a_post_is_never_repeated_after_it_was_sent() {
    where_pressed(Duration::from_millis(300), || {
        let (addr, server) = hangs_up_on(1);
        let ended = asks(addr, "POST");
        let listener = server.join().expect("one request");
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains("it may have been done: not again"),
            "{ended:?}"
        );
        listener.set_nonblocking(true).expect("set non-blocking");
        let more = listener.accept().expect_err("no second attempt");
        assert_eq!(more.kind(), ErrorKind::WouldBlock);
    });
}

// ---- the strict server

#[test]
fn numbers_are_summed_and_a_client_may_take_its_answer() {
    let (mut server, addr) = Program::serve(STRICT);
    for (sent, due) in [
        ("1\n2\n3\n", "numbers: 3, sum: 6\n"),
        ("", "numbers: 0, sum: 0\n"),
        ("1\n\n-4", "error: lines that are no number: 1 of 3\n"),
    ] {
        let mut stream = connect(addr);
        stream.write_all(sent.as_bytes()).expect("send");
        stream.shutdown(Shutdown::Write).expect("half-close");
        assert_eq!(rest_of(&stream), due);
        assert!(server.stderr_line().ends_with(" connected"));
        let told = format!(" closed after {:?}", due.trim_end());
        let line = server.stderr_line();
        assert!(line.ends_with(&told), "{line}, not {told}");
    }
}

#[test]
fn a_client_has_two_seconds_whether_it_drips_or_is_silent() {
    let (_server, addr) = Program::serve(STRICT);
    thread::scope(|scope| {
        for drips in [false, true] {
            scope.spawn(move || {
                let begun = Instant::now();
                let mut stream = connect(addr);
                if drips {
                    let mut outgoing = stream.try_clone().expect("clone");
                    thread::spawn(move || {
                        while outgoing.write_all(b"1\n").is_ok() && begun.elapsed() < LONG {
                            thread::sleep(Duration::from_millis(200));
                        }
                    });
                }
                let mut told = [0; 16];
                stream.read_exact(&mut told).expect("a refusal");
                let took = begun.elapsed();
                assert_eq!(&told, b"error: too slow\n");
                assert!(took >= Duration::from_secs(2) && took < LONG, "{took:?}");
                // A client that goes on talking doesn't keep the connection.
                assert_eq!(rest_of(&stream), "");
                assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
            });
        }
    });
}

#[test]
fn a_flood_is_refused_and_a_line_without_an_end_needs_no_room() {
    let (_server, addr) = Program::serve(STRICT);
    for (line, due) in [
        (&b"1\n"[..], "error: more than 262144 bytes\n"),
        (b"x", "error: more than 262144 bytes\n"),
    ] {
        let mut stream = connect(addr);
        let flood = line.repeat((1 << 18) / line.len() + 1);
        stream.write_all(&flood).expect("send");
        assert_eq!(rest_of(&stream), due);
    }
    // The limit itself is allowed.
    let mut stream = connect(addr);
    stream.write_all(&b"1\n".repeat(1 << 17)).expect("send");
    stream.shutdown(Shutdown::Write).expect("half-close");
    assert_eq!(rest_of(&stream), "numbers: 131072, sum: 131072\n");
}

#[test]
fn slow_clients_hold_nobody_up() {
    where_pressed(Duration::from_millis(500), || {
        let (_server, addr) = Program::serve(STRICT);
        let slow: Vec<TcpStream> = (0..30).map(|_| connect(addr)).collect();
        let begun = Instant::now();
        let mut stream = connect(addr);
        stream.write_all(b"1\n").expect("send");
        stream.shutdown(Shutdown::Write).expect("half-close");
        assert_eq!(rest_of(&stream), "numbers: 1, sum: 1\n");
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        drop(slow);
    });
}

// ---- the audit server

/// The trail's next line, in its three parts.
fn noted(server: &mut Program) -> (String, String, String) {
    let line = server.stderr_line();
    let mut parts = line.splitn(3, ' ').map(str::to_string);
    let mut part = || {
        parts
            .next()
            .unwrap_or_else(|| panic!("not three parts: {line}"))
    };
    (part(), part(), part())
}

#[test]
fn each_receive_and_send_is_noted_with_peer_and_time() {
    let (mut server, addr) = Program::serve(AUDIT);
    let mut stream = connect(addr);
    let own = stream.local_addr().expect("an address").to_string();
    stream.write_all(b"GET /a HTTP/1.1\r\n").expect("send");
    let mut before = String::new();
    for (i, due) in [
        "connected",
        "received 17 bytes: \"GET /a HTTP/1.1\\r\\n\"",
        "received 2 bytes: \"\\r\\n\"",
        "sent 74 bytes: \"HTTP/1.1 200 OK\\r\\nContent…\"",
        "closed",
    ]
    .into_iter()
    .enumerate()
    {
        if i == 2 {
            stream.write_all(b"\r\n").expect("send");
        }
        if i == 4 {
            assert!(rest_of(&stream).ends_with("\r\n\r\nGET /a HTTP/1.1\n"));
            stream.shutdown(Shutdown::Both).expect("leave");
        }
        let (peer, time, what) = noted(&mut server);
        assert_eq!((peer.as_str(), what.as_str()), (own.as_str(), due));
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "00:00:00.000");
        // At midnight it begins anew.
        assert!(
            before <= time || time.starts_with("00:00"),
            "{before}, then {time}"
        );
        before = time;
    }
}

#[test]
fn a_request_cannot_write_lines_of_its_own_into_the_trail() {
    let (mut server, addr) = Program::serve(AUDIT);
    let mut stream = connect(addr);
    stream
        .write_all(b"GET /\n1.2.3.4:5 \x1b[2J\xff\r\n\r\n")
        .expect("send");
    assert!(noted(&mut server).2.ends_with("connected"));
    let (_, _, what) = noted(&mut server);
    assert_eq!(
        what,
        r#"received 25 bytes: "GET /\n1.2.3.4:5 \x1b[2J\xff\r\n\r…""#
    );
}

#[test]
fn a_request_that_is_too_slow_too_long_or_missing_is_told_and_ends_nothing() {
    let (mut server, addr) = Program::serve(AUDIT);
    let begun = Instant::now();
    let slow = connect(addr);
    let mut long = connect(addr);
    long.write_all(&[b'x'; 8193]).expect("send");
    long.shutdown(Shutdown::Write).expect("half-close");
    assert!(rest_of(&long).starts_with("HTTP/1.1 413 "));
    drop(connect(addr));
    assert!(rest_of(&slow).starts_with("HTTP/1.1 408 "));
    assert!(begun.elapsed() >= Duration::from_secs(5));
    let mut stream = connect(addr);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("send");
    assert!(rest_of(&stream).starts_with("HTTP/1.1 200 "));
    let mut lines = Vec::new();
    while !lines
        .iter()
        .any(|line: &String| line.ends_with("it asked nothing"))
    {
        lines.push(server.stderr_line());
    }
}

#[test]
fn curl_and_python_understand_it() {
    let (_server, addr) = Program::serve(AUDIT);
    if let Some(mut curl) = peer("curl", "--version") {
        let ended = run(curl.args(["-s", &format!("http://{addr}/x")]), b"");
        assert_eq!(ended.stdout, b"GET /x HTTP/1.1\n", "{ended:?}");
    }
    if let Some(mut python) = peer("python3", "--version") {
        let script =
            format!("import urllib.request as u\nprint(u.urlopen('http://{addr}/slowly').read())");
        let ended = run(python.args(["-c", &script]), b"");
        let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert_eq!(printed.trim_end(), "b'slow but steady.\\n'", "{ended:?}");
    }
}

// ---- all four

#[test]
fn bad_usage_is_named() {
    let cases: [(&str, &[&str]); 10] = [
        (PATIENT, &[]),
        (PATIENT, &["localhost:1", "/", "500"]),
        (PATIENT, &["127.0.0.1:1", "/a b", "500"]),
        (PATIENT, &["127.0.0.1:1", "/", "0"]),
        (PATIENT, &["127.0.0.1:1", "/", "500", "all"]),
        (RETRY, &["127.0.0.1:1"]),
        (RETRY, &["127.0.0.1:1", "get it"]),
        (STRICT, &["127.0.0.1"]),
        (AUDIT, &[]),
        (AUDIT, &["127.0.0.1:0", "more"]),
    ];
    for (program, args) in cases {
        let ended = run(Command::new(program).args(args), b"");
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("\nusage: ch05_"), "{ended:?}");
    }
}
