//! *Connected is not accepted*: TLS 1.2 and 1.3 refuse the same client at different moments.

use super::ch09_tls::{Certs, Tap};
use super::show::Server;
use super::{Demo, Leave, Played, Show};
use crate::grader::bytes;
use crate::grader::program::{Input, PATIENCE, Program};
use crate::grader::transcript::What;
use std::net::Ipv4Addr;
use std::sync::Arc;

pub const DEMO: Demo = Demo {
    name: "ch10_beneath",
    title: "Connected is not accepted",
    minutes: 12,
    programs: &[
        "ch09_make_certs",
        "ch09_wiretap",
        "ch10_mutual_server",
        "ch10_mutual_client",
    ],
    play,
};

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "A server that asks its clients for a certificate, and keeps a line of text for those on its \
         list: alice may read and write it, bob may read it. Alice comes, with her certificate.",
        "when does the server know that it is she: before her first line, or with it?",
    )?;
    let door = Door::open(show)?;
    let alice = ["1.3", "alice"];
    let lines = b"write lunch at noon\nread\n";
    let came = door.client(show, &door.server, &alice, lines)?;
    door.told(show, &came, lines)?;
    show.remarks(
        "Before: its greeting has her name. She has proven in the handshake that she has the key to which \
         the certificate belongs. Nobody has typed a password, and none was sent.",
    );

    show.step(
        "Now somebody without a certificate, by TLS 1.2, through chapter 9's wiretap.",
        "does the client get as far as `connected`?",
    )?;
    let mut tap = Tap::on(show, &door.server)?;
    tap.joins = true;
    let came = door.client(show, &tap.line, &["1.2"], b"read\n")?;
    tap.shows_refusal(show)?;
    door.told(show, &came, b"")?;
    show.remarks(
        "No. Under 1.2 the server has the last word of the handshake, and here that was an alert. The \
         client's `connect` has failed.",
    );

    show.step("The same client, the same server, TLS 1.3.", "and now?")?;
    let mut tap = Tap::on(show, &door.server)?;
    tap.joins = true;
    let came = door.client(show, &tap.line, &["1.3"], b"read\n")?;
    tap.shows_refusal(show)?;
    door.told(show, &came, b"")?;
    show.remarks(
        "Connected, and refused. Under 1.3 the client has done its part before the server looks at what \
         it was shown. Whoever logs \"accepted\" when `connect` returns, logs a guess.",
    );

    show.step(
        "Last comes bob. His certificate is in order.",
        "may he write?",
    )?;
    let bob = ["1.3", "bob"];
    let lines = b"read\nwrite lunch at one\n";
    let came = door.client(show, &door.server, &bob, lines)?;
    door.told(show, &came, lines)?;
    show.remarks(
        "Greeted by name, and not allowed. Who he is, the certificate says. What he may do, it can't say: \
         that stands on a list, and lists change sooner than certificates expire.",
    );
    show.closes(
        "A certificate answers who are you, a list answers what may you. Under TLS 1.3 a client that is \
         connected isn't accepted yet: read before you believe, and let a server speak first. And who \
         refuses should stay for a moment, or the reset comes before the alert.",
    );
    Ok(())
}

/// The server, and what its clients need.
pub(super) struct Door {
    certs: Certs,
    pub server: Server,
}

impl Door {
    pub fn open(show: &mut Show) -> Result<Door, Leave> {
        let certs = Certs::made(show)?;
        let list = certs.file("list.txt");
        std::fs::write(&list, "alice read write\nbob read\n")
            .map_err(|err| Leave::Failed(format!("cannot write the list: {err}")))?;
        let (cert, key) = (certs.file("server.pem"), certs.file("server.key"));
        let (ca, any) = (certs.file("ca.pem"), Some((Ipv4Addr::LOCALHOST, 0).into()));
        let args = [&cert, &key, &ca, &list].map(String::as_str);
        let program =
            show.starts_aside("server", "ch10_mutual_server", any, &args, Input::Nothing)?;
        let addr = program.ready(PATIENCE)?;
        show.notes_arrow("server", What::Listens, &addr.to_string());
        let server = Server { program, addr };
        Ok(Door { certs, server })
    }

    /// A client that has ended: its newest version, and whose certificate it shows, if it has one.
    pub fn client(
        &self,
        show: &mut Show,
        to: &Server,
        what: &[&str],
        lines: &[u8],
    ) -> Result<Arc<Program>, Leave> {
        let ca = self.certs.file("ca.pem");
        let mut args = vec![ca, "localhost".to_string(), what[0].to_string()];
        if let Some(name) = what.get(1) {
            args.push(self.certs.file(&format!("{name}.pem")));
            args.push(self.certs.file(&format!("{name}.key")));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let input = Input::Bytes(lines.to_vec());
        let addr = Some(to.addr);
        let client = show.starts_aside("client", "ch10_mutual_client", addr, &args, input)?;
        if client.wait_exit(PATIENCE).is_none() {
            let why = "the client has not ended within 10 s";
            return Err(Leave::Failed(why.to_string()));
        }
        client.wait_output(PATIENCE, |stdout, stderr| stdout.closed && stderr.closed);
        Ok(client)
    }

    /// What the client said of it, and the lines that went to and fro. It says `connected` before
    /// anything was answered.
    pub fn told(&self, show: &Show, client: &Program, lines: &[u8]) -> Played {
        let (stdout, stderr) = client.outputs();
        for line in bytes::harmless(&stderr.bytes).lines() {
            // OpenSSL's words differ from version to version.
            let line = match line.split_once(": ") {
                Some((tried, why)) if tried.starts_with("cannot talk") => {
                    match why.starts_with("no handshake") {
                        true => "fails: no handshake",
                        false => "fails: its first read",
                    }
                }
                _ => line,
            };
            show.notes("client", line);
        }
        let mut replies = stdout.bytes.split_inclusive(|byte| *byte == b'\n');
        let mut hears = || match replies.next() {
            Some(reply) => {
                let note = bytes::harmless(reply);
                show.notes_arrow("client", What::Hears, note.trim_end());
                true
            }
            None => false,
        };
        if !hears() {
            return Ok(());
        }
        for line in bytes::harmless(lines).lines() {
            show.notes_arrow("client", What::Says, line);
            hears();
        }
        Ok(())
    }
}
