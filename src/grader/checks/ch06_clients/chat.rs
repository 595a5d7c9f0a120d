//! `ex06_chat`: who is here, what they say, and how they leave. Their names are in `names`, who doesn't
//! read is in `reader`.

mod names;
mod reader;
mod room;

use super::ENDS_ALL;
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use room::{A_LINE, ALONE, ENTERING, LEAVING, enters, leaves, room};
use std::time::Duration;

pub const CHAT: &[Check] = &[
    Check {
        name: "the first one reads that nobody else is here",
        why: "a greeting tells the client that its name was taken, and where it is",
        run: |stage| enters(stage, "alice", &[]).map(|_| ()),
        ..Check::PLAIN
    },
    Check {
        name: "a newcomer reads who else is here",
        why: "who comes into a room wants to know whom it talks to",
        run: |stage| {
            let _alice = enters(stage, "alice", &[])?;
            let _bob = enters(stage, "bob", &["alice"])?;
            enters(stage, "carol", &["alice", "bob"]).map(|_| ())
        },
        control: Some(ALONE),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the list lacks somebody, has the newcomer itself, or is written otherwise",
                advice: "`* here: A, B`, one line, made before the newcomer is in the map",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the others read that somebody joined",
        why: "they can't see it",
        run: |stage| {
            let mut alice = enters(stage, "alice", &[])?;
            let mut bob = enters(stage, "bob", &["alice"])?;
            alice.hears(b"* bob joined\n")?;
            let _carol = enters(stage, "carol", &["alice", "bob"])?;
            alice.hears(b"* carol joined\n")?;
            bob.hears(b"* carol joined\n")
        },
        control: Some(Control {
            name: "that each newcomer reads who else is here",
            run: |stage| {
                let _alice = enters(stage, "alice", &[])?;
                let _bob = enters(stage, "bob", &["alice"])?;
                enters(stage, "carol", &["alice", "bob"]).map(|_| ())
            },
        }),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "nobody is told, or the newcomer is told as well",
                advice: "tell those who were here before the newcomer is added",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a line reaches all others, with its sender's name",
        why: "this is what a chat is",
        points: 2,
        run: |stage| {
            let [mut alice, mut bob, mut carol] = room(stage)?;
            for line in ["hello", "and hello again"] {
                alice.says(format!("{line}\n").as_bytes())?;
                bob.hears(format!("[alice] {line}\n").as_bytes())?;
                carol.hears(format!("[alice] {line}\n").as_bytes())?;
            }
            Ok(())
        },
        control: Some(ENTERING),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "somebody is left out, or only one line of each client is read",
                advice: "for each line: every member but the sender, and then the next line",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a sender doesn't read its own line",
        why: "it has it on its screen already",
        run: |stage| {
            let [mut alice, mut bob, _carol] = room(stage)?;
            alice.says(b"one\n")?;
            bob.hears(b"[alice] one\n")?;
            bob.says(b"two\n")?;
            // Its own would have come before.
            alice.hears(b"[bob] two\n")
        },
        control: Some(A_LINE),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the line is sent to everybody, its sender too",
                advice: "leave out the member of that name",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "that somebody left by a close is told once",
        why: "they wait for an answer otherwise",
        points: 2,
        run: |stage| leaves(stage, Client::hangs_up),
        control: Some(A_LINE),
        causes: &[ENDS_ALL, NOT_TOLD],
        ..Check::PLAIN
    },
    Check {
        name: "that somebody left by a half-close is told once",
        why: "who has nothing more to say has left, and its connection ends",
        run: |stage| {
            leaves(stage, |mut client| {
                client.half_closes()?;
                client.hears_end()
            })
        },
        control: Some(LEAVING),
        causes: &[ENDS_ALL, NOT_TOLD],
        ..Check::PLAIN
    },
    Check {
        name: "that somebody left by a reset is told once",
        why: "an error is a way out as well, and the one that is easily forgotten",
        points: 2,
        run: |stage| leaves(stage, Client::resets),
        control: Some(LEAVING),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "an error of a read returns past what tells the others",
                advice: "clear up where all ways out come together: behind the conversation, whatever it returned",
            },
        ],
        ..Check::PLAIN
    },
    names::LIMITS_ARE_INCLUDED,
    names::CASE_COUNTS,
    names::WRONG_IS_TURNED_AWAY,
    names::WRONG_IS_NOT_TOLD,
    names::TAKEN_IS_TURNED_AWAY,
    names::ONE_OF_FOUR_GETS_IT,
    names::CRLF_OR_PIECES,
    Check {
        name: "a name and lines in one write are a name and lines",
        why: "what was read behind the name won't come again",
        points: 2,
        run: |stage| {
            let mut alice = enters(stage, "alice", &[])?;
            let mut bob = stage.client("bob")?;
            bob.says(b"bob\nhello\nand so on\n")?;
            bob.hears(b"* here: alice\n")?;
            alice.hears(b"* bob joined\n[bob] hello\n[bob] and so on\n")
        },
        control: Some(A_LINE),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "name and lines are read by two readers, and the first one kept what it had",
                advice: "one BufReader for the connection's whole life",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a line is bytes, and its ending LF or CRLF",
        why: "not everybody's text is yours, and a read may end in the middle of it",
        points: 2,
        run: |stage| {
            let [mut alice, mut bob, _carol] = room(stage)?;
            alice.says(b"caf\xe9 \0 \xff\xfe\n with blanks \nwith CR\r\n\r\ntwo\r\r\nin ")?;
            alice.fence()?;
            alice.says(b"two\n")?;
            bob.hears(b"[alice] caf\xe9 \0 \xff\xfe\n[alice]  with blanks \n")?;
            bob.hears(b"[alice] with CR\n[alice] \n")?;
            bob.hears(b"[alice] two\r\n[alice] in two\n")
        },
        control: Some(A_LINE),
        causes: &[
            Cause {
                symptoms: &[
                    Symptom::Exit,
                    Symptom::End,
                    Symptom::Reset,
                    Symptom::Silence,
                ],
                likely: "a line that isn't UTF-8, or an empty one, ends something",
                advice: "keep lines as bytes: read_until(b'\\n', …) into a Vec<u8>",
            },
            Cause {
                symptoms: &[],
                likely: "lines are turned into text, or their endings passed on, or empty ones skipped",
                advice: "cut off LF, and one CR before it; all else goes as it came",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a line of 4,096 bytes is passed on whole",
        why: "a limit counts what it allows as well, and the ending not",
        run: |stage| {
            let [mut alice, mut bob, _carol] = room(stage)?;
            for ending in [&b"\n"[..], b"\r\n"] {
                alice.says(&[&[b'x'; 4096][..], ending].concat())?;
                bob.hears(&[&b"[alice] "[..], &[b'x'; 4096], b"\n"].concat())?;
            }
            Ok(())
        },
        control: Some(A_LINE),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "a buffer is shorter than a line may be, or its ending is counted in",
                advice: "4,096 bytes of text, and CR LF behind it",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an unterminated last line is dropped",
        why: "half a sentence may mean the opposite of the whole",
        run: |stage| {
            let [alice, mut bob, _carol] = room(stage)?;
            let mut alice = alice;
            alice.says(b"whole\nI don't agr")?;
            alice.fence()?;
            alice.hangs_up()?;
            bob.hears(b"[alice] whole\n* alice left\n")
        },
        control: Some(LEAVING),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the end of the stream is taken for the end of a line",
                advice: "look whether what was read ends with LF",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a name is free when its owner has left",
        why: "who lost a connection comes back, and under the same name",
        run: |stage| {
            let mut alice = enters(stage, "alice", &[])?;
            for round in 0..6 {
                let bob = enters(stage, "bob", &["alice"])?;
                if round % 2 == 0 {
                    bob.hangs_up()?
                } else {
                    bob.resets()?
                }
                alice.hears(b"* bob joined\n* bob left\n")?;
            }
            Ok(())
        },
        control: Some(LEAVING),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "names stay in the map, or the others are told before the name is free",
                advice: "take the name out first, under the same lock, and then tell",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "who has no name yet isn't here, and holds nobody up",
        why: "a name that never comes must not keep others from theirs",
        points: 2,
        run: |stage| {
            let mut silent = stage.client("silent")?;
            let mut half = stage.client("half a name")?;
            half.says(b"mall")?;
            half.fence()?;
            let mut alice = enters(stage, "alice", &[])?;
            let mut bob = enters(stage, "bob", &["alice"])?;
            bob.says(b"hello\n")?;
            alice.hears(b"* bob joined\n[bob] hello\n")?;
            silent.hears_nothing_more()?;
            half.hears_nothing_more()?;
            half.half_closes()?;
            // It may be told that half a name is a wrong one; it must not be let in.
            if half.has_come(1, Duration::from_millis(500)) {
                let line = half.hears_line("nothing, or what is wrong with its name", 4096)?;
                if line.starts_with(b"* ") {
                    return half.fails(Symptom::Extra, "nothing more", &line[..], "");
                }
            }
            silent.resets()?;
            bob.says(b"did you hear anything\n")?;
            alice.hears(b"[bob] did you hear anything\n")
        },
        control: Some(A_LINE),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the name is read in the loop that accepts, or with the lock held",
                advice: "first a thread, then the name, then the lock",
            },
            Cause {
                symptoms: &[],
                likely: "a client is in the room before its name is known, or half a name is one",
                advice: "a client enters with a whole name, and not before",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a newcomer's first line is who is here, also while the others talk",
        why: "a client that waits for its greeting takes the first line for it",
        points: 2,
        run: talk_while_they_come,
        control: Some(Control {
            name: "newcomers while nobody talks",
            run: |stage| {
                let mut alice = enters(stage, "alice", &[])?;
                (0..25).try_for_each(|n| {
                    let name = format!("guest{n}");
                    enters(stage, &name, &["alice"])?.hangs_up()?;
                    alice.hears(format!("* {name} joined\n* {name} left\n").as_bytes())
                })
            },
        }),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the newcomer is in the map before its list is in its queue",
                advice: "make the list, queue it and insert the newcomer under one lock, in this order",
            },
        ],
        ..Check::PLAIN
    },
    reader::DELAYS_NOBODY,
    reader::ISNT_DROPPED_EARLY,
    reader::IS_DROPPED,
    reader::ENDS,
    reader::THREADS,
];

