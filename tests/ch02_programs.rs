//! The programs of chapter 2, against clients and servers of the test's own and of other makers.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use support::{Program, connect, nc_that_half_closes, peer, run};

const HELLO_SERVER: &str = env!("CARGO_BIN_EXE_ch02_hello_server");
const ECHO_SERVER: &str = env!("CARGO_BIN_EXE_ch02_echo_server");
const ECHO_CLIENT: &str = env!("CARGO_BIN_EXE_ch02_echo_client");

/// Every value of a byte, CR LF among them, and no period that a buffer's size divides.
fn bytes(n: usize) -> Vec<u8> {
    (0..n)
        .map(|i| (i % 251) as u8 ^ (i / 65_521) as u8)
        .collect()
}

/// A client sends all of it while it reads, half-closes, and reads to the end.
fn echo(addr: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = connect(addr);
    let mut outgoing = stream.try_clone().expect("clone the stream");
    thread::scope(|scope| {
        scope.spawn(move || {
            outgoing.write_all(sent).expect("send");
            outgoing.shutdown(Shutdown::Write).expect("half-close");
        });
        let mut received = Vec::new();
        stream
            .read_to_end(&mut received)
            .expect("the whole echo and the end");
        received
    })
}

/// A server of the test's own, for one client.
fn serve_one(
    converse: impl FnOnce(TcpStream) + Send + 'static,
) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("accept");
        stream
            .set_read_timeout(Some(support::LIMIT))
            .expect("set a read timeout");
        converse(stream);
    });
    (addr, server)
}

#[test]
fn the_hello_server_greets_each_client_and_closes() {
    let (mut server, addr) = Program::serve(HELLO_SERVER);
    for _ in 0..2 {
        let mut stream = connect(addr);
        let own = stream.local_addr().expect("an address");
        let mut greeting = String::new();
        stream
            .read_to_string(&mut greeting)
            .expect("a greeting and the end");
        assert_eq!(greeting, "hello\n");
        assert_eq!(server.stderr_line(), format!("{own} connected"));
        assert_eq!(server.stderr_line(), format!("{own} closed"));
    }
}

#[test]
fn bytes_of_any_kind_come_back() {
    let (_server, addr) = Program::serve(ECHO_SERVER);
    for sent in [
        &b"\0\r\n\xff\xfe\n\nno end of line"[..],
        b"",
        &bytes(8 << 20),
    ] {
        assert!(
            echo(addr, sent) == sent,
            "the echo of {} bytes differs",
            sent.len()
        );
    }
}

#[test]
fn a_byte_is_echoed_before_the_next_is_sent() {
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let mut stream = connect(addr);
    for byte in 0..=255 {
        stream.write_all(&[byte]).expect("send a byte");
        let mut back = [0];
        stream.read_exact(&mut back).expect("the byte's echo");
        assert_eq!(back, [byte]);
    }
}

#[test]
fn the_audit_trail_names_the_peer_and_counts_its_bytes() {
    let (mut server, addr) = Program::serve(ECHO_SERVER);
    let mut stream = connect(addr);
    let own = stream.local_addr().expect("an address");
    assert_eq!(server.stderr_line(), format!("{own} connected"));
    stream.write_all(b"hello").expect("send");
    stream.shutdown(Shutdown::Write).expect("half-close");
    assert_eq!(server.stderr_line(), format!("{own} closed after 5 bytes"));
}

#[test]
fn a_client_that_resets_ends_nothing_for_the_next() {
    let (mut server, addr) = Program::serve(ECHO_SERVER);
    let mut rude = connect(addr);
    let own = rude.local_addr().expect("an address");
    rude.write_all(b"never read").expect("send");
    rude.peek(&mut [0]).expect("the first byte of the echo");
    // A close with unread bytes is a reset.
    drop(rude);
    assert_eq!(server.stderr_line(), format!("{own} connected"));
    assert_eq!(
        server.stderr_line(),
        format!("{own} broke off: connection reset")
    );
    assert_eq!(echo(addr, b"hello"), b"hello");
}

