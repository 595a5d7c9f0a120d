//! Includes: the file is there, the anchor has one start, one end and something between.

use crate::page::{Book, raw_lines, resolve};

/// A directive as it stands in a line: `{{#include path:anchor}}`.
struct Directive<'a> {
    kind: &'a str,
    path: &'a str,
    /// What follows the path's colon.
    part: Option<&'a str>,
}

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    for (page, text) in book.pages() {
        for line in raw_lines(text) {
            let Some(directive) = directive_in(&line.text) else {
                continue;
            };
            if let Err(wrong) = included(book, page, &directive) {
                faults.push(format!("{page}:{}: {wrong}", line.number));
            }
            if line.text.trim() != directive_text(&line.text) {
                faults.push(format!(
                    "{page}:{}: an include stands on a line of its own; move it there",
                    line.number
                ));
            }
        }
    }
    faults
}

/// What the directive in this line includes; `None` where there is none, or it is at fault.
pub fn included_by(book: &Book, page: &str, line: &str) -> Option<String> {
    included(book, page, &directive_in(line)?).ok()
}

fn included(book: &Book, page: &str, directive: &Directive) -> Result<String, String> {
    let Directive { kind, path, part } = directive;
    if *kind != "include" {
        return Err(format!(
            "{{{{#{kind}}}}} isn't used in this book; write {{{{#include FILE:ANCHOR}}}}"
        ));
    }
    let text = resolve(page, path).and_then(|path| book.text(&path)).ok_or_else(|| {
        format!("includes {path}, and there is no such file; mdBook would print the directive itself")
    })?;
    match part {
        None if anchors(text).next().is_some() => Err(format!(
            "includes the whole of {path}, and with it the ANCHOR comments; name an anchor after a colon"
        )),
        None => Ok(text.to_string()),
        Some(part) if part.chars().all(|c| c.is_ascii_digit() || c == ':') => Err(format!(
            "includes {path} by line numbers ({part}), which shift with the next edit; use an ANCHOR"
        )),
        Some(anchor) => region(text, anchor).map_err(|wrong| format!("{path}: {wrong}")),
    }
}

/// The lines between an anchor's two comments, other anchors' comments left out.
fn region(text: &str, name: &str) -> Result<String, String> {
    let of = |end: bool| -> Vec<usize> {
        anchors(text)
            .filter(|found| found.1 == end && found.2 == name)
            .map(|found| found.0)
            .collect()
    };
    let (starts, ends) = (of(false), of(true));
    let [start] = starts[..] else {
        return Err(format!(
            "{} lines say `ANCHOR: {name}`; there must be exactly one",
            starts.len()
        ));
    };
    let [end] = ends[..] else {
        return Err(format!(
            "{} lines say `ANCHOR_END: {name}`; there must be exactly one",
            ends.len()
        ));
    };
    if end < start {
        return Err(format!(
            "the anchor {name} ends before it starts; swap its two comments"
        ));
    }
    let other: Vec<usize> = anchors(text).map(|found| found.0).collect();
    let between = text
        .lines()
        .enumerate()
        .skip(start + 1)
        .take(end - start - 1);
    let kept: Vec<&str> = between
        .filter(|(index, _)| !other.contains(index))
        .map(|(_, line)| line)
        .collect();
    if kept.iter().all(|line| line.trim().is_empty()) {
        return Err(format!(
            "there is nothing between the two comments of the anchor {name}; put the code there"
        ));
    }
    Ok(kept.join("\n"))
}

/// Each anchor comment: the line's index, whether it is an end, the name.
fn anchors(text: &str) -> impl Iterator<Item = (usize, bool, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let (end, after) = match (line.find("ANCHOR_END:"), line.find("ANCHOR:")) {
            (Some(at), _) => (true, &line[at + "ANCHOR_END:".len()..]),
            (None, Some(at)) => (false, &line[at + "ANCHOR:".len()..]),
            (None, None) => return None,
        };
        let name = after.trim_start();
        let length = name
            .find(|c: char| !(c.is_alphanumeric() || "_-".contains(c)))
            .unwrap_or(name.len());
        (length > 0).then(|| (index, end, &name[..length]))
    })
}

