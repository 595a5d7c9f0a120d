//! The book is what it says it is: what mdBook lets pass in silence fails here with a sentence.
//!
//! A missing include, an anchor without an end, a dead link, an orphan page: mdBook publishes all
//! of them and exits 0. Each rule below takes a book (paths and texts) and gives sentences; each
//! has a test that puts the fault in and sees the sentence.

mod chapter;
mod includes;
mod links;
mod listings;
mod markup;
mod page;
mod settings;
mod summary;
mod whole;

use page::Book;

/// Every fault of every rule, in the order of the pages.
fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(settings::faults_in(book));
    faults.extend(summary::faults_in(book));
    faults.extend(includes::faults_in(book));
    faults.extend(markup::faults_in(book));
    faults.extend(links::faults_in(book));
    faults.extend(chapter::faults_in(book));
    faults.extend(whole::faults_in(book));
    faults
}

#[test]
fn the_book_has_no_fault() {
    let faults = faults_in(&Book::on_disk());
    assert!(
        faults.is_empty(),
        "{} faults in the book:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn a_book_that_keeps_every_rule_has_no_fault() {
    let faults = faults_in(&Book::sound());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
