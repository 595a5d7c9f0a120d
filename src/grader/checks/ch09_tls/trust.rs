//! `ex09_trust`.

use super::{A_MEBIBYTE, MAX, ONE_WRITE, frame, header, met, met_over_tls};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::kernel;
use crate::grader::stage::{Pupil, Stage};
use crate::grader::tls::{Drip, HOST, Paper, Terms, Version};
use std::time::{Duration, Instant};

/// The client has 3 s; this late its end is still in time.
const IN_ALL: Duration = Duration::from_secs(4);

/// Longer than any client may wait for a byte of it.
const DRIPS: Drip = Drip {
    bytes: 1,
    every: Duration::from_millis(100),
};

/// A server that takes about 1.5 s for its handshake.
const SLOWLY: Drip = Drip {
    bytes: 160,
    every: Duration::from_millis(120),
};

pub const TRUST: &[Check] = &[
    Check {
        name: "a line goes out as a frame over TLS",
        why: "the frames are those of chapter 4; TLS carries them as TCP did",
        run: |stage| {
            in_its_time(stage, || {
                let (_pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\nworld\n")?;
                answers(&mut server, &[(b"hello", b"1"), (b"world", b"2")])
            })
        },
        ..Check::PLAIN
    },
    Check {
        name: "each reply is a line of stdout, and the exit status is 0",
        why: "what comes back is what counts; a script asks the exit status",
        run: |stage| {
            in_its_time(stage, || {
                let replies: [(&[u8], &[u8]); 3] =
                    [(b"hello", b"HELLO"), (b"", b""), (b"x", b"\xff")];
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\n\nx")?;
                answers(&mut server, &replies)?;
                server.hears_end()?;
                server.hangs_up()?;
                pupil.exits(0)?;
                pupil.printed(b"HELLO\n\n\xff\n")
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a blank line or an empty reply is skipped, or a reply is turned into text",
            advice: "a length of 0 is a message; a reply is bytes from the read to the write",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "HOST is sent in the handshake",
        why: "one address serves many names: by this one the server chooses its certificate",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, server) = met(stage, b"")?;
                match server.shows_papers(&Terms::SERVER)?.came {
                    Ok(agreed) if agreed.name.as_deref() == Some(HOST) => Ok(()),
                    Ok(agreed) => {
                        let got = agreed.name.unwrap_or("no name".to_string());
                        pupil.fails(Symptom::Words, format!("the name {HOST} (SNI)"), got)
                    }
                    Err(refusal) => {
                        pupil.fails(Symptom::Handshake, "a TLS handshake", refusal.words())
                    }
                }
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[Symptom::Words],
            likely: "SNI is turned off, or another name is asked for",
            advice: "give HOST to `connect`, and leave the connector's `use_sni` as it is",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "after the last reply comes close_notify",
        why: "it is how the server learns that this was all, and nobody has cut the line",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\n")?;
                answers(&mut server, &[(b"hello", b"hello")])?;
                server.hears_goodbye()?;
                server.hangs_up()?;
                pupil.exits(0)
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the stream is dropped, which closes TCP and says nothing over TLS",
            advice: "call `shutdown` on the TLS stream",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a line of 100,000 bytes goes out whole",
        why: "a TLS record holds 16,384 bytes: one write over TLS sends no more",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                let line = vec![b'x'; 100_000];
                let (_pupil, mut server) = met_over_tls(stage, &Terms::SERVER, &line)?;
                server.hears(&frame(&line))
            })
        },
        control: Some(ONE_LINE),
        causes: &[ONE_WRITE],
        ..Check::PLAIN
    },
    Check {
        name: "a reply of 1 MiB comes whole",
        why: "it is allowed, and comes in 65 records",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"more\n")?;
                server.hears(&frame(b"more"))?;
                let reply = vec![b'y'; MAX];
                server.says(&frame(&reply))?;
                server.hears_end()?;
                server.hangs_up()?;
                pupil.ends()?;
                pupil.printed(&[&reply[..], b"\n"].concat())
            })
        },
        control: Some(ONE_LINE),
        causes: &[A_MEBIBYTE],
        ..Check::PLAIN
    },
    Check {
        name: "a server that speaks TLS 1.3 only is spoken to, and one that speaks 1.2 only",
        why: "1.2 or newer: which one, both ends agree in the handshake",
        run: |stage| {
            in_its_time(stage, || {
                for only in [Version::Tls12, Version::Tls13] {
                    let (_pupil, mut server) = met_over_tls(stage, &speaks(only), b"hello\n")?;
                    answers(&mut server, &[(b"hello", b"hello")])?;
                }
                Ok(())
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the versions are limited to one",
            advice: "set the oldest version that you take, and no newest",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a certificate that another CA has signed, or nobody known, is untrusted",
        why: "anybody can make a certificate; whose signature is under it makes the difference",
        points: 3,
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")?;
                refused(
                    stage,
                    &Terms::with(Paper::MISSING_INTERMEDIATE),
                    "untrusted",
                )
            })
        },
        control: Some(ONE_LINE),
        causes: &[ANYBODY],
        ..Check::PLAIN
    },
    Check {
        name: "a CA that the system trusts doesn't count",
        why: "there are more than a hundred of them, and each may sign for any name",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                stage.sets("SSL_CERT_FILE", stage.other_ca_file()?);
                refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")
            })
        },
        control: Some(Control {
            name: "the same certificate, on a system that doesn't trust its CA",
            run: |stage| {
                in_its_time(stage, || {
                    refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")
                })
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the CA in CA_FILE is trusted besides those of the system",
            advice: "`disable_built_in_roots`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a certificate for another name is wrong-host, and gets no byte of stdin",
        why: "a CA signs for many: also the thief has a certificate in order, with his own name",
        points: 3,
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::WRONG_HOST), "wrong-host")
            })
        },
        control: Some(ONE_LINE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "the name is not compared with HOST, or too late",
                advice: "the connector does it, unless it is told not to",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "a wrong name is told from the other faults by no word, or by another one",
                advice: "look for `hostname mismatch` before you look for anything wider",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an expired certificate is expired",
        why: "somebody forgot to renew it, most of the time: another fault than a stranger's",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::EXPIRED), "expired")
            })
        },
        control: Some(STRANGER),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "every fault of a certificate gets the same word",
            advice: "look for `has expired` before you look for anything wider",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a certificate that is not valid yet is expired as well",
        why: "its time has another end, too; mostly it is our own clock that is wrong",
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::NOT_YET_VALID), "expired")
            })
        },
        control: Some(Control {
            name: "a certificate whose last day is over",
            run: |stage| {
                in_its_time(stage, || {
                    refused(stage, &Terms::with(Paper::EXPIRED), "expired")
                })
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "only the last day is thought of",
            advice: "`not yet valid` is the phrase of the first",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a certificate that is signed by itself is untrusted",
        why: "it proves that its maker has its key, and nothing about who that is",
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::SELF_SIGNED), "untrusted")
            })
        },
        control: Some(STRANGER),
        causes: &[ONE_PHRASE],
        ..Check::PLAIN
    },
    Check {
        name: "a certificate that is meant for clients is untrusted",
        why: "every client of that CA could play the server",
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::CLIENT_ONLY), "untrusted")
            })
        },
        control: Some(STRANGER),
        causes: &[ONE_PHRASE],
        ..Check::PLAIN
    },
    Check {
        name: "a server that doesn't speak TLS is not-tls",
        why: "a wrong port is no attack, and no fault of a certificate",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met(stage, b"secret\n")?;
                server.has_come(1, Duration::from_secs(2));
                server.says(b"220 mail.wireside.test says hello\r\n")?;
                word(&pupil, "not-tls")
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "every failed handshake gets the word for a certificate's fault",
            advice: "a fault of the certificate says so: `certificate verify failed`",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that ends in the middle of the handshake is not-tls",
        why: "it was there: so it has not refused, and nobody's time was over",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met(stage, b"secret\n")?;
                server.has_come(1, Duration::from_secs(2));
                server.hangs_up()?;
                word(&pupil, "not-tls")
            })
        },
        control: Some(PLAIN_TEXT),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "an end inside the handshake is taken for something else",
            advice: "whatever fails between connecting and the first frame is the handshake",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server whose TLS is too old is not-tls, and one that wants a certificate of ours",
        why: "both say no with an alert: there is no handshake, and the certificate isn't to blame",
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &speaks(Version::Tls11), "not-tls")?;
                let asks = Terms {
                    asks: true,
                    ..speaks(Version::Tls12)
                };
                refused(stage, &asks, "not-tls")
            })
        },
        control: Some(PLAIN_TEXT),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "an alert is taken for a refused connection, or for a certificate's fault",
            advice: "`refused` is for an address where nobody listens",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address where nobody listens is refused",
        why: "that is known at once, and needs no TLS",
        run: |stage| {
            in_its_time(stage, || {
                let refusing = stage.refusing()?;
                let args = [stage.ca_file()?, HOST.to_string()];
                let pupil = stage.starts(refusing.addr, &args, b"secret\n")?;
                word(&pupil, "refused")
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[Symptom::Different, Symptom::End],
            likely: "an error of connecting has no word, or that of a failed handshake",
            advice: "look at the `ErrorKind` that connecting fails with",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that is cut off is exit status 1, without a word",
        why: "half a reply that looks like a whole one is worse than none",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\n")?;
                server.hears(&frame(b"hello"))?;
                server.says(&frame(b"hello world")[..9])?;
                server.hangs_up()?;
                pupil.exits(1)?;
                pupil.printed(b"")
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "what had come when the stream ended is taken for the reply",
            advice: "compare what came with what was announced",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that is missing is exit status 1, without a word",
        why: "an end in peace may still be too early: who asked knows what is due",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\n")?;
                server.hears(&frame(b"hello"))?;
                server.hangs_up()?;
                pupil.exits(1)?;
                pupil.printed(b"")
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end of the stream where a reply was due is taken for success",
            advice: "as many replies as lines, or it is a failure",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that claims to be too long is exit status 1, without a word",
        why: "the certificate says who the server is, not that its numbers are sane",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\n")?;
                server.hears(&frame(b"hello"))?;
                server.says(&[&header(MAX + 1)[..], b"and so on"].concat())?;
                pupil.exits(1)?;
                pupil.printed(b"")
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the client waits for as many bytes as the server claims",
            advice: "look at the length first: 1,048,577 is too long, whatever follows",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that needs 2 s in all is none too slow",
        why: "3 s are 3 s: a part of them for each step would be too little for a slow one",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, server) = met(stage, b"hello\n")?;
                let slowly = Terms {
                    drip: Some(SLOWLY),
                    ..Terms::SERVER
                };
                let shaken = server.shows_papers(&slowly)?;
                let mut server = shaken.client;
                if let Err(refusal) = shaken.came {
                    return pupil.fails(Symptom::Handshake, "a TLS handshake", refusal.words());
                }
                answers(&mut server, &[(b"hello", b"hello")])?;
                server.hears_end()?;
                server.hangs_up()?;
                pupil.exits(0)
            })
        },
        control: Some(ONE_LINE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the handshake, or each read, has less than the 3 s",
            advice: "one moment at which all is over, fixed before connecting",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a server that says nothing is timed-out after 3 s",
        why: "TCP has connected by then: it says nothing about what will come",
        points: 2,
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, server) = met(stage, b"hello\n")?;
                let since = Instant::now();
                timed_out(&pupil, since)?;
                server.hangs_up()
            })
        },
        control: Some(ONE_LINE),
        causes: &[NO_DEADLINE],
        ..Check::PLAIN
    },
    Check {
        name: "an address that doesn't answer is timed-out after 3 s",
        why: "a connect without a timeout takes two minutes to find out",
        run: |stage| {
            in_its_time(stage, || {
                let silent = stage.silent()?;
                let args = [stage.ca_file()?, HOST.to_string()];
                let pupil = stage.starts(silent.addr, &args, b"secret\n")?;
                // From its start: when it asks for the connection, nobody sees. An interpreter needs a
                // while to get there.
                pupil.ends()?;
                word(&pupil, "timed-out")
            })
        },
        control: Some(Control {
            name: "a server that accepts, and says nothing",
            run: |stage| {
                in_its_time(stage, || {
                    let (pupil, _server) = met(stage, b"hello\n")?;
                    word(&pupil, "timed-out")
                })
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the timeout begins when the connection is there",
            advice: "`connect_timeout`, and the rest of the time for the handshake",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a handshake that drips is timed-out after 3 s",
        why: "a timeout for each read begins anew with each byte: it would last for minutes",
        points: 3,
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, server) = met(stage, b"hello\n")?;
                let since = Instant::now();
                let drips = Terms {
                    drip: Some(DRIPS),
                    ..Terms::SERVER
                };
                // It ends when the client has gone, or is not to be waited for any longer.
                server.shows_papers(&drips)?;
                timed_out(&pupil, since)
            })
        },
        control: Some(SILENT),
        causes: &[EACH_READ],
        ..Check::PLAIN
    },
    Check {
        name: "a server that doesn't reply is timed-out after 3 s",
        why: "the handshake was the beginning: the time is for all of it",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, server) = met(stage, b"hello\n")?;
                let since = Instant::now();
                let mut shaken = server.shows_papers(&Terms::SERVER)?;
                shaken.client.hears(&frame(b"hello"))?;
                timed_out(&pupil, since)
            })
        },
        control: Some(SILENT),
        causes: &[Cause {
            symptoms: &[],
            likely: "the deadline ends with the handshake, or begins anew after it",
            advice: "one moment for everything, from connecting to the last reply",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a reply that drips is timed-out after 3 s",
        why: "a slow one is no better than a silent one, and costs as much",
        run: |stage| {
            in_its_time(stage, || {
                let (pupil, server) = met(stage, b"hello\n")?;
                let since = Instant::now();
                let mut server = server.shows_papers(&Terms::SERVER)?.client;
                server.hears(&frame(b"hello"))?;
                for byte in frame(&[b'x'; 100]) {
                    server.says(&[byte])?;
                    if pupil
                        .program()
                        .wait_exit(Duration::from_millis(100))
                        .is_some()
                    {
                        break;
                    }
                }
                timed_out(&pupil, since)
            })
        },
        control: Some(SILENT),
        causes: &[EACH_READ],
        ..Check::PLAIN
    },
];