fn directive_in(line: &str) -> Option<Directive<'_>> {
    let start = line.find("{{#")?;
    if line[..start].ends_with('\\') {
        return None; // mdBook prints an escaped one as it is.
    }
    let inner = line[start + 3..].split("}}").next()?;
    let (kind, target) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let (path, part) = match target.trim().split_once(':') {
        Some((path, part)) => (path, Some(part)),
        None => (target.trim(), None),
    };
    Some(Directive { kind, path, part })
}

fn directive_text(line: &str) -> &str {
    let start = line.find("{{#").unwrap_or(0);
    let end = line[start..]
        .find("}}")
        .map_or(line.len(), |end| start + end + 2);
    &line[start..end]
}

#[cfg(test)]
mod proofs {
    use crate::page::{Book, caught};

    const PROGRAM: &str = "src/bin/ch02_a.rs";
    const PAGE: &str = "book/src/glossary.md";

    fn glossary_with(line: &str) -> Book {
        Book::with(
            PAGE,
            "# Glossary\n",
            &format!("# Glossary\n\n```text\n{line}\n```\n"),
        )
    }

    #[test]
    fn an_included_file_must_exist() {
        caught(
            &glossary_with("{{#include ../sessions/gone.txt}}"),
            "glossary.md:4: includes ../sessions/gone.txt",
        );
    }

    #[test]
    fn an_included_anchor_must_exist() {
        caught(
            &glossary_with("{{#include ../../src/bin/ch02_a.rs:mian}}"),
            "0 lines say `ANCHOR: mian`",
        );
    }

    #[test]
    fn an_anchor_must_end() {
        let book = Book::with(PROGRAM, "// ANCHOR_END: main\n", "");
        assert!(crate::faults_in(&book)[0].contains("0 lines say `ANCHOR_END: main`"));
    }

    #[test]
    fn an_anchor_must_not_start_twice() {
        let book = Book::with(PROGRAM, "fn main", "// ANCHOR: main\nfn main");
        assert!(crate::faults_in(&book)[0].contains("2 lines say `ANCHOR: main`"));
    }

    #[test]
    fn an_anchor_must_not_end_twice() {
        let book = Book::with(
            PROGRAM,
            "// ANCHOR_END: main\n",
            "// ANCHOR_END: main\n// ANCHOR_END: main\n",
        );
        assert!(crate::faults_in(&book)[0].contains("2 lines say `ANCHOR_END: main`"));
    }

    #[test]
    fn an_anchor_must_hold_something() {
        let book = Book::with(
            PROGRAM,
            "fn main() {}\n",
            "// ANCHOR: inner\n\n// ANCHOR_END: inner\n",
        );
        assert!(crate::faults_in(&book)[0].contains("nothing between"));
    }

    #[test]
    fn an_anchor_must_start_before_it_ends() {
        let swapped = "// ANCHOR_END: main\nfn main() {}\n// ANCHOR: main\n";
        let book = Book::with(
            PROGRAM,
            "// ANCHOR: main\nfn main() {}\n// ANCHOR_END: main\n",
            swapped,
        );
        assert!(crate::faults_in(&book)[0].contains("ends before it starts"));
    }

    #[test]
    fn an_include_by_line_numbers_is_caught() {
        for part in ["1:2", "2", ":3", "1:"] {
            let line = format!("{{{{#include ../../src/bin/ch02_a.rs:{part}}}}}");
            caught(&glossary_with(&line), "by line numbers");
        }
    }

    #[test]
    fn a_whole_file_with_anchor_comments_is_caught() {
        caught(
            &glossary_with("{{#include ../../src/bin/ch02_a.rs}}"),
            "and with it the ANCHOR comments",
        );
    }

    #[test]
    fn another_directive_is_caught() {
        caught(
            &glossary_with("{{#playground ../../src/bin/ch02_a.rs}}"),
            "{{#playground}} isn't used",
        );
    }

    #[test]
    fn an_include_amid_other_text_is_caught() {
        caught(
            &glossary_with("see {{#include ../sessions/ch02_a.txt}}"),
            "on a line of its own",
        );
    }

    #[test]
    fn an_escaped_directive_is_text() {
        let faults = crate::faults_in(&glossary_with("\\{{#include gone.txt}}"));
        assert!(faults.is_empty(), "{faults:?}");
    }
}
