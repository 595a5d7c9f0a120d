//! The repository against the table of `src/chapters.rs`: what is missing, stray, or out of order.
//!
//! Each fault is a sentence that says what to do. To add a chapter: add its row, run
//! `cargo test --test manifest`, write the files that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use wireside::chapters::{Chapter, PARTS, chapters, exercises};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn solution_of(exercise: &str) -> String {
    exercise.replacen("ex", "sol", 1)
}

/// The files that a chapter is made of, and what each is.
fn files_of(chapter: &Chapter) -> Vec<(String, &'static str)> {
    let stem = chapter.stem;
    let mut files = vec![
        (format!("book/src/{stem}.md"), "the page"),
        (format!("book/figures/{stem}.svg"), "the page's figure"),
        (
            format!("book/figures/{stem}.trace.json"),
            "the record that the figure is drawn from",
        ),
        (format!("src/demo/{stem}.rs"), "the demo"),
        (format!("src/grader/checks/{stem}.rs"), "the checks"),
    ];
    for program in chapter.programs {
        files.push((format!("src/bin/{program}.rs"), "a chapter program"));
    }
    for exercise in chapter.exercises {
        let (name, solution) = (exercise.name, solution_of(exercise.name));
        files.push((format!("exercises/src/bin/{name}.rs"), "an exercise"));
        files.push((
            format!("exercises/shipped/{name}.rs"),
            "the exercise as shipped",
        ));
        files.push((format!("exercises/hints/{name}.md"), "three hints"));
        files.push((format!("solutions/src/bin/{solution}.rs"), "a solution"));
    }
    files
}

#[test]
fn every_file_of_the_table_is_there() {
    let missing: Vec<String> = chapters()
        .flat_map(files_of)
        .filter(|(path, _)| !root().join(path).is_file())
        .map(|(path, what)| format!("{path} is missing: write {what}"))
        .collect();
    none(missing);
}

#[test]
fn no_file_is_there_that_the_table_does_not_name() {
    let named: BTreeSet<PathBuf> = chapters()
        .flat_map(files_of)
        .map(|(path, _)| root().join(path))
        .collect();
    let folders = [
        ("src/bin", "rs"),
        ("src/grader/checks", "rs"),
        ("exercises/src/bin", "rs"),
        ("exercises/shipped", "rs"),
        ("exercises/hints", "md"),
        ("solutions/src/bin", "rs"),
    ];
    let mut stray = Vec::new();
    for (folder, ending) in folders {
        for entry in fs::read_dir(root().join(folder))
            .expect("a folder of the house")
            .flatten()
        {
            let path = entry.path();
            let ours = path.extension().is_some_and(|e| e == ending) && !path.ends_with("mod.rs");
            if ours && !named.contains(&path) {
                let path = path.strip_prefix(root()).unwrap_or(&path).display();
                stray.push(format!(
                    "{path} is not in src/chapters.rs: add it there, or remove it"
                ));
            }
        }
    }
    for exercise in ["tests/wrong", "tests/right"] {
        for entry in fs::read_dir(root().join(exercise))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            if exercises().all(|(_, e)| e.name != name) {
                stray.push(format!("{exercise}/{name}: no exercise has this name"));
            }
        }
    }
    none(stray);
}

#[test]
fn names_carry_the_chapter_they_belong_to() {
    let mut wrong = Vec::new();
    for (i, chapter) in chapters().enumerate() {
        let number = format!("{:02}", chapter.number);
        if usize::from(chapter.number) != i + 1 {
            wrong.push(format!(
                "{}: chapter {} stands in place {}",
                chapter.stem,
                number,
                i + 1
            ));
        }
        if !chapter.stem.starts_with(&format!("ch{number}_")) {
            wrong.push(format!(
                "{}: the stem must begin with ch{number}_",
                chapter.stem
            ));
        }
        for program in chapter.programs {
            if !program.starts_with(&format!("ch{number}_")) {
                wrong.push(format!(
                    "{program}: a program of chapter {number} is ch{number}_…"
                ));
            }
        }
        if chapter.demo.name != chapter.stem {
            wrong.push(format!(
                "the demo {} must be called {}",
                chapter.demo.name, chapter.stem
            ));
        }
        for exercise in chapter.exercises {
            if !exercise.name.starts_with(&format!("ex{number}_")) {
                wrong.push(format!(
                    "{}: an exercise of chapter {number} is ex{number}_…",
                    exercise.name
                ));
            }
        }
    }
    none(wrong);
}

