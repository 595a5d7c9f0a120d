//! Which exercise is meant: a name, its file's name or its file's path.

use super::house::House;
use crate::chapters::{self, Chapter, Exercise};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// An exercise and the chapter that it belongs to.
pub type Entry = (&'static Chapter, &'static Exercise);

/// The exercise that is meant.
///
/// # Errors
/// A sentence: there is none of this name, with the nearest ones; or the path is that of a file
/// that the course doesn't build.
pub fn exercise(house: &House, said: &OsStr) -> Result<Entry, String> {
    let Some(text) = said.to_str() else {
        return Err(format!(
            "the name {said:?} is not UTF-8: no exercise is called that"
        ));
    };
    let is_path = text.contains(['/', std::path::MAIN_SEPARATOR]);
    let name = if is_path || text.ends_with(".rs") {
        Path::new(text)
            .file_stem()
            .and_then(OsStr::to_str)
            .unwrap_or(text)
    } else {
        text
    };
    let Some(entry) = chapters::exercise(name) else {
        return Err(unknown("exercise", name, &all_names()));
    };
    if is_path {
        is_own(house, name, Path::new(text))?;
    }
    Ok(entry)
}

fn all_names() -> Vec<&'static str> {
    chapters::exercises()
        .map(|(_, exercise)| exercise.name)
        .collect()
}

/// A file elsewhere that happens to have the name is not what would be built.
fn is_own(house: &House, name: &str, path: &Path) -> Result<(), String> {
    let own = house.exercise(name);
    let at_root = house.root().join(path);
    let real = |path: &Path| fs::canonicalize(path).ok();
    let same = |path: &Path| path == own || (real(path).is_some() && real(path) == real(&own));
    if same(path) || same(&at_root) {
        return Ok(());
    }
    let (shown, own) = (path.display(), house.shown(&own));
    if path.exists() || at_root.exists() {
        return Err(format!("{shown} is not the file that is graded: {own} is"));
    }
    Err(format!(
        "there is no file {shown}: the exercise's file is {own}"
    ))
}

/// That nothing is called this, and what is called nearly so.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let said = format!("no {what} is called `{name}`");
    let near = nearest(name, known);
    if near.is_empty() {
        return format!("{said}; there are: {}", known.join(", "));
    }
    format!("{said}; the nearest: {}", near.join(", "))
}

/// Up to three of these that are nearly this, the nearest first.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|other| {
            let distance = distance(&name, other);
            // A part of the name is as good as a slip: `echo`, `ex02`.
            let part = name.len() >= 3 && other.contains(name.as_str());
            let near = distance <= other.chars().count() / 3;
            (part || near).then_some((if part { 1 } else { distance }, *other))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, other)| other).collect()
}

/// How many slips of a finger lie between two words: a letter more, one less, another one, or two
/// that have changed places (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Nobody's slip is so long, and the table below is the product of the two.
    if a.len() > 100 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let other = usize::from(a[i - 1] != b[j - 1]);
            let mut least = rows[i - 1][j] + 1;
            least = least
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

/// The file of an exercise, if it is there.
///
/// # Errors
/// A sentence that says how to get it back.
pub fn file(house: &House, name: &str) -> Result<PathBuf, String> {
    let path = house.exercise(name);
    if path.is_file() {
        return Ok(path);
    }
    let shown = house.shown(&path);
    Err(format!(
        "{shown} is missing: `cargo course reset {name}` puts it back as shipped"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &[
        "ex01_caller_id",
        "ex01_port_scan",
        "ex02_echo_server",
        "ex02_echo_client",
    ];

    #[test]
    fn two_letters_that_changed_places_are_one_slip() {
        assert_eq!(distance("ehco", "echo"), 1);
        assert_eq!(distance("echo", "echo"), 0);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn the_nearest_comes_first_and_nothing_far_comes_at_all() {
        assert_eq!(nearest("ex02_ehco_server", NAMES)[0], "ex02_echo_server");
        assert_eq!(
            nearest("ex02", NAMES),
            ["ex02_echo_client", "ex02_echo_server"]
        );
        assert!(nearest("zebra", NAMES).is_empty());
        assert!(nearest(&"x".repeat(100_000), NAMES).is_empty());
    }

    #[test]
    fn an_unknown_name_is_answered_with_what_there_is() {
        let said = unknown("exercise", "zebra", NAMES);
        assert!(
            said.starts_with("no exercise is called `zebra`; there are: ex01_caller_id"),
            "{said}"
        );
        let said = unknown("command", "graed", &["grade", "watch"]);
        assert_eq!(said, "no command is called `graed`; the nearest: grade");
    }
}
