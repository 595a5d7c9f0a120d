//! *FIN or RST?* ch03_sum_server and the rude one side by side: who ends what, and what is lost.

use super::show::{Leave, Server};
use super::{Demo, Played, Show};
use crate::grader::program::{Input, PATIENCE};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

pub const DEMO: Demo = Demo {
    name: "ch03_streams",
    title: "FIN or RST?",
    minutes: 10,
    programs: &["ch03_sum_server", "ch03_rude_server"],
    play,
};

const THREE_LINES: &[u8] = b"line 1\nline 2\nline 3\n";

/// More than a client's window holds that reads nothing yet, and less than both kernels do.
const MANY: usize = 50_000;

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "A client sends three numbers to ch03_sum_server.",
        "does the sum come?",
    )?;
    let sum = show.serves("server", "ch03_sum_server")?;
    let mut client = show.client("client", &sum)?;
    client.says(b"1\n2\n3\n")?;
    client.fence()?;
    client.hears_nothing_more()?;
    show.remarks("The server has read them all, and is silent: there might be a fourth.");

    show.step(
        "The client half-closes.",
        "who sends what now, and in which order?",
    )?;
    client.half_closes()?;
    client.hears(b"numbers: 3, sum: 6\n")?;
    client.hears_clean_end()?;
    show.remarks(
        "Two FINs, one for each direction, and the answer between them. A goodbye has two halves.",
    );

    show.step(
        "ch03_rude_server is told how many lines are wanted, sends them, and closes.",
        "FIN or RST?",
    )?;
    let rude = show.serves("server", "ch03_rude_server")?;
    let mut client = show.client("client", &rude)?;
    client.says(b"3\n")?;
    client.hears(THREE_LINES)?;
    client.hears_end()?;
    show.remarks("A FIN: whatever the client had sent was read by then.");

    show.step(
        "The same, but this client also says thank you. The server reads its first line only.",
        "FIN or RST? And do the three lines arrive?",
    )?;
    let mut client = show.client("client", &rude)?;
    client.says(b"3\nthank you\n")?;
    let heard = client.hears_all("three lines, or a reset")?;
    show.remarks(if heard == THREE_LINES {
        "A reset, since \"thank you\" was unread when the server closed. The three lines had arrived \
         by then, and Linux leaves them to the client. It looks like a blemish."
    } else {
        "A reset, since \"thank you\" was unread when the server closed. On this system it took away \
         even what had arrived."
    });

    show.step(
        &format!("Now {MANY} lines, for a client that begins to read when the server is done."),
        "how many of them will it get?",
    )?;
    read_late(show, &rude)?;
    show.remarks(
        "The server's writes had all succeeded: its kernel had taken the lines. The client's window \
         was full, so most of them still waited there. The reset threw them away.",
    );

    show.step(
        "The same server, politely: it half-closes, then reads on for a second at most.",
        "how many lines this time?",
    )?;
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    let args = ["politely"];
    let program = show.starts(
        "server",
        "ch03_rude_server",
        Some(addr),
        &args,
        Input::Nothing,
    )?;
    let addr = program.ready(PATIENCE)?;
    read_late(show, &Server { program, addr })?;
    show.closes(
        "A close is a FIN only if everything was read. With bytes unread it is a reset, and a reset \
         destroys what still waits to be sent. Who wants a last word to arrive shuts down writing, \
         reads on for a bounded time, and closes then.",
    );
    Ok(())
}

/// Asks for many lines, says thank you, and reads once the server says that it has closed: what the
/// server and the client then know goes to the room.
fn read_late(show: &mut Show, server: &Server) -> Played {
    let failed = |what: &str| {
        let what = what.to_string();
        move |err: std::io::Error| Leave::Failed(format!("{what}: {err}"))
    };
    let stream = TcpStream::connect_timeout(&server.addr, PATIENCE);
    let mut stream = stream.map_err(failed("cannot connect to the server"))?;
    let own = stream
        .local_addr()
        .map_err(failed("cannot tell our own address"))?;
    let bounded = stream.set_read_timeout(Some(PATIENCE));
    bounded.map_err(failed("cannot set a read timeout"))?;
    let asked = stream.write_all(format!("{MANY}\nthank you\n").as_bytes());
    asked.map_err(failed("cannot ask the server"))?;
    let closed = format!("{own} closed");
    let trail = show.audit(&server.program, |lines| {
        lines.iter().any(|line| line.starts_with(&closed))
    })?;
    let last = trail.into_iter().find(|line| line.starts_with(&closed));
    let (mut text, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    let ending = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break "the end of the stream (FIN)".to_string(),
            Ok(n) => text.extend_from_slice(&buffer[..n]),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) if err.kind() == ErrorKind::ConnectionReset => break "a reset".to_string(),
            Err(err) => return Err(failed("cannot read the lines")(err)),
        }
    };
    // Gone already, after a reset.
    _ = stream.shutdown(Shutdown::Both);
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    show.shows([
        format!("   the server's audit trail   {}", last.unwrap_or_default()),
        format!("   what the client read       {lines} lines, then {ending}"),
    ]);
    Ok(())
}
