//! A chapter's page has the eleven elements of the template, in order, and is as long as it may be.

use crate::links::heading;
use crate::markup::attribute;
use crate::page::{Book, Line, raw_lines};

/// The second-level headings of a chapter, all of them; the header block stands above the first.
pub const HEADINGS: [&str; 10] = [
    "The surprise",
    "Predict",
    "The smallest program",
    "One step at a time",
    "On the wire",
    "When it breaks",
    "Check yourself",
    "Exercises",
    "In the classroom",
    "Recap",
];

const MIN_WORDS: usize = 1_200;
const MAX_WORDS: usize = 2_500;
const MAX_LINES: usize = 25;
const MAX_COLUMNS: usize = 72;

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    for (page, text) in book.pages() {
        let name = page.trim_start_matches("book/src/");
        let Some(number) = name
            .strip_prefix("ch")
            .and_then(|name| name.split_once('_'))
            .map(|(n, _)| n)
        else {
            continue;
        };
        // A side page, chNN_more.md, has what its chapter has no room for, in no fixed order.
        if name.ends_with("_more.md") {
            continue;
        }
        let lines = raw_lines(text);
        headings(page, number, &lines, &mut faults);
        header(page, &lines, &mut faults);
        sections(page, &lines, &mut faults);
        smallest_program(page, &book.lines(page), &mut faults);
        let words = words_in(&lines);
        if !(MIN_WORDS..=MAX_WORDS).contains(&words) {
            faults.push(format!(
                "{page}: has {words} words outside the instructor's block; a chapter has {MIN_WORDS} to \
                 {MAX_WORDS} (code and figures not counted): write what is missing, or move what is more \
                 to a side page"
            ));
        }
    }
    faults
}

fn headings(page: &str, number: &str, lines: &[Line], faults: &mut Vec<String>) {
    let of = |level: usize| -> Vec<(usize, &str)> {
        let all = lines.iter().filter(|line| !line.code);
        all.filter_map(|line| heading(&line.text).map(|(l, text)| (l, line.number, text)))
            .filter(|(l, ..)| *l == level)
            .map(|(_, number, text)| (number, text))
            .collect()
    };
    let wanted = format!("{} ", number.trim_start_matches('0'));
    if !matches!(of(1)[..], [(1, title)] if title.starts_with(&wanted)) {
        faults.push(format!(
            "{page}:1: a chapter's first line, and its only # heading, is \"# {wanted}Title\""
        ));
    }
    let found = of(2);
    for (index, expected) in HEADINGS.iter().enumerate() {
        let (line, title) = found
            .get(index)
            .copied()
            .unwrap_or((lines.len(), "the end of the page"));
        if title != *expected {
            faults.push(format!(
                "{page}:{line}: here stands {title:?} and the template wants \"## {expected}\"; the order is: {}",
                HEADINGS.join(", ")
            ));
            return;
        }
    }
    if let Some((line, title)) = found.get(HEADINGS.len()) {
        faults.push(format!(
            "{page}:{line}: {title:?} stands after the recap, where a chapter ends; make it ###"
        ));
    }
}

fn header(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    let first = lines
        .iter()
        .position(|line| line.text.starts_with("## ") && !line.code)
        .unwrap_or(lines.len());
    let above = text_of(&lines[..first]);
    if !above.contains("<div class=\"chapter-head\">") {
        faults.push(format!(
            "{page}:{first}: no <div class=\"chapter-head\"> above the first ##; it holds the question, what \
             one needs, the minutes and the programs"
        ));
    }
}

/// What each section must hold, however it is written.
fn sections(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    let count = |title: &str, what: &str| section(lines, title).1.matches(what).count();
    let mut demand = |title: &str, met: bool, wants: &str| {
        let (line, text) = section(lines, title);
        // A section that isn't there has its own sentence.
        if !met && !text.is_empty() {
            faults.push(format!("{page}:{line}: \"## {title}\" wants {wants}"));
        }
    };
    let within = |n: usize, low: usize, high: usize| (low..=high).contains(&n);
    demand(
        "The surprise",
        count("The surprise", "```console") > 0,
        "a recorded run, fenced ```console",
    );
    let predictions = count("Predict", "<details class=\"predict\"");
    demand(
        "Predict",
        within(predictions, 2, 3),
        "two or three <details class=\"predict\">",
    );
    let steps = count("One step at a time", "\n### ");
    demand(
        "One step at a time",
        within(steps, 3, 5),
        "three to five ### steps",
    );
    let drawn =
        count("On the wire", "<figure class=\"wire\">") > 0 && count("On the wire", "\n1. ") > 0;
    demand(
        "On the wire",
        drawn,
        "a <figure class=\"wire\">, and its events in words as a numbered list",
    );
    let table = count("When it breaks", "`ErrorKind`") > 0 && count("When it breaks", "\n|") > 2;
    demand(
        "When it breaks",
        table,
        "a table: error, `ErrorKind`, cause, remedy",
    );
    let questions = count("Check yourself", "<details class=\"check\"");
    demand(
        "Check yourself",
        questions == 3,
        "three <details class=\"check\">, one from an earlier chapter",
    );
    let exercises = count("Exercises", "<div class=\"exercises\">") > 0
        && count("Exercises", "★") > 0
        && count("Exercises", "cargo course grade ex") > 0;
    demand(
        "Exercises",
        exercises,
        "a <div class=\"exercises\"> with ★, path, command and minutes of each",
    );
    let taught = count("In the classroom", "<details class=\"instructor\"") == 1
        && count("In the classroom", "cargo course demo") > 0;
    demand(
        "In the classroom",
        taught,
        "one <details class=\"instructor\"> with the command `cargo course demo …`",
    );
    demand(
        "Recap",
        count("Recap", "(glossary.md#") > 0,
        "links to the glossary's terms: [term](glossary.md#term)",
    );
}

