//! The errors of chapter 3's page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use crate::{Row, check};

#[test]
fn each_row_of_the_streams_page_happens() {
    check("ch03_streams.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "sent its FIN",
        provoke: || {
            let (mut ours, theirs) = pair();
            theirs.shutdown(Shutdown::Write).expect("half-close");
            ours.read(&mut [0; 16]).into()
        },
    },
    Row {
        cause: "closed with bytes unread",
        provoke: || {
            let (mut ours, theirs) = pair();
            ours.write_all(b"thank you\n").expect("send");
            theirs.peek(&mut [0]).expect("the bytes have come");
            drop(theirs);
            ours.read(&mut [0; 16]).into()
        },
    },
    Row {
        cause: "nothing came before the timeout",
        provoke: || {
            let (mut ours, _theirs) = pair();
            ours.set_read_timeout(Some(Duration::from_millis(20)))
                .expect("set a read timeout");
            ours.read(&mut [0; 16]).into()
        },
    },
    Row {
        cause: "nothing is left until the deadline",
        provoke: || {
            let (ours, _theirs) = pair();
            ours.set_read_timeout(Some(Duration::ZERO)).into()
        },
    },
    Row {
        cause: "own writing half",
        provoke: || {
            let (mut ours, _theirs) = pair();
            ours.shutdown(Shutdown::Write).expect("half-close");
            ours.write(b"one thing more\n").into()
        },
    },
    Row {
        cause: "was reset already",
        provoke: || {
            let (mut ours, theirs) = pair();
            ours.write_all(b"thank you\n").expect("send");
            theirs.peek(&mut [0]).expect("the bytes have come");
            drop(theirs);
            ours.read(&mut [0; 16]).expect_err("a reset");
            ours.shutdown(Shutdown::Write).into()
        },
    },
    Row {
        cause: "aren't UTF-8",
        provoke: || {
            let (ours, mut theirs) = pair();
            theirs.write_all(b"caf\xe9\n").expect("send");
            BufReader::new(ours).read_line(&mut String::new()).into()
        },
    },
];

/// Both ends of a connection. No read takes longer than the limit.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("connect");
    let theirs = listener.accept().expect("accept").0;
    for stream in [&ours, &theirs] {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("set a read timeout");
    }
    (ours, theirs)
}
