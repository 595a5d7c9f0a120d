//! The TLS server of chapter 9 among two hundred hostile peers, beside twenty honest clients. The
//! honest ones shake hands within 2 s, nothing dies, and nothing is kept of the others.

#![cfg(all(feature = "tls", target_os = "linux"))]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use native_tls::{Certificate, TlsConnector};
use support::{LIMIT, Program, connect, run};
use wireside::grader::watchdog;

const SERVER: &str = env!("CARGO_BIN_EXE_ch09_tls_server");

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

/// What a hostile peer does until it is told to stop.
fn attack(addr: SocketAddr, kind: usize, over: &AtomicBool) {
    let pause = |milliseconds| {
        let until = Instant::now() + Duration::from_millis(milliseconds);
        while Instant::now() < until && !over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
    };
    // The first bytes of a client hello, and then a length that never comes whole.
    let hello = [22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3];
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect_timeout(&addr, Duration::from_secs(5)) else {
            pause(100);
            continue;
        };
        match kind {
            // Silent.
            0 => pause(4_000),
            // Dripping.
            1 => {
                for byte in hello.into_iter().chain([7; 200]) {
                    if over.load(Ordering::Relaxed) || stream.write_all(&[byte]).is_err() {
                        break;
                    }
                    pause(100);
                }
            }
            // Plain text.
            2 => {
                _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
                pause(1_000);
            }
            // Cut in the middle of the handshake.
            3 => {
                _ = stream.write_all(&hello);
                pause(50);
                _ = stream.shutdown(Shutdown::Both);
            }
            // A flood of connects, not one of which is used.
            _ => {
                for _ in 0..5 {
                    _ = TcpStream::connect_timeout(&addr, Duration::from_secs(5));
                }
                pause(200);
            }
        }
    }
}

/// Threads and open descriptors of a process.
fn held(id: u32) -> (usize, usize) {
    let count = |what| std::fs::read_dir(format!("/proc/{id}/{what}")).map_or(0, Iterator::count);
    (count("task"), count("fd"))
}

#[test]
fn two_hundred_hostile_peers_keep_no_honest_one_from_its_handshake() {
    watchdog::start();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ch09_soak_certs");
    let made = run(
        Command::new(env!("CARGO_BIN_EXE_ch09_make_certs")).arg(&folder),
        b"",
    );
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let ca = std::fs::read(folder.join("ca.pem")).expect("the CA");
    let connector = TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(Certificate::from_pem(&ca).expect("a certificate"))
        .build()
        .expect("a connector");
    let mut command = Command::new(SERVER);
    command.arg("127.0.0.1:0");
    command.args([folder.join("server.pem"), folder.join("server.key")]);
    let mut server = Program::start(&mut command);
    let line = server.stdout_line();
    let addr = line
        .strip_prefix("listening on ")
        .and_then(|addr| addr.parse().ok());
    let addr = addr.expect("a listening line");
    // One client before, so that what a first one costs is no leak.
    honest(addr, &connector);
    while !server.stderr_line().contains(" closed ") {}
    // Its thread is about to end.
    let alone = Instant::now() + LIMIT;
    while held(server.id()).0 > 1 && Instant::now() < alone {
        thread::sleep(Duration::from_millis(10));
    }
    let before = held(server.id());
    let over = AtomicBool::new(false);
    let slowest = thread::scope(|scope| {
        for i in 0..200 {
            let over = &over;
            scope.spawn(move || attack(addr, i % 5, over));
        }
        thread::sleep(Duration::from_millis(500));
        let clients: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let visits = (0..10).map(|_| {
                        thread::sleep(Duration::from_millis(200));
                        honest(addr, &connector)
                    });
                    visits.max()
                })
            })
            .collect();
        let slowest: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        // Before anything can panic: the hostile ones would go on for ever.
        over.store(true, Ordering::Relaxed);
        if slowest.iter().any(Result::is_err) {
            assert!(
                server.is_running(),
                "the server is dead: {}",
                server.stderr_line()
            );
        }
        let slowest = slowest.into_iter().map(|one| one.expect("served"));
        slowest.max().flatten()
    });
    let slowest = slowest.expect("twenty times ten");
    eprintln!("the slowest of 200 honest handshakes took {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // The hostile ones have gone: within their 3 s the server has let all of them go.
    let deadline = Instant::now() + LIMIT;
    while held(server.id()) != before && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(held(server.id()), before, "threads and descriptors");
    honest(addr, &connector);
}

/// A handshake, a frame and its echo; how long the handshake took of the time in which the machine
/// ran. (The connection before it may have to wait for a place in the queue, which a flood fills.)
fn honest(addr: SocketAddr, connector: &TlsConnector) -> Duration {
    let stream = connect(addr);
    let began = Instant::now();
    let mut tls = connector.connect("localhost", stream).expect("a handshake");
    let took = began
        .elapsed()
        .saturating_sub(watchdog::stalled_since(began));
    tls.write_all(&frame(b"hello")).expect("a frame");
    let mut back = [0; 9];
    tls.read_exact(&mut back).expect("its echo");
    assert_eq!(&back[..], frame(b"hello"));
    tls.shutdown().expect("the last word");
    // The server's: or what it still sends would meet a reset.
    match tls.read(&mut [0]) {
        Ok(0) => {}
        Err(err) if err.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("after the last word: {other:?}"),
    }
    took
}
