//! The programs of chapter 9, against peers of OpenSSL, curl and Python, and against hostile ones.

// Elsewhere native-tls speaks with the system's own library, whose words and versions are others.
#![cfg(all(feature = "tls", target_os = "linux"))]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use native_tls::{Certificate, TlsConnector, TlsStream};
use support::again::where_pressed;
use support::{LIMIT, Program, connect, peer, run};

const MAKE_CERTS: &str = env!("CARGO_BIN_EXE_ch09_make_certs");
const SERVER: &str = env!("CARGO_BIN_EXE_ch09_tls_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch09_tls_client");
const DOCTOR: &str = env!("CARGO_BIN_EXE_ch09_tls_doctor");
const WIRETAP: &str = env!("CARGO_BIN_EXE_ch09_wiretap");
const FRAME_SERVER: &str = env!("CARGO_BIN_EXE_ch04_frame_server");

const SECRET: &str = "password: swordfish";

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

/// The certificates that the tests of this run share; their folder is made anew by each.
fn certs() -> &'static Path {
    static CERTS: OnceLock<PathBuf> = OnceLock::new();
    CERTS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ch09_certs");
        let ended = run(Command::new(MAKE_CERTS).arg(&folder), b"");
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        folder
    })
}

fn cert(name: &str) -> String {
    certs().join(name).display().to_string()
}

/// Our server with one of the certificates.
fn serve(name: &str) -> (Program, SocketAddr) {
    let mut command = Command::new(SERVER);
    command.args([
        "127.0.0.1:0",
        &cert(&format!("{name}.pem")),
        &cert("server.key"),
    ]);
    listening(&mut command)
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

/// A client of the test's own, which has shaken hands.
fn shaken(addr: SocketAddr) -> TlsStream<TcpStream> {
    let ca = std::fs::read(cert("ca.pem")).expect("the CA");
    let connector = TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(Certificate::from_pem(&ca).expect("a certificate"))
        .build()
        .expect("a connector");
    connector
        .connect("localhost", connect(addr))
        .expect("a handshake")
}

// ---- certificates

#[test]
fn certificates_are_made_in_a_moment_and_are_what_they_are_called() {
    let Some(_) = peer("openssl", "version") else {
        return;
    };
    for (name, purpose, verdict) in [
        ("server", "sslserver", "OK"),
        ("alice", "sslclient", "OK"),
        ("bob", "sslclient", "OK"),
        ("trudy", "sslclient", "OK"),
        ("expired", "sslserver", "error 10 "),
        ("former", "sslclient", "error 10 "),
        ("not-yet-valid", "sslserver", "error 9 "),
        ("self-signed", "sslserver", "error 18 "),
        ("unknown-ca", "sslserver", "error 20 "),
        ("mallory", "sslclient", "error 20 "),
        ("no-intermediate", "sslserver", "error 20 "),
        ("client-only", "sslserver", "error 26 "),
    ] {
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-purpose", purpose, "-CAfile", &cert("ca.pem")]);
        let ended = run(openssl.arg(cert(&format!("{name}.pem"))), b"");
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
        assert!(said.contains(verdict), "{name}: {said}");
    }
}

#[test]
fn a_certificate_with_a_fault_has_one_alone() {
    let Some(_) = peer("openssl", "version") else {
        return;
    };
    for (name, purpose, faults) in [
        ("server", "sslserver", &[][..]),
        ("expired", "sslserver", &["10"]),
        ("not-yet-valid", "sslserver", &["9"]),
        ("self-signed", "sslserver", &["18"]),
        ("wrong-host", "sslserver", &["62"]),
        ("client-only", "sslserver", &["26"]),
        ("client-only", "sslclient", &[]),
    ] {
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-purpose", purpose, "-CAfile", &cert("ca.pem")]);
        openssl.args(["-verify_hostname", "localhost"]);
        let ended = run(openssl.arg(cert(&format!("{name}.pem"))), b"");
        let told = ended.stderr.lines().filter_map(|line| {
            let (code, _) = line.strip_prefix("error ")?.split_once(" at ")?;
            Some(code)
        });
        let told: Vec<&str> = told.collect();
        assert_eq!(told, faults, "{name} as {purpose}: {}", ended.stderr);
        // OpenSSL takes a subject for a name where there are no others. Not all do.
        let mut text = Command::new("openssl");
        text.args(["x509", "-noout", "-ext", "subjectAltName", "-in"]);
        let names = run(text.arg(cert(&format!("{name}.pem"))), b"").stdout;
        let names = String::from_utf8_lossy(&names).into_owned();
        assert!(names.contains("DNS:"), "{name} has no name: {names}");
    }
}

#[cfg(unix)]
#[test]
fn a_private_key_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(certs()).expect("the folder").flatten() {
        let mode = entry.metadata().expect("its metadata").permissions().mode();
        if entry.path().extension().is_some_and(|end| end == "key") {
            assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
        }
    }
}

