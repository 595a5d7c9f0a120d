//! The same seed gives the same conversation: over TCP, and over a network that loses, doubles and
//! delays datagrams.

#[path = "support/again.rs"]
mod again;

use again::where_pressed;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;
use wireside::grader::check::Stop;
use wireside::grader::launch::Launch;
use wireside::grader::seed::Seed;
use wireside::grader::stage::Stage;
use wireside::grader::transcript::What;

/// A step without its time.
type Step = (String, What, Vec<u8>, String);

fn steps(stage: &Stage) -> Vec<Step> {
    let (events, left_out) = stage.transcript().events();
    assert_eq!(left_out, 0);
    let step = |e: wireside::grader::transcript::Event| (e.who, e.what, e.bytes, e.note);
    events.into_iter().map(step).collect()
}

/// An echo in datagrams, for as long as the test runs.
fn udp_echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let addr = socket.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..n], peer);
        }
    });
    addr
}

/// Forty numbered datagrams through a bad network in both directions, each sent when nothing comes
/// any more of the one before.
fn over_a_bad_network(addr: SocketAddr, seed: Seed) -> Vec<Step> {
    let dice = seed.dice("ex", "check");
    let stage = Stage::new(&Launch::Running(addr), dice).expect("a stage");
    let told = || -> Result<(), Stop> {
        let mut alice = stage.udp_peer("alice")?;
        let (outward, inward) = (stage.faults(), stage.faults());
        alice.sends_through(outward.loses(20, 3).duplicates(20).reorders(20, 3));
        alice.hears_through(inward.loses(20, 3).duplicates(20).reorders(20, 3));
        for number in 0..40_u32 {
            let payload = [number.to_be_bytes().to_vec(), stage.random_bytes(9)].concat();
            alice.says_to(addr, &payload)?;
            while alice.hears_within(Duration::from_millis(100))?.is_some() {}
        }
        Ok(())
    };
    told().expect("the conversation");
    steps(&stage)
}

#[test]
fn a_seed_replays_a_conversation_over_a_bad_network() {
    let addr = udp_echo();
    // An echo that has no processor for 100 ms answers behind the next question.
    let first = where_pressed(Duration::from_millis(80), || {
        let [first, again, other] = [7, 7, 8].map(|seed| over_a_bad_network(addr, Seed(seed)));
        assert_eq!(first, again);
        assert_ne!(first, other);
        first
    });
    for what in [What::Lost, What::Twice, What::Held] {
        assert!(
            first.iter().any(|step| step.1 == what),
            "no {what:?} in 40 datagrams each way"
        );
    }
}

#[test]
fn a_seed_replays_the_bytes_of_a_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let _ = stream.write_all(&buffer[..n]);
            }
        }
    });
    let told = |seed| {
        let stage = Stage::new(&Launch::Running(addr), Seed(seed).dice("ex", "check")).unwrap();
        let bytes = stage.random_bytes(1000);
        let mut alice = stage.client("alice").expect("a client");
        alice.says(&bytes).expect("said");
        alice.hears(&bytes).expect("heard");
        steps(&stage)
            .into_iter()
            .filter(|step| step.1 == What::Says)
            .collect::<Vec<_>>()
    };
    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
}
