//! Fences, figures, images and transcripts: what would be shown wrongly, or to some readers only.

use crate::page::{Book, Line, fence_mark, raw_lines, without_code};

/// Labels that the book's theme knows how to show. A new one belongs here and in the stylesheet.
const LABELS: [&str; 9] = [
    "console",
    "rust,ignore",
    "sh",
    "python",
    "javascript",
    "toml",
    "json",
    "text",
    "markdown",
];

pub fn faults_in(book: &Book) -> Vec<String> {
    let mut faults = Vec::new();
    for (page, text) in book.pages() {
        let lines = raw_lines(text);
        fences(page, &lines, &mut faults);
        alone(page, &lines, &mut faults);
        spans(page, &lines, &mut faults);
        images(page, &lines, &mut faults);
        let expanded = book.lines(page);
        elements(page, &expanded, "svg", &mut faults);
        elements(page, &expanded, "figure", &mut faults);
        once(page, &expanded, &mut faults);
    }
    for (path, text) in &book.0 {
        if path.starts_with("book/sessions/") {
            transcript(path, text, &mut faults);
        }
        if path.starts_with("book/figures/") && path.ends_with(".svg") {
            figure(path, text, &mut faults);
        }
    }
    faults
}

fn fences(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    let mut open: Option<(usize, char, usize, &str)> = None;
    let mut content: Vec<&str> = Vec::new();
    for line in lines {
        let mark = fence_mark(&line.text);
        match (open, mark) {
            (None, Some((letter, length, info))) => {
                let at = format!("{page}:{}", line.number);
                if info.is_empty() {
                    faults.push(format!(
                        "{at}: this fence has no label; write what it holds, ```text say"
                    ));
                } else if !LABELS.contains(&info) {
                    faults.push(format!(
                        "{at}: the label {info:?} isn't one of {}",
                        LABELS.join(" ")
                    ));
                }
                open = Some((line.number, letter, length, info));
                content.clear();
            }
            (Some((start, letter, length, info)), Some((l, n, "")))
                if l == letter && n >= length =>
            {
                let recorded = matches!(content[..], [only] if only.trim().starts_with("{{#include ")
                    && only.contains("/sessions/"));
                if info == "console" && !recorded {
                    faults.push(format!(
                        "{page}:{start}: a console fence holds one include from book/sessions/ and nothing \
                         else: sessions are recorded; for commands to type use ```sh"
                    ));
                }
                open = None;
            }
            (Some(_), _) => content.push(&line.text),
            (None, None) => {}
        }
    }
    if let Some((start, ..)) = open {
        faults.push(format!(
            "{page}:{start}: this fence is never closed; the rest of the page is code"
        ));
    }
}

/// Markdown right after `<div …>` or `<details …>` isn't read as Markdown.
fn alone(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    for pair in lines.windows(2) {
        let [line, next] = pair else { continue };
        let text = line.text.trim();
        let opens =
            text.starts_with("<div") || text == "</summary>" || text.starts_with("<summary");
        let markdown = !next.text.trim().is_empty() && !next.text.trim().starts_with('<');
        if opens && text.ends_with('>') && markdown && !line.code {
            faults.push(format!(
                "{page}:{}: leave a blank line before this one: right after {text} it isn't read as Markdown",
                next.number
            ));
        }
    }
}

/// The rules read line by line: a code span that goes on to the next would hide links from them.
fn spans(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    for line in lines
        .iter()
        .filter(|line| !line.code && without_code(&line.text).contains('`'))
    {
        faults.push(format!(
            "{page}:{}: a code span doesn't end on its line; keep it on one line",
            line.number
        ));
    }
}

fn images(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    for line in lines.iter().filter(|line| !line.code) {
        let text = without_code(&line.text);
        let at = format!("{page}:{}", line.number);
        if text.contains("![](") {
            faults.push(format!(
                "{at}: an image without words; say in ![…] what it shows"
            ));
        }
        for tag in text
            .split("<img")
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap_or_default())
        {
            if attribute(tag, "alt").is_none_or(|alt| alt.trim().is_empty()) {
                faults.push(format!(
                    "{at}: an <img> without alt; say in alt=\"…\" what it shows"
                ));
            }
        }
        for word in ["src=\"http", "src=\"//", "](http"] {
            if text.contains(word) && (word != "](http" || text.contains("![")) {
                faults.push(format!(
                    "{at}: loads something from the internet; the book works offline"
                ));
            }
        }
    }
}

