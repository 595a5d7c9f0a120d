//! The pages about the whole book agree with its chapters: the index of errors with each *When it
//! breaks*, the schedules with the minutes of the table.

use crate::page::Book;
use std::collections::{BTreeMap, BTreeSet};
use wireside::chapters::{self, PARTS};

const INDEX: &str = "book/src/errors.md";
const SCHEDULE: &str = "book/src/schedule.md";

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(index) = book.text(INDEX) {
        errors(book, index, &mut faults);
    }
    if let Some(schedule) = book.text(SCHEDULE) {
        minutes(schedule, &mut faults);
    }
    faults
}

/// Each kind of each chapter's table is in the index, with a link to that chapter; and no other.
fn errors(book: &Book, index: &str, faults: &mut Vec<String>) {
    let mut explained: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in book.pages() {
        let page = path.trim_start_matches("book/src/");
        if page.starts_with("ch") {
            for row in rows(within(text, "<div class=\"errors\">", "</div>")) {
                for kind in row.get(1).into_iter().flat_map(|cell| kinds(cell)) {
                    explained.entry(kind).or_default().insert(page.to_string());
                }
            }
        }
    }
    let mut indexed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let by_kind = index.split("\n## ").next().unwrap_or_default();
    for row in rows(by_kind) {
        for kind in row.first().into_iter().flat_map(|cell| kinds(cell)) {
            let pages = row.last().map(|cell| targets(cell)).unwrap_or_default();
            indexed.entry(kind).or_default().extend(pages);
        }
    }
    for (kind, pages) in &explained {
        let known = indexed.get(kind).cloned().unwrap_or_default();
        for page in pages.difference(&known) {
            faults.push(format!("{INDEX}: {page} explains {kind}; add a link to it"));
        }
    }
    for (kind, pages) in &indexed {
        let known = explained.get(kind).cloned().unwrap_or_default();
        for page in pages.difference(&known) {
            faults.push(format!("{INDEX}: {kind} isn't in the table of {page}"));
        }
    }
}

/// The last cell of each row is the sum of its chapters' lessons and its exercises.
fn minutes(schedule: &str, faults: &mut Vec<String>) {
    let mut taught = BTreeSet::new();
    for row in rows(schedule) {
        let [block, lessons, exercises, sum] = &row[..] else {
            continue;
        };
        let Ok(sum) = sum.parse::<u32>() else {
            continue; // The heading.
        };
        let mut minutes = 0;
        for page in targets(lessons) {
            match PARTS
                .iter()
                .flat_map(|part| part.chapters)
                .find(|chapter| format!("{}.md", chapter.stem) == page)
            {
                Some(chapter) => {
                    taught.insert(chapter.number);
                    minutes += u32::from(chapter.minutes.teach);
                }
                None => faults.push(format!("{SCHEDULE}: row {block}: {page} is no chapter")),
            }
        }
        for name in exercises.split('`').skip(1).step_by(2) {
            match chapters::exercises().find(|(_, exercise)| exercise.name == name) {
                Some((_, exercise)) => minutes += u32::from(exercise.minutes),
                None => faults.push(format!("{SCHEDULE}: row {block}: there is no {name}")),
            }
        }
        if minutes != sum {
            faults.push(format!(
                "{SCHEDULE}: row {block} says {sum} minutes; its lessons and exercises have {minutes}"
            ));
        }
    }
    for chapter in PARTS.iter().flat_map(|part| part.chapters) {
        if !taught.contains(&chapter.number) {
            faults.push(format!("{SCHEDULE}: chapter {} is nowhere", chapter.number));
        }
    }
}

/// The cells of each row of each table, headings' too.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let inner = line.trim().trim_matches('|');
            inner
                .split('|')
                .map(|cell| cell.trim().to_string())
                .collect()
        })
        .collect()
}

fn within<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let Some((_, rest)) = text.split_once(from) else {
        return "";
    };
    rest.split_once(to).map_or(rest, |(inside, _)| inside)
}

/// What stands in backticks and begins like a kind of error.
fn kinds(cell: &str) -> Vec<String> {
    let words = cell.split('`').skip(1).step_by(2);
    words
        .filter(|word| word.starts_with(char::is_uppercase) && *word != "ErrorKind")
        .map(String::from)
        .collect()
}

/// The pages that a cell links to.
fn targets(cell: &str) -> Vec<String> {
    let links = cell.split("](").skip(1);
    links
        .filter_map(|link| link.split([')', '#']).next())
        .map(String::from)
        .collect()
}

#[cfg(test)]
mod proofs {
    use super::*;

    fn faults(index: &str, schedule: &str) -> Vec<String> {
        let mut book = Book::on_disk();
        for (path, from) in [(INDEX, index), (SCHEDULE, schedule)] {
            if let Some((old, new)) = from.split_once(" => ") {
                let text = book.0.get_mut(path).expect("the page");
                assert!(text.contains(old), "{old}");
                *text = text.replacen(old, new, 1);
            }
        }
        faults_in(&book)
    }

    #[test]
    fn an_error_that_the_index_forgets_is_caught() {
        let faults = faults("`NotConnected` => `NotQuite`", "");
        let forgotten = faults.iter().any(|f| f.contains("explains NotConnected"));
        let unknown = faults
            .iter()
            .any(|f| f.contains("NotQuite isn't in the table"));
        assert!(forgotten && unknown, "{faults:?}");
    }

    #[test]
    fn a_sum_that_is_wrong_is_caught() {
        let faults = faults("", "| 125 | => | 126 |");
        assert!(
            faults.iter().any(|f| f.contains("126 minutes")),
            "{faults:?}"
        );
    }

    #[test]
    fn a_chapter_that_no_course_teaches_is_caught() {
        let book = Book::on_disk();
        let schedule = book.text(SCHEDULE).expect("the page");
        let mut faults = Vec::new();
        minutes(&schedule.replace("[9](ch09_tls.md)", ""), &mut faults);
        let said = faults.iter().any(|f| f.contains("chapter 9 is nowhere"));
        assert!(said, "{faults:?}");
    }
}