#[test]
fn no_private_key_and_no_certificate_is_kept_in_the_repository() {
    let Some(mut git) = peer("git", "--version") else {
        return;
    };
    let ended = run(
        git.args([
            "grep",
            "-lE",
            "^-----BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)",
        ]),
        b"",
    );
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "");
}

// ---- server and client

#[test]
fn lines_go_through_our_own_server_and_come_back() {
    for name in ["server", "chain"] {
        let (_server, addr) = serve(name);
        let mut client = Command::new(CLIENT);
        client.args([&addr.to_string(), &cert("ca.pem"), "localhost"]);
        let long = "x".repeat(1 << 20);
        let ended = run(&mut client, format!("hello\n\nhej hå\n{long}").as_bytes());
        let due = format!("hello\n\nhej hå\n{long}\n");
        assert!(ended.stdout == due.as_bytes(), "{}", ended.stderr);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_client_that_ends_inside_a_frame_is_told_from_one_that_ends_between_two() {
    let (mut server, addr) = serve("server");
    let mut tls = shaken(addr);
    tls.write_all(&frame(b"hello world")[..9])
        .expect("a part of a frame");
    tls.get_ref().shutdown(Shutdown::Write).expect("a FIN");
    server.stderr_line();
    let line = server.stderr_line();
    assert!(
        line.ends_with("broke off: truncated after 5 of 11 bytes"),
        "{line}"
    );
}

#[test]
fn the_client_tells_nothing_to_a_server_that_it_does_not_know() {
    for name in [
        "expired",
        "wrong-host",
        "self-signed",
        "unknown-ca",
        "client-only",
    ] {
        let (mut server, addr) = serve(name);
        let mut client = Command::new(CLIENT);
        client.args([&addr.to_string(), &cert("ca.pem"), "localhost"]);
        let ended = run(&mut client, SECRET.as_bytes());
        assert_eq!(
            (ended.status.code(), &ended.stdout[..]),
            (Some(1), &b""[..])
        );
        server.stderr_line();
        let line = server.stderr_line();
        assert!(line.contains("no handshake"), "{name}: {line}");
    }
}

#[test]
fn bad_usage_and_bad_files_are_sentences() {
    for program in [SERVER, CLIENT, DOCTOR, WIRETAP, MAKE_CERTS] {
        let ended = run(&mut Command::new(program), b"");
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains("usage: ch09_"), "{ended:?}");
        #[cfg(unix)]
        {
            let not_utf8 = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
            let ended = run(Command::new(program).args([not_utf8, not_utf8]), b"");
            assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        }
    }
    let mut server = Command::new(SERVER);
    let ended = run(
        server.args(["127.0.0.1:0", "no/such.pem", "no/such.key"]),
        b"",
    );
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.starts_with("cannot use no/such.pem"),
        "{ended:?}"
    );
}

// ---- the doctor, against each row of bad peers

/// A peer of OpenSSL's own: `openssl s_server` with these arguments.
fn s_server(args: &[&str]) -> Option<(Program, SocketAddr)> {
    let mut openssl = peer("openssl", "version")?;
    openssl.args([
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-key",
        &cert("server.key"),
    ]);
    let mut server = Program::start(openssl.args(args));
    loop {
        // `ACCEPT 127.0.0.1:PORT`
        if let Some(addr) = server.stdout_line().strip_prefix("ACCEPT ") {
            return Some((server, addr.parse().expect("an address")));
        }
    }
}

