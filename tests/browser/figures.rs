//! The interactive figures: their script against the vectors that the Rust code passes (see
//! tests/vectors), what the page shows without script, and every control by keyboard.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

use crate::browser::Browser;
use crate::built::{interactive, root};
use crate::pages::{CHECKS, stage};

fn vectors(figure: &str) -> Vec<Value> {
    let path = root().join(format!("tests/vectors/{figure}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// The script's name of a figure in `book/interactive/chNN_name.html`.
fn name_of(stem: &str) -> &str {
    stem.split_once('_').expect("chNN_name").1
}

/// What the script of *reads are not messages* makes of a vector, in the words of its file.
const READS: &str = r#"(function (vector) {
    const [first, second, third] = vector.messages.concat('', '', '');
    const state = { first, second, third, mark: vector.mark, buffer: String(vector.buffer), cuts: vector.cuts };
    const all = wiresidePlay.figures.reads.of(state);
    const escapes = { 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 39: "\\'", 92: '\\\\' };
    const text = bytes => bytes.map(b => escapes[b] ||
        (b > 31 && b < 127 ? String.fromCharCode(b) : '\\x' + b.toString(16).padStart(2, '0'))).join('');
    const found = receiver => receiver.steps.flatMap(step => step.messages).map(text);
    return {
        stream: text(all.stream), reads: all.reads.map(text), one_read: found(all.oneRead),
        lines: found(all.lines), left: all.lines.end.left, frames: found(all.frames), error: all.frames.end.error
    };
})"#;

/// The vectors of a figure that its script doesn't pass.
fn failing(browser: &mut Browser, figure: &str, vectors: &[Value]) -> Vec<String> {
    let run = match figure {
        "reads" => READS.to_string(),
        _ => format!("(vector => wiresidePlay.figures.{figure}.run(vector.events).trace)"),
    };
    let mut wrong = Vec::new();
    for vector in vectors {
        let own = browser.eval(&format!("{run}({vector})"));
        if own != vector["gives"] {
            wrong.push(format!(
                "{}: the script gives\n{own:#}\nand Rust\n{:#}",
                vector["name"], vector["gives"]
            ));
        }
    }
    wrong
}

#[test]
fn every_figure_does_what_the_rust_code_does() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    for (stem, _) in interactive() {
        let figure = name_of(&stem);
        let mut vectors = vectors(figure);
        assert!(
            vectors.len() > 10,
            "{figure}: only {} vectors",
            vectors.len()
        );
        let wrong = failing(&mut browser, figure, &vectors);
        assert!(wrong.is_empty(), "{figure}: {}", wrong.join("\n"));
        // And a wrong vector is seen.
        let gives = &mut vectors[3]["gives"];
        *gives = json!(gives.to_string().replacen('0', "1", 1));
        assert_eq!(failing(&mut browser, figure, &vectors).len(), 1);
    }
}

#[test]
fn every_story_of_a_figure_is_a_vector() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    for (stem, _) in interactive() {
        let figure = name_of(&stem);
        let stories = browser.eval(&format!("wiresidePlay.figures.{figure}.stories || {{}}"));
        let vectors = vectors(figure);
        for (name, story) in stories.as_object().expect("stories by name") {
            let vector = vectors.iter().find(|vector| vector["name"] == *name);
            let events = vector.map(|vector| &vector["events"]);
            assert_eq!(
                events,
                Some(&story["events"]),
                "{figure}, {name:?}: add it to its vectors"
            );
        }
    }
}

/// The part of a figure's file that its script draws.
fn still(text: &str) -> &str {
    let (_, rest) = text
        .split_once("<div class=\"play-still\">\n")
        .expect("a still");
    rest.split_once("</div>\n<figcaption>").expect("its end").0
}

