//! The room that the checks of a chat are told in: Alice, Bob and Carol, who enter, talk and leave.

use crate::grader::check::{Control, Stop, Told};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;

pub(super) const ALONE: Control = Control {
    name: "one client alone",
    run: |stage| enters(stage, "alice", &[]).map(|_| ()),
};

pub(super) const ENTERING: Control = Control {
    name: "three with ordinary names",
    run: |stage| room(stage).map(|_| ()),
};

pub(super) const A_LINE: Control = Control {
    name: "a line of ordinary text",
    run: |stage| {
        let [mut alice, mut bob, _carol] = room(stage)?;
        alice.says(b"hello\n")?;
        bob.hears(b"[alice] hello\n")
    },
};

pub(super) const LEAVING: Control = Control {
    name: "one who leaves by a close",
    run: |stage| leaves(stage, Client::hangs_up),
};

/// A client that says its name, and reads who else is here: these, in any order.
pub(super) fn enters(stage: &Stage, name: &str, here: &[&str]) -> Result<Client, Stop> {
    let client = stage.client(name)?;
    is_let_in(client, name, here)
}

pub(super) fn is_let_in(mut client: Client, name: &str, here: &[&str]) -> Result<Client, Stop> {
    client.says(format!("{name}\n").as_bytes())?;
    let due = match here {
        [] => "* here:".to_string(),
        here => format!("* here: {}", here.join(", ")),
    };
    let line = client.hears_line(&due, 4096)?;
    let sorted = |line: &str| {
        let mut names: Vec<String> = line.split(", ").map(String::from).collect();
        names.sort();
        names
    };
    let got = String::from_utf8_lossy(&line);
    let names = got.strip_prefix("* here: ");
    let same = match here {
        [] => got == "* here:",
        here => names.is_some_and(|names| sorted(names) == sorted(&here.join(", "))),
    };
    if same {
        return Ok(client);
    }
    client.fails(Symptom::Different, due.as_bytes(), &line[..], "")
}

/// Alice, Bob and Carol, each of whom knows of the others.
pub(super) fn room(stage: &Stage) -> Result<[Client; 3], Stop> {
    let mut alice = enters(stage, "alice", &[])?;
    let mut bob = enters(stage, "bob", &["alice"])?;
    alice.hears(b"* bob joined\n")?;
    let carol = enters(stage, "carol", &["alice", "bob"])?;
    alice.hears(b"* carol joined\n")?;
    bob.hears(b"* carol joined\n")?;
    Ok([alice, bob, carol])
}

/// Carol leaves in this way, and the others read it: once.
pub(super) fn leaves(stage: &Stage, leave: fn(Client) -> Told) -> Told {
    let [mut alice, mut bob, carol] = room(stage)?;
    leave(carol)?;
    alice.hears(b"* carol left\n")?;
    bob.hears(b"* carol left\n")?;
    alice.says(b"a pity\n")?;
    bob.hears(b"[alice] a pity\n")?;
    bob.says(b"yes\n")?;
    alice.hears(b"[bob] yes\n")
}
