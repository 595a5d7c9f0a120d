//! The errors of chapter 10's page, as its server and a client meet them. Of what OpenSSL says, its
//! reason alone is compared.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use openssl::ssl::{
    Error, Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslStream, SslVerifyMode,
    SslVersion,
};

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_page_beneath_happens() {
    check("ch10_beneath.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "insists on a certificate",
        provoke: || server_meets(SslVersion::TLS1_2, None),
    },
    Row {
        cause: "the client's certificate is of another CA",
        provoke: || server_meets(SslVersion::TLS1_2, Some("mallory")),
    },
    Row {
        cause: "under TLS 1.2",
        provoke: || client_meets(SslVersion::TLS1_2, Settings::Asks),
    },
    Row {
        cause: "under TLS 1.3",
        provoke: || client_meets(SslVersion::TLS1_3, Settings::Asks),
    },
    Row {
        cause: "the other end's oldest version",
        provoke: || client_meets(SslVersion::TLS1_2, Settings::Newest),
    },
    Row {
        cause: "no suite that both would take",
        provoke: || client_meets(SslVersion::TLS1_2, Settings::OneSuite),
    },
    Row {
        cause: "sessions have no context",
        provoke: no_context,
    },
    Row {
        cause: "closes with bytes unread",
        provoke: || {
            let (client, server) = pair();
            (&client).write_all(b"write something\n").expect("say it");
            server.peek(&mut [0; 16]).expect("it has come");
            drop(server);
            (&client).read(&mut [0]).into()
        },
    },
];

#[derive(Clone, Copy, PartialEq)]
enum Settings {
    /// For a certificate of the CA, and sessions have a context.
    Asks,
    /// The same, and sessions have none.
    AsksWithoutContext,
    /// Speaks TLS 1.3 alone.
    Newest,
    /// Takes one suite of TLS 1.2.
    OneSuite,
}

fn file(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ch10_breaks");
        let mut make = Command::new(env!("CARGO_BIN_EXE_ch09_make_certs"));
        assert!(make.arg(&folder).output().expect("run it").status.success());
        folder
    });
    folder.join(name)
}

fn server_context(settings: Settings) -> SslContext {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).expect("a context");
    let chain = builder.set_certificate_chain_file(file("server.pem"));
    chain.expect("a certificate");
    let key = builder.set_private_key_file(file("server.key"), SslFiletype::PEM);
    key.expect("a key");
    match settings {
        Settings::Asks | Settings::AsksWithoutContext => {
            builder.set_ca_file(file("ca.pem")).expect("a CA");
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            if settings == Settings::Asks {
                builder.set_session_id_context(b"breaks").expect("a name");
            }
        }
        Settings::Newest => {
            let set = builder.set_min_proto_version(Some(SslVersion::TLS1_3));
            set.expect("a version");
        }
        Settings::OneSuite => {
            let set = builder.set_cipher_list("ECDHE-RSA-AES128-GCM-SHA256");
            set.expect("a suite");
        }
    }
    builder.build()
}

fn client_ssl(version: SslVersion, who: Option<&str>) -> Ssl {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client()).expect("a context");
    builder
        .set_max_proto_version(Some(version))
        .expect("a version");
    let set = builder.set_cipher_list("ECDHE-RSA-AES256-GCM-SHA384");
    set.expect("a suite");
    if let Some(who) = who {
        let chain = builder.set_certificate_chain_file(file(&format!("{who}.pem")));
        chain.expect("a certificate");
        let key = builder.set_private_key_file(file(&format!("{who}.key")), SslFiletype::PEM);
        key.expect("a key");
    }
    Ssl::new(&builder.build()).expect("a client")
}

/// The two ends of a connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let client = TcpStream::connect(addr).expect("connect");
    (client, listener.accept().expect("accept").0)
}

/// A client, and a server beside it that accepts, ends its half, and reads to the end: what each
/// meets. Both ends of a handshake, and of the first read behind it.
fn meet(client: &mut SslStream<TcpStream>, far: TcpStream, context: &SslContext) -> [Seen; 2] {
    let mut server = SslStream::new(Ssl::new(context).expect("a server"), far).expect("a server");
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            let accepted = server.accept();
            if accepted.is_ok() {
                _ = server.write_all(b"hello\n");
                _ = server.shutdown();
            }
            let mut beneath = server.get_ref();
            _ = beneath.shutdown(Shutdown::Write);
            _ = beneath.read_to_end(&mut Vec::new());
            reason(accepted)
        });
        let came = client
            .connect()
            .and_then(|()| client.ssl_read(&mut [0; 100]).map(|_| ()));
        _ = client.shutdown();
        _ = client.get_ref().shutdown(Shutdown::Both);
        [reason(came), server.join().expect("the server's part")]
    })
}

fn both(version: SslVersion, who: Option<&str>, settings: Settings) -> [Seen; 2] {
    let (near, far) = pair();
    let mut client = SslStream::new(client_ssl(version, who), near).expect("a client");
    meet(&mut client, far, &server_context(settings))
}

fn client_meets(version: SslVersion, settings: Settings) -> Seen {
    let [client, _] = both(version, None, settings);
    client
}

fn server_meets(version: SslVersion, who: Option<&str>) -> Seen {
    let [_, server] = both(version, who, Settings::Asks);
    server
}

/// What the server says to a client that resumes.
fn no_context() -> Seen {
    let context = server_context(Settings::AsksWithoutContext);
    let ssl = client_ssl(SslVersion::TLS1_2, Some("alice"));
    let (near, far) = pair();
    let mut client = SslStream::new(ssl, near).expect("a client");
    meet(&mut client, far, &context);
    let (near, far) = pair();
    *client.get_mut() = near;
    let mut server = SslStream::new(Ssl::new(&context).expect("a server"), far).expect("a server");
    let server = thread::spawn(move || reason(server.accept()));
    // It begins with `SSL_clear`, which keeps the session.
    _ = client.stateless();
    _ = client.connect();
    drop(client);
    server.join().expect("the server's part")
}

/// `error:NUMBER:SSL routines:function:REASON:file:line:more`.
fn reason(came: Result<(), Error>) -> Seen {
    let came = came.map_err(|err| {
        let words = err.to_string();
        let reason = words.split(':').nth(4).unwrap_or(&words);
        io::Error::other(reason.to_string())
    });
    came.into()
}
