//! Every page of the book, for everybody: on a phone, in the dark, by keyboard, by ear, offline.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::browser::Browser;
use crate::built::{Built, built};

pub const CHECKS: &str = include_str!("checks.js");

/// mdBook's own themes: the reader may choose any.
const THEMES: [&str; 5] = ["light", "rust", "coal", "navy", "ayu"];

/// A browser and the book, one test at a time: two browsers at once only wait for each other.
pub fn stage() -> Option<(impl Drop, Browser, &'static Built)> {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let turn = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let book = built()?;
    let mut browser = Browser::start()?;
    // Else a colour that is on its way would be measured.
    browser.prefers("light", "reduce");
    Some((turn, browser, book))
}

pub fn faults(browser: &mut Browser, what: &[&str]) -> Vec<String> {
    browser.eval(CHECKS);
    let found = browser.eval(&format!("wiresideChecks({})", json!(what)));
    let found = found.as_array().cloned().unwrap_or_default();
    found
        .iter()
        .map(|fault| fault.as_str().unwrap_or_default().to_string())
        .collect()
}

fn none(faults: Vec<String>) {
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn all_pages(book: &Built) -> Vec<String> {
    let mut pages = book.pages.clone();
    pages.push("every_figure.html".to_string());
    pages
}

#[test]
fn every_page_has_its_headings_in_order_and_words_for_every_picture() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let mut found = Vec::new();
    for scripts in [true, false] {
        browser.scripts(scripts);
        for page in all_pages(book) {
            browser.open(&book.page(&page));
            for fault in faults(&mut browser, &["headings", "words"]) {
                found.push(format!("{page}: {fault}"));
            }
            if scripts {
                let nameless = unnamed(&mut browser).into_iter();
                found.extend(nameless.map(|it| format!("{page}: {it}")));
            }
        }
    }
    none(found);
}

/// What a screen reader would have no name for.
fn unnamed(browser: &mut Browser) -> Vec<String> {
    let tree = browser.call("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
    let roles = [
        "button",
        "link",
        "textbox",
        "searchbox",
        "combobox",
        "checkbox",
        "radio",
        "slider",
    ];
    let nameless = nodes.iter().filter(|node| {
        node["ignored"] != true
            && roles.contains(&node["role"]["value"].as_str().unwrap_or_default())
            && node["name"]["value"]
                .as_str()
                .unwrap_or_default()
                .trim()
                .is_empty()
    });
    nameless
        .map(|node| format!("a {} without a name", node["role"]["value"]))
        .collect()
}

#[test]
fn nothing_but_code_and_tables_is_wider_than_a_phone() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let mut found = Vec::new();
    for (width, scripts) in [(390, true), (390, false), (320, true), (1200, true)] {
        browser.width(width);
        browser.scripts(scripts);
        for page in all_pages(book) {
            browser.open(&book.page(&page));
            for fault in faults(&mut browser, &["overflow"]) {
                found.push(format!("{page} at {width} pixels: {fault}"));
            }
        }
    }
    none(found);
}

#[test]
fn every_word_can_be_told_from_its_ground_in_every_theme() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let mut found = Vec::new();
    for page in all_pages(book) {
        browser.open(&book.page(&page));
        for theme in THEMES {
            browser.eval(&format!(
                "document.getElementById('mdbook-theme-{theme}').click()"
            ));
            let is = browser.eval("document.documentElement.className");
            assert!(
                is.as_str().unwrap_or_default().contains(theme),
                "{is} isn't {theme}"
            );
            for fault in faults(&mut browser, &["contrast"]) {
                found.push(format!("{page} in {theme}: {fault}"));
            }
        }
        // Without script the page follows the system.
        browser.eval("localStorage.clear()");
    }
    none(found);
}

#[test]
fn without_script_the_page_follows_the_systems_colours_and_can_be_read() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    browser.scripts(false);
    let mut found = Vec::new();
    let mut grounds = BTreeSet::new();
    for scheme in ["light", "dark"] {
        browser.prefers(scheme, "reduce");
        for page in all_pages(book) {
            browser.open(&book.page(&page));
            grounds.insert(
                browser
                    .eval("getComputedStyle(document.documentElement).backgroundColor")
                    .to_string(),
            );
            for fault in faults(&mut browser, &["contrast"]) {
                found.push(format!("{page}, {scheme}: {fault}"));
            }
        }
    }
    none(found);
    assert_eq!(grounds.len(), 2, "{grounds:?}");
}

