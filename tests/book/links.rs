//! Links, fragments and footnotes lead somewhere, and no relative link leaves the book.

use crate::markup::{attribute, raw_ids};
use crate::page::{Book, Line, resolve, without_code};

const REPOSITORY: &str = "https://github.com/wireside/wireside/blob/main/";

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    for (page, _) in book.pages() {
        let lines = book.lines(page);
        for line in lines.iter().filter(|line| !line.code) {
            for target in targets(&line.text) {
                if let Some(wrong) = dead(book, page, &target) {
                    faults.push(format!("{page}:{}: {wrong}", line.number));
                }
            }
        }
        references(page, &lines, &mut faults);
        footnotes(page, &lines, &mut faults);
    }
    faults
}

/// What is wrong with a link's target, if anything.
fn dead(book: &Book, page: &str, target: &str) -> Option<String> {
    if ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
    {
        return None;
    }
    let (path, fragment) = match target.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (target, None),
    };
    let file = if path.is_empty() {
        Some(page.to_string())
    } else {
        resolve(page, path)
    };
    let inside = |file: &String| !path.starts_with('/') && file.starts_with("book/src/");
    let Some(file) = file.filter(inside) else {
        return Some(format!(
            "the link to {target} leaves the book, which doesn't hold that file; link to {REPOSITORY}…"
        ));
    };
    if book.text(&file).is_none() {
        let hint = if path.ends_with(".html") {
            "; link to the .md: mdBook renames it"
        } else {
            "; mend the path"
        };
        return Some(format!(
            "the link to {target} is dead: there is no {file}{hint}"
        ));
    }
    let fragment = fragment?;
    let known = ids(&book.lines(&file));
    (!known.iter().any(|id| id == fragment)).then(|| {
        format!(
            "the link to {target} is dead: {file} has no id {fragment:?}, only {}",
            known.join(" ")
        )
    })
}

/// The targets in a line: `[text](target)`, `[ref]: target`, `href="target"`.
fn targets(line: &str) -> Vec<String> {
    let line = without_code(line);
    let mut targets = Vec::new();
    for rest in line.split("](").skip(1) {
        let target = rest.split([')', ' ']).next().unwrap_or_default();
        targets.push(target.trim_matches(['<', '>']).to_string());
    }
    if let Some((_, target)) = definition(&line).filter(|(name, _)| !name.starts_with('^')) {
        targets.push(target.to_string());
    }
    for tag in line
        .split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap_or_default())
    {
        for name in ["href", "src"] {
            targets.extend(attribute(tag, name).map(str::to_string));
        }
    }
    targets
}

/// `[name]: target` at the start of a line.
fn definition(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
    let plain = !name.contains([']', '[']);
    plain.then(|| (name, rest.split_whitespace().next().unwrap_or_default()))
}

/// `[text][name]` needs its `[name]: target`; mdBook prints the brackets otherwise.
fn references(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    let prose: Vec<(usize, String)> = prose(lines);
    let defined: Vec<String> = prose
        .iter()
        .filter_map(|(_, line)| definition(line))
        .map(|(name, _)| name.to_lowercase())
        .collect();
    for (number, line) in &prose {
        for rest in line.split("][").skip(1) {
            let name = rest.split(']').next().unwrap_or_default();
            if !name.is_empty() && !defined.contains(&name.to_lowercase()) {
                faults.push(format!(
                    "{page}:{number}: [{name}] is defined nowhere on the page; add [{name}]: target"
                ));
            }
        }
    }
}

