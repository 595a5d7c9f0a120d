//! The sessions of chapter 3.

use std::time::Duration;

use crate::session::Session;
use crate::terminal::Terminal;

crate::sessions! {
    ch03_rude ["python3"] ["server", "client"];
    ch03_politely ["python3"] ["server", "client"];
    ch03_one_read ["nc"] [""];
    ch03_at_once ["nc"] [""];
    ch03_split ["nc"] [""];
    ch03_rn ["nc"] [""];
    ch03_idle ["nc"] ["server"];
    ch03_sum_waits ["nc"] [""];
    ch03_sum ["nc"] [""];
    ch03_states ["nc", "ss"] ["client", "kernel"];
    ch03_tcpdump_fin ["nc", "ss", "unshare -n tcpdump"] [""];
    ch03_tcpdump_rst ["nc", "ss", "unshare -n tcpdump"] [""];
}

const SHOUT: &str = "cargo run --bin ch03_shout_server 127.0.0.1:7003";
const SUM: &str = "cargo run --bin ch03_sum_server 127.0.0.1:7003";
const RUDE: &str = "cargo run --bin ch03_rude_server 127.0.0.1:7003";

/// The client reads when the server says that it has closed.
fn read_late(session: &mut Session, rude: &str) {
    let mut server = session.terminal("server");
    let mut client = session.terminal("client");
    server.serves(rude);
    client.runs("python3 book/listings/late_reader.py 127.0.0.1 7003");
    client.shows("Enter reads them");
    server.shows("closed");
    client.types("");
    client.ends();
}

fn ch03_rude(session: &mut Session) {
    session.shows_through(some_of_the_lines);
    read_late(session, RUDE);
}

/// How many lines had arrived is the kernel's affair; that they were not all is the lesson.
fn some_of_the_lines(text: &str) -> String {
    let Some((before, rest)) = text.split_once("lines: ") else {
        return text.to_string();
    };
    let digits = rest.find(' ').unwrap_or(rest.len());
    match rest[..digits].parse() {
        Ok(1..50_000) => format!("{before}lines: <some>{}", &rest[digits..]),
        _ => text.to_string(),
    }
}

fn ch03_politely(session: &mut Session) {
    read_late(session, &format!("{RUDE} politely"));
}

fn ch03_one_read(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves("cargo run -p exercises --bin ex03_line_server 127.0.0.1:7003");
    client.runs_to_its_end(r"printf 'hello\n' | nc -N 127.0.0.1 7003");
    client.runs_to_its_end(r"printf 'hello\nworld\n' | nc -N 127.0.0.1 7003");
}

fn ch03_at_once(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SHOUT);
    client.runs_to_its_end(r"printf 'hello\nworld\n' | nc -N 127.0.0.1 7003");
}

fn ch03_split(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SHOUT);
    client.runs_to_its_end(r"(printf 'caf\303'; sleep 1; printf '\251\n') | nc -N 127.0.0.1 7003");
}

fn ch03_rn(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SHOUT);
    client.runs_to_its_end(r"printf 'hello\r\n' | nc -N 127.0.0.1 7003 | od -c");
    client.runs_to_its_end("printf 'hellorn' | nc -N 127.0.0.1 7003 | od -c");
}

fn ch03_idle(session: &mut Session) {
    let mut server = session.terminal("server");
    let (mut alice, mut bob) = (session.offstage(), session.offstage());
    server.serves(SHOUT);
    alice.runs("nc -N 127.0.0.1 7003");
    server.shows("connected");
    bob.runs("nc -N 127.0.0.1 7003");
    server.shows("connected");
    bob.types("I am Bob");
    bob.shows("I AM BOB");
    bob.types_the_end();
    bob.ends();
    server.shows("closed");
    alice.types("I am Alice");
    alice.shows("I AM ALICE");
    alice.types_the_end();
    alice.ends();
    server.shows("closed");
}

