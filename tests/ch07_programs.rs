//! The programs of chapter 7: over a good network, over the lossy link, and against strangers.

mod support;

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::again::where_pressed;
use support::{Ended, Program, run};

const SERVER: &str = env!("CARGO_BIN_EXE_ch07_udp_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch07_udp_client");
const LINK: &str = env!("CARGO_BIN_EXE_ch07_lossy_link");

/// A socket of the test's own. None of its reads takes longer than the limit.
fn peer() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket
        .set_read_timeout(Some(support::LIMIT))
        .expect("set a read timeout");
    socket
}

fn next(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let n = socket.recv(&mut buffer).expect("a datagram");
    buffer.truncate(n);
    buffer
}

fn request(id: u32, payload: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], payload].concat()
}

/// Asks, and is told that it has arrived.
fn acknowledged(socket: &UdpSocket, to: SocketAddr, id: u32, payload: &[u8]) {
    socket.send_to(&request(id, payload), to).expect("send");
    assert_eq!(next(socket), request(id, b"ACK"));
}

/// A link with these options, and where clients find it.
fn link(server: SocketAddr, options: &str) -> (Program, SocketAddr) {
    let mut command = Command::new(LINK);
    command.args(["127.0.0.1:0", &server.to_string()]);
    let mut link = Program::start(command.args(options.split_whitespace()));
    let line = link.stdout_line();
    let addr = line.strip_prefix("listening on ").expect("an address");
    let addr = addr.parse().expect("an address");
    (link, addr)
}

fn client(addr: SocketAddr, args: &[&str]) -> Ended {
    run(Command::new(CLIENT).arg(addr.to_string()).args(args), b"")
}

#[test]
fn a_request_is_taken_in_once_and_acknowledged_each_time() {
    let (mut server, addr) = Program::serve(SERVER);
    let (alice, bob) = (peer(), peer());
    for _ in 0..3 {
        acknowledged(&alice, addr, 7, b"hello");
    }
    acknowledged(&bob, addr, 7, b"a\xff\n");
    acknowledged(&alice, addr, 0xffff_ffff, b"");
    assert_eq!(server.stdout_line(), "7 \"hello\"");
    assert_eq!(server.stdout_line(), "7 \"a\\xff\\n\"");
    assert_eq!(server.stdout_line(), "4294967295 \"\"");
}

#[test]
fn a_forgetful_server_takes_in_whatever_comes() {
    let mut server = Program::start(Command::new(SERVER).args(["127.0.0.1:0", "forgetful"]));
    let line = server.stdout_line();
    let addr = line.strip_prefix("listening on ").expect("an address");
    let (alice, addr) = (peer(), addr.parse().expect("an address"));
    for _ in 0..2 {
        acknowledged(&alice, addr, 7, b"hello");
        assert_eq!(server.stdout_line(), "7 \"hello\"");
    }
}

#[test]
fn what_is_no_request_gets_nothing_and_ends_nothing() {
    let (mut server, addr) = Program::serve(SERVER);
    let alice = peer();
    for datagram in [&b""[..], b"abc", &[0; 4 + 1_201], &[0; 65_000]] {
        alice.send_to(datagram, addr).expect("send");
    }
    // The answer to the next is the first that comes; 1,200 bytes are allowed.
    acknowledged(&alice, addr, 9, &[b'x'; 1_200]);
    assert!(server.stdout_line().starts_with("9 \"xxx"));
}

#[test]
fn a_lost_request_and_a_lost_acknowledgement_are_repeated() {
    where_pressed(Duration::from_millis(150), || {
        let (mut server, addr) = Program::serve(SERVER);
        let (_link, addr) = link(addr, "--lose out:0 --lose back:0");
        let ended = client(addr, &["--id", "7", "hello"]);
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(ended.stdout, b"acknowledged\n");
        assert_eq!(ended.stderr.matches("try ").count(), 3, "{}", ended.stderr);
        assert_eq!(server.stdout_line(), "7 \"hello\"");
        assert!(server.stderr_line().ends_with(" sent 7 again"));
    });
}

#[test]
fn a_client_gives_up_after_three_tries_and_says_so() {
    let silent = peer();
    let addr = silent.local_addr().expect("an address");
    let begun = Instant::now();
    let ended = client(addr, &["hello"]);
    assert!(begun.elapsed() >= Duration::from_millis(900));
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("not acknowledged by 127.0.0.1"));
    let first = next(&silent);
    assert_eq!(&first[4..], b"hello");
    assert_eq!([next(&silent), next(&silent)], [first.clone(), first]);
}

#[test]
fn where_nobody_listens_the_client_says_refused() {
    let nobody = peer().local_addr().expect("an address");
    let ended = client(nobody, &["hello"]);
    assert_eq!(ended.status.code(), Some(1));
    if cfg!(target_os = "linux") {
        assert!(ended.stderr.contains("refused"), "{}", ended.stderr);
    }
}

