//! A book as the rules see it: paths and texts, and the lines of a page with its includes put in.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Paths from the root of the clone, with `/`, and the text of each file.
pub struct Book(pub BTreeMap<String, String>);

/// A line of a page, after includes.
pub struct Line {
    /// Its number in the page, from 1; an included line has the number of its directive.
    pub number: usize,
    pub text: String,
    /// Inside a fence, or one of its two marks.
    pub code: bool,
}

impl Book {
    /// The book of this clone, with the sources that its pages may include.
    pub fn on_disk() -> Book {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = BTreeMap::new();
        for folder in ["book", "src", "exercises", "solutions"] {
            collect(root, &root.join(folder), &mut files);
        }
        Book(files)
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// The pages under `book/src`, SUMMARY.md left out.
    pub fn pages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(path, _)| path.starts_with("book/src/") && path.ends_with(".md"))
            .filter(|(path, _)| *path != "book/src/SUMMARY.md")
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The lines of a page, with what its directives include. What can't be included stays as it is.
    pub fn lines(&self, page: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        for line in raw_lines(self.text(page).unwrap_or_default()) {
            match crate::includes::included_by(self, page, &line.text) {
                Some(text) => lines.extend(text.lines().map(|included| Line {
                    number: line.number,
                    text: included.to_string(),
                    code: line.code,
                })),
                None => lines.push(line),
            }
        }
        lines
    }
}

/// The lines of a text as they are written, with what is code marked.
pub fn raw_lines(text: &str) -> Vec<Line> {
    let mut open: Option<(char, usize)> = None;
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let mark = fence_mark(text);
        let code = open.is_some() || mark.is_some();
        match (open, mark) {
            (None, Some((letter, length, _))) => open = Some((letter, length)),
            (Some((letter, length)), Some((l, n, info)))
                if l == letter && n >= length && info.is_empty() =>
            {
                open = None;
            }
            _ => {}
        }
        lines.push(Line {
            number: index + 1,
            text: text.to_string(),
            code,
        });
    }
    lines
}

/// A fence's letter, its length and what follows it; in a list or a quotation, too.
pub fn fence_mark(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start_matches([' ', '>']);
    let letter = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == letter).count();
    let info = line[length..].trim();
    // "```text```" on one line is a code span.
    (length >= 3 && !(letter == '`' && info.contains('`'))).then_some((letter, length, info))
}

/// A line with its code spans and HTML comments blanked, so that links in them aren't taken for links.
pub fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].chars().take_while(|c| *c == '`').count();
        let after = &rest[start + ticks..];
        out.push_str(&rest[..start]);
        match after.find(&"`".repeat(ticks)) {
            Some(end) => {
                out.push_str(&" ".repeat(end + 2 * ticks));
                rest = &after[end + ticks..];
            }
            None => {
                out.push_str(&rest[start..start + ticks]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    while let Some(start) = out.find("<!--") {
        let end = out[start..]
            .find("-->")
            .map_or(out.len(), |end| start + end + 3);
        out.replace_range(start..end, "");
    }
    out
}

/// `path` as seen from the file `from`: "book/src/a.md" and "../x.txt" make "book/x.txt".
/// `None` when it climbs out of the clone.
pub fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let name = path
                .strip_prefix(root)
                .expect("every path was made from the root");
            let name: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
            // A checkout on Windows may have CRLF; the rules are about the text.
            files.insert(name.join("/"), text.replace("\r\n", "\n"));
        }
    }
}