/// The doctor's word about whoever listens there.
fn finding(addr: SocketAddr, host: &str) -> String {
    let mut doctor = Command::new(DOCTOR);
    let ended = run(doctor.args([&addr.to_string(), &cert("ca.pem"), host]), b"");
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    let (word, sentence) = stdout.split_once(": ").expect("a word and a sentence");
    assert!(sentence.ends_with('\n') && sentence.len() > 10, "{stdout}");
    assert_eq!(
        ended.status.code(),
        Some(i32::from(word != "ok")),
        "{ended:?}"
    );
    word.to_string()
}

#[test]
fn the_doctor_has_a_word_for_each_certificate_under_both_versions() {
    for (name, due) in [
        ("server", "ok"),
        ("chain", "ok"),
        ("unknown-ca", "unknown-ca"),
        ("no-intermediate", "unknown-ca"),
        ("self-signed", "self-signed"),
        ("expired", "expired"),
        ("not-yet-valid", "not-yet-valid"),
        ("wrong-host", "wrong-host"),
        ("client-only", "wrong-purpose"),
    ] {
        let pem = cert(&format!("{name}.pem"));
        for version in ["-tls1_2", "-tls1_3"] {
            let Some((_server, addr)) = s_server(&["-cert", &pem, "-cert_chain", &pem, version])
            else {
                return;
            };
            assert_eq!(finding(addr, "localhost"), due, "{name} {version}");
        }
    }
}

#[test]
fn the_doctor_tells_an_address_that_is_not_in_the_certificate() {
    let (_server, addr) = serve("server");
    assert_eq!(finding(addr, "127.0.0.1"), "ok");
    assert_eq!(finding(addr, "127.0.0.2"), "wrong-host");
}

#[test]
fn the_doctor_tells_old_versions_and_wanted_certificates() {
    where_pressed(Duration::from_millis(250), || {
        let pem = cert("server.pem");
        let ca = cert("ca.pem");
        let old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
        for (args, due) in [
            (&old[..], "old-tls"),
            (
                &["-Verify", "1", "-CAfile", &ca, "-tls1_2"],
                "wants-certificate",
            ),
            (
                &["-Verify", "1", "-CAfile", &ca, "-tls1_3"],
                "wants-certificate",
            ),
        ] {
            let args = [&["-cert", &pem], args].concat();
            let Some((_server, addr)) = s_server(&args) else {
                return;
            };
            assert_eq!(finding(addr, "localhost"), due, "{args:?}");
        }
    });
}

#[test]
fn the_doctor_tells_what_is_no_tls() {
    let (_server, addr) = listening(Command::new(FRAME_SERVER).arg("127.0.0.1:0"));
    // It takes the hello for a long frame, and hangs up.
    assert_eq!(finding(addr, "localhost"), "cut-off");
    let plain = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = plain.local_addr().expect("an address");
    let server = thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = plain.accept().expect("accept");
            stream.write_all(b"220 hello\r\n").expect("say hello");
            stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
            let mut all = Vec::new();
            // It resets, perhaps.
            _ = stream.read_to_end(&mut all);
        }
    });
    assert_eq!(finding(addr, "localhost"), "not-tls");
    assert_eq!(finding(addr, "localhost"), "not-tls");
    server.join().expect("the server's part");
    assert_eq!(finding(addr, "localhost"), "refused");
}

#[test]
fn the_doctor_gives_up_after_3_seconds_on_a_silent_and_on_a_dripping_peer() {
    for drips in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let addr = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("accept");
            // A record of 16 KiB that never is whole.
            let began = Instant::now();
            for byte in [22, 3, 3, 64, 0].into_iter().chain([0; 200]) {
                thread::sleep(Duration::from_millis(100));
                if began.elapsed() > LIMIT || (drips && stream.write_all(&[byte]).is_err()) {
                    break;
                }
                if !drips && began.elapsed() > Duration::from_secs(5) {
                    break;
                }
            }
        });
        let began = Instant::now();
        assert_eq!(finding(addr, "localhost"), "timed-out");
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
        server.join().expect("the server's part");
    }
}

