//! `ex06_chat`: who is here, what they say, and how they leave. Who doesn't read is in `reader`.

use super::reader;
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the list lacks somebody, has the newcomer itself, or is written otherwise",
            advice: "`* here: A, B`, one line, made before the newcomer is in the map",
        }],
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
        control: Some(ALONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "nobody is told, or the newcomer is told as well",
            advice: "tell those who were here before the newcomer is added",
        }],
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
        causes: &[Cause {
            symptoms: &[],
            likely: "somebody is left out, or only one line of each client is read",
            advice: "for each line: every member but the sender, and then the next line",
        }],
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the line is sent to everybody, its sender too",
            advice: "leave out the member of that name",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "that somebody left by a close is told once",
        why: "they wait for an answer otherwise",
        points: 2,
        run: |stage| leaves(stage, Client::hangs_up),
        control: Some(A_LINE),
        causes: &[NOT_TOLD],
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
        causes: &[NOT_TOLD],
        ..Check::PLAIN
    },
    Check {
        name: "that somebody left by a reset is told once",
        why: "an error is a way out as well, and the one that is easily forgotten",
        points: 2,
        run: |stage| leaves(stage, Client::resets),
        control: Some(LEAVING),
        causes: &[Cause {
            symptoms: &[],
            likely: "an error of a read returns past what tells the others",
            advice: "clear up where all ways out come together: behind the conversation, whatever it returned",
        }],
        ..Check::PLAIN
    },
    Check {
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit refuses what is exactly as long as it allows, or digits or capitals",
            advice: "1 to 16, both included, of a-z, A-Z and 0-9",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "alice and Alice are two",
        why: "what is the same name, the protocol says; this one compares bytes",
        run: |stage| {
            let mut alice = enters(stage, "alice", &[])?;
            let _other = enters(stage, "Alice", &["alice"])?;
            alice.hears(b"* Alice joined\n")
        },
        control: Some(ENTERING),
        causes: &[Cause {
            symptoms: &[],
            likely: "names are compared, or kept, in lower case",
            advice: "take them as they are",
        }],
        ..Check::PLAIN
    },
    Check {
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
    },
    Check {
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
        causes: &[NEVER_IN],
        ..Check::PLAIN
    },
    Check {
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
    },
    Check {
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the name is looked up, and taken later: with the lock released in between",
            advice: "look and insert under one lock",
        }],
        ..Check::PLAIN
    },
    Check {
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the CR is part of the name, or one read is taken for it",
            advice: "read a line, then cut off LF, and CR before it",
        }],
        ..Check::PLAIN
    },
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
        causes: &[Cause {
            symptoms: &[],
            likely: "name and lines are read by two readers, and the first one kept what it had",
            advice: "one BufReader for the connection's whole life",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a line is bytes, and its ending LF or CRLF",
        why: "not everybody's text is yours, and a read may end in the middle of it",
        points: 2,
        run: |stage| {
            let [mut alice, mut bob, _carol] = room(stage)?;
            alice.says(b"caf\xe9 \0 \xff\xfe\n with blanks \nwith CR\r\n\r\nin ")?;
            alice.fence()?;
            alice.says(b"two\n")?;
            bob.hears(b"[alice] caf\xe9 \0 \xff\xfe\n[alice]  with blanks \n")?;
            bob.hears(b"[alice] with CR\n[alice] \n[alice] in two\n")
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
        causes: &[Cause {
            symptoms: &[],
            likely: "a buffer is shorter than a line may be, or its ending is counted in",
            advice: "4,096 bytes of text, and CR LF behind it",
        }],
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of the stream is taken for the end of a line",
            advice: "look whether what was read ends with LF",
        }],
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
        causes: &[Cause {
            symptoms: &[],
            likely: "names stay in the map, or the others are told before the name is free",
            advice: "take the name out first, under the same lock, and then tell",
        }],
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
            half.hears_nothing_for(Duration::from_millis(500))?;
            silent.resets()?;
            bob.says(b"did you hear anything\n")?;
            alice.hears(b"[bob] did you hear anything\n")
        },
        control: Some(A_LINE),
        causes: &[
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
        causes: &[Cause {
            symptoms: &[],
            likely: "the newcomer is in the map before its list is in its queue",
            advice: "make the list, queue it and insert the newcomer under one lock, in this order",
        }],
        ..Check::PLAIN
    },
    reader::DELAYS_NOBODY,
    reader::ISNT_DROPPED_EARLY,
    reader::IS_DROPPED,
    reader::ENDS,
    reader::THREADS,
];

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

