//! `solution`: shown at once after the exercise passed, before that only when it is really wanted.

use crate::course::house::House;
use crate::course::names::Entry;
use crate::course::out;
use crate::course::progress::Progress;
use std::fs;
use std::io::{self, IsTerminal};

/// Shows the solution. `yes` skips the question. The exit status.
pub fn run(house: &House, (_, exercise): Entry, yes: bool) -> u8 {
    let name = exercise.name;
    let path = house.solution(name);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(err) => {
            out::warn(format!(
                "cannot read the solution in {}: {err}",
                house.shown(&path)
            ));
            return 1;
        }
    };
    if !Progress::load(house).has_passed(name) {
        if !yes && !io::stdin().is_terminal() {
            out::warn(format!(
                "{name} has not passed yet, and there is no terminal to ask at: \
                 `cargo course solution {name} --yes` shows the solution all the same"
            ));
            return 2;
        }
        if !yes && !is_wanted(name) {
            out::warn(format!(
                "not shown; perhaps a hint: cargo course hint {name}"
            ));
            return 0;
        }
        Progress::change(house, |progress| progress.note_solution(name));
    }
    out::show(&text);
    0
}

fn is_wanted(name: &str) -> bool {
    out::prompt(&format!(
        "{name} has not passed yet. Show the solution? [y/N] "
    ));
    let mut answer = String::new();
    // The end of stdin, and what is not UTF-8, is no yes.
    let read = io::stdin().read_line(&mut answer).is_ok();
    read && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}
