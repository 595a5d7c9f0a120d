//! SUMMARY.md lists every page once, and every page it lists exists.

use crate::page::{Book, without_code};

const SUMMARY: &str = "book/src/SUMMARY.md";

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    let mut listed: Vec<String> = Vec::new();
    let Some(summary) = book.text(SUMMARY) else {
        return vec![format!(
            "{SUMMARY}: no such file; write one: mdBook takes its pages from it"
        )];
    };
    for (index, line) in summary.lines().enumerate() {
        let line = without_code(line);
        let Some(start) = line.find("](") else {
            continue;
        };
        let target = line[start + 2..].split(')').next().unwrap_or_default();
        let at = format!("{SUMMARY}:{}", index + 1);
        let path = format!("book/src/{target}");
        if book.text(&path).is_none() {
            faults.push(format!(
                "{at}: lists {target}, and there is no {path}; write the page or drop the line"
            ));
        }
        if listed.contains(&path) {
            faults.push(format!("{at}: lists {target} a second time; keep one"));
        }
        listed.push(path);
    }
    for (path, _) in book.pages() {
        if !listed.iter().any(|listed| listed == path) {
            faults.push(format!(
                "{path}: isn't in {SUMMARY}, so mdBook leaves it out without a word; list it or remove it"
            ));
        }
    }
    faults
}

#[cfg(test)]
mod proofs {
    use crate::page::{Book, caught};

    #[test]
    fn a_page_that_summary_lists_must_exist() {
        let book = Book::with(
            "book/src/SUMMARY.md",
            "[Glossary](glossary.md)\n",
            "[Glossary](glossary.md)\n[B](b.md)\n",
        );
        caught(
            &book,
            "SUMMARY.md:4: lists b.md, and there is no book/src/b.md",
        );
    }

    #[test]
    fn a_page_outside_summary_is_caught() {
        caught(
            &Book::and("book/src/orphan.md", "# Alone\n"),
            "orphan.md: isn't in book/src/SUMMARY.md",
        );
    }

    #[test]
    fn a_page_listed_twice_is_caught() {
        let book = Book::with(
            "book/src/SUMMARY.md",
            "- [2",
            "[Again](glossary.md)\n\n- [2",
        );
        caught(&book, "lists glossary.md a second time");
    }
}
