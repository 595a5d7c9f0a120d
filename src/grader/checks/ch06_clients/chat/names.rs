//! What is graded of names: which are taken, what becomes of the others, and who gets one that several
//! ask for.

use super::super::ENDS_ALL;
use super::room::{A_LINE, ALONE, ENTERING, enters};
use crate::grader::bytes::brief;
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;

pub(super) const LIMITS_ARE_INCLUDED: Check = Check {
    name: "names of one and of sixteen letters and digits are taken",
    why: "a limit counts what it allows as well",
    run: |stage| {
        let mut here = Vec::new();
        let mut inside = Vec::new();
        for name in ["a", "Z", "0", "abcdefghijklmnop", "0123456789ABCDEF"] {
            inside.push(enters(stage, name, &here)?);
            here.push(name);
        }
        Ok(())
    },
    control: Some(ENTERING),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[],
            likely: "the limit refuses what is exactly as long as it allows, or digits or capitals",
            advice: "1 to 16, both included, of a-z, A-Z and 0-9",
        },
    ],
    ..Check::PLAIN
};

pub(super) const CASE_COUNTS: Check = Check {
    name: "alice and Alice are two",
    why: "what is the same name, the protocol says; this one compares bytes",
    run: |stage| {
        let mut alice = enters(stage, "alice", &[])?;
        let _other = enters(stage, "Alice", &["alice"])?;
        alice.hears(b"* Alice joined\n")
    },
    control: Some(ENTERING),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[],
            likely: "names are compared, or kept, in lower case",
            advice: "take them as they are",
        },
    ],
    ..Check::PLAIN
};

pub(super) const WRONG_IS_TURNED_AWAY: Check = Check {
    name: "a wrong name gets a sentence and a close",
    why: "a name is shown to others: what may be in it is decided at the door",
    points: 2,
    run: |stage| {
        for name in WRONG_NAMES {
            is_turned_away(stage, name)?;
        }
        Ok(())
    },
    control: Some(ALONE),
    causes: &[
        Cause {
            symptoms: &[Symptom::Different],
            likely: "such a name is taken",
            advice: "1 to 16 bytes, each of a-z, A-Z and 0-9: ASCII letters only",
        },
        Cause {
            symptoms: &[Symptom::End, Symptom::Reset, Symptom::Exit],
            likely: "the connection, or the program, ends without a word",
            advice: "a name is bytes until you have looked at it: no unwrap, and a sentence first",
        },
    ],
    ..Check::PLAIN
};

pub(super) const WRONG_IS_NOT_TOLD: Check = Check {
    name: "nobody hears of a wrong name",
    why: "who was never in didn't join, and can't leave",
    run: |stage| {
        let mut alice = enters(stage, "alice", &[])?;
        for name in WRONG_NAMES {
            is_turned_away(stage, name)?;
        }
        let _bob = enters(stage, "bob", &["alice"])?;
        alice.hears(b"* bob joined\n")
    },
    control: Some(ENTERING),
    causes: &[ENDS_ALL, NEVER_IN],
    ..Check::PLAIN
};

pub(super) const TAKEN_IS_TURNED_AWAY: Check = Check {
    name: "a name that is taken gets a sentence and a close, and its owner stays",
    why: "else anybody could speak in anybody's name, or push them out",
    points: 2,
    run: |stage| {
        let mut alice = enters(stage, "alice", &[])?;
        let mut bob = enters(stage, "bob", &["alice"])?;
        alice.hears(b"* bob joined\n")?;
        is_turned_away(stage, b"alice")?;
        is_turned_away(stage, b"alice")?;
        bob.says(b"are you there\n")?;
        alice.hears(b"[bob] are you there\n")?;
        alice.says(b"yes\n")?;
        // Not a word before it: neither joined nor left.
        bob.hears(b"[alice] yes\n")
    },
    control: Some(A_LINE),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[Symptom::Extra, Symptom::Different],
            likely: "the second one gets the name, or its going is told as the first one's",
            advice: "look the name up before you insert it; who didn't get it has nothing to clear up",
        },
        Cause {
            symptoms: &[],
            likely: "the second one takes the first one's place in the map",
            advice: "look the name up before you insert it; who didn't get it has nothing to clear up",
        },
    ],
    ..Check::PLAIN
};

