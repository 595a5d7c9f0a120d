//! What a client submission is pointed at: a server of the grader's, a port that refuses, a port
//! that is silent.

use super::arrival::Arrival;
use super::check::{Stop, Told, broken};
use super::client::Client;
use super::failure::{Failure, Symptom};
use super::kernel;
use super::platform;
use super::program::PATIENCE;
use super::seed::Dice;
use super::stage::Pupil;
use super::transcript::{Transcript, What};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The kernel's buffers of a grader's server, each way.
const BUFFER: usize = 64 << 10;

/// How often a wait for a connection looks whether there is none, and whether the program has ended:
/// what comes is known to have come after the last such look.
const LOOK: Duration = Duration::from_millis(2);

/// A listening socket of the grader's.
pub struct Listener {
    listener: TcpListener,
    who: String,
    transcript: Arc<Transcript>,
}

impl Listener {
    pub(super) fn bind(
        addr: SocketAddr,
        who: &str,
        transcript: Arc<Transcript>,
    ) -> io::Result<Listener> {
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        // Accepted streams inherit it. Were the buffers large, much could be sent before it
        // mattered whether anybody reads.
        let socket = socket2::SockRef::from(&listener);
        socket.set_recv_buffer_size(BUFFER)?;
        socket.set_send_buffer_size(BUFFER)?;
        transcript.write(who, "", What::Listens, listener.local_addr()?.to_string());
        Ok(Listener {
            listener,
            who: who.to_string(),
            transcript,
        })
    }

    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        self.listener
            .local_addr()
            .map_err(broken("cannot tell the address of a listener"))
    }

    /// Waits for the submission's connection and takes it.
    pub fn accepts(&self, pupil: &Pupil) -> Result<Client, Stop> {
        Ok(self.accepts_when(pupil)?.0)
    }

    /// The same, and when it came.
    pub fn accepts_when(&self, pupil: &Pupil) -> Result<(Client, Arrival), Stop> {
        let mut before = pupil.program().started();
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Asked before the queue is looked at: what it did before its end is in the queue.
            let exit = pupil.program().exit();
            let looked = Instant::now();
            match self.listener.accept() {
                Ok((_, peer)) if self.is_strange(pupil, peer) => continue,
                Ok((stream, peer)) => {
                    let seen = Instant::now();
                    self.transcript
                        .write(&self.who, "", What::Accepts, peer.to_string());
                    let program = Arc::clone(pupil.program());
                    let transcript = Arc::clone(&self.transcript);
                    let client =
                        Client::over(Box::new(stream), peer, &self.who, program, transcript)?;
                    return Ok((client, Arrival { before, seen }));
                }
                Err(err) if err.kind() == ErrorKind::WouldBlock => before = looked,
                Err(err) => return Err(broken("cannot accept a connection")(err)),
            }
            let expected = format!("a connection to {}", self.addr()?);
            if let Some(exit) = exit {
                return self.fails(
                    Symptom::Exit,
                    expected,
                    format!("the program ended: {exit}"),
                );
            }
            if Instant::now() > deadline && !pupil.program().may_be_starting() {
                pupil.program().must_have_run(PATIENCE)?;
                let got = format!("nobody connected within {} s", PATIENCE.as_secs());
                return self.fails(Symptom::Silence, expected, got);
            }
            platform::wait_ready(&self.listener, true, false, LOOK);
        }
    }

    /// The submission has not connected, or not again. Ask after its end.
    pub fn was_left_alone(&self, pupil: &Pupil) -> Told {
        loop {
            match self.listener.accept() {
                Err(err) if err.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(err) => return Err(broken("cannot look for a connection")(err)),
                Ok((_, peer)) if self.is_strange(pupil, peer) => continue,
                Ok((_, peer)) => {
                    let expected = format!("no connection to {}", self.addr()?);
                    return self.fails(Symptom::Extra, expected, format!("one, from {peer}"));
                }
            }
        }
    }

    /// The submission ends by itself, and has not connected, or not again. One that has is not waited
    /// for: it may have begun a conversation in which nobody answers.
    pub fn is_left_alone_to_the_end(&self, pupil: &Pupil) -> Told {
        let deadline = Instant::now() + PATIENCE;
        while pupil.program().exit().is_none() && Instant::now() < deadline {
            self.was_left_alone(pupil)?;
            platform::wait_ready(&self.listener, true, false, LOOK);
        }
        pupil.ends()?;
        self.was_left_alone(pupil)
    }

    /// Whether it was somebody else who connected: a scanner passes by, and is not the submission.
    fn is_strange(&self, pupil: &Pupil, peer: SocketAddr) -> bool {
        let row = self
            .addr()
            .ok()
            .and_then(|ours| kernel::far_end(ours, peer));
        let strange = row.is_some_and(|row| pupil.program().is_not_owner(row.inode));
        if strange {
            self.transcript
                .write(&self.who, "", What::Notes, format!("{peer} is a stranger"));
        }
        strange
    }

    fn fails<T>(&self, symptom: Symptom, expected: String, got: String) -> Result<T, Stop> {
        self.transcript
            .write(&self.who, "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got);
        failure.who = self.who.clone();
        Err(failure.into())
    }
}

