//! The sessions of chapter 9. Its certificates are made once, into the folder that the commands name.

use crate::session::Session;
use crate::terminal::Terminal;

crate::sessions! {
    ch09_plain ["--features tls"] ["wiretap", "client"];
    ch09_impostor ["--features tls", "openssl"] ["client"];
    ch09_make_certs ["--features tls"] [""];
    ch09_tls ["--features tls"] ["wiretap", "client"];
    ch09_refused ["--features tls"] ["client"];
    ch09_s_client ["--features tls", "openssl"] [""];
    ch09_doctor ["--features tls"] ["client"];
    ch09_silent ["--features tls", "nc"] ["server"];
    ch09_cut ["--features tls", "openssl"] ["server"];
    ch09_text ["--features tls", "openssl"] [""];
}

const MAKE: &str = "cargo run --features tls --bin ch09_make_certs certs";
const SERVER: &str = "cargo run --features tls --bin ch09_tls_server 127.0.0.1:7009 certs/server.pem certs/server.key";
const EXPIRED: &str = "cargo run --features tls --bin ch09_tls_server 127.0.0.1:7009 certs/expired.pem certs/server.key";
const STRANGER: &str = "cargo run --features tls --bin ch09_tls_server 127.0.0.1:7009 certs/unknown-ca.pem certs/server.key";
const WIRETAP: &str = "cargo run --bin ch09_wiretap 127.0.0.1:7010";
const CLIENT: &str = "cargo run --features tls --bin ch09_tls_client";

/// What differs from one run to the next: how long it took.
fn untimed(text: &str) -> String {
    let Some((before, after)) = text.split_once(" keys in ") else {
        return text.to_string();
    };
    let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
    format!("{before} keys in 0.9 {rest}")
}

/// Where OpenSSL's sources were when somebody compiled it, and its numbers for an error.
pub fn without_places(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let Some((before, rest)) = line.split_once("error:") else {
            return line.to_string();
        };
        let words: Vec<&str> = rest.split(':').collect();
        match &words[..] {
            // number : library : function : reason : file : line : more
            [_, library, _, reason, _, _, more @ ..] => {
                format!("{before}error:…:{library}:…:{reason}:…:{}", more.join(":"))
            }
            _ => line.to_string(),
        }
    });
    lines.collect()
}

/// The folder `certs`, made by a terminal that the book doesn't show, unless it is there.
pub fn certs(session: &Session) {
    use std::sync::Once;
    static MADE: Once = Once::new();
    // A key takes as long as its dice say: where the first try took too long, the next one makes them.
    MADE.call_once_force(|_| {
        let mut terminal: Terminal = session.offstage();
        terminal.runs_to_its_end(MAKE);
    });
}

fn ch09_plain(session: &mut Session) {
    let mut server = session.offstage();
    let mut wiretap = session.terminal("wiretap");
    let mut client = session.terminal("client");
    server.serves("cargo run --bin ch04_frame_server 127.0.0.1:7004");
    wiretap.relays(&format!("{WIRETAP} 127.0.0.1:7004"), 7010);
    client.runs("cargo run --bin ch04_frame_client 127.0.0.1:7010");
    client.types("password: swordfish");
    client.shows("password: swordfish");
    client.types_the_end();
    client.ends();
    wiretap.shows("server  says no more");
    server.shows("closed after");
}

fn ch09_impostor(session: &mut Session) {
    certs(session);
    let mut server = session.offstage();
    let mut client = session.terminal("client");
    server.serves(STRANGER);
    client.runs_to_its_end(
        r"printf '\0\0\0\23password: swordfish' | timeout 1 openssl s_client -quiet -CAfile certs/ca.pem -connect 127.0.0.1:7009 2>&1 | grep -aE 'error|password'",
    );
    server.shows("closed after");
}

fn ch09_make_certs(session: &mut Session) {
    session.shows_through(untimed);
    let mut terminal = session.terminal("");
    // Not while another session reads the old ones.
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("certs");
    terminal.runs_as(
        MAKE,
        &MAKE.replace(" certs", &format!(" {}", folder.display())),
    );
    terminal.ends();
    terminal.runs_as("ls certs", &format!("ls {}", folder.display()));
    terminal.ends();
}

fn ch09_tls(session: &mut Session) {
    certs(session);
    let mut server = session.offstage();
    let mut wiretap = session.terminal("wiretap");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    wiretap.relays(&format!("{WIRETAP} 127.0.0.1:7009"), 7010);
    client.runs_to_its_end(&format!(
        "echo 'password: swordfish' | {CLIENT} 127.0.0.1:7010 certs/ca.pem localhost"
    ));
    wiretap.shows("client  says no more");
    server.shows("closed after");
}

fn ch09_refused(session: &mut Session) {
    certs(session);
    session.shows_through(without_places);
    let mut client = session.terminal("client");
    let mut server = session.offstage();
    server.serves(STRANGER);
    client.runs_to_its_end(&format!(
        "echo 'password: swordfish' | {CLIENT} 127.0.0.1:7009 certs/ca.pem localhost"
    ));
    client.asks_for_the_status();
}

fn ch09_s_client(session: &mut Session) {
    certs(session);
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    client.runs_to_its_end(
        r"(printf '\0\0\0\5hello'; sleep 1) | openssl s_client -brief -CAfile certs/ca.pem -connect 127.0.0.1:7009 2>&1 | grep -aE 'version|Verification|hello'",
    );
}

fn ch09_doctor(session: &mut Session) {
    certs(session);
    session.shows_through(without_places);
    let mut client = session.terminal("client");
    let mut server = session.offstage();
    server.serves(EXPIRED);
    client.runs_to_its_end(
        "cargo run --features tls --bin ch09_tls_doctor 127.0.0.1:7009 certs/ca.pem localhost",
    );
}

fn ch09_silent(session: &mut Session) {
    certs(session);
    let mut server = session.terminal("server");
    server.serves(SERVER);
    let mut client = session.offstage();
    client.runs("nc 127.0.0.1 7009");
    server.shows("broke off");
}

fn ch09_cut(session: &mut Session) {
    certs(session);
    let mut server = session.terminal("server");
    let mut client = session.offstage();
    server.serves(SERVER);
    // Its end of stdin is no last word to OpenSSL: it is ended by its time.
    client.runs_to_its_end(
        r"printf '\0\0\0\13hello' | timeout 1 openssl s_client -quiet -connect 127.0.0.1:7009 2>/dev/null",
    );
    server.shows("broke off");
}

fn ch09_text(session: &mut Session) {
    certs(session);
    let mut terminal = session.terminal("");
    terminal.runs_to_its_end(
        "openssl x509 -noout -ext subjectAltName,basicConstraints,keyUsage,extendedKeyUsage -in certs/server.pem",
    );
}
