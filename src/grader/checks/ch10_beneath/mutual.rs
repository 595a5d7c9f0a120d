//! `ex10_mutual_tls`.

mod clients;

use super::{BENEATH, BOTH, IN_THE_LOOP, NO_GOODBYE, ONE_ENDS_ALL};
use super::{arrives, not_shaken, silent, three_failures, unless_slow};
use crate::grader::check::{Cause, Check, Control};
use crate::grader::failure::{Side, Symptom};
use crate::grader::tls::{Drip, Paper, Refusal, Terms, Version};
use clients::{
    ALICE, BOB, EXPIRED, OF_ANOTHER_CA, SELF_SIGNED, are_refused, echoed, expects, in_time,
    is_greeted, is_not_allowed, is_refused, is_served, person, refused_while_writing, shows,
    with_list,
};
use std::time::{Duration, Instant};

pub const MUTUAL_TLS: &[Check] = &[
    Check {
        name: "a client with a certificate is greeted by its name, and its line comes back",
        why: "the certificate says who it is, before anybody has said anything",
        run: |stage| is_served(stage, Version::Tls13),
        ..Check::PLAIN
    },
    Check {
        name: "so it is under TLS 1.2",
        why: "many clients are older than 2018",
        run: |stage| is_served(stage, Version::Tls12),
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the server speaks TLS 1.3 alone",
            advice: "`mozilla_intermediate_v5` takes both, `mozilla_modern_v5` takes one",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client without a certificate is refused by an alert, in both versions",
        why: "who is asked for a certificate may answer with none, and is let in unless that is forbidden",
        points: 2,
        run: |stage| are_refused(stage, None),
        control: Some(SERVED),
        causes: &[NOT_INSISTED, RESET_INSTEAD],
        ..Check::PLAIN
    },
    Check {
        name: "one with a certificate of another CA is refused by an alert, in both versions",
        why: "anybody can make a certificate that says alice",
        points: 3,
        run: |stage| {
            are_refused(stage, Some(OF_ANOTHER_CA))?;
            are_refused(stage, Some(SELF_SIGNED))
        },
        control: Some(SERVED),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "the name is read, and the signature is not looked at",
                advice: "the CA's certificate, and a verify mode without a callback that agrees to all",
            },
            RESET_INSTEAD,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "one with an expired certificate is refused by an alert, in both versions",
        why: "who has left keeps the key, and not the right",
        points: 2,
        run: |stage| are_refused(stage, Some(EXPIRED)),
        control: Some(SERVED),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "a verify callback, or a flag, lets expired ones pass",
                advice: "leave the verdict to OpenSSL",
            },
            RESET_INSTEAD,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the alert reaches a client that has written, and writes on before it reads",
        why: "to close with bytes unread is a reset, and the next write meets that before the alert",
        points: 3,
        run: |stage| {
            expects(stage, b"alice\n")?;
            refused_while_writing(stage)
        },
        control: Some(Control {
            name: "a refused client that only reads",
            run: |stage| is_refused(stage, Version::Tls13, None),
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Reset],
            likely: "it isn't read on to the client's end: closed at once, after one read or too early, or \
                     `Both` was shut down, which ends the reading too",
            advice: "`shutdown(Shutdown::Write)`, then read and throw away until the client's end, for \
                     a second at most",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "it is the commonName that counts, whatever the other attributes hold",
        why: "the subject as a text is no list: an organization may call itself CN=mallory",
        points: 2,
        run: |stage| {
            expects(stage, b"alice\n")?;
            const SUBJECTS: [Paper; 4] = [
                person(&[("O", "CN=mallory"), ("CN", "alice")]),
                person(&[("CN", "alice"), ("OU", "x, CN=mallory")]),
                person(&[
                    ("C", "SE"),
                    ("O", "a/CN=mallory"),
                    ("CN", "alice"),
                    ("OU", "b"),
                ]),
                person(&[("CN", "alice"), ("emailAddress", "CN=mallory@example.com")]),
            ];
            for paper in SUBJECTS {
                let mut alice = arrives(stage, "alice", &shows(stage, Version::Tls13, paper))?;
                alice.hears(b"hello alice\n")?;
                echoed(&mut alice, b"hello\n")?;
            }
            Ok(())
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "`CN=` is searched for in the subject's text, or the first or last attribute is taken",
            advice: "ask the subject for its entries of one kind, `Nid::COMMONNAME`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a name may have spaces, and letters of any alphabet",
        why: "people have",
        run: |stage| {
            expects(stage, "bob\nÅsa Österlund 李\n".as_bytes())?;
            let paper = person(&[("CN", "Åsa Österlund 李")]);
            let mut asa = arrives(stage, "asa", &shows(stage, Version::Tls13, paper))?;
            asa.hears("hello Åsa Österlund 李\n".as_bytes())?;
            echoed(&mut asa, b"hej\n")
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the name is cut at a space, or its bytes are taken for ASCII; or only the list's first \
                     line is looked at",
            advice: "take the CN whole, as UTF-8, and compare it with each line",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "who is not on the list is greeted, and told so in answer to the first line",
        why: "to know who somebody is says nothing about what they may do",
        points: 3,
        run: |stage| {
            expects(stage, b"alice\n")?;
            is_not_allowed(stage, BOB, "bob")
        },
        control: Some(UNDER_1_3),
        told_by: |failure| {
            if failure.expected == Side::from(&b"hello bob\n"[..]) {
                return Some(NOT_GREETED);
            }
            let served = matches!(&failure.got, Side::Bytes(got) if got.starts_with(b"let me in"));
            (failure.symptom == Symptom::Different && !served).then_some(OTHER_WORDS)
        },
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "everybody who is known is served, or is served before the list is looked at",
                advice: "look the name up before a line goes back",
            },
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "only who is allowed is told anything",
                advice: "answer the first line by the refusal",
            },
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "the refusal comes before the client has said anything",
                advice: "read a line first",
            },
            NO_GOODBYE,
            BENEATH,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "only a whole line of the list is a name",
        why: "al is not alice, and alice2 is somebody else",
        points: 2,
        run: |stage| {
            let list = b"alice2\nal\n alice\nalice \nALICE\nbob, alice\nCN=alice\nalice,bob\n";
            expects(stage, list)?;
            is_not_allowed(stage, ALICE, "alice").map_err(|stop| with_list(stop, list))
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the name is searched for in the text, or lines are trimmed, or their case is ignored",
            advice: "compare with each whole line, byte by byte",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a list with CR LF, and one whose last line lacks its ending, are lists",
        why: "editors differ",
        run: |stage| {
            let list = b"carol\r\nbob\r\nalice";
            expects(stage, list)?;
            for (paper, name) in [(ALICE, "alice"), (BOB, "bob")] {
                let mut client = arrives(stage, name, &shows(stage, Version::Tls13, paper))?;
                client.hears(format!("hello {name}\n").as_bytes())?;
                echoed(&mut client, b"hello\n").map_err(|stop| with_list(stop, list))?;
            }
            Ok(())
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the CR is taken for a part of the name, or the last line is lost",
            advice: "split at LF, and take one CR off the end of each line",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty list is for nobody",
        why: "a list that was emptied in a hurry must not open the door",
        run: |stage| {
            expects(stage, b"")?;
            is_not_allowed(stage, ALICE, "alice")
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "an empty list is taken for none, and none for everybody",
            advice: "what isn't said is not allowed",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "lines come back as they came, up to 1,024 bytes, however they are cut",
        why: "a record is no line, and most of what travels is not text",
        points: 2,
        run: |stage| {
            let mut alice = is_greeted(stage, Version::Tls13)?;
            echoed(&mut alice, b"\0\xff\xfe\xc3\x28 \xe2\x82\n")?;
            echoed(&mut alice, b"\n")?;
            echoed(&mut alice, b"with CR\r\n")?;
            let long = [
                &stage
                    .random_bytes(1_024)
                    .iter()
                    .map(|b| b | 0x80)
                    .collect::<Vec<_>>()[..],
                b"\n",
            ]
            .concat();
            echoed(&mut alice, &long)?;
            echoed(&mut alice, b"one\ntwo\nthree\n")?;
            alice.says_slowly(b"in pieces\n", 4)?;
            alice.hears(b"in pieces\n")
        },
        control: Some(UNDER_1_3),
        causes: &[
            Cause {
                symptoms: &[Symptom::End],
                likely: "a line that is allowed is taken for the end: an empty one, one of 1,024 bytes, one \
                         that is no UTF-8, or a piece of one",
                advice: "only the end of the stream is one: until then keep what has come until its LF \
                         is there",
            },
            Cause {
                symptoms: &[],
                likely: "a line is taken for text, loses its CR, or what came behind it in the same read is lost",
                advice: "bytes, and one buffer for the whole connection",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a client that resumes its session is served, in both versions",
        why: "its certificate isn't sent again: it is in the session, and that has to be whose it says",
        points: 3,
        run: |stage| {
            for version in BOTH {
                let alice = is_greeted(stage, version)?;
                let session = alice.leaves_to_come_again()?;
                let since = Instant::now();
                let terms = shows(stage, version, ALICE);
                let shaken = stage.client("alice")?.comes_again(session, &terms)?;
                let mut alice = shaken.client;
                let told = match shaken.came {
                    Err(refusal) => not_shaken(&alice, &refusal),
                    Ok(_) => alice.hears(b"hello alice\n"),
                };
                unless_slow(since, told)?;
                echoed(&mut alice, b"hello again\n")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "a client that comes twice, each time with a new session",
            run: |stage| {
                for version in [
                    Version::Tls13,
                    Version::Tls13,
                    Version::Tls12,
                    Version::Tls12,
                ] {
                    is_served(stage, version)?;
                }
                Ok(())
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different, Symptom::Extra, Symptom::End],
                likely: "the program treats a resumed session otherwise than a new one",
                advice: "the certificate is in the session: ask for its name as always",
            },
            Cause {
                symptoms: &[],
                likely: "sessions have no context: OpenSSL can't tell whose they are, and refuses them",
                advice: "`set_session_id_context`, with any name, where the verify mode is set",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "20 silent clients hold nobody up",
        why: "a handshake is a conversation: who has it in the accept loop serves one client",
        points: 2,
        run: |stage| {
            expects(stage, b"alice\n")?;
            let _silent = silent(stage, 20)?;
            is_served(stage, Version::Tls13)
        },
        control: Some(UNDER_1_3),
        causes: &[IN_THE_LOOP],
        ..Check::PLAIN
    },
    Check {
        name: "whatever one client does ends nothing for the others",
        why: "scanners come by every day, and a server serves until it is ended",
        points: 2,
        run: |stage| {
            expects(stage, b"alice\n")?;
            three_failures(stage)?;
            is_refused(stage, Version::Tls13, None)?;
            let mut cut = is_greeted(stage, Version::Tls13)?;
            cut.says(b"never end")?;
            cut.is_cut()?;
            cut.has_come(1, Duration::from_millis(300));
            let mut reset = is_greeted(stage, Version::Tls13)?;
            reset.says(b"never end")?;
            reset.fence()?;
            reset.resets()?;
            for _ in 0..3 {
                is_served(stage, Version::Tls13)?;
            }
            Ok(())
        },
        control: Some(UNDER_1_3),
        told_by: |failure| {
            let unrefused = failure.expected == Side::from("a fatal alert");
            let causes = [NOT_INSISTED, RESET_INSTEAD];
            let mut causes = causes.into_iter();
            causes.find(|cause| unrefused && cause.symptoms.contains(&failure.symptom))
        },
        causes: &[ONE_ENDS_ALL],
        ..Check::PLAIN
    },
    Check {
        name: "a client that needs 2 s for its handshake is served",
        why: "some lines are slow: the time is for all of it, 3 s, and not less",
        run: |stage| {
            expects(stage, b"alice\n")?;
            let terms = Terms {
                drip: Some(Drip {
                    bytes: 200,
                    every: Duration::from_millis(150),
                    lasts: Duration::from_millis(1_900),
                }),
                ..shows(stage, Version::Tls13, ALICE)
            };
            let tcp = stage.client("alice")?;
            let since = Instant::now();
            let mut shaken = tcp.asks_for_papers(&terms)?;
            // Under TLS 1.3 a client has shaken hands before its server has.
            let told = match shaken.came {
                Ok(_) => shaken.client.hears(b"hello alice\n"),
                Err(refusal) => not_shaken(&shaken.client, &refusal),
            };
            unless_slow(since, told)
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[],
            likely: "the handshake, or each of its reads, has much less than 3 s",
            advice: "one deadline for the handshake, 3 s after the connection was accepted",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client whose handshake drips is dropped after 3 s, and a silent one, too",
        why: "a timeout for each read begins anew with each byte: it would last for minutes",
        points: 2,
        run: |stage| {
            expects(stage, b"alice\n")?;
            let mut silent = stage.client("silent")?;
            let since = Instant::now();
            let tcp = stage.client("slow")?;
            let terms = Terms {
                drip: Some(Drip {
                    bytes: 1,
                    every: Duration::from_millis(100),
                    lasts: Drip::FOR_EVER,
                }),
                ..shows(stage, Version::Tls13, ALICE)
            };
            let dripping = Instant::now();
            let shaken = tcp.asks_for_papers(&terms)?;
            let took = dripping.elapsed();
            if matches!(shaken.came, Ok(_) | Err(Refusal::Silence)) {
                let got = format!("it is still open after {} s", took.as_secs());
                let due = "the end of the connection within 4 s";
                return shaken.client.fails(Symptom::StillOpen, due, got, "");
            }
            in_time(stage, &shaken.client, dripping, took)?;
            // It had its 3 s meanwhile.
            silent.hears_all("the end of the connection within 4 s")?;
            let took = silent.last_arrival().saturating_duration_since(since);
            in_time(stage, &silent, since, took)
        },
        control: Some(UNDER_1_3),
        causes: &[Cause {
            symptoms: &[Symptom::StillOpen, Symptom::Late],
            likely: "the handshake has no deadline, or each of its reads has one of its own, or nothing is \
                     closed when it is over",
            advice: "fix the moment at which it is over, and compute what is left before each read",
        }],
        ..Check::PLAIN
    },
];

const UNDER_1_3: Control = Control {
    name: "a client whose certificate is in order, under TLS 1.3",
    run: |stage| is_served(stage, Version::Tls13),
};

const SERVED: Control = Control {
    name: "clients whose certificate is in order",
    run: |stage| {
        is_served(stage, Version::Tls13)?;
        is_served(stage, Version::Tls12)
    },
};

const NOT_GREETED: Cause = Cause {
    symptoms: &[],
    likely: "only who is on the list is greeted",
    advice: "greet everybody; the list is for their lines",
};

const OTHER_WORDS: Cause = Cause {
    symptoms: &[],
    likely: "the refusal has other words",
    advice: "exactly `not allowed` and an LF",
};

const NOT_INSISTED: Cause = Cause {
    symptoms: &[Symptom::Extra],
    likely: "a certificate is asked for, and not insisted on",
    advice: "PEER asks; with FAIL_IF_NO_PEER_CERT it insists",
};

const RESET_INSTEAD: Cause = Cause {
    symptoms: &[Symptom::End, Symptom::Reset, Symptom::Garbled],
    likely: "the client is refused behind the handshake, or outside of it: OpenSSL sends no alert then",
    advice: "let the handshake fail: the verify mode says so",
};
