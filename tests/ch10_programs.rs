//! The programs of chapter 10, against peers of OpenSSL, curl and Python, and against hostile ones.

#![cfg(all(feature = "tls", target_os = "linux"))]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use native_tls::{Certificate, Protocol, TlsConnector};
use support::again::where_pressed;
use support::{Ended, LIMIT, Program, connect, peer, run};

const MAKE_CERTS: &str = env!("CARGO_BIN_EXE_ch09_make_certs");
const SERVER: &str = env!("CARGO_BIN_EXE_ch10_mutual_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch10_mutual_client");
const TERMS: &str = env!("CARGO_BIN_EXE_ch10_terms");

const LIST: &str = "alice read write\nbob read\n";

/// The certificates that the tests of this run share, and the list.
fn certs() -> &'static Path {
    static CERTS: OnceLock<PathBuf> = OnceLock::new();
    CERTS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ch10_certs");
        let ended = run(Command::new(MAKE_CERTS).arg(&folder), b"");
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        std::fs::write(folder.join("list.txt"), LIST).expect("write the list");
        folder
    })
}

fn cert(name: &str) -> String {
    certs().join(name).display().to_string()
}

fn listening(command: &mut Command) -> (Program, SocketAddr) {
    let mut server = Program::start(command);
    let line = server.stdout_line();
    let addr = line
        .strip_prefix("listening on ")
        .and_then(|addr| addr.parse().ok());
    (
        server,
        addr.unwrap_or_else(|| panic!("no listening line but {line:?}")),
    )
}

/// Our server, with this list.
fn serve_with(list: &str) -> (Program, SocketAddr) {
    let mut command = Command::new(SERVER);
    command.arg("127.0.0.1:0");
    command.args(["server.pem", "server.key", "ca.pem"].map(cert));
    listening(command.arg(cert(list)))
}

fn serve() -> (Program, SocketAddr) {
    serve_with("list.txt")
}

