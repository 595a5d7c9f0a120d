//! The programs of chapter 1, against sockets of the test's own and against `ss`.

mod support;

use std::process::Command;

use support::{Program, connect, run};

const WHOSON: &str = env!("CARGO_BIN_EXE_ch01_whoson");
const FIVE_TUPLE: &str = env!("CARGO_BIN_EXE_ch01_five_tuple");
const PORT_SCAN: &str = env!("CARGO_BIN_EXE_ch01_port_scan");

#[test]
fn both_ends_name_the_same_five_and_two_clients_differ_in_one() {
    let (mut server, addr) = Program::serve(FIVE_TUPLE);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let ended = run(
            Command::new(FIVE_TUPLE).args(["connect", &addr.to_string()]),
            b"",
        );
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
        let line = String::from_utf8(ended.stdout).expect("text");
        assert_eq!(server.stdout_line(), line.trim_end());
        assert!(line.starts_with("tcp from 127.0.0.1 port "), "{line:?}");
        assert!(
            line.ends_with(&format!(" to 127.0.0.1 port {}\n", addr.port())),
            "{line:?}"
        );
        seen.push(line);
    }
    let words = seen[0].split(' ').zip(seen[1].split(' '));
    let different: Vec<_> = words.filter(|(one, other)| one != other).collect();
    assert_eq!(different.len(), 1, "{seen:?}");
    assert!(different[0].0.parse::<u16>().is_ok(), "{seen:?}");
}

#[test]
fn a_five_tuple_server_keeps_an_audit_trail() {
    let (mut server, addr) = Program::serve(FIVE_TUPLE);
    let stream = connect(addr);
    let own = stream.local_addr().expect("an address");
    assert_eq!(server.stderr_line(), format!("{own} connected"));
    assert_eq!(server.stderr_line(), format!("{own} closed"));
}

#[test]
fn bad_usage_is_named() {
    let wrong: [(&str, &[&str], &str); 11] = [
        (WHOSON, &["more"], "no arguments"),
        (FIVE_TUPLE, &[], "ADDR"),
        (FIVE_TUPLE, &["localhost:7001"], "\"localhost:7001\""),
        (FIVE_TUPLE, &["connect"], "\"connect\""),
        (FIVE_TUPLE, &["meet", "127.0.0.1:7001"], "ADDR"),
        (PORT_SCAN, &["127.0.0.1", "1"], "not 2"),
        (PORT_SCAN, &["127.0.0.1", "2", "1"], "LOW is more than HIGH"),
        (PORT_SCAN, &["127.0.0.1", "one", "2"], "\"one\""),
        (PORT_SCAN, &["127.0.0.1", "1", "65536"], "\"65536\""),
        (PORT_SCAN, &["127.0.0.1", "-1", "2"], "\"-1\""),
        (PORT_SCAN, &["127.0.0.1", "1", "2", "3"], "not 4"),
    ];
    for (program, args, named) in wrong {
        let ended = run(Command::new(program).args(args), b"");
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(named), "{args:?}: {ended:?}");
        assert!(
            ended.stderr.contains("\nusage: ch01_"),
            "{args:?}: {ended:?}"
        );
    }
}

