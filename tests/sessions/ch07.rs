//! The sessions of chapter 7.

use crate::session::Session;
use crate::terminal::Terminal;

crate::sessions! {
    ch07_twice [] ["server", "link", "client"];
    ch07_once [] ["server"];
    ch07_cut [] ["server", "client"];
    ch07_nobody [] [""];
    ch07_lost [] [""];
    ch07_plain ["python3"] ["server", "client"];
    ch07_by_id [] ["client"];
    ch07_bad_day [] ["link", "client"];
}

const SERVER: &str = "cargo run --bin ch07_udp_server 127.0.0.1:7007";
const CLIENT: &str = "cargo run --bin ch07_udp_client 127.0.0.1:7070 --id 7";

/// The link between the client's 7070 and the server's 7007.
fn links(link: &mut Terminal, faults: &str) {
    link.serves_with(
        "cargo run --bin ch07_lossy_link 127.0.0.1:7070",
        &format!(" 127.0.0.1:7007 {faults}"),
    );
}

fn ch07_twice(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut link = session.terminal("link");
    let mut client = session.terminal("client");
    server.serves(&format!("{SERVER} forgetful"));
    links(&mut link, "--lose back:0");
    client.runs_to_its_end(&format!("{CLIENT} 'pay 10 euros'"));
    server.shows("pay");
    server.shows("pay");
    link.shows("← 1");
}

fn ch07_once(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.offstage();
    let mut link = session.offstage();
    server.serves(SERVER);
    links(&mut link, "--lose back:0");
    client.runs_to_its_end(&format!("{CLIENT} 'pay 10 euros'"));
    server.shows("again");
}

fn ch07_cut(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves("cargo run -p exercises --bin ex07_ack_server 127.0.0.1:7007");
    client.runs_to_its_end(
        "cargo run -q --bin ch07_udp_client 127.0.0.1:7007 --id 7 $(printf %1100s | tr ' ' x)",
    );
    server.shows("7 1020");
}

fn ch07_nobody(session: &mut Session) {
    let mut client = session.terminal("");
    client.runs_to_its_end("cargo run --bin ch07_udp_client 127.0.0.1:9 --id 7 hello");
    client.asks_for_the_status();
}

fn ch07_lost(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    let mut link = session.offstage();
    server.serves(SERVER);
    links(&mut link, "--lose out:0");
    client.runs_to_its_end(&format!("{CLIENT} hello"));
}

/// The first acknowledgement is late, so the first message is sent again; its second
/// acknowledgement comes, and the first one when the second message waits for its own.
const LATE: &str = "--delay back:0=450 --lose out:2";

fn ch07_plain(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    let mut link = session.offstage();
    server.serves("python3 book/listings/udp_ack.py 127.0.0.1:7007");
    links(&mut link, LATE);
    client.runs_to_its_end("cargo run --bin ch07_udp_client 127.0.0.1:7070 --plain one two");
    server.shows("one");
    server.shows("one");
}

fn ch07_by_id(session: &mut Session) {
    let mut server = session.offstage();
    let mut client = session.terminal("client");
    let mut link = session.offstage();
    server.serves(SERVER);
    links(&mut link, LATE);
    client.runs_to_its_end(&format!("{CLIENT} one two"));
    server.shows("8 ");
}

fn ch07_bad_day(session: &mut Session) {
    let mut server = session.offstage();
    let mut link = session.terminal("link");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    links(&mut link, "--seed 5 --lose 30%");
    client.runs_to_its_end(&format!("{CLIENT} one two three"));
    server.shows("9 ");
    link.shows("← 3");
}
