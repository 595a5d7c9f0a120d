//! `ex08_receiver`.

mod sender;

use super::{MS, NOT_LOOKED_AT};
use crate::grader::check::{Cause, Check, Control, Told};
use crate::grader::failure::Symptom;
use crate::grader::program::PATIENCE;
use crate::grader::segments::{DATA, MAX_PAYLOAD, ack, data, end, end_ack, segment};
use crate::grader::stage::Stage;
use sender::{ONE, THREE, Talk, UP_TO_THE_END, bad_transfer, fill, ignores, silent};
use std::time::{Duration, Instant};

const LINGER: Duration = Duration::from_secs(1);

pub const RECEIVER: &[Check] = &[
    Check {
        name: "a segment is written, and acknowledged with the next number",
        why: "the file grows by what is acknowledged, at once",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            talk.has_written(b"hello")
        },
        ..Check::PLAIN
    },
    Check {
        name: "segments in order are written in order, to the byte",
        why: "a payload is bytes: no text, no lines, and up to 1,024 of them",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            let full = stage.random_bytes(MAX_PAYLOAD);
            let parts = [&b"\0\r\n\xff\xfe"[..], &full, b"x", &full, b"\n"];
            for (number, part) in (0..).zip(parts) {
                talk.passes(&data(number, part), &ack(number + 1))?;
            }
            talk.has_written(&parts.concat())
        },
        control: Some(ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "a payload is taken for text, is cut off, or brings the buffer's rest along",
            advice: "write the bytes behind the header, as many as came",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a segment is on stdout before it is acknowledged",
        why: "who acknowledges first, and ends between the two, has lost what it promised to have",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, &[b'x'; MAX_PAYLOAD]), &ack(1))?;
            talk.has_written(&[b'x'; MAX_PAYLOAD])?;
            // Some runtimes take bytes for a full pipe into their own memory, and call them written.
            if !stage.is_rust() {
                return Ok(());
            }
            let program = stage.server()?;
            // Now the pipe fills up. When there is no room for a segment, there is no ack.
            program.leaves_stdout_unread();
            let told = fill(&mut talk);
            program.is_killed();
            let due = told? as usize * MAX_PAYLOAD;
            let got = stage.result(0)?.len();
            if got >= due {
                return Ok(());
            }
            let due = format!("the {due} bytes that were acknowledged, while nobody reads stdout");
            stage.result_fails(program, Symptom::Early, due, format!("{got} bytes"))
        },
        control: Some(THREE),
        causes: &[Cause {
            symptoms: &[Symptom::Early],
            likely: "the ack is sent first, or the bytes are left for later",
            advice: "write and flush, in the same thread, and then send",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "the end is answered with an end-ack that has its number",
        why: "only that tells the sender that all has arrived",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            talk.passes(&end(1), &end_ack(1))
        },
        ..Check::PLAIN
    },
    Check {
        name: "after the end it exits with 0, and no sooner than after one second",
        why: "its last answer may be lost: then the sender asks again, and somebody must be there",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            let since = Instant::now();
            talk.passes(&end(1), &end_ack(1))?;
            let ended = talk.exits(0)?;
            talk.not_early("the exit", since, ended, LINGER)?;
            talk.has_written(b"hello")
        },
        control: Some(UP_TO_THE_END),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "it leaves with its answer to the end",
                advice: "stay for one second more, and answer what comes",
            },
            Cause {
                symptoms: &[],
                likely: "it waits for more after the end, or ends with another status",
                advice: "one second after the last copy of the end: exit 0",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "it exits no later than soon after that second",
        why: "who stays for ever is no program that a script can wait for",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            talk.passes(&end(1), &end_ack(1))?;
            let since = Instant::now();
            let ended = talk.exits(0)?;
            let took = ended.saturating_duration_since(since);
            match stage.server()?.was_late(since, took, LINGER + MS(700))? {
                false => Ok(()),
                true => {
                    let got = format!("after {} ms", took.as_millis());
                    talk.alice.fails(Symptom::Late, "the exit after 1 s", got)
                }
            }
        },
        control: Some(UP_TO_THE_END),
        causes: &[Cause {
            symptoms: &[Symptom::Late],
            likely: "it stays for longer than a second",
            advice: "the second begins when the end is heard",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an empty file is only the end",
        why: "nothing is a file too",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&end(0), &end_ack(0))?;
            talk.exits(0)?;
            talk.has_written(b"")
        },
        control: Some(UP_TO_THE_END),
        causes: &[Cause {
            symptoms: &[],
            likely: "only data makes somebody the sender",
            advice: "the end of an empty file has number 0, and is the first that comes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a copy is acknowledged again, and not written again",
        why: "the sender repeats what it has no answer for: it may be the answer that was lost",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"once "), &ack(1))?;
            talk.passes(&data(0, b"once "), &ack(1))?;
            talk.passes(&data(1, b"upon "), &ack(2))?;
            talk.passes(&data(0, b"once "), &ack(2))?;
            talk.passes(&data(1, b"upon "), &ack(2))?;
            talk.passes(&data(2, b"a time"), &ack(3))?;
            talk.has_written(b"once upon a time")
        },
        control: Some(THREE),
        causes: &[
            Cause {
                symptoms: &[Symptom::Silence, Symptom::Exit],
                likely: "a copy is passed over in silence",
                advice: "answer every data segment of the sender's, whatever its number",
            },
            Cause {
                symptoms: &[],
                likely: "whatever comes is written, or the ack names the number after the copy's",
                advice: "write only the expected number, and name that in every answer",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "an early segment is answered with the number that is missing",
        why: "datagrams overtake each other; the file's bytes must not",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"one "), &ack(1))?;
            talk.passes(&data(2, b"three"), &ack(1))?;
            // It may have kept number 2, or not.
            let answer = talk.answered(&data(1, b"two "))?;
            if answer != ack(2) && answer != ack(3) {
                return talk.differs("ack 2, or ack 3 if it kept data 2", &answer);
            }
            talk.passes(&data(2, b"three"), &ack(3))?;
            talk.has_written(b"one two three")
        },
        control: Some(THREE),
        causes: &[Cause {
            symptoms: &[],
            likely: "what comes is written as it comes, or acknowledged as if nothing were missing",
            advice: "compare its number with the expected one; the answer names that one",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "300 segments are counted on",
        why: "the number has four bytes",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            let file = stage.random_bytes(300);
            for (number, byte) in (0..).zip(&file) {
                talk.passes(&data(number, &[*byte]), &ack(number + 1))?;
            }
            talk.has_written(&file)
        },
        control: Some(THREE),
        causes: &[Cause {
            symptoms: &[],
            likely: "numbers are counted in fewer than 32 bits, or read in the wrong order",
            advice: "a u32, read with from_be_bytes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an end out of turn is answered with an ack",
        why: "it says that there is no more; it doesn't say that nothing is missing",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"one "), &ack(1))?;
            talk.passes(&end(2), &ack(1))?;
            talk.passes(&data(1, b"two"), &ack(2))?;
            talk.passes(&end(2), &end_ack(2))?;
            talk.has_written(b"one two")
        },
        control: Some(UP_TO_THE_END),
        causes: &[Cause {
            symptoms: &[],
            likely: "the end is believed, whatever is missing before it",
            advice: "the end has a number: it counts when that is the expected one",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a copy of the end is answered again",
        why: "the end-ack may be lost like anything else",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            let since = Instant::now();
            talk.passes(&end(1), &end_ack(1))?;
            for _ in 0..3 {
                talk.asks_again(since, &end(1), &[end_ack(1)])?;
            }
            Ok(())
        },
        control: Some(UP_TO_THE_END),
        causes: &[Cause {
            symptoms: &[],
            likely: "it has left, or listens no more, or answers the end once only",
            advice: "go on as before after the end: the answer to number N stays what it was",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "its second begins anew with each copy of the end",
        why: "a sender that asks again needs an answer again, and may need the next one as well",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            let mut since = Instant::now();
            talk.passes(&end(1), &end_ack(1))?;
            for _ in 0..2 {
                std::thread::sleep(MS(650));
                let asked = Instant::now();
                talk.asks_again(since, &end(1), &[end_ack(1)])?;
                since = asked;
            }
            let ended = talk.exits(0)?;
            talk.not_early("the exit", since, ended, LINGER)
        },
        control: Some(A_COPY_OF_THE_END),
        causes: &[Cause {
            symptoms: &[],
            likely: "the second is counted from the first end",
            advice: "a new deadline with each end that is heard",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a copy of data after the end is acknowledged, and not written",
        why: "what was late is late still when the end has overtaken it",
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"hello"), &ack(1))?;
            let since = Instant::now();
            talk.passes(&end(1), &end_ack(1))?;
            talk.asks_again(since, &data(0, b"hello"), &[ack(1), ack(2)])?;
            talk.exits(0)?;
            talk.has_written(b"hello")
        },
        control: Some(A_COPY_OF_THE_END),
        causes: &[Cause {
            symptoms: &[],
            likely: "after the end only the end is answered, or everything is new again",
            advice: "keep the expected number: it tells a copy from something new",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "what somebody else sends is neither written nor answered",
        why: "anybody can send a datagram to any port",
        points: 3,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            let mut mallory = stage.udp_peer("mallory")?;
            talk.passes(&data(0, b"the "), &ack(1))?;
            mallory.says_to(talk.to, &data(1, b"evil "))?;
            mallory.says_to(talk.to, &end(1))?;
            talk.passes(&data(1, b"file"), &ack(2))?;
            talk.passes(&end(2), &end_ack(2))?;
            silent(&mut mallory)?;
            talk.has_written(b"the file")
        },
        control: Some(UP_TO_THE_END),
        causes: &[Cause {
            symptoms: &[],
            likely: "the address that a datagram comes from isn't looked at",
            advice: "remember who sent number 0, and pass over what comes from elsewhere",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "who begins with another number is not the sender",
        why: "half of an old transfer is no beginning of a new one",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            let mut mallory = stage.udp_peer("mallory")?;
            mallory.says_to(talk.to, &data(1, b"evil "))?;
            mallory.says_to(talk.to, &end(7))?;
            talk.passes(&data(0, b"the file"), &ack(1))?;
            silent(&mut mallory)?;
            talk.has_written(b"the file")
        },
        control: Some(ONE),
        causes: &[Cause {
            symptoms: &[],
            likely: "the first that sends anything is taken for the sender, or is answered",
            advice: "until data or an end with number 0 has come, nobody is the sender",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "fewer than seven bytes are ignored",
        why: "a header that isn't whole says nothing",
        points: 2,
        run: |stage| ignores(stage, &[b"", &[DATA], &[DATA, 0, 0, 0, 1, 0]]),
        control: Some(THREE),
        causes: &[NOT_LOOKED_AT],
        ..Check::PLAIN
    },
    Check {
        name: "a length that differs from what follows is ignored",
        why: "then one of the two is spoilt, and nobody knows which",
        points: 2,
        run: other_lengths,
        control: Some(THREE),
        causes: &[NOT_LOOKED_AT],
        ..Check::PLAIN
    },
    Check {
        name: "a payload of more than 1,024 bytes is ignored",
        why: "a limit that isn't kept is none",
        run: |stage| ignores(stage, &[&data(1, &[b'x'; 1_025]), &data(1, &[b'x'; 9_000])]),
        control: Some(Control {
            name: "a length that differs from what follows",
            run: other_lengths,
        }),
        causes: &[Cause {
            symptoms: &[],
            likely: "the length is compared with what came, and with nothing else",
            advice: "more than 1,024 is no segment; give the buffer room for more, to see it",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "another type is ignored",
        why: "a later version may know it; this one doesn't",
        run: |stage| {
            let types = [0, 5, 255].map(|kind| segment(kind, 1, b"two"));
            ignores(stage, &[&types[0], &types[1], &types[2]])
        },
        control: Some(THREE),
        causes: &[Cause {
            symptoms: &[],
            likely: "whatever isn't an end is taken for data",
            advice: "compare the first byte with each type that you know",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "who begins with what is no segment is not the sender",
        why: "a port scanner sends a few bytes to every port",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            let mut mallory = stage.udp_peer("mallory")?;
            for wrong in [&b""[..], b"hello", &[1, 0, 0, 0, 0, 0, 9, b'x']] {
                mallory.says_to(talk.to, wrong)?;
            }
            // Who connects to mallory hears nobody else from then on: time to do it.
            std::thread::sleep(MS(60));
            talk.passes(&data(0, b"the file"), &ack(1))?;
            silent(&mut mallory)?;
            talk.has_written(b"the file")
        },
        control: Some(ONE),
        causes: &[NOT_LOOKED_AT],
        ..Check::PLAIN
    },
    Check {
        name: "under 20 % loss, duplication and reordering the file is written exactly",
        why: "that is what it is for",
        points: 3,
        run: |stage| {
            let file = stage.random_bytes(60 * 40);
            bad_transfer(stage, &file, 1)
        },
        control: Some(THREE),
        causes: &[],
        ..Check::PLAIN
    },
    Check {
        name: "the same from a sender with eight segments under way",
        why: "what comes early may be kept or thrown away; it is never out of place",
        points: 3,
        run: |stage| {
            let file = stage.random_bytes(60 * 40);
            bad_transfer(stage, &file, 8)
        },
        control: Some(THREE),
        causes: &[],
        ..Check::PLAIN
    },
    Check {
        name: "ten seconds of silence before the end: exit 1",
        why: "a sender that is gone must not keep it for ever; half a file is no file",
        points: 2,
        run: |stage| {
            let mut talk = Talk::begins(stage)?;
            talk.passes(&data(0, b"half "), &ack(1))?;
            std::thread::sleep(MS(2_500));
            let since = Instant::now();
            talk.passes(&data(1, b"a file"), &ack(2))?;
            let ended = talk.exits(1)?;
            talk.not_early("the exit", since, ended, PATIENCE)?;
            talk.has_written(b"half a file")
        },
        control: Some(UP_TO_THE_END),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the ten seconds are counted from the first segment, or are fewer",
                advice: "a new deadline with each segment of the sender's",
            },
            Cause {
                symptoms: &[],
                likely: "it waits for ever, or takes the silence for the end",
                advice: "bound the wait; when it is over before the end has come: exit 1",
            },
        ],
        ..Check::PLAIN
    },
];

const A_COPY_OF_THE_END: Control = Control {
    name: "a copy of the end, at once",
    run: |stage| {
        let mut talk = Talk::begins(stage)?;
        talk.passes(&data(0, b"hello"), &ack(1))?;
        let since = Instant::now();
        talk.passes(&end(1), &end_ack(1))?;
        talk.asks_again(since, &end(1), &[end_ack(1)])
    },
};

fn other_lengths(stage: &Stage) -> Told {
    let longer = [&[DATA, 0, 0, 0, 1, 0, 6][..], b"two"].concat();
    let shorter = [&[DATA, 0, 0, 0, 1, 0, 2][..], b"two"].concat();
    let huge = [&[DATA, 0, 0, 0, 1, 0xff, 0xff][..], b"two"].concat();
    ignores(stage, &[&longer, &shorter, &huge])
}
