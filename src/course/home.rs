//! The home screen: where the learner is, what comes next, and what can be asked for.

use super::house::House;
use super::names::Entry;
use super::out::{self, Ink, ink};
use super::progress::{HINTS, Progress};
use crate::chapters::{self, Exercise, PARTS};

/// Shows it. The exit status.
pub fn run(house: &House) -> u8 {
    out::show(&screen(house, &Progress::load(house)));
    0
}

const GREETING: &str = "
New here? A chapter is a page to read, programs to run in two terminals, and
exercises that are graded over real sockets. It begins with the book:

    cargo course book
";

/// What there is besides, in the order in which `cargo course help` has it.
pub const COMMANDS: [&str; 10] = [
    "grade", "watch", "hint", "solution", "reset", "demo", "class", "book", "doctor", "prove",
];

fn screen(house: &House, progress: &Progress) -> String {
    let mut text = format!(
        "{}, a course in socket programming\n",
        ink("Wireside", Ink::Bold)
    );
    text.push('\n');
    for part in PARTS {
        text.push_str(&format!(
            "Part {}  {}\n",
            part.numeral,
            ink(part.title, Ink::Bold)
        ));
        for chapter in part.chapters {
            text.push_str(&format!("{:>4}  {}\n", chapter.number, chapter.title));
            for exercise in chapter.exercises {
                text.push_str(&line(exercise, progress));
            }
        }
    }
    text.push_str(&others());
    // On a small terminal the end is what is seen.
    if progress.is_empty() {
        text.push_str(GREETING);
    }
    text.push('\n');
    text.push_str(&match progress.next() {
        Some(entry) => next(house, entry),
        None => all_done(),
    });
    text
}

/// An exercise on the map.
fn line(exercise: &Exercise, progress: &Progress) -> String {
    let name = exercise.name;
    let stars = "★".repeat(usize::from(exercise.stars));
    let state = match (progress.has_passed(name), progress.saw_solution(name)) {
        (true, false) => ink("passed", Ink::Green),
        (true, true) => format!("{}, solution seen", ink("passed", Ink::Green)),
        (false, true) => ink("solution seen", Ink::Yellow),
        (false, false) => match progress.hints_seen(name) {
            0 => ink("not yet", Ink::Dim),
            1 => format!("{}, a hint seen", ink("not yet", Ink::Dim)),
            seen => format!("{}, {seen} of {HINTS} hints seen", ink("not yet", Ink::Dim)),
        },
    };
    format!("        {name:<22} {stars:<4} {state}\n")
}

/// What there is besides what comes next.
fn others() -> String {
    format!(
        "\nCommands: {}\n`cargo course help` says what each of them does.\n",
        COMMANDS.join(", ")
    )
}

/// The next thing to do.
fn next(house: &House, (chapter, exercise): Entry) -> String {
    let name = exercise.name;
    let file = house.shown(&house.exercise(name));
    let (number, title, minutes) = (chapter.number, chapter.title, exercise.minutes);
    format!(
        "Next: {}\n      {}\n\n    \
         read   chapter {number}, {title}: cargo course book\n    \
         edit   {file}, about {minutes} minutes\n    \
         grade  cargo course grade, or let `cargo course watch` do it at each save\n",
        ink(name, Ink::Bold),
        exercise.task,
    )
}

fn all_done() -> String {
    let count = chapters::exercises().count();
    format!("All {count} exercises have passed. Grade them all again: cargo course grade --all\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screens() -> Vec<String> {
        let house = House::find().unwrap();
        let mut all = Progress::default();
        for (_, exercise) in chapters::exercises() {
            all.note_passed(exercise.name);
            all.note_solution(exercise.name);
        }
        let mut some = Progress::default();
        some.note_hints("ex01_caller_id", 2);
        [Progress::default(), some, all]
            .iter()
            .map(|p| screen(&house, p))
            .collect()
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for line in screens().iter().flat_map(|screen| screen.lines()) {
            // Colour takes no room: it is put on only where there is a terminal.
            let line = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m"]
                .iter()
                .fold(line.to_string(), |line, code| line.replace(code, ""));
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn every_exercise_is_on_the_map_with_its_state() {
        let screens = screens();
        for (_, exercise) in chapters::exercises() {
            for screen in &screens {
                assert!(screen.contains(exercise.name), "{screen}");
            }
        }
        assert!(screens[0].contains("New here?") && screens[0].contains("not yet"));
        assert!(screens[1].contains(", 2 of 3 hints seen"), "{}", screens[1]);
        assert!(!screens[1].contains("New here?"));
        assert!(screens[2].contains(", solution seen"));
        assert!(
            screens[2].contains("exercises have passed"),
            "{}",
            screens[2]
        );
    }
}
