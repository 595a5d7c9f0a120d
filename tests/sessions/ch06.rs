//! The sessions of chapter 6.

use crate::session::Session;

crate::sessions! {
    ch06_exhausted ["nc"] ["server"];
    ch06_survives ["nc"] ["server", "last"];
    ch06_pool ["nc"] ["bob", "carol"];
    ch06_chat ["nc"] ["alice"];
    ch06_cut_off ["nc"] ["server", "alice"];
}

/// How many descriptors are left for clients depends on what the shell had open: that they run out
/// is the lesson.
fn crowd(text: &str) -> String {
    let mut shown = String::new();
    let mut crowded = false;
    for line in text.lines() {
        let another = line.ends_with(" connected");
        match (another, crowded) {
            (true, true) if !shown.ends_with("…\n") => shown.push_str("…\n"),
            (true, true) => {}
            _ => {
                shown.push_str(line);
                shown.push('\n');
            }
        }
        crowded = another || crowded && line.ends_with(" connected");
    }
    shown
}

fn ch06_exhausted(session: &mut Session) {
    session.shows_through(crowd);
    // It names the address that it was given.
    session.shows_as("127.0.0.1:0:", "127.0.0.1:7006:");
    let mut server = session.terminal("server");
    server.serves("(ulimit -n 16; cargo run -p exercises --bin ex06_limited 127.0.0.1:7006)");
    let mut clients: Vec<_> = (0..20).map(|_| session.offstage()).collect();
    for client in &mut clients {
        client.runs("nc 127.0.0.1 7006");
    }
    server.shows("cannot serve");
    server.ends();
    server.asks_for_the_status();
}

fn ch06_survives(session: &mut Session) {
    session.shows_through(crowd);
    let mut server = session.terminal("server");
    let mut last = session.terminal("last");
    server.serves("(ulimit -n 16; cargo run --bin ch06_thread_server 127.0.0.1:7006)");
    let mut clients: Vec<_> = (0..20).map(|_| session.offstage()).collect();
    for client in &mut clients {
        client.runs("nc 127.0.0.1 7006");
    }
    server.shows("cannot take a client");
    last.runs("nc -N 127.0.0.1 7006");
    last.types("is anybody there");
    drop(clients);
    last.shows("is anybody there");
    last.types_the_end();
    last.ends();
}

fn ch06_pool(session: &mut Session) {
    let mut bob = session.terminal("bob");
    let mut carol = session.terminal("carol");
    let (mut server, mut alice) = (session.offstage(), session.offstage());
    // One worker, and a queue for one.
    server.serves("set -- 1 1; cargo run --bin ch06_pool_server 127.0.0.1:7006 $@");
    alice.runs("nc 127.0.0.1 7006");
    server.shows("has a worker");
    bob.runs("echo hello, this is Bob | nc -N 127.0.0.1 7006");
    server.shows("connected");
    carol.runs_to_its_end("nc -N 127.0.0.1 7006 </dev/null");
    bob.ends();
}

fn ch06_chat(session: &mut Session) {
    let mut alice = session.terminal("alice");
    let (mut server, mut bob) = (session.offstage(), session.offstage());
    server.serves("cargo run --bin ch06_chat_server 127.0.0.1:7006");
    alice.runs("nc -N 127.0.0.1 7006");
    server.shows("connected");
    bob.runs("nc -N 127.0.0.1 7006");
    server.shows("connected");
    alice.types("hello");
    alice.shows(": hello");
    bob.shows(": hello");
    bob.types("hello, whoever you are");
    alice.shows("whoever");
    bob.shows(": hello, whoever");
    alice.types_the_end();
    alice.ends();
    bob.types_the_end();
    bob.ends();
}

fn ch06_cut_off(session: &mut Session) {
    let mut server = session.terminal("server");
    let mut alice = session.terminal("alice");
    server.serves("cargo run -p exercises --bin ex06_shutdown 127.0.0.1:7006");
    alice.runs("nc -N 127.0.0.1 7006");
    alice.types("hello");
    alice.shows("hello");
    server.shows("connected");
    server.types("shutdown");
    server.ends();
    server.asks_for_the_status();
    alice.types("are you still there");
    alice.ends();
}