/// Our client: the newest version, whose certificate it shows, and what it says.
fn client(addr: SocketAddr, newest: &str, who: Option<&str>, lines: &str) -> Ended {
    let mut client = Command::new(CLIENT);
    client.args([&addr.to_string(), &cert("ca.pem"), "localhost", newest]);
    if let Some(who) = who {
        client.args([cert(&format!("{who}.pem")), cert(&format!("{who}.key"))]);
    }
    run(&mut client, lines.as_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// ---- who are you, and what may you do

#[test]
fn a_name_is_greeted_and_does_what_the_list_allows_in_both_versions() {
    let (_server, addr) = serve();
    for newest in ["1.2", "1.3"] {
        let ended = client(
            addr,
            newest,
            Some("alice"),
            "write lunch at noon\nread\nsing\n",
        );
        let due = "hello alice\nwritten\nlunch at noon\nerror: read, or write TEXT\n";
        assert_eq!(text(&ended.stdout), due, "{}", ended.stderr);
        assert_eq!(
            (ended.status.code(), ended.stderr.as_str()),
            (Some(0), "connected\n")
        );
        let ended = client(addr, newest, Some("bob"), "read\nwrite never\nread\n");
        let due = "hello bob\nlunch at noon\nerror: bob may not write\nlunch at noon\n";
        assert_eq!(text(&ended.stdout), due, "{}", ended.stderr);
    }
}

#[test]
fn an_organization_that_calls_itself_cn_alice_is_not_alice() {
    let (_server, addr) = serve();
    for newest in ["1.2", "1.3"] {
        let ended = client(addr, newest, Some("trudy"), "read\n");
        let due = "hello trudy\nerror: trudy may not read\n";
        assert_eq!(text(&ended.stdout), due, "{}", ended.stderr);
    }
}

#[test]
fn who_is_taken_off_the_list_may_nothing_from_then_on() {
    let list = certs().join("short_list.txt");
    std::fs::write(&list, LIST).expect("write the list");
    let (_server, addr) = serve_with("short_list.txt");
    let ended = client(addr, "1.3", Some("alice"), "read\n");
    assert_eq!(text(&ended.stdout), "hello alice\n\n");
    std::fs::write(&list, "alice2 read\n").expect("write the list");
    let ended = client(addr, "1.3", Some("alice"), "read\n");
    assert_eq!(
        text(&ended.stdout),
        "hello alice\nerror: alice may not read\n"
    );
}

#[test]
fn under_1_2_a_refused_client_is_not_connected_and_under_1_3_it_is() {
    let (_server, addr) = serve();
    for (who, alert) in [
        (None, "40"),
        (Some("mallory"), "48"),
        (Some("former"), "45"),
    ] {
        let ended = client(addr, "1.2", who, "read\n");
        assert_eq!(
            (ended.status.code(), &ended.stdout[..]),
            (Some(1), &b""[..])
        );
        assert!(!ended.stderr.contains("connected\n"), "{}", ended.stderr);
        let due = format!("alert number {alert}\n");
        assert!(ended.stderr.ends_with(&due), "{who:?}: {}", ended.stderr);
    }
    for (who, alert) in [
        (None, "116"),
        (Some("mallory"), "48"),
        (Some("former"), "45"),
    ] {
        let ended = client(addr, "1.3", who, "read\n");
        assert_eq!(
            (ended.status.code(), &ended.stdout[..]),
            (Some(1), &b""[..])
        );
        assert!(ended.stderr.starts_with("connected\n"), "{}", ended.stderr);
        let due = format!("alert number {alert}\n");
        assert!(ended.stderr.ends_with(&due), "{who:?}: {}", ended.stderr);
    }
}

/// A client that has shaken hands under TLS 1.3 and shows nothing of itself.
fn stranger(addr: SocketAddr) -> native_tls::TlsStream<std::net::TcpStream> {
    static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();
    let connector = CONNECTOR.get_or_init(|| {
        let ca = std::fs::read(cert("ca.pem")).expect("the CA");
        let mut builder = TlsConnector::builder();
        builder.disable_built_in_roots(true);
        builder.add_root_certificate(Certificate::from_pem(&ca).expect("a certificate"));
        builder.min_protocol_version(Some(Protocol::Tlsv13));
        builder.build().expect("a connector")
    });
    let shaken = connector.connect("localhost", connect(addr));
    shaken.expect("under 1.3 it is connected")
}

#[test]
fn a_hundred_refused_clients_that_write_before_they_read_all_see_the_alert() {
    where_pressed(Duration::from_millis(150), || {
        let (_server, addr) = serve();
        for i in 0..100 {
            let mut tls = stranger(addr);
            // Three writes: a reset would meet the second or third.
            for _ in 0..3 {
                tls.write_all(b"write something\n").expect("no reset");
                thread::sleep(Duration::from_millis(1));
            }
            let err = tls.read(&mut [0; 100]).expect_err("an alert").to_string();
            assert!(err.contains("alert number 116"), "client {i}: {err}");
        }
    });
}

#[test]
fn silent_and_dripping_clients_are_dropped_after_3_seconds_and_hold_nobody_up() {
    let (_server, addr) = serve();
    let began = Instant::now();
    let mut silent: Vec<_> = (0..20).map(|_| connect(addr)).collect();
    let mut dripping = connect(addr);
    let ended = client(addr, "1.3", Some("alice"), "read\n");
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    // A record of 16 KiB that never is whole.
    let mut record = [22, 3, 1, 64, 0].into_iter().chain([0; 300]);
    while began.elapsed() < LIMIT && dripping.write_all(&[record.next().unwrap_or(0)]).is_ok() {
        thread::sleep(Duration::from_millis(50));
    }
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(3) && took < Duration::from_secs(12),
        "{took:?}"
    );
    for stream in &mut silent {
        // A FIN, behind an alert perhaps, or a reset.
        _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
}

#[test]
fn hostile_clients_end_nothing() {
    let (_server, addr) = serve();
    connect(addr)
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .expect("say it");
    drop(connect(addr));
    for _ in 0..5 {
        let mut tls = stranger(addr);
        // It has gone already, perhaps.
        _ = tls.write_all(&[b'x'; 10_000]);
    }
    let ended = client(
        addr,
        "1.3",
        Some("alice"),
        &format!("{}\n", "x".repeat(5_000)),
    );
    assert_eq!(ended.status.code(), Some(1), "a line too long: {ended:?}");
    let ended = client(addr, "1.2", Some("alice"), "read\n");
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn bad_usage_and_bad_files_are_sentences() {
    for program in [SERVER, CLIENT, TERMS] {
        let ended = run(&mut Command::new(program), b"");
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.starts_with("usage: ch10_"), "{ended:?}");
        #[cfg(unix)]
        {
            let not_utf8 = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
            let ended = run(Command::new(program).args([not_utf8, not_utf8]), b"");
            assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        }
    }
    let mut server = Command::new(SERVER);
    let ended = run(
        server.args(["127.0.0.1:0", "a.pem", "a.key", "ca.pem", "list"]),
        b"",
    );
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("cannot use a.pem"), "{ended:?}");
    let ended = client(addr_of_nobody(), "1.3", None, "");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.starts_with("cannot talk to localhost"),
        "{ended:?}"
    );
}

