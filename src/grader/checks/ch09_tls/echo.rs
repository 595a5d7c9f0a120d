//! `ex09_tls_echo`.

use super::{AWKWARD, MAX, ONE_RECORD, ONE_WRITE, frame, header};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Drip, Paper, Refusal, Terms};
use std::time::{Duration, Instant};

/// A handshake has 3 s; this late a connection's end is still in time.
const HANDSHAKE: Duration = Duration::from_secs(4);

/// The same of a frame, which has 10 s.
const FRAME: Duration = Duration::from_secs(12);

/// The same of a client that says nothing between frames, for 30 s.
const IDLE: Duration = Duration::from_secs(33);

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
        causes: &[Cause {
            symptoms: &[],
            likely: "the server has done with a client after one frame, or after an empty one",
            advice: "read the next one in a loop, until the client's stream ends",
        }],
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
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the server makes room for what was claimed, and waits for it",
                advice: "look at the length as soon as its four bytes are there",
            },
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "the connection is closed without the frame, or without close_notify",
                advice: "send the frame, then call `shutdown` on the TLS stream",
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
        causes: &[Cause {
            symptoms: &[Symptom::End],
            likely: "the stream is dropped, which closes TCP and says nothing over TLS",
            advice: "call `shutdown` on the TLS stream when the client's has ended",
        }],
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
            let silent = (0..20).map(|_| stage.client("silent"));
            let _silent = silent.collect::<Result<Vec<_>, _>>()?;
            echoed(stage, b"hello")
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the handshake is waited for before the next client is accepted",
            advice: "give each client its thread first, and shake hands in there",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client whose handshake fails ends nothing for the others",
        why: "scanners come by every day, and a server serves until it is ended",
        points: 2,
        run: |stage| {
            prepare(stage)?;
            let mut plain = stage.client("plain")?;
            plain.says(b"GET / HTTP/1.0\r\n\r\n")?;
            plain.has_come(1, Duration::from_millis(300));
            stage.client("passer-by")?.hangs_up()?;
            let mut rude = stage.client("rude")?;
            rude.says(&[22, 3, 1, 2, 0, 1])?;
            rude.fence()?;
            rude.resets()?;
            for _ in 0..3 {
                echoed(stage, b"still there?")?;
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "an error of one handshake ends the program, or the loop that accepts the next",
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
    Check {
        name: "a client that needs 2 s for its handshake is served",
        why: "some lines are slow: the time is for all of it, 3 s, and not less",
        run: |stage| {
            prepare(stage)?;
            let tcp = stage.client("alice")?;
            let since = Instant::now();
            let slowly = Drip {
                bytes: 40,
                every: Duration::from_millis(150),
            };
            let terms = Terms {
                drip: Some(slowly),
                ..client(stage)
            };
            let shaken = tcp.asks_for_papers(&terms)?;
            match shaken.came {
                Ok(_) => Ok(()),
                // A part of the time was the machine's: the client's own, or the server's.
                Err(refusal) if is_too_late(since, &refusal) => {
                    let why = "the machine was too slow: the 3 s were nearly over";
                    Err(Stop::Inconclusive(why.to_string()))
                }
                Err(refusal) => not_shaken(&shaken.client, &refusal),
            }
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the handshake, or each of its reads, has much less than 3 s",
            advice: "one deadline for the handshake, 3 s after the connection was accepted",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that says nothing is dropped after 3 s",
        why: "it costs a thread, and a thousand of them cost a thousand",
        points: 2,
        run: |stage| {
            prepare(stage)?;
            let mut silent = stage.client("silent")?;
            ends_within(stage, &mut silent, Instant::now(), HANDSHAKE)
        },
        control: Some(ONE_FRAME),
        causes: &[NO_DEADLINE],
        ..Check::PLAIN
    },
    Check {
        name: "a client whose handshake drips is dropped after 3 s",
        why: "a timeout for each read begins anew with each byte: it would last for minutes",
        points: 3,
        run: |stage| {
            prepare(stage)?;
            let tcp = stage.client("slow")?;
            let since = Instant::now();
            let terms = Terms {
                drip: Some(Drip {
                    bytes: 1,
                    every: Duration::from_millis(100),
                }),
                ..client(stage)
            };
            let shaken = tcp.asks_for_papers(&terms)?;
            let took = since.elapsed();
            if shaken.came.is_ok() || shaken.came.as_ref().err() == Some(&Refusal::Silence) {
                let due = "the end of the connection within 4 s";
                let got = format!("it is still open after {} s", took.as_secs());
                return shaken.client.fails(Symptom::StillOpen, due, got, "");
            }
            in_time(stage, &shaken.client, since, took, HANDSHAKE)
        },
        control: Some(Control {
            name: "a client that says nothing at all",
            run: |stage| {
                prepare(stage)?;
                let mut silent = stage.client("silent")?;
                ends_within(stage, &mut silent, Instant::now(), HANDSHAKE)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::StillOpen, Symptom::Late],
            likely: "the timeout is given to each read anew",
            advice: "fix the moment at which it is over, and compute what is left before each read",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that speaks plain text is dropped after 3 s at most",
        why: "the wrong port is a common mistake, and no reason to wait for more of it",
        run: |stage| {
            prepare(stage)?;
            let mut plain = stage.client("plain")?;
            plain.says(b"GET / HTTP/1.0\r\n\r\n")?;
            ends_within(stage, &mut plain, Instant::now(), HANDSHAKE)
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the connection outlives its failed handshake",
            advice: "drop the stream when `accept` fails",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a frame that takes 8 s is served",
        why: "it has 10 s from its first byte, however it comes",
        run: |stage| {
            let mut alice = arrives(stage, "alice")?;
            let since = Instant::now();
            let all = frame(b"hello world");
            let mut told = Ok(());
            for (i, piece) in [&all[..1], &all[1..3], &all[3..8], &all[8..]]
                .iter()
                .enumerate()
            {
                // By the clock: what the machine loses must not be added up.
                let due = Duration::from_millis(2_600) * i as u32;
                alice.has_come(1, due.saturating_sub(since.elapsed()));
                told = told.and(alice.says(piece));
            }
            let told = told.and_then(|()| alice.hears(&all));
            match told {
                Err(Stop::Failed(_)) if since.elapsed() > Duration::from_millis(9_500) => {
                    let why = "the machine was too slow: the 10 s were nearly over";
                    Err(Stop::Inconclusive(why.to_string()))
                }
                told => told,
            }
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the handshake's 3 s go on, or a read of a frame has less than 10 s",
            advice: "set the deadline anew when a frame begins",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client may say nothing for 12 s between two frames",
        why: "30 s are its right: somebody may be typing",
        run: |stage| {
            let mut alice = arrives(stage, "alice")?;
            alice.says(&frame(b"one"))?;
            alice.hears(&frame(b"one"))?;
            alice.hears_nothing_for(Duration::from_secs(12))?;
            alice.says(&frame(b"two"))?;
            alice.hears(&frame(b"two"))
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the 10 s of a frame begin before its first byte",
            advice: "30 s for the first byte; when that is there, 10 s for the rest",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a frame that drips for longer than 10 s ends the connection",
        why: "a frame that is never whole is never answered, and keeps its buffer",
        points: 2,
        run: |stage| {
            let mut slow = arrives(stage, "slow")?;
            let since = Instant::now();
            // The length is whole after 6 s.
            for byte in header(1_000) {
                slow.says(&[byte])?;
                slow.has_come(1, Duration::from_secs(2));
            }
            while since.elapsed() < FRAME && !slow.has_ended() {
                slow.says(b"x")?;
                slow.has_come(1, Duration::from_secs(1));
            }
            ends_within(stage, &mut slow, since, FRAME)
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[],
            likely: "the 10 s are given to each read anew, or begin behind the length",
            advice: "fix the moment when the frame's first byte is there",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a client that says nothing for 30 s between two frames is dropped",
        why: "a client that has gone without a word would be waited for until the next year",
        run: |stage| {
            let mut idle = arrives(stage, "idle")?;
            let since = Instant::now();
            idle.says(&frame(b"one"))?;
            idle.hears(&frame(b"one"))?;
            let from = Instant::now();
            idle.has_come(1, IDLE + Duration::from_secs(3));
            let ended = idle.has_ended();
            let took = from.elapsed();
            if !ended {
                in_time(stage, &idle, from, took, IDLE)?;
            }
            if ended && since.elapsed() < Duration::from_secs(30) {
                let got = format!("after {} ms", since.elapsed().as_millis());
                return idle.fails(Symptom::Early, "no end before 30 s are over", got, "");
            }
            Ok(())
        },
        control: Some(ONE_FRAME),
        causes: &[Cause {
            symptoms: &[Symptom::Late],
            likely: "the wait for a frame's first byte has no bound",
            advice: "a deadline for that one, too",
        }],
        ..Check::PLAIN
    },
];

const NO_DEADLINE: Cause = Cause {
    symptoms: &[Symptom::StillOpen, Symptom::Late],
    likely: "the handshake waits without a bound, or longer than 3 s",
    advice: "a stream of your own beneath TLS, each of whose reads and writes ends at the deadline",
};

const ONE_FRAME: Control = Control {
    name: "one frame of one client",
    run: |stage| echoed(stage, b"hello"),
};

/// The terms of a client: what a running server's certificate is, nobody has told us.
fn client(stage: &Stage) -> Terms {
    Terms {
        verifies: !stage.is_running_already(),
        ..Terms::CLIENT
    }
}

/// Gives the submission its certificate, before it is started.
fn prepare(stage: &Stage) -> Told {
    let (cert, key) = stage.paper_files(Paper::GOOD)?;
    stage.server_args(&[cert, key]);
    Ok(())
}

/// A client that has shaken hands.
fn arrives(stage: &Stage, who: &str) -> Result<Client, Stop> {
    prepare(stage)?;
    let tcp = stage.client(who)?;
    let since = Instant::now();
    let shaken = tcp.asks_for_papers(&client(stage))?;
    match shaken.came {
        Ok(_) => Ok(shaken.client),
        Err(refusal) if is_too_late(since, &refusal) => {
            let why = "the machine was too slow: the 3 s of the handshake were over";
            Err(Stop::Inconclusive(why.to_string()))
        }
        Err(refusal) => not_shaken(&shaken.client, &refusal),
    }
}

/// Whether the server may have ended it because its time was over: on a slow machine that is its right.
fn is_too_late(since: Instant, refusal: &Refusal) -> bool {
    *refusal != Refusal::Silence && since.elapsed() > Duration::from_millis(2_600)
}

fn not_shaken<T>(client: &Client, refusal: &Refusal) -> Result<T, Stop> {
    client.fails(Symptom::Handshake, "a TLS handshake", refusal.words(), "")
}

/// A client of its own sends this frame and hears it.
fn echoed(stage: &Stage, payload: &[u8]) -> Told {
    let mut alice = arrives(stage, "alice")?;
    alice.says(&frame(payload))?;
    alice.hears(&frame(payload))
}

/// The connection ends so long after `since`, whatever the server says before.
fn ends_within(stage: &Stage, client: &mut Client, since: Instant, limit: Duration) -> Told {
    client.hears_all(&format!(
        "the end of the connection within {} s",
        limit.as_secs()
    ))?;
    in_time(stage, client, since, since.elapsed(), limit)
}

fn in_time(
    stage: &Stage,
    client: &Client,
    since: Instant,
    took: Duration,
    limit: Duration,
) -> Told {
    if !stage.server()?.was_late(since, took, limit)? {
        return Ok(());
    }
    let due = format!("the end of the connection within {} s", limit.as_secs());
    client.fails(
        Symptom::Late,
        due,
        format!("after {} ms", took.as_millis()),
        "",
    )
}
