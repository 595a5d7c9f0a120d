//! The programs of chapter 8: their halves of the protocol by themselves, through every order of events
//! that a network can make; their timer against the RFC's formulas; and whole transfers over a bad
//! network of the test's own.

mod support;

// The programs themselves: a copy of their state machines would prove nothing of them.
#[allow(dead_code)]
#[path = "../src/bin/ch08_receive_file.rs"]
mod receive_file;
#[allow(dead_code)]
#[path = "../src/bin/ch08_send_file.rs"]
mod send_file;
#[allow(dead_code)]
#[path = "../src/bin/ch08_window_receive.rs"]
mod window_receive;
#[allow(dead_code)]
#[path = "../src/bin/ch08_window_send.rs"]
mod window_send;

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::again::where_pressed;
use support::{Program, run};
use wireside::demo::ch08_reliability::Tick;
use wireside::demo::timer_plot;
use wireside::grader::faults::{Faults, Line};
use wireside::grader::seed::{Dice, Seed};

const SEND_FILE: &str = env!("CARGO_BIN_EXE_ch08_send_file");
const RECEIVE_FILE: &str = env!("CARGO_BIN_EXE_ch08_receive_file");
const WINDOW_SEND: &str = env!("CARGO_BIN_EXE_ch08_window_send");
const WINDOW_RECEIVE: &str = env!("CARGO_BIN_EXE_ch08_window_receive");

const MS: fn(u64) -> Duration = Duration::from_millis;

// ---- every order of events

/// A file whose segments are of one byte: after each its reads say that it ends there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Letters {
    rest: &'static [u8],
    pause: bool,
}

