//! One question to the kernel about one TCP socket: sock_diag(7) finds it by its addresses, in
//! microseconds. /proc/net/tcp is as long as the table, and costs milliseconds to write and to read.

use super::{Row, State};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::OnceLock;

/// `struct nlmsghdr`: length u32, type u16, flags u16, sequence u32, port u32, in the host's order.
const HEADER: usize = 16;
/// `struct inet_diag_req_v2`, behind the header.
const QUESTION: usize = 56;
/// `struct inet_diag_msg`, behind the header.
const ANSWER: usize = 72;

const NLMSG_ERROR: u16 = 2;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;

/// The socket at `local` that is connected to `remote`, or else the one that listens there; without
/// `remote`, only that. `Err`: the kernel doesn't answer such questions.
pub(super) fn row(local: SocketAddr, remote: Option<SocketAddr>) -> Result<Option<Row>, ()> {
    if !answers() {
        return Err(());
    }
    ask(local, remote)
}

/// A kernel without these questions says "no such socket", as of one that isn't there. So the first
/// question is about a socket that is.
fn answers() -> bool {
    static ANSWERS: OnceLock<bool> = OnceLock::new();
    *ANSWERS.get_or_init(|| {
        let ours = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
            let addr = listener.local_addr()?;
            Ok((listener, addr))
        });
        ours.is_ok_and(|(_listener, addr)| {
            let seen = ask(addr, None).ok().flatten();
            seen.is_some_and(|row| row.local == addr && row.state == State::Listen)
        })
    })
}

fn ask(local: SocketAddr, remote: Option<SocketAddr>) -> Result<Option<Row>, ()> {
    let reply = || {
        let (family, kind) = (AddressFamily::NETLINK, SocketType::DGRAM);
        let diag = Some(netlink::SOCK_DIAG);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, diag)?;
        send(&socket, &question(local, remote), SendFlags::empty())?;
        let mut reply = [0; 1024];
        // The answer is there when the question is sent.
        let (_, n) = recv(&socket, &mut reply, RecvFlags::DONTWAIT)?;
        Ok::<_, Errno>(reply[..n.min(reply.len())].to_vec())
    };
    understand(&reply().map_err(drop)?)
}

fn question(local: SocketAddr, remote: Option<SocketAddr>) -> [u8; HEADER + QUESTION] {
    let mut out = [0; HEADER + QUESTION];
    let remote = remote.unwrap_or_else(|| match local {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    });
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &((HEADER + QUESTION) as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &NLM_F_REQUEST.to_ne_bytes());
    let family = if local.is_ipv4() { AF_INET } else { AF_INET6 };
    put(HEADER, &[family, IPPROTO_TCP]);
    put(HEADER + 4, &u32::MAX.to_ne_bytes()); // Every state.
    // `struct inet_diag_sockid`: ports and addresses in the network's order.
    put(HEADER + 8, &local.port().to_be_bytes());
    put(HEADER + 10, &remote.port().to_be_bytes());
    put(HEADER + 12, &octets(local.ip()));
    put(HEADER + 28, &octets(remote.ip()));
    put(HEADER + 48, &[0xff; 8]); // No cookie.
    out
}

/// An IPv4 address takes the first 4 bytes of 16.
fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => {
            let mut out = [0; 16];
            out[..4].copy_from_slice(&ip.octets());
            out
        }
        IpAddr::V6(ip) => ip.octets(),
    }
}

fn understand(reply: &[u8]) -> Result<Option<Row>, ()> {
    let kind = reply.get(4..6).and_then(|kind| kind.try_into().ok());
    let body = reply.get(HEADER..).unwrap_or_default();
    match kind.map(u16::from_ne_bytes) {
        Some(NLMSG_ERROR) => {
            let code = body.get(..4).and_then(|code| code.try_into().ok());
            let none = -Errno::NOENT.raw_os_error();
            match code.map(i32::from_ne_bytes) {
                Some(code) if code == none => Ok(None),
                _ => Err(()),
            }
        }
        Some(SOCK_DIAG_BY_FAMILY) if body.len() >= ANSWER => Ok(Some(parse(body))),
        _ => Err(()),
    }
}

/// At least [`ANSWER`] bytes.
fn parse(body: &[u8]) -> Row {
    let word = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|i| body[at + i]));
    let port = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let ip = |at: usize| {
        let octets: [u8; 16] = std::array::from_fn(|i| body[at + i]);
        match body[0] {
            AF_INET => IpAddr::from([octets[0], octets[1], octets[2], octets[3]]),
            _ => Ipv6Addr::from(octets).into(),
        }
    };
    let state = super::state(body[1]);
    // Of a listening socket it is the backlog's size.
    let unsent = if state == State::Listen { 0 } else { word(60) };
    Row {
        local: super::canonical(ip(8), port(4)),
        remote: super::canonical(ip(24), port(6)),
        state,
        unread: word(56) as usize,
        unsent: unsent as usize,
        inode: word(68).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    /// A container may forbid it: then the tables are read.
    fn is_forbidden() -> bool {
        let forbidden = !answers();
        if forbidden {
            eprintln!("skipped: the kernel isn't to be asked about sockets here");
        }
        forbidden
    }

    #[test]
    fn one_socket_is_found_and_nothing_else() {
        if is_forbidden() {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let listening = row(addr, None).unwrap().unwrap();
        assert_eq!((listening.local, listening.state), (addr, State::Listen));
        let mut ours = TcpStream::connect(addr).unwrap();
        ours.write_all(b"hello").unwrap();
        let near = ours.local_addr().unwrap();
        // Nobody has accepted it yet.
        let waiting = row(addr, Some(near)).unwrap().unwrap();
        assert_eq!((waiting.remote, waiting.inode), (near, 0));
        let (mut theirs, _) = listener.accept().unwrap();
        let seen = || row(addr, Some(near)).unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while seen().unread < 5 && Instant::now() < deadline {}
        let seen = seen();
        assert_eq!((seen.unread, seen.state), (5, State::Established));
        assert_ne!(seen.inode, 0);
        theirs.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(row(addr, Some(near)).unwrap().unwrap().unread, 0);
        drop(listener);
        assert_eq!(row(addr, None).unwrap(), None);
    }

    #[test]
    fn whoever_listens_for_both_families_is_found_by_either_address() {
        let Ok(listener) = TcpListener::bind("[::]:0") else {
            return;
        };
        if is_forbidden() {
            return;
        }
        let port = listener.local_addr().unwrap().port();
        // A container may have the family, and no address of it.
        let has_six = TcpListener::bind("[::1]:0").is_ok();
        for ip in [Some("127.0.0.1"), has_six.then_some("::1")]
            .into_iter()
            .flatten()
        {
            let addr = SocketAddr::new(ip.parse().unwrap(), port);
            let seen = row(addr, None).unwrap().unwrap();
            assert_eq!(seen.local.to_string(), format!("0.0.0.0:{port}"));
            let ours = TcpStream::connect(addr).unwrap();
            let near = ours.local_addr().unwrap();
            assert_eq!(row(addr, Some(near)).unwrap().unwrap().local, addr);
        }
    }

    #[test]
    fn an_answer_that_is_none_is_no_row() {
        assert!(understand(&[]).is_err());
        assert!(understand(&[0; HEADER]).is_err());
        let mut refused = vec![0; HEADER + 4];
        refused[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        refused[HEADER..].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert!(understand(&refused).is_err());
        let none = -Errno::NOENT.raw_os_error();
        refused[HEADER..].copy_from_slice(&none.to_ne_bytes());
        assert_eq!(understand(&refused), Ok(None));
    }
}
