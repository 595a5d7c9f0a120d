//! The sessions of chapter 8.

use crate::session::Session;
use crate::terminal::Terminal;

crate::sessions! {
    ch08_twice [] [""];
    ch08_once [] [""];
    ch08_nobody [] [""];
}

/// The first ack is lost between the sender's 7070 and the receiver's 7008.
fn links(link: &mut Terminal) {
    link.serves_with(
        "cargo run --bin ch07_lossy_link 127.0.0.1:7070",
        " 127.0.0.1:7008 --lose back:0",
    );
}

const SENDS: &str = "echo 'pay 10 euros' | cargo run --bin ch08_send_file 127.0.0.1:7070";

fn ch08_twice(session: &mut Session) {
    let mut receiver = session.terminal("");
    let (mut link, mut sender) = (session.offstage(), session.offstage());
    receiver.serves("cargo run -p exercises --bin ex08_receiver 127.0.0.1:7008");
    links(&mut link);
    sender.runs_to_its_end(SENDS);
    receiver.ends();
}

fn ch08_once(session: &mut Session) {
    let mut receiver = session.terminal("");
    let (mut link, mut sender) = (session.offstage(), session.offstage());
    receiver.serves("cargo run --bin ch08_receive_file 127.0.0.1:7008");
    links(&mut link);
    sender.runs_to_its_end(SENDS);
    receiver.ends();
}

fn ch08_nobody(session: &mut Session) {
    let mut sender = session.terminal("");
    // Port 9 is nobody's here, and no port that a kernel would choose.
    sender.runs_to_its_end("echo hello | cargo run --bin ch08_send_file 127.0.0.1:9");
    sender.asks_for_the_status();
}