#[test]
fn nothing_moves_where_the_system_asks_for_less_motion() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let moving = "Array.from(document.querySelectorAll('body, body *')).filter(e => \
                  parseFloat(getComputedStyle(e).transitionDuration) > 0 || \
                  getComputedStyle(e).animationName !== 'none').length";
    browser.open(&book.figures());
    assert_eq!(browser.eval(moving), 0);
    // mdBook's menus do move otherwise: so it is the page that holds them still.
    browser.prefers("light", "no-preference");
    browser.open(&book.figures());
    assert_ne!(browser.eval(moving), 0);
}

#[test]
fn the_dark_theme_is_shown_where_the_system_asks_for_it() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    for (scheme, theme) in [("light", "light"), ("dark", "navy")] {
        browser.prefers(scheme, "reduce");
        browser.open(&book.page("index.html"));
        let is = browser.eval("document.documentElement.className");
        assert!(
            is.as_str().unwrap_or_default().contains(theme),
            "{scheme}: {is}"
        );
    }
}

#[test]
fn the_first_tab_reaches_a_link_that_skips_to_the_text() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let mut found = Vec::new();
    for page in &book.pages {
        browser.open(&book.page(page));
        found.extend(
            skips(&mut browser)
                .err()
                .map(|why| format!("{page}: {why}")),
        );
    }
    none(found);
}

fn skips(browser: &mut Browser) -> Result<(), String> {
    browser.press("Tab");
    let first = browser.eval(
        "(e => e.className + '|' + (e.getBoundingClientRect().top >= 0))(document.activeElement)",
    );
    if first != "skip-link|true" {
        return Err(format!(
            "the first Tab reaches {first}, and not a skip link that is seen"
        ));
    }
    browser.press("Enter");
    let reached = browser.eval("document.activeElement.tagName");
    if reached != "MAIN" {
        return Err(format!(
            "the skip link leads to {reached}, and not to the text"
        ));
    }
    Ok(())
}

#[test]
fn no_page_asks_anything_of_the_internet() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let mut found = Vec::new();
    for page in all_pages(book) {
        browser.open(&book.page(&page));
        // A moment for what a script asks for after the page is there.
        browser.eval("new Promise(done => requestIdleCallback(done, { timeout: 300 }))");
        found.extend(
            strangers(&browser)
                .into_iter()
                .map(|it| format!("{page}: {it}")),
        );
        found.extend(
            browser
                .thrown()
                .into_iter()
                .map(|it| format!("{page}: a script failed: {it}")),
        );
    }
    none(found);
}

fn strangers(browser: &Browser) -> Vec<String> {
    let requests = browser.requests();
    assert!(
        !requests.is_empty(),
        "no request was seen, not even for the page"
    );
    let far = requests
        .into_iter()
        .filter(|url| !url.starts_with("file://") && !url.starts_with("data:"));
    far.map(|url| format!("asks for {url}")).collect()
}

#[test]
fn no_link_is_dead() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let mut links = BTreeMap::new();
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for page in &book.pages {
        browser.open(&book.page(page));
        let (own, targets) = links_of(&mut browser);
        ids.insert(page.clone(), own);
        links.insert(page.clone(), targets);
    }
    let mut found = Vec::new();
    for (page, targets) in &links {
        found.extend(
            dead(book, targets, &ids)
                .into_iter()
                .map(|it| format!("{page}: {it}")),
        );
    }
    none(found);
}

fn links_of(browser: &mut Browser) -> (BTreeSet<String>, BTreeSet<String>) {
    browser.eval(CHECKS);
    let all = browser.eval("wiresideLinks()");
    let set = |name: &str| {
        let values = all[name].as_array().cloned().unwrap_or_default();
        let texts = values.iter().filter_map(|value| value.as_str());
        texts.map(String::from).collect::<BTreeSet<String>>()
    };
    (set("ids"), set("links"))
}

fn dead(
    book: &Built,
    targets: &BTreeSet<String>,
    ids: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let mut found = Vec::new();
    for target in targets {
        let Some(path) = target.strip_prefix("file://") else {
            // Pages of others may be linked to; this machine, or plain HTTP, may not.
            if !target.starts_with("https://") {
                found.push(format!(
                    "a link to {target}, which is neither here nor on the web"
                ));
            }
            continue;
        };
        let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
        let path = path.replace("%20", " ");
        let Ok(name) = Path::new(&path).strip_prefix(book.page("")) else {
            found.push(format!("a link to {target}, outside the book"));
            continue;
        };
        let name = name.to_string_lossy().into_owned();
        if !book.page(&name).is_file() {
            found.push(format!("a link to {name}, and there is no such file"));
        } else if !fragment.is_empty() {
            let known = ids.get(&name).is_some_and(|ids| ids.contains(fragment));
            if !known {
                found.push(format!(
                    "a link to {name}#{fragment}, and that page has no such place"
                ));
            }
        }
    }
    found
}

