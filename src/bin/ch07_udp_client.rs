//! Nothing came back. Was the request lost, or the answer, or is either on its way?
//!
//! Nobody can know. So a client of datagrams waits no longer than it can afford, sends the same
//! again, and gives up after some tries. It believes an acknowledgement only if it comes from the
//! peer that was asked and names the id that was sent: datagrams come late, and from anybody.
//!
//!     cargo run --bin ch07_udp_server 127.0.0.1:7007                  # terminal 1
//!     cargo run --bin ch07_udp_client 127.0.0.1:7007 hello world      # terminal 2
//!     python3 book/listings/udp_ack.py 127.0.0.1:7008                 # terminal 1: a plain peer
//!     cargo run --bin ch07_udp_client 127.0.0.1:7008 --plain hello    # terminal 2
//!
//! `--plain` sends the text alone and takes a plain `ACK`, as simple peers do; which message it was
//! for, nobody can say. `--id N` numbers from N on; without it the first id is random, since the
//! server may remember an earlier client at this port.
//!
//! What it still gets wrong: one message after another, a round trip each, and each try waits the
//! same 300 ms whatever the network is like. Chapter 8 mends both.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_millis(300);
/// What fits into one packet of most networks.
const MAX_PAYLOAD: usize = 1_200;

fn main() -> ExitCode {
    let (addr, first_id, texts) = match args() {
        Ok(args) => args,
        Err(wrong) => {
            eprintln!("{wrong}\nusage: ch07_udp_client ADDR [--plain | --id N] TEXT [TEXT...]");
            return ExitCode::from(2);
        }
    };
    if let Err(err) = converse(addr, first_id, &texts) {
        eprintln!("not acknowledged by {addr}: {err}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One exchange after another. Without a first id the peer is a plain one.
fn converse(addr: SocketAddr, first_id: Option<u32>, texts: &[String]) -> io::Result<()> {
    let any = match addr {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    // No handshake: from here on the kernel lets in only what this peer
    // sends, and tells if nobody is at home there.
    socket.connect(addr)?;
    for (text, number) in texts.iter().zip(0..) {
        let id = first_id.map(|first| first.wrapping_add(number).to_be_bytes());
        let id = id.as_ref().map_or(&[][..], |id| &id[..]);
        let request = [id, text.as_bytes()].concat();
        exchange(&socket, &request, &[id, b"ACK"].concat())?;
        writeln!(io::stdout(), "acknowledged")?;
    }
    Ok(())
}

// ANCHOR: exchange
/// Sends the request, and again, until the right answer comes.
fn exchange(socket: &UdpSocket, request: &[u8], due: &[u8]) -> io::Result<()> {
    let mut why = io::Error::new(TimedOut, "it may have arrived, or not");
    for attempt in 1..=TRIES {
        eprintln!("try {attempt} of {TRIES}: {} bytes", request.len());
        let deadline = Instant::now() + WAIT;
        if let Err(err) = socket.send(request) {
            why = err;
        }
        loop {
            match receive(socket, deadline) {
                Ok(Some(answer)) if answer == due => return Ok(()),
                // Late, doubled, or of somebody's making: no reason to
                // send again, nor to wait any longer.
                Ok(Some(answer)) => eprintln!("not it: {}", answer.escape_ascii()),
                Ok(None) => break,
                Err(err) => why = err,
            }
        }
    }
    Err(why)
}
// ANCHOR_END: exchange

// ANCHOR: receive
/// The next datagram; `None` when the time is over.
fn receive(socket: &UdpSocket, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 65_536];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None); // As a timeout, zero would be an error.
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut buffer) {
            Ok(n) => {
                buffer.truncate(n);
                return Ok(Some(buffer));
            }
            Err(err) if matches!(err.kind(), WouldBlock | TimedOut | Interrupted) => {}
            // An earlier datagram found nobody. The server may be back
            // before the next try: so it is a loss, and has its name.
            Err(err) if matches!(err.kind(), ConnectionRefused | ConnectionReset) => {
                return Err(err);
            }
            Err(err) => {
                thread::sleep(left); // Or it would fail again at once.
                return Err(err);
            }
        }
    }
}
// ANCHOR_END: receive

/// ADDR, the first id unless the peer is plain, and the texts.
fn args() -> Result<(SocketAddr, Option<u32>, Vec<String>), String> {
    let mut args = Vec::new();
    for arg in env::args_os().skip(1) {
        args.push(
            arg.into_string()
                .map_err(|arg| format!("{arg:?} is no text"))?,
        );
    }
    let random = RandomState::new().build_hasher().finish() as u32;
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (addr, id, texts) = match words.as_slice() {
        [addr, "--plain", texts @ ..] => (addr, None, texts),
        [addr, "--id", id, texts @ ..] => {
            let id = id.parse().map_err(|_| format!("{id:?} is no id"))?;
            (addr, Some(id), texts)
        }
        [addr, texts @ ..] => (addr, Some(random), texts),
        [] => return Err("ADDR and TEXT are needed".to_string()),
    };
    let addr = addr
        .parse()
        .map_err(|_| format!("{addr:?} is no address of the form IP:PORT"))?;
    if texts.is_empty() {
        return Err("TEXT is needed".to_string());
    }
    if let Some(text) = texts.iter().find(|text| text.len() > MAX_PAYLOAD) {
        return Err(format!("a text of {} bytes is too long", text.len()));
    }
    let texts = texts.iter().map(|text| text.to_string()).collect();
    Ok((addr, id, texts))
}