/// The line at which a section starts, and its text without the heading.
fn section(lines: &[Line], title: &str) -> (usize, String) {
    let is_h2 = |line: &Line| !line.code && line.text.starts_with("## ");
    let Some(start) = lines
        .iter()
        .position(|line| is_h2(line) && line.text[3..].trim() == title)
    else {
        return (0, String::new());
    };
    let rest = &lines[start + 1..];
    let end = rest.iter().position(is_h2).unwrap_or(rest.len());
    (lines[start].number, format!("\n{}", text_of(&rest[..end])))
}

fn text_of(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect()
}

/// One included region, small enough for a projector and a phone.
fn smallest_program(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    const TITLE: &str = "## The smallest program";
    let mut inside = false;
    let mut programs: Vec<Vec<&Line>> = Vec::new();
    let mut before = false;
    for line in lines {
        if !line.code && line.text.starts_with("## ") {
            inside = line.text.trim() == TITLE;
        }
        if inside && line.code && !before {
            programs.push(Vec::new());
        }
        if inside && line.code && !line.text.trim_start().starts_with("```") {
            programs
                .last_mut()
                .expect("a program was begun at its fence")
                .push(line);
        }
        before = line.code;
    }
    let whole: Vec<&Vec<&Line>> = programs
        .iter()
        .filter(|program| !program.is_empty())
        .collect();
    let Some(program) = whole.first() else {
        if lines.iter().any(|line| line.text.trim() == TITLE) {
            faults.push(format!(
                "{page}: \"{TITLE}\" holds no program; include one region, fenced ```rust,ignore"
            ));
        }
        return;
    };
    let at = program[0].number;
    if program.len() > MAX_LINES {
        faults.push(format!(
            "{page}:{at}: the smallest program has {} lines; {MAX_LINES} fit on a screen: include less of it",
            program.len()
        ));
    }
    for (index, line) in program.iter().enumerate() {
        let columns = line.text.chars().count();
        if columns > MAX_COLUMNS {
            faults.push(format!(
                "{page}:{at}: line {} of the smallest program has {columns} columns; {MAX_COLUMNS} fit: break it",
                index + 1
            ));
        }
    }
}

