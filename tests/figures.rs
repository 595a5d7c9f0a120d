//! A figure nobody ran can't exist: each is drawn anew from its committed trace and compared to the
//! byte, and its conversation is run again and compared in what must hold.
//!
//! `BLESS=1 cargo test --test figures` records them all anew.

#[path = "support/again.rs"]
mod again;

use again::where_pressed;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wireside::chapters;
use wireside::demo::figures::{self, FIGURES, Figure};
use wireside::demo::trace::{Section, Trace};
use wireside::grader::transcript::{Event, What};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book/figures")
}

fn path(name: &str, end: &str) -> PathBuf {
    folder().join(format!("{name}.{end}"))
}

fn blesses() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// The programs of a figure. Cargo gives their paths to this test; a chapter adds its own.
fn programs(figure: &Figure) -> Vec<(&'static str, PathBuf)> {
    let all = [
        ("ch01_five_tuple", env!("CARGO_BIN_EXE_ch01_five_tuple")),
        ("ch02_echo_server", env!("CARGO_BIN_EXE_ch02_echo_server")),
        ("ch03_sum_server", env!("CARGO_BIN_EXE_ch03_sum_server")),
        ("ch03_rude_server", env!("CARGO_BIN_EXE_ch03_rude_server")),
        ("ch04_frame_server", env!("CARGO_BIN_EXE_ch04_frame_server")),
        (
            "ch05_strict_server",
            env!("CARGO_BIN_EXE_ch05_strict_server"),
        ),
        ("ch06_pool_server", env!("CARGO_BIN_EXE_ch06_pool_server")),
        ("ch07_udp_server", env!("CARGO_BIN_EXE_ch07_udp_server")),
        ("ch07_udp_client", env!("CARGO_BIN_EXE_ch07_udp_client")),
        ("ch07_lossy_link", env!("CARGO_BIN_EXE_ch07_lossy_link")),
        ("ch08_receive_file", env!("CARGO_BIN_EXE_ch08_receive_file")),
        ("ch08_send_file", env!("CARGO_BIN_EXE_ch08_send_file")),
        ("ch09_wiretap", env!("CARGO_BIN_EXE_ch09_wiretap")),
        #[cfg(feature = "tls")]
        ("ch09_make_certs", env!("CARGO_BIN_EXE_ch09_make_certs")),
        #[cfg(feature = "tls")]
        ("ch09_tls_server", env!("CARGO_BIN_EXE_ch09_tls_server")),
        #[cfg(feature = "tls")]
        ("ch09_tls_client", env!("CARGO_BIN_EXE_ch09_tls_client")),
        #[cfg(feature = "tls")]
        (
            "ch10_mutual_server",
            env!("CARGO_BIN_EXE_ch10_mutual_server"),
        ),
        #[cfg(feature = "tls")]
        (
            "ch10_mutual_client",
            env!("CARGO_BIN_EXE_ch10_mutual_client"),
        ),
    ];
    let known = |name: &&'static str| {
        let found = all.iter().find(|(known, _)| known == name);
        let path = found
            .unwrap_or_else(|| panic!("add {name} to `programs` in tests/figures.rs"))
            .1;
        (*name, PathBuf::from(path))
    };
    figure.programs.iter().map(known).collect()
}

/// Without the feature its programs aren't there.
fn needs_tls(figure: &Figure) -> bool {
    let mut chapters = chapters::chapters().filter(|chapter| chapter.tls);
    chapters.any(|chapter| figure.name.starts_with(chapter.stem))
}

fn committed(name: &str) -> Trace {
    let path = path(name, "trace.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|err| {
        panic!(
            "{}: {err}; `BLESS=1 cargo test --test figures` records it",
            path.display()
        )
    });
    // A checkout may have its own line ends.
    Trace::from_json(&text.replace("\r\n", "\n"))
        .unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The steps of each pair of ends in one direction: kinds of events, and bytes.