impl Read for Letters {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pause = !self.pause;
        match self.rest.split_first() {
            Some((first, rest)) if self.pause => {
                buffer[0] = *first;
                self.rest = rest;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

fn letters(file: &'static [u8]) -> Letters {
    Letters {
        rest: file,
        pause: false,
    }
}

/// A network at its worst: it keeps all that was ever sent, and may deliver any of it at any time, as
/// often as it likes, or never. Every loss, every copy and every order is a path through it.
type Network = BTreeSet<Vec<u8>>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Waits {
    sender: send_file::Sender<Letters>,
    receiver: receive_file::Receiver,
    out: Network,
    back: Network,
    file: Vec<u8>,
}

impl Waits {
    fn begin(file: &'static [u8]) -> Waits {
        let sender = send_file::Sender::new(letters(file)).expect("letters can be read");
        let mut world = Waits {
            sender,
            receiver: receive_file::Receiver::default(),
            out: Network::new(),
            back: Network::new(),
            file: Vec::new(),
        };
        world.transmits();
        world
    }

    fn transmits(&mut self) {
        self.out.insert(self.sender.segment.clone());
    }

    fn receiver_hears(&mut self, datagram: &[u8]) {
        let segment = receive_file::parse(datagram).expect("a sender sends segments");
        let (payload, answer) = self.receiver.take(&segment);
        self.file.extend_from_slice(payload);
        self.back.insert(answer.to_vec());
    }

    fn sender_hears(&mut self, datagram: &[u8]) {
        if self.sender.is_done() {
            return;
        }
        if self.sender.take(datagram).expect("letters can be read") && !self.sender.is_done() {
            self.transmits();
        }
    }

    fn next(&self) -> Vec<Waits> {
        let mut worlds = Vec::new();
        for datagram in &self.out {
            let mut world = self.clone();
            world.receiver_hears(datagram);
            worlds.push(world);
        }
        for datagram in &self.back {
            let mut world = self.clone();
            world.sender_hears(datagram);
            worlds.push(world);
        }
        worlds
    }
}

#[test]
fn stop_and_wait_delivers_exactly_once_through_every_loss_copy_and_order() {
    for file in [&b""[..], b"a", b"ab", b"abcd", b"aaaaaa"] {
        let mut seen = HashSet::new();
        let mut to_do = vec![Waits::begin(file)];
        let mut done = 0;
        while let Some(world) = to_do.pop() {
            if !seen.insert(world.clone()) {
                continue;
            }
            assert!(
                file.starts_with(&world.file),
                "{:?} of {file:?}",
                world.file
            );
            if world.receiver.ended {
                assert_eq!(world.file, file, "the end before the last data");
            }
            if world.sender.is_done() {
                assert!(world.receiver.ended, "done, and the receiver isn't");
                done += 1;
            }
            // Whatever has happened: a network that delivers what is sent ends it.
            let mut good = world.clone();
            for _ in 0..2 * file.len() + 4 {
                if good.sender.is_done() {
                    break;
                }
                good.transmits();
                good.receiver_hears(&good.sender.segment.clone());
                let (kind, number) = (4, good.receiver.expected);
                let answer = if good.receiver.ended { kind } else { 2 };
                let [a, b, c, d] = number.to_be_bytes();
                good.sender_hears(&[answer, a, b, c, d, 0, 0]);
            }
            assert!(good.sender.is_done(), "it is stuck after {:?}", good.file);
            to_do.extend(world.next());
        }
        assert!(done > 0, "no path ends");
        assert!(seen.len() > 2 * file.len(), "{} states only", seen.len());
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Windows {
    sender: window_send::Sender<Letters>,
    receiver: window_receive::Receiver,
    out: Network,
    back: Network,
    file: Vec<u8>,
    done: bool,
}

impl Windows {
    fn begin(file: &'static [u8], first: u32, window: usize) -> Windows {
        Windows {
            sender: window_send::Sender::new(letters(file), first, window),
            receiver: window_receive::Receiver::new(first),
            out: Network::new(),
            back: Network::new(),
            file: Vec::new(),
            done: false,
        }
    }

    /// Sends one new segment, if it may.
    fn sends(&mut self) -> bool {
        let new = self.sender.next_segment().expect("letters can be read");
        let new = new.map(<[u8]>::to_vec);
        let sent = new.is_some();
        self.out.extend(new);
        sent
    }

    fn receiver_hears(&mut self, datagram: &[u8]) {
        let segment = window_receive::parse(datagram).expect("a sender sends segments");
        let answer = self.receiver.take(&segment);
        self.file.append(&mut self.receiver.ready);
        self.back.insert(answer.to_vec());
    }

    fn sender_hears(&mut self, datagram: &[u8]) {
        // What is to be sent again is on the network already.
        self.done |= self.sender.take(datagram) == window_send::Heard::Done;
    }

    fn next(&self) -> Vec<Windows> {
        let mut worlds = Vec::new();
        let mut add = |change: &dyn Fn(&mut Windows)| {
            let mut world = self.clone();
            change(&mut world);
            worlds.push(world);
        };
        if self.done {
            return worlds;
        }
        add(&|world| {
            world.sends();
        });
        add(&|world| world.sender.expired());
        for datagram in &self.out {
            add(&|world| world.receiver_hears(datagram));
        }
        for datagram in &self.back {
            add(&|world| world.sender_hears(datagram));
        }
        worlds
    }
}

#[test]
fn a_window_delivers_exactly_once_through_every_loss_copy_and_order() {
    // The numbers wrap inside the file.
    let first = u32::MAX - 1;
    // With fewer states than there are now, some order of events would be tried no longer.
    for (file, window, least) in [
        (&b""[..], 2, 7),
        (b"abc", 1, 90),
        (b"abc", 2, 345),
        (b"abcd", 3, 1589),
        (b"abcde", 2, 1170),
    ] {
        let mut seen = HashSet::new();
        let mut to_do = vec![Windows::begin(file, first, window)];
        let mut done = 0;
        while let Some(world) = to_do.pop() {
            if !seen.insert(world.clone()) {
                continue;
            }
            assert!(
                file.starts_with(&world.file),
                "{:?} of {file:?}",
                world.file
            );
            assert!(
                world.sender.under_way.len() <= window,
                "one too many under way"
            );
            if world.receiver.ended {
                assert_eq!(world.file, file, "the end before the last data");
            }
            if world.done {
                assert!(world.receiver.ended, "done, and the receiver isn't");
                done += 1;
                continue;
            }
            // Whatever has happened: with a network that delivers what is sent, expiries end it.
            let mut good = world.clone();
            for _ in 0..6 * file.len() + 6 {
                while good.sends() {}
                good.sender.expired();
                let oldest = good.sender.oldest().to_vec();
                if good.done || oldest.is_empty() {
                    break;
                }
                good.receiver_hears(&oldest);
                let kind = if good.receiver.ended { 4 } else { 2 };
                let answer = window_receive::answer(kind, good.receiver.expected);
                good.sender_hears(&answer);
            }
            assert!(good.done, "it is stuck after {:?}", good.file);
            to_do.extend(world.next());
        }
        assert!(done > 0, "no path ends");
        assert!(seen.len() >= least, "{} states only", seen.len());
    }
}

// ---- numbers that wrap

/// Segments in any order, with copies, around the wrap: the receiver makes the file of them.
#[test]
fn a_receiver_sorts_what_comes_wherever_the_numbers_wrap() {
    let mut dice = Seed(8).dice("ch08", "wrap");
    for _ in 0..300 {
        let first = match dice.below(3) {
            0 => 0_u32.wrapping_sub(dice.below(70) as u32),
            1 => (1_u32 << 31).wrapping_sub(dice.below(70) as u32),
            _ => dice.roll() as u32,
        };
        let count = 1 + dice.below(60) as u32;
        let mut receiver = window_receive::Receiver::new(first);
        let (mut file, mut arrived) = (Vec::new(), HashSet::new());
        while receiver.expected != first.wrapping_add(count) {
            // Anything from far behind to beyond what it keeps.
            let place = dice.below(count as usize) as u32;
            let number = first.wrapping_add(place);
            let before = receiver.expected;
            receiver.take(&window_receive::Segment {
                kind: 1,
                number,
                payload: &[place as u8],
            });
            file.append(&mut receiver.ready);
            arrived.insert(place);
            let moved = receiver.expected.wrapping_sub(before);
            assert!(moved <= count, "it went back from {before}");
            assert!((0..file.len() as u32).all(|place| arrived.contains(&place)));
        }
        assert_eq!(file, (0..count as u8).collect::<Vec<_>>(), "from {first}");
        let end = window_receive::Segment {
            kind: 3,
            number: first.wrapping_add(count),
            payload: &[],
        };
        receiver.take(&end);
        assert!(receiver.ended);
    }
}

/// Of all acks that there could be, those within the window move it, by their distance.
#[test]
fn a_sender_moves_by_an_ack_s_distance_and_by_nothing_else() {
    let mut dice = Seed(8).dice("ch08", "acks");
    for _ in 0..2_000 {
        let first = match dice.below(2) {
            0 => 0_u32.wrapping_sub(dice.below(20) as u32),
            _ => dice.roll() as u32,
        };
        let window = 1 + dice.below(8);
        let mut sender = window_send::Sender::new(letters(b"abcdefghijklmnop"), first, window);
        while sender
            .next_segment()
            .expect("letters can be read")
            .is_some()
        {}
        let near = dice.below(24) as u32;
        let number = match dice.below(3) {
            0 => first.wrapping_add(near),
            1 => first.wrapping_sub(near),
            _ => dice.roll() as u32,
        };
        let ahead = number.wrapping_sub(first);
        sender.take(&window_receive::answer(2, number));
        let moved = sender.base.wrapping_sub(first);
        let due = if ahead as usize <= window { ahead } else { 0 };
        assert_eq!(moved, due, "ack {number} at {first}, window {window}");
    }
}

// ---- the timer

/// RFC 6298, written a second time, in seconds.
struct ByTheBook {
    srtt: Option<f64>,
    rttvar: f64,
    rto: f64,
}

impl ByTheBook {
    fn sample(&mut self, r: f64) {
        match self.srtt {
            None => (self.srtt, self.rttvar) = (Some(r), r / 2.0),
            Some(srtt) => {
                self.rttvar = (1.0 - 0.25) * self.rttvar + 0.25 * (srtt - r).abs();
                self.srtt = Some((1.0 - 0.125) * srtt + 0.125 * r);
            }
        }
        let rto = self.srtt.unwrap_or(r) + f64::max(0.010, 4.0 * self.rttvar);
        self.rto = rto.clamp(0.2, 60.0);
    }
}

#[test]
fn the_timer_is_that_of_rfc_6298() {
    let mut dice = Seed(8).dice("ch08", "timer");
    for _ in 0..200 {
        let mut timer = window_send::Timer::begin();
        let mut book = ByTheBook {
            srtt: None,
            rttvar: 0.0,
            rto: 1.0,
        };
        for _ in 0..60 {
            if dice.below(4) == 0 {
                timer.expired();
                book.rto = (book.rto * 2.0).min(60.0);
            } else {
                let rtt = Duration::from_micros(50 + dice.below(900_000) as u64);
                timer.sample(rtt);
                book.sample(rtt.as_secs_f64());
            }
            let off = (timer.rto.as_secs_f64() - book.rto).abs();
            assert!(off < 1e-4, "{:?} and {}", timer.rto, book.rto);
        }
    }
}

// ---- whole transfers

/// Takes every datagram between a sender and a receiver through two bad lines, until it is dropped.
struct Relay {
    addr: SocketAddr,
    over: std::sync::Arc<AtomicBool>,
}

impl Relay {
    fn to(receiver: SocketAddr, lines: [Faults; 2]) -> Relay {
        let bound = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
            socket.set_nonblocking(true).expect("non-blocking");
            socket
        };
        let (front, behind) = (bound(), bound());
        let addr = front.local_addr().expect("own address");
        let over = std::sync::Arc::new(AtomicBool::new(false));
        let ends = std::sync::Arc::clone(&over);
        thread::spawn(move || {
            let [mut out, mut back] = lines.map(Line::new);
            let mut buffer = vec![0; 65_536];
            let mut sender = None;
            let mut idle_since = Instant::now();
            while !ends.load(Ordering::Relaxed) {
                let mut idle = true;
                while let Ok((n, from)) = front.recv_from(&mut buffer) {
                    (idle, sender) = (false, Some(from));
                    for datagram in out.take(&buffer[..n]).arrivals {
                        _ = behind.send_to(&datagram, receiver);
                    }
                }
                while let Ok((n, _)) = behind.recv_from(&mut buffer) {
                    idle = false;
                    for datagram in back.take(&buffer[..n]).arrivals {
                        _ = sender.map(|sender| front.send_to(&datagram, sender));
                    }
                }
                if !idle {
                    idle_since = Instant::now();
                } else if idle_since.elapsed() > MS(20) {
                    for datagram in out.let_go() {
                        _ = behind.send_to(&datagram, receiver);
                    }
                    for datagram in back.let_go() {
                        _ = sender.map(|sender| front.send_to(&datagram, sender));
                    }
                }
                if idle {
                    thread::sleep(MS(1));
                }
            }
        });
        Relay { addr, over }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A fifth is lost, a fifth doubled, a fifth reordered, each way. No more than so many are lost in a
/// row: with two each way nine transmissions are enough, of the ten that stop-and-wait makes; the
/// window's timer may expire seven times, so there it is one.
fn bad(dice: &Dice, in_a_row: u32) -> Faults {
    Faults::of(dice)
        .loses(20, in_a_row)
        .duplicates(20)
        .reorders(20, 3)
}

/// A sender to its end. It ends by itself, after minutes at worst: its timer may have been doubled to
/// half a minute before it learns better.
fn sends(command: &mut Command, file: &[u8]) -> (std::process::ExitStatus, String) {
    let piped = std::process::Stdio::piped;
    let mut child = command
        .stdin(piped())
        .stderr(piped())
        .spawn()
        .expect("start a sender");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(file).expect("a sender reads its stdin");
    drop(stdin);
    let ended = child.wait_with_output().expect("wait for a sender");
    (
        ended.status,
        String::from_utf8_lossy(&ended.stderr).into_owned(),
    )
}

/// One transfer through a relay: the receiver's file, exactly, and both exit with 0.
fn transfer(sender: &str, args: &[&str], receiver: &str, file: &[u8], lines: [Faults; 2]) {
    let (receives, addr) = Program::serve(receiver);
    let relay = Relay::to(addr, lines);
    let (ended, stderr) = sends(
        Command::new(sender).arg(relay.addr.to_string()).args(args),
        file,
    );
    assert!(ended.success(), "{stderr}");
    assert!(stderr.contains(" has it all"), "{stderr}");
    let received = receives.finish(b"");
    assert!(received.status.success(), "{}", received.stderr);
    assert!(
        received.stdout == file,
        "{} of {} bytes",
        received.stdout.len(),
        file.len()
    );
}

#[test]
fn files_of_every_awkward_length_arrive() {
    let dice = Seed(8).dice("ch08", "lengths");
    for length in [0, 1, 1023, 1024, 1025, 6 * 1024, 7 * 1024, 100_000] {
        let file = dice.clone().bytes(length);
        let clear = || [Faults::none(), Faults::none()];
        thread::scope(|scope| {
            scope.spawn(|| transfer(SEND_FILE, &[], RECEIVE_FILE, &file, clear()));
            scope.spawn(|| transfer(WINDOW_SEND, &[], WINDOW_RECEIVE, &file, clear()));
            scope.spawn(|| transfer(WINDOW_SEND, &["1"], WINDOW_RECEIVE, &file, clear()));
            scope.spawn(|| transfer(WINDOW_SEND, &["64"], WINDOW_RECEIVE, &file, clear()));
        });
    }
}

/// So many transfers, by both pairs of programs in turn, each with a seed of its own.
fn transfers(count: u32, side_by_side: u32) {
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        return;
                    }
                    let mut dice = Seed(seed).dice("ch08", "transfer");
                    let length = dice.below(if seed % 2 == 0 { 3 } else { 30 } * 1024);
                    let file = dice.bytes(length);
                    let in_a_row = [2, 1][seed as usize % 2];
                    let lines =
                        ["out", "back"].map(|way| bad(&Seed(seed).dice("ch08", way), in_a_row));
                    // A sender that has no processor for a second finds its receiver gone.
                    where_pressed(Duration::from_millis(300), || match seed % 2 {
                        0 => transfer(SEND_FILE, &[], RECEIVE_FILE, &file, lines.clone()),
                        _ => transfer(WINDOW_SEND, &["8"], WINDOW_RECEIVE, &file, lines.clone()),
                    });
                }
            });
        }
    });
}

