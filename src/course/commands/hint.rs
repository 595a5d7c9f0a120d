//! `hint`: the next of three, from a nudge to nearly the answer.

use crate::course::house::House;
use crate::course::names::Entry;
use crate::course::out::{self, Ink};
use crate::course::progress::{HINTS, Progress};
use std::fs;

/// Shows the next hint; after the last, the last again. The exit status.
pub fn run(house: &House, (_, exercise): Entry) -> u8 {
    let name = exercise.name;
    let path = house.hints(name);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(err) => {
            out::warn(format!(
                "cannot read the hints in {}: {err}",
                house.shown(&path)
            ));
            return 1;
        }
    };
    let hints = sections(&text);
    let seen = Progress::load(house).hints_seen(name);
    let number = (seen + 1).min(HINTS);
    let Some(hint) = hints.get(usize::from(number) - 1) else {
        out::warn(format!(
            "{} has no section `## {number}`",
            house.shown(&path)
        ));
        return 1;
    };
    out::say(out::ink(
        &format!("Hint {number} of {HINTS} for {name}"),
        Ink::Bold,
    ));
    out::say(format!("\n{hint}\n"));
    if seen >= HINTS {
        out::say(format!(
            "There are no more hints. The solution: cargo course solution {name}"
        ));
    } else {
        Progress::change(house, |progress| progress.note_hints(name, number));
        if number < HINTS {
            out::say(format!("The next one: cargo course hint {name}"));
        } else {
            out::say("That was the last one.");
        }
    }
    0
}

/// The hints of a file: what stands below `## 1`, `## 2` and `## 3`, in this order.
pub fn sections(text: &str) -> Vec<String> {
    let mut hints: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        let next = hints.len() + 1;
        let number = line
            .strip_prefix("## ")
            .and_then(|rest| rest.split_whitespace().next());
        if number.is_some_and(|number| number.trim_end_matches(['.', ':']) == next.to_string()) {
            hints.push(Vec::new());
        } else if let Some(hint) = hints.last_mut() {
            hint.push(line);
        }
    }
    hints
        .into_iter()
        .map(|lines| lines.join("\n").trim_matches('\n').to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_the_sections_in_their_order() {
        let text =
            "# Hints\n\n## 1\n\none\n\n## 2\r\ntwo\r\n```\n## not a number\n```\n## 3\nthree";
        assert_eq!(
            sections(text),
            ["one", "two\n```\n## not a number\n```", "three"]
        );
        assert!(sections("nothing").is_empty());
        assert_eq!(sections("## 2\nx\n## 1\ny"), ["y"]);
    }
}
