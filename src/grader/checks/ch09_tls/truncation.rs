//! `ex09_truncation`.

use super::{A_MEBIBYTE, AWKWARD, MAX, ONE_RECORD, frame, header, met_over_tls};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::tls::Terms;

pub const TRUNCATION: &[Check] = &[
    Check {
        name: "a message that came whole is printed",
        why: "the length stands in front; what is printed is the payload alone",
        run: |stage| whole(stage, b"hello world", Ends::Properly),
        ..Check::PLAIN
    },
    Check {
        name: "a message of any bytes is printed as it is",
        why: "what a message is made of is nobody's business on the way",
        run: |stage| whole(stage, AWKWARD, Ends::Properly),
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the payload is turned into text, or a line's ending is put behind it",
            advice: "`write_all` the bytes as they are, and nothing more",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty message is a message",
        why: "a length of 0 came whole: the server has said that there is nothing to say",
        run: |stage| whole(stage, b"", Ends::Properly),
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "an empty payload is taken for a missing one",
            advice: "compare what came with what was announced, also where that is 0",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a message of 1 MiB is printed whole",
        why: "it comes in 65 records, and a read returns one at most",
        points: 2,
        run: |stage| {
            let payload = stage.random_bytes(MAX);
            whole(stage, &payload, Ends::Properly)
        },
        control: Some(HELLO),
        causes: &[A_MEBIBYTE],
        ..Check::PLAIN
    },
    Check {
        name: "a message whose length comes in two records is printed whole",
        why: "four bytes are as easily cut as four thousand",
        run: |stage| {
            let all = frame(b"hello world");
            let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"")?;
            for piece in [&all[..2], &all[2..7], &all[7..]] {
                server.says(piece)?;
                server.fence()?;
            }
            server.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(b"hello world")
        },
        control: Some(HELLO),
        causes: &[ONE_RECORD],
        ..Check::PLAIN
    },
    Check {
        name: "a whole message is whole without close_notify, too",
        why: "many servers just close; and the frame has said where it ends",
        points: 2,
        run: |stage| whole(stage, b"hello world", Ends::Cut),
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the missing close_notify is taken for a truncation",
            advice: "when the frame is whole, nothing that comes after it matters",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a payload that is cut short is no success",
        why: "half a contract may say the opposite of the whole",
        points: 3,
        run: |stage| {
            let cut = &frame(b"pay 100 only if it is signed")[..11];
            let pupil = sent(stage, cut, Ends::Cut)?;
            pupil.exits(1)
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[Symptom::Status],
            likely: "the end of the stream is taken for the end of the message",
            advice: "`Ok(0)` says that no more will come, not that all has come: compare",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "nothing is printed of a payload that is cut short",
        why: "what is on stdout is believed, whatever the exit status says later",
        points: 2,
        run: |stage| {
            let cut = &frame(&stage.random_bytes(200_000))[..150_000];
            let pupil = sent(stage, cut, Ends::Cut)?;
            pupil.ends()?;
            pupil.printed(b"")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the payload is printed as it comes",
            advice: "keep it until it is whole",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "how much of a payload came is told on stderr",
        why: "who looks for the fault wants to know how far it got",
        points: 2,
        run: |stage| {
            let cut = &frame(&[b'x'; 60_000])[..4 + 40_000];
            told(
                stage,
                cut,
                Ends::Cut,
                "truncated after 40000 of 60000 bytes",
            )
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[Symptom::Words],
            likely: "the bytes aren't counted, or the length's are counted in",
            advice: "`read_exact` doesn't say how far it came: count the payload's bytes yourself",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a cut behind a close_notify is told just the same",
        why: "also a server that ends in peace may have lost its second half",
        run: |stage| {
            let cut = &frame(b"hello world")[..9];
            told(stage, cut, Ends::Properly, "truncated after 5 of 11 bytes")
        },
        control: Some(CUT),
        causes: &[Cause {
            symptoms: &[],
            likely: "close_notify is believed more than the length",
            advice: "how the stream ends says nothing about whether the message is whole",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end inside the length is told, N of 4",
        why: "two bytes of a length are no message, and no end either",
        points: 2,
        run: |stage| {
            told(
                stage,
                &header(11)[..2],
                Ends::Cut,
                "truncated after 2 of 4 bytes",
            )
        },
        control: Some(CUT),
        causes: &[Cause {
            symptoms: &[],
            likely: "a part of a length is taken for a length, or for nothing",
            advice: "count the length's bytes as well: none, some, or all four",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end right behind the length is told, 0 of M",
        why: "the message was announced, and is missing whole",
        run: |stage| {
            told(
                stage,
                &header(11),
                Ends::Cut,
                "truncated after 0 of 11 bytes",
            )
        },
        control: Some(CUT),
        causes: &[Cause {
            symptoms: &[],
            likely: "a read of 0 bytes is an end wherever it happens",
            advice: "only before the first byte of the length nothing was cut",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that says nothing at all is no success",
        why: "no message is not an empty message",
        points: 2,
        run: |stage| {
            let pupil = sent(stage, b"", Ends::Properly)?;
            pupil.exits(1)?;
            pupil.printed(b"")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[Symptom::Status],
            likely: "an end before the first byte is taken for a message of length 0",
            advice: "that one has four bytes, all zero",
        }],
        ..Check::PLAIN
    },
];

/// How the server ends the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// With close_notify.
    Properly,
    /// With TCP's FIN alone.
    Cut,
}

const HELLO: Control = Control {
    name: "a short message, and close_notify behind it",
    run: |stage| whole(stage, b"hello world", Ends::Properly),
};

const CUT: Control = Control {
    name: "a cut in the middle of a payload",
    run: |stage| {
        let cut = &frame(b"hello world")[..9];
        told(stage, cut, Ends::Cut, "truncated after 5 of 11 bytes")
    },
};

/// The client that was sent these bytes, and then the end.
fn sent(stage: &Stage, bytes: &[u8], ends: Ends) -> Result<Pupil, Stop> {
    let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"")?;
    if !bytes.is_empty() {
        server.says(bytes)?;
    }
    if ends == Ends::Cut {
        server.is_cut()?;
        // Until the client has done, so that nothing but the FIN tells it.
        pupil.ends()?;
    }
    server.hangs_up()?;
    Ok(pupil)
}

/// A whole message: it is printed, and the exit status is 0.
fn whole(stage: &Stage, payload: &[u8], ends: Ends) -> Told {
    let pupil = sent(stage, &frame(payload), ends)?;
    pupil.exits(0)?;
    pupil.printed(payload)
}

/// A part of one: exit status 1, nothing on stdout, and these words on stderr.
fn told(stage: &Stage, cut: &[u8], ends: Ends, words: &str) -> Told {
    let pupil = sent(stage, cut, ends)?;
    pupil.exits(1)?;
    pupil.printed(b"")?;
    pupil.program().said_on_stderr(words)
}