#[test]
fn without_script_each_page_shows_what_the_script_would_draw() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    for (stem, text) in interactive() {
        let figure = format!("wiresidePlay.figures.{}", name_of(&stem));
        let drawn = browser.eval(&format!("{figure}.view({figure}.still, true)"));
        let drawn = drawn.as_str().expect("HTML");
        if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
            let path = root().join(format!("book/interactive/{stem}.html"));
            fs::write(&path, text.replacen(still(&text), drawn, 1)).expect("write a figure");
            continue;
        }
        assert!(
            still(&text) == drawn,
            "book/interactive/{stem}.html isn't what its script draws: edited by hand, or the drawing has \
             changed; `BLESS=1 cargo test --test browser` draws it anew"
        );
    }
    browser.scripts(false);
    browser.open(&book.figures());
    let shown = browser.eval(
        "Array.from(document.querySelectorAll('figure.play'), figure => \
         [figure.querySelectorAll('button, input, select').length, figure.innerText.length > 300])",
    );
    let shown = shown.as_array().expect("a list");
    assert_eq!(shown.len(), interactive().len());
    for figure in shown {
        assert_eq!(
            *figure,
            json!([0, true]),
            "no control that does nothing, and the whole figure"
        );
    }
}

/// A figure whose chapter has its page is on that page.
#[test]
fn every_figure_is_on_a_page_of_its_chapter() {
    let pages = fs::read_dir(root().join("book/src")).expect("read book/src");
    let pages: Vec<(String, String)> = pages
        .flatten()
        .map(|page| {
            let name = page.file_name().to_string_lossy().into_owned();
            (name, fs::read_to_string(page.path()).unwrap_or_default())
        })
        .collect();
    for (stem, _) in interactive() {
        let chapter = stem.split_once('_').expect("chNN_name").0;
        let own: Vec<_> = pages
            .iter()
            .filter(|(name, _)| name.starts_with(chapter))
            .collect();
        let line = format!("{{{{#include ../interactive/{stem}.html}}}}");
        let is_there = own
            .iter()
            .any(|(_, text)| text.lines().any(|own| own == line));
        assert!(
            own.is_empty() || is_there,
            "no page of {chapter} has the line {line}"
        );
    }
}

/// Where Tab stops, from the top of the page to its end: what `wiresideFocus` says of each place.
fn stops(browser: &mut Browser) -> Vec<Value> {
    browser.eval(CHECKS);
    let mut stops = Vec::new();
    for _ in 0..400 {
        browser.press("Tab");
        let stop = browser.eval("wiresideFocus()");
        if stop["tag"] == "BODY" {
            break;
        }
        stops.push(stop);
    }
    stops
}

#[test]
fn every_control_of_a_figure_can_be_reached_and_seen_by_keyboard() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    let stops = stops(&mut browser);
    let reached: BTreeSet<&str> = stops
        .iter()
        .filter_map(|stop| stop["key"].as_str())
        .collect();
    let unseen: Vec<_> = stops
        .iter()
        .filter(|stop| stop["inFigure"] == true && stop["shown"] != true)
        .collect();
    assert!(unseen.is_empty(), "the focus can't be seen: {unseen:#?}");
    let controls = browser.eval(
        "Array.from(document.querySelectorAll('figure.play :is(button, input, select)'), \
         e => [e.dataset.key || e.dataset.set, Boolean(e.closest('[data-roving]'))])",
    );
    let mut roving = 0;
    for control in controls.as_array().expect("a list") {
        let key = control[0].as_str().expect("each control has a key");
        if control[1] == true {
            roving += 1; // reached by arrows, from the one that Tab stops at
        } else {
            assert!(reached.contains(key), "{key} isn't reached: {reached:?}");
        }
    }
    let groups = browser.eval("document.querySelectorAll('figure.play [data-roving]').length");
    let stopped = stops
        .iter()
        .filter(|stop| stop["roving"].as_u64() > Some(0))
        .count();
    assert_eq!(
        json!(stopped),
        groups,
        "one stop for each group of {roving} buttons"
    );
    // And a focus that can't be seen is noticed.
    browser.open(&book.figures());
    browser.eval("document.querySelectorAll('figure.play button').forEach(b => { b.style.outline = 'none'; })");
    let blind = self::stops(&mut browser);
    assert!(
        blind
            .iter()
            .any(|stop| stop["inFigure"] == true && stop["shown"] == false)
    );
}