// ---- peers of other makers

#[test]
fn openssl_s_client_and_curl_shake_hands_with_our_server() {
    let (_server, addr) = serve("server");
    if let Some(mut openssl) = peer("openssl", "version") {
        let ca = cert("ca.pem");
        openssl.args(["s_client", "-quiet", "-connect", &addr.to_string()]);
        openssl.args([
            "-CAfile",
            &ca,
            "-verify_return_error",
            "-servername",
            "localhost",
        ]);
        let mut client = Program::start(openssl.args(["-verify_hostname", "localhost"]));
        let mut stdin = client.stdin.take().expect("piped");
        stdin.write_all(&frame(b"hello")).expect("say hello");
        assert_eq!(client.stdout_bytes(9), frame(b"hello"));
    }
    if let Some(mut curl) = peer("curl", "--version") {
        // No HTTP is spoken here, but the handshake is done before that is found out.
        curl.args(["-s", "--max-time", "5", "--cacert", &cert("ca.pem")]);
        curl.args([
            "-w",
            "verified: %{ssl_verify_result} after %{time_appconnect} s",
        ]);
        let ended = run(curl.arg(format!("https://localhost:{}/", addr.port())), b"");
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        let (_, told) = told
            .split_once("verified: 0 after ")
            .expect("0 is in order");
        assert_ne!(told, "0.000000 s", "it had no handshake");
    }
}

const PYTHON_CLIENTS: &str = r"
import asyncio, socket, ssl, struct, sys, threading
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
messages = [b'hello', b'', bytes(range(256)) * 300, b'x' * (1 << 20)]
def says(same): # in one write: `print` writes its newline apart, and another thread comes between
    sys.stdout.write('the same\n' if same else 'not the same\n')
def exchange():
    with socket.create_connection((host, port), timeout=15) as tcp:
        with context.wrap_socket(tcp, server_hostname='localhost') as s:
            file = s.makefile('rb')
            for message in messages:
                s.sendall(struct.pack('!I', len(message)) + message)
                length, = struct.unpack('!I', file.read(4))
                says(file.read(length) == message)
threads = [threading.Thread(target=exchange) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
async def meet():
    reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname='localhost')
    for message in messages:
        writer.write(struct.pack('!I', len(message)) + message)
        await writer.drain()
        length, = struct.unpack('!I', await reader.readexactly(4))
        says(await reader.readexactly(length) == message)
    writer.close()
asyncio.run(meet())
";

#[test]
fn python_s_clients_with_threads_and_with_asyncio_talk_to_our_server() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let (_server, addr) = serve("server");
    let port = addr.port().to_string();
    let args = ["-c", PYTHON_CLIENTS, "127.0.0.1", &port, &cert("ca.pem")];
    let ended = run(python.args(args), b"");
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(printed, "the same\n".repeat(16), "{}", ended.stderr);
}

const PYTHON_SERVER: &str = r"
import asyncio, socket, ssl, struct, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
def threads():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        print('%s:%d' % listener.getsockname(), flush=True)
        tcp, _ = listener.accept()
        with context.wrap_socket(tcp, server_side=True) as s, s.makefile('rwb') as file:
            while header := file.read(4):
                file.write(header + file.read(*struct.unpack('!I', header)))
                file.flush()
            s.unwrap()
async def loop():
    over = asyncio.Event()
    async def converse(reader, writer):
        try:
            while True:
                header = await reader.readexactly(4)
                writer.write(header + await reader.readexactly(*struct.unpack('!I', header)))
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()
            over.set()
    server = await asyncio.start_server(converse, '127.0.0.1', 0, ssl=context)
    print('%s:%d' % server.sockets[0].getsockname(), flush=True)
    await over.wait()
if sys.argv[1] == 'threads':
    threads()
else:
    asyncio.run(loop())
";