/// Somebody has just left it.
fn addr_of_nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("an address")
}

// ---- on what terms

/// What `ch10_terms` says of a server, a line for each version.
fn terms(addr: SocketAddr, more: &[&str]) -> Vec<String> {
    let mut command = Command::new(TERMS);
    command.args([&addr.to_string(), &cert("ca.pem"), "localhost"]);
    let ended = run(command.args(more), b"");
    text(&ended.stdout).lines().map(String::from).collect()
}

/// `openssl s_server` with these arguments.
fn s_server(args: &[&str]) -> Option<(Program, SocketAddr)> {
    let mut openssl = peer("openssl", "version")?;
    openssl.args(["s_server", "-accept", "127.0.0.1:0"]);
    openssl.args(["-cert", &cert("server.pem"), "-key", &cert("server.key")]);
    let mut server = Program::start(openssl.args(args));
    loop {
        // `ACCEPT 127.0.0.1:PORT`
        if let Some(addr) = server.stdout_line().strip_prefix("ACCEPT ") {
            return Some((server, addr.parse().expect("an address")));
        }
    }
}

#[test]
fn terms_are_told_of_each_version_suite_and_protocol() {
    let suites = [
        "-cipher",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "-ciphersuites",
        "TLS_AES_128_GCM_SHA256",
        "-alpn",
        "http/1.1",
    ];
    let Some((_server, addr)) = s_server(&suites) else {
        return;
    };
    let due = [
        // Of that list 1.1 has no suite.
        "TLSv1.1  refused: alert 40",
        "TLSv1.2  ECDHE-RSA-CHACHA20-POLY1305, http/1.1, resumed",
        "TLSv1.3  TLS_AES_128_GCM_SHA256, http/1.1, resumed",
    ];
    assert_eq!(terms(addr, &["h2,http/1.1"]), due);
    let none = terms(addr, &[]);
    assert!(none[1].ends_with(", no ALPN, resumed"), "{none:?}");
}

#[test]
fn terms_are_told_of_a_server_without_tickets_and_of_an_old_one() {
    where_pressed(Duration::from_millis(150), || {
        let Some((_server, addr)) = s_server(&["-no_ticket", "-no_cache", "-tls1_2"]) else {
            return;
        };
        let lines = terms(addr, &[]);
        assert!(lines[1].ends_with("new each time"), "{lines:?}");
        assert!(
            lines[2].starts_with("TLSv1.3  refused: alert 70"),
            "{lines:?}"
        );
        let old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
        let Some((_server, addr)) = s_server(&old) else {
            return;
        };
        let lines = terms(addr, &[]);
        assert!(lines[0].ends_with("no ALPN, resumed"), "{lines:?}");
        assert!(lines[1].starts_with("TLSv1.2  refused: "), "{lines:?}");
    });
}