#[test]
fn a_bad_network_changes_nothing_of_a_file() {
    transfers(24, 12);
}

#[test]
#[ignore = "minutes: cargo test --test ch08_programs -- --ignored a_thousand"]
fn a_thousand_transfers_with_a_thousand_seeds_are_exact() {
    transfers(1_000, 48);
}

#[test]
fn nobody_at_the_port_is_exit_1_with_a_sentence() {
    // A port of a socket that is bound and never read: what is sent there is heard by nobody.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let addr = silent.local_addr().expect("own address").to_string();
    let begun = Instant::now();
    let ended = run(Command::new(SEND_FILE).arg(&addr), b"hello");
    assert_eq!(ended.status.code(), Some(1));
    assert!(begun.elapsed() >= MS(2_000), "ten times 200 ms");
    assert!(
        ended.stderr.contains("segment 0: sent 10 times, no answer"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_is_no_segment_and_who_is_not_the_sender_change_nothing() {
    for (program, first) in [(RECEIVE_FILE, 0_u32), (WINDOW_RECEIVE, 4_294_967_290)] {
        let (mut receiver, addr) = Program::serve(program);
        let peer = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
            socket
                .set_read_timeout(Some(support::LIMIT))
                .expect("a timeout");
            socket.connect(addr).expect("connect");
            socket
        };
        let (alice, mallory) = (peer(), peer());
        let segment = |kind: u8, number: u32, payload: &[u8]| {
            let length = (payload.len() as u16).to_be_bytes();
            [&[kind][..], &number.to_be_bytes(), &length, payload].concat()
        };
        let answer = |socket: &UdpSocket| {
            let mut buffer = [0; 64];
            let n = socket.recv(&mut buffer).expect("an answer");
            buffer[..n].to_vec()
        };
        for wrong in [&b""[..], b"hello", &[1; 7], &segment(1, first + 1, b"evil")] {
            mallory.send(wrong).expect("send");
        }
        alice.send(&segment(1, first, b"good ")).expect("send");
        assert_eq!(answer(&alice), segment(2, first + 1, b""));
        for wrong in [&b""[..], &[1; 6], &segment(9, first + 1, b"evil")] {
            alice.send(wrong).expect("send");
        }
        alice
            .send(&segment(1, first + 1, &[b'x'; 1_025]))
            .expect("send");
        mallory.send(&segment(1, first + 1, b"evil")).expect("send");
        mallory.send(&segment(3, first + 1, b"")).expect("send");
        alice.send(&segment(1, first + 1, b"file")).expect("send");
        assert_eq!(answer(&alice), segment(2, first + 2, b""));
        alice.send(&segment(3, first + 2, b"")).expect("send");
        assert_eq!(answer(&alice), segment(4, first + 2, b""));
        assert_eq!(receiver.stdout_bytes(9), b"good file");
        let ended = receiver.finish(b"");
        assert!(ended.status.success(), "{}", ended.stderr);
        mallory.set_nonblocking(true).expect("non-blocking");
        assert!(mallory.recv(&mut [0; 64]).is_err(), "mallory was answered");
    }
}

#[test]
fn bad_usage_is_exit_2_with_the_usage_line() {
    for (program, args) in [
        (SEND_FILE, &["localhost:7008"][..]),
        (SEND_FILE, &[]),
        (RECEIVE_FILE, &["127.0.0.1:0", "more"]),
        (WINDOW_RECEIVE, &[]),
        (WINDOW_SEND, &["127.0.0.1:7008", "0"]),
        (WINDOW_SEND, &["127.0.0.1:7008", "65"]),
        (WINDOW_SEND, &["nowhere", "8"]),
    ] {
        let ended = run(Command::new(program).args(args), b"");
        assert_eq!(ended.status.code(), Some(2), "{args:?}");
        assert!(ended.stderr.contains("\nusage: ch08_"), "{}", ended.stderr);
    }
}

// ---- what the page draws

/// Answers after 20 ms, then after 300, then after 40, and a segment that is lost.
fn a_run_of_the_timer() -> String {
    let (_receiver, addr) = Program::serve(WINDOW_RECEIVE);
    let faults = "--delay back:0-9=20 --delay back:10-27=300 --delay back:28-=40 --lose out:40";
    let mut link = Program::start(
        Command::new(env!("CARGO_BIN_EXE_ch07_lossy_link"))
            .args(["127.0.0.1:0", &addr.to_string()])
            .args(faults.split(' ')),
    );
    let line = link.stdout_line();
    let link_addr = line
        .strip_prefix("listening on ")
        .expect("the link's address");
    let file = vec![b'x'; 50 * 1024];
    let (ended, stderr) = sends(Command::new(WINDOW_SEND).args([link_addr, "1"]), &file);
    assert!(ended.success(), "{stderr}");
    // Ports differ from run to run, and say nothing here.
    stderr.replace(link_addr, "127.0.0.1:7070")
}

/// The plot is drawn from the record of a real run; `BLESS=1` makes a new one of both.
#[test]
fn the_page_s_plot_is_drawn_from_a_recorded_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("book/figures");
    let (record, drawn) = (folder.join("ch08_timer.txt"), folder.join("ch08_timer.svg"));
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        let lines = a_run_of_the_timer();
        std::fs::write(&record, &lines).expect("write the record");
        std::fs::write(&drawn, timer_plot::plot(&lines)).expect("write the plot");
    }
    let read = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path);
        text.unwrap_or_else(|err| panic!("{}: {err}: BLESS=1 makes it", path.display()))
            .replace("\r\n", "\n")
    };
    let lines = read(&record);
    assert_eq!(
        timer_plot::plot(&lines),
        read(&drawn),
        "drawn from another record"
    );
    let ticks: Vec<Tick> = lines.lines().filter_map(Tick::read).collect();
    assert!(ticks.len() > 40, "{} lines of the timer's", ticks.len());
    assert!(
        ticks
            .iter()
            .any(|tick| matches!(tick, Tick::Expired { .. }))
    );
}
