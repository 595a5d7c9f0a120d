//! The programs of chapter 3, against clients of the test's own and of other makers.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use support::{Program, connect, nc_that_half_closes, peer, run};

const SHOUT_SERVER: &str = env!("CARGO_BIN_EXE_ch03_shout_server");
const SUM_SERVER: &str = env!("CARGO_BIN_EXE_ch03_sum_server");
const RUDE_SERVER: &str = env!("CARGO_BIN_EXE_ch03_rude_server");

/// A client says all of it, half-closes, and reads to the end.
fn told(addr: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = connect(addr);
    stream.write_all(sent).expect("send");
    stream.shutdown(Shutdown::Write).expect("half-close");
    all_from(&mut stream).expect("a reply and the end")
}

fn all_from(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut received = Vec::new();
    stream.read_to_end(&mut received).map(|_| received)
}

/// The next bytes, as many as are expected.
fn next(stream: &mut TcpStream, expected: &[u8]) {
    let mut received = vec![0; expected.len()];
    stream.read_exact(&mut received).expect("a reply");
    assert_eq!(
        String::from_utf8_lossy(&received),
        String::from_utf8_lossy(expected)
    );
}

#[test]
fn several_lines_in_one_write_are_several_lines() {
    let (_server, addr) = Program::serve(SHOUT_SERVER);
    assert_eq!(told(addr, b"one\ntwo\r\n\n"), b"ONE\nTWO\r\n\n");
}

#[test]
fn a_line_cut_anywhere_is_one_line_also_inside_a_character() {
    let (_server, addr) = Program::serve(SHOUT_SERVER);
    let mut stream = connect(addr);
    stream.set_nodelay(true).expect("set nodelay");
    let line = "née Straße\n".as_bytes();
    for cut in 1..line.len() {
        stream.write_all(&line[..cut]).expect("send");
        // It shapes the traffic; the answer is the same without it.
        thread::sleep(Duration::from_millis(5));
        stream.write_all(&line[cut..]).expect("send");
        next(&mut stream, "NÉE STRASSE\n".as_bytes());
    }
}

#[test]
fn what_is_not_utf8_has_its_letters_in_capitals() {
    let (_server, addr) = Program::serve(SHOUT_SERVER);
    assert_eq!(told(addr, b"a\xff\0b\n"), b"A\xff\0B\n");
}

#[test]
fn half_a_line_at_the_end_gets_nothing() {
    let (mut server, addr) = Program::serve(SHOUT_SERVER);
    assert_eq!(told(addr, b"whole\nhalf"), b"WHOLE\n");
    assert!(server.stderr_line().ends_with(" connected"));
    assert!(server.stderr_line().ends_with(" closed, lines: 1"));
}

#[test]
fn a_line_without_end_is_bounded_and_the_next_one_is_served() {
    let (_server, addr) = Program::serve(SHOUT_SERVER);
    let fits = [&vec![b'x'; 64 * 1024 - 1][..], b"\n"].concat();
    assert_eq!(told(addr, &fits), fits.to_ascii_uppercase());
    let sent = [&vec![b'x'; 10 << 20][..], b"\nnext\n"].concat();
    assert_eq!(told(addr, &sent), b"error: line too long\nNEXT\n");
}

#[test]
fn idle_clients_hold_nobody_up() {
    for (program, sent, reply) in [
        (SHOUT_SERVER, &b"hello\n"[..], &b"HELLO\n"[..]),
        (SUM_SERVER, b"7\n", b"numbers: 1, sum: 7\n"),
        (RUDE_SERVER, b"1\n", b"line 1\n"),
    ] {
        let (_server, addr) = Program::serve(program);
        let _idle: Vec<TcpStream> = (0..20).map(|_| connect(addr)).collect();
        assert_eq!(told(addr, sent), reply);
    }
}

