//! What lies in the folder: which submissions, and which of their files are exercises.

use super::row::{self, Row, Verdict};
use crate::chapters;
use crate::course::house::House;
use crate::course::names::Entry;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest source that is taken. No exercise comes near it, and a compiler reads it whole.
const SOURCE_MOST: u64 = 4 << 20;

/// Where a learner's clone has its exercises.
const CLONE: &str = "exercises/src/bin";

/// One submission.
pub struct Submission {
    /// As it is shown and written: in two submissions never the same.
    pub name: String,
    pub folder: PathBuf,
    /// What was found for each exercise of the table, in its order; nothing where nothing was.
    pub found: Vec<(Entry, Found)>,
    /// Why it can't be looked into.
    pub unreadable: Option<String>,
}

/// What a submission has for an exercise.
pub enum Found {
    Rust {
        text: Vec<u8>,
        /// Other files for the same exercise, which are passed over.
        note: String,
    },
    /// A script, and how it is run.
    Script {
        path: PathBuf,
        interpreter: &'static str,
        note: String,
    },
    AsShipped,
    Unreadable(String),
}

impl Submission {
    /// The exercises that it has files for.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.found.iter().map(|(entry, _)| *entry)
    }

    /// Those of them that must be built or run.
    pub fn attempted(&self) -> impl Iterator<Item = Entry> + '_ {
        let attempted = |found: &Found| matches!(found, Found::Rust { .. } | Found::Script { .. });
        let found = self.found.iter();
        found
            .filter(move |(_, found)| attempted(found))
            .map(|(entry, _)| *entry)
    }

    /// The one row of a submission with which nothing can be done.
    pub fn hopeless(&self) -> Option<Row> {
        if let Some(why) = &self.unreadable {
            return Some(Row::without_exercise(&self.name, Verdict::Unreadable, why));
        }
        None
    }

    /// The other Rust files beside its exercises: an exercise may have them as modules.
    pub fn modules(&self) -> Vec<(String, Vec<u8>)> {
        let mut modules = Vec::new();
        for folder in [self.folder.join(CLONE), self.folder.clone()] {
            let Ok(entries) = fs::read_dir(folder) else {
                continue;
            };
            for path in entries.flatten().map(|entry| entry.path()).take(500) {
                let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
                let stem = name.strip_suffix(".rs").unwrap_or_default();
                let taken = modules.iter().any(|(taken, _)| taken == name);
                if stem.is_empty() || chapters::exercise(stem).is_some() || taken {
                    continue;
                }
                if let Ok(text) = read(&self.folder, &path) {
                    modules.push((name.to_string(), text));
                }
            }
        }
        modules
    }
}

/// Every submission in the folder, by name.
///
/// # Errors
/// A sentence: the folder can't be read.
pub fn submissions(house: &House, folder: &Path) -> Result<Vec<Submission>, String> {
    let cannot = |err: io::Error| format!("cannot read the folder {}: {err}", folder.display());
    let folder = fs::canonicalize(folder).map_err(cannot)?;
    let mut submissions = Vec::new();
    for entry in fs::read_dir(&folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = shown(&entry.file_name());
        let is = fs::symlink_metadata(entry.path());
        let link = is.as_ref().is_ok_and(|is| is.is_symlink());
        // Files beside the submissions are the instructor's: a list of names, an archive.
        if name.starts_with('.') || is.is_ok_and(|is| is.is_file()) {
            continue;
        }
        let path = entry.path();
        submissions.push(if link {
            let why = "it is a link, which is not followed: put the folder itself here";
            Submission {
                name,
                folder: path,
                found: Vec::new(),
                unreadable: Some(why.to_string()),
            }
        } else {
            look_into(house, name, path)
        });
    }
    submissions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(submissions)
}

fn look_into(house: &House, name: String, folder: PathBuf) -> Submission {
    let mut submission = Submission {
        name,
        folder: folder.clone(),
        found: Vec::new(),
        unreadable: None,
    };
    if let Err(err) = fs::read_dir(&folder) {
        submission.unreadable = Some(format!("cannot read the folder: {err}"));
        return submission;
    }
    for entry in chapters::exercises() {
        let exercise = entry.1.name;
        if let Some(found) = exercise_of(house, &folder, exercise) {
            submission.found.push((entry, found));
        }
    }
    submission
}

