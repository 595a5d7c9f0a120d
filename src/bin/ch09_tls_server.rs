//! The same bytes, in an envelope: what changes in a server?
//!
//! Before the first frame comes a handshake, in which the server shows its certificate and both
//! agree on keys. From then on a read decrypts and a write encrypts, and all the rest is the frame
//! server of chapter 4. The deadlines of chapter 5 lie beneath: they bound the bytes of the
//! connection, and with them the handshake.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     cargo run --features tls --bin ch09_tls_server 127.0.0.1:7009 certs/server.pem certs/server.key
//!     cargo run --features tls --bin ch09_tls_client 127.0.0.1:7009 certs/ca.pem localhost
//!
//! What it still gets wrong: anybody may come, since it can't ask clients for a certificate; and it
//! speaks TLS 1.2 where 1.3 would be better. Both are beyond native-tls, and chapter 10 goes beneath.

use byteorder::{BigEndian, ByteOrder, WriteBytesExt};
use native_tls::{HandshakeError, Identity, Protocol, TlsAcceptor, TlsStream};
use std::io::ErrorKind::{Interrupted, InvalidData, TimedOut, UnexpectedEof, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// For the handshake, however its bytes drip.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// For a frame and its reply, with the wait for it.
const PATIENCE: Duration = Duration::from_secs(30);
// as in ch04
/// The length: a `u32`, big-endian. It counts the payload alone.
const HEADER: usize = 4;
/// The longest payload. The peer chooses the length, up to 4 GiB.
const MAX_FRAME: usize = 1 << 20;
/// What one read may bring. A read for each part of a frame takes 30 times as long.
const BUFFER: usize = 64 * 1024;
// end of ch04
fn main() -> ExitCode {
    // `env::args` would panic over one that isn't UTF-8.
    let args = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<_> = args.collect();
    let addr: Option<SocketAddr> = args.first().and_then(|addr| addr.parse().ok());
    let (Some(addr), [_, cert, key]) = (addr, args.as_slice()) else {
        eprintln!("usage: ch09_tls_server IP:PORT CERT KEY");
        return ExitCode::from(2);
    };
    match acceptor(cert, key).map(|acceptor| serve(TcpListener::bind(addr)?, acceptor)) {
        Err(err) => eprintln!("cannot use {cert} and {key}: {err}"),
        Ok(Err(err)) => eprintln!("cannot serve on {addr}: {err}"),
        Ok(Ok(())) => {}
    }
    ExitCode::FAILURE
}

/// What every handshake needs: made once, since it reads two files.
fn acceptor(cert: &str, key: &str) -> io::Result<TlsAcceptor> {
    let (cert, key) = (fs::read(cert)?, fs::read(key)?);
    let identity = Identity::from_pkcs8(&cert, &key).map_err(io::Error::other)?;
    let mut builder = TlsAcceptor::builder(identity);
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    builder.build().map_err(io::Error::other)
}

fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    // Whoever waits for this line at the other end of a pipe would wait for ever.
    io::stdout().flush()?;
    loop {
        let started = listener.accept().and_then(|(stream, peer)| {
            eprintln!("{peer} connected");
            let acceptor = acceptor.clone();
            // The handshake, too: here, one client that says nothing would keep out all others.
            // (`thread::spawn` panics where the system has no thread left.)
            thread::Builder::new().spawn(move || {
                match greet(&stream, &acceptor).and_then(converse) {
                    Ok(n) => eprintln!("{peer} closed after {n} frames"),
                    Err(err) => eprintln!("{peer} broke off: {err}"),
                }
            })
        });
        if let Err(err) = started {
            eprintln!("cannot accept a client: {err}");
            // Out of descriptors, say: without a pause it would fail again, at full speed.
            thread::sleep(Duration::from_millis(50));
        }
    }
}

// ANCHOR: greet
/// The handshake.
fn greet<'a>(stream: &'a TcpStream, acceptor: &TlsAcceptor) -> io::Result<TlsStream<Timed<'a>>> {
    // A frame's last record is short, and would wait for an ACK.
    stream.set_nodelay(true)?;
    let deadline = Deadline::after(HANDSHAKE);
    let accepted = acceptor.accept(Timed { stream, deadline });
    accepted.map_err(|err| match err {
        HandshakeError::Failure(why) => io::Error::other(format!("no handshake: {why}")),
        // The library's word for "try again": no `Timed` lets it get so far.
        HandshakeError::WouldBlock(_) => TimedOut.into(),
    })
}
// ANCHOR_END: greet