#[test]
fn our_client_talks_to_python_s_servers_with_threads_and_with_asyncio() {
    for kind in ["threads", "asyncio"] {
        let Some(mut python) = peer("python3", "--version") else {
            return;
        };
        let (pem, key) = (cert("server.pem"), cert("server.key"));
        let mut server = Program::start(python.args(["-c", PYTHON_SERVER, kind, &pem, &key]));
        let addr = server.stdout_line();
        let mut client = Command::new(CLIENT);
        client.args([&addr, &cert("ca.pem"), "localhost"]);
        let long = "y".repeat(200_000);
        let ended = run(&mut client, format!("hello\n{long}\n\n").as_bytes());
        let due = format!("hello\n{long}\n\n");
        assert!(ended.stdout == due.as_bytes(), "{kind}: {}", ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{kind}: {}", ended.stderr);
    }
}

// ---- the wiretap

/// What our client says to a server, and all bytes of both directions that went by meanwhile.
fn overheard(server: SocketAddr, client: impl FnOnce(SocketAddr)) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let relay = thread::spawn(move || {
        let (near, _) = listener.accept().expect("accept");
        let far = connect(server);
        near.set_read_timeout(Some(LIMIT)).expect("a timeout");
        let copy = |mut from: &TcpStream, mut to: &TcpStream| {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                all.extend_from_slice(&buffer[..n]);
                _ = to.write_all(&buffer[..n]);
            }
            _ = to.shutdown(Shutdown::Write);
            all
        };
        thread::scope(|scope| {
            let out = scope.spawn(|| copy(&near, &far));
            [copy(&far, &near), out.join().expect("no panic")].concat()
        })
    });
    client(addr);
    relay.join().expect("the relay's part")
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn a_password_is_on_the_wire_in_plain_text_and_nowhere_in_tls() {
    let (_server, addr) = listening(Command::new(FRAME_SERVER).arg("127.0.0.1:0"));
    let plain = overheard(addr, |addr| {
        let mut stream = connect(addr);
        stream.write_all(&frame(SECRET.as_bytes())).expect("say it");
        stream.shutdown(Shutdown::Write).expect("a FIN");
        stream.read_to_end(&mut Vec::new()).expect("the echo");
    });
    assert!(has(&plain, SECRET));
    let (_server, addr) = serve("server");
    let client = |addr: SocketAddr| {
        let mut client = Command::new(CLIENT);
        client.args([&addr.to_string(), &cert("ca.pem"), "localhost"]);
        let ended = run(&mut client, SECRET.as_bytes());
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    };
    let tls = overheard(addr, client);
    assert!(!has(&tls, SECRET) && !has(&tls, "swordfish"));
    // The name that was asked for, and the certificate that was shown, are.
    assert!(has(&tls, "localhost") && has(&tls, "Wireside CA"));
}

#[test]
fn the_wiretap_prints_what_is_to_be_seen_and_no_more_under_both_versions() {
    for (version, certificate_is_seen) in [("-tls1_2", true), ("-tls1_3", false)] {
        let pem = cert("server.pem");
        let Some((_server, addr)) = s_server(&["-cert", &pem, version, "-rev"]) else {
            return;
        };
        let mut command = Command::new(WIRETAP);
        let (mut tap, tapped) = listening(command.args(["127.0.0.1:0", &addr.to_string()]));
        let mut tls = shaken(tapped);
        tls.write_all(b"swordfish\n").expect("say it");
        let mut back = [0; 10];
        tls.read_exact(&mut back).expect("the answer");
        assert_eq!(&back, b"hsifdrows\n");
        tls.shutdown().expect("the last word");
        drop(tls);
        let mut seen = String::new();
        while !seen.contains("(FIN)") && !seen.contains("breaks off") {
            seen.push_str(&tap.stdout_line());
            seen.push('\n');
        }
        assert!(seen.contains("whom it wants: localhost"), "{seen}");
        assert!(seen.contains("application data, "), "{seen}");
        assert_eq!(
            seen.contains("Wireside CA, localhost"),
            certificate_is_seen,
            "{seen}"
        );
        assert!(!seen.contains("swordfish"), "{seen}");
    }
}
