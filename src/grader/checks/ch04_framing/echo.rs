//! `ex04_frame_echo`.

use super::{
    AWKWARD, ENDED_BY_ONE_CLIENT, HELD_BACK, LOST_LEFTOVERS, MAX, ONE_AT_A_TIME, ONE_READ, echoed,
    frame, header,
};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::time::Duration;

pub const FRAME_ECHO: &[Check] = &[
    Check {
        name: "a frame comes back",
        why: "length and payload as they came: this is what the echo of a frame is",
        run: |stage| echoed(stage, b"hello"),
        ..Check::PLAIN
    },
    Check {
        name: "a conversation goes on frame by frame",
        why: "a client asks again when it has its answer",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for payload in ["one", "and a longer one", "2", "three more to go", "x"] {
                alice.says(&frame(payload.as_bytes()))?;
                alice.hears(&frame(payload.as_bytes()))?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "a shorter payload is sent with what the longer one before it left behind",
                advice: "send as many bytes as this frame has, not as many as the buffer holds",
            },
            Cause {
                symptoms: &[],
                likely: "the server has done with a client after its first frame",
                advice: "read the next one in a loop, until the client's stream ends",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a frame of length 0 comes back",
        why: "an empty message is a message; only the end of the stream is the end",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&frame(b""))?;
            alice.hears(&frame(b""))?;
            alice.says(&frame(b"x"))?;
            alice.hears(&frame(b"x"))
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "a length of 0 is taken for the end, or for nothing to answer",
            advice: "only a read that returns 0 where a length was due is the end",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "any bytes come back as they are",
        why: "nothing inside a frame ends it, and most of what travels is not text",
        run: |stage| echoed(stage, AWKWARD),
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the payload is turned into text on its way",
            advice: "keep it bytes from the read to the write",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a frame cut anywhere in its payload gets one reply",
        why: "TCP cuts where it likes: one write may be two reads",
        points: 2,
        run: |stage| cut_at(stage, b"message", 5..11),
        control: Some(UNCUT),
        causes: &[ONE_READ],
        ..Check::PLAIN
    },
    Check {
        name: "a frame cut inside its length gets one reply",
        why: "four bytes are as easily cut as four thousand",
        points: 2,
        run: |stage| cut_at(stage, b"message", 1..5),
        control: Some(UNCUT),
        causes: &[ONE_READ],
        ..Check::PLAIN
    },
    Check {
        name: "a frame that comes byte by byte gets one reply",
        why: "how many pieces there will be, nobody knows beforehand",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says_slowly(&frame(b"bit by bit"), 1)?;
            alice.hears(&frame(b"bit by bit"))
        },
        control: Some(Control {
            name: "the same frame in two writes, cut anywhere",
            run: |stage| cut_at(stage, b"bit by bit", 1..14),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a short read is followed by one more, and then it is enough",
            advice: "read in a loop: until the bytes are there, or the stream ends",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "two frames in one write get two replies",
        why: "TCP carries bytes, not messages: one read may hold several",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&[frame(b"one"), frame(b"two")].concat())?;
            alice.hears(&frame(b"one"))?;
            alice.hears(&frame(b"two"))
        },
        control: Some(ONE_AFTER_THE_OTHER),
        causes: &[LOST_LEFTOVERS],
        ..Check::PLAIN
    },
    Check {
        name: "a hundred frames in one write get a hundred replies",
        why: "as many messages as fit may come at once",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let frames: Vec<_> = (0..100).map(|i| frame(&vec![b'x'; i])).collect();
            alice.says(&frames.concat())?;
            frames.iter().try_for_each(|frame| alice.hears(frame))
        },
        control: Some(Control {
            name: "two frames in one write",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(&[frame(b"one"), frame(b"two")].concat())?;
                alice.hears(&frame(b"one"))?;
                alice.hears(&frame(b"two"))
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "what one read brought is looked at for one or two frames, then read again",
            advice: "answer every whole frame that is there before you read again",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a frame and a half, then the rest, get two replies",
        why: "a read may end inside the second message: its beginning has come and won't again",
        points: 2,
        run: a_frame_and_a_half,
        control: Some(Control {
            name: "the same two frames in one write",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                alice.says(&[frame(b"whole"), frame(b"in two parts")].concat())?;
                alice.hears(&frame(b"whole"))?;
                alice.hears(&frame(b"in two parts"))
            },
        }),
        causes: &[LOST_LEFTOVERS],
        ..Check::PLAIN
    },
    Check {
        name: "a whole frame is answered though the next has begun",
        why: "a client may wait for this answer before it sends the rest of the next message",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            alice.says(&[&frame(b"whole")[..], &header(12)[..2]].concat())?;
            alice.hears(&frame(b"whole"))
        },
        control: Some(Control {
            name: "the same frame by itself",
            run: |stage| echoed(stage, b"whole"),
        }),
        causes: &[HELD_BACK],
        ..Check::PLAIN
    },
    Check {
        name: "lengths of 255 to 70,000 bytes are understood",
        why: "small messages use one of the length's four bytes; the others count as well",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            for length in [255, 256, 65_535, 65_536, 70_000] {
                let payload = stage.random_bytes(length);
                alice.says(&frame(&payload))?;
                alice.hears(&frame(&payload))?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "a part of the length is lost, or the payload must fit into one buffer or read",
            advice: "keep all 32 bits of the length, and read on until the payload is whole",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a frame of 1 MiB comes back",
        why: "1,048,576 bytes are allowed, the last of them included",
        run: |stage| {
            let payload = stage.random_bytes(MAX);
            echoed(stage, &payload)
        },
        control: Some(Control {
            name: "a frame of one byte less",
            run: |stage| {
                let payload = stage.random_bytes(MAX - 1);
                echoed(stage, &payload)
            },
        }),
        causes: &[Cause {
            symptoms: &[
                Symptom::End,
                Symptom::Reset,
                Symptom::Silence,
                Symptom::Exit,
            ],
            likely: "the limit refuses what is exactly as long as it allows",
            advice: "compare with `>`: too long begins one byte later",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "3 MiB of frames in pieces of any size come back",
        why: "a connection outlives its buffer: at some byte its end is reached",
        points: 2,
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let mut all = Vec::new();
            while all.len() < 3 << 20 {
                let length = stage.random_below(20_000);
                all.extend(frame(&stage.random_bytes(length)));
            }
            let mut rest = &all[..];
            while !rest.is_empty() {
                let piece = (1 + stage.random_below(100_000)).min(rest.len());
                alice.says(&rest[..piece])?;
                rest = &rest[piece..];
            }
            alice.hears(&all)
        },
        control: Some(Control {
            name: "a frame and a half, then the rest",
            run: a_frame_and_a_half,
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "a frame that doesn't fit behind those before it is lost at the buffer's end",
            advice: "move what is left over to the buffer's front before you read more",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what came before the half-close is answered",
        why: "to have said all is not to have heard all",
        run: |stage| {
            let mut alice = stage.client("alice")?;
            let all = frame(b"and again").repeat(10_000);
            alice.says(&all)?;
            alice.half_closes()?;
            alice.hears(&all)
        },
        control: Some(Control {
            name: "the same frames without the half-close",
            run: |stage| {
                let mut alice = stage.client("alice")?;
                let all = frame(b"and again").repeat(10_000);
                alice.says(&all)?;
                alice.hears(&all)
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of the client's stream closes the connection before all was answered",
            advice: "send what is still to be sent, wait for whoever sends it, then close",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "silent clients hold nobody up",
        why: "who says nothing, or half a frame, must not be everybody's problem",
        run: |stage| {
            let _idle = stage.client("idle")?;
            let mut slow = stage.client("slow")?;
            slow.says(&frame(b"never ended")[..6])?;
            echoed(stage, b"hello")
        },
        control: Some(ONE_FRAME),
        causes: &[ONE_AT_A_TIME],
        ..Check::PLAIN
    },
    Check {
        name: "a client that ends inside a frame ends nothing for the others",
        why: "a server serves until it is ended; clients crash wherever they are",
        run: |stage| {
            let mut cut = stage.client("mallory")?;
            cut.says(&frame(b"never ended")[..6])?;
            cut.half_closes()?;
            // Whatever it does about that: it has done it when the connection ends.
            cut.has_come(1, Duration::from_millis(500));
            let mut reset = stage.client("trudy")?;
            reset.says(&frame(b"never ended")[..6])?;
            reset.fence()?;
            reset.resets()?;
            // A program that ends by either does so in a moment, though perhaps not in this one.
            for _ in 0..3 {
                echoed(stage, b"still there?")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same with a client that ends between two frames",
            run: |stage| {
                stage.client("mallory")?.hangs_up()?;
                echoed(stage, b"still there?")
            },
        }),
        causes: &[ENDED_BY_ONE_CLIENT],
        ..Check::PLAIN
    },
];

const ONE_FRAME: Control = Control {
    name: "one frame in one write",
    run: |stage| echoed(stage, b"hello"),
};

const ONE_AFTER_THE_OTHER: Control = Control {
    name: "two frames, the second after the reply to the first",
    run: |stage| {
        let mut alice = stage.client("alice")?;
        for payload in [b"one", b"two"] {
            alice.says(&frame(payload))?;
            alice.hears(&frame(payload))?;
        }
        Ok(())
    },
};

const UNCUT: Control = Control {
    name: "the same frames, each in one write",
    run: |stage| {
        let mut alice = stage.client("alice")?;
        (0..6).try_for_each(|_| {
            alice.says(&frame(b"message"))?;
            alice.hears(&frame(b"message"))
        })
    },
};

/// Two frames: the second is cut, and its end comes when its beginning was read.
fn a_frame_and_a_half(stage: &Stage) -> Told {
    let mut alice = stage.client("alice")?;
    let both = [frame(b"whole"), frame(b"in two parts")].concat();
    alice.says(&both[..16])?;
    alice.fence()?;
    alice.says(&both[16..])?;
    alice.hears(&frame(b"whole"))?;
    alice.hears(&frame(b"in two parts"))
}

/// The same frame, again and again, in two pieces: so many bytes first.
fn cut_at(stage: &Stage, payload: &[u8], places: std::ops::Range<usize>) -> Told {
    let mut alice = stage.client("alice")?;
    let whole = frame(payload);
    for at in places {
        alice.says(&whole[..at])?;
        alice.fence()?;
        alice.says(&whole[at..])?;
        alice.hears(&whole)?;
    }
    Ok(())
}
