//! What a program repeats from an earlier chapter stands between `// as in chNN` and `// end of chNN`,
//! and is the same there, to the byte.

use std::fs;
use std::path::{Path, PathBuf};

fn programs() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the chapter programs")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let read = |path: &PathBuf| {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // A checkout may have turned LF into CRLF.
        let text = fs::read_to_string(path).expect("a program");
        (name, text.replace("\r\n", "\n"))
    };
    paths.iter().map(read).collect()
}

/// The anchors of the book's regions are no part of a program.
fn without_anchors(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim().starts_with("// ANCHOR"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The faults of a program's repeated parts, each a sentence; and how many parts there are.
fn faults(name: &str, text: &str, all: &[(String, String)]) -> (usize, Vec<String>) {
    let (mut parts, mut faults) = (0, Vec::new());
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("\n// as in ch") {
        let (chapter, after) = after.split_at(2);
        let Some((part, after)) = after.split_once(&format!("// end of ch{chapter}\n")) else {
            faults.push(format!(
                "{name}: `// as in ch{chapter}` has no `// end of ch{chapter}`"
            ));
            break;
        };
        rest = after;
        parts += 1;
        let part = without_anchors(part.trim_start_matches('\n'));
        let prefix = format!("ch{chapter}_");
        let mut originals = all
            .iter()
            .filter(|(other, _)| other.starts_with(&prefix))
            .peekable();
        if originals.peek().is_none() {
            eprintln!("skipped: {name}: chapter {chapter} isn't here yet");
            continue;
        }
        if !originals.any(|(_, original)| without_anchors(original).contains(&part)) {
            faults.push(format!(
                "{name}: no program of chapter {chapter} has this:\n{part}"
            ));
        }
    }
    (parts, faults)
}

#[test]
fn what_is_repeated_is_the_same_as_in_its_own_chapter() {
    let all = programs();
    let (mut parts, mut wrong) = (0, Vec::new());
    for (name, text) in &all {
        let (count, faults) = faults(name, text, &all);
        parts += count;
        wrong.extend(faults);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(
        parts > 0,
        "no program repeats anything: are the marks others now?"
    );
}

#[test]
fn a_part_that_was_changed_and_one_without_its_end_are_seen() {
    let all = [("ch04_a".to_string(), "x\nfn one() {}\n".to_string())];
    let good = "y\n// as in ch04\nfn one() {}\n// end of ch04\n";
    assert_eq!(faults("ch09_b", good, &all), (1, Vec::new()));
    let changed = good.replace("one", "two");
    assert_eq!(faults("ch09_b", &changed, &all).1.len(), 1);
    let endless = good.replace("end of", "ends");
    assert_eq!(faults("ch09_b", &endless, &all).1.len(), 1);
}
