//! A thread does all of it, without any timeout; `main` waits for it for 3 s and no longer.

use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector};
use std::error::Error as _;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

static REPLIED: AtomicBool = AtomicBool::new(false);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, addr, ca, host] = &args[..] else {
        eprintln!("usage: watched_worker ADDR CA_FILE HOST");
        process::exit(2);
    };
    let Ok(addr) = addr.parse::<SocketAddr>() else {
        eprintln!("{addr} is no address");
        process::exit(2);
    };
    let mut lines = Vec::new();
    if let Err(err) = io::stdin().read_to_end(&mut lines) {
        fails("", &err.to_string());
    }
    let (ca, host) = (ca.clone(), host.clone());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(exchange(addr, &ca, &host, &lines)));
    match told.recv_timeout(Duration::from_secs(3)) {
        Ok(Ok(())) => {}
        Ok(Err((word, why))) => fails(word, &why),
        Err(_) if REPLIED.load(Ordering::SeqCst) => fails("", "timed out"),
        Err(_) => fails("timed-out", "timed out"),
    }
}

fn fails(word: &str, why: &str) -> ! {
    if !word.is_empty() {
        println!("{word}");
    }
    eprintln!("{why}");
    process::exit(1);
}

type Failed = (&'static str, String);

fn exchange(addr: SocketAddr, ca: &str, host: &str, lines: &[u8]) -> Result<(), Failed> {
    let broken = |err: io::Error| ("", err.to_string());
    let pem = std::fs::read(ca).map_err(broken)?;
    let ca = Certificate::from_pem(&pem).map_err(|err| ("", err.to_string()))?;
    let connector = TlsConnector::builder()
        .add_root_certificate(ca)
        .disable_built_in_roots(true)
        .min_protocol_version(Some(Protocol::Tlsv12))
        .build()
        .map_err(|err| ("", err.to_string()))?;
    let tcp = TcpStream::connect(addr).map_err(|err| match err.kind() {
        io::ErrorKind::ConnectionRefused => ("refused", err.to_string()),
        _ => ("", err.to_string()),
    })?;
    let tls = connector.connect(host, tcp).map_err(|err| match err {
        HandshakeError::Failure(err) => (word(&err), err.to_string()),
        HandshakeError::WouldBlock(_) => ("not-tls", "would block".to_string()),
    })?;
    let mut tls = BufReader::new(tls);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let frame = [&(line.len() as u32).to_be_bytes()[..], line].concat();
        tls.get_mut().write_all(&frame).map_err(broken)?;
        let mut length = [0; 4];
        tls.read_exact(&mut length).map_err(broken)?;
        let length = u64::from(u32::from_be_bytes(length));
        if length > 1 << 20 {
            return Err(("", "too long".to_string()));
        }
        let mut reply = Vec::new();
        tls.by_ref()
            .take(length)
            .read_to_end(&mut reply)
            .map_err(broken)?;
        if (reply.len() as u64) < length {
            return Err(("", "truncated".to_string()));
        }
        REPLIED.store(true, Ordering::SeqCst);
        reply.push(b'\n');
        io::stdout().write_all(&reply).map_err(broken)?;
    }
    tls.get_mut().shutdown().map_err(broken)
}

fn word(err: &native_tls::Error) -> &'static str {
    let mut words = err.to_string();
    if let Some(source) = err.source() {
        words.push_str(&source.to_string());
    }
    let phrases = [
        ("has expired", "expired"),
        ("not yet valid", "expired"),
        ("hostname mismatch", "wrong-host"),
        ("Hostname mismatch", "wrong-host"),
        ("certificate verify failed", "untrusted"),
    ];
    let found = phrases.iter().find(|(phrase, _)| words.contains(phrase));
    found.map_or("not-tls", |(_, word)| word)
}
