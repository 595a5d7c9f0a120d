//! `ex10_resume`.

use super::{BENEATH, BOTH, IN_THE_LOOP, NO_GOODBYE, ONE_ENDS_ALL};
use super::{arrives, client, not_shaken, prepare, silent, three_failures, unless_slow};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Session, Version};
use std::time::{Duration, Instant};

pub const RESUME: &[Check] = &[
    Check {
        name: "the first time it is new, in both versions",
        why: "there is nothing to resume",
        run: |stage| BOTH.iter().try_for_each(|version| is_new(stage, *version)),
        ..Check::PLAIN
    },
    Check {
        name: "the second time it is resumed, under TLS 1.3",
        why: "the tickets come behind the handshake, and the server must be able to open them later",
        points: 3,
        run: |stage| comes_often(stage, Version::Tls13, 1),
        control: Some(NEW),
        causes: &[FORGOTTEN],
        ..Check::PLAIN
    },
    Check {
        name: "the second time it is resumed, under TLS 1.2",
        why: "there a session has a name, or a ticket that comes inside the handshake",
        points: 3,
        run: |stage| comes_often(stage, Version::Tls12, 1),
        control: Some(NEW),
        causes: &[Cause {
            symptoms: &[],
            likely: "sessions, or tickets, are turned off for 1.2 (or for both), or the program looks at the \
                     version before it says the word",
            advice: "one context for all clients, with its defaults; and ask `session_reused`, whatever the \
                     version",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "another client is new, also after one that was resumed",
        why: "it is the session that goes on, not the day",
        run: |stage| {
            for version in BOTH {
                comes_often(stage, version, 1)?;
                is_new(stage, version)?;
            }
            Ok(())
        },
        control: Some(NEW),
        causes: &[Cause {
            symptoms: &[],
            likely: "clients are counted, or known by their address",
            advice: "ask the connection: `session_reused`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a session is resumed five times, in both versions",
        why: "a browser comes back for every picture",
        points: 2,
        run: |stage| {
            for version in BOTH {
                comes_often(stage, version, 5)?;
            }
            Ok(())
        },
        control: Some(ONCE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a session is forgotten when it was resumed once, or under TLS 1.3 only the first \
                     connection gives a ticket, or the context, and with it the key, is made anew after a few",
            advice: "one context as long as the server runs, and leave tickets to OpenSSL: under 1.3 it gives a \
                     new one with each connection, and under 1.2 the first may be used again",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the sessions of ten clients are kept beside each other",
        why: "a server has more than one client",
        run: |stage| {
            for version in BOTH {
                let first: Result<Vec<Client>, Stop> = (0..10)
                    .map(|_| is_told(stage, version, None, "new"))
                    .collect();
                let sessions: Result<Vec<Session>, Stop> = first?
                    .into_iter()
                    .map(Client::leaves_to_come_again)
                    .collect();
                for session in sessions? {
                    is_told(stage, version, Some(session), "resumed")?;
                }
            }
            Ok(())
        },
        control: Some(ONCE),
        causes: &[Cause {
            symptoms: &[],
            likely: "there is room for few sessions, or a new client takes the place of another",
            advice: "tickets take no room at the server",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a session is resumed after 20 s, in both versions",
        why: "60 s are promised: a page is read before the next one is asked for",
        points: 2,
        run: |stage| {
            let mut sessions = Vec::new();
            for version in BOTH {
                let first = is_told(stage, version, None, "new")?;
                sessions.push((version, first.leaves_to_come_again()?));
            }
            // Somebody else comes meanwhile, now and then.
            for _ in 0..4 {
                let mut other = is_told(stage, Version::Tls13, None, "new")?;
                other.hears_nothing_for(Duration::from_secs(5))?;
            }
            for (version, session) in sessions {
                is_told(stage, version, Some(session), "resumed")?;
            }
            Ok(())
        },
        control: Some(ONCE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the context is made anew now and then, and with it the key of the tickets; or \
                     sessions end after seconds",
            advice: "one context for as long as the server runs",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "it reads to the client's end, and then says close_notify",
        why: "who closes with bytes unread resets the connection",
        points: 2,
        run: |stage| {
            for version in BOTH {
                let mut alice = is_told(stage, version, None, "new")?;
                alice.says(&stage.random_bytes(300_000))?;
                alice.hears_nothing_for(Duration::from_millis(700))?;
                if alice.has_ended() {
                    let due = "a connection that is open until the client ends it";
                    return alice.fails(Symptom::Early, due, "its end", "");
                }
                alice.says(b"that is all")?;
                alice.half_closes()?;
                alice.hears_goodbye()?;
            }
            Ok(())
        },
        control: Some(NEW),
        causes: &[
            NO_GOODBYE,
            BENEATH,
            Cause {
                symptoms: &[],
                likely: "the server ends the connection before the client does",
                advice: "read until the stream ends, then `shutdown`",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a resumed connection ends as a new one does",
        why: "it is one like any other, but for the handshake",
        run: |stage| {
            for version in BOTH {
                let first = is_told(stage, version, None, "new")?;
                let session = first.leaves_to_come_again()?;
                let mut alice = is_told(stage, version, Some(session), "resumed")?;
                alice.says(&stage.random_bytes(100_000))?;
                alice.half_closes()?;
                alice.hears_goodbye()?;
            }
            Ok(())
        },
        control: Some(ONCE),
        causes: &[NO_GOODBYE],
        ..Check::PLAIN
    },
    Check {
        name: "20 silent clients hold nobody up",
        why: "a handshake is a conversation: who has it in the accept loop serves one client",
        points: 2,
        run: |stage| {
            prepare(stage, &[])?;
            let _silent = silent(stage, 20)?;
            is_new(stage, Version::Tls13)
        },
        control: Some(NEW),
        causes: &[IN_THE_LOOP],
        ..Check::PLAIN
    },
    Check {
        name: "whatever one client does ends nothing for the others",
        why: "scanners come by every day, and a server serves until it is ended",
        points: 2,
        run: |stage| {
            let first = is_told(stage, Version::Tls13, None, "new")?;
            let session = first.leaves_to_come_again()?;
            three_failures(stage)?;
            let mut cut = is_told(stage, Version::Tls13, None, "new")?;
            cut.is_cut()?;
            cut.has_come(1, Duration::from_millis(300));
            is_told(stage, Version::Tls13, None, "new")?.resets()?;
            is_told(stage, Version::Tls13, Some(session), "resumed").map(|_| ())
        },
        control: Some(ONCE),
        causes: &[ONE_ENDS_ALL],
        ..Check::PLAIN
    },
];

const NEW: Control = Control {
    name: "a client of each version that comes for the first time",
    run: |stage| BOTH.iter().try_for_each(|version| is_new(stage, *version)),
};

const ONCE: Control = Control {
    name: "a session of each version that is resumed once, at once",
    run: |stage| {
        BOTH.iter()
            .try_for_each(|version| comes_often(stage, *version, 1))
    },
};

const FORGOTTEN: Cause = Cause {
    symptoms: &[],
    likely: "tickets are turned off, or sealed with a key that is thrown away: the context holds it; or \
             the word is not asked for",
    advice: "make one context when the server starts, clone its handle for each client, and ask \
             `session_reused`",
};

/// A client that offers a session or none, and is told this word.
fn is_told(
    stage: &Stage,
    version: Version,
    session: Option<Session>,
    word: &str,
) -> Result<Client, Stop> {
    prepare(stage, &[])?;
    let terms = client(stage, version);
    let mut alice = match session {
        None => arrives(stage, "alice", &terms)?,
        Some(session) => {
            let tcp = stage.client("alice")?;
            let since = Instant::now();
            let shaken = tcp.comes_again(session, &terms)?;
            match shaken.came {
                Ok(_) => shaken.client,
                Err(refusal) => {
                    return unless_slow(since, not_shaken(&shaken.client, &refusal));
                }
            }
        }
    };
    alice.hears(format!("{word}\n").as_bytes())?;
    Ok(alice)
}

fn is_new(stage: &Stage, version: Version) -> Told {
    is_told(stage, version, None, "new").map(|_| ())
}

/// Once new, and so many times resumed, the newest session each time.
fn comes_often(stage: &Stage, version: Version, times: usize) -> Told {
    let mut alice = is_told(stage, version, None, "new")?;
    for _ in 0..times {
        let session = alice.leaves_to_come_again()?;
        alice = is_told(stage, version, Some(session), "resumed")?;
    }
    Ok(())
}
