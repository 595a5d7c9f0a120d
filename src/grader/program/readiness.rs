//! When a server is ready for clients, and where: it says so, or the kernel does.

use super::Program;
use crate::grader::check::Stop;
use crate::grader::failure::{Failure, Symptom};
use crate::grader::transcript::What;
use crate::grader::{bytes, kernel};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

/// So long after it listens, its line may come: a server that meets a client earlier could print a
/// result before that line.
const ITS_LINE: Duration = Duration::from_millis(250);

/// Where nothing but a bind tells whether a program listens, it isn't tried earlier.
const NOTHING_SAID: Duration = Duration::from_secs(2);

impl Program {
    /// Waits until it is ready for clients, and says where. No connection is made to find out: it
    /// would eat the one `accept` of a program that serves one client.
    pub fn ready(&self, limit: Duration) -> Result<SocketAddr, Stop> {
        let told = self.told.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        if self.group.is_none() {
            return Ok(told);
        }
        let deadline = Instant::now() + limit;
        let mut listens_since = None;
        loop {
            let seen = self.watched.lock();
            if let Some(addr) = announced(&seen.stdout.bytes) {
                drop(seen);
                let addr = reachable(addr, told);
                self.transcript
                    .write(&self.who, "", What::Listens, addr.to_string());
                return Ok(addr);
            }
            let exit = seen.exit;
            // What it prints, and its end, are heard at once; the kernel's tables are long.
            drop(self.wait_changed(seen, Duration::from_millis(20)));
            if !self.announces && self.listens_silently(told)? {
                let since = *listens_since.get_or_insert_with(Instant::now);
                let stalled = self.stalled_since(since).min(limit);
                if since.elapsed() <= ITS_LINE + stalled {
                    continue;
                }
                self.transcript
                    .write(&self.who, "", What::Listens, told.to_string());
                return Ok(reachable(told, told));
            }
            if let Some((exit, _)) = exit {
                self.transcript
                    .write(&self.who, "", What::Exits, exit.to_string());
                if !self.announces && kernel::listens(told) {
                    return Err(taken_by_another(told));
                }
                let wanted = "a server that runs until it is ended";
                return Err(
                    Failure::new(Symptom::Exit, wanted, format!("it ended: {exit}"))
                        .when("before it listened")
                        .into(),
                );
            }
            // Interpreters load much before they listen: what it waited for a processor isn't its own.
            if Instant::now() > deadline
                && Instant::now() > deadline + self.stalled_since(self.started).min(limit * 3)
            {
                return Err(self.never_ready(limit));
            }
        }
    }

    fn never_ready(&self, limit: Duration) -> Stop {
        if let Err(stop) = self.must_have_run(limit) {
            return stop;
        }
        let seen = self.watched.lock();
        let first = seen
            .stdout
            .bytes
            .split(|b| *b == b'\n')
            .next()
            .unwrap_or_default();
        let got = match first {
            [] => "nothing on stdout".to_string(),
            line => format!("on stdout: {}", bytes::brief(line, 60)),
        };
        let expected = match (self.announces, self.told) {
            (false, Some(addr)) => format!("a server that listens at {addr}"),
            _ => "the line `listening on IP:PORT` on stdout, flushed".to_string(),
        };
        Failure::new(Symptom::NotReady, expected, got)
            .when(format!("within {} s", limit.as_secs()))
            .into()
    }

    /// Whether a program that need not announce itself listens where it was told to. Another
    /// grading may have chosen the same port at the same time: its program is not this one.
    fn listens_silently(&self, told: SocketAddr) -> Result<bool, Stop> {
        if !kernel::has_tables() {
            // Only a bind tells: while it succeeds, nobody listens there yet. It would be in the way of a
            // program that is just about to bind, so one that says where it listens is never met by it.
            let quiet = self.started.elapsed() > NOTHING_SAID;
            return Ok(quiet && std::net::TcpListener::bind(told).is_err());
        }
        let udp = || {
            kernel::rows(kernel::Table::Udp, told.port()).find(|row| {
                row.local.port() == told.port() && row.state == kernel::State::Unconnected
            })
        };
        match kernel::listener(told).or_else(udp) {
            Some(row) if self.is_not_owner(row.inode) => Err(taken_by_another(told)),
            row => Ok(row.is_some()),
        }
    }
}

fn taken_by_another(told: SocketAddr) -> Stop {
    Stop::PortTaken(format!("somebody else listens at {told}"))
}

/// The address of the first whole line `listening on IP:PORT`.
fn announced(stdout: &[u8]) -> Option<SocketAddr> {
    let whole = &stdout[..stdout.iter().rposition(|b| *b == b'\n')?];
    whole.split(|b| *b == b'\n').take(100).find_map(|line| {
        let line = std::str::from_utf8(line).ok()?.trim_end();
        line.strip_prefix("listening on ")?.parse().ok()
    })
}

/// Where a client reaches a server that listens at a wildcard address: on loopback, and by the family
/// of the address that it was told. One socket at `::` serves both.
fn reachable(addr: SocketAddr, told: SocketAddr) -> SocketAddr {
    match addr.ip() {
        ip if ip.is_unspecified() && told.is_ipv4() => (Ipv4Addr::LOCALHOST, addr.port()).into(),
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, addr.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, addr.port()).into(),
        _ => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announced_address_is_read_from_a_whole_line_only() {
        assert_eq!(announced(b"listening on 127.0.0.1:80"), None);
        assert_eq!(
            announced(b"hi\nlistening on 127.0.0.1:80\r\nx"),
            "127.0.0.1:80".parse().ok()
        );
        assert_eq!(announced(b"listening on port 80\n"), None);
    }
}
