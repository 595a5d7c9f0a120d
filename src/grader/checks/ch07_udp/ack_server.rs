//! `ex07_ack_server`.

use super::requests::{acknowledged, burst, fill, many, over_a_network};
use super::{AWKWARD, request};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::Symptom;
use crate::grader::faults::{Fate, Faults};
use crate::grader::stage::Stage;
use std::net::{Ipv4Addr, SocketAddr};

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
                // A payload of its own: this is not about those that are equal.
                acknowledged(&mut alice, id, format!("{id:08x}").as_bytes())?;
                lines += &format!("{id} 8\n");
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
        run: |stage| comes_again(stage, b"hello"),
        control: Some(Control {
            name: "the same, and each comes once",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                acknowledged(&mut alice, 7, b"hello")?;
                acknowledged(&mut alice, 8, b"fence")?;
                stage.has_printed(b"7 5\n8 5\n")
            },
        }),
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
        control: Some(Control {
            name: "two requests with two payloads",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                acknowledged(&mut alice, 7, b"hello")?;
                acknowledged(&mut alice, 8, b"hullo")?;
                stage.has_printed(b"7 5\n8 5\n")
            },
        }),
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
        run: |stage| comes_again(stage, b"good morning"),
        control: Some(Control {
            name: "the same with the payload that it had",
            run: |stage| comes_again(stage, b"hello"),
        }),
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
        control: Some(Control {
            name: "the same from one peer, with two ids",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                acknowledged(&mut alice, 7, b"hello")?;
                acknowledged(&mut alice, 8, b"hi")?;
                acknowledged(&mut alice, 7, b"hello")?;
                stage.has_printed(b"7 5\n8 2\n")
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the socket is connected to the first peer, and hears nobody else",
                advice: "one socket that isn't connected hears all peers: send_to",
            },
            Cause {
                symptoms: &[],
                likely: "an id is remembered without its peer, or with its IP alone",
                advice: "a peer is the whole address, IP and port: remember it with the id",
            },
        ],
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
        control: Some(Control {
            name: "the same from another port",
            run: |stage| {
                let (mut alice, mut bob) = (stage.udp_peer("alice")?, stage.udp_peer("bob")?);
                acknowledged(&mut alice, 7, b"hello")?;
                acknowledged(&mut bob, 7, b"hi")?;
                stage.has_printed(b"7 5\n7 2\n")
            },
        }),
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
            likely: "it is answered all the same: by an error, or with an id from an older datagram",
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
        control: Some(Control {
            name: "one of 500 bytes",
            run: |stage| {
                acknowledged(&mut stage.udp_peer("alice")?, 7, &[b'x'; 500])?;
                stage.has_printed(b"7 500\n")
            },
        }),
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
            likely: "the one too long was acknowledged: nothing limits it, or it was cut to the buffer and \
                     looked right, or it is refused and acknowledged all the same",
            advice: "what isn't taken in gets no ACK; a buffer of one byte more than is allowed shows that \
                     there was more",
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
        control: Some(Control {
            name: "the same, and the one too long had another id",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                alice.says(&request(6, &[b'x'; MAX + 1]))?;
                acknowledged(&mut alice, 7, b"hello")?;
                stage.has_printed(b"7 5\n")
            },
        }),
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
            likely: "the socket is closed and bound anew, or a queue of your own overflows",
            advice: "one socket for the whole life of the server, and no queue of your own that is shorter than \
                     what comes",
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
            name: "the same requests over a network that only doubles them",
            run: |stage| over_a_network(stage, stage.faults().duplicates(100), Faults::none()),
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
            // Some runtimes take a line for a full pipe into their own memory, and call it written.
            if !stage.is_rust() {
                return Ok(());
            }
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

/// A request comes again with this payload, and then another one.
fn comes_again(stage: &Stage, payload: &[u8]) -> Told {
    let mut alice = stage.udp_peer("alice")?;
    acknowledged(&mut alice, 7, b"hello")?;
    acknowledged(&mut alice, 7, payload)?;
    acknowledged(&mut alice, 8, b"fence")?;
    stage.has_printed(b"7 5\n8 5\n")
}

const HELLO: Control = Control {
    name: "one request, and its line",
    run: |stage| {
        acknowledged(&mut stage.udp_peer("alice")?, 7, b"hello")?;
        stage.has_printed(b"7 5\n")
    },
};