const ANYBODY: Cause = Cause {
    symptoms: &[Symptom::Extra],
    likely: "the certificate isn't verified: what was to be secret was sent to a stranger",
    advice: "nothing that is called `danger_`: an error that is turned off is not mended",
};

const ONE_PHRASE: Cause = Cause {
    symptoms: &[Symptom::Different],
    likely: "the word `untrusted` hangs on the phrase of another fault, or this one has its own",
    advice: "`certificate verify failed` is around all faults: look for it last",
};

const NO_DEADLINE: Cause = Cause {
    symptoms: &[Symptom::Silence, Symptom::StillOpen, Symptom::Late],
    likely: "the handshake waits without a bound",
    advice: "a stream of your own beneath TLS, each of whose reads and writes ends at the deadline",
};

const EACH_READ: Cause = Cause {
    symptoms: &[Symptom::StillOpen, Symptom::Late],
    likely: "the timeout is given to each read anew",
    advice: "fix the moment at which all is over, and compute what is left before each read",
};

const ONE_LINE: Control = Control {
    name: "one line and its reply, with a server in order",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\n")?;
            answers(&mut server, &[(b"hello", b"hello")])?;
            server.hears_end()?;
            server.hangs_up()?;
            pupil.exits(0)?;
            pupil.printed(b"hello\n")
        })
    },
};

