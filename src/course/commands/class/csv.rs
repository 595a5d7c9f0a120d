//! The table as CSV (RFC 4180): written, and read again to be joined.

use super::row::{Row, Verdict};

const HEADER: [&str; 7] = [
    "submission",
    "exercise",
    "verdict",
    "score",
    "max_score",
    "seconds",
    "note",
];

/// The whole table, in lines that end with CRLF (section 2).
pub fn write(rows: &[Row]) -> String {
    let mut out = String::new();
    line(&mut out, &HEADER);
    for row in rows {
        let (score, most) = (row.score.to_string(), row.max_score.to_string());
        let seconds = format!("{:.1}", row.seconds);
        let fields = [
            &row.submission,
            &row.exercise,
            row.verdict.word(),
            &score,
            &most,
            &seconds,
            &row.note,
        ];
        line(&mut out, &fields);
    }
    out
}

fn line(out: &mut String, fields: &[&str]) {
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if field.contains(['"', ',', '\r', '\n']) || field.trim() != *field {
            out.push_str(&format!("\"{}\"", field.replace('"', "\"\"")));
        } else {
            out.push_str(field);
        }
    }
    out.push_str("\r\n");
}

/// Reads a table again, also one that a spreadsheet has saved.
///
/// # Errors
/// A sentence: it isn't a table of this command, with the line at which that shows.
pub fn read(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_string())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = records(text)?.into_iter();
    match records.next() {
        Some((_, first)) if first == HEADER => {}
        _ => return Err(format!("its first line is not {}", HEADER.join(","))),
    }
    records
        .map(|(at, fields)| {
            row(&fields).ok_or_else(|| format!("line {at} is no row of such a table"))
        })
        .collect()
}

fn row(fields: &[String]) -> Option<Row> {
    let [
        submission,
        exercise,
        verdict,
        score,
        max_score,
        seconds,
        note,
    ] = fields
    else {
        return None;
    };
    Some(Row {
        submission: submission.clone(),
        exercise: exercise.clone(),
        verdict: Verdict::from_word(verdict)?,
        score: score.parse().ok()?,
        max_score: max_score.parse().ok()?,
        seconds: seconds
            .parse()
            .ok()
            .filter(|s: &f64| s.is_finite() && *s >= 0.0)?,
        note: note.clone(),
    })
}

/// The records, each with the line on which it begins.
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut records = Vec::new();
    let (mut line, mut began) = (1, 1);
    let (mut fields, mut field) = (Vec::new(), String::new());
    // `Some(true)` inside of quotes, `Some(false)` behind them.
    let mut quoted = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', Some(true)) if chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            ('"', Some(true)) => quoted = Some(false),
            ('"', None) if field.is_empty() => quoted = Some(true),
            (_, Some(true)) => field.push(c),
            (',', _) => {
                fields.push(std::mem::take(&mut field));
                quoted = None;
            }
            ('\r', _) if chars.peek() == Some(&'\n') => {}
            ('\n', _) => {
                fields.push(std::mem::take(&mut field));
                records.push((began, std::mem::take(&mut fields)));
                (quoted, began) = (None, line + 1);
            }
            (_, Some(false)) | ('"', None) => {
                return Err(format!("line {line} has a quote in the wrong place"));
            }
            (_, None) => field.push(c),
        }
        line += usize::from(c == '\n');
    }
    if quoted == Some(true) {
        return Err(format!("a quote is opened on line {began} and not closed"));
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        records.push((began, fields));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |submission: &str, note: &str| Row {
            submission: submission.to_string(),
            exercise: "ex02_echo_server".to_string(),
            verdict: Verdict::TimeLimit,
            score: 3,
            max_score: 17,
            seconds: 1.5,
            note: note.to_string(),
        };
        vec![
            row("plain", ""),
            row("a, b", "say \"hello\""),
            row(" spaced ", "two\nlines\r\nand more"),
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = write(&rows());
        assert_eq!(read(text.as_bytes()), Ok(rows()));
        assert!(
            text.contains(
                "\"a, b\",ex02_echo_server,time-limit,3,17,1.5,\"say \"\"hello\"\"\"\r\n"
            )
        );
        // As a spreadsheet saves it.
        let saved = format!("\u{feff}{}", text.replace("\r\n", "\n"));
        assert_eq!(read(saved.as_bytes()).map(|rows| rows.len()), Ok(3));
        assert_eq!(read(text.trim_end().as_bytes()), Ok(rows()));
    }

    #[test]
    fn what_is_no_such_table_is_refused() {
        let header = HEADER.join(",");
        for (text, word) in [
            (String::new(), "first line"),
            ("a,b\n".to_string(), "first line"),
            (format!("{header}\nx,y\n"), "line 2"),
            (format!("{header}\nx,y,great,1,2,3,\n"), "line 2"),
            (format!("{header}\nx,y,passed,1,2,-3,\n"), "line 2"),
            (format!("{header}\n\"x,y\n"), "not closed"),
            (format!("{header}\nx\"y,z\n"), "wrong place"),
        ] {
            let why = read(text.as_bytes()).expect_err(&text);
            assert!(why.contains(word), "{text:?}: {why}");
        }
        assert!(read(b"\xff").is_err());
    }
}
