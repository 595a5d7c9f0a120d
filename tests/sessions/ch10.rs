//! The sessions of chapter 10. Its certificates are chapter 9's, and the list stands beside them.

use super::ch09::{certs as made, without_places};
use crate::session::Session;

crate::sessions! {
    ch10_refused_1_2 ["--features tls"] ["client"];
    ch10_refused_1_3 ["--features tls"] ["server", "client"];
    ch10_alice ["--features tls"] ["client"];
    ch10_bob ["--features tls"] ["client"];
    ch10_terms ["--features tls"] [""];
    ch10_terms_alice ["--features tls"] [""];
    ch10_suites ["--features tls", "openssl"] [""];
    ch10_resumed ["--features tls", "openssl"] [""];
}

const LIST: &str = r"printf 'alice read write\nbob read\n' > certs/list.txt";
const SERVER: &str = "cargo run --features tls --bin ch10_mutual_server 127.0.0.1:7010 certs/server.pem certs/server.key certs/ca.pem certs/list.txt";
const CLIENT: &str =
    "cargo run --features tls --bin ch10_mutual_client 127.0.0.1:7010 certs/ca.pem localhost";
const TERMS: &str =
    "cargo run --features tls --bin ch10_terms 127.0.0.1:7010 certs/ca.pem localhost";
const ALICE: &str = "certs/alice.pem certs/alice.key";
const S_CLIENT: &str = "openssl s_client -connect 127.0.0.1:7010 -CAfile certs/ca.pem -cert certs/alice.pem -key certs/alice.key";

fn certs(session: &Session) {
    use std::sync::Once;
    static LISTED: Once = Once::new();
    made(session);
    LISTED.call_once(|| session.offstage().runs_to_its_end(LIST));
}

fn ch10_refused_1_2(session: &mut Session) {
    certs(session);
    session.shows_through(without_places);
    let mut client = session.terminal("client");
    let mut server = session.offstage();
    server.serves(SERVER);
    client.runs_to_its_end(&format!("echo read | {CLIENT} 1.2"));
    client.asks_for_the_status();
}

fn ch10_refused_1_3(session: &mut Session) {
    certs(session);
    session.shows_through(without_places);
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    client.runs_to_its_end(&format!("echo read | {CLIENT} 1.3"));
    client.asks_for_the_status();
    server.shows("broke off");
}

fn ch10_alice(session: &mut Session) {
    certs(session);
    let mut client = session.terminal("client");
    let mut server = session.offstage();
    server.serves(SERVER);
    client.runs(&format!("{CLIENT} 1.3 {ALICE}"));
    client.shows("hello alice");
    client.types("write lunch at noon");
    client.shows("written");
    client.types("read");
    client.shows("lunch at noon");
    client.types_the_end();
    client.ends();
}

fn ch10_bob(session: &mut Session) {
    certs(session);
    let mut server = session.offstage();
    let mut client = session.terminal("client");
    server.serves(SERVER);
    client.runs_to_its_end(&format!(
        "echo write lunch at one | {CLIENT} 1.3 certs/bob.pem certs/bob.key"
    ));
    server.shows("closed, bob");
}

fn ch10_terms(session: &mut Session) {
    certs(session);
    let mut terminal = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    terminal.runs_to_its_end(TERMS);
}

fn ch10_terms_alice(session: &mut Session) {
    certs(session);
    let mut terminal = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    terminal.runs_to_its_end(&format!("{TERMS} - {ALICE}"));
}

fn ch10_suites(session: &mut Session) {
    certs(session);
    let mut terminal = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    for suites in ["", " -ciphersuites TLS_CHACHA20_POLY1305_SHA256"] {
        terminal.runs_to_its_end(&format!(
            "sleep 1 | {S_CLIENT} -cipher ECDHE-RSA-AES128-GCM-SHA256{suites} 2>&1 | grep -a 'Cipher is'"
        ));
    }
}

fn ch10_resumed(session: &mut Session) {
    certs(session);
    let mut terminal = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    for how in ["-sess_out certs/session", "-sess_in certs/session"] {
        terminal.runs_to_its_end(&format!(
            "sleep 1 | {S_CLIENT} {how} 2>&1 | grep -aoE '(New|Reused), .*|hello alice'"
        ));
    }
}
