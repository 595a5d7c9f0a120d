//! `ex09_tls_echo`.

mod client;
mod deadline;

use super::{
    AWKWARD, BENEATH, IN_THE_LOOP, MAX, ONE_RECORD, ONE_WRITE, frame, header, silent,
    three_failures,
};
use crate::grader::check::{Cause, Check, Control};
use crate::grader::failure::{Side, Symptom};
use client::{arrives, echoed, prepare};
use deadline::HANDSHAKE;
use std::time::Duration;

pub const TLS_ECHO: &[Check] = &[
    Check {
        name: "a frame comes back over TLS, from a server with the certificate in CERT",
        why: "the frames are those of chapter 4; the certificate says whose server it is",
        run: |stage| echoed(stage, b"hello"),
        ..Check::PLAIN
    },
    Check {
        name: "a conversation goes on frame by frame, whatever is in them",
        why: "an empty message is a message, and most of what travels is not text",
        run: |stage| {
            let mut alice = arrives(stage, "alice")?;
            for payload in [b"one", AWKWARD, b"", b"and a longer one", b"x"] {
                alice.says(&frame(payload))?;
                alice.hears(&frame(payload))?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[
            BENEATH,
            Cause {
                symptoms: &[Symptom::Different, Symptom::Extra],
                likely: "the payload is turned into text, or a length is counted anew",
                advice: "send back the bytes that came, and as many",
            },
            Cause {
                symptoms: &[],
                likely: "the server has done with a client after one frame, or after an empty one",
                advice: "read the next one in a loop, until the client's stream ends",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a frame in three records comes back, and two frames in one record",
        why: "a record is no message: it is cut where the sender's library likes",
        points: 2,
        run: |stage| {
            let mut alice = arrives(stage, "alice")?;
            alice.says_slowly(&frame(b"hello"), 3)?;
            alice.hears(&frame(b"hello"))?;
            alice.says(&[frame(b"one"), frame(b"two")].concat())?;
            alice.hears(&frame(b"one"))?;
            alice.hears(&frame(b"two"))
        },
        control: Some(ONE_FRAME),
        causes: &[
            BENEATH,
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "what a record brought behind the first frame is thrown away",
                advice: "what follows a frame begins the next: keep it, or read no further",
            },
            ONE_RECORD,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a frame of 1 MiB comes back whole",
        why: "a TLS record holds 16,384 bytes: one write over TLS sends no more",
        points: 2,
        run: |stage| {
            let payload = stage.random_bytes(MAX);
            echoed(stage, &payload)
        },
        control: Some(ONE_FRAME),
        causes: &[
            BENEATH,
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset, Symptom::Different],
                likely: "the limit refuses what is still allowed",
                advice: "1,048,576 bytes are the last that fit: too long begins one byte later",
            },
            ONE_WRITE,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a longer length is answered by a frame that says so, and by close_notify",
        why: "who is cut off without a word tries again",
        points: 2,
        run: |stage| {
            for length in [MAX + 1, 0xffff_ffff] {
                let mut mallory = arrives(stage, "mallory")?;
                mallory.says(&header(length))?;
                let sentence = b"error: frame too long";
                let or = frame(&[&sentence[..], b"\n"].concat());
                mallory.hears_either(&frame(sentence), &or)?;
                mallory.hears_goodbye()?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[
            BENEATH,
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the server makes room for what was claimed, and waits for it",
                advice: "look at the length as soon as its four bytes are there",
            },
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "the length isn't looked at, and the payload waited for in vain; or the connection \
                         is closed without the frame, or without close_notify",
                advice: "compare the length first; send the frame, then call `shutdown` on the TLS stream",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "what came before the client's end comes back, and close_notify behind it",
        why: "without it the client can't tell whether somebody has cut the line",
        points: 2,
        run: |stage| {
            let mut alice = arrives(stage, "alice")?;
            let all = frame(b"and again").repeat(1_000);
            alice.says(&all)?;
            alice.half_closes()?;
            alice.hears(&all)?;
            alice.hears_goodbye()
        },
        control: Some(ONE_FRAME),
        told_by: |failure| {
            let frames_lack = matches!(failure.expected, Side::Bytes(_));
            let ended = matches!(failure.symptom, Symptom::End | Symptom::Reset);
            (frames_lack && ended).then_some(STOPPED_BY_THE_END)
        },
        causes: &[
            Cause {
                symptoms: &[Symptom::End],
                likely: "the stream is dropped, which closes TCP and says nothing over TLS",
                advice: "call `shutdown` on the TLS stream when the client's has ended",
            },
            BENEATH,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the connection ends behind its close_notify",
        why: "a descriptor that nobody uses is missing somewhere else",
        run: |stage| {
            let mut alice = arrives(stage, "alice")?;
            alice.says(&frame(b"hello"))?;
            alice.hears(&frame(b"hello"))?;
            alice.half_closes()?;
            alice.is_let_go_within(HANDSHAKE)
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server waits for the client's FIN, or keeps the stream",
            advice: "close when both have said their last word",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "20 silent clients hold nobody up",
        why: "a handshake is a conversation: who has it in the accept loop serves one client",
        points: 3,
        run: |stage| {
            prepare(stage)?;
            let _silent = silent(stage, 20)?;
            echoed(stage, b"hello")
        },
        control: Some(ONE_FRAME),
        causes: &[IN_THE_LOOP],
        ..Check::PLAIN
    },
    Check {
        name: "a client whose handshake fails ends nothing for the others",
        why: "scanners come by every day, and a server serves until it is ended",
        points: 2,
        run: |stage| {
            prepare(stage)?;
            three_failures(stage)?;
            for _ in 0..3 {
                echoed(stage, b"still there?")?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "an error of one handshake ends the program, or the loop that accepts the next, or leaves \
                     something behind that the others need: a lock, say",
            advice: "let it end that one conversation; look for unwrap and `?` around `accept`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that is cut off inside a frame ends nothing for the others",
        why: "what one client does is its own affair",
        run: |stage| {
            let mut cut = arrives(stage, "mallory")?;
            cut.says(&frame(b"never ended")[..6])?;
            cut.is_cut()?;
            cut.has_come(1, Duration::from_millis(300));
            let mut reset = arrives(stage, "trudy")?;
            reset.says(&frame(b"never ended")[..6])?;
            reset.fence()?;
            reset.resets()?;
            for _ in 0..3 {
                echoed(stage, b"still there?")?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "an error of one conversation ends the program",
            advice: "let it end that one conversation",
        }],
        ..Check::PLAIN
    },
    deadline::NEEDS_2_S,
    deadline::SAYS_NOTHING,
    deadline::HANDSHAKE_DRIPS,
    deadline::PLAIN_TEXT,
    deadline::FRAME_TAKES_8_S,
    deadline::RESTS_FOR_12_S,
    deadline::FRAME_DRIPS,
    deadline::RESTS_FOR_30_S,
];

const STOPPED_BY_THE_END: Cause = Cause {
    symptoms: &[],
    likely: "the client's end stops the server before its answers are sent",
    advice: "see that each answer is sent before you read on: some libraries throw away what waits to be sent \
             when the peer's end comes, as the TLS streams of Python's asyncio do",
};

const ONE_FRAME: Control = Control {
    name: "one frame of one client",
    run: |stage| echoed(stage, b"hello"),
};
