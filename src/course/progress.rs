//! The learner's progress: one small text file at the root, a fact a line, keyed by names.
//!
//! It is worth little and must cost nothing: a missing or damaged file is no progress, a line that
//! says nothing known is passed over, and a folder that can't be written costs a sentence.

use super::house::House;
use super::names::Entry;
use super::{files, out};
use crate::chapters;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Hints of an exercise.
pub const HINTS: u8 = 3;

/// What the learner has done. Names that the table doesn't have are kept: they may be those of
/// another version of the course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    passed: BTreeSet<String>,
    /// How many hints were shown.
    hints: BTreeMap<String, u8>,
    /// The solution was shown before the exercise passed.
    solutions: BTreeSet<String>,
}

impl Progress {
    /// Reads it; what can't be read is as if it weren't there.
    pub fn load(house: &House) -> Progress {
        fs::read_to_string(house.progress())
            .map(|text| Progress::parse(&text))
            .unwrap_or_default()
    }

    fn parse(text: &str) -> Progress {
        let mut progress = Progress::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["passed", name] if is_name(name) => {
                    progress.passed.insert(name.to_string());
                }
                ["solution", name] if is_name(name) => {
                    progress.solutions.insert(name.to_string());
                }
                ["hints", name, count] if is_name(name) => {
                    if let Ok(count @ 1..=HINTS) = count.parse() {
                        progress.hints.insert(name.to_string(), count);
                    }
                }
                _ => {}
            }
        }
        progress
    }

    fn text(&self) -> String {
        let passed = self.passed.iter().map(|name| format!("passed {name}\n"));
        let hints = self
            .hints
            .iter()
            .map(|(name, count)| format!("hints {name} {count}\n"));
        let solutions = self
            .solutions
            .iter()
            .map(|name| format!("solution {name}\n"));
        passed.chain(hints).chain(solutions).collect()
    }

    /// Changes what is in the file now: another terminal may have written it since it was read.
    pub fn change(house: &House, change: impl FnOnce(&mut Progress)) -> Progress {
        let before = Progress::load(house);
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            let path = house.progress();
            if let Err(err) = files::write_whole(&path, after.text().as_bytes()) {
                let path = path.display();
                out::warn(format!("cannot remember your progress in {path}: {err}"));
            }
        }
        after
    }

    /// Nothing was done yet.
    pub fn is_empty(&self) -> bool {
        *self == Progress::default()
    }

    pub fn has_passed(&self, name: &str) -> bool {
        self.passed.contains(name)
    }

    /// The solution was shown before the exercise passed.
    pub fn saw_solution(&self, name: &str) -> bool {
        self.solutions.contains(name)
    }

    /// How many of the hints were shown.
    pub fn hints_seen(&self, name: &str) -> u8 {
        self.hints.get(name).copied().unwrap_or(0)
    }

    pub fn note_passed(&mut self, name: &str) {
        self.passed.insert(name.to_string());
    }

    pub fn note_solution(&mut self, name: &str) {
        self.solutions.insert(name.to_string());
    }

    pub fn note_hints(&mut self, name: &str, count: u8) {
        self.hints.insert(name.to_string(), count);
    }

    /// It is to be solved again. What was seen stays seen.
    pub fn forget_passed(&mut self, name: &str) {
        self.passed.remove(name);
    }

    /// The first exercise that has not passed.
    pub fn next(&self) -> Option<Entry> {
        chapters::exercises().find(|(_, exercise)| !self.has_passed(exercise.name))
    }

    /// The first after this one that has not passed; after the last it begins again from the
    /// first, and it isn't this one itself.
    pub fn next_after(&self, name: &str) -> Option<Entry> {
        let all: Vec<Entry> = chapters::exercises().collect();
        let at = all.iter().position(|(_, exercise)| exercise.name == name)?;
        let (before, after) = all.split_at(at);
        let mut others = after.iter().skip(1).chain(before);
        others
            .find(|(_, exercise)| !self.has_passed(exercise.name))
            .copied()
    }
}

/// What an exercise may be called. Anything else in the file is damage.
fn is_name(name: &str) -> bool {
    let ordinary = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.starts_with("ex") && name.len() <= 64 && name.bytes().all(ordinary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut progress = Progress::default();
        progress.note_passed("ex01_caller_id");
        progress.note_hints("ex01_port_scan", 2);
        progress.note_solution("ex02_echo_server");
        assert_eq!(Progress::parse(&progress.text()), progress);
        progress.forget_passed("ex01_caller_id");
        assert!(!Progress::parse(&progress.text()).has_passed("ex01_caller_id"));
    }

    #[test]
    fn damage_is_passed_over_and_another_version_s_names_are_kept() {
        let text = "passed\npassed ex99_new\n\0\0\nhints ex01_port_scan 200\nhints ex01_port_scan\n\
                    passed ../../etc\nsolution ex01_caller_id more\nfoo ex01_caller_id\n";
        let progress = Progress::parse(text);
        assert_eq!(progress.text(), "passed ex99_new\n");
    }

    #[test]
    fn the_next_is_the_first_that_has_not_passed() {
        let names: Vec<&str> = chapters::exercises().map(|(_, e)| e.name).collect();
        let mut progress = Progress::default();
        progress.note_passed(names[0]);
        assert_eq!(progress.next().unwrap().1.name, names[1]);
        let last = names[names.len() - 1];
        assert_eq!(progress.next_after(last).unwrap().1.name, names[1]);
        for name in &names {
            progress.note_passed(name);
        }
        assert!(progress.next().is_none());
        assert!(progress.next_after(last).is_none());
    }
}
