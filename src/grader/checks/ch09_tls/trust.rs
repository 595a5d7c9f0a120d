//! `ex09_trust`.

mod certificate;
mod deadline;
mod server;

use super::{A_MEBIBYTE, MAX, ONE_WRITE, frame, header, met, met_over_tls};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{HOST, Terms, Version};
use server::{answers, in_its_time, refused, word};
use std::time::Duration;

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
                    [(b"hello\r", b"HELLO"), (b"", b""), (b"x", b"\xff")];
                let (pupil, mut server) = met_over_tls(stage, &Terms::SERVER, b"hello\r\n\nx")?;
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
            likely: "a blank line or an empty reply is skipped, a CR is cut off with the LF, or a reply is \
                     turned into text",
            advice: "a length of 0 is a message; lines end with LF alone; a reply is bytes from the read \
                     to the write",
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
    certificate::OF_ANOTHER_CA,
    certificate::OF_A_CA_OF_THE_SYSTEM,
    certificate::OF_ANOTHER_NAME,
    certificate::EXPIRED,
    certificate::NOT_YET_VALID,
    certificate::SELF_SIGNED,
    certificate::FOR_CLIENTS,
    Check {
        name: "a server that doesn't speak TLS is not-tls",
        why: "a wrong port is no attack, and no fault of a certificate",
        points: 2,
        run: answers_in_plain_text,
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
    deadline::NEEDS_2_S,
    deadline::SAYS_NOTHING,
    deadline::DOESNT_ANSWER,
    deadline::HANDSHAKE_DRIPS,
    deadline::DOESNT_REPLY,
    deadline::REPLY_DRIPS,
];

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

const PLAIN_TEXT: Control = Control {
    name: "a server that answers in plain text",
    run: answers_in_plain_text,
};

const fn speaks(only: Version) -> Terms {
    Terms {
        oldest: only,
        newest: only,
        ..Terms::SERVER
    }
}

fn answers_in_plain_text(stage: &Stage) -> Told {
    in_its_time(stage, || {
        let (pupil, mut server) = met(stage, b"secret\n")?;
        server.has_come(1, Duration::from_secs(2));
        server.says(b"220 mail.wireside.test says hello\r\n")?;
        word(&pupil, "not-tls")
    })
}
