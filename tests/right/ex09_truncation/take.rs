//! `take` and `read_to_end` do the counting: what they bring is compared with what was due.

use native_tls::{Certificate, TlsConnector};
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::process;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, addr, ca, host] = &args[..] else {
        eprintln!("usage: take ADDR CA_FILE HOST");
        process::exit(2);
    };
    match message(addr, ca, host).and_then(|message| io::stdout().write_all(&message)) {
        Ok(()) => {}
        Err(err) => {
            eprintln!("{err}");
            process::exit(1);
        }
    }
}

fn message(addr: &str, ca: &str, host: &str) -> io::Result<Vec<u8>> {
    let ca = Certificate::from_pem(&std::fs::read(ca)?).map_err(io::Error::other)?;
    let connector = TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(ca)
        .build()
        .map_err(io::Error::other)?;
    let tls = connector.connect(host, TcpStream::connect(addr)?);
    let mut tls = BufReader::new(tls.map_err(|err| io::Error::other(err.to_string()))?);
    let header = part(&mut tls, 4)?;
    let length = header.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    part(&mut tls, length)
}

fn part(from: &mut impl Read, due: u64) -> io::Result<Vec<u8>> {
    let mut came = Vec::new();
    from.take(due).read_to_end(&mut came)?;
    if (came.len() as u64) < due {
        let wrong = format!("truncated after {} of {due} bytes", came.len());
        return Err(io::Error::other(wrong));
    }
    Ok(came)
}