#[test]
fn a_wrong_address_is_bad_usage_and_is_named() {
    for program in [HELLO_SERVER, ECHO_SERVER, ECHO_CLIENT] {
        for args in [
            &[][..],
            &["localhost:7002"],
            &["::1:7002"],
            &["127.0.0.1:1", "more"],
        ] {
            let ended = run(Command::new(program).args(args), b"");
            assert_eq!(ended.status.code(), Some(2), "{args:?}: {ended:?}");
            assert!(ended.stdout.is_empty(), "{args:?}: {ended:?}");
            assert!(
                ended.stderr.contains("\nusage: ch02_"),
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
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let ended = run(Command::new(ECHO_SERVER).arg(addr.to_string()), b"");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains(&format!("cannot serve on {addr}: ")),
        "{ended:?}"
    );
}

#[test]
fn the_client_echoes_any_amount_through_the_server() {
    let (_server, addr) = Program::serve(ECHO_SERVER);
    // 8 MiB fit into the buffers of both directions on some systems, 64 MiB on none.
    for sent in [&b"no end of line"[..], b"", &bytes(64 << 20)] {
        let ended = run(Command::new(ECHO_CLIENT).arg(addr.to_string()), sent);
        assert!(
            ended.stdout == sent,
            "the echo of {} bytes differs",
            sent.len()
        );
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn the_client_prints_a_line_before_it_has_ended() {
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let mut client = Program::start(Command::new(ECHO_CLIENT).arg(addr.to_string()));
    let mut stdin = client.stdin.take().expect("piped");
    stdin.write_all(b"pro").expect("type");
    assert_eq!(client.stdout_bytes(3), b"pro");
}

#[test]
fn a_server_that_ends_early_is_a_failure_and_what_came_is_printed() {
    let (addr, server) = serve_one(|mut stream| {
        let mut all = Vec::new();
        stream
            .read_to_end(&mut all)
            .expect("all and the half-close");
        stream.write_all(&all[..3]).expect("reply");
    });
    let ended = run(Command::new(ECHO_CLIENT).arg(addr.to_string()), b"hello");
    server.join().expect("the server's part");
    assert_eq!(
        (ended.status.code(), &ended.stdout[..]),
        (Some(1), &b"hel"[..])
    );
    assert!(
        ended.stderr.contains("the server ended after 3 of 5 bytes"),
        "{ended:?}"
    );
}

#[test]
fn a_server_that_ends_early_ends_a_client_that_waits_at_its_stdin() {
    let (addr, server) = serve_one(|mut stream| {
        let mut line = [0; 6];
        stream.read_exact(&mut line).expect("a line");
        stream.write_all(&line).expect("reply");
    });
    let mut client = Program::start(Command::new(ECHO_CLIENT).arg(addr.to_string()));
    let mut stdin = client.stdin.take().expect("piped");
    stdin.write_all(b"hello\n").expect("type a line");
    // stdin stays open: nobody types any more.
    let ended = client.finish(b"");
    drop(stdin);
    server.join().expect("the server's part");
    assert_eq!(
        (ended.status.code(), &ended.stdout[..]),
        (Some(1), &b"hello\n"[..])
    );
    assert!(
        ended.stderr.contains("the server ended before stdin did"),
        "{ended:?}"
    );
}

#[test]
fn a_server_that_ends_early_ends_a_client_that_is_stuck_in_a_write() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (addr, server) = serve_one(move |stream| {
        stream.shutdown(Shutdown::Write).expect("half-close");
        // It neither reads nor closes until the client has given up.
        _ = released.recv_timeout(support::LIMIT);
    });
    let ended = run(
        Command::new(ECHO_CLIENT).arg(addr.to_string()),
        &bytes(32 << 20),
    );
    drop(release);
    server.join().expect("the server's part");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
}

#[test]
fn a_reset_is_a_failure_of_the_client_and_no_panic() {
    let (addr, server) = serve_one(|stream| {
        stream.peek(&mut [0]).expect("a byte");
        // Dropped with unread bytes: a reset.
    });
    let ended = run(
        Command::new(ECHO_CLIENT).arg(addr.to_string()),
        &bytes(8 << 20),
    );
    server.join().expect("the server's part");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .starts_with(&format!("cannot echo through {addr}: ")),
        "{ended:?}"
    );
}

#[test]
fn nobody_at_the_address_is_a_failure_with_a_sentence() {
    // Bound and not listening: no other process can take the port meanwhile.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("bind");
    let addr = socket
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("of IP");
    let ended = run(Command::new(ECHO_CLIENT).arg(addr.to_string()), b"hello");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .starts_with(&format!("cannot echo through {addr}: ")),
        "{ended:?}"
    );
}

#[test]
fn a_closed_stdout_is_no_panic() {
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let mut client = Program::start_unread(Command::new(ECHO_CLIENT).arg(addr.to_string()));
    let mut stdin = client.stdin.take().expect("piped");
    // It may have ended by the time at which this has been written.
    _ = stdin.write_all(&bytes(1 << 20));
    drop(stdin);
    let ended = client.finish(b"");
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn nc_that_half_closes_gets_its_echo_and_the_end() {
    let Some(mut nc) = nc_that_half_closes() else {
        return;
    };
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let sent = bytes(1 << 20);
    let ended = run(
        nc.args(["-N", "127.0.0.1", &addr.port().to_string()]),
        &sent,
    );
    assert!(
        ended.stdout == sent,
        "{} bytes of {}",
        ended.stdout.len(),
        sent.len()
    );
    assert!(ended.status.success(), "{}", ended.stderr);
}

#[test]
fn nc_that_never_half_closes_gets_its_echo() {
    let Some(mut nc) = peer("nc", "-h") else {
        return;
    };
    let (mut server, addr) = Program::serve(ECHO_SERVER);
    let mut client = Program::start(nc.args(["127.0.0.1", &addr.port().to_string()]));
    let mut stdin = client.stdin.take().expect("piped");
    stdin.write_all(b"hello\n").expect("type a line");
    drop(stdin);
    assert_eq!(client.stdout_line(), "hello");
    assert!(client.is_running());
    drop(client);
    assert!(server.stderr_line().ends_with(" connected"));
    assert!(server.stderr_line().ends_with(" closed after 6 bytes"));
}

#[test]
fn curl_s_telnet_gets_its_echo() {
    let Some(mut curl) = peer("curl", "--version") else {
        return;
    };
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let mut client = Program::start(curl.args(["-sN", &format!("telnet://{addr}")]));
    let mut stdin = client.stdin.take().expect("piped");
    for line in ["hello", "again"] {
        writeln!(stdin, "{line}").expect("type a line");
        assert_eq!(client.stdout_line(), line);
    }
}

const PYTHON_CLIENT: &str = r"
import socket, sys, threading
sent = bytes(range(256)) * 4096
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=15) as s:
    def send():
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    received = b''.join(iter(lambda: s.recv(4096), b''))
    sender.join()
print('the same' if received == sent else f'{len(received)} bytes, not the same')
";

#[test]
fn a_python_client_gets_its_echo_and_the_end() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let port = addr.port().to_string();
    let ended = run(python.args(["-c", PYTHON_CLIENT, "127.0.0.1", &port]), b"");
    assert_eq!(ended.stdout, b"the same\n", "{ended:?}");
}

