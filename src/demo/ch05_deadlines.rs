//! *A half-second timeout that lasts five seconds*: what a timeout bounds, what a deadline does, and
//! what may be tried again.

use super::show::Leave;
use super::{Demo, Played, Show};
use crate::grader::check::Told;
use crate::grader::client::Client;
use crate::grader::program::Input;
use std::thread;
use std::time::Duration;

pub const DEMO: Demo = Demo {
    name: "ch05_deadlines",
    title: "A half-second timeout that lasts five seconds",
    minutes: 10,
    programs: &[
        "ch05_audit_server",
        "ch05_patient_client",
        "ch05_strict_server",
        "ch05_retry_client",
        "ch01_five_tuple",
    ],
    play,
};

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "A client that waits half a second for each byte asks for /slowly.",
        "after how long does it give up?",
    )?;
    let server = show.serves("server", "ch05_audit_server")?;
    let each = ["/slowly", "500", "each"];
    show.gathers();
    let said = show.in_real_time(|show| {
        let guest = show.calls("client", "ch05_patient_client", &each, &server)?;
        show.leaves(guest)
    })?;
    // What the client said and what it means, in one: the step fills a terminal of 24 rows.
    show.remarks(&if said.contains(" answered ") {
        format!(
            "It doesn't: {said}. No byte took longer than half a second, and nobody had spoken of the sum."
        )
    } else {
        format!("This machine is so busy that one byte was late: {said}. Play it again.")
    });

    show.step(
        "The same, with half a second for all of it.",
        "how much of the answer will it have?",
    )?;
    let all = ["/slowly", "500"];
    let said = show.in_real_time(|show| {
        let guest = show.calls("client", "ch05_patient_client", &all, &server)?;
        show.leaves(guest)
    })?;
    show.shows([format!("   {said}")]);
    show.remarks(
        "A server that sends a byte now and then holds the first client for ever, and this one for half \
         a second. A deadline is a moment. Before each call the client computes what is left until then, and \
         gives that to the call as its timeout.",
    );

    show.step(
        "The other way round: a client that drips, at ch05_strict_server.",
        "it sends a number now and then. When is it told what?",
    )?;
    let strict = show.serves("server", "ch05_strict_server")?;
    show.in_real_time(|show| -> Played {
        let mut mallory = show.client("client", &strict)?;
        drips(show, &mut mallory)?;
        mallory.hears(b"error: too slow\n")?;
        Ok(mallory.hears_clean_end()?)
    })?;
    show.remarks(
        "Two seconds after it had connected, though its last byte was fresh. The server says why, \
         half-closes, and lets go.",
    );

    show.step(
        "Nobody listens. ch05_retry_client GETs a page, and then a server starts there.",
        "how long are the pauses between its attempts?",
    )?;
    let empty = show.empty_port()?;
    let (addr, get) = (empty.addr, ["GET"]);
    let program = "ch05_retry_client";
    let (client, late) = show.in_real_time(|show| {
        let client = show.starts("client", program, Some(addr), &get, Input::Nothing)?;
        show.audit(&client, |lines| lines.len() >= 3)?;
        drop(empty);
        let late = show.serves_at("server", "ch05_audit_server", addr)?;
        if late.addr == addr {
            show.ends(&client)?;
        }
        Ok::<_, Leave>((client, late))
    })?;
    show.shows(show.audit(&client, |_| true)?);
    let answer = show.audit(&late.program, |lines| {
        late.addr != addr || lines.iter().any(|line| line.contains(" sent "))
    })?;
    show.shows(answer);
    show.remarks(
        "Each pause is drawn by lot, up to 100 ms, then 200, 400, 800. Played again, these are others: \
         clients that failed together don't come again together.",
    );

    show.step(
        "A POST, and a server that takes the connection and hangs up without a word.",
        "how many attempts?",
    )?;
    let rude = show.serves("server", "ch01_five_tuple")?;
    let (addr, post) = (Some(rude.addr), ["POST"]);
    let client = show.starts("client", program, addr, &post, Input::Nothing)?;
    show.ends(&client)?;
    let said = show.audit(&client, |lines| !lines.is_empty())?;
    show.remarks(&said.join("\n"));
    show.closes(
        "A timeout bounds a call, a deadline all of them. Whoever waits sets one, also a server. Try \
         again what can't have been done, or may be done twice; with pauses that grow, by lot, and \
         within a budget. What may have been done, and must not be done twice, never.",
    );
    Ok(())
}

/// Says a number every 600 ms, three times, and then no more.
pub(super) fn drips(show: &Show, client: &mut Client) -> Told {
    for number in [&b"1\n"[..], b"2\n", b"3\n"] {
        client.says(number)?;
        show.notes("client", "waits for 600 ms");
        thread::sleep(Duration::from_millis(600));
    }
    Ok(())
}
