//! The test vectors that the book's interactive figures share with the course's programs: each is
//! run here against the Rust code, and in tests/browser against the figure's script.
//!
//! `BLESS=1 cargo test --test vectors` writes down what the Rust code makes of them. What is given
//! to it (messages, cuts, what befalls which datagram) is written by hand.

mod reads;
mod stop_and_wait;
mod window;
mod wire;

use serde_json::Value;
use std::path::PathBuf;
use std::{env, fs};

/// The vectors of a figure, each with what comes of it put in by `run`; they must be what the file
/// has already.
fn hold(figure: &str, run: impl Fn(&Value) -> Value) {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/{figure}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    let vectors: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    assert!(
        vectors.len() > 5,
        "{}: only {}",
        path.display(),
        vectors.len()
    );
    let mut written = Vec::new();
    for vector in &vectors {
        let mut own = vector.clone();
        own["gives"] = run(vector);
        if env::var_os("BLESS").is_none_or(|value| value != "1") {
            assert_eq!(
                vector["gives"], own["gives"],
                "{figure}, {}: this is not what the Rust code makes of it",
                vector["name"]
            );
        }
        written.push(own);
    }
    if env::var_os("BLESS").is_some_and(|value| value == "1") {
        let lines: Vec<String> = written.iter().map(|vector| format!("  {vector}")).collect();
        let text = format!("[\n{}\n]\n", lines.join(",\n"));
        fs::write(&path, text).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    }
}

/// A file of vectors that no test here runs would prove nothing of the figure.
#[test]
fn every_file_of_vectors_is_run() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let own = include_str!("main.rs");
    let files = fs::read_dir(root.join("tests/vectors")).expect("read tests/vectors");
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(figure) = name.strip_suffix(".json") else {
            continue;
        };
        // The other figures' programs are chapter 8's.
        let has_programs = figure == "reads" || root.join("src/bin/ch08_send_file.rs").is_file();
        assert!(
            !has_programs || own.lines().any(|line| line == format!("mod {figure};")),
            "tests/vectors/{name} is not run: add `mod {figure};` (and `mod wire;`) to main.rs there"
        );
    }
}
