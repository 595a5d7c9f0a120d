//! What a learner is told of each wrong submission, kept in `tests/messages`, a file an exercise.
//!
//! Somebody has read each of them and asked: would I find the mistake from this? A message that
//! changes has to be read again, so the proof compares; `BLESS=1 cargo course prove` writes the files
//! anew. What differs between two runs (times, ports, how much arrived in one piece) is left out.

use super::submissions::Kind;
use super::trial::{self, Case, Results};
use super::weigh::Fault;
use crate::chapters::Exercise;
use crate::course::{files, house::House};
use crate::grader::verdict::Verdict;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// A wrong program whose message is another one is heard again, so many at a time: where a stream is
/// cut and which of two faults shows first is not the same in every run, least of all on a busy
/// machine. Nearly all of them wait; in the end each is heard while nothing else runs.
const SIDE_BY_SIDE: [usize; 4] = [12, 4, 1, 1];

/// A wrong program whose message is not the one that is kept.
struct Changed<'a> {
    case: &'a Case,
    meant: usize,
    /// The file where it is kept.
    path: PathBuf,
    kept: Vec<String>,
    now: String,
}

/// The messages of a file, by the submission's path. A program may have several: which of two faults
/// shows first, a reset or a broken pipe, is not up to it.
type Messages = BTreeMap<String, Vec<String>>;

/// Compares the messages of these exercises with those that are kept, or keeps them.
pub fn compare(
    house: &House,
    exercises: &[&'static Exercise],
    cases: &[Case],
    results: &Results,
) -> Vec<Fault> {
    // Error texts and what a reset destroys are each system's own.
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let bless = std::env::var_os("BLESS").is_some();
    let mut faults = Vec::new();
    let mut changed = Vec::new();
    for exercise in exercises {
        let path = house
            .root()
            .join("tests/messages")
            .join(format!("{}.txt", exercise.name));
        let kept = read(&path);
        let mut fresh = Messages::new();
        for (c, case) in cases.iter().enumerate() {
            let Kind::Wrong(meant) = case.kind else {
                continue;
            };
            if case.exercise.name != exercise.name {
                continue;
            }
            let Some(came) = results.get(&(c, meant, 0)) else {
                continue;
            };
            if came.verdict != Verdict::Failed {
                continue; // Skipped here, or a fault that is told already.
            }
            let now = normalised(exercise.checks[meant].name, &came.words);
            let mut kept = kept.get(&case.shown).cloned().unwrap_or_default();
            if !kept.contains(&now) {
                if bless {
                    // Other messages of the same check stay: they came of it once, and will again.
                    kept.retain(|kept| kept.lines().take(2).eq(now.lines().take(2)));
                    kept.push(now);
                } else {
                    changed.push(Changed {
                        case,
                        meant,
                        path: path.clone(),
                        kept: kept.clone(),
                        now,
                    });
                }
            }
            fresh.insert(case.shown.clone(), kept);
        }
        if bless {
            faults.extend(keep(house, &path, &fresh));
        }
        for shown in kept.keys().filter(|shown| !fresh.contains_key(*shown)) {
            if !bless && !house.root().join(shown).is_file() {
                faults.push(Fault {
                    sentence: format!(
                        "{} has the message of {shown}, which is gone",
                        house.shown(&path)
                    ),
                    seen: String::new(),
                });
            }
        }
    }
    for at_a_time in SIDE_BY_SIDE {
        changed = still_changed(changed, at_a_time);
    }
    faults.extend(changed.into_iter().map(|changed| Fault {
        sentence: format!(
            "the message of {} is not the one in {}: read it, and if it leads to the mistake, keep \
             it with BLESS=1 cargo course prove {}",
            changed.case.shown,
            house.shown(&changed.path),
            changed.case.exercise.name
        ),
        seen: changed.now,
    }));
    faults
}

/// Those that also in another run are told something else than what is kept.
fn still_changed(changed: Vec<Changed>, at_a_time: usize) -> Vec<Changed> {
    let is_kept = |changed: &Changed| {
        let name = changed.case.exercise.checks[changed.meant].name;
        let words = trial::told_again(changed.case, changed.meant).words;
        changed.kept.contains(&normalised(name, &words))
    };
    let next = AtomicUsize::new(0);
    let mut kept = vec![false; changed.len()];
    let heard = Mutex::new(&mut kept);
    thread::scope(|scope| {
        for _ in 0..at_a_time.min(changed.len()) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = changed.get(i) else { break };
                    // One that was never kept need not be asked.
                    if !one.kept.is_empty() && is_kept(one) {
                        heard.lock().unwrap_or_else(PoisonError::into_inner)[i] = true;
                    }
                }
            });
        }
    });
    let told = changed.into_iter().zip(kept);
    told.filter(|(_, kept)| !kept).map(|(one, _)| one).collect()
}