/// A port that is kept from everybody and at which nobody listens: connects to it are refused.
pub struct Refusing {
    _socket: Socket,
    pub addr: SocketAddr,
}

impl Refusing {
    /// Takes exactly this port.
    pub fn at(addr: SocketAddr) -> io::Result<Refusing> {
        Ok(Refusing {
            _socket: bound(addr)?,
            addr,
        })
    }
}

/// A port at which connection attempts are met by silence, as behind a firewall that drops them.
///
/// On Linux a listening socket whose queue is full drops what else asks for a connection. With a
/// backlog of 0 the queue is full after one.
pub struct Silent {
    _listener: Socket,
    _waiting: TcpStream,
    pub addr: SocketAddr,
}

impl Silent {
    /// Takes exactly this port. Linux only.
    pub fn at(addr: SocketAddr) -> io::Result<Silent> {
        let listener = bound(addr)?;
        listener.listen(0)?;
        let waiting = TcpStream::connect_timeout(&addr, PATIENCE)?;
        // Our end is established a moment before the queue at the other end counts it.
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && !is_full(addr) {
            platform::wait_ready(&listener, true, false, LOOK);
        }
        Ok(Silent {
            _listener: listener,
            _waiting: waiting,
            addr,
        })
    }
}

fn is_full(addr: SocketAddr) -> bool {
    kernel::listener(addr).is_some_and(|row| row.unread > 0)
}

fn bound(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

/// Ports that this process has given out and not taken back: two stages never get the same.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// So many ports in a row on 127.0.0.1 that nobody uses, outside of those that the system hands out
/// by itself: a connect to a closed port among these can meet itself.
pub fn free_ports(dice: &mut Dice, count: u16) -> Result<std::ops::Range<u16>, Stop> {
    let (low, high) = kernel::ephemeral_ports();
    // Above the ports that services commonly use, below and above those of the system.
    let below = low.saturating_sub(10_000 + count);
    let above = 65_535_u16.saturating_sub(high).saturating_sub(count);
    let room = usize::from(below) + usize::from(above);
    if room == 0 {
        return Err(Stop::Broken(
            "no ports outside of the ephemeral range".to_string(),
        ));
    }
    for _ in 0..200 {
        let drawn = dice.below(room) as u16;
        let first = if drawn < below {
            10_000 + drawn
        } else {
            high + 1 + (drawn - below)
        };
        let ports = first..first + count;
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if ports.clone().any(|port| given.contains(&port)) {
            continue;
        }
        if ports
            .clone()
            .all(|port| bound((Ipv4Addr::LOCALHOST, port).into()).is_ok())
        {
            given.extend(ports.clone());
            return Ok(ports);
        }
    }
    Err(Stop::Broken(format!(
        "found no {count} free ports in a row"
    )))
}

/// Takes ports back: a thousand checks with a hundred ports each would need more than there are.
pub fn give_back(ports: std::ops::Range<u16>) {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.retain(|port| !ports.contains(port));
}
