//! Beside each client's thread runs a guard, who shuts the TCP connection down when the time is over
//! that the thread has told it. TLS has the plain `TcpStream`, without any timeout.

use native_tls::{Identity, Protocol, TlsAcceptor, TlsStream};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, addr, cert, key] = &args[..] else {
        eprintln!("usage: guarded ADDR CERT KEY");
        process::exit(2);
    };
    if let Err(err) = serve(addr, cert, key) {
        eprintln!("cannot serve on {addr}: {err}");
        process::exit(1);
    }
}

fn serve(addr: &str, cert: &str, key: &str) -> io::Result<()> {
    let identity = Identity::from_pkcs8(&std::fs::read(cert)?, &std::fs::read(key)?);
    let acceptor = TlsAcceptor::builder(identity.map_err(io::Error::other)?)
        .min_protocol_version(Some(Protocol::Tlsv12))
        .build()
        .map_err(io::Error::other)?;
    let listener = TcpListener::bind(addr)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let acceptor = acceptor.clone();
        thread::spawn(move || {
            if let Err(err) = meet(stream, &acceptor) {
                eprintln!("{err}");
            }
        });
    }
    Ok(())
}

/// The guard of a connection: each message is a new budget; its end ends the guard.
fn guard(stream: TcpStream) -> Sender<Duration> {
    let (tell, told) = mpsc::channel::<Duration>();
    thread::spawn(move || {
        let mut budget = Duration::from_secs(3);
        loop {
            match told.recv_timeout(budget) {
                Ok(next) => budget = next,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = stream.shutdown(Shutdown::Both);
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    tell
}

fn meet(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<()> {
    let guard = guard(stream.try_clone()?);
    let mut tls = acceptor
        .accept(stream)
        .map_err(|err| io::Error::other(err.to_string()))?;
    converse(&mut tls, &guard)?;
    let _ = guard.send(Duration::from_secs(1));
    tls.shutdown()
}

fn converse(tls: &mut TlsStream<TcpStream>, guard: &Sender<Duration>) -> io::Result<()> {
    let budget = |seconds| {
        let _ = guard.send(Duration::from_secs(seconds));
    };
    let mut header = [0; 4];
    loop {
        budget(30);
        if tls.read(&mut header[..1])? == 0 {
            return Ok(());
        }
        budget(10);
        tls.read_exact(&mut header[1..])?;
        let length = u32::from_be_bytes(header) as usize;
        if length > 1 << 20 {
            let refusal = b"error: frame too long";
            tls.write_all(&(refusal.len() as u32).to_be_bytes())?;
            return tls.write_all(refusal);
        }
        let mut payload = vec![0; length];
        tls.read_exact(&mut payload)?;
        budget(10);
        tls.write_all(&header)?;
        tls.write_all(&payload)?;
    }
}
