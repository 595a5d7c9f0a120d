//! The words of a command line, split as a shell does. No shell is involved, so nothing else that
//! one would do is done: no variables, no wildcards, no pipes.

/// Splits a command line into words. Quotes keep spaces; a backslash keeps the character after it,
/// except on Windows, where it separates folders and keeps only a quote.
///
/// # Errors
/// A sentence: a quote isn't closed, or there is no word at all.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    split_for(line, cfg!(windows))
}

fn split_for(line: &str, windows: bool) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    // `Some` from a word's first character or quote on: `''` is a word, too.
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let escapes = match quote {
            Some('\'') => false,
            Some(_) => next.is_some_and(|n| n == '"' || (!windows && "\\$`".contains(n))),
            None if windows => next.is_some_and(|n| n == '"' || n == '\''),
            None => true,
        };
        match c {
            '\\' if escapes => match chars.next() {
                Some(kept) => word.get_or_insert_default().push(kept),
                None => return Err("nothing follows the backslash at the end".to_string()),
            },
            _ if Some(c) == quote => quote = None,
            '\'' | '"' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            _ if c.is_whitespace() && quote.is_none() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(format!("a quote ({quote}) is opened and not closed"));
    }
    words.extend(word);
    match words.first() {
        None => Err("the command is empty".to_string()),
        Some(first) if first.is_empty() => Err("the command's first word is empty".to_string()),
        Some(_) => Ok(words),
    }
}

/// The text as one word of a shell's command line, to be copied into one.
pub fn quote(text: &str) -> String {
    if cfg!(windows) {
        // cmd and PowerShell agree on double quotes only.
        return format!("\"{}\"", text.replace('"', "\\\""));
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        let split = |line| split_for(line, false).unwrap();
        assert_eq!(
            split("python3  server.py {addr}"),
            ["python3", "server.py", "{addr}"]
        );
        assert_eq!(
            split(r#"a 'b  c' "d \"e\" \n" f\ g ''"#),
            ["a", "b  c", r#"d "e" \n"#, "f g", ""]
        );
        assert_eq!(split("a'b'\"c\"d"), ["abcd"]);
    }

    #[test]
    fn a_backslash_separates_folders_on_windows() {
        let words = split_for(r#"C:\py\python.exe "C:\my files\s.py" \"q"#, true).unwrap();
        assert_eq!(words, [r"C:\py\python.exe", r"C:\my files\s.py", "\"q"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_quoted_text_is_one_word_again() {
        for text in ["python3 s.py {addr}", "it's \"so\" \\n $HOME", "'"] {
            assert_eq!(split(&quote(text)).unwrap(), [text]);
        }
    }

    #[test]
    fn what_is_not_closed_or_not_there_is_refused() {
        for wrong in ["", "   ", "a 'b", "a \"b", "a \\", "''"] {
            assert!(split_for(wrong, false).is_err(), "{wrong:?}");
        }
    }
}