fn ch03_sum_waits(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SUM);
    client.runs(r"printf '1\n2\n3\n' | nc 127.0.0.1 7003");
    client.stays_silent(Duration::from_millis(500));
    client.types_ctrl_c();
}

fn ch03_sum(session: &mut Session) {
    let mut client = session.terminal("");
    let mut server = session.offstage();
    server.serves(SUM);
    client.runs_to_its_end(r"printf '1\n2\n3\n' | nc -N 127.0.0.1 7003");
}

fn ch03_states(session: &mut Session) {
    session.shows_through(in_columns);
    let mut client = session.terminal("client");
    let mut kernel = session.terminal("kernel");
    let mut server = session.offstage();
    server.serves(RUDE);
    client.runs("nc 127.0.0.1 7003");
    server.shows("connected");
    states(session, &mut kernel, "ESTAB");
    client.types("3");
    client.shows("line 3");
    server.shows("closed");
    // Not at once: the client's kernel may take 40 ms to acknowledge the FIN.
    states(session, &mut kernel, "FIN-WAIT-2");
    client.types_the_end();
    client.ends();
    states(session, &mut kernel, "TIME-WAIT");
}

/// What `ss` shows once it shows this state, and no FIN that waits to be read.
fn states(session: &Session, kernel: &mut Terminal, due: &str) {
    let command = "ss -tan | grep 7003 | sort";
    let real = session.command(&format!(
        "until ss -tan | grep 7003 | grep -q {due} && ! ss -tan | grep 7003 | \
         grep -q 'CLOSE-WAIT *[1-9]'; do sleep 0.02; done; {command}"
    ));
    kernel.runs_as(command, &real);
    kernel.ends();
}

/// `ss` makes its columns as wide as the ports are long, and their order depends on the real ones.
fn in_columns(text: &str) -> String {
    let line = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [state, unread, unsent, local, peer] if state.chars().all(|c| !c.is_lowercase()) => {
            format!("{state:<11}{unread:<4}{unsent:<5}{local:<18}{peer}\n")
        }
        _ => format!("{line}\n"),
    };
    let mut lines: Vec<String> = text.lines().map(line).collect();
    if text.contains("LISTEN") {
        lines.sort();
    }
    lines.concat()
}

const FLAGS: &str = "tcpdump -i lo -nt 'tcp port 7003 and tcp[13] & 7 != 0'";

/// What `tcpdump` shows of a conversation, in a network of its own.
fn dump(session: &mut Session, script: &str, program: &str) {
    session.shows_through(flags_only);
    session.has_port(7003);
    let mut shell = session.terminal("");
    let real = format!(
        "unshare --map-user=1000 --map-group=1000 --keep-caps -n sh \
         book/listings/ch03_tcpdump.sh {script} cargo run --bin {program}"
    );
    shell.runs_as(&format!("sudo {FLAGS}"), &real);
    shell.ends();
}

/// Numbers, windows and times of a segment differ between two runs: its flags are what is shown.
fn flags_only(text: &str) -> String {
    let line = |line: &str| match (line.find("], "), line.rfind(", length ")) {
        (Some(flags), Some(length)) => format!("{}, …{}\n", &line[..flags + 1], &line[length..]),
        _ => format!("{line}\n"),
    };
    let ports = |line: &str| {
        let mut words: Vec<String> = line.split(' ').map(String::from).collect();
        for word in words
            .iter_mut()
            .filter(|word| word.starts_with("127.0.0.1."))
        {
            if !word.starts_with("127.0.0.1.7003") {
                *word = format!(
                    "127.0.0.1.<port>{}",
                    if word.ends_with(':') { ":" } else { "" }
                );
            }
        }
        words.join(" ")
    };
    text.lines().map(|text| line(&ports(text))).collect()
}

fn ch03_tcpdump_fin(session: &mut Session) {
    dump(session, "sum", "ch03_sum_server");
}

fn ch03_tcpdump_rst(session: &mut Session) {
    dump(session, "rude", "ch03_rude_server");
}