/// Tabs, from where its figure begins, until the focus is on what the selector matches.
fn tab_to(browser: &mut Browser, selector: &str) {
    browser.eval(&format!(
        "(figure => {{ figure.tabIndex = -1; figure.focus(); }})(document.querySelector({}).closest('figure'))",
        json!(selector)
    ));
    for _ in 0..60 {
        browser.press("Tab");
        if browser.eval(&format!(
            "document.activeElement.matches({})",
            json!(selector)
        )) == true
        {
            return;
        }
    }
    panic!("Tab never reaches {selector}");
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let value = browser.eval(&format!(
        "Array.from(document.querySelectorAll({}), e => e.textContent.trim()).join('|')",
        json!(selector)
    ));
    value.as_str().unwrap_or_default().to_string()
}

#[test]
fn the_stream_is_cut_by_keyboard_and_the_verdicts_follow() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    let verdicts = "[data-play=reads] .verdict";
    let rights = |text: &str| {
        text.split('|')
            .map(|one| one.contains("✓"))
            .collect::<Vec<_>>()
    };
    assert_eq!(rights(&text(&mut browser, verdicts)), [false, false, true]);
    // From the cut behind byte 6 to the one behind byte 9, where the first message ends.
    tab_to(&mut browser, "[data-play=reads] [data-key=gap6]");
    browser.press(" ");
    for _ in 0..3 {
        browser.press("ArrowRight");
    }
    assert_eq!(browser.eval("document.activeElement.dataset.key"), "gap9");
    browser.press("Enter");
    assert_eq!(
        browser.eval("document.activeElement.dataset.key"),
        "gap9",
        "the focus was lost"
    );
    assert_eq!(
        browser.eval("document.activeElement.getAttribute('aria-pressed')"),
        "true"
    );
    browser.press("ArrowRight");
    browser.press("ArrowRight");
    browser.press(" ");
    let now = text(&mut browser, verdicts);
    assert_eq!(rights(&now), [true, false, true], "{now}");
    assert!(now.contains("by luck"), "{now}");
    let said = text(&mut browser, "[data-play=reads] [role=status]");
    assert!(
        said.starts_with("19 bytes, 2 reads. One read, one message: right."),
        "{said}"
    );
    // A room of four: the luck is over.
    browser.eval("document.querySelector('[data-play=reads] [data-set=buffer]').focus()");
    browser.press("4");
    assert_eq!(rights(&text(&mut browser, verdicts)), [false, false, true]);
    // Undone, step by step, to where it began.
    browser.eval("document.querySelector('[data-play=reads] [data-key=gap9]').focus()");
    for _ in 0..4 {
        browser.press("u");
    }
    let cuts =
        browser.eval("document.querySelector('[data-play=reads]').wiresidePlay.state().cuts");
    assert_eq!(cuts, json!([6, 11]));
    let here = browser.eval("location.href");
    assert!(
        here.as_str()
            .unwrap_or_default()
            .ends_with("every_figure.html"),
        "a key turned the page: {here}"
    );
    assert_eq!(browser.thrown(), Vec::<String>::new());
}

#[test]
fn what_is_typed_is_what_is_sent() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    tab_to(&mut browser, "[data-play=reads] [data-set=third]");
    for key in ["u", "s", "\\", "n"] {
        browser.press(key);
    }
    // Letters that are keys of the figure are letters here.
    assert_eq!(browser.eval("document.activeElement.value"), "us\\n");
    let frames = text(
        &mut browser,
        "[data-play=reads] .receiver:last-child .message",
    );
    assert_eq!(frames, "“hello”|“world!”|“us\\n”");
}

