//! `ex01_caller_id`.

use crate::grader::check::{Cause, Check, Control, Stop};
use crate::grader::client::Client;
use crate::grader::failure::{Side, Symptom};
use crate::grader::program::Program;
use std::net::Ipv4Addr;
use std::time::Duration;

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
            let server = stage.server()?;
            for who in ["alice", "bob", "carol"] {
                let told = stage.client(who).and_then(is_told_its_address);
                told.map_err(|stop| or_ended(stop, server))?;
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
                symptoms: &[Symptom::Exit],
                likely: "the server ends after its first client",
                advice: "accept in a loop",
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

/// The failure with the program's end, where it was seen a moment later only.
fn or_ended(stop: Stop, program: &Program) -> Stop {
    stop.remarked(|failure| {
        if failure.symptom == Symptom::Exit {
            return None; // It says so.
        }
        let (exit, _) = program.wait_exit(Duration::from_secs(1))?;
        Some(format!("and the program ended: {exit}"))
    })
}