/// Each fault, put into a sound page, is seen: what, the script that puts it in, and the words.
#[test]
fn each_fault_that_is_looked_for_is_seen() {
    let Some((_turn, mut browser, book)) = stage() else {
        return;
    };
    let faulty: [(&str, &str, &str); 12] = [
        (
            "headings",
            "add('<h2>A</h2><h4>B</h4>')",
            "a level is left out",
        ),
        ("headings", "add('<h1>Another</h1>')", "has 2 titles"),
        (
            "words",
            "add('<svg viewBox=\"0 0 9 9\"></svg>')",
            "a picture without words",
        ),
        (
            "words",
            "add('<img src=\"data:,\" alt=\"\">')",
            "an image without alt",
        ),
        (
            "words",
            "add('<figure><figcaption></figcaption></figure>')",
            "a figure without a caption",
        ),
        (
            "overflow",
            "add('<p style=\"width: 500px\">wide</p>')",
            "reaches out of the screen",
        ),
        (
            "overflow",
            "add('<div style=\"overflow-x: auto; width: 90px\"><p style=\"width: 300px\">w</p></div>')",
            "scrolls sideways, and is no code",
        ),
        (
            "overflow",
            "add('<figure><svg viewBox=\"0 0 90 20\" width=\"90\" overflow=\"visible\" role=\"img\"><text x=\"-80\" y=\"9\">out</text></svg></figure>')",
            "words leave the figure",
        ),
        (
            "contrast",
            "add('<p style=\"color: #999\">pale</p>')",
            "a contrast of 2.",
        ),
        (
            "contrast",
            "add('<p style=\"opacity: 0.4\">pale</p>')",
            "a contrast of",
        ),
        (
            "contrast",
            "add('<svg viewBox=\"0 0 90 20\"><text y=\"9\" style=\"fill: var(--line)\">pale</text></svg>')",
            "a contrast of 1.",
        ),
        (
            "contrast",
            "add('<figure><svg viewBox=\"0 0 90 20\"><path d=\"M0 9H9\" style=\"stroke: var(--line)\"/></svg></figure>')",
            "a line with a contrast of 1.",
        ),
    ];
    browser.width(390);
    for (what, script, words) in faulty {
        browser.open(&book.page("contract.html"));
        let before = faults(&mut browser, &[what]);
        assert!(before.is_empty(), "the page is at fault before: {before:?}");
        browser.eval(&format!(
            "(function (add) {{ {script} }})(html => document.querySelector('main').insertAdjacentHTML('beforeend', html))"
        ));
        let after = faults(&mut browser, &[what]);
        assert!(
            after.iter().any(|fault| fault.contains(words)),
            "{script}: {words:?} isn't in {after:?}"
        );
    }
    // A request, a nameless button, a dead link, a missing skip link.
    browser.open(&book.page("contract.html"));
    assert_eq!(strangers(&browser), Vec::<String>::new());
    browser.eval(
        "new Promise(done => { const i = new Image(); i.onerror = done; i.src = 'https://example.org/a.png'; document.body.append(i); })",
    );
    assert_eq!(strangers(&browser), ["asks for https://example.org/a.png"]);
    browser.open(&book.page("contract.html"));
    assert_eq!(unnamed(&mut browser), Vec::<String>::new());
    browser.eval("document.querySelector('main').append(document.createElement('button'))");
    assert_eq!(unnamed(&mut browser), ["a \"button\" without a name"]);
    browser.eval("document.querySelector('main').insertAdjacentHTML('beforeend', '<a href=\"gone.html\">a</a><a href=\"contract.html#gone\">b</a><a href=\"/etc\">c</a><a href=\"http://example.org\">d</a>')");
    let (ids, targets) = links_of(&mut browser);
    let here = BTreeMap::from([("contract.html".to_string(), ids)]);
    let found = dead(book, &targets, &here);
    for words in [
        "no such file",
        "no such place",
        "outside the book",
        "nor on the web",
    ] {
        let seen = found.iter().filter(|fault| fault.contains(words)).count();
        assert!(seen > 0, "{words:?} isn't in {found:#?}");
    }
    browser.open(&book.page("contract.html"));
    browser.eval("document.querySelector('.skip-link').remove()");
    assert!(skips(&mut browser).is_err());
}
