//! `ex07_ack_client`.

use super::talk::Talk;
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::udp::UdpPlace;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

pub const ACK_CLIENT: &[Check] = &[
    Check {
        name: "a TEXT goes out as an id and its bytes",
        why: "the id is what the acknowledgement will name",
        run: |stage| Talk::begins(stage, &["hej hå → smörgås"])?.hears("hej hå → smörgås"),
        ..Check::PLAIN
    },
    Check {
        name: "what is acknowledged is said, and the exit status is 0",
        why: "a script asks the exit status, a person reads the line",
        run: hello,
        ..Check::PLAIN
    },
    Check {
        name: "each TEXT has an exchange and a line of its own",
        why: "three messages were sent: whoever reads it wants to know of each",
        run: |stage| three(stage).map(drop),
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "only one TEXT is sent, or only one line is printed",
            advice: "one exchange for each, and a line after each",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "each TEXT of a run has an id of its own",
        why: "an acknowledgement names an id: it must not be another message's, too",
        run: |stage| {
            let mut talk = three(stage)?;
            talk.ids.sort_unstable();
            talk.ids.dedup();
            let got = format!("{} for 3 messages", talk.ids.len());
            match talk.ids.len() {
                3 => Ok(()),
                _ => talk.server.fails(Symptom::Different, "3 ids", got),
            }
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "all messages have one id",
            advice: "count on from the first",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the next TEXT waits for the acknowledgement of the one before",
        why: "one exchange after another is what keeps them in order",
        run: |stage| {
            let mut talk = Talk::begins(stage, &["one", "two"])?;
            talk.hears("one")?;
            // Only time shows it. A second try of the first is nobody's fault.
            let early = talk.server.hears_within(Duration::from_millis(150))?;
            if let Some(early) = early.filter(|early| early.bytes != talk.request) {
                let due = "nothing new before the acknowledgement";
                return talk.server.fails(Symptom::Extra, due, &early.bytes[..]);
            }
            talk.acknowledges()?;
            talk.hears("two")
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[Symptom::Extra],
            likely: "all are sent before anything is awaited",
            advice: "send one, wait for its acknowledgement, then send the next",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a TEXT of 1,200 bytes is sent whole",
        why: "the limit is itself allowed",
        run: |stage| Talk::begins(stage, &[&"x".repeat(1_200)])?.hears(&"x".repeat(1_200)),
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "the limit is smaller, or counts the id",
            advice: "compare the bytes of TEXT with 1,200, with `>`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a TEXT of more than 1,200 bytes is bad usage",
        why: "a larger datagram may be cut into fragments, and one lost fragment loses all",
        run: |stage| {
            for text in ["x".repeat(1_201), "å".repeat(601)] {
                let mut talk = Talk::begins(stage, &[&text])?;
                talk.pupil.exits(2)?;
                talk.server.has_heard_all()?;
            }
            Ok(())
        },
        control: Some(HELLO),
        causes: &[Cause {
            symptoms: &[],
            likely: "nobody looks at the length, or it is counted in characters, or is another error",
            advice: "before the first exchange: count the bytes of each TEXT",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a lost request is sent again, the same and from the same port",
        why: "the server knows it again by its id and by whom it comes from",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["hello"])?;
            talk.hears("hello")?;
            talk.hears_again()?;
            talk.acknowledges()?;
            talk.succeeds(b"acknowledged\n")
        },
        control: Some(HELLO),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "each try has an id, or a socket, of its own",
                advice: "make the datagram and the socket once, before the first try",
            },
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the client waits without a timeout",
                advice: "a datagram may be lost: bound each receive by what is left of the try's time",
            },
            Cause {
                symptoms: &[],
                likely: "the first silence ends the client",
                advice: "a timeout is the reason for the next try, not an error",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "after three tries it gives up: exit status 1, and a sentence",
        why: "a program that never ends is worse than one that fails",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["hello"])?;
            talk.hears("hello")?;
            talk.hears_again()?;
            talk.hears_again()?;
            talk.gives_up(b"")?;
            talk.server.has_heard_all()
        },
        control: Some(ONE_LOSS),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra, Symptom::StillOpen],
                likely: "there are more tries than three, or more lines than acknowledgements",
                advice: "count the datagrams that are sent, and print when one is acknowledged",
            },
            Cause {
                symptoms: &[Symptom::Exit],
                likely: "there are fewer tries than three",
                advice: "count the datagrams that are sent, not the timeouts after them",
            },
            Cause {
                symptoms: &[Symptom::Status, Symptom::Words],
                likely: "that nobody answered isn't taken for a failure, or its reason isn't said",
                advice: "a sentence on stderr, and exit status 1",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the tries are 300 ms apart, and 300 ms after the last it gives up",
        why: "who waits too short loads a slow network with more; who waits long makes others wait",
        points: 2,
        alone: true,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["hello"])?;
            talk.hears("hello")?;
            for due in [300, 600] {
                let again = talk.hears_again()?;
                talk.was_on_time(again, due, "another try")?;
            }
            let (_, after) = talk.pupil.ends()?;
            let end = talk.pupil.program().started() + after;
            talk.was_not_early(end, 900, "the end")?;
            let limit = Duration::from_millis(1_500);
            let took = end.saturating_duration_since(talk.begun);
            talk.pupil.was_in_time(talk.begun, took, limit, "the end")
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[Symptom::Early, Symptom::Late, Symptom::Exit],
            likely: "the wait is another one, grows from try to try, or is left out after the last",
            advice: "deadlines at 300, 600 and 900 ms, counted from the first datagram",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "only the peer that was asked is believed",
        why: "anybody can send a datagram to anybody: a port is no secret",
        points: 2,
        run: |stage| stranger(stage, |stage, _| stage.udp_place("mallory")),
        control: Some(ONE_LOSS),
        causes: &[NOT_ASKED_WHO],
        ..Check::PLAIN
    },
    Check {
        name: "the asked port at another IP is a stranger",
        why: "a peer is the whole address: each host gives its ports as it likes",
        run: |stage| {
            stranger(stage, |stage, asked| {
                let at = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), asked.port()));
                stage.udp_place_at("mallory", at)
            })
        },
        control: Some(ONE_LOSS),
        causes: &[NOT_ASKED_WHO],
        ..Check::PLAIN
    },
    Check {
        name: "only the id that was sent is believed",
        why: "an answer may be a late one to somebody before you, who had your port",
        points: 2,
        run: |stage| {
            let other = |ack: &[u8]| {
                let id = u32::from_be_bytes([ack[0], ack[1], ack[2], ack[3]]);
                vec![
                    ack_of(id.wrapping_add(1)),
                    ack_of(id.swap_bytes() ^ 0xff),
                    ack_of(!id),
                ]
            };
            strays(stage, other)
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[],
            likely: "another acknowledgement is taken for the one that is due, or for an error",
            advice: "compare all 7 bytes: the id that was sent, and ACK",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an acknowledgement is exactly 7 bytes",
        why: "what is shorter, longer or says something else was not agreed upon",
        points: 2,
        run: |stage| {
            strays(stage, |ack| {
                let id = &ack[..4];
                vec![
                    Vec::new(),
                    id.to_vec(),
                    ack[..6].to_vec(),
                    [ack, b"\n"].concat(),
                    [id, b"NAK"].concat(),
                    [id, b"ack"].concat(),
                    b"ACK".to_vec(),
                ]
            })
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[],
            likely: "only a part of the answer is compared, or a strange one ends the client",
            advice: "compare all that came with the 7 bytes that are due, and pass over the rest",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the acknowledgement of the TEXT before doesn't count for the next",
        why: "a network doubles: the second copy arrives when another message waits",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["one", "two"])?;
            talk.hears("one")?;
            let before = talk.ack();
            talk.acknowledges()?;
            talk.hears("two")?;
            talk.answers(&before)?;
            talk.hears_again()?;
            talk.acknowledges()?;
            talk.succeeds(b"acknowledged\nacknowledged\n")
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[],
            likely: "any id counts that was ever sent",
            advice: "compare with the id of this exchange",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what isn't the acknowledgement brings no try forward",
        why: "each stray would cost a try: three of them, and nobody has waited at all",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["hello"])?;
            talk.hears("hello")?;
            for _ in 0..5 {
                talk.answers(b"not yours")?;
            }
            let again = talk.hears_again()?;
            talk.was_not_early(again, 300, "the second try")?;
            talk.acknowledges()?;
            talk.succeeds(b"acknowledged\n")
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[],
            likely: "whatever is received ends a try",
            advice: "pass over what isn't it, and receive again until the try's time is over",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what isn't the acknowledgement puts no try off",
        why: "a timeout that begins anew with each datagram lets a chatty stranger stop the clock",
        points: 2,
        alone: true,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["hello"])?;
            talk.hears("hello")?;
            let mut again = None;
            // Strays for longer than three tries take, 40 ms apart.
            while again.is_none() && talk.begun.elapsed() < Duration::from_millis(1_200) {
                talk.answers(b"not yours")?;
                again = talk.server.hears_within(Duration::from_millis(40))?;
            }
            let at = match again {
                Some(again) => again.at,
                None => talk.hears_again()?,
            };
            talk.was_on_time(at, 300, "the second try")?;
            // Among many strays, a clock that is set anew is late by no more than the gap between two.
            let mut talk = Talk::begins(stage, &["hello"])?;
            talk.hears("hello")?;
            let left = Duration::from_millis(250).saturating_sub(talk.begun.elapsed());
            let at = match talk.server.hears_within(left)? {
                Some(early) => early.at,
                None => {
                    talk.answers(b"not yours")?;
                    talk.hears_again()?
                }
            };
            talk.was_on_time(at, 300, "the second try")
        },
        control: Some(ONE_LOSS),
        causes: &[Cause {
            symptoms: &[Symptom::Late, Symptom::Silence, Symptom::Exit],
            likely: "each receive has the whole timeout again",
            advice: "one deadline for the try; before each receive, what is left of it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what was acknowledged before it gave up is on stdout",
        why: "two of three arrived: whoever tries again wants to know which",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage, &["one", "two"])?;
            talk.hears("one")?;
            talk.acknowledges()?;
            talk.hears("two")?;
            talk.gives_up(b"acknowledged\n")
        },
        control: Some(GIVEN_UP),
        causes: &[
            Cause {
                symptoms: &[Symptom::Status],
                likely: "that one of several was not acknowledged doesn't reach the exit status",
                advice: "the first exchange that fails ends the program, with 1",
            },
            Cause {
                symptoms: &[],
                likely: "the lines are printed at the end, and only if all went well",
                advice: "print each line when its acknowledgement has come",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "where nobody listens it fails with a sentence",
        why: "the kernel tells it that nobody is there: an error like another, and no reason to panic",
        run: |stage| {
            let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, stage.ports(1)?.start));
            let pupil = stage.starts(nobody, &["hello".to_string()], b"")?;
            pupil.exits(1)?;
            pupil.printed(b"")?;
            pupil.says_what_failed()
        },
        control: Some(GIVEN_UP),
        causes: &[Cause {
            symptoms: &[],
            likely: "the refusal is taken for an answer, or ends the program without a word",
            advice: "it is a loss with a reason: try again, or say it and exit with 1",
        }],
        ..Check::PLAIN
    },
];