// ANCHOR: converse
/// One client, to the end of its stream: how many frames went back.
fn converse(mut tls: TlsStream<Timed<'_>>) -> io::Result<u64> {
    let mut frames = FrameReader::new(&mut tls);
    let (mut reply, mut echoed) = (Vec::new(), 0);
    loop {
        frames.stream.get_mut().deadline = Deadline::after(PATIENCE);
        let Some(frame) = frames.read_frame()? else {
            break;
        };
        reply.clear();
        reply.write_u32::<BigEndian>(frame.len() as u32)?;
        reply.extend_from_slice(frame);
        // `write` would send 16 KiB of it: a record holds no more.
        frames.stream.write_all(&reply)?;
        echoed += 1;
    }
    // The last word (close_notify). A drop doesn't say it.
    tls.shutdown()?;
    Ok(echoed)
}
// ANCHOR_END: converse

// as in ch05
/// The moment at which it is over, for all calls together.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(budget: Duration) -> Deadline {
        Deadline(Instant::now() + budget)
    }

    /// What is left of the budget. Never zero: as a timeout that would
    /// be an error.
    pub fn left(self) -> io::Result<Duration> {
        match self.0.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(TimedOut.into()),
            left => Ok(left),
        }
    }
}

/// A stream none of whose calls outlives the deadline.
pub struct Timed<'a> {
    pub stream: &'a TcpStream,
    pub deadline: Deadline,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A timeout that has passed is `WouldBlock` on Linux and macOS,
/// `TimedOut` on Windows. Here it is `TimedOut`.
fn timed_out(err: io::Error) -> io::Error {
    match err.kind() {
        WouldBlock => TimedOut.into(),
        _ => err,
    }
}
// end of ch05
// as in ch04
/// Cuts a stream into frames.
pub struct FrameReader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// `buffer[start..end]` was read, and belongs to frames to come.
    start: usize,
    end: usize,
}

impl<R: Read> FrameReader<R> {
    pub fn new(stream: R) -> FrameReader<R> {
        FrameReader {
            stream,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
        }
    }

    /// The next payload; `None` if the stream ends where none begins.
    /// `UnexpectedEof`: it ends inside a frame. `InvalidData`: the
    /// frame is longer than `MAX_FRAME`.
    pub fn read_frame(&mut self) -> io::Result<Option<&[u8]>> {
        if self.held() < HEADER && !self.fill(0, HEADER)? {
            return Ok(None);
        }
        let header = &self.buffer[self.start..];
        let length = BigEndian::read_u32(header) as usize;
        // The peer's word for it is no reason to make room.
        if length > MAX_FRAME {
            let wrong = format!("frame too long: {length} bytes");
            return Err(io::Error::new(InvalidData, wrong));
        }
        if self.held() < HEADER + length {
            self.fill(HEADER, length)?;
        }
        let payload = self.start + HEADER;
        self.start = payload + length;
        Ok(Some(&self.buffer[payload..self.start]))
    }

    fn held(&self) -> usize {
        self.end - self.start
    }

    /// Reads until `m` bytes are here, and `before` others before them.
    /// `false`: the stream has ended, and nothing at all is here.
    fn fill(&mut self, before: usize, m: usize) -> io::Result<bool> {
        // Room for the rest: what is left over moves to the front.
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.held());
        if self.buffer.len() < before + m {
            self.buffer.resize(HEADER + MAX_FRAME, 0);
        }
        while self.end < before + m {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) if self.end == 0 => return Ok(false),
                Ok(0) => {
                    let n = self.end - before;
                    let wrong = format!("truncated after {n} of {m} bytes");
                    return Err(io::Error::new(UnexpectedEof, wrong));
                }
                Ok(n) => self.end += n,
                Err(err) if err.kind() == Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        Ok(true)
    }
}
// end of ch04
