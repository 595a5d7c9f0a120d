//! book.toml and the assets: a mistyped setting is silently no setting, and nothing is fetched.

use crate::page::{Book, resolve};

const SETTINGS: &str = "book/book.toml";

/// Every setting that the book has: table, key, and the value where another one would do harm.
const KNOWN: [(&str, &str, Option<&str>); 16] = [
    ("book", "title", None),
    ("book", "description", None),
    ("book", "language", None),
    ("book", "src", Some("\"src\"")),
    ("build", "build-dir", Some("\"../target/book\"")),
    // Else a mistyped name in SUMMARY.md becomes an empty page.
    ("build", "create-missing", Some("false")),
    ("output.html", "default-theme", None),
    ("output.html", "preferred-dark-theme", None),
    ("output.html", "additional-css", None),
    ("output.html", "additional-js", None),
    ("output.html", "no-section-label", Some("true")),
    ("output.html", "git-repository-url", None),
    ("output.html", "edit-url-template", None),
    ("output.html.fold", "enable", Some("true")),
    ("output.html.fold", "level", None),
    // Else each page with Rust code calls a playground on the internet.
    ("output.html.playground", "runnable", Some("false")),
];

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    let text = book.text(SETTINGS).unwrap_or_default();
    let mut table = "";
    for (index, line) in text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
    {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            table = name;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        match KNOWN.iter().find(|known| (known.0, known.1) == (table, key)) {
            None => faults.push(format!(
                "{SETTINGS}:{index}: [{table}] {key} isn't a setting that this book knows; mdBook drops mistyped \
                 ones silently: mend it, or add it to KNOWN in tests/book/settings.rs"
            )),
            Some((.., Some(wanted))) if *wanted != value => faults.push(format!(
                "{SETTINGS}:{index}: [{table}] {key} is {value}, and must be {wanted}"
            )),
            Some(_) => {}
        }
        if key.starts_with("additional-") {
            for file in value.split('"').skip(1).step_by(2) {
                if resolve(SETTINGS, file).is_none_or(|file| book.text(&file).is_none()) {
                    faults.push(format!(
                        "{SETTINGS}:{index}: there is no {file}; mend the path"
                    ));
                }
            }
        }
    }
    for (table, key, value) in KNOWN {
        let missing = !text.lines().any(|line| line.trim().starts_with(key));
        if let (true, Some(value)) = (missing, value) {
            faults.push(format!(
                "{SETTINGS}: [{table}] {key} = {value} is missing; add it"
            ));
        }
    }
    for (path, text) in book
        .0
        .iter()
        .filter(|(path, _)| path.starts_with("book/assets/"))
    {
        for (index, line) in text.lines().enumerate() {
            if ["http:", "https:", "@import", "url(//"]
                .iter()
                .any(|word| line.contains(word))
            {
                faults.push(format!(
                    "{path}:{}: fetches something, and the book works offline; keep it among the assets",
                    index + 1
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod proofs {
    use super::SETTINGS;
    use crate::page::{Book, caught};

    #[test]
    fn a_mistyped_setting_is_caught() {
        caught(
            &Book::with(SETTINGS, "title", "titel"),
            "book.toml:2: [book] titel isn't a setting",
        );
    }

    #[test]
    fn a_setting_that_would_call_the_internet_is_caught() {
        let book = Book::with(SETTINGS, "runnable = false", "runnable = true");
        caught(&book, "runnable is true, and must be false");
    }

    #[test]
    fn a_missing_setting_is_caught() {
        caught(
            &Book::with(SETTINGS, "create-missing = false\n", ""),
            "create-missing = false is missing",
        );
    }

    #[test]
    fn a_missing_asset_is_caught() {
        caught(
            &Book::with(SETTINGS, "assets/a.css", "assets/b.css"),
            "there is no assets/b.css",
        );
    }

    #[test]
    fn an_asset_that_fetches_something_is_caught() {
        let book = Book::with("book/assets/a.css", "p {}", "@import \"x.css\";");
        caught(&book, "a.css:1: fetches something");
    }
}