#[cfg(test)]
impl Book {
    /// A small book that keeps every rule: each test breaks one thing in it.
    pub fn sound() -> Book {
        let words = "Bytes go out and bytes come back. ".repeat(180);
        let chapter = format!(
            "# 2 A raw TCP echo\n\n<div class=\"chapter-head\">\n\nWhat comes back?\n\n- **You need** \
             [chapter 1](glossary.md)\n\n</div>\n\n## The surprise\n\n```console\n\
             {{{{#include ../sessions/ch02_a.txt}}}}\n```\n\n{words}[^n]\n\n[^n]: A note.\n\n## Predict\n\n\
             <details class=\"predict\">\n<summary>What?</summary>\n\nThis.\n\n</details>\n\n\
             <details class=\"predict\">\n<summary>And then?</summary>\n\nThat.\n\n</details>\n\n\
             ## The smallest program\n\n```rust,ignore\n{{{{#include ../../src/bin/ch02_a.rs:main}}}}\n```\n\n\
             ## One step at a time\n\n### One\n\n### Two\n\n### Three\n\n## On the wire\n\n\
             <figure class=\"wire\">\n{{{{#include ../figures/ch02_a.svg}}}}\n<figcaption>A run.</figcaption>\n\
             </figure>\n\n1. The client connects.\n\n## When it breaks\n\n| error | `ErrorKind` | cause | remedy |\n\
             |---|---|---|---|\n| refused | `ConnectionRefused` | no listener | start it |\n\n\
             ## Check yourself\n\n<details class=\"check\">\n<summary>A?</summary>\n\nB.\n\n</details>\n\n\
             <details class=\"check\">\n<summary>C?</summary>\n\nD.\n\n</details>\n\n\
             <details class=\"check\">\n<summary>E?</summary>\n\nF.\n\n</details>\n\n## Exercises\n\n\
             <div class=\"exercises\">\n\n- ★ `ex02_a`, 10 minutes: `cargo course grade ex02_a`\n\n</div>\n\n\
             ## In the classroom\n\n<details class=\"instructor\">\n<summary>For the instructor</summary>\n\n\
             `cargo course demo ch02_echo`\n\n</details>\n\n## Recap\n\n\
             A [byte stream](glossary.md#byte-stream) has no messages.\n"
        );
        let files = [
            (
                "book/book.toml",
                "[book]\ntitle = \"A\"\nsrc = \"src\"\n[build]\nbuild-dir = \"../target/book\"\n\
                 create-missing = false\n[output.html]\nadditional-css = [\"assets/a.css\"]\n\
                 no-section-label = true\n[output.html.fold]\nenable = true\n\
                 [output.html.playground]\nrunnable = false\n",
            ),
            ("book/assets/a.css", "p {}\n"),
            (
                "book/src/SUMMARY.md",
                "# Summary\n\n[Glossary](glossary.md)\n\n- [2 Echo](ch02_echo.md)\n",
            ),
            (
                "book/src/glossary.md",
                "# Glossary\n\nByte stream\n: Bytes in order.\n",
            ),
            ("book/src/ch02_echo.md", &chapter),
            ("book/sessions/ch02_a.txt", "$ nc 127.0.0.1 <port>\nhello\n"),
            (
                "book/figures/ch02_a.svg",
                "<svg viewBox=\"0 0 360 90\" role=\"img\" aria-label=\"Hello goes out.\">\n<path d=\"M0 0\"/>\n</svg>\n",
            ),
            (
                "src/bin/ch02_a.rs",
                "// ANCHOR: main\nfn main() {}\n// ANCHOR_END: main\n",
            ),
        ];
        Book(
            files
                .map(|(path, text)| (path.to_string(), text.to_string()))
                .into(),
        )
    }

    /// The sound book with one text replaced in one file.
    pub fn with(path: &str, from: &str, to: &str) -> Book {
        let mut book = Book::sound();
        let text = book
            .0
            .get_mut(path)
            .unwrap_or_else(|| panic!("no file {path}"));
        assert!(
            text.contains(from),
            "{path} doesn't hold {from:?}: the test would prove nothing"
        );
        *text = text.replacen(from, to, 1);
        book
    }

    /// The sound book with one more file.
    pub fn and(path: &str, text: &str) -> Book {
        let mut book = Book::sound();
        book.0.insert(path.to_string(), text.to_string());
        book
    }
}

/// Exactly one fault is seen in the book, and its sentence holds these words.
#[cfg(test)]
#[track_caller]
pub fn caught(book: &Book, words: &str) {
    let faults = crate::faults_in(book);
    assert!(
        faults.len() == 1 && faults[0].contains(words),
        "expected one fault that says {words:?}, got {faults:#?}"
    );
}

#[test]
fn a_path_is_resolved_from_the_page_that_names_it() {
    assert_eq!(
        resolve("book/src/a.md", "../sessions/x.txt").unwrap(),
        "book/sessions/x.txt"
    );
    assert_eq!(resolve("book/src/a.md", "./b.md").unwrap(), "book/src/b.md");
    assert_eq!(resolve("book/src/a.md", "../../../b.md"), None);
}

#[test]
fn a_fence_is_closed_only_by_its_own_mark() {
    let lines = raw_lines("````text\n```\n````\nprose\n");
    assert_eq!(
        lines.iter().map(|line| line.code).collect::<Vec<_>>(),
        [true, true, true, false]
    );
}
