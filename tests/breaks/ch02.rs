//! The errors of chapter 2's page.

use std::net::TcpListener;

use crate::{Row, Seen, check};

#[test]
fn each_row_of_the_echo_page_happens() {
    check("ch02_echo.md", ROWS);
}

const ROWS: &[Row] = &[Row {
    cause: "another socket listens",
    provoke: || {
        let first = TcpListener::bind("127.0.0.1:0").expect("bind");
        Seen::from(TcpListener::bind(first.local_addr().expect("an address")))
    },
}];