const NOT_TOLD: Cause = Cause {
    symptoms: &[],
    likely: "nobody is told, or it is told by two: the one who reads, and the one who writes",
    advice: "take the member out of the map, and tell only if it was still in it",
};

/// Bob talks without a pause, Alice reads it, and guests come and go.
fn talk_while_they_come(stage: &Stage) -> Told {
    let mut alice = enters(stage, "alice", &[])?;
    let mut bob = enters(stage, "bob", &["alice"])?;
    let line = b"and what I also wanted to say\n";
    for number in 0..25 {
        let name = format!("guest{number}");
        let mut guest = stage.client(&name)?;
        guest.says(name.as_bytes())?;
        guest.fence()?;
        bob.says(&line.repeat(200))?;
        guest.says(b"\n")?;
        bob.says(&line.repeat(200))?;
        let first = guest.hears_line("`* here: …`", 4096)?;
        if !first.starts_with(b"* here: ") {
            return guest.fails(
                Symptom::Different,
                "`* here: …` before any other line",
                &first[..],
                "",
            );
        }
        guest.hangs_up()?;
        let left = format!("* {name} left");
        while alice.hears_line(&left, 4096)? != left.as_bytes() {}
        while bob.hears_line(&left, 4096)? != left.as_bytes() {}
    }
    Ok(())
}
