//! The sessions of chapter 5. What takes time may take more on a busy machine: the book shows what
//! was meant.

use crate::session::Session;

crate::sessions! {
    ch05_each [] [""];
    ch05_budget [] [""];
    ch05_post ["nc"] ["server", "client"];
    ch05_drop_reject ["unshare -rn nft"] [""];
    ch05_strict ["nc"] ["server", "client"];
    ch05_refused [] [""];
    ch05_trail ["nc"] ["server", "client"];
}

const AUDIT: &str = "cargo run --bin ch05_audit_server 127.0.0.1:7005";

fn ch05_each(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    session.shows_through(as_planned);
    server.serves(AUDIT);
    client.runs_to_its_end("cargo run --bin ch05_patient_client 127.0.0.1:7005 /slowly 500 each");
}

fn ch05_budget(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    session.shows_through(as_planned);
    server.serves(AUDIT);
    client.runs_to_its_end("cargo run --bin ch05_patient_client 127.0.0.1:7005 /slowly 500");
    client.asks_for_the_status();
}

fn ch05_post(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    session.shows_through(without_cr);
    server.serves("nc -lvnN 127.0.0.1 7005 </dev/null");
    client.runs_to_its_end("cargo run --bin ch05_retry_client 127.0.0.1:7005 POST");
    server.ends();
}

fn ch05_drop_reject(session: &mut Session) {
    let mut shell = session.terminal("");
    session.shows_through(as_planned);
    for port in [7005, 7006, 7007] {
        session.has_port(port);
    }
    shell.runs_to_its_end(
        "unshare -rn sh book/listings/ch05_drop_reject.sh cargo run --bin ch05_patient_client",
    );
}

fn ch05_strict(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves("cargo run --bin ch05_strict_server 127.0.0.1:7005");
    client.runs_to_its_end(r"printf '1\n2\n3\n' | nc -N 127.0.0.1 7005");
    server.shows("sum: 6");
    client.runs_to_its_end(r"(printf '1\n'; sleep 3; printf '2\n') | nc -N 127.0.0.1 7005");
    server.shows("closed after \"error");
}

fn ch05_refused(session: &mut Session) {
    let mut client = session.terminal("");
    session.shows_through(by_lot);
    session.has_port(7009);
    client
        .runs_to_its_end("cargo run -q --bin ch05_retry_client 127.0.0.1:7009 GET 2>&1 | head -4");
}

fn ch05_trail(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    session.shows_through(without_the_time);
    server.serves(AUDIT);
    client.runs(r"(printf 'GET /h'; sleep 1; printf 'ello\r\n\r\n') | nc -N 127.0.0.1 7005");
    server.shows("received 6 bytes");
    client.ends();
    server.shows("closed");
}

/// The seconds that are printed, as they are on a machine that has nothing else to do.
fn as_planned(text: &str) -> String {
    const PLANNED: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 5.1];
    let words = text
        .split_inclusive(' ')
        .map(|word| match word.trim_end().parse::<f64>() {
            Ok(seconds) if word.contains('.') => {
                let planned = PLANNED.iter().rfind(|planned| **planned <= seconds);
                word.replace(
                    word.trim_end(),
                    &format!("{:.1}", planned.unwrap_or(&seconds)),
                )
            }
            _ => word.to_string(),
        });
    without_cr(&words.collect::<String>())
}

/// A pause that was drawn by lot is another one in each run.
fn by_lot(text: &str) -> String {
    let lines = text
        .split_inclusive('\n')
        .map(|line| match line.split_once("next in ") {
            Some((before, _)) => format!("{before}next in <pause> ms\n"),
            None => line.to_string(),
        });
    lines.collect()
}

/// `14:02:07.301` as `<time>`.
fn without_the_time(text: &str) -> String {
    let is_time = |word: &str| {
        let word = word.trim_end();
        word.len() == 12 && word.chars().all(|c| c.is_ascii_digit() || ":.".contains(c))
    };
    let words = text.split_inclusive(' ').map(|word| match is_time(word) {
        true => "<time> ",
        false => word,
    });
    without_cr(&words.collect::<String>())
}

/// HTTP ends its lines with CR LF. A terminal shows nothing of the CR, and git takes it away.
fn without_cr(text: &str) -> String {
    text.replace('\r', "")
}