#[test]
fn a_client_believes_neither_strangers_nor_other_ids() {
    let (server, stranger) = (peer(), peer());
    let addr = server.local_addr().expect("an address");
    let client =
        Program::start(Command::new(CLIENT).args([&addr.to_string(), "--id", "7", "hello"]));
    let mut buffer = [0; 64];
    let (_, from) = server.recv_from(&mut buffer).expect("a request");
    let right = request(7, b"ACK");
    stranger.send_to(&right, from).expect("send");
    for wrong in [&request(8, b"ACK")[..], b"ACK", b"", &request(7, b"ACK!")] {
        server.send_to(wrong, from).expect("send");
    }
    // It tries again, since nothing of it was the answer.
    assert_eq!(next(&server), request(7, b"hello"));
    server.send_to(&right, from).expect("send");
    assert_eq!(client.finish(b"").stdout, b"acknowledged\n");
}

#[test]
fn a_plain_peer_is_sent_the_text_alone() {
    let server = peer();
    let addr = server.local_addr().expect("an address").to_string();
    let client = Program::start(Command::new(CLIENT).args([&addr, "--plain", "hello"]));
    let mut buffer = [0; 64];
    let (n, from) = server.recv_from(&mut buffer).expect("a request");
    assert_eq!(&buffer[..n], b"hello");
    server.send_to(b"ACK", from).expect("send");
    assert!(client.finish(b"").status.success());
}

#[test]
fn bad_usage_is_exit_2() {
    let long = "x".repeat(1_201);
    for args in [
        &[][..],
        &["127.0.0.1:1"],
        &["nobody", "x"],
        &["127.0.0.1:1", &long],
    ] {
        assert_eq!(
            run(Command::new(CLIENT).args(args), b"").status.code(),
            Some(2)
        );
    }
    for args in [
        "127.0.0.1:0",
        "127.0.0.1:0 127.0.0.1:1 --lose",
        "127.0.0.1:0 127.0.0.1:1 --lose 101%",
        "127.0.0.1:0 127.0.0.1:1 --lose out:x",
        "127.0.0.1:0 127.0.0.1:1 --delay 10%",
        "127.0.0.1:0 127.0.0.1:1 --lose 10%=5",
        "127.0.0.1:0 127.0.0.1:1 --spoil 10%",
    ] {
        let ended = run(Command::new(LINK).args(args.split(' ')), b"");
        assert_eq!(ended.status.code(), Some(2), "{args}");
        assert!(ended.stderr.contains("usage: "), "{}", ended.stderr);
    }
}

/// What the link said of these datagrams, and what arrived of them.
fn passed(options: &str, count: u32) -> (Vec<String>, Vec<u32>) {
    let (server, alice) = (peer(), peer());
    let (mut link, addr) = link(server.local_addr().expect("an address"), options);
    let mut said = Vec::new();
    let numbers: Vec<u32> = (0..count).collect();
    // No more are under way than a socket holds, and so many as overtake each other at once: the link
    // waits for none of them longer than 100 ms.
    for numbers in numbers.chunks(10) {
        for number in numbers {
            alice.send_to(&number.to_be_bytes(), addr).expect("send");
        }
        said.extend(numbers.iter().map(|_| link.stdout_line()));
    }
    server
        .set_read_timeout(Some(Duration::from_millis(600)))
        .expect("set a read timeout");
    let mut arrived = Vec::new();
    let mut buffer = [0; 64];
    while let Ok(n) = server.recv(&mut buffer) {
        let number = buffer[..n].try_into().expect("four bytes");
        arrived.push(u32::from_be_bytes(number));
    }
    (said, arrived)
}

#[test]
fn what_the_link_says_is_what_it_does() {
    let (said, arrived) = passed("--lose 20% --duplicate 20%", 150);
    let mut times: BTreeMap<u32, u32> = BTreeMap::new();
    for number in arrived {
        *times.entry(number).or_default() += 1;
    }
    let mut kinds: BTreeMap<u32, u32> = BTreeMap::new();
    for (number, line) in (0..).zip(&said) {
        let copies = match line.strip_prefix(&format!("→ {number} ")) {
            Some("dropped") => 0,
            Some("passed") => 1,
            Some("twice") => 2,
            _ => panic!("{line}"),
        };
        assert_eq!(times.get(&number).copied().unwrap_or(0), copies, "{line}");
        *kinds.entry(copies).or_default() += 1;
    }
    // A fifth of 150, and a fifth of the rest: the seed is always the same.
    assert!((15..45).contains(&kinds[&0]), "{kinds:?}");
    assert!((10..40).contains(&kinds[&2]), "{kinds:?}");
}

#[test]
fn the_same_seed_decides_the_same_and_another_does_not() {
    let faults = "--lose 20% --duplicate 20% --reorder 20% --delay 10%=50";
    let said = |seed: u32| passed(&format!("--seed {seed} {faults}"), 100).0;
    let first = said(7);
    assert_eq!(first, said(7));
    assert_ne!(first, said(8));
}

