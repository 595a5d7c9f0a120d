//! *One server, four languages*: nc, curl, Python and Node where they are installed, our own client
//! where not. What each sends and hears goes through a relay that records it.

use super::guest::Foreign;
use super::{Demo, Played, Show};

pub const DEMO: Demo = Demo {
    name: "ch02_echo",
    title: "One server, four languages",
    minutes: 8,
    programs: &["ch02_echo_server", "ch02_echo_client"],
    play,
};

/// Each guest, what the room is asked about it, and the answer.
const GUESTS: &[(Foreign, &str, &str)] = &[
    (
        echoes(
            "nc",
            &["nc", "-N", "{host}", "{port}"],
            "",
            "hello from nc\n",
        ),
        "how does the server learn that nc has said all?",
        "Its read returned 0: nc -N turned the end of its input into a half-close, a FIN.",
    ),
    (
        echoes(
            "curl",
            &["curl", "-sN", "telnet://{host}:{port}"],
            "",
            "hello from curl\n",
        ),
        "curl speaks telnet here: what will it send besides the line?",
        "Nothing: telnet's commands are sent only to a server that begins with them.",
    ),
    (
        echoes(
            "Python",
            &["python3", "-", "{host}", "{port}"],
            PYTHON,
            "hello from Python\n",
        ),
        "which call sends the FIN?",
        "shutdown(SHUT_WR) did. close() would have, and no echo could be read after it.",
    ),
    (
        echoes(
            "Node",
            &["node", "-", "{host}", "{port}"],
            NODE,
            "hello from Node\n",
        ),
        "there is no read here: who calls it back, and when?",
        "Node's event loop, whenever bytes have come: it reads, and calls with what it got.",
    ),
];

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

const fn echoes(
    who: &'static str,
    words: &'static [&'static str],
    script: &'static str,
    line: &'static str,
) -> Foreign {
    Foreign {
        who,
        words,
        script,
        line,
        due: line,
    }
}

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "The echo server starts.",
        "what does it do while nobody calls?",
    )?;
    let server = show.serves("server", "ch02_echo_server")?;
    show.remarks(
        "It waits in accept, and uses no processor. Four clients come, one by one. A relay stands \
         between and takes down their bytes, so the ports that the server sees are the relay's.",
    );
    for (foreign, question, answer) in GUESTS {
        show.lanes(&[foreign.who, "server"]);
        show.step(&format!("{} sends a line.", foreign.who), question)?;
        show.visit(&server, foreign, "ch02_echo_client")?;
        let (who, n) = (foreign.who, foreign.line.len());
        show.remarks(&format!(
            "{who} printed what it had sent: the same {n} bytes. {answer}"
        ));
    }
    show.step(
        "The server wrote a trail of all that.",
        "what does it say of the language of each?",
    )?;
    let trail = show.audit(&server.program, |lines| {
        let over = |line: &&&str| line.contains(" closed") || line.contains(" broke off");
        lines.iter().filter(over).count() >= GUESTS.len()
    })?;
    show.shows(trail);
    show.remarks("Nothing: an address, and how many bytes. More it never learnt.");
    show.closes(
        "The server knows no language. It reads bytes and writes them back, until read returns 0. \
         Whoever speaks TCP can be its client.",
    );
    Ok(())
}