const NOT_ASKED_WHO: Cause = Cause {
    symptoms: &[],
    likely: "nobody looks whom a datagram is from, or only at a part of the address",
    advice: "connect the socket, or compare the whole address with the one that was asked",
};

const HELLO: Control = Control {
    name: "one TEXT, acknowledged at once",
    run: hello,
};

const ONE_LOSS: Control = Control {
    name: "a lost request, and the second acknowledged",
    run: |stage| {
        let mut talk = Talk::begins(stage, &["hello"])?;
        talk.hears("hello")?;
        talk.hears_again()?;
        talk.acknowledges()?;
        talk.succeeds(b"acknowledged\n")
    },
};

const GIVEN_UP: Control = Control {
    name: "one TEXT that is never acknowledged",
    run: |stage| {
        let mut talk = Talk::begins(stage, &["hello"])?;
        talk.hears("hello")?;
        talk.gives_up(b"")
    },
};

fn hello(stage: &Stage) -> Told {
    let mut talk = Talk::begins(stage, &["hello"])?;
    talk.hears("hello")?;
    talk.acknowledges()?;
    talk.succeeds(b"acknowledged\n")
}

fn three(stage: &Stage) -> Result<Talk, Stop> {
    let mut talk = Talk::begins(stage, &["one", "two", "three"])?;
    for text in ["one", "two", "three"] {
        talk.hears(text)?;
        talk.acknowledges()?;
    }
    talk.succeeds(b"acknowledged\nacknowledged\nacknowledged\n")?;
    Ok(talk)
}

/// A stranger sends the right acknowledgement: the client must go on to its second try.
fn stranger(stage: &Stage, place: impl Fn(&Stage, SocketAddr) -> Result<UdpPlace, Stop>) -> Told {
    let mut talk = Talk::begins(stage, &["hello"])?;
    let mut mallory = place(stage, talk.server.addr()?)?.hosts(&talk.pupil);
    talk.hears("hello")?;
    mallory.says_to(talk.from, &talk.ack())?;
    talk.hears_again()?;
    talk.acknowledges()?;
    talk.succeeds(b"acknowledged\n")
}

/// The server itself sends what isn't the acknowledgement: the client must go on to its second try.
fn strays(stage: &Stage, of: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Told {
    let mut talk = Talk::begins(stage, &["hello"])?;
    talk.hears("hello")?;
    for stray in of(&talk.ack()) {
        talk.answers(&stray)?;
    }
    talk.hears_again()?;
    talk.acknowledges()?;
    talk.succeeds(b"acknowledged\n")
}

fn ack_of(id: u32) -> Vec<u8> {
    super::ack(id)
}
