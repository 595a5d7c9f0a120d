//! What is graded of chapter 1's exercises.

use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::{Side, Symptom};
use crate::grader::listener::{Listener, Refusing, Silent};
use crate::grader::stage::{Pupil, Stage};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

pub const CALLER_ID: &[Check] = &[
    Check {
        name: "a client is told its own address",
        why: "a connection has two ends, each with an address and a port of its own",
        points: 2,
        run: |stage| {
            let alice = stage.client("alice")?;
            is_told_its_address(alice).map(drop)
        },
        ..Check::PLAIN
    },
    Check {
        name: "after the line the connection ends",
        why: "a client that reads to the end waits for it",
        run: |stage| {
            let mut alice = is_told_its_address(stage.client("alice")?)?;
            alice.hears_end()
        },
        control: Some(Control {
            name: "the line without the end",
            run: |stage| is_told_its_address(stage.client("alice")?).map(drop),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the server keeps the stream, or waits for the client to say something",
                advice: "let the stream go after the line: dropping it closes it",
            },
            Cause {
                symptoms: &[Symptom::Extra],
                likely: "something is sent after the line",
                advice: "one line, ended by one LF, is all",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "each client is told its own, one after another",
        why: "the port in the client's address is what tells two clients of one host apart",
        run: |stage| {
            for who in ["alice", "bob", "carol"] {
                is_told_its_address(stage.client(who)?)?;
            }
            Ok(())
        },
        control: Some(Control {
            name: "one client",
            run: |stage| is_told_its_address(stage.client("alice")?).map(drop),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Different],
                likely: "the address was asked for once, not for each connection",
                advice: "ask the stream that this client's accept returned",
            },
            Cause {
                symptoms: &[],
                likely: "the server ends, or stops accepting, after its first client",
                advice: "accept in a loop",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "the address is the client's, not only the port",
        why: "127.0.0.1 is not the only address of this machine: all of 127.0.0.0/8 is loopback",
        run: |stage| {
            let alice = stage.client_from("alice", Ipv4Addr::new(127, 0, 0, 2))?;
            is_told_its_address(alice).map(drop)
        },
        control: Some(Control {
            name: "a client at 127.0.0.1",
            run: |stage| is_told_its_address(stage.client("alice")?).map(drop),
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "only the port is the client's; the address is the server's, or fixed",
            advice: "take both from the peer's address",
        }],
        ..Check::PLAIN
    },
];

fn is_told_its_address(mut client: Client) -> Result<Client, Stop> {
    let line = format!("you are {}\n", client.addr());
    let servers_own = client.peer_addr().to_string();
    client.hears(line.as_bytes()).map_err(|stop| {
        stop.remarked(|failure| {
            let told_its_own = matches!(&failure.got, Side::Bytes(got)
                if String::from_utf8_lossy(got).contains(&servers_own));
            told_its_own.then(|| format!("{servers_own} is the server's own address"))
        })
    })?;
    Ok(client)
}

/// A hundred silent ports, one second each, two of those at most, and room for starting a program.
const TWO_TIMEOUTS: Duration = Duration::from_millis(2_800);

pub const PORT_SCAN: &[Check] = &[
    Check {
        name: "a port with a listener is open",
        why: "the handshake succeeded: somebody is there",
        run: |stage| scanned(stage, &[Port::Open]),
        ..Check::PLAIN
    },
    Check {
        name: "a port without one is refused",
        why: "the system itself answers, with a reset: nobody listens, and the host is alive",
        run: |stage| scanned(stage, &[Port::Refused]),
        control: Some(ONE_OPEN_PORT),
        causes: &[NOT_TOLD_APART],
        ..Check::PLAIN
    },
    Check {
        name: "a port that is silent is filtered",
        why: "no answer at all: a firewall that drops, or a host that is gone",
        run: |stage| scanned(stage, &[Port::Silent]),
        control: Some(ONE_OPEN_PORT),
        causes: &[
            NOT_TOLD_APART,
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the connect has no timeout of its own, and the system's takes minutes",
                advice: "connect with a timeout of one second",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "any other error than refused is filtered",
        why: "unreachable is no answer from the port either",
        run: |stage| {
            // Nobody can connect to a broadcast address: the system says so at once.
            let host = Ipv4Addr::new(127, 255, 255, 255);
            let port = stage.ports(1)?.start;
            match TcpStream::connect_timeout(&(host, port).into(), Duration::from_secs(1)) {
                Err(err) if err.kind() == ErrorKind::NetworkUnreachable => {}
                _ => {
                    return Err(Stop::Skipped(
                        "no unreachable address on loopback".to_string(),
                    ));
                }
            }
            let pupil = scans(stage, host, port, port)?;
            pupil.exits(0)?;
            pupil.printed(format!("{port} filtered\n").as_bytes())
        },
        control: Some(ONE_OPEN_PORT),
        causes: &[Cause {
            symptoms: &[],
            likely: "only a timeout is taken for filtered",
            advice: "ask whether it was refused; whatever else went wrong is filtered",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "each port has its line, in order, LOW and HIGH included",
        why: "a report that is read by a program has to be the same each time",
        points: 2,
        run: |stage| {
            use Port::{Open, Refused, Silent};
            let mut ports = vec![Open, Refused, Silent, Refused, Open, Silent, Refused, Open];
            for i in (1..ports.len()).rev() {
                ports.swap(i, stage.random_below(i + 1));
            }
            scanned(stage, &ports)
        },
        control: Some(ONE_OPEN_PORT),
        causes: &[
            Cause {
                symptoms: &[Symptom::End],
                likely: "the range ends one too early",
                advice: "HIGH is included: in Rust that is LOW..=HIGH",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "lines come in the order in which the answers came, or one is missing",
                advice: "gather the results, and print them in the order of the ports",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "in order means by number: 9999 before 10000",
        why: "as texts they stand the other way about",
        run: |stage| scanned_elsewhere(stage, 9_999, 10_000),
        control: Some(ONE_OPEN_PORT),
        causes: &[Cause {
            symptoms: &[Symptom::Different],
            likely: "the lines are sorted as text",
            advice: "sort by the port, while it is a number",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "HIGH may be 65535, the last port there is",
        why: "a port is 16 bits, and one more than the last is none",
        run: |stage| scanned_elsewhere(stage, 65_534, 65_535),
        control: Some(ONE_OPEN_PORT),
        causes: &[Cause {
            symptoms: &[],
            likely: "the range ends at HIGH + 1, which doesn't fit into 16 bits",
            advice: "HIGH is included: in Rust that is LOW..=HIGH",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "a hundred silent ports take no more than two timeouts",
        why: "one after another they would take a hundred",
        points: 4,
        run: |stage| {
            let pupil = scan(stage, &[Port::Silent; 100])?;
            let (pupil, report) = (&pupil.0, &pupil.1);
            pupil.exits_within(0, TWO_TIMEOUTS)?;
            pupil.printed(report.as_bytes())
        },
        control: Some(Control {
            name: "one silent port",
            run: |stage| scanned(stage, &[Port::Silent]),
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Late],
                likely: "some ports still wait for others: the timeouts add up",
                advice: "start them all before you wait for the first",
            },
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "one port is tried after the other: the timeouts add up",
                advice: "try them at the same time, a thread each",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
];

const ONE_OPEN_PORT: Control = Control {
    name: "one open port",
    run: |stage| scanned(stage, &[Port::Open]),
};

const NOT_TOLD_APART: Cause = Cause {
    symptoms: &[Symptom::Different],
    likely: "the two ways in which a connect fails are taken for one",
    advice: "look at the error's kind: a refusal is an answer, a timeout is none",
};

/// What a scanner is to find at a port.
#[derive(Clone, Copy)]
enum Port {
    Open,
    Refused,
    Silent,
}

/// What keeps a port as it is while it is scanned.
enum Kept {
    Open { _listener: Listener },
    Refused { _socket: Refusing },
    Silent { _socket: Silent },
}

/// A program that scans a row of such ports, what it is to print, and what keeps the ports.
fn scan(stage: &Stage, ports: &[Port]) -> Result<(Pupil, String, Vec<Kept>), Stop> {
    let range = stage.ports(ports.len() as u16)?;
    let mut kept = Vec::new();
    let mut report = String::new();
    for (port, number) in ports.iter().zip(range.clone()) {
        let (word, keeper) = match port {
            Port::Open => (
                "open",
                Kept::Open {
                    _listener: stage.listener_at(number)?,
                },
            ),
            Port::Refused => (
                "refused",
                Kept::Refused {
                    _socket: stage.refusing_at(number)?,
                },
            ),
            Port::Silent => (
                "filtered",
                Kept::Silent {
                    _socket: stage.silent_at(number)?,
                },
            ),
        };
        report.push_str(&format!("{number} {word}\n"));
        kept.push(keeper);
    }
    let pupil = scans(stage, Ipv4Addr::LOCALHOST, range.start, range.end - 1)?;
    Ok((pupil, report, kept))
}

fn scans(stage: &Stage, host: Ipv4Addr, low: u16, high: u16) -> Result<Pupil, Stop> {
    stage.starts_without_address(&[host.to_string(), low.to_string(), high.to_string()])
}

fn scanned(stage: &Stage, ports: &[Port]) -> Told {
    let (pupil, report, _kept) = scan(stage, ports)?;
    pupil.exits(0)?;
    pupil.printed(report.as_bytes())
}

/// Two ports that the check names, both open. They may be in use at 127.0.0.1, and so at another
/// address of the loopback network.
fn scanned_elsewhere(stage: &Stage, low: u16, high: u16) -> Told {
    let octet = || 1 + stage.random_below(250) as u8;
    let host = Ipv4Addr::new(127, octet(), octet(), octet());
    let listen = |port| {
        // Also where somebody has the port at every address, on 0.0.0.0.
        TcpListener::bind((host, port))
            .map_err(|err| Stop::Skipped(format!("cannot listen on {host}:{port}: {err}")))
    };
    let _kept = (listen(low)?, listen(high)?);
    let pupil = scans(stage, host, low, high)?;
    pupil.exits(0)?;
    pupil.printed(format!("{low} open\n{high} open\n").as_bytes())
}

pub const EVERY_ADDRESS: &[Check] = &[
    Check {
        name: "an address that answers is used",
        why: "first the plain case",
        run: |stage| {
            let server = stage.listener("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", b"good day\n")
        },
        ..Check::PLAIN
    },
    Check {
        name: "all of stdin arrives, then the half-close",
        why: "the server learns from it that nothing more will come",
        run: |stage| {
            let server = stage.listener("server")?;
            let stdin = stage.random_bytes(1 << 20);
            let pupil = tries(stage, &[server.addr()?], &stdin)?;
            talks(&server, &pupil, &stdin, b"got it\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "the writing side stays open after stdin has ended",
                advice: "shut down the writing half only, and read on",
            },
            Cause {
                symptoms: &[],
                likely: "only the beginning of stdin is read, or it is taken for text",
                advice: "copy all of stdin, as bytes",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "all of the reply is printed, as it came",
        why: "one read returns what is there, not what was sent",
        run: |stage| {
            let server = stage.listener("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", &stage.random_bytes(1 << 20))
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "only the beginning of the reply is read, or it is taken for text",
            advice: "read until the end of the stream, and write the same bytes",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address that refuses is passed over",
        why: "a name often has several addresses, and not all of them answer",
        points: 2,
        run: |stage| {
            let (nobody, server) = (stage.refusing()?, stage.listener("server")?);
            let pupil = tries(stage, &[nobody.addr, server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the first address's error is the end of it",
            advice: "keep the error, and try the next address",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an address that is silent for 1 s is passed over",
        why: "a firewall that drops gives no answer, and the system waits minutes for one",
        points: 2,
        run: |stage| {
            let (silent, server) = (stage.silent()?, stage.listener("server")?);
            let begun = Instant::now();
            let pupil = tries(stage, &[silent.addr, server.addr()?], b"hello\n")?;
            let conversation = server.accepts(&pupil)?;
            came_after_a_second(&pupil, begun)?;
            talks_over(conversation, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(Control {
            name: "the same with an address that refuses",
            run: |stage| {
                let (nobody, server) = (stage.refusing()?, stage.listener("server")?);
                let pupil = tries(stage, &[nobody.addr, server.addr()?], b"hello\n")?;
                talks(&server, &pupil, b"hello\n", b"good day\n")
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::Early],
                likely: "the timeout is shorter than a second",
                advice: "wait one second for each address",
            },
            Cause {
                symptoms: &[],
                likely: "the connect has no timeout, or a longer one",
                advice: "connect with a timeout of one second",
            },
        ],
        alone: true,
        ..Check::PLAIN
    },
    Check {
        name: "the first that answers is used and no other tried",
        why: "the order is the caller's choice, and a second connection is a second request",
        points: 2,
        run: |stage| {
            let nobody = stage.refusing()?;
            let (first, second) = (stage.listener("first")?, stage.listener("second")?);
            let addrs = [nobody.addr, first.addr()?, second.addr()?];
            let pupil = tries(stage, &addrs, b"hello\n")?;
            talks(&first, &pupil, b"hello\n", b"good day\n")?;
            second.was_left_alone(&pupil)
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the addresses are not tried in order, or the search goes on after a success",
            advice: "one after another, and stop at the first that connects",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "once connected, an answer that breaks off is no reason to try another",
        why: "the first server may have done what it was asked: a repeated request does it twice",
        run: |stage| {
            let (first, second) = (stage.listener("first")?, stage.listener("second")?);
            let pupil = tries(stage, &[first.addr()?, second.addr()?], b"hello\n")?;
            let mut conversation = first.accepts(&pupil)?;
            conversation.hears(b"hello\n")?;
            conversation.resets()?;
            pupil.ends()?;
            second.was_left_alone(&pupil)
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "an error of the conversation is handled as one of the connect",
            advice: "try addresses while you connect; what happens afterwards is another matter",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "an IPv6 address in brackets is an address",
        why: "localhost is ::1 as often as 127.0.0.1",
        run: |stage| {
            let server = stage.listener_on_ipv6("server")?;
            let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
            talks(&server, &pupil, b"hello\n", b"good day\n")
        },
        control: Some(ONE_ADDRESS),
        causes: &[Cause {
            symptoms: &[],
            likely: "the address is taken apart at its first colon",
            advice: "let the standard library parse it: [::1]:7000 is a socket address",
        }],
        ..Check::PLAIN
    },
    Check {
        name: "when none answers, exit status 1 and nothing on stdout",
        why: "what reads the output must not take an error for an answer",
        run: |stage| {
            let (one, two) = (stage.refusing()?, stage.refusing()?);
            let pupil = tries(stage, &[one.addr, two.addr], b"hello\n")?;
            pupil.exits(1)?;
            pupil.printed(b"")
        },
        ..Check::PLAIN
    },
    Check {
        name: "when none answers, each address is named with its error",
        why: "\"connection refused\" without an address sends somebody searching",
        points: 2,
        run: |stage| {
            let (one, two) = (stage.refusing()?, stage.refusing()?);
            let pupil = tries(stage, &[one.addr, two.addr], b"hello\n")?;
            pupil.exits(1)?;
            is_named(&pupil, one.addr, two.addr)?;
            is_named(&pupil, two.addr, one.addr)
        },
        control: Some(Control {
            name: "the exit status alone",
            run: |stage| {
                let (one, two) = (stage.refusing()?, stage.refusing()?);
                tries(stage, &[one.addr, two.addr], b"hello\n")?.exits(1)
            },
        }),
        causes: &[Cause {
            symptoms: &[Symptom::Words],
            likely: "an error is printed without its address, or only the last one is",
            advice: "a line on stderr for each: the address as it was given, and its error",
        }],
        ..Check::PLAIN
    },
];

const ONE_ADDRESS: Control = Control {
    name: "one address, which answers",
    run: |stage| {
        let server = stage.listener("server")?;
        let pupil = tries(stage, &[server.addr()?], b"hello\n")?;
        talks(&server, &pupil, b"hello\n", b"good day\n")
    },
};

fn tries(stage: &Stage, addrs: &[SocketAddr], stdin: &[u8]) -> Result<Pupil, Stop> {
    let further: Vec<String> = addrs[1..].iter().map(SocketAddr::to_string).collect();
    stage.starts(addrs[0], &further, stdin)
}

/// The whole of a conversation: all of stdin, the half-close, the reply, exit status 0.
fn talks(server: &Listener, pupil: &Pupil, stdin: &[u8], reply: &[u8]) -> Told {
    talks_over(server.accepts(pupil)?, pupil, stdin, reply)
}

fn talks_over(mut server: Client, pupil: &Pupil, stdin: &[u8], reply: &[u8]) -> Told {
    server.hears(stdin)?;
    server.hears_end()?;
    server.says(reply)?;
    server.hangs_up()?;
    pupil.exits(0)?;
    pupil.printed(reply)
}

/// A connection that came just now came a second after the program's start, and not much later.
fn came_after_a_second(pupil: &Pupil, begun: Instant) -> Told {
    let after = begun.elapsed();
    let got = format!("after {} ms", after.as_millis());
    if after < Duration::from_millis(950) {
        return pupil.fails(Symptom::Early, "the next address is tried after 1 s", got);
    }
    pupil.was_in_time(
        begun,
        after,
        Duration::from_millis(2_500),
        "the next address is tried",
    )
}

/// A line of stderr has this address as it was given, not the other, and more than that.
fn is_named(pupil: &Pupil, addr: SocketAddr, other: SocketAddr) -> Told {
    let (addr, other) = (addr.to_string(), other.to_string());
    let stderr = pupil.stderr();
    let named = stderr.lines().any(|line| {
        let says_more = line.replace(&addr, "").chars().any(char::is_alphabetic);
        line.contains(&addr) && !line.contains(&other) && says_more
    });
    if named {
        return Ok(());
    }
    let expected = format!("a line on stderr with {addr} and its error");
    pupil.fails(
        Symptom::Words,
        expected,
        format!("on stderr: {}", stderr.trim_end()),
    )
}