const NOT_TOLD: Cause = Cause {
    symptoms: &[],
    likely: "nobody is told, or it is told by two: the one who reads, and the one who writes",
    advice: "take the member out of the map, and tell only if it was still in it",
};

pub(super) const ALONE: Control = Control {
    name: "one client alone",
    run: |stage| enters(stage, "alice", &[]).map(|_| ()),
};

const ENTERING: Control = Control {
    name: "three with ordinary names",
    run: |stage| room(stage).map(|_| ()),
};

pub(super) const A_LINE: Control = Control {
    name: "a line of ordinary text",
    run: |stage| {
        let [mut alice, mut bob, _carol] = room(stage)?;
        alice.says(b"hello\n")?;
        bob.hears(b"[alice] hello\n")
    },
};

const LEAVING: Control = Control {
    name: "one who leaves by a close",
    run: |stage| leaves(stage, Client::hangs_up),
};

/// A client that says its name, and reads who else is here: these, in any order.
pub(super) fn enters(stage: &Stage, name: &str, here: &[&str]) -> Result<Client, Stop> {
    let client = stage.client(name)?;
    is_let_in(client, name, here)
}

pub(super) fn is_let_in(mut client: Client, name: &str, here: &[&str]) -> Result<Client, Stop> {
    client.says(format!("{name}\n").as_bytes())?;
    let due = match here {
        [] => "* here:".to_string(),
        here => format!("* here: {}", here.join(", ")),
    };
    let line = client.hears_line(&due, 4096)?;
    let sorted = |line: &str| {
        let mut names: Vec<String> = line.split(", ").map(String::from).collect();
        names.sort();
        names
    };
    let got = String::from_utf8_lossy(&line);
    let names = got.strip_prefix("* here: ");
    let same = match here {
        [] => got == "* here:",
        here => names.is_some_and(|names| sorted(names) == sorted(&here.join(", "))),
    };
    if same {
        return Ok(client);
    }
    client.fails(Symptom::Different, due.as_bytes(), &line[..], "")
}

/// Alice, Bob and Carol, each of whom knows of the others.
pub(super) fn room(stage: &Stage) -> Result<[Client; 3], Stop> {
    let mut alice = enters(stage, "alice", &[])?;
    let mut bob = enters(stage, "bob", &["alice"])?;
    alice.hears(b"* bob joined\n")?;
    let carol = enters(stage, "carol", &["alice", "bob"])?;
    alice.hears(b"* carol joined\n")?;
    bob.hears(b"* carol joined\n")?;
    Ok([alice, bob, carol])
}

/// A client that says this name reads a sentence, which is no welcome, and the end.
fn is_turned_away(stage: &Stage, name: &[u8]) -> Told {
    let mut client = stage.client("mallory")?;
    client.says(&[name, b"\n"].concat())?;
    let due = "a sentence that says no";
    let line = client.hears_line(due, 4096)?;
    if line.starts_with(b"* here") || line.is_empty() {
        return client.fails(Symptom::Different, due, &line[..], "");
    }
    client.hears_end()
}

/// Carol leaves in this way, and the others read it: once.
fn leaves(stage: &Stage, leave: fn(Client) -> Told) -> Told {
    let [mut alice, mut bob, carol] = room(stage)?;
    leave(carol)?;
    alice.hears(b"* carol left\n")?;
    bob.hears(b"* carol left\n")?;
    alice.says(b"a pity\n")?;
    bob.hears(b"[alice] a pity\n")?;
    bob.says(b"yes\n")?;
    alice.hears(b"[bob] yes\n")
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
