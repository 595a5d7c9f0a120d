//! # Client with three tries ★★
//!
//! A client sends each TEXT in a datagram and waits for its acknowledgement. As it stands, it waits
//! for ever where one datagram was lost, and believes the first who says anything: a stranger, an
//! old answer, a wrong one.
//!
//! What is graded:
//! - `ex07_ack_client ADDR TEXT [TEXT...]` has one exchange after another, in order. A request is an
//!   id of four bytes and TEXT's bytes; the ids of one run are distinct. The next begins when the
//!   one before is acknowledged;
//! - the acknowledgement is exactly 7 bytes, the id that was sent and `ACK`, and comes from the peer
//!   that was asked (its IP and its port). Then there is a line `acknowledged` on stdout;
//! - whatever else comes, from whomever, changes nothing: no try is made earlier for it or later;
//! - without an acknowledgement the same datagram, same id and all, is sent again from the same
//!   port: the first try is at 0 ms, the second at 300 ms, the third at 600 ms, and at 900 ms the
//!   client gives up. There is no fourth. Each may be up to 150 ms late, and 20 ms early;
//! - an acknowledgement that comes after a later try has been made counts all the same;
//! - after the last TEXT is acknowledged the exit status is 0. Where the client gave up it is 1,
//!   within 1,500 ms of the first try, and the last line on stderr says what failed; stdout has
//!   `acknowledged` only for what was. Where nobody listens at ADDR it may give up earlier;
//! - for a TEXT of more than 1,200 bytes the exit status is 2, and nothing is sent.
//!
//! Try it:
//!
//!     cargo run --bin ch07_udp_server 127.0.0.1:7007                          # terminal 1
//!     cargo run --bin ch07_lossy_link 127.0.0.1:7070 127.0.0.1:7007 --lose out:0
//!     cargo run -p exercises --bin ex07_ack_client 127.0.0.1:7070 hello       # terminal 3
//!     cargo course grade ex07_ack_client

use std::env;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some((addr, texts)) = args() else {
        eprintln!("usage: ex07_ack_client ADDR TEXT [TEXT...]");
        return ExitCode::from(2);
    };
    if let Err(err) = converse(addr, &texts) {
        eprintln!("not acknowledged by {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn converse(addr: SocketAddr, texts: &[String]) -> io::Result<()> {
    let any = match addr {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    let mut buffer = [0; 1500];
    for (id, text) in (1_u32..).zip(texts) {
        let request = [&id.to_be_bytes()[..], text.as_bytes()].concat();
        socket.send_to(&request, addr)?;
        let (n, peer) = socket.recv_from(&mut buffer)?;
        eprintln!("{peer} sent {n} bytes");
        writeln!(io::stdout(), "acknowledged")?;
    }
    Ok(())
}

/// ADDR and the texts; what is wrong with them goes to stderr.
fn args() -> Option<(SocketAddr, Vec<String>)> {
    let args = env::args_os().skip(1);
    let args: Result<Vec<String>, _> = args.map(|arg| arg.into_string()).collect();
    let Ok([addr, texts @ ..]) = args.as_deref() else {
        eprintln!("ADDR and TEXT are needed, in UTF-8");
        return None;
    };
    let Ok(addr) = addr.parse() else {
        eprintln!("{addr:?} is no address of the form IP:PORT or [IP6]:PORT");
        return None;
    };
    if texts.is_empty() {
        eprintln!("a TEXT is needed");
        return None;
    }
    Some((addr, texts.to_vec()))
}
