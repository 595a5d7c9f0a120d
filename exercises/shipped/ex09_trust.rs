//! # Whom do you trust? ★★
//!
//! A client sends each line of stdin as a frame, over TLS, and prints each reply on a line. As it
//! stands it encrypts everything, for whoever picks up the phone: one line of it, found in many
//! programs, turns off every check of the certificate. And it has all the time in the world.
//!
//! What is graded:
//! - `ex09_trust ADDR CA_FILE HOST` connects to ADDR and speaks TLS, 1.2 or newer (also with a server
//!   of TLS 1.2 only, and of 1.3 only), with the server called HOST: a name, sent in the handshake
//!   (SNI) and looked for in the certificate. The one CA whose signature counts is in CA_FILE (PEM);
//!   those of the system don't;
//! - the client speaks first: each line of stdin, without its LF (a CR stays), as a frame (a `u32`,
//!   big-endian, and so many bytes). Each reply, of up to 1,048,576 bytes, goes to stdout with an LF
//!   behind it. All lines may be sent at once, or each after the reply to the last. After the last
//!   reply it ends the TLS stream (close_notify: `shutdown`), and its exit status is 0;
//! - nothing of stdin goes to a server before its certificate has been found in order;
//! - all of it takes 3 s at most, counted from its connecting: ended after 4 s is in time. A server
//!   that needs 2 s in all is none too slow;
//! - what goes wrong before the first reply is one word on stdout and nothing else there, exit status 1:
//!   - `expired`: the certificate's time is over, or has not begun;
//!   - `wrong-host`: it is made out to another name;
//!   - `untrusted`: it has any other fault (another CA, signed by itself, not meant for servers, …).
//!     A certificate that is tried has one fault;
//!   - `not-tls`: any other failed handshake: the server speaks no TLS, too old a one, breaks off, or
//!     wants a certificate of the client under TLS 1.2;
//!   - `refused`: nobody listens at ADDR;
//!   - `timed-out`: the 3 s were over, in connecting, in the handshake, or in waiting for a reply;
//! - after the handshake, a reply that is cut off, that is missing when the server ends, or that claims
//!   to be too long: exit status 1, without a word on stdout.
//!
//! native-tls tells certificates apart by its words only. Those about X.509 have been the same for years:
//! `certificate has expired`, `not yet valid`, `hostname mismatch`, and `certificate verify failed`
//! around all of them. Look for these, and for nothing beside them.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     cargo run --features tls --bin ch09_tls_server 127.0.0.1:7009 certs/expired.pem certs/server.key
//!     echo hello | cargo run -p exercises --features tls --bin ex09_trust 127.0.0.1:7009 certs/ca.pem localhost
//!     cargo course grade ex09_trust

use byteorder::{BigEndian, ReadBytesExt, WriteBytesExt};
use native_tls::{Certificate, TlsConnector, TlsStream};
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, ca, host]) = (addr, args.as_slice()) else {
        eprintln!("usage: ex09_trust IP:PORT CA_FILE HOST");
        return ExitCode::from(2);
    };
    match connect(addr, ca, host).and_then(converse) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("cannot exchange frames with {host} at {addr}: {err}");
            ExitCode::FAILURE
        }
    }
}

fn connect(addr: SocketAddr, ca: &str, host: &str) -> io::Result<TlsStream<TcpStream>> {
    let ca = Certificate::from_pem(&fs::read(ca)?).map_err(io::Error::other)?;
    let connector = TlsConnector::builder()
        .add_root_certificate(ca)
        // "Makes the error go away."
        .danger_accept_invalid_certs(true)
        .build()
        .map_err(io::Error::other)?;
    let stream = TcpStream::connect(addr)?;
    let connected = connector.connect(host, stream);
    connected.map_err(|err| io::Error::other(format!("no handshake: {err}")))
}

/// A line, its reply, the next line.
fn converse(mut tls: TlsStream<TcpStream>) -> io::Result<()> {
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        let mut message = Vec::new();
        message.write_u32::<BigEndian>(line.len() as u32)?;
        message.extend_from_slice(&line);
        tls.write_all(&message)?;
        let length = tls.read_u32::<BigEndian>()?;
        let mut reply = vec![0; length as usize];
        tls.read_exact(&mut reply)?;
        reply.push(b'\n');
        io::stdout().write_all(&reply)?;
    }
    tls.shutdown()
}