fn footnotes(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    let mut used: Vec<(usize, String)> = Vec::new();
    let mut defined: Vec<(usize, String)> = Vec::new();
    for (number, line) in prose(lines) {
        let own = definition(&line)
            .and_then(|(name, _)| name.strip_prefix('^'))
            .map(str::to_string);
        let names = line
            .split("[^")
            .skip(1)
            .filter_map(|rest| rest.split_once(']'))
            .map(|(name, _)| name);
        used.extend(
            names
                .skip(usize::from(own.is_some()))
                .map(|name| (number, name.to_string())),
        );
        if let Some(name) = own {
            if defined.iter().any(|(_, other)| *other == name) {
                faults.push(format!(
                    "{page}:{number}: the footnote [^{name}] is defined twice; rename one"
                ));
            }
            defined.push((number, name));
        }
    }
    for (number, name) in &used {
        if !defined.iter().any(|(_, other)| other == name) {
            faults.push(format!(
                "{page}:{number}: the footnote [^{name}] is defined nowhere; add [^{name}]: text"
            ));
        }
    }
    for (number, name) in &defined {
        if !used.iter().any(|(_, other)| other == name) {
            faults.push(format!("{page}:{number}: no text refers to the footnote [^{name}]; remove it or refer to it"));
        }
    }
}

fn prose(lines: &[Line]) -> Vec<(usize, String)> {
    lines
        .iter()
        .filter(|line| !line.code)
        .map(|line| (line.number, without_code(&line.text)))
        .collect()
}

/// The ids of a page as mdBook 0.5 makes them: headings, terms of definition lists, raw HTML.
pub fn ids(lines: &[Line]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.code) {
        let next = lines.get(index + 1).map_or("", |next| next.text.as_str());
        let term = next.trim_start().starts_with(": ")
            && !line.text.trim().is_empty()
            && !line.text.starts_with(':');
        let heading = heading(&line.text);
        if let Some((_, text)) = heading {
            match explicit(text) {
                Some(id) => ids.push(id.to_string()),
                None => push_unique(&mut ids, &id_of(text)),
            }
        } else if term {
            push_unique(&mut ids, &id_of(&line.text));
        }
        ids.extend(raw_ids(&without_code(&line.text)));
    }
    ids
}

/// The level and the text of an ATX heading.
pub fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.chars().take_while(|c| *c == '#').count();
    let text = line[level..].strip_prefix(' ')?.trim();
    // Marks at the end are decoration when a space parts them from the text.
    let bare = text.trim_end_matches('#');
    let text = if bare.ends_with(' ') {
        bare.trim_end()
    } else {
        text
    };
    (1..=6).contains(&level).then_some((level, text))
}

/// The `id` of a heading that ends in `{#id}`.
fn explicit(text: &str) -> Option<&str> {
    let inner = text.strip_suffix('}')?.rsplit_once('{')?.1;
    inner
        .split_whitespace()
        .find_map(|word| word.strip_prefix('#'))
}

fn push_unique(ids: &mut Vec<String>, id: &str) {
    let mut unique = id.to_string();
    let mut count = 0;
    while ids.contains(&unique) {
        count += 1;
        unique = format!("{id}-{count}");
    }
    ids.push(unique);
}

/// Lower case, white space to `-`, everything but letters, digits, `-` and `_` dropped.
fn id_of(text: &str) -> String {
    let mut id = String::new();
    for (index, part) in text.split('`').enumerate() {
        // In code nothing is markup; elsewhere `--` becomes a dash, which is dropped.
        let part = if index % 2 == 1 {
            part.to_string()
        } else {
            plain(part)
        };
        id.extend(part.trim_matches('\n').chars().filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => {
                Some(c.to_lowercase().collect::<String>())
            }
            c if c.is_whitespace() => Some("-".to_string()),
            _ => None,
        }));
    }
    id
}

/// Markdown without its marks: links to their text, tags and entities away, emphasis away.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.replace("---", "").replace("--", "");
    while let Some(start) = rest.find(['<', '&', ']']) {
        out.push_str(&rest[..start]);
        let after = rest[start..].to_string();
        let end = match after.chars().next() {
            Some('<') => after.find('>').map(|end| end + 1),
            Some('&') => after.find(';').filter(|end| *end < 8).map(|end| end + 1),
            _ if after.starts_with("](") => after.find(')').map(|end| end + 1),
            _ => None,
        };
        rest = after[end.unwrap_or(1)..].to_string();
    }
    out.push_str(&rest);
    let letters: Vec<char> = out.chars().collect();
    let word = |index: Option<usize>| {
        index
            .and_then(|i| letters.get(i))
            .is_some_and(|c| c.is_alphanumeric())
    };
    let kept = letters.iter().enumerate().filter(|(i, c)| {
        // `_` inside a word is a letter of it, at its edge it is emphasis.
        **c != '_' || (word(i.checked_sub(1)) && word(Some(i + 1)))
    });
    kept.map(|(_, c)| *c).collect()
}