const STRANGER: Control = Control {
    name: "a certificate of an unknown CA",
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")
        })
    },
};

const PLAIN_TEXT: Control = Control {
    name: "a server that answers in plain text",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, mut server) = met(stage, b"secret\n")?;
            server.has_come(1, Duration::from_secs(2));
            server.says(b"220 mail.wireside.test says hello\r\n")?;
            word(&pupil, "not-tls")
        })
    },
};

const SILENT: Control = Control {
    name: "a server that says nothing at all",
    run: |stage| {
        in_its_time(stage, || {
            let (pupil, _server) = met(stage, b"hello\n")?;
            let since = Instant::now();
            timed_out(&pupil, since)
        })
    },
};

const fn speaks(only: Version) -> Terms {
    Terms {
        oldest: only,
        newest: only,
        ..Terms::SERVER
    }
}

/// Hears each frame and answers it before the next is due: right for a client that waits for each
/// reply, and for one that has sent them all.
fn answers(server: &mut Client, pairs: &[(&[u8], &[u8])]) -> Told {
    for (message, reply) in pairs {
        server.hears(&frame(message))?;
        server.says(&frame(reply))?;
    }
    Ok(())
}

/// A server with whom something is wrong: it hears nothing of stdin, and the client says this word.
fn refused(stage: &Stage, terms: &Terms, due: &str) -> Told {
    let (pupil, server) = met(stage, b"secret\n")?;
    let mut shaken = server.shows_papers(terms)?;
    if shaken.came.is_ok() {
        // It may look at the certificate now. What it must not is to speak first.
        shaken.client.hears_end()?;
    }
    drop(shaken);
    word(&pupil, due)
}

