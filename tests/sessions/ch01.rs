//! The sessions of chapter 1.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::session::{Session, root};
use crate::terminal::Terminal;

crate::sessions! {
    ch01_refused [] ["server", "client"];
    ch01_two_owners [] ["second", "client"];
    ch01_taken [] [""];
    ch01_tcp_and_udp ["nc"] [""];
    ch01_two_clients [] ["server", "client"];
    ch01_new_pid [] ["client"];
    ch01_any_port [] [""];
    ch01_wildcard [] ["server", "client"];
    ch01_firewall ["nc", "ss", "unshare -rn nft"] [""];
    ch01_nat ["unshare -rn nft"] [""];
    ch01_grade_shipped [] [""];
    ch01_grade_mended [] [""];
}

const SERVER: &str = "cargo run --bin ch01_five_tuple 127.0.0.1:7001";
const CLIENT: &str = "cargo run --bin ch01_five_tuple connect 127.0.0.1:7001";
const SECOND: &str = "cargo run --bin ch01_five_tuple 127.0.0.2:7001";
const TO_SECOND: &str = "cargo run --bin ch01_five_tuple connect 127.0.0.2:7001";

fn ch01_refused(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    client.runs_to_its_end(TO_SECOND);
}

fn ch01_two_owners(session: &mut Session) {
    let mut second = session.terminal("second");
    let mut client = session.terminal("client");
    let mut server = session.offstage();
    server.serves(SERVER);
    second.runs(SECOND);
    second.shows("listening on ");
    shows_pids(session, &mut [&mut server, &mut second]);
    client.runs_to_its_end(TO_SECOND);
    client.runs_to_its_end("cargo run --bin ch01_whoson 2> /dev/null | grep 7001");
}

fn ch01_taken(session: &mut Session) {
    let mut second = session.terminal("");
    let mut server = session.offstage();
    server.serves(SERVER);
    second.runs_to_its_end(SERVER);
    second.asks_for_the_status();
}

fn ch01_tcp_and_udp(session: &mut Session) {
    let mut client = session.terminal("");
    let (mut tcp, mut udp) = (session.offstage(), session.offstage());
    tcp.serves(SERVER);
    udp.runs("nc -u -v -l 127.0.0.1 7001");
    udp.shows("Bound on ");
    shows_pids(session, &mut [&mut tcp, &mut udp]);
    client.runs_to_its_end("cargo run --bin ch01_whoson 2> /dev/null | grep 7001");
}

fn ch01_two_clients(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(SERVER);
    for _ in 0..2 {
        client.runs_to_its_end(CLIENT);
        server.shows("closed");
    }
}

fn ch01_new_pid(session: &mut Session) {
    let mut client = session.terminal("client");
    let mut server = session.offstage();
    let whoson = "cargo run --bin ch01_whoson 2> /dev/null | grep 7001";
    server.serves(SERVER);
    shows_pids(session, &mut [&mut server]);
    client.runs_to_its_end(whoson);
    server.types_ctrl_c();
    server.serves(SERVER);
    session.shows_as(format!("{:>7}", server.pid()), "<pid 2>");
    client.runs_to_its_end(whoson);
}

fn ch01_any_port(session: &mut Session) {
    let mut server = session.terminal("");
    server.runs("cargo run --bin ch01_five_tuple 127.0.0.1:0");
    server.shows("listening on ");
    server.types_ctrl_c();
    server.runs_to_its_end("cat /proc/sys/net/ipv4/ip_local_port_range");
}

fn ch01_wildcard(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves("cargo run --bin ch01_five_tuple 0.0.0.0:7001");
    client.runs_to_its_end(CLIENT);
    client.runs_to_its_end(TO_SECOND);
}

fn ch01_firewall(session: &mut Session) {
    let mut shell = session.terminal("");
    for port in [7001, 7002, 7003] {
        session.has_port(port);
    }
    shell.runs_to_its_end(
        "unshare -rn sh book/listings/ch01_firewall.sh cargo run --bin ch01_port_scan",
    );
}

fn ch01_nat(session: &mut Session) {
    let mut shell = session.terminal("");
    session.has_port(7001);
    shell.runs_to_its_end(
        "unshare -rn sh book/listings/ch01_nat.sh cargo run --bin ch01_five_tuple",
    );
}

fn ch01_grade_shipped(session: &mut Session) {
    let mut learner = session.terminal("");
    session.shows_through(with_the_caret_in_its_place);
    let real = "cargo run --bin wireside grade ex01_caller_id \
                --cmd \"cargo run -p exercises --bin ex01_caller_id {addr}\"";
    learner.runs_as(
        "cargo course grade ex01_caller_id | head -8",
        &format!("{real} | head -8"),
    );
    learner.ends();
}

fn ch01_grade_mended(session: &mut Session) {
    let mut learner = session.terminal("");
    let mended = solution("sol01_caller_id");
    let real = format!("cargo run --bin wireside grade ex01_caller_id --cmd '{mended} {{addr}}'");
    learner.runs_as("cargo course grade ex01_caller_id", &real);
    learner.ends();
}

/// Shows the PIDs of what runs in these terminals as `<pid>`, `<pid 2>`, in a column of whoson.
fn shows_pids(session: &mut Session, terminals: &mut [&mut Terminal]) {
    for (index, terminal) in terminals.iter_mut().enumerate() {
        let shown = if index == 0 {
            "<pid>".to_string()
        } else {
            format!("<pid {}>", index + 1)
        };
        session.shows_as(format!("{:>7}", terminal.pid()), &format!("{shown:>7}"));
    }
}

/// Two ports may begin with the same digits. The book shows the caret at their first.
fn with_the_caret_in_its_place(text: &str) -> String {
    let lines =
        text.split_inclusive('\n')
            .map(|line| match line.trim_start().strip_prefix("^ byte ") {
                Some(_) => format!("{:31}^ byte 18\n", ""),
                None => line.to_string(),
            });
    lines.collect()
}

/// A solution, compiled: those that a session shows need std alone.
fn solution(name: &str) -> String {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "-o"])
        .arg(&program)
        .arg(root().join(format!("solutions/src/bin/{name}.rs")))
        .output()
        .expect("rustc runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    program.display().to_string()
}