#[test]
fn every_exercise_can_be_judged() {
    let mut wrong = Vec::new();
    for (chapter, exercise) in exercises() {
        let name = exercise.name;
        if exercise.checks.is_empty() {
            wrong.push(format!(
                "{name} has no checks: write them in src/grader/checks"
            ));
        }
        let mut seen = BTreeSet::new();
        for check in exercise.checks {
            if !seen.insert(check.name) {
                wrong.push(format!("{name}: two checks are called “{}”", check.name));
            }
            if check.name.is_empty() || check.why.is_empty() || check.points == 0 {
                wrong.push(format!(
                    "{name}: “{}” needs a name, a why and points",
                    check.name
                ));
            }
            if check.name.contains(['"', '`', '$', '\\', '!']) {
                wrong.push(format!(
                    "{name}: “{}” can't be quoted in a shell",
                    check.name
                ));
            }
            if !check.causes.is_empty() && check.control.is_none() {
                wrong.push(format!(
                    "{name}: “{}” names a cause without a control run: a cause is an inference",
                    check.name
                ));
            }
        }
        if !(1..=3).contains(&exercise.stars) {
            wrong.push(format!(
                "{name}: one to three stars, not {}",
                exercise.stars
            ));
        }
        let minutes: u16 = chapter.exercises.iter().map(|e| e.minutes).sum();
        if minutes != chapter.minutes.practise {
            wrong.push(format!(
                "{}: its exercises take {minutes} minutes, the table says {}",
                chapter.stem, chapter.minutes.practise
            ));
        }
    }
    none(wrong);
}

#[test]
fn every_exercise_has_three_hints() {
    let mut wrong = Vec::new();
    for (_, exercise) in exercises() {
        let hints = read(&format!("exercises/hints/{}.md", exercise.name));
        let heads: Vec<&str> = hints
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        if heads != ["## 1", "## 2", "## 3"] {
            wrong.push(format!(
                "exercises/hints/{}.md: ## 1, ## 2, ## 3 it must be",
                exercise.name
            ));
        }
        for line in hints.lines().filter(|line| line.chars().count() > 80) {
            wrong.push(format!(
                "exercises/hints/{}.md: wider than a terminal: {line}",
                exercise.name
            ));
        }
    }
    none(wrong);
}

#[test]
fn the_cargo_files_have_each_program_in_order() {
    let mut wrong = Vec::new();
    for (package, name_of) in [
        ("exercises", (|name| name) as fn(String) -> String),
        ("solutions", |n| solution_of(&n)),
    ] {
        let path = format!("{package}/Cargo.toml");
        let manifest = read(&path);
        let wanted: Vec<String> = exercises()
            .map(|(_, e)| name_of(e.name.to_string()))
            .collect();
        let bins: Vec<&str> = manifest.split("[[bin]]").skip(1).collect();
        let found: Vec<String> = bins.iter().map(|bin| value_of(bin, "name")).collect();
        compare(&mut wrong, &path, &wanted, &found);
        for ((chapter, _), (bin, name)) in exercises().zip(bins.iter().zip(&found)) {
            if value_of(bin, "path") != format!("src/bin/{name}.rs") {
                wrong.push(format!(
                    "{path}: the path of {name} must be src/bin/{name}.rs"
                ));
            }
            if value_of(bin, "test") != "false" {
                wrong.push(format!(
                    "{path}: {name} needs `test = false`: a broken one breaks all"
                ));
            }
            if chapter.tls != bin.contains("required-features = [\"tls\"]") {
                wrong.push(format!(
                    "{path}: {name}: required-features must be the table's `tls`"
                ));
            }
        }
    }
    none(wrong);
}

/// The value of a line `key = …`, without quotes.
fn value_of(toml: &str, key: &str) -> String {
    let line = toml
        .lines()
        .find(|line| line.split('=').next().is_some_and(|k| k.trim() == key));
    line.and_then(|line| line.split_once('='))
        .map_or_else(String::new, |(_, value)| {
            value.trim().trim_matches('"').to_string()
        })
}

