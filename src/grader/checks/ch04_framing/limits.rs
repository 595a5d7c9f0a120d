//! `ex04_frame_limits`.

use super::{ENDED_BY_ONE_CLIENT, MAX, ONE_AT_A_TIME, echoed, frame, header};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

/// The address space that a Rust program is left with.
const ADDRESS_SPACE: u64 = 1_000_000_000;

/// The client's writes succeed for so long after the refusal.
const WRITES: Duration = Duration::from_millis(500);

/// After so long the connection is gone, whatever the client does.
const GONE: Duration = Duration::from_secs(2);

const CUT: &str = "truncated after";

pub const FRAME_LIMITS: &[Check] = &[
    Check {
        name: "frames of 0 bytes to 1 MiB come back",
        why: "a limit must not touch what it allows: 1,048,576 bytes are the last that fit",
        run: |stage| come_back(stage, [5, 0, 70_000, MAX, 1]),
        control: Some(Control {
            name: "frames of 1 byte to 1 MiB less 1 byte",
            run: |stage| come_back(stage, [5, 1, 70_000, MAX - 1, 1]),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit refuses what is exactly as long as it allows, or what is empty",
            advice: "compare with `>`; a length of 0 is a message",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a length of one byte more is answered at once by a frame that says so",
        why: "who is refused without a word tries again; and the length alone says enough",
        points: 2,
        run: |stage| refused(stage, MAX + 1).map(|_| ()),
        control: Some(LONGEST),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the server waits for the payload, or for something else, before it refuses",
                advice: "look at the length as soon as its four bytes are there",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the refusal isn't a frame, or has other words",
                advice: "the client reads frames: a length, then `error: frame too long`",
            },
            Cause {
                symptoms: &[],
                likely: "the connection is closed without an answer",
                advice: "send the frame before you close",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "clients that are cut off or refused end nothing for the others",
        why: "a server serves until it is ended",
        run: |stage| {
            let mut mallory = stage.client("mallory")?;
            mallory.says(&frame(b"hello world")[..9])?;
            mallory.half_closes()?;
            mallory.has_come(1, Duration::from_millis(500));
            let mut trudy = refused(stage, MAX + 1)?;
            trudy.half_closes()?;
            trudy.has_come(1, Duration::from_millis(500));
            for _ in 0..3 {
                echoed(stage, b"still there?")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "one that is served, then one that is refused",
            run: |stage| {
                echoed(stage, b"hello")?;
                refused(stage, MAX + 1).map(|_| ())
            },
        }),
        causes: &[ENDED_BY_ONE_CLIENT],
        ..Check::PLAIN
    },
    Check {
        name: "no room is made for a length that is refused",
        why: "four bytes from anybody must not cost 2 GiB: a few such clients end the machine",
        points: 2,
        run: |stage| {
            stage.limits_address_space(ADDRESS_SPACE)?;
            // Positive also in a signed number: that mistake has a check of its own.
            refused(stage, 0x7fff_ffff)?;
            echoed(stage, b"still there?")
        },
        control: Some(Control {
            name: "the same with a length of 1 MiB and 1 byte",
            run: |stage| {
                stage.limits_address_space(ADDRESS_SPACE)?;
                refused(stage, MAX + 1)?;
                echoed(stage, b"still there?")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a buffer as long as the peer claims is made before the claim is looked at",
            advice: "first the limit, then the allocation",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "lengths of 2 GiB and of 4 GiB - 1 are refused like any other",
        why: "with its first bit set, a length in a signed number is below every limit",
        run: |stage| {
            takes_no_machine(stage)?;
            refused(stage, 1 << 31)?;
            refused(stage, 0xffff_ffff)?;
            Ok(())
        },
        control: Some(Control {
            name: "a length of 2 GiB - 1",
            run: |stage| {
                takes_no_machine(stage)?;
                refused(stage, 0x7fff_ffff).map(|_| ())
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the length is kept in a signed number, or in too small a one",
            advice: "read it as a u32, and compare before you convert",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "replies to earlier frames come before the refusal",
        why: "what was asked properly is answered, also of a client that goes wrong later",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let last = header(MAX + 1);
            alice.says(&[&frame(b"one")[..], &frame(b"two"), &last].concat())?;
            alice.hears(&frame(b"one"))?;
            alice.hears(&frame(b"two"))?;
            hears_the_refusal(&mut alice)
        },
        control: Some(Control {
            name: "the same, and the length after the replies",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(&[frame(b"one"), frame(b"two")].concat())?;
                alice.hears(&frame(b"one"))?;
                alice.hears(&frame(b"two"))?;
                alice.says(&header(MAX + 1))?;
                hears_the_refusal(&mut alice)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "replies wait in a buffer while the refusal is written past it",
            advice: "send what is buffered first, or write both through the same buffer",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what follows a refused length is answered by nothing",
        why: "where that message ends is past knowing: what comes behind its length isn't a frame",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&[&header(MAX + 1)[..], &frame(b"not a frame"), &frame(b"")].concat())?;
            hears_the_refusal(&mut alice)?;
            alice.hears_end()
        },
        control: Some(ONE_MORE),
        causes: &[Cause {
            symptoms: &[Symptom::Extra],
            likely: "the server reads on after the refusal as if nothing had happened",
            advice: "a refused length is the end of the conversation: read on, but answer nothing",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the refusal is followed by FIN at once",
        why: "a client that reads to the end learns by it that this was all",
        run: |stage| {
            let mut alice = refused(stage, MAX + 1)?;
            alice.hears_clean_end_within(WRITES)
        },
        control: Some(ONE_MORE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Late, Symptom::StillOpen],
                likely: "the server reads on first, and ends its own direction after that",
                advice: "shut down the writing half as soon as the refusal is written",
            },
            Cause {
                symptoms: &[],
                likely: "the connection is closed with bytes unread, which is a reset",
                advice: "end the writing half only, and read what the client still sends",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "for half a second after the refusal the client can write",
        why: "it is in the middle of its payload, and must get to read why nobody wants that",
        points: 2,
        run: can_write,
        control: Some(ONE_MORE),
        causes: &[CLOSED_AT_ONCE],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "what the client writes after the refusal is read",
        why: "what nobody reads fills the client's buffers, and then it hangs in a write",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let since = Instant::now();
            alice.says(&header(MAX + 1))?;
            hears_the_refusal(&mut alice)?;
            alice.says_and_is_read(&[b'x'; 10_000], since, WRITES)
        },
        control: Some(Control {
            name: "a byte now and then, whose write succeeds",
            run: can_write,
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server waits for a while, but doesn't read meanwhile",
            advice: "read and throw away, until the client's end or the end of your patience",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a refused client that keeps the connection loses it within 2 s",
        why: "patience with a client that doesn't leave needs an end, or they pile up",
        run: |stage| {
            let mut alice = refused(stage, MAX + 1)?;
            alice.is_let_go_within(GONE)
        },
        control: Some(ONE_MORE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server reads until the client's end, however long that takes",
            advice: "set a read timeout from what is left of one second, and close at its end",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a refused client that writes on loses the connection within 2 s as well",
        why: "a timeout that begins anew with each byte never ends for who sends one now and then",
        points: 2,
        run: |stage| {
            let mut alice = refused(stage, MAX + 1)?;
            alice.is_let_go_within_though_it_writes(GONE)
        },
        control: Some(Control {
            name: "the same client, silent",
            run: |stage| {
                let mut alice = refused(stage, MAX + 1)?;
                alice.is_let_go_within(GONE)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the second is given to each read, not to all of them together",
            advice: "fix the moment at which it is over, and compute what is left before each read",
        }],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "an end inside a payload is told on stderr with both counts",
        why: "who looks for the fault wants to know how far it got",
        points: 2,
        run: |stage| {
            told(
                stage,
                &frame(b"hello world")[..9],
                "truncated after 5 of 11 bytes",
            )
        },
        control: Some(WHOLE),
        causes: &[SAYS_TOO_LITTLE],
        ..Check::PLAIN
    },
    Check {
        name: "the count goes on over many reads",
        why: "a long payload comes in pieces, and the cut may be in any of them",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let cut = &frame(&vec![b'x'; 200_000])[..4 + 150_000];
            // The last read is to be a short one.
            alice.says(&cut[..100_000])?;
            alice.fence()?;
            alice.says(&cut[100_000..])?;
            alice.half_closes()?;
            stage
                .server()?
                .notes_on_stderr("truncated after 150000 of 200000 bytes")
        },
        control: Some(SHORT),
        causes: &[Cause {
            symptoms: &[],
            likely: "only the last read's bytes are counted, or the length's are counted in",
            advice: "count all bytes of this payload that came, and no others",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end inside a length is told as well, N of 4",
        why: "two bytes of a length are no end: something was about to be said",
        points: 2,
        run: |stage| told(stage, &header(11)[..2], "truncated after 2 of 4 bytes"),
        control: Some(SHORT),
        causes: &[Cause {
            symptoms: &[],
            likely: "a stream that ends in a length is taken for one that has ended properly",
            advice: "tell no byte of a length (the end) from one to three (a cut)",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end right behind a length is told, 0 of M",
        why: "the message has begun, and its payload is missing whole",
        run: |stage| told(stage, &header(11), "truncated after 0 of 11 bytes"),
        control: Some(SHORT),
        causes: &[Cause {
            symptoms: &[],
            likely: "a read of 0 bytes is the end wherever it happens",
            advice: "only where a length was due is it a clean one",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a frame that was cut off is answered by nothing",
        why: "half a message that is passed on is believed to be one",
        points: 2,
        run: |stage| {
            for (who, cut) in [("alice", 9), ("bob", 4), ("carol", 2)] {
                let mut client = stage.client(who)?;
                client.says(&frame(b"whole"))?;
                client.hears(&frame(b"whole"))?;
                client.says(&frame(b"hello world")[..cut])?;
                client.half_closes()?;
                client.hears_nothing_for(Duration::from_millis(500))?;
            }
            Ok(())
        },
        control: Some(WHOLE),
        causes: &[Cause {
            symptoms: &[],
            likely: "what has come by the end of the stream is taken for the whole message",
            advice: "compare what came with what was announced, and answer only the whole",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end between two frames is no cut",
        why: "an alarm at each goodbye hides the ones that matter",
        run: |stage| {
            for (who, frames) in [("alice", &frame(b"hello")[..]), ("bob", b"")] {
                let mut client = stage.client(who)?;
                client.says(frames)?;
                client.hears(frames)?;
                client.half_closes()?;
                client.hears_nothing_for(Duration::from_millis(500))?;
            }
            // When this one's end is told, the others' ends have been for long.
            let last = "truncated after 3 of 4 bytes";
            told(stage, &header(0)[..3], last)?;
            stage.server()?.notes_nothing_like(CUT, &[last])
        },
        control: Some(Control {
            name: "a client that is cut off",
            run: |stage| told(stage, &header(0)[..3], "truncated after 3 of 4 bytes"),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of a stream is told as a cut also where no frame had begun",
            advice: "no byte of the next length: that is how a conversation ends",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "nobody is held up by a client that is silent or was refused",
        why: "the second that one of them is given must not be everybody's",
        run: |stage| {
            let _idle = stage.client("idle")?;
            let _refused = refused(stage, MAX + 1)?;
            echoed(stage, b"hello")
        },
        control: Some(Control {
            name: "the same when the other has been refused and has left",
            run: |stage| {
                refused(stage, MAX + 1)?.hangs_up()?;
                echoed(stage, b"hello")
            },
        }),
        causes: &[ONE_AT_A_TIME],
        ..Check::PLAIN
    },
];

const CLOSED_AT_ONCE: Cause = Cause {
    symptoms: &[],
    likely: "the connection is closed as soon as the refusal is written",
    advice: "end your writing half, then read on for a while: a close resets what still comes",
};

const SAYS_TOO_LITTLE: Cause = Cause {
    symptoms: &[],
    likely: "the cut goes unnoticed, or its error says that it was one and not where",
    advice: "count what came of the payload: read_exact's error doesn't say",
};

const ONE_MORE: Control = Control {
    name: "a length of 1 MiB and 1 byte, and nothing behind it",
    run: |stage| refused(stage, MAX + 1).map(|_| ()),
};

/// In its payload, where counting is easiest.
const SHORT: Control = Control {
    name: "a short payload, cut after its first piece",
    run: |stage| {
        let cut = &frame(b"hello world")[..9];
        told(stage, cut, "truncated after 5 of 11 bytes")
    },
};

const LONGEST: Control = Control {
    name: "a frame of 1 MiB",
    run: |stage| echoed(stage, &vec![b'x'; MAX]),
};

const WHOLE: Control = Control {
    name: "the same frame, whole",
    run: |stage| echoed(stage, b"hello world"),
};

/// One client's frames, of so many bytes.
fn come_back(stage: &Stage, lengths: [usize; 5]) -> Told {
    let mut alice = stage.client("alice")?;
    for length in lengths {
        let payload = stage.random_bytes(length);
        alice.says(&frame(&payload))?;
        alice.hears(&frame(&payload))?;
    }
    Ok(())
}

/// Of a program that makes room for whatever it is asked for, where that can be limited.
fn takes_no_machine(stage: &Stage) -> Told {
    match stage.limits_address_space(ADDRESS_SPACE) {
        Err(Stop::Skipped(_)) | Ok(()) => Ok(()),
        Err(stop) => Err(stop),
    }
}

/// For half a second after the refusal.
fn can_write(stage: &Stage) -> Told {
    let mut alice = stage.client("alice")?;
    let since = Instant::now();
    alice.says(&header(MAX + 1))?;
    hears_the_refusal(&mut alice)?;
    alice.goes_on_writing(since, WRITES)
}

/// A client that has sent this length and heard the refusal.
fn refused(stage: &Stage, length: usize) -> Result<Client, Stop> {
    let mut mallory = stage.client("mallory")?;
    mallory.says(&header(length))?;
    hears_the_refusal(&mut mallory)?;
    Ok(mallory)
}

/// The sentence is the payload. An LF behind it, as sentences have elsewhere, is no fault.
fn hears_the_refusal(client: &mut Client) -> Told {
    let sentence = b"error: frame too long";
    client.hears_either(&frame(sentence), &frame(&[&sentence[..], b"\n"].concat()))
}

/// A client that says this and no more, and the words that are due for it on stderr.
fn told(stage: &Stage, cut: &[u8], words: &str) -> Told {
    let mut mallory = stage.client("carol")?;
    mallory.says(cut)?;
    mallory.half_closes()?;
    stage.server()?.notes_on_stderr(words)
}
