//! `ex06_shutdown`.

use super::{ENDS_ALL, ONE_AT_A_TIME, echoed, echoes};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

/// The end comes so soon after the last one's leaving.
const SOON: Duration = Duration::from_secs(1);

/// Who doesn't leave is given so long, and no longer than that.
const PATIENCE: Duration = Duration::from_secs(2);
const GONE: Duration = Duration::from_secs(3);

/// What must happen while clients are still given time has happened by then, or nobody can tell.
const STILL_TIME: Duration = Duration::from_millis(1800);

pub const SHUTDOWN: &[Check] = &[
    Check {
        name: "clients are echoed at the same time",
        why: "before its end the server is any echo server",
        run: |stage| {
            stage.has_a_keyboard()?;
            let _idle = stage.client("idle")?;
            let mut alice = echoed(stage, "alice")?;
            echoed(stage, "bob")?;
            echoes(&mut alice, &stage.random_bytes(300_000))?;
            alice.half_closes()?;
            alice.hears_end()
        },
        control: Some(Control {
            name: "one client alone",
            run: |stage| {
                stage.has_a_keyboard()?;
                echoed(stage, "alice").map(|_| ())
            },
        }),
        causes: &[ENDS_ALL, ONE_AT_A_TIME],
        ..Check::PLAIN
    },
    Check {
        name: "with nobody inside shutdown ends the program at once, with status 0",
        why: "who asks a program to end waits for it, and a script looks at its status",
        points: 2,
        run: |stage| {
            let since = told(stage)?;
            stage.server()?.ends_between(since, Duration::ZERO, SOON)
        },
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "another line is no command",
        why: "people type into the wrong window",
        run: |stage| {
            stage.has_a_keyboard()?;
            let mut alice = echoed(stage, "alice")?;
            let server = stage.server()?;
            server.is_told(b"hello\n\nshutdown now\n shutdown\nSHUTDOWN\n\xff\n");
            server.has_taken_it_in()?;
            server.runs_on("on, whatever else is typed")?;
            echoes(&mut alice, b"still here\n")?;
            echoed(stage, "bob").map(|_| ())
        },
        control: Some(NOTHING_TYPED),
        causes: &[Cause {
            symptoms: &[],
            likely: "any line, or one that has the word in it, ends the server",
            advice: "compare the whole line",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "shutdown is heard behind other lines, and in pieces",
        why: "stdin is a stream of bytes too",
        run: |stage| {
            stage.has_a_keyboard()?;
            let server = stage.server()?;
            // The last is no text.
            server.is_told(b"hello\ncaf\xe9\n");
            server.has_taken_it_in()?;
            server.is_told(b"shut");
            server.has_taken_it_in()?;
            server.runs_on("on: the line has no end yet")?;
            let since = server.is_told(b"down\n");
            server.ends_between(since, Duration::ZERO, SOON)
        },
        control: Some(Control {
            name: "the line alone",
            run: |stage| {
                let since = told(stage)?;
                stage.server()?.ends_between(since, Duration::ZERO, SOON)
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "only one line is read, or a line that isn't UTF-8 ends the reading",
                advice: "read line by line to the end, as bytes",
            },
            Cause {
                symptoms: &[],
                likely: "what one read of stdin brought is taken for a line",
                advice: "wait for the LF",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "the end of stdin is no command",
        why: "in the background a server has no stdin: it would end before it has begun",
        points: 2,
        run: |stage| {
            stage.has_a_keyboard()?;
            let mut alice = echoed(stage, "alice")?;
            let server = stage.server()?;
            server.is_told_no_more();
            server.has_taken_it_in()?;
            server.runs_on("on when its stdin has ended")?;
            echoes(&mut alice, b"still here\n")?;
            echoed(stage, "bob")?;
            // It waits for nobody, either.
            server.rests_for(Duration::from_millis(500), 0.5)
        },
        control: Some(NOTHING_TYPED),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "stdin is read again and again behind its end",
                advice: "a read of 0 bytes is the end: read no more",
            },
            Cause {
                symptoms: &[],
                likely: "the program ends where reading stdin does",
                advice: "only the line `shutdown` ends it; behind the end of stdin, serve on",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "those inside are echoed to their end after shutdown",
        why: "what they have begun they may finish: that is what makes an end graceful",
        points: 2,
        run: |stage| {
            stage.has_a_keyboard()?;
            let mut alice = echoed(stage, "alice")?;
            let since = told(stage)?;
            stage.server()?.has_taken_it_in()?;
            in_its_time(since, || {
                echoes(&mut alice, b"one thing more\n")?;
                echoes(&mut alice, b"and another\n")?;
                alice.half_closes()?;
                alice.hears_end()
            })
        },
        control: Some(NOTHING_TYPED),
        causes: &[CUT_OFF],
        ..Check::PLAIN
    },
    Check {
        name: "an echo that is on its way arrives whole",
        why: "a client that has said all still waits for its answer",
        points: 2,
        run: |stage| arrives_whole(stage, Client::half_closes, Client::hears_end),
        control: Some(Control {
            name: "the same without the half-close",
            run: |stage| arrives_whole(stage, |_| Ok(()), |_| Ok(())),
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "who has half-closed is counted out, though its echo isn't written yet",
            advice: "count out when the last byte is written, and the stream closed",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the program ends when the last has left, and not before",
        why: "who is left is still being served",
        points: 2,
        run: |stage| {
            let bob = stays_behind(stage, |alice| {
                alice.half_closes()?;
                alice.hears_end()
            })?;
            let left = Instant::now();
            bob.hangs_up()?;
            stage.server()?.ends_between(left, Duration::ZERO, SOON)
        },
        control: Some(Control {
            name: "the same, and nobody leaves",
            run: |stage| {
                stays_behind(stage, |alice| echoes(alice, b"I am still here\n")).map(|_| ())
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Late],
                likely: "the program sleeps its two seconds out, or isn't woken when the last has left",
                advice: "count who is inside, and end as soon as it is nobody",
            },
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the program waits for somebody or something that never comes: another client, or the \
                         end of a thread or task that has none",
                advice: "end when nobody is inside, whatever else still runs or waits: what must wake up to see \
                         that has to be woken",
            },
            Cause {
                symptoms: &[Symptom::Exit, Symptom::End, Symptom::Reset],
                likely: "the first who leaves ends the program",
                advice: "count who is inside, and end when it is nobody",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "who was reset has left as well",
        why: "an error is a way out, too: who counts in must count out on all of them",
        run: |stage| ends_when_both_have_left(stage, Client::resets),
        control: Some(Control {
            name: "the same with a close",
            run: |stage| ends_when_both_have_left(stage, Client::hangs_up),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Status, Symptom::Exit],
                likely: "the error of one client ends the program",
                advice: "let it end that one conversation, and count it out",
            },
            Cause {
                symptoms: &[],
                likely: "who was reset is never counted out",
                advice: "count out where all ways out come together, or let a value's drop do it",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "who doesn't leave is cut off after 2 s",
        why: "a client that stays must not keep a machine from being switched off",
        points: 2,
        run: is_cut_off,
        control: Some(ALONE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "those inside are given less than the two seconds",
                advice: "count from the line, and end before only when nobody is inside",
            },
            NO_END,
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "who talks on is cut off after 2 s as well",
        why: "two seconds that begin anew with each word never end",
        run: |stage| {
            stage.has_a_keyboard()?;
            let mut alice = echoed(stage, "alice")?;
            let since = told(stage)?;
            let server = stage.server()?;
            while server.exit().is_none() && since.elapsed() < GONE + SOON {
                alice.says(b"and so on\n")?;
                alice.has_come(1, Duration::from_millis(100));
            }
            server.ends_between(since, PATIENCE, GONE)
        },
        control: Some(Control {
            name: "the same client, silent",
            // When it ends was judged already: here, that it waits, and ends.
            run: |stage| stays_silent(stage, Duration::from_secs(8)),
        }),
        causes: &[NO_END],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a new client gets no byte after shutdown",
        why: "who was let in now would be thrown out in two seconds: it had better try elsewhere",
        points: 2,
        run: |stage| {
            stage.has_a_keyboard()?;
            let mut alice = echoed(stage, "alice")?;
            let since = told(stage)?;
            stage.server()?.has_taken_it_in()?;
            in_its_time(since, || {
                comes_too_late(stage, "bob", since)?;
                comes_too_late(stage, "carol", since)?;
                echoes(&mut alice, b"still here\n")
            })
        },
        control: Some(ALONE),
        causes: &[Cause {
            symptoms: &[Symptom::Extra],
            likely: "the accept loop knows nothing of the shutdown, or has a word for newcomers",
            advice: "let it look, after each accept, whether the server closes: then drop the stream unsaid",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "new clients don't keep the program from its end",
        why: "they come all the time, and each would be the last",
        run: |stage| {
            stage.has_a_keyboard()?;
            let _alice = echoed(stage, "alice")?;
            let since = told(stage)?;
            let server = stage.server()?;
            let mut late = Vec::new();
            while server.exit().is_none() && since.elapsed() < GONE + SOON {
                late.extend(stage.client("somebody").ok());
                std::thread::sleep(Duration::from_millis(100));
            }
            server.ends_between(since, PATIENCE, GONE)
        },
        control: Some(Control {
            name: "the same without them",
            run: is_cut_off,
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the accept loop's own error, or its newcomers, change the end",
            advice: "the end depends on those who were inside when the line came, and on the clock",
        }],
        alone: true,
        ..Check::PLAIN
    },
];

const CUT_OFF: Cause = Cause {
    symptoms: &[],
    likely: "the connections are closed, or the program ends, as soon as the line comes",
    advice: "stop taking clients; those inside go on as if nothing had happened",
};

const NO_END: Cause = Cause {
    symptoms: &[Symptom::Late, Symptom::StillOpen],
    likely: "the program waits until all have left, or gives them more than two seconds, or counts these from \
             something later",
    advice: "fix the moment at which patience ends when the line comes, and end then in any case",
};

const NOTHING_TYPED: Control = Control {
    name: "the same, and nothing is typed",
    run: |stage| {
        stage.has_a_keyboard()?;
        let mut alice = echoed(stage, "alice")?;
        echoed(stage, "bob")?;
        echoes(&mut alice, b"still here\n")
    },
};

const ALONE: Control = Control {
    name: "shutdown with nobody inside",
    run: |stage| {
        let since = told(stage)?;
        stage.server()?.ends_between(since, Duration::ZERO, SOON)
    },
};

/// Types the line: the moment before.
fn told(stage: &Stage) -> Result<Instant, Stop> {
    stage.has_a_keyboard()?;
    Ok(stage.server()?.is_told(b"shutdown\n"))
}

/// Alice is inside when the line comes, and stays, silent.
fn is_cut_off(stage: &Stage) -> Told {
    stays_silent(stage, GONE)
}

fn stays_silent(stage: &Stage, most: Duration) -> Told {
    stage.has_a_keyboard()?;
    let _alice = echoed(stage, "alice")?;
    let since = told(stage)?;
    stage.server()?.ends_between(since, PATIENCE, most)
}

/// Bob, who is served when Alice has done this after the line.
fn stays_behind(stage: &Stage, alice_does: fn(&mut Client) -> Told) -> Result<Client, Stop> {
    stage.has_a_keyboard()?;
    let mut alice = echoed(stage, "alice")?;
    let mut bob = echoed(stage, "bob")?;
    let since = told(stage)?;
    let server = stage.server()?;
    server.has_taken_it_in()?;
    in_its_time(since, || {
        alice_does(&mut alice)?;
        // Whoever ends with the first one's leaving has time to do so.
        std::thread::sleep(Duration::from_millis(200));
        echoes(&mut bob, b"I am still here\n")?;
        server.runs_on("while Bob is inside")
    })?;
    Ok(bob)
}

/// Bob leaves in this way before the line comes, and Alice after it.
fn ends_when_both_have_left(stage: &Stage, leave: fn(Client) -> Told) -> Told {
    stage.has_a_keyboard()?;
    let alice = echoed(stage, "alice")?;
    let bob = echoed(stage, "bob")?;
    leave(bob)?;
    told(stage)?;
    stage.server()?.has_taken_it_in()?;
    let left = Instant::now();
    leave(alice)?;
    stage.server()?.ends_between(left, Duration::ZERO, SOON)
}

/// Alice has sent much and read nothing of its echo when the line comes. What she does before it, and
/// when she has read all.
fn arrives_whole(
    stage: &Stage,
    before: fn(&mut Client) -> Told,
    behind: fn(&mut Client) -> Told,
) -> Told {
    stage.has_a_keyboard()?;
    let mut alice = echoed(stage, "alice")?;
    let bytes = stage.random_bytes(12 << 20);
    let sent = alice.says_what_is_taken(&bytes)?;
    before(&mut alice)?;
    let since = told(stage)?;
    stage.server()?.has_taken_it_in()?;
    in_its_time(since, || {
        alice.reads_again();
        alice.hears(&bytes[..sent])?;
        behind(&mut alice)
    })
}

/// What those inside still do. If it goes wrong when their time may have been over, nobody can tell.
fn in_its_time(since: Instant, mut conversation: impl FnMut() -> Told) -> Told {
    conversation().map_err(|stop| match stop {
        // A server that hangs is waited for: then this was the time until we gave up.
        Stop::Failed(failure)
            if since.elapsed() > STILL_TIME && failure.symptom != Symptom::Silence =>
        {
            Stop::Inconclusive("the machine was too slow: the two seconds were over".to_string())
        }
        stop => stop,
    })
}

/// A client behind the closed door: refused, reset, closed or left waiting, but never answered.
fn comes_too_late(stage: &Stage, who: &str, since: Instant) -> Told {
    // A queue that nobody empties lets a client wait for longer than the program is there.
    let Some(came) = stage.client_unless_it_waits(who, Duration::from_millis(400)) else {
        return Ok(());
    };
    let mut late = match came {
        Ok(late) => late,
        Err(Stop::Failed(_)) => return stage.server()?.runs_on("while Alice is inside"),
        Err(stop) => return Err(stop),
    };
    late.says(b"hello\n")?;
    let left = STILL_TIME.saturating_sub(since.elapsed());
    late.hears_nothing_for(left.min(Duration::from_millis(400)))
}
