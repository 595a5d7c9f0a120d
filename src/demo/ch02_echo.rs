//! *One server, four languages*: nc, curl, Python and Node where they are installed, our own client
//! where not. What each sends and hears goes through a relay that records it.

use super::show::{Server, has_option};
use super::{Demo, Played, Show};
use crate::grader::program::Input;
use std::time::Duration;

pub const DEMO: Demo = Demo {
    name: "ch02_echo",
    title: "One server, four languages",
    minutes: 8,
    programs: &["ch02_echo_server", "ch02_echo_client"],
    play,
};

const PYTHON: &str = "\
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
    s.sendall(b'hello from Python\\n')
    print(s.makefile('rb').readline().decode(), end='', flush=True)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)  # nothing: the end
";

const NODE: &str = "\
const s = require('net').connect(+process.argv[3], process.argv[2])
s.write('hello from Node\\n')
s.on('data', d => { process.stdout.write(d); s.end() })
";

/// What each is run as; a script is given on stdin, without one the line is typed there.
const GUESTS: &[(&str, &[&str], &str)] = &[
    ("nc", &["nc", "-N", "{host}", "{port}"], ""),
    (
        "curl",
        &["curl", "--silent", "--no-buffer", "telnet://{host}:{port}"],
        "",
    ),
    ("Python", &["python3", "-", "{host}", "{port}"], PYTHON),
    ("Node", &["node", "-", "{host}", "{port}"], NODE),
];

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "The echo server starts.",
        "what does it do while nobody calls?",
    )?;
    let server = show.serves("server", "ch02_echo_server")?;
    show.remarks(
        "It waits in accept, and uses no processor. Four clients come, one by one. A relay before \
         the server takes down their bytes: the ports that they are given are its own.",
    );

    for (i, (who, words, script)) in GUESTS.iter().enumerate() {
        show.lanes(&[who, "server"]);
        let ask = [
            "how does the server learn that nc has said all?",
            "curl speaks telnet here: will its bytes differ from nc's?",
            "which call sends the FIN?",
            "JavaScript has no read loop: what calls it back?",
        ][i];
        show.step(&format!("{who} sends a line."), ask)?;
        if !script.is_empty() {
            show.shows(script.lines().map(|line| format!("   {line}")));
        }
        visit(show, &server, who, words, script)?;
    }

    let trail = show.audit(&server.program, |lines| {
        let over = |line: &&&str| line.contains(" closed") || line.contains(" broke off");
        lines.iter().filter(over).count() >= GUESTS.len()
    })?;
    show.shows(
        ["What the server wrote on stderr:".to_string()]
            .into_iter()
            .chain(trail),
    );
    show.closes(
        "The server knows no language. It reads bytes and writes them back, until read returns 0. \
         Whoever speaks TCP can be its client.",
    );
    Ok(())
}

fn visit(show: &mut Show, server: &Server, who: &str, words: &[&str], script: &str) -> Played {
    let line = format!("hello from {who}\n");
    // Not every nc knows -N; without it some half-close by themselves, and some never.
    let plain = words.contains(&"-N") && !has_option("nc", "-N");
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !plain || *word != "-N")
        .collect();
    let input = || match script {
        "" => Input::Typed,
        script => Input::Bytes(script.as_bytes().to_vec()),
    };
    let (guest, types) = match show.guest(who, &words, input(), server)? {
        Some(guest) => (guest, script.is_empty()),
        None => {
            show.remarks("Our own ch02_echo_client takes its place.");
            (
                show.stand_in(who, "ch02_echo_client", Input::Typed, server)?,
                true,
            )
        }
    };
    if types {
        guest.program.types(line.as_bytes());
    }
    show.guest_printed(&guest, line.as_bytes())?;
    guest.program.ends_typing();
    // curl's telnet keeps the connection when its input has ended.
    let limit = if types {
        Duration::from_secs(2)
    } else {
        Duration::from_secs(10)
    };
    if !show.sees_off(guest, limit)? {
        show.remarks(&format!(
            "The input of {who} had ended, and it stayed connected: its process was ended, and the \
             kernel sent the FIN."
        ));
    }
    show.remarks(&format!(
        "{who} printed what it had sent: the same {} bytes.",
        line.len()
    ));
    Ok(())
}
