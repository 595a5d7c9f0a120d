//! `ex06_limited`.

use super::{ENDS_ALL, ONE_AT_A_TIME, echoed, echoes};
use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use std::time::{Duration, Instant};

/// Clients at a time.
const PLACES: usize = 8;

/// A place is free so soon after a client has left.
const FREE: Duration = Duration::from_millis(500);

/// With descriptors again, a new client is served so soon.
const RECOVERED: Duration = Duration::from_secs(3);

pub const LIMITED: &[Check] = &[
    Check {
        name: "what a client sends comes back",
        why: "a limit changes nothing for those who are inside",
        run: |stage| {
            let mut alice = echoed(stage, "alice")?;
            echoes(&mut alice, &stage.random_bytes(300_000))?;
            alice.half_closes()?;
            alice.hears_end()
        },
        ..Check::PLAIN
    },
    Check {
        name: "eight clients are served at a time, and silent ones hold nobody up",
        why: "a place is no use if its owner has to wait for the others",
        points: 2,
        run: |stage| {
            let mut silent = Vec::new();
            for number in 1..=PLACES {
                silent.push(stage.client(&format!("client {number}"))?);
            }
            // The last comes first: nobody may wait for those before.
            for client in silent.iter_mut().rev() {
                echoes(client, b"I am here too\n")?;
            }
            Ok(())
        },
        control: Some(ONE_CLIENT),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[Symptom::Different, Symptom::Extra],
                likely: "the eighth is told `busy` already",
                advice: "eight places: whoever comes when eight are taken is the ninth",
            },
            ONE_AT_A_TIME,
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a ninth is told busy and let go",
        why: "who is told no at once can try elsewhere; who is left waiting can't",
        points: 2,
        run: |stage| {
            let _inside = full(stage)?;
            is_turned_away(stage, "the ninth")
        },
        control: Some(EIGHT),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[Symptom::Silence],
                likely: "the ninth is taken in, or left waiting until a place is free",
                advice: "count who is inside before you start a thread; tell the ninth in the accept loop",
            },
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the connection stays open behind the sentence",
                advice: "let the stream be dropped: that closes it",
            },
            Cause {
                symptoms: &[Symptom::End, Symptom::Reset],
                likely: "the ninth is closed without a word",
                advice: "write `busy` and LF first",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a ninth that talks at once is told busy as well",
        why: "clients that speak first are the rule; their words need no answer, but no they must hear",
        run: |stage| {
            let _inside = full(stage)?;
            let mut ninth = stage.client("the ninth")?;
            ninth.says(b"hello\n")?;
            ninth.hears(b"busy\n")?;
            ninth.hears_end()
        },
        control: Some(NINTH),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the server reads from the ninth before it tells it",
                advice: "whoever gets no place gets `busy`, whatever it has said",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "a place is free when a client has closed or half-closed",
        why: "the next one waits for it; and a half-close says that nothing more will come",
        points: 3,
        run: |stage| {
            let mut inside = full(stage)?;
            let left = Instant::now();
            inside.remove(3).hangs_up()?;
            std::thread::sleep(FREE / 4);
            let _new = stage.client_with_a_place("the newcomer", left, FREE)?;
            let mut alice = inside.remove(3);
            alice.says(b"goodbye\n")?;
            alice.half_closes()?;
            alice.hears(b"goodbye\n")?;
            alice.hears_end()?;
            let left = Instant::now();
            std::thread::sleep(FREE / 4);
            stage.client_with_a_place("another", left, FREE)?;
            Ok(())
        },
        control: Some(NINTH),
        causes: &[ENDS_ALL, NEVER_FREE],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "who was turned away took no place and leaves none",
        why: "a count that is wrong by one at each refusal soon lets in everybody, or nobody",
        points: 2,
        run: |stage| {
            let mut inside = full(stage)?;
            for _ in 0..9 {
                is_turned_away(stage, "a visitor")?;
            }
            let left = Instant::now();
            inside.remove(0).hangs_up()?;
            let _new = stage.client_with_a_place("the newcomer", left, FREE)?;
            is_turned_away(stage, "the ninth")
        },
        control: Some(NINTH),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[Symptom::Late],
                likely: "those who were turned away are counted in, and never out",
                advice: "only who gets a place is counted",
            },
            Cause {
                symptoms: &[],
                likely: "those who were turned away are counted out, though they were never in",
                advice: "tie the counting out to the place: who has none gives none back",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "the eight inside notice nothing of who is turned away",
        why: "whoever knocks at a full house must not disturb those inside, however it goes away",
        run: |stage| {
            let mut inside = full(stage)?;
            for number in 0..10 {
                let knocking = stage.client(&format!("visitor {number}"))?;
                // Some are gone before they can be told.
                if number % 2 == 0 {
                    knocking.resets()?
                } else {
                    knocking.hangs_up()?
                }
            }
            is_turned_away(stage, "the last")?;
            inside
                .iter_mut()
                .try_for_each(|client| echoes(client, b"still here\n"))
        },
        control: Some(NINTH),
        causes: &[Cause {
            symptoms: &[],
            likely: "a failed write of `busy` ends the program, or the loop that accepts",
            advice: "whoever was turned away may be gone already: let that error be",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a place is free when a client was reset",
        why: "a reset is an error of a read: the way out that is easily forgotten",
        points: 2,
        run: |stage| leaves_a_place(stage, Client::resets),
        control: Some(CLOSED),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the place is given back at the end of the stream, but not at an error",
                advice: "give it back where all ways out come together, or let a value's drop do it",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a place is free when a client was reset in the middle of its echo",
        why: "an error of a write is yet another way out",
        run: |stage| {
            leaves_a_place(stage, |mut client| {
                client.stops_reading();
                client.floods(32 << 20)?;
                client.resets()
            })
        },
        control: Some(CLOSED),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the place is given back after a failed read, but not after a failed write",
                advice: "give it back where all ways out come together, or let a value's drop do it",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "a client that half-closed keeps its place until its echo is done",
        why: "a limit is there for what a client costs, and it costs until its last byte is sent",
        run: |stage| {
            let mut inside = full(stage)?;
            let mut slow = inside.remove(0);
            slow.stops_reading();
            slow.floods(32 << 20)?;
            slow.half_closes()?;
            // Whoever reads ahead has read its end by then.
            slow.fence()?;
            std::thread::sleep(Duration::from_millis(200));
            let ninth = is_turned_away(stage, "the ninth");
            // Some kernels, and some programs, take all of it: then its echo is done for them.
            if slow.waits_for_it(0).is_none() {
                Ok(())
            } else {
                ninth
            }
        },
        control: Some(NINTH),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the place is given back when the client's stream has ended",
                advice: "give it back when the conversation is over: when nothing is left to be sent",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "eight clients that leave at once make eight places, again and again",
        why: "a count that two threads change at the same time without care loses one now and then",
        run: |stage| {
            for round in 0..6 {
                let mut inside = Vec::new();
                let left = Instant::now();
                for number in 1..=PLACES {
                    let who = format!("client {number}");
                    inside.push(stage.client_with_a_place(&who, left, Duration::from_secs(5))?);
                }
                is_turned_away(stage, "the ninth")?;
                for client in inside {
                    if round % 2 == 0 {
                        client.resets()?
                    } else {
                        client.hangs_up()?
                    }
                }
            }
            Ok(())
        },
        control: Some(CLOSED),
        causes: &[
            ENDS_ALL,
            Cause {
                symptoms: &[],
                likely: "the count is read, changed and written back in steps",
                advice: "change it under a lock, or by one atomic operation",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "forty clients one after another are served with 32 descriptors",
        why: "a connection that is never closed is a descriptor that never comes back",
        points: 2,
        run: |stage| {
            stage.limits_descriptors(32)?;
            for number in 1..=40 {
                let come = Instant::now();
                let who = format!("client {number}");
                let mut client = stage.client_with_a_place(&who, come, Duration::from_secs(5))?;
                client.half_closes()?;
                client.hears_end()?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same with one client",
            run: |stage| {
                stage.limits_descriptors(32)?;
                echoed(stage, "alice").map(|_| ())
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "streams, or clones of them, are kept after their clients have left",
            advice: "the last clone must be dropped with its conversation; look into lists and maps",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "those inside are echoed while there is no descriptor left",
        why: "that nobody new can come in is no reason to leave those who are there",
        points: 2,
        run: |stage| {
            let mut alice = alice_inside(stage)?;
            let (_withheld, _waiting) = without_descriptors(stage)?;
            for _ in 0..5 {
                echoes(&mut alice, b"still here\n")?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "the same with descriptors left",
            run: |stage| {
                let mut alice = alice_inside(stage)?;
                echoed(stage, "bob")?;
                echoes(&mut alice, b"still here\n")
            },
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the first failed accept ends the program, or the loop",
            advice: "an error of accept is no reason to end: look for `?` and unwrap around it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "without a descriptor the server takes less than half a core",
        why: "the client that can't be accepted still waits, so accept fails again, at once",
        points: 2,
        run: |stage| {
            let _alice = alice_inside(stage)?;
            let (_withheld, _waiting) = without_descriptors(stage)?;
            stage.server()?.rests_for(Duration::from_secs(1), 0.5)?;
            stage.server()?.runs_on("on")
        },
        control: Some(Control {
            name: "the same with descriptors left",
            run: |stage| {
                let _alice = alice_inside(stage)?;
                stage.server()?.rests_for(Duration::from_secs(1), 0.5)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "accept is called again at once, and fails again, at full speed",
            advice: "pause after an error of accept, some 50 ms",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "with descriptors again a new client is served within 3 s",
        why: "a server that has to be started again by somebody was not survived, but ended slowly",
        points: 2,
        run: |stage| {
            let _alice = alice_inside(stage)?;
            let (withheld, waiting) = without_descriptors(stage)?;
            std::thread::sleep(Duration::from_millis(300));
            waiting.into_iter().try_for_each(Client::hangs_up)?;
            let since = Instant::now();
            withheld.are_given_back()?;
            stage.client_with_a_place("bob", since, RECOVERED)?;
            Ok(())
        },
        control: Some(ONE_CLIENT),
        causes: &[Cause {
            symptoms: &[],
            likely: "the loop that accepts has ended, or pauses for too long, or the place is lost",
            advice: "after a failed accept: a short pause, and the same loop again",
        }],
        alone: true,
        ..Check::PLAIN
    },
];

const NEVER_FREE: Cause = Cause {
    symptoms: &[],
    likely: "a place that was taken is never given back, or much later",
    advice: "count out as you count in: when the conversation ends",
};

const ONE_CLIENT: Control = Control {
    name: "one client alone",
    run: |stage| echoed(stage, "alice").map(|_| ()),
};

const EIGHT: Control = Control {
    name: "eight clients",
    run: |stage| full(stage).map(|_| ()),
};

const NINTH: Control = Control {
    name: "eight clients and a silent ninth, once",
    run: |stage| {
        let _inside = full(stage)?;
        is_turned_away(stage, "the ninth")
    },
};

const CLOSED: Control = Control {
    name: "the same after a close",
    run: |stage| leaves_a_place(stage, Client::hangs_up),
};

/// Eight clients that were echoed: each has its place.
fn full(stage: &Stage) -> Result<Vec<Client>, Stop> {
    (1..=PLACES)
        .map(|number| echoed(stage, &format!("client {number}")))
        .collect()
}

fn is_turned_away(stage: &Stage, who: &str) -> Told {
    let mut client = stage.client(who)?;
    client.hears(b"busy\n")?;
    client.hears_end()
}

/// One of eight leaves in this way: there is a place, and only one.
fn leaves_a_place(stage: &Stage, leave: fn(Client) -> Told) -> Told {
    let mut inside = full(stage)?;
    let leaver = inside.remove(3);
    is_turned_away(stage, "the ninth")?;
    leave(leaver)?;
    let left = Instant::now();
    let _new = stage.client_with_a_place("the newcomer", left, FREE)?;
    is_turned_away(stage, "the tenth")
}

/// The first client of a server that is about to have no descriptors.
fn alice_inside(stage: &Stage) -> Result<Client, Stop> {
    stage.fills_the_low_descriptors();
    echoed(stage, "alice")
}

/// The server without descriptors, and clients that it couldn't accept; the first of them may have
/// been given what a closed file had left.
fn without_descriptors(
    stage: &Stage,
) -> Result<(crate::grader::limits::Withheld<'_>, Vec<Client>), Stop> {
    let withheld = stage.takes_the_descriptors_away()?;
    let mut waiting = Vec::new();
    for number in 1..PLACES - 1 {
        let client = stage.client(&format!("waiting {number}"))?;
        let accepted = client.is_accepted_within(Duration::from_millis(500));
        waiting.push(client);
        if !accepted {
            break;
        }
    }
    Ok((withheld, waiting))
}
