//! The errors of chapter 4's page.

use std::io::Read;

use crate::{Row, Seen, check};

#[allow(dead_code)]
#[path = "../../src/bin/ch04_frame_server.rs"]
mod server_program;

#[test]
fn each_row_of_the_framing_page_happens() {
    check("ch04_framing.md", ROWS);
}

const ROWS: &[Row] = &[
    Row {
        cause: "ended inside the bytes",
        provoke: || (&b"hel"[..]).read_exact(&mut [0; 5]).into(),
    },
    Row {
        cause: "ended inside a frame",
        provoke: || read_frame(b"\0\0\0\x0bhello"),
    },
    Row {
        cause: "the length is above the limit",
        provoke: || read_frame(b"\xff\xff\xff\xff"),
    },
    Row {
        cause: "an HTTP client",
        provoke: || read_frame(b"GET / HTTP/1.1\r\n\r\n"),
    },
    Row {
        cause: "ended where no frame had begun",
        provoke: || read_frame(b""),
    },
    Row {
        cause: "the payload isn't text",
        provoke: || (&b"caf\xe9"[..]).read_to_string(&mut String::new()).into(),
    },
];

/// What the frame server's reader makes of a stream.
fn read_frame(mut stream: &[u8]) -> Seen {
    let mut frames = server_program::FrameReader::new(&mut stream);
    frames
        .read_frame()
        .map(|frame| frame.map(<[u8]>::len))
        .into()
}