#[test]
fn the_summary_and_the_readme_list_the_chapters_in_order() {
    let mut wrong = Vec::new();
    let wanted: Vec<String> = chapters().map(|chapter| chapter.stem.to_string()).collect();
    for (path, before) in [("book/src/SUMMARY.md", "("), ("README.md", "(book/src/")] {
        let text = read(path);
        let listed: Vec<String> = text
            .split(before)
            .skip(1)
            .filter_map(|rest| rest.split_once(".md)").map(|(stem, _)| stem.to_string()))
            .filter(|stem| wanted.contains(stem) || stem_of_a_chapter(stem))
            .collect();
        compare(&mut wrong, path, &wanted, &listed);
    }
    let summary = read("book/src/SUMMARY.md");
    for part in PARTS {
        let heading = format!("# Part {}: {}", part.numeral, part.title);
        if !summary.contains(&heading) {
            wrong.push(format!(
                "book/src/SUMMARY.md: the heading “{heading}” is missing"
            ));
        }
        for chapter in part.chapters {
            let entry = format!("[{} {}]", chapter.number, chapter.title);
            if !summary.contains(&entry) {
                wrong.push(format!("book/src/SUMMARY.md: “{entry}” is missing"));
            }
        }
    }
    let readme = read("README.md");
    for (_, exercise) in exercises() {
        if !readme.contains(&format!("`{}`", exercise.name)) {
            wrong.push(format!(
                "README.md: the chapter table lacks `{}`",
                exercise.name
            ));
        }
    }
    none(wrong);
}

/// Whether a name is a chapter page's own, not that of a side page: nothing between number and end
/// but what the table could hold.
fn stem_of_a_chapter(stem: &str) -> bool {
    let side_page = stem.ends_with("_more");
    !side_page && stem.starts_with("ch") && stem[2..].starts_with(|c: char| c.is_ascii_digit())
}

/// What running along takes: two minutes for each session of the page, and the demo, in steps of
/// five minutes. A server's side is no session of its own, and grading is part of the exercise.
fn minutes_to_run(page: &str, chapter: &Chapter) -> usize {
    let sessions = page.lines().filter(|line| {
        line.contains("/sessions/") && !line.contains("_server.txt") && !line.contains("_grade_")
    });
    (2 * sessions.count() + usize::from(chapter.demo.minutes)).next_multiple_of(5)
}

#[test]
fn the_pages_say_the_table_s_minutes() {
    let mut wrong = Vec::new();
    let instructor = read("book/src/instructor.md");
    for chapter in chapters() {
        let page = read(&format!("book/src/{}.md", chapter.stem));
        let minutes = &chapter.minutes;
        let line = format!(
            "{} minutes to read, {} to run its sessions and demo, {} for the exercises; {} to teach",
            minutes.read,
            minutes_to_run(&page, chapter),
            minutes.practise,
            minutes.teach
        );
        if !page.contains(&line) {
            wrong.push(format!("book/src/{}.md must say “{line}”", chapter.stem));
        }
        let title = format!("# {} {}", chapter.number, chapter.title);
        if page.lines().next() != Some(&title) {
            wrong.push(format!(
                "book/src/{}.md must begin with “{title}”",
                chapter.stem
            ));
        }
        if !page.contains(chapter.question) {
            wrong.push(format!(
                "book/src/{}.md must ask “{}”",
                chapter.stem, chapter.question
            ));
        }
        for program in chapter.programs {
            if !page.contains(&format!("`{program}`")) {
                wrong.push(format!(
                    "book/src/{}.md: its header must name `{program}`",
                    chapter.stem
                ));
            }
        }
        for exercise in chapter.exercises {
            let stars = "★".repeat(exercise.stars.into());
            let entry = format!(
                "{stars} **`{}`**, {} minutes",
                exercise.name, exercise.minutes
            );
            if !page.contains(&entry) {
                wrong.push(format!("book/src/{}.md must list “{entry}”", chapter.stem));
            }
        }
        let row = instructor
            .lines()
            .find(|line| line.starts_with('|') && line.contains(&format!("({}.md)", chapter.stem)));
        match row {
            None => wrong.push(format!(
                "book/src/instructor.md has no row for {}",
                chapter.stem
            )),
            Some(row)
                if !row.contains(&format!(
                    "| {} minutes | {} minutes | {} minutes |",
                    minutes.read, minutes.teach, minutes.practise
                )) =>
            {
                wrong.push(format!(
                    "book/src/instructor.md: {} takes {} minutes to read, {} to teach, {} for the exercises",
                    chapter.stem, minutes.read, minutes.teach, minutes.practise
                ));
            }
            Some(_) => {}
        }
    }
    none(wrong);
}

fn compare(wrong: &mut Vec<String>, path: &str, wanted: &[String], found: &[String]) {
    if wanted == found {
        return;
    }
    let missing: Vec<_> = wanted.iter().filter(|name| !found.contains(name)).collect();
    let stray: Vec<_> = found.iter().filter(|name| !wanted.contains(name)).collect();
    for name in &missing {
        wrong.push(format!("{path} lacks {name}"));
    }
    for name in &stray {
        wrong.push(format!(
            "{path} has {name}, which is not in src/chapters.rs"
        ));
    }
    if missing.is_empty() && stray.is_empty() {
        wrong.push(format!("{path}: the order must be {}", wanted.join(", ")));
    }
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