/// Words that a learner reads: no code, no tags, no directives, no instructor's block.
fn words_in(lines: &[Line]) -> usize {
    let mut prose = String::new();
    let mut taught = false;
    for line in lines.iter().filter(|line| !line.code) {
        let tag = line
            .text
            .split("<details")
            .nth(1)
            .and_then(|rest| rest.split('>').next());
        if tag.and_then(|tag| attribute(tag, "class")) == Some("instructor") {
            taught = true;
        }
        if !taught && !line.text.contains("{{#") {
            prose.push_str(&line.text);
            prose.push('\n');
        }
        if taught && line.text.contains("</details>") {
            taught = false;
        }
    }
    let mut text = String::new();
    let mut in_tag = false;
    let mut letters = prose.chars().peekable();
    while let Some(c) = letters.next() {
        // `<port>` in prose is a tag to mdBook as well; "a < b" isn't.
        match c {
            '<' if letters
                .peek()
                .is_some_and(|next| next.is_ascii_alphabetic() || *next == '/') =>
            {
                in_tag = true
            }
            '>' if in_tag => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
        .count()
}

#[cfg(test)]
mod proofs {
    use super::{HEADINGS, words_in};
    use crate::page::{Book, caught, raw_lines};

    const PAGE: &str = "book/src/ch02_echo.md";
    const PROGRAM: &str = "src/bin/ch02_a.rs";

    #[test]
    fn each_heading_must_be_there() {
        for heading in HEADINGS {
            let book = Book::with(PAGE, &format!("## {heading}\n"), "");
            let faults = crate::faults_in(&book);
            let sentence = format!("the template wants \"## {heading}\"");
            assert!(
                faults.iter().any(|fault| fault.contains(&sentence)),
                "{heading}: {faults:?}"
            );
        }
    }

    #[test]
    fn headings_out_of_order_are_caught() {
        let mut book = Book::with(PAGE, "## On the wire\n", "## Swapped\n");
        let text = book.0.get_mut(PAGE).unwrap();
        *text = text
            .replace("## When it breaks", "## On the wire")
            .replace("## Swapped", "## When it breaks");
        assert!(crate::faults_in(&book)[0].contains("here stands \"When it breaks\""));
    }

    #[test]
    fn a_heading_of_ones_own_is_caught() {
        let more = "has no messages.\n\n## More\n";
        caught(
            &Book::with(PAGE, "has no messages.\n", more),
            "\"More\" stands after the recap",
        );
    }

    #[test]
    fn a_side_page_has_no_template() {
        let mut book = Book::and("book/src/ch02_more.md", "# Firewalls\n");
        let faults = crate::faults_in(&book);
        assert!(
            faults.iter().all(|fault| fault.contains("isn't in")),
            "{faults:?}"
        );
        book = Book::and("book/src/ch02_moreover.md", "# Firewalls\n");
        assert!(crate::faults_in(&book).len() > 1);
    }

    #[test]
    fn the_title_must_have_the_number() {
        caught(
            &Book::with(PAGE, "# 2 A raw", "# A raw"),
            "its only # heading, is \"# 2 Title\"",
        );
    }

    #[test]
    fn the_header_block_must_stand_above() {
        caught(
            &Book::with(PAGE, "class=\"chapter-head\"", "class=\"head\""),
            "no <div class=\"chapter-head\">",
        );
    }

    #[test]
    fn each_section_must_hold_what_the_template_wants() {
        let figure = "<figure class=\"wire\">";
        let breaks = [
            (
                "```console\n{{#include ../sessions/ch02_a.txt}}\n```\n",
                "",
                "wants a recorded run",
            ),
            (
                "<details class=\"predict\">",
                "<details>",
                "wants two or three",
            ),
            ("### Three\n", "", "wants three to five ### steps"),
            (figure, "<figure>", "wants a <figure class=\"wire\">"),
            ("1. The client", "The client", "its events in words"),
            ("`ErrorKind`", "kind", "wants a table"),
            (
                "<details class=\"check\">",
                "<details>",
                "wants three <details class=\"check\">",
            ),
            ("★", "*", "with ★, path, command"),
            (
                "<div class=\"exercises\">",
                "<div>",
                "wants a <div class=\"exercises\">",
            ),
            (
                "`cargo course demo ch02_echo`",
                "A demo.",
                "with the command",
            ),
            (
                "[byte stream](glossary.md#byte-stream)",
                "byte stream",
                "wants links to the glossary's terms",
            ),
        ];
        for (from, to, words) in breaks {
            caught(&Book::with(PAGE, from, to), words);
        }
    }

    #[test]
    fn a_program_of_26_lines_is_caught() {
        let lines = |n: usize| format!("fn main() {{\n{}}}\n", "    x();\n".repeat(n - 2));
        caught(
            &Book::with(PROGRAM, "fn main() {}\n", &lines(26)),
            "the smallest program has 26 lines",
        );
        assert!(crate::faults_in(&Book::with(PROGRAM, "fn main() {}\n", &lines(25))).is_empty());
    }

    #[test]
    fn a_line_of_73_columns_is_caught() {
        let line = |n: usize| format!("fn main() {{}} // {}\n", "ü".repeat(n - 16));
        caught(
            &Book::with(PROGRAM, "fn main() {}\n", &line(73)),
            "has 73 columns",
        );
        assert!(crate::faults_in(&Book::with(PROGRAM, "fn main() {}\n", &line(72))).is_empty());
    }

    #[test]
    fn a_chapter_without_a_program_is_caught() {
        let include = "```rust,ignore\n{{#include ../../src/bin/ch02_a.rs:main}}\n```\n";
        caught(&Book::with(PAGE, include, ""), "holds no program");
    }

    #[test]
    fn too_few_and_too_many_words_are_caught() {
        let words = "Bytes go out and bytes come back. ";
        caught(
            &Book::with(PAGE, &words.repeat(90), ""),
            "words outside the instructor's block",
        );
        caught(
            &Book::with(PAGE, words, &words.repeat(300)),
            "words outside the instructor's block",
        );
    }

    #[test]
    fn code_tags_and_the_instructors_block_are_no_words() {
        let page = "two words, <b class=\"x y\">three</b> `four`\n\n```text\nno no\n```\n\n\
                    <details class=\"instructor\">\nno no\n</details>\n\n{{#include no.svg}}\n\nfive - a < b\n";
        assert_eq!(words_in(&raw_lines(page)), 7);
    }
}