#[test]
fn the_sum_comes_after_the_half_close_and_then_the_end() {
    let (_server, addr) = Program::serve(SUM_SERVER);
    let mut stream = connect(addr);
    stream.write_all(b"1\n-2\r\n 40 \n").expect("send");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("set a read timeout");
    let early = stream.read(&mut [0]).expect_err("nothing, before the end");
    assert!(matches!(
        early.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    stream
        .set_read_timeout(Some(support::LIMIT))
        .expect("set a read timeout");
    stream.write_all(b"3").expect("send");
    stream.shutdown(Shutdown::Write).expect("half-close");
    assert_eq!(
        all_from(&mut stream).expect("a sum"),
        b"numbers: 4, sum: 42\n"
    );
}

#[test]
fn a_sum_of_large_numbers_is_right_and_none_is_0() {
    let (_server, addr) = Program::serve(SUM_SERVER);
    let sum = told(addr, b"9223372036854775807\n9223372036854775807\n");
    assert_eq!(sum, b"numbers: 2, sum: 18446744073709551614\n");
    assert_eq!(told(addr, b""), b"numbers: 0, sum: 0\n");
}

#[test]
fn lines_that_are_no_numbers_are_counted_and_read_to_the_end() {
    let (_server, addr) = Program::serve(SUM_SERVER);
    let long = [&b"1\n"[..], &vec![b'1'; 8 << 20], b"\nx\n\n2\n"].concat();
    assert_eq!(
        told(addr, &long),
        b"error: lines that are no number: 3 of 5\n"
    );
}

/// Asks for many lines, says thank you, and reads when the server has closed: what came, and how
/// it ended.
fn read_late(politely: &[&str]) -> (usize, Result<(), ErrorKind>) {
    let mut command = Command::new(RUDE_SERVER);
    let mut server = Program::start(command.arg("127.0.0.1:0").args(politely));
    let line = server.stdout_line();
    let addr = line.strip_prefix("listening on ").expect("an address");
    let mut stream = connect(addr.parse().expect("an address"));
    stream.write_all(b"50000\nthank you\n").expect("send");
    assert!(server.stderr_line().ends_with(" connected"));
    let closed = server.stderr_line();
    assert!(closed.ends_with(" closed, lines sent: 50000"), "{closed}");
    let mut received = Vec::new();
    let ended = stream.read_to_end(&mut received);
    let lines = received.iter().filter(|byte| **byte == b'\n').count();
    (lines, ended.map(|_| ()).map_err(|err| err.kind()))
}

#[test]
fn a_close_with_bytes_unread_loses_what_waits_to_be_sent() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: how much a reset destroys differs between systems");
        return;
    }
    let (lines, ended) = read_late(&[]);
    assert_eq!(ended, Err(ErrorKind::ConnectionReset));
    // What had arrived is there.
    assert!((1..50_000).contains(&lines), "{lines} lines");
}

#[test]
fn a_polite_goodbye_loses_nothing() {
    assert_eq!(read_late(&["politely"]), (50_000, Ok(())));
}

#[test]
fn whoever_leaves_nothing_unread_gets_a_fin_from_the_rude_one_too() {
    let (_server, addr) = Program::serve(RUDE_SERVER);
    assert_eq!(told(addr, b"3\n"), b"line 1\nline 2\nline 3\n");
    assert_eq!(told(addr, b"no number\n"), b"");
}

#[test]
fn the_rude_server_sends_no_more_than_its_limit() {
    let (_server, addr) = Program::serve(RUDE_SERVER);
    let text = told(addr, b"99999999999\n");
    assert_eq!(
        text.iter().filter(|byte| **byte == b'\n').count(),
        1_000_000
    );
}

#[test]
fn a_polite_server_waits_for_no_client_longer_than_a_second() {
    let mut server = Program::start(Command::new(RUDE_SERVER).args(["127.0.0.1:0", "politely"]));
    let line = server.stdout_line();
    let addr: SocketAddr = line
        .strip_prefix("listening on ")
        .and_then(|addr| addr.parse().ok())
        .expect("an address");
    let mut stream = connect(addr);
    let begun = Instant::now();
    stream.write_all(b"1\n").expect("send");
    next(&mut stream, b"line 1\n");
    // A byte now and then: a timeout for each read would never expire. Each write that fails ends
    // the loop, and the limit is for a server that doesn't.
    while stream.write_all(b"x").is_ok() && begun.elapsed() < support::LIMIT / 2 {
        thread::sleep(Duration::from_millis(50));
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1), "gone after {took:?}");
    assert!(took < support::LIMIT / 2, "still there after {took:?}");
}

