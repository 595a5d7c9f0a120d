//! Every row of a page's table "When it breaks" happens here.
//!
//! A chapter's file lists the rows of its page's table, in their order, each with a function that
//! provokes the error on loopback. The row must have the kind that was seen, and on Linux its text.
//! To add a row: write it in the page, and a `Row` with its function in the chapter's file.

mod ch01;
mod ch02;
mod ch03;
mod ch04;
mod ch05;
mod ch06;
mod ch07;
mod ch08;
#[cfg(feature = "tls")]
mod ch09;
#[cfg(all(feature = "tls", target_os = "linux"))]
mod ch10;

use std::fs;
use std::io;
use std::path::Path;

/// A row of a table, and how to bring it about.
struct Row {
    /// Words that stand in the row's third column, the cause.
    cause: &'static str,
    provoke: fn() -> Seen,
}

/// What came of provoking an error.
enum Seen {
    Error(io::Error),
    /// No error, though many take it for one: `Ok(0)`. The row's kind is then a dash.
    Value(String),
    /// It can't be brought about on this system; the row says so. The text is the reason.
    #[allow(dead_code)]
    NotHere(&'static str),
}

impl<T: std::fmt::Debug> From<io::Result<T>> for Seen {
    fn from(result: io::Result<T>) -> Seen {
        match result {
            Ok(value) => Seen::Value(format!("Ok({value:?})")),
            Err(err) => Seen::Error(err),
        }
    }
}

/// The table of a page against what is provoked, row by row.
fn check(page: &str, rows: &[Row]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("book/src")
        .join(page);
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|err| panic!("cannot read {}: {err}", path.display()));
    let faults = faults_in(&text, rows);
    assert!(
        faults.is_empty(),
        "{} faults in {page}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn faults_in(page: &str, rows: &[Row]) -> Vec<String> {
    let table = table_of(page);
    let mut faults = Vec::new();
    if table.len() != rows.len() {
        faults.push(format!(
            "the table \"When it breaks\" has {} rows, and {} are provoked; each needs the other",
            table.len(),
            rows.len()
        ));
    }
    for (cells, row) in table.iter().zip(rows) {
        let [error, kind, cause, _] = &cells[..] else {
            faults.push(format!(
                "a row has {} columns, not four: {cells:?}",
                cells.len()
            ));
            continue;
        };
        if !cause.contains(row.cause) {
            faults.push(format!(
                "the cause of the row {error:?} is {cause:?}, and {:?} is provoked; bring both lists \
                 into one order",
                row.cause
            ));
            continue;
        }
        let (printed, seen) = match (row.provoke)() {
            Seen::Error(err) => (err.to_string(), format!("{:?}", err.kind())),
            Seen::Value(value) => (value, "—".to_string()),
            Seen::NotHere(reason) => {
                eprintln!("skipped: {error:?}: {reason}");
                continue;
            }
        };
        // Other systems may give another kind; the cell then names it behind Linux's.
        let kinds: Vec<&str> = kind.split([' ', ',', ';', '`']).collect();
        let first = kinds.iter().find(|kind| !kind.is_empty());
        let linux = cfg!(target_os = "linux");
        if !kinds.contains(&seen.as_str()) || linux && first != Some(&seen.as_str()) {
            faults.push(format!(
                "{error:?} ({cause}): the page says {kind}, and {seen} is seen"
            ));
        }
        if linux && error.trim_matches('`') != printed {
            faults.push(format!(
                "{error:?} ({cause}): what is printed is {printed:?}"
            ));
        }
    }
    faults
}

/// The cells of the table under "## When it breaks", its header left out.
fn table_of(page: &str) -> Vec<Vec<String>> {
    let section = page
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "## When it breaks")
        .skip(1);
    section
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let line = line.trim_matches('|').replace("\\|", "\u{1}");
            line.split('|')
                .map(|cell| cell.trim().replace('\u{1}', "|"))
                .collect()
        })
        .collect()
}

/// Proofs that a wrong table is seen.
#[cfg(test)]
mod proofs {
    use super::{Row, Seen, faults_in};
    use std::io;

    const ROWS: &[Row] = &[
        Row {
            cause: "nothing more",
            provoke: || Seen::from(io::Result::Ok(0)),
        },
        Row {
            cause: "too early",
            provoke: || Seen::from(io::Result::<()>::Err(late())),
        },
    ];

    fn late() -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, "it took a | too long")
    }

    const PAGE: &str = "# 2 A\n\n| a | b |\n\n## When it breaks\n\n| error | `ErrorKind` | cause | remedy |\n\
        |---|---|---|---|\n| `Ok(0)` | — | there is nothing more | stop |\n\
        | `it took a \\| too long` | `TimedOut`, on Windows `WouldBlock` | asked too early | wait |\n\n\
        ## Check yourself\n\n| x | y |\n";

    #[test]
    fn a_true_table_has_no_fault() {
        assert_eq!(faults_in(PAGE, ROWS), [""; 0]);
    }

    #[test]
    fn a_wrong_table_is_seen() {
        let wrong = [
            ("`TimedOut`", "`WouldBlock`", "TimedOut is seen"),
            ("`Ok(0)`", "`Ok(1)`", "what is printed is \"Ok(0)\""),
            ("| — |", "| `UnexpectedEof` |", "— is seen"),
            ("too early", "late", "\"too early\" is provoked"),
            (
                "| wait |\n",
                "| wait |\n| a | b | c | d |\n",
                "has 3 rows, and 2 are provoked",
            ),
            ("| stop |", "|", "a row has 3 columns"),
        ];
        for (from, to, words) in wrong {
            let faults = faults_in(&PAGE.replacen(from, to, 1), ROWS);
            let text_too = cfg!(target_os = "linux") || !words.contains("printed");
            assert!(
                !text_too || faults.len() == 1 && faults[0].contains(words),
                "{words:?}: {faults:#?}"
            );
        }
    }
}
