//! *Who is on the line?* A port without a process, then with one; two clients, one server port.

use super::{Demo, Played, Show};
use crate::grader::program::Input;
use std::net::SocketAddr;

pub const DEMO: Demo = Demo {
    name: "ch01_ports",
    title: "Who is on the line?",
    minutes: 8,
    programs: &["ch01_five_tuple", "ch01_whoson"],
    play,
};

fn play(show: &mut Show) -> Played {
    let kept = show.empty_port()?;
    let addr = kept.addr;
    show.lanes(&["alice", "bob", "server"]);

    show.step(
        &format!("Alice calls port {}. No process has it.", addr.port()),
        "what does she get: nothing at all, or an answer? And who answers?",
    )?;
    show.is_refused("alice", addr)?;
    who_is_on(show, addr)?;
    show.remarks("There was an answer, at once. No process gave it: the kernel did.");

    show.step(
        "Now a process takes that port.",
        "how can one find out which process it is?",
    )?;
    drop(kept);
    let server = show.serves_at("server", "ch01_five_tuple", addr)?;
    who_is_on(show, addr)?;

    show.step(
        "Alice calls again. The server prints the connection's five numbers, and closes.",
        "which of the five did Alice choose?",
    )?;
    let mut alice = show.client("alice", &server)?;
    let first = show.prints(&server, 2)?;
    alice.hears_end()?;
    show.remarks("She chose whom to call. Her own port is the kernel's choice.");

    show.step(
        "Bob calls the same port, while Alice still has her socket.",
        "does the server need a second port for him?",
    )?;
    let mut bob = show.client("bob", &server)?;
    let second = show.prints(&server, 3)?;
    bob.hears_end()?;

    show.step(
        "The two five-tuples, one above the other.",
        "in how many numbers do they differ?",
    )?;
    show.shows([
        format!("alice  {first}"),
        format!("bob    {second}"),
        marks(&first, &second),
    ]);
    show.remarks("In one. By it the kernel knows whose bytes they are.");

    show.lanes(&["second", "server"]);
    show.step(
        "A second process wants the port that the server has.",
        "who gets it?",
    )?;
    let second = show.starts("second", "ch01_five_tuple", Some(addr), &[], Input::Nothing)?;
    show.fails_to_start(&second)?;
    show.closes(
        "A port belongs to the process that bound it first. A connection is five things: the \
         protocol, two addresses, two ports. One server port is enough for all clients, because \
         they differ in theirs.",
    );
    Ok(())
}

/// What the chapter's own program finds out about the port.
fn who_is_on(show: &mut Show, addr: SocketAddr) -> Played {
    if !cfg!(target_os = "linux") {
        show.remarks("(On Linux, ch01_whoson would tell which process has the port.)");
        return Ok(());
    }
    let table = show.output_of("ch01_whoson", &[])?;
    let port = addr.port().to_string();
    let has_port = |line: &&String| line.split_whitespace().nth(2) == Some(port.as_str());
    let rows: Vec<&String> = table.iter().filter(has_port).collect();
    let found = match rows.len() {
        0 => format!("$ ch01_whoson: no row for port {port}"),
        _ => format!("$ ch01_whoson: the row for port {port}"),
    };
    show.shows(
        [found]
            .iter()
            .chain(table.first().filter(|_| !rows.is_empty()))
            .chain(rows),
    );
    Ok(())
}

/// Marks below the characters that differ, with room for the name before them.
fn marks(a: &str, b: &str) -> String {
    let differ = |(a, b): (&str, &str)| if a == b { " " } else { "^" }.repeat(a.len());
    let words = a
        .split(' ')
        .zip(b.split(' '))
        .map(differ)
        .collect::<Vec<_>>();
    format!("       {}", words.join(" ")).trim_end().to_string()
}