pub(super) const ONE_OF_FOUR_GETS_IT: Check = Check {
    name: "of those who ask for a name at the same time one gets it",
    why: "between looking and taking there must be no room for another",
    points: 2,
    run: |stage| {
        let mut watch = enters(stage, "watch", &[])?;
        (0..40).try_for_each(|round| race(stage, &mut watch, &format!("racer{round}")))
    },
    control: Some(Control {
        name: "one after another",
        run: |stage| {
            let _alice = enters(stage, "alice", &[])?;
            is_turned_away(stage, b"alice")
        },
    }),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[],
            likely: "the name is looked up, and taken later: with the lock released in between",
            advice: "look and insert under one lock",
        },
    ],
    ..Check::PLAIN
};

pub(super) const CRLF_OR_PIECES: Check = Check {
    name: "a name may end with CRLF, and may come in pieces",
    why: "telnet and Windows send CRLF, and TCP cuts where it likes",
    run: |stage| {
        let mut alice = stage.client("alice")?;
        alice.says(b"alice\r\n")?;
        alice.hears(b"* here:\n")?;
        let mut bob = stage.client("bob")?;
        bob.says(b"bo")?;
        bob.fence()?;
        bob.says(b"b\n")?;
        bob.hears(b"* here: alice\n")?;
        alice.hears(b"* bob joined\n")
    },
    control: Some(ENTERING),
    causes: &[
        ENDS_ALL,
        Cause {
            symptoms: &[],
            likely: "the CR is part of the name, or one read is taken for it",
            advice: "read a line, then cut off LF, and CR before it",
        },
    ],
    ..Check::PLAIN
};

const WRONG_NAMES: &[&[u8]] = &[
    b"",
    b"abcdefghijklmnopq",
    b"two words",
    b" alice",
    b"al_ice",
    b"[alice]",
    "\u{e5}sa".as_bytes(),
    b"caf\xe9",
    b"a\0b",
];

const NEVER_IN: Cause = Cause {
    symptoms: &[],
    likely: "others are told before the name was looked at, or a leaving that was never a coming",
    advice: "who wasn't let in has nothing to clear up",
};

/// A client that says this name reads a sentence, which is no welcome, and the end.
fn is_turned_away(stage: &Stage, name: &[u8]) -> Told {
    let mut client = stage.client("mallory")?;
    client.says(&[name, b"\n"].concat())?;
    let due = format!("a sentence that says no to {}", brief(name, 40));
    let line = client.hears_line(&due, 4096)?;
    if line.starts_with(b"* here") || line.is_empty() {
        return client.fails(Symptom::Different, due, &line[..], "");
    }
    client.hears_end()
}

/// Four who ask for the same name at once: one is let in, the others are told no, and whoever is
/// here reads of one coming and one going.
fn race(stage: &Stage, watch: &mut Client, name: &str) -> Told {
    let mut racers = Vec::new();
    for number in 1..=4 {
        let mut racer = stage.client(&format!("racer {number}"))?;
        racer.says(name.as_bytes())?;
        racers.push(racer);
    }
    // Each has a thread that waits for this one byte.
    for racer in &mut racers {
        racer.fence()?;
    }
    for racer in &mut racers {
        racer.says(b"\n")?;
    }
    let mut winners = 0;
    for racer in &mut racers {
        let line = racer.hears_line("`* here: …`, or a sentence that says no", 4096)?;
        winners += u32::from(line.starts_with(b"* here"));
    }
    if winners != 1 {
        let due = "one of four who gets the name";
        return watch.fails(Symptom::Different, due, format!("{winners} of them"), "");
    }
    racers.into_iter().try_for_each(Client::hangs_up)?;
    watch.hears(format!("* {name} joined\n* {name} left\n").as_bytes())
}
