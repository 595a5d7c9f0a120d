//! `ex10_terms`.

use super::{BENEATH, IN_THE_LOOP, NO_GOODBYE, ONE_ENDS_ALL};
use super::{arrives, client, prepare, silent, three_failures};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Refusal, Terms, Version, is_spoken_here};

/// The lists of most checks, two each.
const SUITES12: &str = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
const SUITES13: &str = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";

/// With these OpenSSL would speak TLS 1.1, and older.
const SUITES_OF_OLD: &str = "ALL:@SECLEVEL=0";

pub const TERMS: &[Check] = &[
    Check {
        name: "a client of TLS 1.3 is told the version and the suite",
        why: "what was agreed is what both wanted, and neither knows before",
        run: |stage| says_its_terms(stage, Version::Tls13, "TLS_AES_128_GCM_SHA256"),
        ..Check::PLAIN
    },
    Check {
        name: "a client of TLS 1.2 is told the version and the suite",
        why: "the two versions share no suite, so the answer says which list it is from",
        run: |stage| says_its_terms(stage, Version::Tls12, "ECDHE-RSA-AES256-GCM-SHA384"),
        control: Some(UNDER_1_3),
        causes: &[
            Cause {
                symptoms: &[Symptom::Handshake],
                likely: "the server speaks TLS 1.3 alone",
                advice: "1.2 is the oldest, not 1.3",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the version is known by heart, or the suite is called by another of its names",
                advice: "`version_str` of the connection, and `name` of its suite",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the answer is followed by close_notify and by nothing else",
        why: "without it the client can't tell whether somebody has cut the line",
        run: |stage| {
            prepared(stage, SUITES12, SUITES13)?;
            for version in super::BOTH {
                let mut alice = arrives(stage, "alice", &client(stage, version))?;
                alice.hears_line("the terms", 200)?;
                alice.hears_goodbye()?;
            }
            Ok(())
        },
        control: Some(UNDER_1_3),
        causes: &[
            NO_GOODBYE,
            BENEATH,
            Cause {
                symptoms: &[],
                likely: "more is said than the one line, or the server waits for the client",
                advice: "one line, `shutdown`, close",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "under TLS 1.2 each suite of the list is taken",
        why: "a client may have only one of them",
        run: |stage| {
            each_is_taken(
                stage,
                Version::Tls12,
                &["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"],
            )
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the list is cut, or another one stands above it",
            advice: "`set_cipher_list` takes the whole of SUITES12 as it is",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "under TLS 1.2 no other suite is taken",
        why: "a suite that nobody asked for is one that nobody has looked at",
        points: 3,
        run: |stage| {
            const OTHERS: [&str; 3] = [
                "ECDHE-RSA-AES128-GCM-SHA256",
                "AES128-GCM-SHA256",
                "ECDHE-RSA-AES256-SHA384",
            ];
            none_is_taken(stage, Version::Tls12, &OTHERS)
        },
        control: Some(UNDER_1_3),
        causes: &[
            Cause {
                symptoms: &[Symptom::Handshake],
                likely: "TLS 1.2 still has the suites that OpenSSL likes, or all of those of a profile",
                advice: "`set_cipher_list` governs everything up to 1.2",
            },
            ONE_ENDS_ALL,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "under TLS 1.3 each suite of the list is taken",
        why: "a client may have only one of them",
        run: |stage| {
            each_is_taken(
                stage,
                Version::Tls13,
                &["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"],
            )
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the list is cut at its first colon",
            advice: "`set_ciphersuites` takes the whole of SUITES13 as it is",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "under TLS 1.3 no other suite is taken",
        why: "the list of TLS 1.2 says nothing about 1.3: that has one of its own",
        points: 3,
        run: |stage| none_is_taken(stage, Version::Tls13, &["TLS_AES_256_GCM_SHA384"]),
        control: Some(UNDER_1_3),
        causes: &[
            Cause {
                symptoms: &[Symptom::Handshake],
                likely: "only the list of TLS 1.2 was set: 1.3 has all its suites still",
                advice: "`set_cipher_list` governs up to 1.2, `set_ciphersuites` 1.3",
            },
            ONE_ENDS_ALL,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the lists may be others: one suite each",
        why: "what is asked for stands on the command line, not in the program",
        run: |stage| {
            // A suite that is older than the version that speaks it.
            prepared(stage, "ECDHE-RSA-AES256-SHA", "TLS_AES_256_GCM_SHA384")?;
            agrees(stage, Version::Tls12, "ECDHE-RSA-AES256-SHA")?;
            agrees(stage, Version::Tls13, "TLS_AES_256_GCM_SHA384")
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the suites stand in the program; or the version is asked of the suite, which knows \
                     only when it was introduced",
            advice: "take the suites from the arguments, and ask the connection for its version",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "there is no handshake with a client of TLS 1.1",
        why: "it was broken, and buried in 2021 (RFC 8996)",
        points: 3,
        run: |stage| {
            if !is_spoken_here(Version::Tls11)? {
                let why = "this system's OpenSSL does not speak TLS 1.1 at all";
                return Err(Stop::Skipped(why.to_string()));
            }
            prepared(stage, SUITES_OF_OLD, SUITES13)?;
            is_refused(stage, &client(stage, Version::Tls11))
        },
        control: Some(Control {
            name: "a client of TLS 1.2, with the same list",
            run: |stage| {
                prepared(stage, SUITES_OF_OLD, SUITES13)?;
                let mut alice = arrives(stage, "alice", &client(stage, Version::Tls12))?;
                alice.hears_line("the terms", 200).map(|_| ())
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the oldest version is left to the profile, or to the system's configuration",
            advice: "`set_min_proto_version`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "20 silent clients hold nobody up",
        why: "a handshake is a conversation: who has it in the accept loop serves one client",
        points: 2,
        run: |stage| {
            prepared(stage, SUITES12, SUITES13)?;
            let _silent = silent(stage, 20)?;
            says_its_terms(stage, Version::Tls13, "TLS_AES_128_GCM_SHA256")
        },
        control: Some(UNDER_1_3),
        causes: &[IN_THE_LOOP],
        ..Check::PLAIN
    },
    Check {
        name: "a refused client ends nothing for the others",
        why: "to refuse is the daily work of a server with terms",
        points: 2,
        run: |stage| {
            prepared(stage, SUITES12, SUITES13)?;
            none_is_taken(stage, Version::Tls13, &["TLS_AES_256_GCM_SHA384"])?;
            three_failures(stage)?;
            for _ in 0..3 {
                says_its_terms(stage, Version::Tls13, "TLS_AES_128_GCM_SHA256")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "a client that is served, and one that is refused",
            run: |stage| {
                says_its_terms(stage, Version::Tls13, "TLS_AES_128_GCM_SHA256")?;
                none_is_taken(stage, Version::Tls13, &["TLS_AES_256_GCM_SHA384"])
            },
        }),
        causes: &[ONE_ENDS_ALL],
        ..Check::PLAIN
    },
];

const UNDER_1_3: Control = Control {
    name: "a client of TLS 1.3 with a suite of the list",
    run: |stage| says_its_terms(stage, Version::Tls13, "TLS_AES_128_GCM_SHA256"),
};

/// Prepares the submission: these are its suites.
fn prepared(stage: &Stage, suites12: &str, suites13: &str) -> Told {
    if stage.is_running_already() {
        let why = "which suites a server that runs already was given, nobody has told the grader";
        return Err(Stop::Skipped(why.to_string()));
    }
    prepare(stage, &[suites12.to_string(), suites13.to_string()])
}

/// A client that offers one suite, under one version alone.
fn offers(stage: &Stage, version: Version, suite: &'static str) -> Terms {
    let terms = client(stage, version);
    match version {
        Version::Tls13 => Terms {
            suites13: Some(suite),
            ..terms
        },
        _ => Terms {
            suites12: Some(suite),
            ..terms
        },
    }
}

fn says_its_terms(stage: &Stage, version: Version, suite: &'static str) -> Told {
    prepared(stage, SUITES12, SUITES13)?;
    agrees(stage, version, suite)
}

/// A client that offers this suite alone has it, and is told so.
fn agrees(stage: &Stage, version: Version, suite: &'static str) -> Told {
    let mut alice = arrives(stage, "alice", &offers(stage, version, suite))?;
    let version = match version {
        Version::Tls13 => "TLSv1.3",
        _ => "TLSv1.2",
    };
    alice.hears(format!("{version} {suite}\n").as_bytes())
}

fn each_is_taken(stage: &Stage, version: Version, suites: &[&'static str]) -> Told {
    suites
        .iter()
        .try_for_each(|suite| says_its_terms(stage, version, suite))
}

fn none_is_taken(stage: &Stage, version: Version, suites: &[&'static str]) -> Told {
    prepared(stage, SUITES12, SUITES13)?;
    suites
        .iter()
        .try_for_each(|suite| is_refused(stage, &offers(stage, version, suite)))
}

/// In whatever way.
fn is_refused(stage: &Stage, terms: &Terms) -> Told {
    let due = "no handshake: no version and suite that both would take";
    let shaken = stage.client("mallory")?.asks_for_papers(terms)?;
    match shaken.came {
        Ok(agreed) => {
            let got = format!("a handshake: {} {}", agreed.version, agreed.suite);
            shaken.client.fails(Symptom::Handshake, due, got, "")
        }
        Err(Refusal::Silence) => {
            let got = "silence inside the handshake";
            shaken.client.fails(Symptom::Silence, due, got, "")
        }
        Err(_) => Ok(()),
    }
}
