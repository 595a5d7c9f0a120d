//! A wrong submission as it is kept: its head, and what it changes in the solution.
//!
//! A hunk has no line numbers. It belongs where its old lines stand in the solution, and they must
//! stand there exactly once: a solution that has changed since is noticed, never patched elsewhere.

/// What a wrong submission says of itself, in its first two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The mistake, in a sentence.
    pub mistake: String,
    /// The exact name of the check that is meant for it.
    pub caught_by: String,
}

/// Reads the head. `comment` is what its lines begin with: nothing, `//` or `#`.
///
/// # Errors
/// A sentence, if one of the two lines is missing, empty or another.
pub fn head(text: &str, comment: &str) -> Result<Head, String> {
    let mut lines = text.lines();
    let mut field = |word: &str| {
        let line = lines.next().unwrap_or_default();
        let value = line.strip_prefix(comment).map(str::trim_start);
        let value = value
            .and_then(|rest| rest.strip_prefix(word))
            .map(str::trim);
        match value {
            Some(value) if !value.is_empty() => Ok(value.to_string()),
            _ => Err(format!(
                "the head needs a line `{word} …` where it has `{line}`"
            )),
        }
    };
    Ok(Head {
        mistake: field("mistake:")?,
        caught_by: field("caught by:")?,
    })
}

/// The lines that a hunk asks for, and those that it puts in their place.
#[derive(Default)]
struct Hunk<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
}

/// The solution with what stands below the head of a diff done to it.
///
/// # Errors
/// A sentence: there is no hunk, a line is none of a hunk's, or a hunk's old lines stand nowhere in
/// the solution, more than once, or where another hunk has changed it.
pub fn apply(diff: &str, solution: &str) -> Result<String, String> {
    let lines: Vec<&str> = solution.lines().collect();
    let mut places = Vec::new();
    for (i, hunk) in hunks(diff)?.into_iter().enumerate() {
        places.push((
            place(&hunk.old, &lines).map_err(|why| format!("hunk {}: {why}", i + 1))?,
            hunk,
        ));
    }
    places.sort_by_key(|(at, _)| *at);
    let mut out = Vec::new();
    let mut done = 0;
    for (at, hunk) in &places {
        if *at < done {
            return Err("two hunks change the same lines".to_string());
        }
        out.extend_from_slice(&lines[done..*at]);
        out.extend_from_slice(&hunk.new);
        done = at + hunk.old.len();
    }
    out.extend_from_slice(&lines[done..]);
    Ok(out.join("\n") + "\n")
}

fn hunks(diff: &str) -> Result<Vec<Hunk<'_>>, String> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for line in diff.lines().skip(2) {
        if line.starts_with("@@") {
            hunks.push(Hunk::default());
            continue;
        }
        let Some(hunk) = hunks.last_mut() else {
            return Err(format!("`@@` has to stand below the head, not `{line}`"));
        };
        // Editors take the space off a line that is empty but for it.
        let kind = line.get(..1).unwrap_or(" ");
        let rest = line.get(1..).unwrap_or_default();
        match kind {
            " " => {
                hunk.old.push(rest);
                hunk.new.push(rest);
            }
            "-" => hunk.old.push(rest),
            "+" => hunk.new.push(rest),
            _ => {
                return Err(format!(
                    "a line begins with none of space, - and +: `{line}`"
                ));
            }
        }
    }
    if hunks.iter().all(|hunk| hunk.old == hunk.new) {
        return Err("it changes nothing".to_string());
    }
    Ok(hunks)
}

/// Where these lines stand, if that is one place.
fn place(old: &[&str], lines: &[&str]) -> Result<usize, String> {
    let Some(first) = old.first() else {
        return Err("no old line says where it belongs".to_string());
    };
    let mut found = (0..(lines.len() + 1).saturating_sub(old.len()))
        .filter(|at| &lines[*at..at + old.len()] == old);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => Err(format!(
            "the solution has its old lines, from `{}` on, nowhere",
            first.trim()
        )),
        _ => Err(format!(
            "the solution has its old lines, from `{}` on, twice",
            first.trim()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "mistake: m\ncaught by: c\n";
    const SOLUTION: &str = "a\nb\n\nc\nb\nd\n";

    fn applied(hunks: &str) -> Result<String, String> {
        apply(&format!("{HEAD}{hunks}"), SOLUTION)
    }

    #[test]
    fn a_hunk_changes_its_place_and_keeps_the_rest() {
        assert_eq!(
            applied("@@\n c\n-b\n+B\n+BB\n").unwrap(),
            "a\nb\n\nc\nB\nBB\nd\n"
        );
        assert_eq!(applied("@@\n-a\n").unwrap(), "b\n\nc\nb\nd\n");
        assert_eq!(applied("@@ anything\n-d\n+D").unwrap(), "a\nb\n\nc\nb\nD\n");
    }

    #[test]
    fn hunks_apply_in_any_order_and_not_to_each_other_s_lines() {
        assert_eq!(
            applied("@@\n-d\n+a\n@@\n-a\n+d\n").unwrap(),
            "d\nb\n\nc\nb\na\n"
        );
        let why = applied("@@\n a\n-b\n+B\n@@\n-a\n+A\n").unwrap_err();
        assert!(why.contains("same lines"), "{why}");
    }

    #[test]
    fn an_empty_line_is_context_with_or_without_its_space() {
        assert_eq!(applied("@@\n-a\n b\n\n c\n").unwrap(), "b\n\nc\nb\nd\n");
        assert_eq!(applied("@@\n-a\n b\n \n c\n").unwrap(), "b\n\nc\nb\nd\n");
    }

    #[test]
    fn old_lines_that_stand_nowhere_or_twice_are_refused() {
        assert!(applied("@@\n-x\n+y\n").unwrap_err().contains("nowhere"));
        assert!(applied("@@\n-b\n+y\n").unwrap_err().contains("twice"));
        // Longer than the whole solution.
        assert!(
            applied(&format!("@@\n{}+y\n", "-b\n".repeat(9)))
                .unwrap_err()
                .contains("nowhere")
        );
    }

    #[test]
    fn what_is_no_hunk_or_no_change_is_refused() {
        for (wrong, word) in [
            ("", "nothing"),
            ("@@\n a\n", "nothing"),
            ("-a\n", "`@@`"),
            ("@@\n+a\n", "no old line"),
            ("@@\n-a\n*b\n", "none of"),
        ] {
            let why = applied(wrong).unwrap_err();
            assert!(why.contains(word), "{wrong:?}: {why}");
        }
    }

    #[test]
    fn a_solution_with_the_line_ends_of_windows_is_the_same_solution() {
        let diff = format!("{HEAD}@@\r\n-a\r\n+A\r\n");
        assert_eq!(apply(&diff, "a\r\nb\r\n").unwrap(), "A\nb\n");
    }

    #[test]
    fn the_head_is_two_lines_in_this_order() {
        let told = Head {
            mistake: "m".to_string(),
            caught_by: "c: d".to_string(),
        };
        assert_eq!(
            head("mistake: m\ncaught by: c: d\n@@", ""),
            Ok(told.clone())
        );
        assert_eq!(head("// mistake: m\n// caught by: c: d\n", "//"), Ok(told));
        for wrong in [
            "",
            "caught by: c\nmistake: m\n",
            "mistake:\ncaught by: c\n",
            "mistake: m\n",
        ] {
            assert!(head(wrong, "").is_err(), "{wrong:?}");
        }
    }
}