/// From `<name` to `</name>`: no blank line, since that ends the HTML; and an SVG says what it shows.
fn elements(page: &str, lines: &[Line], name: &str, faults: &mut Vec<String>) {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut start: Option<usize> = None;
    let mut text = String::new();
    let mut blank = false;
    for line in lines.iter().filter(|line| !line.code) {
        if start.is_none() && line.text.contains(&open) {
            start = Some(line.number);
            text.clear();
            blank = false;
        }
        let Some(first) = start else { continue };
        blank |= line.text.trim().is_empty();
        text.push_str(&line.text);
        text.push('\n');
        if line.text.contains(&close) {
            if blank {
                faults.push(format!(
                    "{page}:{first}: a blank line inside <{name}>; remove it: Markdown starts again there"
                ));
            }
            if name == "svg" && !says_what_it_shows(&text) {
                faults.push(format!(
                    "{page}:{first}: an <svg> without aria-label; say what it shows, so that the words \
                     replace the picture (or role=\"img\" and a <title>)"
                ));
            }
            start = None;
        }
    }
    if let Some(first) = start {
        faults.push(format!(
            "{page}:{first}: <{name}> is never closed; write </{name}>"
        ));
    }
}

fn says_what_it_shows(svg: &str) -> bool {
    let tag = svg
        .split("<svg")
        .nth(1)
        .and_then(|rest| rest.split('>').next())
        .unwrap_or_default();
    let label = attribute(tag, "aria-label").is_some_and(|label| !label.trim().is_empty());
    let title = svg
        .split("<title>")
        .nth(1)
        .and_then(|rest| rest.split("</title>").next());
    label
        || (attribute(tag, "role") == Some("img")
            && title.is_some_and(|title| !title.trim().is_empty()))
}

/// An id is there once on a page: two figures with a marker of the same name draw each other's.
fn once(page: &str, lines: &[Line], faults: &mut Vec<String>) {
    let mut seen: Vec<String> = Vec::new();
    for line in lines.iter().filter(|line| !line.code) {
        for id in raw_ids(&without_code(&line.text)) {
            if seen.contains(&id) {
                faults.push(format!(
                    "{page}:{}: the id {id:?} is on this page twice; rename one",
                    line.number
                ));
            }
            seen.push(id);
        }
    }
}

fn transcript(path: &str, text: &str, faults: &mut Vec<String>) {
    if text.trim().is_empty() {
        faults.push(format!(
            "{path}: is empty; record the session, or remove the file"
        ));
    }
    for (index, line) in text.lines().enumerate() {
        for forbidden in ["```", "~~~", "{{#"] {
            if line.contains(forbidden) {
                faults.push(format!(
                    "{path}:{}: holds {forbidden}, which would end the fence or be taken for a directive; \
                     record a session without it",
                    index + 1
                ));
            }
        }
    }
}

fn figure(path: &str, text: &str, faults: &mut Vec<String>) {
    if !text.contains("viewBox=\"0 0 360 ") {
        faults.push(format!(
            "{path}: its viewBox isn't \"0 0 360 H\"; a phone couldn't show it"
        ));
    }
    for tag in ["<style", "<script", "<image", "<?xml"] {
        if text.contains(tag) {
            faults.push(format!(
                "{path}: holds {tag}, which reaches out of the figure into the page; remove it"
            ));
        }
    }
}

/// The value of an attribute in a tag's text.
pub fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}

/// Every `id="…"` in the tags of a line.
pub fn raw_ids(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split('<').skip(1).filter_map(|tag| {
        let tag = tag.split('>').next().unwrap_or_default();
        attribute(tag, "id").map(str::to_string)
    })
}

#[cfg(test)]
mod proofs {
    use crate::page::{Book, caught};

    const PAGE: &str = "book/src/glossary.md";
    const FIGURE: &str = "book/figures/ch02_a.svg";

    fn glossary_with(text: &str) -> Book {
        Book::with(PAGE, "# Glossary\n", &format!("# Glossary\n\n{text}\n"))
    }

    #[test]
    fn a_fence_without_a_label_is_caught() {
        caught(
            &glossary_with("```\nx\n```\n"),
            "glossary.md:3: this fence has no label",
        );
    }

    #[test]
    fn a_mistyped_label_is_caught() {
        caught(
            &glossary_with("```pyhton\nx\n```\n"),
            "the label \"pyhton\" isn't one of",
        );
    }

    #[test]
    fn rust_that_mdbook_would_offer_to_run_is_caught() {
        caught(
            &glossary_with("```rust\nfn main() {}\n```\n"),
            "the label \"rust\" isn't one of",
        );
    }