#[test]
fn terms_are_told_of_our_own_server_with_a_certificate_and_without() {
    where_pressed(Duration::from_millis(150), || {
        let (_server, addr) = serve();
        let strange = [
            "TLSv1.1  refused: alert 70",
            "TLSv1.2  refused: alert 40",
            "TLSv1.3  connected, then refused: alert 116",
        ];
        assert_eq!(terms(addr, &[]), strange);
        let lines = terms(addr, &["-", &cert("alice.pem"), &cert("alice.key")]);
        for line in &lines[1..] {
            assert!(line.ends_with("no ALPN, resumed"), "{lines:?}");
        }
    });
}

// ---- peers of other makers

/// `openssl s_client` as alice, with these arguments besides.
fn s_client(addr: SocketAddr, args: &[&str]) -> Option<Command> {
    let mut openssl = peer("openssl", "version")?;
    openssl.args(["s_client", "-connect", &addr.to_string()]);
    openssl.args(["-CAfile", &cert("ca.pem"), "-verify_return_error"]);
    openssl.args(["-cert", &cert("alice.pem"), "-key", &cert("alice.key")]);
    openssl.args(args);
    Some(openssl)
}

/// s_client writes to a pipe when it ends, and it ends with its stdin: when the server has met alice,
/// and `done` holds. What it said.
fn spoken(mut command: Command, server: &mut Program, done: impl Fn() -> bool) -> String {
    let client = Program::start(&mut command);
    while !server
        .stderr_line()
        .contains(" is alice, who may: read, write")
    {}
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LIMIT, "{command:?} has not done its part");
        thread::sleep(Duration::from_millis(10));
    }
    text(&client.finish(b"").stdout)
}

#[test]
fn openssl_s_client_is_known_by_name_with_the_suite_that_it_asks_for() {
    let (mut server, addr) = serve();
    for (args, due) in [
        (
            ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
            "Cipher is ECDHE-RSA-AES128-GCM-SHA256",
        ),
        (
            ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
            "Cipher is TLS_CHACHA20_POLY1305_SHA256",
        ),
    ] {
        let Some(command) = s_client(addr, &args) else {
            return;
        };
        let said = spoken(command, &mut server, || true);
        assert!(said.contains(due), "{said}");
    }
}

#[test]
fn openssl_s_client_resumes_its_session_with_its_certificate_in_it() {
    let (mut server, addr) = serve();
    for version in ["-tls1_2", "-tls1_3"] {
        let path = certs().join(format!("session{version}"));
        // Of an earlier run.
        _ = std::fs::remove_file(&path);
        let session = path.to_str().expect("a path of ours");
        let Some(first) = s_client(addr, &[version, "-sess_out", session]) else {
            return;
        };
        // It is written when the ticket comes.
        let written = || std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
        let said = spoken(first, &mut server, written);
        assert!(said.contains("New, "), "{said}");
        let second = s_client(addr, &[version, "-sess_in", session]).expect("it is there");
        let said = spoken(second, &mut server, || true);
        assert!(said.contains("Reused, "), "{said}");
    }
}

#[test]
fn curl_shows_its_certificate_and_is_refused_without() {
    let (_server, addr) = serve();
    for known in [true, false] {
        let Some(mut curl) = peer("curl", "--version") else {
            return;
        };
        curl.args([
            "-s",
            "--max-time",
            "5",
            "--http0.9",
            "--cacert",
            &cert("ca.pem"),
        ]);
        if known {
            curl.args(["--cert", &cert("alice.pem"), "--key", &cert("alice.key")]);
        }
        let ended = run(curl.arg(format!("https://localhost:{}/", addr.port())), b"");
        // It is no HTTP that is spoken here, but it is somebody who is greeted.
        assert_eq!(
            text(&ended.stdout).starts_with("hello alice\n"),
            known,
            "{ended:?}"
        );
    }
}

const PYTHON_CLIENTS: &str = r"
import asyncio, socket, ssl, sys, threading
host, port, ca, cert, key = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
def context(version):
    made = ssl.create_default_context(cafile=ca)
    made.load_cert_chain(cert, key)
    made.minimum_version = made.maximum_version = version
    return made