type Directions = BTreeMap<(String, String, bool), Vec<(&'static str, Vec<u8>)>>;

/// What must be the same in every run: for each pair of ends, in each direction, the kinds of
/// events in their order, with all bytes that came between two others as one.
fn what_must_hold(trace: &Trace) -> Directions {
    let mut directions = Directions::new();
    for event in trace
        .sections
        .iter()
        .flat_map(|section: &Section| &section.events)
    {
        let key = (event.who.clone(), event.peer.clone(), comes_in(event));
        let steps = directions.entry(key).or_default();
        match steps.last_mut() {
            Some((word, bytes)) if *word == event.what.word() && event.length > 0 => {
                bytes.extend(&event.bytes);
            }
            _ => steps.push((event.what.word(), [said(event), &event.bytes].concat())),
        }
    }
    directions
}

/// The part of a note that is the conversation's own, and not the system's wording.
fn said(event: &Event) -> &[u8] {
    match event.what {
        What::Connects | What::Listens | What::Notes => event.note.as_bytes(),
        _ => b"",
    }
}

fn comes_in(event: &Event) -> bool {
    matches!(event.what, What::Hears | What::HearsEnd | What::HearsReset)
}

#[test]
fn every_figure_is_drawn_from_its_trace_to_the_byte() {
    if blesses() {
        return;
    }
    for figure in FIGURES {
        let trace = committed(figure.name);
        for (end, drawn) in figures::files(&trace) {
            let path = path(figure.name, end);
            let there = fs::read_to_string(&path)
                .unwrap_or_default()
                .replace("\r\n", "\n");
            assert!(
                there == drawn,
                "{} is not what its trace gives: edited by hand, or the drawing has changed; \
                 `BLESS=1 cargo test --test figures` draws it anew",
                path.display()
            );
        }
    }
}

#[test]
fn every_conversation_still_goes_as_its_trace_says() {
    for figure in FIGURES {
        // The server of chapter 10 is one for Linux.
        if needs_tls(figure) && !cfg!(all(feature = "tls", target_os = "linux")) {
            eprintln!("skipped: {} needs Linux and --features tls", figure.name);
            continue;
        }
        let record = || {
            let run = figure.record(programs(figure));
            run.unwrap_or_else(|why| panic!("{}: {why}", figure.name))
        };
        if blesses() {
            let run = record();
            fs::create_dir_all(folder()).expect("make book/figures");
            for (end, text) in figures::files(&run) {
                fs::write(path(figure.name, end), text).expect("write a figure");
            }
            continue;
        }
        let due = what_must_hold(&committed(figure.name));
        // In some of them a timer of some 100 ms decides.
        where_pressed(Duration::from_millis(80), || {
            assert_eq!(
                what_must_hold(&record()),
                due,
                "{}: another conversation than the committed one",
                figure.name
            );
        });
    }
}

#[test]
fn every_file_among_the_figures_belongs_to_one() {
    if blesses() {
        return;
    }
    let Ok(files) = fs::read_dir(folder()) else {
        panic!("book/figures is missing")
    };
    let pages = fs::read_dir(folder().join("../src")).expect("the pages");
    let pages: String = pages
        .flatten()
        .map(|page| fs::read_to_string(page.path()).unwrap_or_default())
        .collect();
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        // Drawn from something else than a trace, and on a page: a plot, with its numbers beside it.
        let stem = name.split('.').next().unwrap_or(&name);
        if pages.contains(&format!("figures/{stem}.")) {
            continue;
        }
        let known = FIGURES.iter().any(|figure| {
            ["trace.json", "svg", "md"]
                .iter()
                .any(|end| name == format!("{}.{end}", figure.name))
        });
        assert!(
            known,
            "book/figures/{name} is no figure of src/demo/figures.rs: remove it"
        );
    }
}

#[test]
fn a_figure_is_named_for_a_chapter_and_has_something_in_it() {
    for figure in FIGURES {
        let stem = chapters::chapters().map(|chapter| chapter.stem);
        assert!(
            stem.into_iter().any(|stem| figure.name.starts_with(stem)),
            "{}: begin its name with the stem of its chapter",
            figure.name
        );
        if !blesses() {
            let trace = committed(figure.name);
            let events = trace
                .sections
                .iter()
                .map(|section| section.events.len())
                .sum::<usize>();
            assert!(events > 2, "{}: {events} events", figure.name);
        }
    }
}

#[test]
fn a_figure_can_be_read_on_a_phone_in_any_theme_and_by_ear() {
    if blesses() {
        return;
    }
    for figure in FIGURES {
        let trace = committed(figure.name);
        let [_, (_, svg), (_, words)] = figures::files(&trace);
        let events = trace
            .sections
            .iter()
            .map(|section| section.events.len())
            .sum::<usize>();
        assert_eq!(
            words.lines().filter(|line| line.starts_with("- ")).count(),
            events
        );
        assert!(svg.contains("viewBox=\"0 0 360 ") && svg.contains("currentColor"));
        assert!(svg.contains("role=\"img\" aria-label=\"") && svg.contains("var(--wire-"));
        assert!(
            svg.lines().all(|line| !line.trim().is_empty()),
            "{}: a blank line",
            figure.name
        );
        for size in svg.split("font-size=\"").skip(1) {
            let size: f64 = size
                .split('"')
                .next()
                .unwrap_or_default()
                .parse()
                .expect("a size");
            assert!(size >= 11.0, "{}: text of {size}", figure.name);
        }
    }
}