#[test]
fn numbers_name_the_datagrams_and_more_losses_move_no_duplicate() {
    let (said, arrived) = passed("--lose out:1-2 --lose back:0 --duplicate out:4-", 6);
    assert_eq!(arrived, [0, 3, 4, 4, 5, 5]);
    let due = "→ 0 passed,→ 1 dropped,→ 2 dropped,→ 3 passed,→ 4 twice,→ 5 twice";
    assert_eq!(said.join(","), due);
    let twice = |options: &str| -> Vec<String> {
        let said = passed(options, 60).0;
        said.into_iter()
            .filter(|line| line.ends_with("twice"))
            .collect()
    };
    let (few, more) = (
        twice("--duplicate 30%"),
        twice("--duplicate 30% --lose out:0-9"),
    );
    let behind = |lines: &[String]| -> Vec<String> {
        let number = |line: &str| line.split(' ').nth(1).and_then(|n| n.parse::<u32>().ok());
        let later = lines.iter().filter(|line| number(line) > Some(9));
        later.cloned().collect()
    };
    assert_eq!(behind(&few), behind(&more));
}

#[test]
fn an_overtaken_datagram_comes_right_behind_the_next_or_a_little_later() {
    let (_, arrived) = passed("--reorder out:1 --reorder out:5", 6);
    assert_eq!(arrived, [0, 2, 1, 3, 4, 5]);
}

#[test]
fn a_late_datagram_is_as_late_as_was_said() {
    let (server, alice) = (peer(), peer());
    let to = server.local_addr().expect("an address");
    let (_link, addr) = link(to, "--delay out:0=250");
    let begun = Instant::now();
    alice.send_to(b"late", addr).expect("send");
    alice.send_to(b"soon", addr).expect("send");
    assert_eq!(next(&server), b"soon");
    assert_eq!(next(&server), b"late");
    assert!(begun.elapsed() >= Duration::from_millis(250));
}

#[test]
fn each_client_of_a_link_is_a_peer_of_its_own_and_gets_its_own_answers() {
    let (mut server, addr) = Program::serve(SERVER);
    let (_link, addr) = link(addr, "--delay back:0=100");
    let clients: Vec<UdpSocket> = (0..5).map(|_| peer()).collect();
    for (number, client) in clients.iter().enumerate() {
        let payload = number.to_string();
        let request = request(7, payload.as_bytes());
        client.send_to(&request, addr).expect("send");
        assert_eq!(server.stdout_line(), format!("7 \"{number}\""));
    }
    for client in &clients {
        assert_eq!(next(client), request(7, b"ACK"));
    }
}

/// Under 20 % loss, duplication and reordering: what is acknowledged was taken in, and nothing
/// twice. WIRESIDE_TRANSFERS=1000 has as many seeds.
#[test]
fn over_a_bad_network_every_message_is_taken_in_at_most_once_and_every_acknowledged_one_exactly_once()
 {
    let transfers = std::env::var("WIRESIDE_TRANSFERS").ok();
    let transfers = transfers.map_or(40, |n| n.parse().expect("a number of transfers"));
    let seed = AtomicU64::new(1);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let seed = seed.fetch_add(1, Ordering::Relaxed);
                    if seed > transfers {
                        return;
                    }
                    transfer(seed);
                }
            });
        }
    });
}

fn transfer(seed: u64) {
    let (mut server, server_addr) = Program::serve(SERVER);
    let faults = format!("--seed {seed} --lose 20% --duplicate 20% --reorder 20%");
    let (_link, addr) = link(server_addr, &faults);
    let texts = ["one", "two", "three", "four", "five"];
    let ended = client(addr, &[&["--id", "1"][..], &texts].concat());
    let said = String::from_utf8(ended.stdout).expect("text");
    let acknowledged = said.lines().count();
    let exact = match ended.status.code() {
        Some(0) => acknowledged == texts.len(),
        // Three tries were lost, and it says so.
        Some(1) => acknowledged < texts.len() && ended.stderr.contains("not acknowledged"),
        _ => false,
    };
    assert!(exact, "seed {seed}: {said}{}", ended.stderr);
    // A fence, past the link: what was taken in before it is printed by then.
    self::acknowledged(&peer(), server_addr, 99, b"");
    let mut taken = Vec::new();
    loop {
        match server.stdout_line() {
            line if line == "99 \"\"" => break,
            line => taken.push(line),
        }
    }
    let due: Vec<String> = (1..)
        .zip(texts)
        .map(|(id, text)| format!("{id} \"{text}\""))
        .collect();
    // The one that was given up may have arrived.
    assert!(
        taken == due[..acknowledged] || taken == due[..(acknowledged + 1).min(due.len())],
        "seed {seed}: {acknowledged} acknowledged, and taken in were {taken:?}"
    );
}