/// Keeps the messages of one exercise.
fn keep(house: &House, path: &Path, fresh: &Messages) -> Option<Fault> {
    let text: String = fresh
        .iter()
        .flat_map(|(shown, messages)| messages.iter().map(move |message| (shown, message)))
        .map(|(shown, message)| format!("== {shown}\n{message}\n"))
        .collect();
    let written = std::fs::create_dir_all(house.root().join("tests/messages"))
        .and_then(|()| files::write_whole(path, text.as_bytes()));
    written.err().map(|err| Fault {
        sentence: format!("cannot write {}: {err}", path.display()),
        seen: String::new(),
    })
}

fn read(path: &PathBuf) -> Messages {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut messages = Messages::new();
    for part in text.split("== ").skip(1) {
        if let Some((shown, message)) = part.split_once('\n') {
            let message = message.strip_suffix('\n').unwrap_or(message);
            let of = messages.entry(shown.to_string()).or_default();
            of.push(message.to_string());
        }
    }
    messages
}

/// A message without what differs between two runs of the same program.
fn normalised(check: &str, words: &str) -> String {
    let mut out = format!("✗ {check}\n");
    let (mut dropped, mut is_observed) = (false, false);
    for line in words.lines() {
        // A continued row has no label: it belongs to the one above.
        let label = line.get(2..12).unwrap_or_default().trim();
        if !label.is_empty() {
            dropped = ["timeline", "its stderr", "again"].contains(&label);
            is_observed = ["sent", "expected", "got"].contains(&label);
        }
        if dropped || line.trim_start().starts_with('│') {
            continue;
        }
        // By the clock's whim a close with bytes unread is a FIN or a reset.
        let line = line
            .replace("then a reset (RST)", "then the end")
            .replace("then the end of the stream (FIN)", "then the end");
        if line.trim_start().starts_with('^') {
            // Two ports differ where they happen to.
            out.push_str("            ^");
        } else if is_observed && line.contains('…') {
            // Where it was cut depends on what had arrived by then.
            out.push_str(&format!("  {label:<10}(long)"));
        } else if is_observed && line.contains(" bytes were right") {
            // The same, where it was told how much of it was right.
            out.push_str(&with_no_number(&line));
        } else if is_observed && line.contains(" % for ") {
            // How much of a core a loop burns, the others on this machine decide as well.
            out.push_str(&format!("  {label:<10}(of a core)"));
        } else if is_observed {
            out.push_str(&without_numbers(&line));
        } else {
            out.push_str(&line);
        }
        out.push('\n');
    }
    out
}

/// All numbers as `N`.
fn with_no_number(line: &str) -> String {
    let mut out = String::new();
    for c in line.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('N') => {}
            true => out.push('N'),
            false => out.push(c),
        }
    }
    out
}

/// Times, and ports and sizes, which are numbers of three digits and more, as `N`.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit());
        let (number, after) = from.split_at(end.unwrap_or(from.len()));
        out.push_str(before);
        let is_address = number == "127" && after.starts_with('.');
        // A program is looked for when the limit is over, and on a busy machine a little later.
        let is_time = after.starts_with(" ms") || before.ends_with("still runs after ");
        let is_small = number.len() < 3 && !is_time;
        out.push_str(if is_small || is_address { number } else { "N" });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_two_runs_is_left_out() {
        let words = "  why       two reasons\n  expected  \"you are 127.0.0.1:4000\"\n  \
                     got       nothing   then a reset (RST)\n  timeline  +0.001 listens\n            \
                     +0.002 x\n  its stderr│ 127.0.0.1 gone\n            │ more\n  control   one: \
                     passed\n  again     cargo course grade\n";
        assert_eq!(without_numbers("after 127 ms"), "after N ms");
        let right = "  got       (long)\n            the first 39 of 5000 bytes were right\n";
        assert_eq!(
            normalised("x", right),
            "✗ x\n  got       (long)\n            the first N of N bytes were right\n"
        );
        assert_eq!(
            normalised("it holds", words),
            "✗ it holds\n  why       two reasons\n  expected  \"you are 127.0.0.1:N\"\n  \
             got       nothing   then the end\n  control   one: passed\n"
        );
    }
}
