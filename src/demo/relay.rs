//! A relay that records: between a program that is not ours and a server, so that the bytes on the
//! arrows are those that went over the wire. It passes everything on, the half-close too.

use crate::grader::transcript::{Transcript, What};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// One client's way to a server. Dropped, it closes what is still open.
pub struct Relay {
    /// Where the client is sent.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    /// Clients are let in.
    is_open: AtomicBool,
    /// One end has reset its connection: the other direction's end is our doing.
    broken: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

/// Whose bytes they are, and how the record names them.
#[derive(Clone, Copy)]
struct Direction {
    says: What,
    ends: What,
    breaks: What,
}

/// From the client; the client's steps.
const OUT: Direction = Direction {
    says: What::Says,
    ends: What::HalfCloses,
    breaks: What::Resets,
};

/// From the server; what the client hears.
const IN: Direction = Direction {
    says: What::Hears,
    ends: What::HearsEnd,
    breaks: What::HearsReset,
};

impl Relay {
    /// Listens on a port of its own for one client, which is connected to the server once the
    /// relay [opens](Relay::opens).
    pub fn start(
        who: &str,
        server: &str,
        to: SocketAddr,
        transcript: Arc<Transcript>,
    ) -> io::Result<Relay> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let names = (who.to_string(), server.to_string());
        thread::spawn(move || {
            let Some(client) = ours.accept(&listener) else {
                return;
            };
            drop(listener);
            let (who, server) = (names.0.as_str(), names.1.as_str());
            let far = match TcpStream::connect_timeout(&to, Duration::from_secs(10)) {
                Ok(far) => far,
                // It was connected, and reset before the call returned.
                Err(err) if err.kind() == ErrorKind::ConnectionReset => {
                    transcript.write(who, server, What::Connects, "");
                    transcript.write(who, server, What::HearsReset, "");
                    let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
                    return;
                }
                Err(_) => {
                    transcript.write(who, server, What::Refused, format!("connect to {to}"));
                    return;
                }
            };
            transcript.write(who, server, What::Connects, "");
            if let Err(err) = ours.converse(&client, &far, (who, server), &transcript) {
                transcript.write(who, server, What::Notes, format!("the relay failed: {err}"));
            }
        });
        Ok(Relay { addr, shared })
    }

    /// Lets the client in. Until then it waits: its connection must not be in the record before
    /// its start is.
    pub fn opens(&self) {
        self.shared.is_open.store(true, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // The ends that are seen from here on are our doing.
        self.shared.broken.store(true, Ordering::Relaxed);
        for stream in self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            // Ends the reads that wait; a stream that is closed already is what was wanted.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    /// The one client; `None` if the relay is over before one comes.
    fn accept(&self, listener: &TcpListener) -> Option<TcpStream> {
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(2));
            if !self.is_open.load(Ordering::Relaxed) {
                continue;
            }
            match listener.accept() {
                Ok((stream, _)) => {
                    // Some systems let it inherit the listener's mode.
                    stream.set_nonblocking(false).ok()?;
                    return Some(stream);
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Copies both directions to their ends.
    fn converse(
        &self,
        client: &TcpStream,
        server: &TcpStream,
        names: (&str, &str),
        transcript: &Transcript,
    ) -> io::Result<()> {
        let open = vec![client.try_clone()?, server.try_clone()?];
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = open;
        // What arrives in one piece leaves in one piece, at once.
        for stream in [client, server] {
            // Fails on some systems where the peer has gone: the reads below say so.
            let _ = stream.set_nodelay(true);
        }
        thread::scope(|scope| {
            scope.spawn(|| self.copy(client, server, OUT, names, transcript));
            self.copy(server, client, IN, names, transcript);
        });
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        Ok(())
    }

    fn copy(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        direction: Direction,
        (who, server): (&str, &str),
        transcript: &Transcript,
    ) {
        let mut chunk = vec![0; 64 << 10];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => {
                    if !self.broken.load(Ordering::Relaxed) {
                        transcript.write(who, server, direction.ends, "");
                        // Fails where the other end has gone: then nobody waits for it.
                        let _ = to.shutdown(Shutdown::Write);
                    }
                    return;
                }
                Ok(n) => {
                    // Written first: the answer must not be in the record before what it answers.
                    transcript.write_bytes(who, server, direction.says, &chunk[..n]);
                    if to.write_all(&chunk[..n]).is_err() {
                        // That end has broken off; its own direction says so.
                        return;
                    }
                }
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    if !self.broken.swap(true, Ordering::Relaxed) {
                        transcript.write(who, server, direction.breaks, "");
                    }
                    // A reset is passed on as a reset: with this the close of the socket sends it.
                    let _ = socket2::SockRef::from(to).set_linger(Some(Duration::ZERO));
                    let _ = to.shutdown(Shutdown::Read);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A relay between the two streams, and its record.
    fn relayed() -> (Relay, TcpStream, TcpStream, Arc<Transcript>) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let transcript = Arc::new(Transcript::new());
        let to = server.local_addr().unwrap();
        let relay = Relay::start("nc", "server", to, Arc::clone(&transcript)).unwrap();
        relay.opens();
        let client = TcpStream::connect(relay.addr).unwrap();
        let (far, _) = server.accept().unwrap();
        for stream in [&client, &far] {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        (relay, client, far, transcript)
    }

    fn kinds(transcript: &Transcript) -> Vec<What> {
        transcript
            .events()
            .0
            .iter()
            .map(|event| event.what)
            .collect()
    }

    #[test]
    fn bytes_and_both_ends_are_passed_on_and_recorded() {
        let (_relay, mut client, mut far, transcript) = relayed();
        client.write_all(b"hello").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"hello");
        far.write_all(b"bye").unwrap();
        drop(far);
        let mut back = Vec::new();
        client.read_to_end(&mut back).unwrap();
        assert_eq!(back, b"bye");
        let due = [
            What::Connects,
            What::Says,
            What::HalfCloses,
            What::Hears,
            What::HearsEnd,
        ];
        assert_eq!(kinds(&transcript), due);
    }

    #[test]
    fn a_reset_is_passed_on_as_a_reset() {
        let (_relay, mut client, far, transcript) = relayed();
        socket2::SockRef::from(&far)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(far);
        let err = client.read(&mut [0]).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::ConnectionReset);
        assert_eq!(kinds(&transcript), [What::Connects, What::HearsReset]);
    }

    #[test]
    fn a_relay_that_is_dropped_ends_its_connections() {
        let (relay, mut client, mut far, _) = relayed();
        client.write_all(b"x").unwrap();
        far.read_exact(&mut [0]).unwrap();
        drop(relay);
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
    }
}