#[test]
fn what_cannot_be_done_is_a_failure_with_a_sentence() {
    let (_server, addr) = Program::serve(FIVE_TUPLE);
    let addr = addr.to_string();
    // A label of 64 bytes is one too long (RFC 1035, section 2.3.4): no name server is asked.
    const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    let wrong: [(&str, &[&str], &str); 2] = [
        (FIVE_TUPLE, &[&addr], "cannot serve on "),
        (PORT_SCAN, &[LONG, "1", "2"], "cannot scan xxx"),
    ];
    for (program, args, sentence) in wrong {
        let ended = run(Command::new(program).args(args), b"");
        assert_eq!(ended.status.code(), Some(1), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(sentence), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_scan_tells_open_from_refused() {
    // Bound and not listening: no other process can take the port meanwhile.
    let refusing = tcp_socket();
    let open = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let ports = [
        (open.local_addr().expect("an address").port(), "open"),
        (port_of(&refusing), "refused"),
    ];
    for (port, state) in ports {
        assert_eq!(scan("127.0.0.1", port, port), format!("{port} {state}\n"));
    }
}

#[test]
fn a_scan_prints_the_whole_range_in_order() {
    let open = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = open
        .local_addr()
        .expect("an address")
        .port()
        .clamp(4, 65_531);
    let lines = scan("127.0.0.1", port - 3, port + 3);
    let ports: Vec<u16> = lines
        .lines()
        .map(|line| line.split_once(' ').expect("two words").0)
        .map(number)
        .collect();
    assert_eq!(ports, (port - 3..=port + 3).collect::<Vec<_>>());
}

#[test]
fn a_host_may_be_an_ipv6_address_with_or_without_brackets() {
    let Ok(open) = std::net::TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: there is no ::1 here");
        return;
    };
    let port = open.local_addr().expect("an address").port();
    for host in ["::1", "[::1]"] {
        assert_eq!(scan(host, port, port), format!("{port} open\n"));
    }
}

/// Its stdout, once it has ended with exit status 0.
fn scan(host: &str, low: u16, high: u16) -> String {
    let args = [host, &low.to_string(), &high.to_string()];
    let ended = run(Command::new(PORT_SCAN).args(args), b"");
    assert_eq!(
        (ended.status.code(), ended.stderr.as_str()),
        (Some(0), ""),
        "{args:?}"
    );
    String::from_utf8(ended.stdout).expect("text")
}

fn number(text: &str) -> u16 {
    text.parse().expect("a number")
}

/// Bound on loopback, and not listening.
fn tcp_socket() -> socket2::Socket {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("bind");
    socket
}

fn port_of(socket: &socket2::Socket) -> u16 {
    socket
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("of IP")
        .port()
}

#[cfg(not(target_os = "linux"))]
#[test]
fn elsewhere_than_on_linux_whoson_names_what_to_use_there() {
    let ended = run(&mut Command::new(WHOSON), b"");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("lsof -nP -iTCP -sTCP:LISTEN"),
        "{ended:?}"
    );
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
    use std::os::unix::fs::MetadataExt;
    use std::time::{Duration, Instant};
    use support::peer;

    /// Protocol, address, port, and the PID where it may be seen.
    type Row = (String, IpAddr, u16, Option<u32>);

    fn whoson() -> BTreeSet<Row> {
        let ended = run(&mut Command::new(WHOSON), b"");
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        let text = String::from_utf8(ended.stdout).expect("text");
        let mut lines = text.lines();
        let titles: Vec<&str> = lines
            .next()
            .expect("a first line")
            .split_whitespace()
            .collect();
        assert_eq!(titles, ["PROTO", "ADDRESS", "PORT", "PID", "PROGRAM"]);
        let rows: BTreeSet<Row> = lines.map(row).collect();
        let hidden = rows.iter().any(|row| row.3.is_none());
        assert_eq!(
            ended.stderr.contains("Root sees more"),
            hidden,
            "{}",
            ended.stderr
        );
        rows
    }

    fn row(line: &str) -> Row {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [protocol, ip, port, pid, ..] = words[..] else {
            panic!("too short: {line:?}")
        };
        let ip = ip
            .parse()
            .unwrap_or_else(|_| panic!("no address: {line:?}"));
        (protocol.to_string(), ip, number(port), pid.parse().ok())
    }

    /// What `ss -tulnp` says, or `None` where it isn't installed.
    fn ss() -> Option<BTreeSet<Row>> {
        let ended = run(peer("ss", "--version")?.args(["-H", "-tulnp"]), b"");
        assert!(ended.status.success(), "{ended:?}");
        let mut rows = BTreeSet::new();
        for line in String::from_utf8_lossy(&ended.stdout).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (ip, port) = words[4].rsplit_once(':').expect("an address and a port");
            // `*` is ss's name for [::] where it takes IPv4 too; `%lo` names an interface.
            let ip = ip
                .split('%')
                .next()
                .expect("a first part")
                .trim_matches(['[', ']']);
            let ip = if ip == "*" { "::" } else { ip };
            let ip: IpAddr = ip
                .parse()
                .unwrap_or_else(|_| panic!("no address: {line:?}"));
            let (protocol, port) = (words[0].to_string(), number(port));
            let pids = line.split("pid=").skip(1).map(|rest| {
                let end = rest.find(',').expect("a comma after a PID");
                Some(rest[..end].parse().expect("a PID"))
            });
            let pids: Vec<Option<u32>> = pids.collect();
            let pids = if pids.is_empty() { vec![None] } else { pids };
            rows.extend(
                pids.into_iter()
                    .map(|pid| (protocol.clone(), ip, port, pid)),
            );
        }
        Some(rows)
    }

    #[test]
    fn whoson_sees_what_this_process_listens_on_and_nothing_else_of_it() {
        let own = Some(std::process::id());
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let any = TcpListener::bind("0.0.0.0:0").expect("bind");
        let udp = UdpSocket::bind("127.0.0.2:0").expect("bind");
        let connected = UdpSocket::bind("127.0.0.1:0").expect("bind");
        connected
            .connect(udp.local_addr().expect("an address"))
            .expect("connect");
        let stream = connect(listener.local_addr().expect("an address"));

        let mut expected = vec![
            ("tcp", listener.local_addr().expect("an address")),
            ("tcp", any.local_addr().expect("an address")),
            ("udp", udp.local_addr().expect("an address")),
        ];
        let six = (TcpListener::bind("[::1]:0"), UdpSocket::bind("[::]:0"));
        if let (Ok(tcp), Ok(udp)) = &six {
            expected.push(("tcp", tcp.local_addr().expect("an address")));
            expected.push(("udp", udp.local_addr().expect("an address")));
        } else {
            eprintln!("skipped: there is no IPv6 here");
        }
        let rows = whoson();
        for (protocol, addr) in expected {
            let row = (protocol.to_string(), addr.ip(), addr.port(), own);
            assert!(rows.contains(&row), "{row:?} is missing in {rows:?}");
        }
        for (protocol, addr) in [
            ("tcp", stream.local_addr().expect("an address")),
            ("udp", connected.local_addr().expect("an address")),
        ] {
            let row = (protocol.to_string(), addr.ip(), addr.port(), own);
            assert!(
                !rows.contains(&row),
                "{row:?} isn't listening, but is in {rows:?}"
            );
        }
    }

    #[test]
    fn whoson_and_ss_agree() {
        let _tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
        let _udp = UdpSocket::bind("0.0.0.0:0").expect("bind");
        let _six = (TcpListener::bind("[::]:0"), UdpSocket::bind("[::1]:0"));
        let own = Some(std::process::id());
        let is_root = std::fs::metadata("/proc/self").expect("/proc").uid() == 0;
        // Other processes, and other tests, open and close sockets meanwhile: only where ss says
        // the same before and after do the three photographs show one scene.
        let mut last = None;
        for _ in 0..50 {
            let Some(before) = ss() else { return };
            let rows = whoson();
            let after = ss().expect("installed a moment ago");
            let of_own = |rows: &BTreeSet<Row>| {
                rows.iter()
                    .filter(|row| is_root || row.3 == own)
                    .cloned()
                    .collect::<BTreeSet<_>>()
            };
            let (before, rows, after) = (of_own(&before), of_own(&rows), of_own(&after));
            if before == after && before == rows {
                assert!(rows.len() >= 2, "{rows:?}");
                return;
            }
            last = Some((before, rows, after));
        }
        panic!("ss, whoson and ss again never agreed: {last:#?}");
    }

    #[test]
    fn a_closed_stdout_is_no_panic() {
        let commands: [(&str, &[&str]); 2] = [(WHOSON, &[]), (PORT_SCAN, &["127.0.0.1", "1", "9"])];
        for (program, args) in commands {
            let ended = Program::start_unread(Command::new(program).args(args)).finish(b"");
            assert_eq!(ended.status.code(), Some(0), "{ended:?}");
            assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        }
    }

    #[test]
    fn a_port_that_answers_nothing_is_filtered_after_the_timeout() {
        // A listener that accepts nobody: when its queue is full, Linux drops what asks for more.
        let listener = tcp_socket();
        listener.listen(0).expect("listen");
        let port = port_of(&listener);
        let addr = (std::net::Ipv4Addr::LOCALHOST, port).into();
        let patience = Duration::from_millis(300);
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&addr, patience) {
            waiting.push(stream);
            assert!(
                waiting.len() < 8,
                "the queue of a listener with a backlog of 0 is never full"
            );
        }
        let start = Instant::now();
        assert_eq!(scan("127.0.0.1", port, port), format!("{port} filtered\n"));
        assert!(
            start.elapsed() >= Duration::from_secs(1),
            "after {:?}",
            start.elapsed()
        );
    }
}
