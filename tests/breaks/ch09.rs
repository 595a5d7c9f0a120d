//! The errors of chapter 9's page. Of what OpenSSL says, its reason alone is compared, and what X.509
//! says of a certificate: the rest names the lines of its source.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use native_tls::{Certificate, HandshakeError, Identity, TlsAcceptor, TlsConnector, TlsStream};

use crate::{Row, Seen, check};

#[allow(dead_code)]
#[path = "../../src/bin/ch09_tls_server.rs"]
mod server_program;

#[test]
fn each_row_of_the_tls_page_happens() {
    check("ch09_tls.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "the CA isn't the one",
        provoke: || shows("unknown-ca", "localhost"),
    },
    Row {
        cause: "its last day is over",
        provoke: || shows("expired", "localhost"),
    },
    Row {
        cause: "made out to another name",
        provoke: || shows("server", "example.com"),
    },
    Row {
        cause: "speaks no TLS",
        provoke: || meets(|mut stream| stream.write_all(b"220 hello\r\n")),
    },
    Row {
        cause: "ended inside the handshake",
        provoke: || meets(|stream| stream.shutdown(Shutdown::Write)),
    },
    Row {
        cause: "silent, or drips",
        provoke: || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
            let addr = listener.local_addr().expect("an address");
            let stream = TcpStream::connect(addr).expect("connect");
            let deadline = server_program::Deadline::after(Duration::from_millis(100));
            let mut timed = server_program::Timed {
                stream: &stream,
                deadline,
            };
            timed.read(&mut [0]).into()
        },
    },
    Row {
        cause: "another form than PKCS#8",
        provoke: || {
            let key = b"-----BEGIN RSA PRIVATE KEY-----\n";
            let wrong = Identity::from_pkcs8(&read("server.pem"), key).map(|_| ());
            wrong.map_err(io::Error::other).into()
        },
    },
    Row {
        cause: "with close_notify or without",
        provoke: || {
            let (mut tls, server) = connected("server", "localhost").expect("a handshake");
            server.join().expect("the server's part");
            tls.read(&mut [0]).into()
        },
    },
];

/// A file of certificates that are made once for this run.
fn read(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ch09_breaks");
        let mut make = Command::new(env!("CARGO_BIN_EXE_ch09_make_certs"));
        assert!(make.arg(&folder).output().expect("run it").status.success());
        folder
    });
    std::fs::read(folder.join(name)).expect("a file of ch09_make_certs")
}

fn connector() -> TlsConnector {
    let ca = Certificate::from_pem(&read("ca.pem")).expect("a certificate");
    let mut builder = TlsConnector::builder();
    builder
        .disable_built_in_roots(true)
        .add_root_certificate(ca);
    builder.build().expect("a connector")
}

type Connected = (TlsStream<TcpStream>, thread::JoinHandle<()>);

/// A client and a server with this certificate, which shakes hands and then closes.
fn connected(name: &str, host: &str) -> Result<Connected, HandshakeError<TcpStream>> {
    let identity = Identity::from_pkcs8(&read(&format!("{name}.pem")), &read("server.key"));
    let acceptor = TlsAcceptor::new(identity.expect("an identity")).expect("an acceptor");
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("accept");
        // It fails where the client doesn't like the certificate.
        drop(acceptor.accept(stream));
    });
    let stream = TcpStream::connect(addr).expect("connect");
    Ok((connector().connect(host, stream)?, server))
}

fn shows(name: &str, host: &str) -> Seen {
    reason(connected(name, host).map(|_| ()))
}

/// A client of a server that does this when it is connected, and reads to the end.
fn meets(acts: fn(&TcpStream) -> io::Result<()>) -> Seen {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accept");
        acts(&stream).expect("its part");
        // A reset ends it as well.
        _ = stream.read_to_end(&mut Vec::new());
    });
    let stream = TcpStream::connect(addr).expect("connect");
    let seen = reason(connector().connect("localhost", stream).map(|_| ()));
    server.join().expect("the server's part");
    seen
}

fn reason(shaken: Result<(), HandshakeError<TcpStream>>) -> Seen {
    shaken
        .map_err(|err| io::Error::other(short(&err.to_string())))
        .into()
}

/// `error:0A000086:SSL routines:function:REASON:file:line: (PHRASE)`, without all but the capitals.
fn short(words: &str) -> String {
    let parts: Vec<&str> = words.split(':').collect();
    match &parts[..] {
        ["error", _, _, _, reason, _, _, rest @ ..] => {
            format!("{reason}{}", rest.first().copied().unwrap_or_default())
        }
        _ => words.to_string(),
    }
}
