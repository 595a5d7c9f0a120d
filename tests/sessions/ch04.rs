//! The sessions of chapter 4.

use crate::session::Session;

crate::sessions! {
    ch04_one_read ["nc", "od"] [""];
    ch04_two_at_once ["nc", "od"] [""];
    ch04_line_or_frame [] [""];
    ch04_any_cut ["nc", "od"] [""];
    ch04_exchange [] ["server", "client"];
    ch04_limits ["nc"] ["server", "client"];
    ch04_little_endian ["nc"] ["server", "client"];
    ch04_python ["python3"] [""];
}

const SERVER: &str = "cargo run --bin ch04_frame_server 127.0.0.1:7004";
const ONE_READ: &str = "cargo run -p exercises --bin ex04_frame_echo 127.0.0.1:7004";

const IN_TWO: &str =
    r"(printf '\0\0\0\5he'; sleep 1; printf 'llo') | nc -N 127.0.0.1 7004 | od -A d -c";

fn ch04_one_read(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ONE_READ);
    client.runs_to_its_end(r"printf '\0\0\0\5hello' | nc -N 127.0.0.1 7004 | od -A d -c");
    client.runs_to_its_end(IN_TWO);
}

fn ch04_two_at_once(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ONE_READ);
    client.runs_to_its_end(r"printf '\0\0\0\3one\0\0\0\3two' | nc -N 127.0.0.1 7004 | od -A d -c");
}

fn ch04_line_or_frame(session: &mut Session) {
    let mut terminal = session.terminal("");
    terminal.runs_to_its_end("cargo run --bin ch04_line_or_frame");
}

fn ch04_any_cut(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    client.runs_to_its_end(IN_TWO);
}

fn ch04_exchange(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    client.runs_to_its_end(
        r"printf 'hello\n\nhej hå\n' | cargo run --bin ch04_frame_client 127.0.0.1:7004",
    );
    server.shows("closed after 3 frames");
}

fn ch04_limits(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    client.runs_to_its_end(r"printf '\0\0\0\13hello' | nc -N 127.0.0.1 7004");
    server.shows("truncated");
    client.runs_to_its_end(r"printf '\377\377\377\377' | nc -N 127.0.0.1 7004");
    server.shows("too long");
}

fn ch04_little_endian(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    client.runs_to_its_end(r"printf '\5\0\0\0hello' | nc -N 127.0.0.1 7004");
    server.shows("too long");
}

fn ch04_python(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    client.runs_to_its_end("python3 book/listings/frame_client.py 127.0.0.1 7004 'hej hå'");
}
