//! The table, read independently of who wrote it.

use wireside::chapters;

/// The rows of a table without its header: RFC 4180, read independently of who wrote it.
pub fn rows(csv: &str) -> Vec<Vec<String>> {
    assert!(csv.ends_with("\r\n"), "the last line has no end");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in csv.split_terminator("\r\n") {
        let (mut fields, mut rest) = (Vec::new(), line);
        loop {
            let end;
            if let Some(quoted) = rest.strip_prefix('"') {
                let mut close = 0;
                while let Some(at) = quoted[close..].find('"') {
                    close += at;
                    if !quoted[close + 1..].starts_with('"') {
                        break;
                    }
                    close += 2;
                }
                fields.push(quoted[..close].replace("\"\"", "\""));
                end = close + 2;
            } else {
                end = rest.find(',').unwrap_or(rest.len());
                fields.push(rest[..end].to_string());
            }
            match rest[end..].strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        assert_eq!(fields.len(), 7, "{line}");
        rows.push(fields);
    }
    let header = rows.remove(0).join(",");
    assert_eq!(
        header,
        "submission,exercise,verdict,score,max_score,seconds,note"
    );
    rows
}

/// Submission, verdict, and how much of the exercise's points it got: `all`, `none`, or a fraction.
pub fn verdicts(rows: &[Vec<String>]) -> Vec<String> {
    let words = |row: &Vec<String>| {
        let max = max_score(&row[1]);
        let got = match (row[3].parse::<u32>(), row[4].parse::<u32>()) {
            (Ok(0), Ok(most)) if most == max => "none".to_string(),
            (Ok(score), Ok(most)) if score == max && most == max => "all".to_string(),
            _ => format!("{}/{}", row[3], row[4]),
        };
        format!("{} {} {got}", row[0], row[2])
    };
    rows.iter().map(words).collect()
}

pub fn max_score(exercise: &str) -> u32 {
    let checks = chapters::exercise(exercise).map(|(_, exercise)| exercise.checks);
    checks
        .unwrap_or_default()
        .iter()
        .map(|check| check.points)
        .sum()
}
