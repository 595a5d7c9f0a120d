//! Every terminal session in the book is a run: a function plays it, and a test compares the text.
//!
//! A session is a function here that types commands into terminals, and `book/sessions/NAME.txt`
//! is what the terminals then showed. `BLESS=1 cargo test --test sessions` writes the files anew.
//! To add one: write a function in the chapter's file, name it in that file's `sessions!`, bless,
//! include it in the page. It is played on Linux alone: elsewhere errors have other texts.

#![cfg(target_os = "linux")]

#[path = "../support/again.rs"]
mod again;
mod ch01;
mod ch02;
mod ch03;
mod ch04;
mod ch05;
mod ch06;
mod ch07;
mod ch08;
mod ch09;
mod ch10;
mod names;
mod session;
mod terminal;

use std::collections::BTreeSet;
use std::fs;

use session::{Recorded, folder, root};

/// The sessions of every chapter, in order.
const CHAPTERS: &[&[Recorded]] = &[
    ch01::SESSIONS,
    ch02::SESSIONS,
    ch03::SESSIONS,
    ch04::SESSIONS,
    ch05::SESSIONS,
    ch06::SESSIONS,
    ch07::SESSIONS,
    ch08::SESSIONS,
    ch09::SESSIONS,
    ch10::SESSIONS,
];

/// Names the sessions of a chapter, `NAME [peers that it needs] [its terminals];`, and makes each a
/// test. A terminal "server" is the file `NAME_server.txt`; the terminal "" is `NAME.txt`.
#[macro_export]
macro_rules! sessions {
    ($($name:ident [$($peer:literal),*] [$($terminal:literal),+];)+) => {
        pub const SESSIONS: &[$crate::session::Recorded] = &[$($crate::session::Recorded {
            name: stringify!($name),
            terminals: &[$($terminal),+],
        }),+];
        mod recorded {
            $(
                #[test]
                fn $name() {
                    let all = super::SESSIONS.iter();
                    let recorded = all.filter(|recorded| recorded.name == stringify!($name)).last();
                    recorded.expect("a session has its row").check(&[$($peer),*], super::$name);
                }
            )+
        }
    };
}

#[test]
fn each_recorded_file_is_made_by_a_session_and_included_by_a_page() {
    let made: BTreeSet<String> = CHAPTERS
        .iter()
        .flat_map(|sessions| *sessions)
        .flat_map(Recorded::files)
        .collect();
    let read = |path: std::path::PathBuf| fs::read_to_string(path).unwrap_or_default();
    let pages: Vec<String> = fs::read_dir(root().join("book/src"))
        .expect("read book/src")
        .map(|entry| read(entry.expect("an entry of book/src").path()))
        .collect();
    let mut faults = Vec::new();
    for entry in fs::read_dir(folder()).expect("read book/sessions") {
        let name = entry.expect("an entry of book/sessions").file_name();
        let name = name.to_string_lossy().into_owned();
        if !made.contains(&name) {
            faults.push(format!(
                "book/sessions/{name}: no session makes it; remove it, or name it in a sessions! list"
            ));
        }
    }
    for name in &made {
        if !folder().join(name).exists() {
            faults.push(format!(
                "book/sessions/{name}: isn't there; run BLESS=1 cargo test --test sessions"
            ));
        }
        if !pages
            .iter()
            .any(|page| page.contains(&format!("{{{{#include ../sessions/{name}}}}}")))
        {
            faults.push(format!(
                "book/sessions/{name}: no page includes it; include it, or remove its session"
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