/// What the folder has for an exercise: its Rust file before a script, an attempt before what is
/// as it was shipped.
fn exercise_of(house: &House, folder: &Path, exercise: &str) -> Option<Found> {
    let names = [
        (format!("{CLONE}/{exercise}.rs"), None),
        (format!("{exercise}.rs"), None),
        (format!("{exercise}.py"), Some("python3")),
        (format!("{exercise}.js"), Some("node")),
    ];
    let there = |(name, _): &&(String, _)| fs::symlink_metadata(folder.join(name)).is_ok();
    let there: Vec<_> = names.iter().filter(there).collect();
    let shipped = fs::read(house.shipped(exercise)).unwrap_or_default();
    let mut as_shipped = false;
    let mut first: Option<Found> = None;
    let mut others = Vec::new();
    for (name, interpreter) in there {
        let text = match read(folder, &folder.join(name)) {
            Ok(text) if interpreter.is_none() && same(&text, &shipped) => {
                as_shipped = true;
                continue;
            }
            Ok(text) => Ok(text),
            Err(why) => Err(format!("{name}: {why}")),
        };
        if first.is_some() {
            others.push(name.as_str());
            continue;
        }
        first = Some(match (text, *interpreter) {
            (Err(why), _) => Found::Unreadable(why),
            (Ok(text), None) => Found::Rust {
                text,
                note: String::new(),
            },
            (Ok(_), Some(interpreter)) => Found::Script {
                path: folder.join(name),
                interpreter,
                note: String::new(),
            },
        });
    }
    if let (Some(Found::Rust { note, .. } | Found::Script { note, .. }), [_, ..]) =
        (&mut first, &others[..])
    {
        *note = format!("not graded: {}", others.join(", "));
    }
    first.or(as_shipped.then_some(Found::AsShipped))
}

/// A submission's file, if it is one, lies in the submission and is no longer than it may be.
fn read(folder: &Path, path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |err: io::Error| format!("cannot read it: {err}");
    let real = fs::canonicalize(path).map_err(cannot)?;
    let home = fs::canonicalize(folder).map_err(cannot)?;
    if !real.starts_with(home) {
        return Err("it links out of the submission".to_string());
    }
    // Asked before it is opened: to open a pipe is to wait for its other end.
    if !fs::metadata(&real).map_err(cannot)?.is_file() {
        return Err("it is no file".to_string());
    }
    let mut text = Vec::new();
    let file = fs::File::open(&real).map_err(cannot)?;
    file.take(SOURCE_MOST + 1)
        .read_to_end(&mut text)
        .map_err(cannot)?;
    if text.len() as u64 > SOURCE_MOST {
        return Err(format!("it is longer than {} MiB", SOURCE_MOST >> 20));
    }
    Ok(text)
}

/// The same but for the line endings, which git may have changed.
fn same(text: &[u8], shipped: &[u8]) -> bool {
    let bare = |text: &[u8]| {
        text.iter()
            .copied()
            .filter(|b| *b != b'\r')
            .collect::<Vec<u8>>()
    };
    text == shipped || bare(text) == bare(shipped)
}

/// A folder's name as it is shown: what is no character, and what would do harm on a terminal or at
/// the beginning of a spreadsheet's cell, as `\xNN`. Different names stay different.
fn shown(name: &OsStr) -> String {
    let mut out = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            let formula = out.is_empty() && "=+-@".contains(c);
            match u32::from(c) {
                code if formula || c == '\\' || c.is_control() => {
                    out.push_str(&format!("\\x{code:02x}"));
                }
                code if !row::is_plain(c) => out.push_str(&format!("\\u{{{code:x}}}")),
                _ => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_harmlessly_and_stays_its_own() {
        for (name, due) in [
            ("alice", "alice"),
            ("José 2", "José 2"),
            ("=1+1", "\\x3d1+1"),
            ("a=b", "a=b"),
            ("a\\x3d", "a\\x5cx3d"),
            ("\u{1b}[2J", "\\x1b[2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(shown(OsStr::new(name)), due);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_need_not_be_utf_8() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(shown(OsStr::from_bytes(b"caf\xe9")), "caf\\xe9");
    }

    #[test]
    fn line_endings_make_no_attempt() {
        assert!(same(b"a\r\nb\r\n", b"a\nb\n"));
        assert!(!same(b"a\nb", b"a\nb\n"));
    }
}
