//! `ex07_ack_server`.

use super::{AWKWARD, ack, request};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::faults::{Fate, Faults};
use crate::grader::stage::Stage;
use crate::grader::udp::UdpPeer;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The longest payload that is taken in, included.
const MAX: usize = 1_200;

pub const ACK_SERVER: &[Check] = &[
    Check {
        name: "a request is acknowledged by its id and ACK",
        why: "without the id nobody could say which request arrived",
        run: |stage| acknowledged(&mut stage.udp_peer("alice")?, 7, b"hello"),
        ..Check::PLAIN
    },
    Check {
        name: "what is taken in is on stdout, with its length",
        why: "taking in is what the request is for; the acknowledgement only tells of it",
        run: |stage| {
            acknowledged(&mut stage.udp_peer("alice")?, 7, b"hello")?;
            stage.has_printed(b"7 5\n")
        },
        ..Check::PLAIN
    },
    Check {
        name: "an empty payload is taken in",
        why: "an id and nothing else is a whole request",
        run: |stage| {
            acknowledged(&mut stage.udp_peer("alice")?, 8, b"")?;
            stage.has_printed(b"8 0\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "a payload of no bytes is taken for none, or for too short a datagram",
            advice: "four bytes are enough: the length of the payload is n - 4",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "any bytes may be in a payload",
        why: "a payload is bytes; that they are text is a belief of the sender",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 7, AWKWARD)?;
            acknowledged(&mut alice, 8, &stage.random_bytes(900))?;
            stage.has_printed(format!("7 {}\n8 900\n", AWKWARD.len()).as_bytes())
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the payload is decoded as text, and what isn't text is an error or is replaced",
            advice: "count the bytes that came; nothing needs to be decoded",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an id is any number of 32 bits, in any order",
        why: "datagrams overtake each other, and a client may begin wherever it likes",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            let ids = [0xffff_ffff, 0x8000_0000, 0x0102_0304, 256, 1, 0, 255];
            let mut lines = String::new();
            for id in ids {
                acknowledged(&mut alice, id, b"x")?;
                lines += &format!("{id} 1\n");
            }
            stage.has_printed(lines.as_bytes())
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the id is read as another kind of number, or must be larger than the last",
            advice: "u32::from_be_bytes; and ask whether it is known, not whether it is larger",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a request that comes again is acknowledged again",
        why: "it comes again because its acknowledgement was lost: silence would bring it once more",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut alice, 7, b"hello")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "a known id is dropped without an answer",
            advice: "only taking in is done once; the acknowledgement is for each datagram",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a request that comes again is not taken in again",
        why: "\"pay 10 euros\", sent once and delivered twice, must not cost 20",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut alice, 8, b"fence")?;
            stage.has_printed(b"7 5\n8 5\n")
        },
        control: Some(HELLO),
        causes: &[FORGETS],
        ..Check::PLAIN
    },
    Check {
        name: "two requests with the same payload are two",
        why: "who says \"pay 10 euros\" twice may mean it: the id tells, the content doesn't",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut alice, 8, b"hello")?;
            stage.has_printed(b"7 5\n8 5\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "a request is known again by its payload",
            advice: "remember peer and id, and nothing of the payload",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a known id is known whatever its payload is now",
        why: "the id is the request's name; one name doesn't stand for two requests",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut alice, 7, b"good morning")?;
            acknowledged(&mut alice, 8, b"fence")?;
            stage.has_printed(b"7 5\n8 5\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "what is remembered is the whole datagram",
            advice: "remember peer and id, and nothing of the payload",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an id is known though others came after it",
        why: "a duplicate may be the slowest of all datagrams",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            for id in [7, 8, 9, 7, 8, 10] {
                acknowledged(&mut alice, id, b"hello")?;
            }
            stage.has_printed(b"7 5\n8 5\n9 5\n10 5\n")
        },
        control: Some(Control {
            name: "an id that comes twice in a row",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                for id in [7, 7, 8] {
                    acknowledged(&mut alice, id, b"hello")?;
                }
                stage.has_printed(b"7 5\n8 5\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "only the last id is remembered",
            advice: "keep a set of those that came, not a variable",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "two peers may use the same id",
        why: "each counts its own requests: both may begin at 1",
        points: 2,
        run: |stage| {
            let (mut alice, mut bob) = (stage.udp_peer("alice")?, stage.udp_peer("bob")?);
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut bob, 7, b"hi")?;
            acknowledged(&mut alice, 7, b"hello")?;
            stage.has_printed(b"7 5\n7 2\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "an id is remembered without its peer, or with its IP alone",
            advice: "a peer is the whole address, IP and port: remember it with the id",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the same port at another IP is another peer",
        why: "each host gives its ports as it likes",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            let elsewhere = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), alice.addr()?.port()));
            let mut bob = stage.udp_peer_at("bob", elsewhere)?;
            acknowledged(&mut alice, 7, b"hello")?;
            acknowledged(&mut bob, 7, b"hi")?;
            stage.has_printed(b"7 5\n7 2\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "an id is remembered with the port alone",
            advice: "a peer is the whole address, IP and port",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "neither an empty datagram nor a peer that has gone ends anything",
        why: "anybody can send nothing: it is a datagram like another, and no end of a stream",
        run: |stage| {
            for number in 0..8 {
                let mut bob = stage.udp_peer("bob")?;
                bob.says(b"")?;
                bob.says(&request(number, b"and away"))?;
            }
            acknowledged(&mut stage.udp_peer("alice")?, 9, b"hello")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "a receive of 0 bytes is taken for an end, or an error ends the loop",
            advice: "there is no end to hear: go on with the next datagram",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a datagram that is too short for an id gets nothing",
        why: "what is not a request has no id that could be acknowledged",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 7, b"hello")?;
            for short in [&b""[..], b"\0", b"\0\0\0"] {
                alice.says(short)?;
                acknowledged(&mut alice, 8, b"fence")?;
            }
            stage.has_printed(b"7 5\n8 5\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the id is read without a look at how much came: from an older datagram, or from nowhere",
            advice: "compare n with 4 before you read an id",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a payload of 1,200 bytes is taken in whole",
        why: "what doesn't fit the buffer is cut off, on Linux without a word",
        points: 2,
        run: |stage| {
            acknowledged(&mut stage.udp_peer("alice")?, 7, &[b'x'; MAX])?;
            stage.has_printed(b"7 1200\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the buffer, or the limit, is smaller than a request may be: 4 bytes and 1,200",
            advice: "make room for more than is allowed; then what came tells whether it was too much",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a payload of more than 1,200 bytes gets nothing",
        why: "half a message that is acknowledged is lost for good: nobody will send it again",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            for length in [MAX + 1, MAX + 2, 1_500, 9_000] {
                alice.says(&request(6, &vec![b'x'; length]))?;
                acknowledged(&mut alice, length as u32, b"fence")?;
            }
            stage.has_printed(b"1201 5\n1202 5\n1500 5\n9000 5\n")
        },
        control: Some(Control {
            name: "a payload of 1,200 bytes",
            run: |stage| acknowledged(&mut stage.udp_peer("alice")?, 7, &[b'x'; MAX]),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "there is no limit, or the datagram was cut to the buffer and then looked right",
            advice: "a buffer of one byte more than is allowed shows that there was more",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the id of a request that was too long is free",
        why: "it was not taken in: the same id with a shorter payload is a new request",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            alice.says(&request(7, &[b'x'; MAX + 1]))?;
            acknowledged(&mut alice, 7, b"hello")?;
            stage.has_printed(b"7 5\n")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the id is remembered before the length is looked at",
            advice: "first all reasons to refuse, then the memory",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "64 datagrams at once are all taken in",
        why: "the socket is the queue: what it holds is lost with it",
        points: 2,
        run: |stage| burst(stage, 64),
        control: Some(Control {
            name: "one datagram",
            run: |stage| burst(stage, 1),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the socket is closed and bound anew, and what waited in it is gone",
            advice: "one socket for the whole life of the server",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "over a network that loses, doubles and reorders each is taken in once",
        why: "this is what ids, acknowledgements and repetition are for",
        points: 3,
        run: |stage| {
            let bad = || stage.faults().loses(20, 2).duplicates(20).reorders(20, 3);
            // Whatever the seed is: a request and an acknowledgement are lost.
            let (out, back) = (bad().at(3, Fate::Lost), bad().at(1, Fate::Lost));
            over_a_network(stage, out, back)
        },
        control: Some(Control {
            name: "the same requests over a good network",
            run: |stage| over_a_network(stage, Faults::none(), Faults::none()),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "an id is forgotten too soon",
            advice: "forget an id when many newer ones have come, not when time has passed",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the line is on stdout before the acknowledgement is sent",
        why: "who acknowledges first, and ends between the two, has lost what it promised to have",
        points: 3,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            acknowledged(&mut alice, 0, b"x")?;
            stage.result(1)?;
            let program = stage.server()?;
            // Now the pipe fills up. When there is no room for a line, there is no acknowledgement.
            program.leaves_stdout_unread();
            let told = fill(&mut alice);
            program.is_killed();
            let known = told?;
            let printed = stage.result(0)?;
            let lines = printed.iter().filter(|byte| **byte == b'\n').count();
            if lines >= known {
                return Ok(());
            }
            let due =
                format!("{known} lines for {known} acknowledgements, while nobody reads stdout");
            stage.result_fails(program, Symptom::Early, due, format!("{lines} lines"))
        },
        control: Some(Control {
            name: "3 requests while somebody reads stdout",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                for id in 0..3 {
                    acknowledged(&mut alice, id, b"x")?;
                }
                stage.has_printed(b"0 1\n1 1\n2 1\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Early],
            likely: "the acknowledgement is sent first, or the line is left for later",
            advice: "print and flush, in the same thread, and then send",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "65,536 ids are remembered",
        why: "a duplicate may come late: who forgets early takes it in twice",
        points: 2,
        run: |stage| many(stage, 65_536),
        control: Some(Control {
            name: "the same with 100 ids",
            run: |stage| many(stage, 100),
        }),
        causes: &[FORGETS],
        ..Check::PLAIN
    },
];

const FORGETS: Cause = Cause {
    symptoms: &[],
    likely: "an id that was taken in isn't remembered, or not long enough",
    advice: "keep the last 65,536 ids, each with its peer; the oldest goes first",
};

const HELLO: Control = Control {
    name: "one request, and its line",
    run: |stage| {
        acknowledged(&mut stage.udp_peer("alice")?, 7, b"hello")?;
        stage.has_printed(b"7 5\n")
    },
};

/// Asks, and is told that it has arrived.
fn acknowledged(peer: &mut UdpPeer, id: u32, payload: &[u8]) -> Told {
    peer.says(&request(id, payload))?;
    peer.hears(&ack(id)).map(drop)
}

/// So many requests before the first acknowledgement is heard. Each of them is acknowledged, in
/// whichever order: a server may have threads.
fn together(peer: &mut UdpPeer, ids: std::ops::Range<u32>) -> Told {
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

fn burst(stage: &Stage, count: u32) -> Told {
    together(&mut stage.udp_peer("alice")?, 0..count)?;
    each_once(stage, count)
}

/// The ids from 0 on have a line each, in any order, and nothing else is there.
fn each_once(stage: &Stage, count: u32) -> Told {
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
fn fill(peer: &mut UdpPeer) -> Result<usize, Stop> {
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
fn over_a_network(stage: &Stage, out: Faults, back: Faults) -> Told {
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
            if tries == 40 {
                alice.program().must_have_run(Duration::from_secs(4))?;
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
fn many(stage: &Stage, count: u32) -> Told {
    let mut alice = stage.udp_peer("alice")?;
    for first in (0..count).step_by(32) {
        together(&mut alice, first..count.min(first + 32))?;
    }
    acknowledged(&mut alice, 0, b"x")?;
    acknowledged(&mut alice, 1, b"x")?;
    acknowledged(&mut alice, count, b"x")?;
    each_once(stage, count + 1)
}
