//! No tickets: sessions are remembered. The plain `TcpStream` lies beneath TLS, a guard beside each
//! client shuts it down when its handshake has taken 3 s, and the list is read once.

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslOptions, SslStream,
    SslVerifyMode, SslVersion,
};
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

struct House {
    context: SslContext,
    names: HashSet<Vec<u8>>,
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let [_, addr, cert, key, ca, list] = &args[..] else {
        eprintln!("usage: remembers ADDR CERT KEY CA_FILE LIST");
        process::exit(2);
    };
    if let Err(err) = serve(addr, cert, key, ca, list) {
        eprintln!("cannot serve on {addr}: {err}");
        process::exit(1);
    }
}

fn context(cert: &str, key: &str, ca: &str) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.set_ca_file(ca)?;
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    builder.set_session_id_context(b"members")?;
    Ok(builder.build())
}

fn serve(addr: &str, cert: &str, key: &str, ca: &str, list: &str) -> io::Result<()> {
    let list = fs::read(list)?;
    let lines = list.split(|byte| *byte == b'\n');
    let names = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    let house = Arc::new(House {
        context: context(cert, key, ca).map_err(io::Error::other)?,
        names: names.filter(|name| !name.is_empty()).collect(),
    });
    let listener = TcpListener::bind(addr)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let house = Arc::clone(&house);
        thread::spawn(move || {
            if let Err(err) = meet(&stream, &house) {
                eprintln!("{err}");
            }
            let _ = linger(&stream);
        });
    }
    Ok(())
}

fn meet(stream: &TcpStream, house: &House) -> io::Result<()> {
    let done = Arc::new(AtomicBool::new(false));
    let (beneath, told) = (stream.try_clone()?, Arc::clone(&done));
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(3));
        if !told.load(Ordering::SeqCst) {
            let _ = beneath.shutdown(Shutdown::Both);
        }
    });
    let mut tls = SslStream::new(Ssl::new(&house.context)?, stream.try_clone()?)?;
    let shaken = tls.accept();
    done.store(true, Ordering::SeqCst);
    shaken.map_err(io::Error::other)?;
    converse(&mut tls, house)?;
    tls.shutdown().map_err(io::Error::other)?;
    Ok(())
}

fn converse(tls: &mut SslStream<TcpStream>, house: &House) -> io::Result<()> {
    let cert = tls.ssl().peer_certificate();
    let cert = cert.ok_or_else(|| io::Error::other("no certificate"))?;
    let name = cert.subject_name().entries_by_nid(Nid::COMMONNAME).next();
    let name = name.ok_or_else(|| io::Error::other("no name"))?;
    let name = name.data().to_string()?.into_bytes();
    tls.write_all(&[b"hello ", &name[..], b"\n"].concat())?;
    let mut kept = Vec::new();
    let mut piece = [0; 500];
    loop {
        if let Some(end) = kept.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = kept.drain(..=end).collect();
            if !house.names.contains(&name) {
                return tls.write_all(b"not allowed\n");
            }
            tls.write_all(&line)?;
            continue;
        }
        match tls.read(&mut piece)? {
            0 => return Ok(()),
            _ if kept.len() > 1024 => return Ok(()),
            n => kept.extend_from_slice(&piece[..n]),
        }
    }
}

fn linger(mut stream: &TcpStream) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(1);
    stream.shutdown(Shutdown::Write)?;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut [0; 4096])? == 0 {
            return Ok(());
        }
    }
}
