//! *Lost, twice, late*: the same exchange over the lossy link, and what either end can know of it.

use super::show::Server;
use super::{Demo, Leave, Played, Show, wire};
use crate::grader::program::{Input, PATIENCE};
use std::net::Ipv4Addr;

pub const DEMO: Demo = Demo {
    name: "ch07_udp",
    title: "Lost, twice, late",
    minutes: 12,
    programs: &["ch07_udp_server", "ch07_udp_client", wire::LINK],
    play,
};

/// One run of the client through a link with these faults: so many datagrams will be on it, both
/// ways together. What the client said on stderr.
fn exchange(
    show: &mut Show,
    server: &Server,
    faults: &[&str],
    datagrams: usize,
) -> Result<Vec<String>, Leave> {
    let mut wire = show.wire(server, faults)?;
    let args = ["--id", "1", "hello"];
    let client = show.starts(
        "client",
        "ch07_udp_client",
        Some(wire.addr),
        &args,
        Input::Nothing,
    )?;
    show.watches(&mut wire, ("client", "server"), datagrams, Some(&client))?;
    show.ends_as_recorded(&client, PATIENCE)?;
    client.wait_output(PATIENCE, |_, stderr| stderr.closed);
    show.audit(&client, |_| true)
}

/// What the server printed since so many lines: the requests that it took in.
fn taken(show: &mut Show, server: &Server, from: usize, to: usize) -> Played {
    let lines = show.printed(&server.program, to)?;
    let new = lines[from..].iter();
    show.shows(new.map(|line| format!("   the server prints: {line}")));
    Ok(())
}

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "A client sends \"hello\" with an id. The server takes it in and acknowledges it.",
        "TCP needs a handshake, an acknowledgement and two FINs. How many datagrams are it here?",
    )?;
    let server = show.serves("server", "ch07_udp_server")?;
    exchange(show, &server, &[], 2)?;
    taken(show, &server, 1, 2)?;
    show.remarks(
        "Two. The first four bytes are the id, in both. Nobody connected, and nobody said goodbye.",
    );

    show.step(
        "Between them is ch07_lossy_link now. It drops the first request.",
        "who will notice, and how?",
    )?;
    let said = exchange(show, &server, &["--lose", "out:0"], 3)?;
    show.shows(said);
    taken(show, &server, 2, 3)?;
    show.remarks(
        "Nobody is told. The client had a clock: 300 ms without an answer, and it tried again.",
    );

    show.step(
        "The request arrives, and the acknowledgement is dropped.",
        "what is different for the client? How often is the message taken in?",
    )?;
    exchange(show, &server, &["--lose", "back:0"], 4)?;
    taken(show, &server, 3, 4)?;
    show.remarks(
        "Nothing is different for the client: silence is silence. So it sends what has arrived \
         already. The server knows the id, acknowledges it again, and doesn't take it in again.",
    );

    show.step(
        "The same with a server that is forgetful.",
        "if the message had been \"pay 10 euros\", how much would have been paid?",
    )?;
    let forgetful = show.starts(
        "server",
        "ch07_udp_server",
        Some((Ipv4Addr::LOCALHOST, 0).into()),
        &["forgetful"],
        Input::Nothing,
    )?;
    let forgetful = Server {
        addr: forgetful.ready(PATIENCE)?,
        program: forgetful,
    };
    exchange(show, &forgetful, &["--lose", "back:0"], 4)?;
    taken(show, &forgetful, 1, 3)?;
    show.remarks(
        "Twenty. Whoever tries again delivers at least once. That it counts once is the server's \
         work: it remembers ids, or its messages may be repeated without harm.",
    );

    show.step(
        "The network doubles the request.",
        "how many acknowledgements does the client get, and what does it do with them?",
    )?;
    exchange(show, &server, &["--duplicate", "out:0"], 3)?;
    taken(show, &server, 4, 5)?;
    show.remarks("Two, for one request. One is enough; nobody reads the other.");

    show.step(
        "The acknowledgement is 450 ms late, and the client waits 300 ms for it.",
        "is a late answer to an earlier try an answer?",
    )?;
    let late = ["--delay", "back:0=450", "--lose", "back:1"];
    exchange(show, &server, &late, 4)?;
    taken(show, &server, 5, 6)?;
    show.remarks(
        "It is: each try is the same request with the same id, so its acknowledgement says all that \
         is to be known. With a new id for each try the client would have refused it.",
    );

    show.step(
        "Nothing arrives any more.",
        "when may the client give up, and what may it say then?",
    )?;
    let said = exchange(show, &server, &["--lose", "out:0-"], 3)?;
    show.shows(said);
    show.remarks(
        "After three tries. It may not say that the message has not arrived: in the third step it \
         had, and looked the same.",
    );
    show.closes(
        "A datagram arrives whole, twice or never. The sender repeats until it is acknowledged, so a \
         message arrives at least once or the sender gives up. The receiver knows ids, so it counts \
         at most once. Only what was taken in is acknowledged.",
    );
    Ok(())
}