const NODE_CLIENT: &str = r"
const [host, port] = process.argv.slice(1);
const sent = Buffer.alloc(1 << 20, Buffer.from([...Array(256).keys()]));
const received = [];
const socket = require('net').connect(+port, host, () => socket.end(sent));
socket.setTimeout(15000, () => socket.destroy(new Error('silence')));
socket.on('data', chunk => received.push(chunk));
socket.on('end', () => {
  const same = Buffer.concat(received).equals(sent);
  console.log(same ? 'the same' : 'not the same');
});
";

#[test]
fn a_node_client_gets_its_echo_and_the_end() {
    let Some(mut node) = peer("node", "--version") else {
        return;
    };
    let (_server, addr) = Program::serve(ECHO_SERVER);
    let port = addr.port().to_string();
    let ended = run(node.args(["-e", NODE_CLIENT, "127.0.0.1", &port]), b"");
    assert_eq!(ended.stdout, b"the same\n", "{ended:?}");
}

#[test]
fn the_client_speaks_with_a_python_server() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let mut server = Program::start(python.args(["-u", "-c", PYTHON_SERVER]));
    let addr = server.stdout_line();
    let sent = bytes(1 << 20);
    let ended = run(Command::new(ECHO_CLIENT).arg(&addr), &sent);
    assert!(
        ended.stdout == sent,
        "{} bytes of {}",
        ended.stdout.len(),
        sent.len()
    );
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

const PYTHON_SERVER: &str = r"
import socket
with socket.create_server(('127.0.0.1', 0)) as listener:
    print('%s:%d' % listener.getsockname())
    s, _ = listener.accept()
    s.settimeout(15)
    with s:
        while data := s.recv(1000):
            s.sendall(data)
";