def exchange(made, session=None):
    with socket.create_connection((host, port), timeout=15) as tcp:
        with made.wrap_socket(tcp, server_hostname='localhost', session=session) as s:
            file = s.makefile('rb')
            greeting = file.readline()
            s.sendall(b'read\n')
            file.readline()
            print(greeting.decode().strip(), s.version(), 'resumed' if s.session_reused else 'new', flush=True)
            return s.session
def twice(version):
    made = context(version)
    exchange(made, exchange(made))
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    thread = threading.Thread(target=twice, args=(version,))
    thread.start()
    thread.join()
async def meet():
    made = context(ssl.TLSVersion.TLSv1_3)
    reader, writer = await asyncio.open_connection(host, port, ssl=made, server_hostname='localhost')
    print((await reader.readline()).decode().strip(), 'by asyncio')
    writer.close()
asyncio.run(meet())
";

#[test]
fn python_s_clients_with_threads_and_with_asyncio_are_greeted_and_resume() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let (_server, addr) = serve();
    let port = addr.port().to_string();
    python.args(["-c", PYTHON_CLIENTS, "127.0.0.1", &port]);
    let ended = run(
        python.args(["ca.pem", "alice.pem", "alice.key"].map(cert)),
        b"",
    );
    let due = "hello alice TLSv1.2 new\nhello alice TLSv1.2 resumed\nhello alice TLSv1.3 new\n\
               hello alice TLSv1.3 resumed\nhello alice by asyncio\n";
    assert_eq!(text(&ended.stdout), due, "{}", ended.stderr);
}

const PYTHON_SERVER: &str = r"
import asyncio, socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
context.load_verify_locations(sys.argv[4])
context.verify_mode = ssl.CERT_REQUIRED
def name(cert):
    return dict(rdn[0] for rdn in cert['subject'])['commonName']
def threads():
    def converse(tcp):
        with context.wrap_socket(tcp, server_side=True) as s, s.makefile('rwb') as file:
            file.write(('hello %s\n' % name(s.getpeercert())).encode())
            file.flush()
            for line in file:
                file.write(line)
                file.flush()
            s.unwrap()
    with socket.create_server(('127.0.0.1', 0)) as listener:
        print('%s:%d' % listener.getsockname(), flush=True)
        while True:
            tcp, _ = listener.accept()
            threading.Thread(target=converse, args=(tcp,), daemon=True).start()
async def loop():
    async def converse(reader, writer):
        cert = writer.get_extra_info('peercert')
        writer.write(('hello %s\n' % name(cert)).encode())
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()
    server = await asyncio.start_server(converse, '127.0.0.1', 0, ssl=context)
    print('%s:%d' % server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()
if sys.argv[1] == 'threads':
    threads()
else:
    asyncio.run(loop())
";

#[test]
fn our_clients_talk_to_python_s_servers_with_threads_and_with_asyncio() {
    for kind in ["threads", "asyncio"] {
        let Some(mut python) = peer("python3", "--version") else {
            return;
        };
        python.args(["-c", PYTHON_SERVER, kind]);
        let mut server =
            Program::start(python.args(["server.pem", "server.key", "ca.pem"].map(cert)));
        let addr: SocketAddr = server.stdout_line().parse().expect("an address");
        for newest in ["1.2", "1.3"] {
            let ended = client(addr, newest, Some("bob"), "one\ntwo\n");
            assert_eq!(
                text(&ended.stdout),
                "hello bob\none\ntwo\n",
                "{kind}: {}",
                ended.stderr
            );
        }
        let lines = terms(addr, &["-", &cert("bob.pem"), &cert("bob.key")]);
        assert!(lines[2].contains("resumed"), "{kind}: {lines:?}");
    }
}

#[test]
fn openssl_s_server_asks_our_client_for_its_certificate() {
    let ca = cert("ca.pem");
    let Some((mut server, addr)) = s_server(&["-Verify", "1", "-CAfile", &ca, "-tls1_3"]) else {
        return;
    };
    let mut stdin = server.stdin.take().expect("piped");
    stdin.write_all(b"hello whoever\n").expect("a greeting");
    let ended = client(addr, "1.3", Some("alice"), "");
    assert_eq!(text(&ended.stdout), "hello whoever\n", "{}", ended.stderr);
}