/// It ends with status 1, and its stdout is this word, with or without a line's ending.
fn word(pupil: &Pupil, due: &str) -> Told {
    pupil.ends()?;
    let stdout = pupil.stdout();
    let mut said = &stdout[..];
    for ending in [b'\n', b'\r'] {
        said = said.strip_suffix(&[ending]).unwrap_or(said);
    }
    if said != due.as_bytes() {
        let symptom = match stdout.is_empty() {
            true => Symptom::End,
            false => Symptom::Different,
        };
        return pupil.fails(symptom, due.as_bytes(), &stdout[..]);
    }
    pupil.exits(1)
}

/// It ends in time, counted from `since`, which lies behind its connecting: status 1, `timed-out`.
fn timed_out(pupil: &Pupil, since: Instant) -> Told {
    let (_, after) = pupil.ends()?;
    let ended = pupil.program().started() + after;
    let took = ended.saturating_duration_since(since);
    pupil.was_in_time(since, took, IN_ALL, "its end")?;
    word(pupil, "timed-out")
}

/// Where the machine has taken a part of the program's 3 s, nobody can tell what it did with them. A
/// program that has ended shows no longer how long its threads waited for a processor; whether anybody
/// did, the kernel remembers.
fn in_its_time(stage: &Stage, tell: impl FnOnce() -> Told) -> Told {
    let (begun, before) = (Instant::now(), kernel::processor_pressure());
    let told = tell();
    let Err(Stop::Failed(failure)) = &told else {
        return told;
    };
    let after = kernel::processor_pressure();
    let pressed = before
        .zip(after)
        .map(|(before, after)| after.saturating_sub(before));
    let is_busy = pressed.is_some_and(|pressed| pressed > begun.elapsed() / 2);
    for program in stage.programs() {
        let ended = program.wait_exit(Duration::ZERO);
        let lost = program.stalled_since(program.started());
        let late = ended.is_some_and(|(_, after)| after > Duration::from_millis(2_700));
        let unheard = failure.symptom == Symptom::Silence;
        if (late && lost > Duration::from_millis(300)) || ((late || unheard) && is_busy) {
            let why = "others kept the machine busy while the program's 3 s went by";
            return Err(Stop::Inconclusive(why.to_string()));
        }
    }
    told
}