#[cfg(test)]
mod proofs {
    use super::ids;
    use crate::page::{Book, caught, raw_lines};

    const PAGE: &str = "book/src/glossary.md";

    fn glossary_with(text: &str) -> Book {
        Book::with(PAGE, "# Glossary\n", &format!("# Glossary\n\n{text}\n"))
    }

    #[test]
    fn ids_are_those_that_mdbook_makes() {
        // The right column was read from what mdBook 0.5.4 wrote.
        let made = [
            (
                "# 1 Ports & processes: who's `on` it?",
                "1-ports--processes-whos-on-it",
            ),
            ("## The surprise", "the-surprise"),
            ("## The surprise", "the-surprise-1"),
            (
                "## Zwölf — Töne, 1_000 (x) `a_b` *em* <b>hm</b> \"q\" &amp; -- it's",
                "zwölf--töne-1_000-x-a_b-em-hm-q---its",
            ),
            ("## custom {#my-id}", "my-id"),
            ("## 中文 x", "中文-x"),
            ("Definition list\n: Text", "definition-list"),
            ("## A [link](x.md#y) and `--flag`", "a-link-and---flag"),
            ("## Half-close ##", "half-close"),
            ("## _Em_ and std::net", "em-and-stdnet"),
        ];
        let page: Vec<&str> = made.iter().map(|(heading, _)| *heading).collect();
        let expected: Vec<&str> = made.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids(&raw_lines(&page.join("\n\n"))), expected);
    }

    #[test]
    fn a_dead_link_is_caught() {
        caught(
            &glossary_with("See [there](gone.md)."),
            "glossary.md:3: the link to gone.md is dead",
        );
    }

    #[test]
    fn a_link_in_html_is_checked_too() {
        caught(
            &glossary_with("<a href=\"gone.md\">there</a>"),
            "the link to gone.md is dead",
        );
    }

    #[test]
    fn a_link_to_html_is_told_what_to_do() {
        caught(
            &glossary_with("See [there](ch02_echo.html)."),
            "link to the .md",
        );
    }

    #[test]
    fn a_dead_fragment_is_caught() {
        caught(
            &glossary_with("See [there](ch02_echo.md#recapp)."),
            "book/src/ch02_echo.md has no id \"recapp\"",
        );
        caught(
            &glossary_with("See [there](#byte-steam)."),
            "has no id \"byte-steam\"",
        );
    }

    #[test]
    fn a_link_to_code_that_only_looks_like_one_is_none() {
        let faults = crate::faults_in(&glossary_with(
            "Write `[x](gone.md)`, or\n\n```text\n[x](gone.md)\n```\n",
        ));
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn a_link_out_of_the_book_is_caught() {
        caught(
            &glossary_with("See [it](../../README.md)."),
            "leaves the book",
        );
        caught(&glossary_with("See [it](/glossary.md)."), "leaves the book");
    }

    #[test]
    fn a_reference_to_nothing_is_caught() {
        caught(
            &glossary_with("See [there][rfc]."),
            "[rfc] is defined nowhere",
        );
        caught(
            &glossary_with("See [there][rfc].\n\n[rfc]: gone.md"),
            "the link to gone.md is dead",
        );
    }

    #[test]
    fn footnotes_must_meet_their_texts() {
        caught(
            &glossary_with("So[^a]."),
            "the footnote [^a] is defined nowhere",
        );
        caught(
            &glossary_with("[^a]: So."),
            "no text refers to the footnote [^a]",
        );
        caught(
            &glossary_with("So[^a].\n\n[^a]: One.\n\n[^a]: Two."),
            "[^a] is defined twice",
        );
    }
}