    #[test]
    fn a_fence_that_is_never_closed_is_caught() {
        let book = Book::with(PAGE, "Bytes in order.\n", "Bytes in order.\n\n```text\nx\n");
        caught(&book, "glossary.md:6: this fence is never closed");
    }

    #[test]
    fn a_session_typed_by_hand_is_caught() {
        caught(
            &glossary_with("```console\n$ nc\n```\n"),
            "sessions are recorded",
        );
    }

    #[test]
    fn markdown_right_after_a_div_is_caught() {
        caught(
            &glossary_with("<div class=\"errors\">\n**x**\n\n</div>\n"),
            "glossary.md:4: leave a blank line",
        );
    }

    #[test]
    fn a_code_span_over_two_lines_is_caught() {
        let faults = crate::faults_in(&glossary_with("Type `cargo\nrun` there."));
        assert!(
            faults[0].contains("glossary.md:3: a code span doesn't end on its line"),
            "{faults:?}"
        );
    }

    #[test]
    fn an_image_without_words_is_caught() {
        let book = Book::and("book/src/a.png", "");
        let mut book = book;
        book.0.insert(
            PAGE.into(),
            "# G\n\n![](a.png)\n\nByte stream\n: B.\n".into(),
        );
        caught(&book, "glossary.md:3: an image without words");
    }

    #[test]
    fn an_img_without_alt_is_caught() {
        caught(
            &glossary_with("<img class=\"a\">"),
            "glossary.md:3: an <img> without alt",
        );
        caught(
            &glossary_with("<img alt=\"\">"),
            "glossary.md:3: an <img> without alt",
        );
    }

    #[test]
    fn a_picture_from_the_internet_is_caught() {
        caught(
            &glossary_with("<img alt=\"x\" src=\"https://example.org/x.png\">"),
            "works offline",
        );
        caught(
            &glossary_with("![x](https://example.org/x.png)"),
            "works offline",
        );
    }

    #[test]
    fn a_blank_line_in_an_svg_is_caught() {
        let book = Book::with(FIGURE, "<path", "\n<path");
        assert!(crate::faults_in(&book)[0].contains("a blank line inside <svg>"));
    }

    #[test]
    fn a_blank_line_in_a_figure_is_caught() {
        let book = Book::with("book/src/ch02_echo.md", "<figcaption>", "\n<figcaption>");
        caught(&book, "a blank line inside <figure>");
    }

    #[test]
    fn an_svg_without_words_is_caught() {
        caught(
            &Book::with(FIGURE, " aria-label=\"Hello goes out.\"", ""),
            "an <svg> without aria-label",
        );
        caught(
            &Book::with(FIGURE, "Hello goes out.", " "),
            "an <svg> without aria-label",
        );
    }

    #[test]
    fn a_title_says_what_an_svg_shows_as_well() {
        let titled = Book::with(
            FIGURE,
            " aria-label=\"Hello goes out.\">",
            "><title>Hello goes out.</title>",
        );
        assert!(
            crate::faults_in(&titled).is_empty(),
            "{:?}",
            crate::faults_in(&titled)
        );
    }

    #[test]
    fn an_element_that_is_never_closed_is_caught() {
        let book = Book::with(FIGURE, "</svg>\n", "");
        caught(&book, "<svg> is never closed");
    }

    #[test]
    fn an_id_that_is_there_twice_is_caught() {
        caught(
            &glossary_with("<a id=\"x\"></a> <a id=\"x\"></a>"),
            "the id \"x\" is on this page twice",
        );
    }

    #[test]
    fn a_transcript_that_would_end_its_fence_is_caught() {
        for forbidden in ["```", "~~~", "{{#include x}}"] {
            let faults =
                crate::faults_in(&Book::with("book/sessions/ch02_a.txt", "hello", forbidden));
            assert!(
                faults
                    .iter()
                    .any(|fault| fault.starts_with("book/sessions/ch02_a.txt:2: holds")),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn an_empty_transcript_is_caught() {
        caught(
            &Book::and("book/sessions/ch02_b.txt", "\n"),
            "ch02_b.txt: is empty",
        );
    }

    #[test]
    fn a_figure_that_a_phone_could_not_show_is_caught() {
        caught(
            &Book::with(FIGURE, "0 0 360 90", "0 0 900 90"),
            "ch02_a.svg: its viewBox",
        );
    }

    #[test]
    fn a_figure_that_styles_the_page_is_caught() {
        caught(
            &Book::with(FIGURE, "<path", "<style>p {}</style><path"),
            "ch02_a.svg: holds <style",
        );
    }
}