#[test]
fn a_lost_acknowledgement_is_played_by_keyboard_and_all_is_written_once() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    let figure = "document.querySelector('[data-play=stop_and_wait]').wiresidePlay.state()";
    tab_to(&mut browser, "[data-play=stop_and_wait] .play-main");
    browser.press("Enter"); // data 0 arrives
    browser.press("d"); // ack 1 is lost
    let said = text(&mut browser, "[data-play=stop_and_wait] [role=status]");
    assert!(said.contains("ack 1 is lost"), "{said}");
    browser.press("n"); // the timer
    let said = text(&mut browser, "[data-play=stop_and_wait] [role=status]");
    assert!(
        said.starts_with("At 200 ms: the timer runs out.") && said.contains("data 0, again"),
        "{said}"
    );
    for _ in 0..8 {
        browser.press("n");
    }
    assert_eq!(browser.eval(&format!("{figure}.receiver.written")), 2_600);
    assert_eq!(browser.eval(&format!("{figure}.sender.done")), true);
    let words = text(&mut browser, "[data-play=stop_and_wait] .play-verdict");
    assert!(words.contains("A, B, C, each once"), "{words}");
    let label = browser
        .eval("document.querySelector('[data-play=stop_and_wait] svg').getAttribute('aria-label')");
    assert!(
        label
            .as_str()
            .unwrap_or_default()
            .contains("a copy, which is not written"),
        "{label}"
    );
    // A button that is drawn no more doesn't take the focus away with it.
    browser.press("u");
    tab_to(
        &mut browser,
        "[data-play=stop_and_wait] [data-datagram] button",
    );
    browser.press("Enter"); // the last answer is lost
    let focused = "document.activeElement.closest('figure')?.dataset.play";
    assert_eq!(browser.eval(focused), "stop_and_wait", "the focus was lost");
    assert_eq!(browser.thrown(), Vec::<String>::new());
}

#[test]
fn one_loss_in_a_window_is_played_by_keyboard_and_one_segment_is_sent_again() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    let figure = "document.querySelector('[data-play=window]').wiresidePlay.state()";
    tab_to(&mut browser, "[data-play=window] [data-datagram] button");
    // A row down is the next datagram: the third of eight.
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    browser.press("d");
    let said = text(&mut browser, "[data-play=window] [role=status]");
    assert!(said.contains("data 2 is lost"), "{said}");
    for _ in 0..7 {
        browser.press("n");
    }
    let kept = browser.eval(&format!("{figure}.receiver.early"));
    assert_eq!(kept, json!([3, 4, 5, 6, 7]));
    for _ in 0..27 {
        browser.press("n");
    }
    assert_eq!(browser.eval(&format!("{figure}.sender.done")), true);
    assert_eq!(browser.eval(&format!("{figure}.sender.repeated")), 1);
    assert_eq!(browser.thrown(), Vec::<String>::new());
}

#[test]
fn a_step_changes_no_state_but_the_next() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.open(&book.figures());
    for (stem, _) in interactive() {
        let figure = format!("wiresidePlay.figures.{}", name_of(&stem));
        let events = json!([
            { "do": "next" }, { "do": "twice", "id": 0 }, { "do": "drop", "id": 1 }, { "do": "finish" },
            { "do": "everywhere" }, { "do": "cut", "at": 3 }, { "do": "set", "name": "mark", "value": "lf" },
        ]);
        let same = browser.eval(&format!(
            "{events}.reduce((state, event) => {{ const before = JSON.stringify(state); \
             const next = {figure}.step(state, event); \
             if (JSON.stringify(state) !== before) throw new Error(event.do + ' changed the state'); \
             return next; }}, {figure}.start) !== {figure}.start"
        ));
        assert_eq!(same, true, "{stem}: no event did anything");
    }
}
