//! *What the eavesdropper sees*: the same message, plain and in TLS, as it goes by on the line.

use super::show::{Leave, Server};
use super::{Demo, Played, Show};
use crate::grader::platform::Exit;
use crate::grader::program::{Input, PATIENCE, Program};
use crate::grader::transcript::What;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

pub const DEMO: Demo = Demo {
    name: "ch09_tls",
    title: "What the eavesdropper sees",
    minutes: 10,
    programs: &[
        "ch04_frame_server",
        "ch04_frame_client",
        "ch09_make_certs",
        "ch09_tls_server",
        "ch09_tls_client",
        "ch09_wiretap",
    ],
    play,
};

const SECRET: &[u8] = b"password: swordfish\n";

/// Eight searches for two large primes: a second, or many of them on a busy machine.
const KEYS: Duration = Duration::from_secs(90);

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "A password goes out in a frame, over TCP. Between client and server sits ch09_wiretap, \
         which passes everything on, and writes down what it sees.",
        "what does it see?",
    )?;
    let plain = show.serves("server", "ch04_frame_server")?;
    let mut tap = Tap::on(show, &plain)?;
    let to = Some(tap.line.addr);
    let client = show.starts_aside("client", "ch04_frame_client", to, &[], Input::Typed)?;
    client.types(SECRET);
    // The answer first, then the end of stdin: so the arrows come in one order each time.
    client.wait_output(PATIENCE, |stdout, _| stdout.bytes.ends_with(b"\n"));
    client.ends_typing();
    tap.shows(show, &client)?;
    show.remarks(
        "Everything, both ways. TCP brings each byte to the right place, in order and unharmed. It \
         hides none of them, and anybody on the way could have changed them, sum and all.",
    );

    show.step(
        "Now TLS. The server needs a certificate, so somebody has to sign one: ch09_make_certs.",
        "which of its files must never leave the machine?",
    )?;
    let certs = Certs::made(show)?;
    show.remarks(
        "Those that end in .key. ca.pem is what clients trust, server.pem what the server shows: both \
         may be read by the whole world.",
    );

    show.step(
        "The same password, the same frame, over TLS.",
        "what can the eavesdropper still read?",
    )?;
    let server = certs.serves(show)?;
    let mut tap = Tap::on(show, &server)?;
    tap.joins = true;
    certs.says(show, &mut tap, SECRET)?;
    show.remarks(
        "Whom the client wants (the name in its hello), and whose certificate it was shown. That they \
         talk, when, how often, and how much: 23 bytes of frame are 39 on the line, every time. The \
         password is nowhere.",
    );

    show.step(
        "One more conversation: a word of three letters, and one of two.",
        "they are \"yes\" and \"no\". Can he tell which came first?",
    )?;
    certs.says(show, &mut tap, b"yes\nno\n")?;
    show.remarks(
        "He can. Lengths aren't hidden, so where a length tells something, messages must be made \
         equally long.",
    );
    show.closes(
        "TLS puts the same bytes into an envelope. Nobody on the way reads them, and nobody changes \
         them unnoticed. Who writes to whom, when, and how much stays outside on the envelope. And it \
         is worth as much as the certificate in front of it: a secret told to a stranger is told.",
    );
    Ok(())
}

/// A wiretap on the line to a server.
pub(super) struct Tap {
    /// What the client takes for the server.
    pub line: Server,
    /// Lines of its output that were shown already.
    seen: usize,
    /// What goes one way is drawn in one row where it fits: a room has 24 of them.
    pub joins: bool,
}

impl Tap {
    pub fn on(show: &mut Show, server: &Server) -> Result<Tap, Leave> {
        let to = server.addr.to_string();
        let any = Some((Ipv4Addr::LOCALHOST, 0).into());
        let program = show.starts_aside("wiretap", "ch09_wiretap", any, &[&to], Input::Nothing)?;
        let addr = program.ready(PATIENCE)?;
        let line = Server { program, addr };
        Ok(Tap {
            line,
            seen: 1,
            joins: false,
        })
    }

    /// Waits for the client's end, and puts what the wiretap saw of its connection into the record.
    pub fn shows(&mut self, show: &Show, client: &Program) -> Played {
        match client.wait_exit(PATIENCE) {
            Some((Exit::Status(0), _)) => {}
            _ => {
                client.wait_output(PATIENCE, |_, stderr| stderr.closed);
                let last = client.outputs().1.last_lines(1).join("");
                return Err(Leave::Failed(format!("the client failed: {last}")));
            }
        }
        let lines = self.lines()?;
        draws(show, &lines, self.joins);
        Ok(())
    }

    /// The same of a connection that the server has refused. Who ends first is a race, and means
    /// nothing: the server's end is drawn first.
    pub fn shows_refusal(&mut self, show: &Show) -> Played {
        let mut lines = self.lines()?;
        lines.sort_by_key(|line| (is_end(line), is_end(line) && line.contains(" s  client")));
        draws(show, &lines, self.joins);
        Ok(())
    }

