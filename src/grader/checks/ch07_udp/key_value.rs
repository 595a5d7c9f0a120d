//! `ex07_key_value`.

use super::AWKWARD;
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::udp::UdpPeer;

/// The longest request, included.
const MAX: usize = 1_000;

pub const KEY_VALUE: &[Check] = &[
    Check {
        name: "what was stored is answered",
        why: "one datagram is one request: there is nothing to put together",
        run: |stage| color(&mut stage.udp_peer("alice")?),
        ..Check::PLAIN
    },
    Check {
        name: "what was never stored is answered with an empty value",
        why: "silence would be a lost datagram, and be asked again",
        run: |stage| is_answered(&mut stage.udp_peer("alice")?, b"nothing", b"nothing="),
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "a key that isn't there gets no answer, or an answer of its own",
            advice: "the key, a =, and nothing",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "storing is not answered",
        why: "an answer that nobody waits for is taken for the next one's",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            alice.says(b"color=blue")?;
            alice.says(b"size=9")?;
            is_answered(&mut alice, b"shape", b"shape=")
        },
        control: Some(NEVER_STORED),
        causes: &[Cause {
            symptoms: &[],
            likely: "a request that stores gets an answer, too",
            advice: "only a question, a datagram without a =, is answered",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a value is replaced",
        why: "to store means that it is this from now on",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            color(&mut alice)?;
            alice.says(b"color=red")?;
            is_answered(&mut alice, b"color", b"color=red")
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "a key that is there keeps its first value, or takes the new one in addition",
            advice: "put the new value in the place of the old",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the first = parts key and value",
        why: "a value may hold a =, so a key can't",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            alice.says(b"formula=a=b=c")?;
            is_answered(&mut alice, b"formula", b"formula=a=b=c")?;
            alice.says(b"two==")?;
            is_answered(&mut alice, b"two", b"two==")
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "the last = parts them, or each does, or a second = is an error",
            advice: "look for the first =; all behind it is the value",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty value can be stored",
        why: "nothing is a value, and not the one that was there before",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            color(&mut alice)?;
            alice.says(b"color=")?;
            is_answered(&mut alice, b"color", b"color=")
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "what is stored without a value is passed over, or taken for a question",
            advice: "a = makes it a request to store, whatever is behind it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the empty datagram asks for the empty key",
        why: "a datagram of 0 bytes is one like another: it is no end, and it can be answered",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            is_answered(&mut alice, b"", b"=")?;
            color(&mut alice)
        },
        control: Some(NEVER_STORED),
        causes: &[Cause {
            symptoms: &[],
            likely: "a receive of 0 bytes is taken for an end, or for nothing",
            advice: "treat it as a question for a key without bytes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the empty key can be stored",
        why: "a rule without exceptions is the easier one",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            alice.says(b"=something")?;
            is_answered(&mut alice, b"", b"=something")
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "a request whose first byte is = is passed over",
            advice: "nothing before the = is a key, too",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "keys and values may be any bytes",
        why: "what isn't text is replaced by a decoder, and then isn't what was sent",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            alice.says(&[AWKWARD, b"=", AWKWARD].concat())?;
            is_answered(&mut alice, AWKWARD, &[AWKWARD, b"=", AWKWARD].concat())?;
            alice.says(b"caf\xe9=\xff")?;
            is_answered(&mut alice, b"caf\xe8", b"caf\xe8=")?;
            is_answered(&mut alice, b"caf\xe9", b"caf\xe9=\xff")
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "the request is decoded as text, or ends at a NUL",
            advice: "look for the byte =, and keep both sides as bytes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "keys and values are taken as they come",
        why: "a blank, a line end, a capital: all of it is part of the name",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            for key in [&b"Key"[..], b" key", b"key ", b"key\n", b"KEY", b"key"] {
                alice.says(&[key, b"= of ", key, b"\r\n"].concat())?;
            }
            for key in [&b"Key"[..], b" key", b"key ", b"key\n", b"KEY", b"key"] {
                let due = [key, b"= of ", key, b"\r\n"].concat();
                is_answered(&mut alice, key, &due)?;
            }
            Ok(())
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "blanks or line ends are cut off, or capitals are made small",
            advice: "leave the bytes as they are: a datagram has no line to end",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "there is one store for all peers",
        why: "what one knows, another may ask: that is what a server is for",
        points: 2,
        run: |stage| {
            let (mut alice, mut bob) = (stage.udp_peer("alice")?, stage.udp_peer("bob")?);
            color(&mut alice)?;
            is_answered(&mut bob, b"color", b"color=blue")?;
            bob.says(b"color=red")?;
            is_answered(&mut bob, b"color", b"color=red")?;
            is_answered(&mut alice, b"color", b"color=red")
        },
        control: Some(COLOR),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the socket is connected to the first peer, or all answers go there",
                advice: "each datagram comes with the address that its answer goes to",
            },
            Cause {
                symptoms: &[],
                likely: "each peer has a store of its own",
                advice: "one map, and the key alone finds the value",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "version is answered",
        why: "who speaks to a server wants to know to which",
        run: |stage| version(&mut stage.udp_peer("alice")?).map(drop),
        ..Check::PLAIN
    },
    Check {
        name: "version can't be overwritten",
        why: "what a server says of itself isn't its peers' to say",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            version(&mut alice)?;
            alice.says(b"version=none of yours")?;
            let after = version(&mut alice)?;
            if after == b"version=none of yours" {
                return alice.fails(Symptom::Different, "the server's own version", &after[..]);
            }
            alice.says(b"version=")?;
            version(&mut alice).map(drop)
        },
        control: Some(Control {
            name: "the same question twice",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                version(&mut alice)?;
                version(&mut alice).map(drop)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the version is an entry of the store like the others",
            advice: "look whether the key is version before you store",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a key that begins with version is a key like others",
        why: "an exception is exactly as large as it was made",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            alice.says(b"version2=mine")?;
            alice.says(b"Version=mine")?;
            is_answered(&mut alice, b"version2", b"version2=mine")?;
            is_answered(&mut alice, b"Version", b"Version=mine")
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "only the first bytes of the key are compared, or in any case",
            advice: "the key as a whole is version, or it isn't",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a request of 1,000 bytes is served",
        why: "what doesn't fit the buffer is cut off, on Linux without a word",
        points: 2,
        run: |stage| served(stage, MAX),
        control: Some(Control {
            name: "the same with 100 bytes",
            run: |stage| served(stage, 100),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the buffer, or the limit, is smaller than a request may be, or holds for answers too",
            advice: "1,000 bytes are allowed for the whole request, the last of them included",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a request of more than 1,000 bytes does nothing",
        why: "half a value that looks whole is worse than none",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            for length in [MAX + 1, MAX + 2, 1_500, 9_000] {
                alice.says(&[&b"long="[..], &vec![b'v'; length - 5]].concat())?;
                is_answered(&mut alice, b"long", b"long=")?;
                alice.says(&vec![b'k'; length])?;
                color(&mut alice)?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "a request of 1,000 bytes",
            run: |stage| {
                let mut alice = stage.udp_peer("alice")?;
                let store = [&b"long="[..], &vec![b'v'; MAX - 5]].concat();
                alice.says(&store)?;
                is_answered(&mut alice, b"long", &store)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "there is no limit, or an answer that says so, or the datagram was cut to the buffer",
            advice: "a buffer of one byte more than is allowed shows that there was more; then say nothing",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "requests of one peer are served in order",
        why: "who stores and then asks wants to hear what it has stored",
        points: 2,
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            for round in 100..300 {
                let value = |i: u32| format!("k={round}.{i}").into_bytes();
                for i in 100..108 {
                    alice.says(&value(i))?;
                }
                is_answered(&mut alice, b"k", &value(107))?;
            }
            Ok(())
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "requests are served side by side, and a later one overtakes an earlier one",
            advice: "one thread that receives and serves; a datagram costs too little for a second",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "1,000 keys are kept",
        why: "a limit is wise, as long as everybody knows it",
        run: |stage| {
            let mut alice = stage.udp_peer("alice")?;
            let entry = |i: u32| (format!("key {i}"), format!("key {i}=value {}", i * 7));
            for i in 0..1_000 {
                alice.says(entry(i).1.as_bytes())?;
                // So that no more wait at once than any socket holds.
                if i % 32 == 31 {
                    is_answered(&mut alice, entry(i).0.as_bytes(), entry(i).1.as_bytes())?;
                }
            }
            for i in 0..1_000 {
                is_answered(&mut alice, entry(i).0.as_bytes(), entry(i).1.as_bytes())?;
            }
            Ok(())
        },
        control: Some(COLOR),
        causes: &[Cause {
            symptoms: &[],
            likely: "the store holds fewer keys, or drops some for others",
            advice: "a limit is right; make it larger than 1,000",
        }],
        ..Check::PLAIN
    },
];

const COLOR: Control = Control {
    name: "a value stored and asked for",
    run: |stage| color(&mut stage.udp_peer("alice")?),
};

const NEVER_STORED: Control = Control {
    name: "a question for what was never stored",
    run: |stage| is_answered(&mut stage.udp_peer("alice")?, b"shape", b"shape="),
};

/// Two requests of so many bytes: one stores, and one asks for what isn't there.
fn served(stage: &Stage, length: usize) -> Told {
    let mut alice = stage.udp_peer("alice")?;
    let store = [&b"long="[..], &vec![b'v'; length - 5]].concat();
    alice.says(&store)?;
    is_answered(&mut alice, b"long", &store)?;
    let key = vec![b'k'; length];
    is_answered(&mut alice, &key, &[&key[..], b"="].concat())
}

/// Stores, asks, and hears it.
fn color(peer: &mut UdpPeer) -> Told {
    peer.says(b"color=blue")?;
    is_answered(peer, b"color", b"color=blue")
}

/// A question gets this answer, and nothing comes before it.
fn is_answered(peer: &mut UdpPeer, key: &[u8], answer: &[u8]) -> Told {
    peer.says(key)?;
    peer.hears(answer).map(drop)
}

/// The answer to `version`, which has something behind its =.
fn version(peer: &mut UdpPeer) -> Result<Vec<u8>, crate::grader::check::Stop> {
    peer.says(b"version")?;
    let due = "version= and at least one byte";
    let heard = peer.hears_one(due)?;
    if heard.bytes.len() > 8 && heard.bytes.starts_with(b"version=") {
        peer.is_content();
        return Ok(heard.bytes);
    }
    peer.fails(Symptom::Different, due, &heard.bytes[..])
}