#[test]
fn a_client_that_resets_ends_nothing_for_the_next() {
    for (program, sent, reply) in [
        (SHOUT_SERVER, &b"hello\n"[..], &b"HELLO\n"[..]),
        (SUM_SERVER, b"7\n", b"numbers: 1, sum: 7\n"),
        (RUDE_SERVER, b"1\n", b"line 1\n"),
    ] {
        let (mut server, addr) = Program::serve(program);
        let rude = socket2::Socket::from(connect(addr));
        assert!(server.stderr_line().ends_with(" connected"));
        rude.set_linger(Some(Duration::ZERO)).expect("set linger");
        drop(rude);
        assert!(server.stderr_line().contains(" broke off: "));
        assert_eq!(told(addr, sent), reply);
    }
}

#[test]
fn a_wrong_address_is_bad_usage_and_is_named() {
    for program in [SHOUT_SERVER, SUM_SERVER, RUDE_SERVER] {
        for args in [
            &[][..],
            &["localhost:7003"],
            &["127.0.0.1:1", "rudely"],
            &["127.0.0.1:1", "politely", "more"],
        ] {
            let ended = run(Command::new(program).args(args), b"");
            assert_eq!(ended.status.code(), Some(2), "{args:?}: {ended:?}");
            assert!(ended.stdout.is_empty(), "{args:?}: {ended:?}");
            assert!(
                ended.stderr.contains("\nusage: ch03_"),
                "{args:?}: {ended:?}"
            );
            if let [arg] = args {
                assert!(ended.stderr.contains(&format!("{arg:?}")), "{ended:?}");
            }
        }
    }
}

#[test]
fn a_port_that_is_taken_is_a_failure_with_a_sentence() {
    let (_server, addr) = Program::serve(SUM_SERVER);
    for program in [SHOUT_SERVER, SUM_SERVER, RUDE_SERVER] {
        let ended = run(Command::new(program).arg(addr.to_string()), b"");
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let words = format!("cannot serve on {addr}: ");
        assert!(ended.stderr.contains(&words), "{ended:?}");
    }
}

#[test]
fn nc_shouts_and_sums() {
    let Some(_) = nc_that_half_closes() else {
        return;
    };
    for (program, sent, reply) in [
        (SHOUT_SERVER, &b"hello from nc\n"[..], "HELLO FROM NC\n"),
        (SUM_SERVER, b"20\n22\n", "numbers: 2, sum: 42\n"),
    ] {
        let (_server, addr) = Program::serve(program);
        let port = addr.port().to_string();
        let ended = run(Command::new("nc").args(["-N", "127.0.0.1", &port]), sent);
        assert_eq!(String::from_utf8_lossy(&ended.stdout), reply);
    }
}

const PYTHON_CLIENT: &str = r"
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=15) as s:
    s.sendall(b'1\n2\n3\n')
    s.shutdown(socket.SHUT_WR)
    print(b''.join(iter(lambda: s.recv(1), b'')).decode(), end='')
";

#[test]
fn a_python_client_gets_its_sum_and_the_end() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let (_server, addr) = Program::serve(SUM_SERVER);
    let port = addr.port().to_string();
    let ended = run(python.args(["-c", PYTHON_CLIENT, "127.0.0.1", &port]), b"");
    assert_eq!(ended.stdout, b"numbers: 3, sum: 6\n", "{ended:?}");
}

const NODE_CLIENT: &str = r"
const [host, port] = process.argv.slice(1);
const socket = require('net').connect(+port, host, () => socket.end('1\n2\n3\n'));
socket.setTimeout(15000, () => socket.destroy(new Error('silence')));
socket.pipe(process.stdout);
";

#[test]
fn a_node_client_gets_its_sum_and_the_end() {
    let Some(mut node) = peer("node", "--version") else {
        return;
    };
    let (_server, addr) = Program::serve(SUM_SERVER);
    let port = addr.port().to_string();
    let ended = run(node.args(["-e", NODE_CLIENT, "127.0.0.1", &port]), b"");
    assert_eq!(ended.stdout, b"numbers: 3, sum: 6\n", "{ended:?}");
}
