//! `ex04_envelope`.

use super::{
    AWKWARD, ENDED_BY_ONE_CLIENT, HELD_BACK, LOST_LEFTOVERS, MAX, ONE_AT_A_TIME, ONE_READ,
};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::time::Duration;

const PING: u8 = 1;
const PONG: u8 = 2;
const TEXT: u8 = 3;
const RECEIPT: u8 = 4;
const REFUSED: u8 = 254;
const UNKNOWN: u8 = 255;

pub const ENVELOPE: &[Check] = &[
    Check {
        name: "a ping gets a pong with its payload",
        why: "the first conversation that any protocol should know",
        run: |stage| ponged(stage, 7, b"hi"),
        ..Check::PLAIN
    },
    Check {
        name: "the id comes back whole",
        why: "by it the client knows which of its messages this answers",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for id in [1, 2, 0x0102_0304, 0xffff_ffff, 0, 0x8000_0000] {
                asks(&mut alice, PING, id, b"hi", PONG, b"hi")?;
            }
            Ok(())
        },
        control: Some(ONE_PING),
        causes: &[Cause {
            symptoms: &[],
            likely: "the reply has a number of the server's own, or a part of the id is lost",
            advice: "give back the four bytes that came",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a text gets a receipt without payload",
        why: "a receipt says that it came, and nobody needs to be told what he said",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            asks(&mut alice, TEXT, 8, b"dear Bob", RECEIPT, b"")?;
            asks(&mut alice, PING, 9, b"hi", PONG, b"hi")
        },
        control: Some(ONE_PING),
        causes: &[Cause {
            symptoms: &[],
            likely: "every message is answered in the same way",
            advice: "look at the kind: 3 is answered by 4, with a length of 0",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a ping and a text without payload are answered",
        why: "the header alone is a message",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            asks(&mut alice, PING, 1, b"", PONG, b"")?;
            asks(&mut alice, TEXT, 2, b"", RECEIPT, b"")?;
            asks(&mut alice, PING, 3, b"x", PONG, b"x")
        },
        control: Some(Control {
            name: "the same with a payload of one byte",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                asks(&mut alice, PING, 1, b"x", PONG, b"x")?;
                asks(&mut alice, TEXT, 2, b"x", RECEIPT, b"")?;
                asks(&mut alice, PING, 3, b"x", PONG, b"x")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a length of 0 is taken for the end, or for no message",
            advice: "only a read of 0 bytes where a header was due is the end",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "any bytes of a ping come back as they are",
        why: "a payload is bytes, whatever the name of its kind",
        run: |stage| ponged(stage, 7, AWKWARD),
        control: Some(Control {
            name: "as many letters",
            run: |stage| ponged(stage, 7, &vec![b'x'; AWKWARD.len()]),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the payload is turned into text on its way",
            advice: "keep it bytes from the read to the write",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a payload of 1 MiB is allowed",
        why: "1,048,576 bytes, the last of them included",
        run: |stage| long(stage, MAX),
        control: Some(Control {
            name: "a payload of one byte less",
            run: |stage| long(stage, MAX - 1),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit refuses what is exactly as long as it allows",
            advice: "compare with `>`: too long begins one byte later",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "clients that are cut off or reset end nothing for the others",
        why: "a server serves until it is ended",
        run: |stage| {
            let mut cut = stage.client("mallory")?;
            cut.says(&message(PING, 1, b"never ended")[..14])?;
            cut.half_closes()?;
            cut.has_come(1, Duration::from_millis(500));
            let mut reset = stage.client("trudy")?;
            reset.says(&message(PING, 1, b"never ended")[..14])?;
            reset.fence()?;
            reset.resets()?;
            for _ in 0..3 {
                ponged(stage, 7, b"still there?")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same with a client that ends between two messages",
            run: |stage| {
                stage.client("mallory")?.hangs_up()?;
                ponged(stage, 7, b"still there?")
            },
        }),
        causes: &[ENDED_BY_ONE_CLIENT],
        ..Check::PLAIN
    },
    Check {
        name: "an unknown kind is answered by 255 and skipped whole",
        why: "so an old server lives with a new client: the length says what to step over",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            // Were it not stepped over, this would be answered by a pong.
            let inner = message(PING, 6, b"inside");
            asks(&mut alice, 9, 5, &inner, UNKNOWN, b"")?;
            asks(&mut alice, PING, 7, b"after it", PONG, b"after it")
        },
        control: Some(Control {
            name: "the same bytes as a ping",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                let inner = message(PING, 6, b"inside");
                asks(&mut alice, PING, 5, &inner, PONG, &inner)?;
                asks(&mut alice, PING, 7, b"after it", PONG, b"after it")
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset, Symptom::Exit],
                likely: "a kind that isn't known ends the conversation",
                advice: "answer 255, step over its payload, and read the next header",
            },
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "no answer is sent for it",
                advice: "answer 255 with its id and no payload, then step over its own",
            },
            Cause {
                symptoms: &[],
                likely: "its answer has another kind, id or payload, or its own is read as a header",
                advice: "answer 255 with its id, and throw away as many bytes as its length says",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "kinds that only replies have are unknown in a request",
        why: "two programs that answer each other's answers never end",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for kind in [0, 2, 4, 5, 254, 255] {
                asks(&mut alice, kind, kind.into(), b"what?", UNKNOWN, b"")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "kind 9",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                asks(&mut alice, 9, 9, b"what?", UNKNOWN, b"")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "kinds are known here that a client has no business to send",
            advice: "1 and 3 are known; everything else is answered by 255",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an unknown kind of 3 MiB is skipped",
        why: "what is stepped over needs no room, and so no limit",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let payload = stage.random_bytes(3 << 20);
            asks(&mut alice, 9, 5, &payload, UNKNOWN, b"")?;
            asks(&mut alice, PING, 7, b"after it", PONG, b"after it")
        },
        control: Some(Control {
            name: "one of 100 bytes",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                asks(&mut alice, 9, 5, &[b'x'; 100], UNKNOWN, b"")?;
                asks(&mut alice, PING, 7, b"after it", PONG, b"after it")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit for known kinds is put on all, or one read is to skip it all",
            advice: "skip in pieces, and count them down",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an unknown kind of 4 GiB - 1 is skipped as it comes",
        why: "a u32 allows it; in a signed number it is -1",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&header(MAGIC, 1, 9, 5, 0xffff_ffff))?;
            // A part of it has to do: more than the buffers between us hold.
            alice.says(&vec![0; 16 << 20])?;
            alice.half_closes()?;
            // It may have been answered at its header, or never was to be.
            let answer = message(UNKNOWN, 5, b"");
            if alice.has_come(1, Duration::from_millis(500)) {
                alice.hears(&answer)?;
            }
            alice.hears_nothing_more()?;
            ponged(stage, 7, b"still there?")
        },
        control: Some(Control {
            name: "one of 100 bytes",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                asks(&mut alice, 9, 5, &[b'x'; 100], UNKNOWN, b"")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the length is kept in a signed number, or room is made for what is skipped",
            advice: "count down a u64 while you read pieces of a fixed size",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a wrong magic is answered by 254 at once, then the connection ends",
        why: "somebody else's protocol: where its messages end is past knowing",
        points: 2,
        run: |stage| {
            refused(stage, header(0x5754, 1, PING, 21, 5))?;
            refused(stage, header(0x4753, 1, PING, 22, 5))?;
            refused(stage, header(0x5357, 1, TEXT, 23, 0))
        },
        control: Some(ONE_PING),
        causes: NOT_REFUSED,
        ..Check::PLAIN
    },
    Check {
        name: "a wrong version is answered by 254 at once, then the connection ends",
        why: "a later version may mean anything by these bytes",
        points: 2,
        run: |stage| {
            for version in [2, 0, 255] {
                refused(stage, header(MAGIC, version, PING, 31, 5))?;
            }
            Ok(())
        },
        control: Some(ONE_PING),
        causes: NOT_REFUSED,
        ..Check::PLAIN
    },
    Check {
        name: "a ping or text of more than 1 MiB is answered by 254 at once",
        why: "what the peer claims is no reason to make room, nor to wait for it",
        points: 2,
        run: |stage| {
            refused(stage, header(MAGIC, 1, PING, 41, MAX as u32 + 1))?;
            refused(stage, header(MAGIC, 1, TEXT, 42, MAX as u32 + 1))?;
            refused(stage, header(MAGIC, 1, PING, 43, 0xffff_ffff))
        },
        control: Some(ONE_PING),
        causes: &[Cause {
            symptoms: &[Symptom::Silence, Symptom::Exit],
            likely: "the length isn't compared with a limit, or only when the payload has come",
            advice: "the twelve bytes say enough: refuse before you read or make room",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "of a wrong magic or version no kind is unknown",
        why: "before one asks what a message is, one asks whether it is one",
        run: |stage| {
            refused(stage, header(0x5754, 1, 9, 51, 5))?;
            refused(stage, header(MAGIC, 2, 9, 52, 0))
        },
        control: Some(Control {
            name: "the same headers of a ping, and an unknown kind with nothing else wrong",
            run: |stage| {
                refused(stage, header(0x5754, 1, PING, 51, 5))?;
                refused(stage, header(MAGIC, 2, PING, 52, 0))?;
                let mut alice = stage.client("alice")?;
                asks(&mut alice, 9, 5, b"", UNKNOWN, b"")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the kind is looked at before magic and version",
            advice: "ask in the order in which the fields stand",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a message cut anywhere in its payload gets one reply",
        why: "TCP cuts where it likes: one write may be two reads",
        points: 2,
        run: |stage| cut_at(stage, 12..19),
        control: Some(UNCUT),
        causes: &[ONE_READ],
        ..Check::PLAIN
    },
    Check {
        name: "a message cut anywhere in its header gets one reply",
        why: "twelve bytes are as easily cut as twelve thousand",
        points: 2,
        run: |stage| cut_at(stage, 1..12),
        control: Some(UNCUT),
        causes: &[ONE_READ],
        ..Check::PLAIN
    },
    Check {
        name: "messages in one write are all answered, in order",
        why: "one read may hold several",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let asked = [
                message(PING, 1, b"one"),
                message(TEXT, 2, b"two"),
                message(9, 3, b"three"),
                message(PING, 4, b""),
                message(TEXT, 5, b"five"),
            ];
            alice.says(&asked.concat())?;
            alice.hears(&message(PONG, 1, b"one"))?;
            alice.hears(&message(RECEIPT, 2, b""))?;
            alice.hears(&message(UNKNOWN, 3, b""))?;
            alice.hears(&message(PONG, 4, b""))?;
            alice.hears(&message(RECEIPT, 5, b""))
        },
        control: Some(Control {
            name: "the same messages, each after the reply to the last",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                asks(&mut alice, PING, 1, b"one", PONG, b"one")?;
                asks(&mut alice, TEXT, 2, b"two", RECEIPT, b"")?;
                asks(&mut alice, 9, 3, b"three", UNKNOWN, b"")?;
                asks(&mut alice, PING, 4, b"", PONG, b"")?;
                asks(&mut alice, TEXT, 5, b"five", RECEIPT, b"")
            },
        }),
        causes: &[LOST_LEFTOVERS],
        ..Check::PLAIN
    },
    Check {
        name: "a whole message is answered though the next has begun",
        why: "a client may wait for this answer before it sends the rest of the next message",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let next = header(MAGIC, 1, PING, 2, 5);
            alice.says(&[&message(PING, 1, b"whole")[..], &next[..5]].concat())?;
            alice.hears(&message(PONG, 1, b"whole"))
        },
        control: Some(Control {
            name: "the same message by itself",
            run: |stage| ponged(stage, 1, b"whole"),
        }),
        causes: &[HELD_BACK],
        ..Check::PLAIN
    },
    Check {
        name: "a ping or text that was cut off is answered by nothing",
        why: "a receipt for half a text is a lie",
        points: 2,
        run: |stage| {
            for (who, kind) in [("alice", PING), ("bob", TEXT)] {
                for cut in [5, 12, 16] {
                    let mut client = stage.client(who)?;
                    client.says(&message(kind, 1, b"hello world")[..cut])?;
                    client.half_closes()?;
                    client.hears_nothing_for(Duration::from_millis(500))?;
                }
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same two, whole",
            run: |stage| {
                for (who, kind, reply, with) in [
                    ("alice", PING, PONG, &b"hello world"[..]),
                    ("bob", TEXT, RECEIPT, b""),
                ] {
                    asks(
                        &mut stage.client(who)?,
                        kind,
                        1,
                        b"hello world",
                        reply,
                        with,
                    )?;
                }
                Ok(())
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "it is answered when its header is there, or with what came of its payload",
            advice: "answer when the payload is whole, and not before",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "silent clients hold nobody up",
        why: "who says nothing, or half a message, must not be everybody's problem",
        run: |stage| {
            let _idle = stage.client("idle")?;
            let mut slow = stage.client("slow")?;
            slow.says(&message(PING, 1, b"never ended")[..14])?;
            ponged(stage, 7, b"hi")
        },
        control: Some(ONE_PING),
        causes: &[ONE_AT_A_TIME],
        ..Check::PLAIN
    },
];

const MAGIC: u16 = 0x5753;

const ONE_PING: Control = Control {
    name: "one ping in one write",
    run: |stage| ponged(stage, 7, b"hi"),
};

/// Another answer than was due has too many causes to name one.
const NOT_REFUSED: &[Cause] = &[
    Cause {
        symptoms: &[Symptom::Silence],
        likely: "the field isn't looked at, or its refusal waits for a payload",
        advice: "compare it as soon as the twelve bytes are there; answer 254 with the id, and close",
    },
    Cause {
        symptoms: &[Symptom::StillOpen],
        likely: "the server goes on with the conversation, or waits for its end",
        advice: "close behind the refusal: where the next message begins is past knowing",
    },
    Cause {
        symptoms: &[Symptom::End, Symptom::Reset],
        likely: "the connection is closed without an answer",
        advice: "answer 254 with the id before you close",
    },
];

const UNCUT: Control = Control {
    name: "the same pings, each in one write",
    run: |stage| {
        let mut alice = stage.client("alice")?;
        (0..11).try_for_each(|_| asks(&mut alice, PING, 1, b"message", PONG, b"message"))
    },
};

fn header(magic: u16, version: u8, kind: u8, id: u32, length: u32) -> Vec<u8> {
    let mut out = magic.to_be_bytes().to_vec();
    out.extend([version, kind]);
    out.extend(id.to_be_bytes());
    out.extend(length.to_be_bytes());
    out
}

fn message(kind: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = header(MAGIC, 1, kind, id, payload.len() as u32);
    out.extend(payload);
    out
}

/// One message and its reply, which has the same id.
fn asks(client: &mut Client, kind: u8, id: u32, payload: &[u8], reply: u8, with: &[u8]) -> Told {
    client.says(&message(kind, id, payload))?;
    client.hears(&message(reply, id, with))
}

/// A client of its own sends this ping and hears its pong.
fn ponged(stage: &Stage, id: u32, payload: &[u8]) -> Told {
    let mut alice = stage.client("alice")?;
    asks(&mut alice, PING, id, payload, PONG, payload)
}

/// A ping and a text with so long a payload.
fn long(stage: &Stage, length: usize) -> Told {
    let mut alice = stage.client("alice")?;
    let payload = stage.random_bytes(length);
    asks(&mut alice, PING, 1, &payload, PONG, &payload)?;
    asks(&mut alice, TEXT, 2, &vec![b'x'; length], RECEIPT, b"")
}

/// A client of its own sends this header and nothing more, and is refused.
fn refused(stage: &Stage, header: Vec<u8>) -> Told {
    let mut mallory = stage.client("mallory")?;
    mallory.says(&header)?;
    let mut reply = message(REFUSED, 0, b"");
    reply[4..8].copy_from_slice(&header[4..8]);
    mallory.hears(&reply)?;
    mallory.hears_end()
}

/// The same ping, again and again, in two pieces: so many bytes first.
fn cut_at(stage: &Stage, places: std::ops::Range<usize>) -> Told {
    let mut alice = stage.client("alice")?;
    let whole = message(PING, 1, b"message");
    for at in places {
        alice.says(&whole[..at])?;
        alice.fence()?;
        alice.says(&whole[at..])?;
        alice.hears(&message(PONG, 1, b"message"))?;
    }
    Ok(())
}
