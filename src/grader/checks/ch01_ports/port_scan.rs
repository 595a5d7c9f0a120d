//! `ex01_port_scan`.

use crate::grader::check::{Cause, Check, Control, Stop, Told};
use crate::grader::failure::{Failure, Side, Symptom};
use crate::grader::listener::{Listener, Refusing, Silent};
use crate::grader::stage::{Pupil, Stage};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

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
        told_by: |failure| not_told_apart(failure, " filtered\n"),
        ..Check::PLAIN
    },
    Check {
        name: "a port that is silent is filtered",
        why: "no answer at all: a firewall that drops, or a host that is gone",
        run: |stage| scanned(stage, &[Port::Silent]),
        control: Some(ONE_OPEN_PORT),
        told_by: |failure| not_told_apart(failure, " refused\n"),
        causes: &[Cause {
            symptoms: &[Symptom::StillOpen],
            likely: "the connect has no timeout of its own, and the system's takes minutes",
            advice: "connect with a timeout of one second",
        }],
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
        control: Some(ONE_SILENT_PORT),
        causes: &[Cause {
            symptoms: &[],
            likely: "only a timeout is taken for filtered",
            advice: "print `refused` where the error is a refusal, and `filtered` for every other error",
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
        control: Some(Control {
            name: "a port of each kind, each scanned by itself",
            run: |stage| {
                scanned(stage, &[Port::Open])?;
                scanned(stage, &[Port::Refused])?;
                scanned(stage, &[Port::Silent])
            },
        }),
        causes: &[
            Cause {
                symptoms: &[Symptom::End],
                likely: "the range ends one too early",
                advice: "HIGH is included: in Rust that is LOW..=HIGH",
            },
            Cause {
                symptoms: &[Symptom::Different],
                likely: "lines come in the order in which the answers came, or one is missing or \
                         there twice",
                advice: "gather the results, and print them in the order of the ports",
            },
        ],
        ..Check::PLAIN
    },
    Check {
        name: "in order means by number: 9999 before 10000",
        why: "as texts they stand the other way about",
        run: |stage| scanned_elsewhere(stage, 9_999, 10_000),
        control: Some(Control {
            name: "9998 and 9999",
            run: |stage| scanned_elsewhere(stage, 9_998, 9_999),
        }),
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
        control: Some(Control {
            name: "65533 and 65534",
            run: |stage| scanned_elsewhere(stage, 65_533, 65_534),
        }),
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
        control: Some(ONE_SILENT_PORT),
        causes: &[
            Cause {
                symptoms: &[Symptom::Late],
                likely: "some ports still wait for others, so that timeouts add up, or the timeout \
                         is longer than a second",
                advice: "start the attempts at all hundred ports before you wait for the first, each with \
                         a timeout of one second",
            },
            Cause {
                symptoms: &[Symptom::StillOpen],
                likely: "a port is asked only when the one before has had its second, and a hundred \
                         such seconds add up",
                advice: "start many attempts before you wait for the first: in the program as shipped, \
                         one call of `probe_all` with many addresses in place of a call for each",
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

const ONE_SILENT_PORT: Control = Control {
    name: "one silent port",
    run: |stage| scanned(stage, &[Port::Silent]),
};

/// That the two ways in which a connect fails are one to it shows where it has the other's word.
fn not_told_apart(failure: &Failure, others_word: &str) -> Option<Cause> {
    let has_it = matches!(&failure.got, Side::Bytes(got) if got.ends_with(others_word.as_bytes()));
    has_it.then_some(Cause {
        symptoms: &[],
        likely: "the two ways in which a connect fails are taken for one",
        advice: "look at the error's kind: a refusal is an answer, a timeout is none",
    })
}

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
