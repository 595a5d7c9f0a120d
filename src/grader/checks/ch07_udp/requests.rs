//! What the checks of `ex07_ack_server` share: requests, one or many, and their acknowledgements.

use super::{ack, request};
use crate::grader::check::{Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::faults::Faults;
use crate::grader::stage::Stage;
use crate::grader::udp::UdpPeer;
use std::collections::BTreeSet;
use std::time::Duration;

/// Asks, and is told that it has arrived.
pub(super) fn acknowledged(peer: &mut UdpPeer, id: u32, payload: &[u8]) -> Told {
    peer.says(&request(id, payload))?;
    peer.hears(&ack(id)).map(drop)
}

/// So many requests before the first acknowledgement is heard. Each of them is acknowledged, in
/// whichever order: a server may have threads.
pub(super) fn together(peer: &mut UdpPeer, ids: std::ops::Range<u32>) -> Told {
    let mut due: BTreeSet<Vec<u8>> = ids.clone().map(ack).collect();
    for id in ids {
        peer.says(&request(id, b"x"))?;
    }
    while let Some(next) = due.first().cloned() {
        let heard = peer.hears_one(&next[..])?;
        if !due.remove(&heard.bytes) {
            let expected = format!("one of the {} acknowledgements that are due", due.len());
            return peer.fails(Symptom::Different, expected, &heard.bytes[..]);
        }
    }
    peer.is_content();
    Ok(())
}

pub(super) fn burst(stage: &Stage, count: u32) -> Told {
    together(&mut stage.udp_peer("alice")?, 0..count)?;
    each_once(stage, count)
}

/// The ids from 0 on have a line each, in any order, and nothing else is there.
pub(super) fn each_once(stage: &Stage, count: u32) -> Told {
    let lines = |mut lines: Vec<String>| {
        lines.sort_unstable();
        lines
    };
    let due = lines((0..count).map(|id| format!("{id} 1")).collect());
    let length = due.iter().map(|line| line.len() + 1).sum();
    let text = String::from_utf8_lossy(&stage.result(length)?).into_owned();
    let got = lines(text.lines().map(String::from).collect());
    if got == due {
        return Ok(());
    }
    let twice = got.windows(2).find(|pair| pair[0] == pair[1]);
    let odd = got.iter().find(|line| due.binary_search(line).is_err());
    let missing = due.iter().find(|line| got.binary_search(line).is_err());
    let (symptom, got) = match (twice, odd, missing) {
        (Some(pair), _, _) => (Symptom::Extra, format!("the line `{}` twice", pair[0])),
        (_, Some(odd), _) => (Symptom::Different, format!("a line `{odd}`")),
        (_, _, missing) => {
            let missing = missing.map_or("", String::as_str);
            (Symptom::End, format!("no line `{missing}`"))
        }
    };
    let due = format!("a line for each id from 0 to {}", count - 1);
    stage.result_fails(stage.server()?, symptom, due, got)
}

/// One request after another while nobody reads the server's stdout: how many were acknowledged,
/// with the one before them, until no acknowledgement came any more.
pub(super) fn fill(peer: &mut UdpPeer) -> Result<usize, Stop> {
    // More than any system's pipe holds.
    for id in 1..30_000 {
        peer.says(&request(id, b"x"))?;
        // Too short a wait would only let a wrong program pass.
        match peer.hears_within(Duration::from_millis(400))? {
            Some(heard) if heard.bytes == ack(id) => {}
            Some(heard) => return peer.fails(Symptom::Different, &ack(id)[..], &heard.bytes[..]),
            None => return Ok(id as usize),
        }
    }
    Ok(30_000)
}

/// Forty requests, each repeated until it is acknowledged.
pub(super) fn over_a_network(stage: &Stage, out: Faults, back: Faults) -> Told {
    let mut alice = stage.udp_peer("alice")?;
    alice.sends_through(out);
    alice.hears_through(back);
    for id in 0..40 {
        let mut tries = 0;
        'again: loop {
            alice.says(&request(id, b"x"))?;
            tries += 1;
            while let Some(heard) = alice.hears_within(Duration::from_millis(100))? {
                if heard.bytes == ack(id) {
                    break 'again;
                }
                // A late or doubled acknowledgement of an earlier one is the network's doing.
                if !(0..id).any(|earlier| heard.bytes == ack(earlier)) {
                    return alice.fails(Symptom::Different, &ack(id)[..], &heard.bytes[..]);
                }
            }
            if tries == 100 {
                alice.program().must_have_run(Duration::from_secs(10))?;
                let got = format!("none, though it was sent {tries} times");
                return alice.fails(Symptom::Silence, "an acknowledgement", got);
            }
        }
    }
    let server = stage.addr()?;
    alice.lets_go(server)?;
    alice.sends_through(Faults::none());
    alice.hears_through(Faults::none());
    alice.says(&request(40, b"x"))?;
    while alice.hears_one(&ack(40)[..])?.bytes != ack(40) {}
    each_once(stage, 41)
}

/// So many requests, then the first once more, and one that is new.
pub(super) fn many(stage: &Stage, count: u32) -> Told {
    let mut alice = stage.udp_peer("alice")?;
    for first in (0..count).step_by(32) {
        together(&mut alice, first..count.min(first + 32))?;
    }
    acknowledged(&mut alice, 0, b"x")?;
    acknowledged(&mut alice, 1, b"x")?;
    acknowledged(&mut alice, count, b"x")?;
    each_once(stage, count + 1)
}
