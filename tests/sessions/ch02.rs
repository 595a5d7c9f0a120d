//! The sessions of chapter 2.

use std::time::Duration;

use crate::session::Session;

crate::sessions! {
    ch02_one_read ["nc"] ["server", "client"];
    ch02_one_read_at_once ["nc"] [""];
    ch02_nc_waits ["nc"] [""];
    ch02_hello ["nc"] ["server", "client"];
    ch02_echo_nc ["nc"] ["server", "client"];
    ch02_echo_curl ["curl"] [""];
    ch02_echo_python ["python3"] [""];
    ch02_echo_node ["node"] [""];
    ch02_second_client ["nc"] ["server", "alice", "bob"];
    ch02_send_first [] [""];
    ch02_send_all [] [""];
    ch02_both_at_once [] [""];
}

const ECHO_SERVER: &str = "cargo run --bin ch02_echo_server 127.0.0.1:7002";
const ONE_READ: &str = "cargo run -p exercises --bin ex02_echo_server 127.0.0.1:7002";

fn ch02_one_read(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(ONE_READ);
    client.runs("nc 127.0.0.1 7002");
    client.types("hello");
    client.shows("hello");
    server.shows("closed after 6 bytes");
    client.types("is anybody there?");
    client.ends();
    client.asks_for_the_status();
}

fn ch02_one_read_at_once(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ONE_READ);
    client.runs_to_its_end(r"printf 'hello\nis anybody there?\n' | nc -N 127.0.0.1 7002");
}

fn ch02_nc_waits(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    client.runs("printf 'hello\\n' | nc 127.0.0.1 7002");
    client.shows("hello");
    client.stays_silent(Duration::from_millis(500));
    client.types_ctrl_c();
}

fn ch02_hello(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves("cargo run --bin ch02_hello_server 127.0.0.1:7002");
    client.runs("nc 127.0.0.1 7002 < /dev/null");
    client.ends();
    server.shows("closed");
}

fn ch02_echo_nc(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(ECHO_SERVER);
    client.runs("nc -N 127.0.0.1 7002");
    server.shows("connected");
    client.types("hello");
    client.shows("hello");
    client.types("is anybody there?");
    client.shows("there?");
    client.types_the_end();
    client.ends();
    server.shows("closed after 24 bytes");
}

fn ch02_echo_curl(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    client.runs("curl telnet://127.0.0.1:7002");
    client.types("hello from curl");
    client.shows("hello from curl");
    client.types_ctrl_c();
}

fn ch02_echo_python(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    client.runs_to_its_end("python3 book/listings/echo_client.py 127.0.0.1 7002");
}

fn ch02_echo_node(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    client.runs_to_its_end("node book/listings/echo_client.js 127.0.0.1 7002");
}

fn ch02_second_client(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut alice = session.terminal("alice");
    let mut bob = session.terminal("bob");
    server.serves(ECHO_SERVER);
    alice.runs("nc -N 127.0.0.1 7002");
    alice.types("I am Alice");
    alice.shows("I am Alice");
    server.shows("connected");
    bob.runs("nc -nvN 127.0.0.1 7002");
    bob.shows("succeeded");
    bob.types("I am Bob");
    bob.stays_silent(Duration::from_millis(500));
    alice.types_the_end();
    alice.ends();
    server.shows("closed");
    server.shows("connected");
    bob.shows("I am Bob");
    bob.types_the_end();
    bob.ends();
    server.shows("closed");
}

const SHIPPED_CLIENT: &str = "cargo run -p exercises --bin ex02_echo_client 127.0.0.1:7002";

fn ch02_send_first(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    client.runs_to_its_end(&format!("echo hello | {SHIPPED_CLIENT}"));
}

fn ch02_send_all(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    client.runs(&format!("head -c 100000000 /dev/zero | {SHIPPED_CLIENT}"));
    client.stays_silent(Duration::from_secs(2));
    client.types_ctrl_c();
}

fn ch02_both_at_once(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(ECHO_SERVER);
    let program = "cargo run --bin ch02_echo_client 127.0.0.1:7002";
    client.runs_to_its_end(&format!("head -c 100000000 /dev/zero | {program} | wc -c"));
}
