//! `ex01_caller_id`.

use crate::grader::check::{Cause, Check, Control, Stop};
use crate::grader::client::Client;
use crate::grader::failure::{Side, Symptom};
use std::net::Ipv4Addr;

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
