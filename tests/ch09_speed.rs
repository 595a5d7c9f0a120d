//! How fast the TLS server of chapter 9 is, beside what it is made of. Run by hand, on a quiet machine:
//!
//!     cargo test --release --features tls --test ch09_speed -- --ignored --nocapture
//!
//! Each number is the median of seven runs that take turns.

#![cfg(all(feature = "tls", target_os = "linux"))]

mod support;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use native_tls::{Certificate, TlsConnector};
use openssl::symm::{Cipher, encrypt_aead};
use support::{Program, connect, run};

const FRAME: usize = 1 << 20;

fn certs() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ch09_speed_certs");
    let mut make = Command::new(env!("CARGO_BIN_EXE_ch09_make_certs"));
    assert_eq!(run(make.arg(&folder), b"").status.code(), Some(0));
    folder
}

fn connector(certs: &Path) -> TlsConnector {
    let ca = std::fs::read(certs.join("ca.pem")).expect("the CA");
    let mut builder = TlsConnector::builder();
    builder.disable_built_in_roots(true);
    builder.add_root_certificate(Certificate::from_pem(&ca).expect("a certificate"));
    builder.build().expect("a connector")
}

/// Bytes a second that one core encrypts in records' sizes.
fn aes_256_gcm() -> f64 {
    let record = vec![7; 1 << 14];
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(500) {
        let mut tag = [0; 16];
        let sealed = encrypt_aead(
            Cipher::aes_256_gcm(),
            &[1; 32],
            Some(&[2; 12]),
            &[],
            &record,
            &mut tag,
        );
        done += sealed.expect("encrypted").len();
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// Bytes a second that TLS carries, there and back, in frames of 1 MiB. Each is encrypted once and
/// decrypted once, at two ends that work at the same time.
fn bulk(addr: SocketAddr, connector: &TlsConnector) -> f64 {
    let stream = connect(addr);
    // Else a frame's last, short piece waits for an acknowledgement (Nagle).
    stream.set_nodelay(true).expect("no delay");
    let mut tls = connector.connect("localhost", stream).expect("a handshake");
    let mut frame = vec![7; 4 + FRAME];
    frame[..4].copy_from_slice(&(FRAME as u32).to_be_bytes());
    let mut back = vec![0; 4 + FRAME];
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(1_000) {
        tls.write_all(&frame).expect("a frame");
        tls.read_exact(&mut back).expect("its echo");
        done += 2 * FRAME;
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// Handshakes a second, one after another.
fn handshakes(addr: SocketAddr, connector: &TlsConnector) -> f64 {
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(1_000) {
        let mut tls = connector
            .connect("localhost", connect(addr))
            .expect("a handshake");
        tls.shutdown().expect("the last word");
        done += 1;
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn bulk_and_handshakes_beside_aes_and_s_server() {
    let certs = certs();
    let connector = connector(&certs);
    let (pem, key) = (certs.join("server.pem"), certs.join("server.key"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch09_tls_server"));
    let mut server = Program::start(command.arg("127.0.0.1:0").args([&pem, &key]));
    let line = server.stdout_line();
    let ours: SocketAddr = line["listening on ".len()..].parse().expect("an address");
    let mut command = Command::new("openssl");
    command.args([
        "s_server",
        "-quiet",
        "-tls1_2",
        "-accept",
        "127.0.0.1:0",
        "-cert",
    ]);
    command.arg(&pem).arg("-key").arg(&key);
    // It says where it listens only if it isn't quiet, and is slower then.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let theirs = free.local_addr().expect("an address");
    drop(free);
    let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut command = Command::new("openssl");
    for arg in args {
        match arg.to_str() {
            Some("127.0.0.1:0") => command.arg(theirs.to_string()),
            _ => command.arg(arg),
        };
    }
    let _s_server = Program::start(&mut command);
    while std::net::TcpStream::connect(theirs).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut seen = [(); 4].map(|()| Vec::new());
    for _ in 0..7 {
        seen[0].push(aes_256_gcm());
        seen[1].push(bulk(ours, &connector));
        seen[2].push(handshakes(theirs, &connector));
        seen[3].push(handshakes(ours, &connector));
    }
    let [aes, bulk, theirs, ours] = seen.map(median);
    let mib = f64::from(1 << 20);
    println!("AES-256-GCM             {:8.0} MiB/s", aes / mib);
    println!(
        "frames over TLS         {:8.0} MiB/s, {:.2}",
        bulk / mib,
        bulk / aes
    );
    println!("handshakes, s_server    {theirs:8.0} /s");
    println!(
        "handshakes, ours        {ours:8.0} /s, {:.2}",
        ours / theirs
    );
}