    /// What the wiretap says of one connection, to its end.
    fn lines(&mut self) -> Result<Vec<String>, Leave> {
        // Each direction ends with such a line.
        let lines = |bytes: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(bytes);
            text.lines().skip(self.seen).map(String::from).collect()
        };
        let is_whole = |bytes: &[u8]| {
            let ends = lines(bytes).iter().filter(|line| is_end(line)).count();
            ends >= 2 && bytes.ends_with(b"\n")
        };
        let program = &self.line.program;
        if !program.wait_output(PATIENCE, |stdout, _| is_whole(&stdout.bytes)) {
            let why = "the wiretap has not seen the end of the connection within 10 s";
            return Err(Leave::Failed(why.to_string()));
        }
        let lines = lines(&program.outputs().0.bytes);
        self.seen += lines.len();
        Ok(lines)
    }
}

/// Columns on the arrow between two lanes, on a terminal of 80.
const ROOM: usize = 50;

/// What the wiretap saw, by whom: a row each, or together what went one way and has room in one. A
/// name that a certificate has twice, its own and its issuer's say, is then told once.
fn rows(lines: &[String], joins: bool) -> Vec<(&str, String)> {
    let mut rows: Vec<(&str, String)> = Vec::new();
    for line in lines {
        // `  0 s  client  WHAT`
        let Some((_, line)) = line.split_once(" s  ") else {
            continue;
        };
        let (who, what) = line.split_once("  ").unwrap_or(("", line));
        if !joins {
            rows.push((who, what.to_string()));
            continue;
        }
        let what = match what.split_once("readable: ") {
            Some((before, names)) => {
                let mut once: Vec<&str> = Vec::new();
                for name in names.split(", ") {
                    if !once.contains(&name) {
                        once.push(name);
                    }
                }
                format!("{before}readable: {}", once.join(", "))
            }
            None => what.to_string(),
        };
        // Beside what is encrypted there is no need to say that it will be.
        let short = |what: &str| {
            what.trim_end_matches(": encrypted from here on")
                .to_string()
        };
        let both = match rows.last() {
            Some((last, before)) if *last == who && !is_end(&what) => {
                Some(format!("{} + {}", short(before), short(&what)))
            }
            _ => None,
        };
        match both.filter(|both| both.chars().count() <= ROOM) {
            Some(both) => {
                rows.pop();
                rows.push((who, both));
            }
            None => rows.push((who, what)),
        }
    }
    rows
}

/// Puts what the wiretap saw into the record.
fn draws(show: &Show, lines: &[String], joins: bool) {
    for (who, what) in rows(lines, joins) {
        let what = what.as_str();
        let event = match (who, is_end(what)) {
            ("client", false) => What::Says,
            ("client", true) => What::HalfCloses,
            (_, false) => What::Hears,
            (_, true) => What::HearsEnd,
        };
        let note = match event {
            What::Says | What::Hears => what,
            _ => "",
        };
        show.notes_arrow("client", event, note);
    }
}

/// Whether a line of the wiretap's is the last of its direction.
fn is_end(line: &str) -> bool {
    line.ends_with("(FIN)") || line.ends_with("breaks off")
}

/// A folder of certificates, gone when the demo is.
pub(super) struct Certs(PathBuf);

impl Certs {
    pub fn made(show: &mut Show) -> Result<Certs, Leave> {
        let certs = Certs(std::env::temp_dir().join(format!("{}-certs", show.mark())));
        let folder = certs.0.display().to_string();
        // A silence of some seconds, and what is drawn of it is nothing: so it is announced.
        let words = "   ch09_make_certs makes keys, for some seconds: ";
        show.announces(words, |show| {
            let output = show.output_within("ch09_make_certs", &[&folder], KEYS)?;
            match output.last() {
                Some(line) if line.contains("certificates") => Ok(untimed(line).to_string()),
                _ => {
                    let why = "ch09_make_certs has made no certificates";
                    Err(Leave::Failed(why.to_string()))
                }
            }
        })?;
        Ok(certs)
    }

    /// The TLS server, with the certificate that is in order.
    pub fn serves(&self, show: &mut Show) -> Result<Server, Leave> {
        let (cert, key) = (self.file("server.pem"), self.file("server.key"));
        let any = Some((Ipv4Addr::LOCALHOST, 0).into());
        let args = [cert.as_str(), key.as_str()];
        let program = show.starts_aside("server", "ch09_tls_server", any, &args, Input::Nothing)?;
        let addr = program.ready(PATIENCE)?;
        Ok(Server { program, addr })
    }

    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// The TLS client says these lines, through the wiretap.
    pub fn says(&self, show: &mut Show, tap: &mut Tap, lines: &[u8]) -> Played {
        let ca = self.file("ca.pem");
        let input = Input::Bytes(lines.to_vec());
        let args = [ca.as_str(), "localhost"];
        let client = show.starts_aside(
            "client",
            "ch09_tls_client",
            Some(tap.line.addr),
            &args,
            input,
        )?;
        tap.shows(show, &client)
    }
}

/// Without the time that it took, which is another one each time.
fn untimed(line: &str) -> &str {
    line.split_once(" in ").map_or(line, |(made, _)| made)
}

impl Drop for Certs {
    fn drop(&mut self) {
        // Nothing of it is worth keeping; where it can't be removed, the system will.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
