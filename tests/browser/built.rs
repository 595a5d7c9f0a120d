//! The book as mdBook builds it, in a folder of its own that is built once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use crate::support::peer;

/// A page with every interactive figure, for the tests alone.
const FIGURES: &str = "every_figure.html";

pub struct Built {
    folder: PathBuf,
    /// The pages of the book: file names, in order. `print.html` is all of them once
    /// more, and what `404.html` needs is at the root of a site.
    pub pages: Vec<String>,
}

/// `None` where mdBook isn't installed.
pub fn built() -> Option<&'static Built> {
    static BUILT: OnceLock<Option<Built>> = OnceLock::new();
    BUILT.get_or_init(build).as_ref()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The interactive figures: the stem of each file, and its text.
pub fn interactive() -> Vec<(String, String)> {
    let folder = root().join("book/interactive");
    let files = fs::read_dir(&folder).expect("read book/interactive");
    let mut figures: Vec<_> = files
        .flatten()
        .map(|file| {
            let stem = file.path().file_stem().expect("a name").to_os_string();
            let text = fs::read_to_string(file.path()).expect("read a figure");
            (
                stem.into_string().expect("a plain name"),
                text.replace("\r\n", "\n"),
            )
        })
        .collect();
    figures.sort();
    figures
}

impl Built {
    pub fn page(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn figures(&self) -> PathBuf {
        self.folder.join(FIGURES)
    }
}

fn build() -> Option<Built> {
    let mut mdbook = peer("mdbook", "--version")?;
    // Where the next run finds and replaces it.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-book");
    _ = fs::remove_dir_all(&folder);
    let output = mdbook
        .arg("build")
        .arg(root().join("book"))
        .arg("--dest-dir")
        .arg(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("run mdbook");
    assert!(
        output.status.success(),
        "mdbook build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let files = fs::read_dir(&folder).expect("read the built book");
    let mut pages: Vec<String> = files
        .flatten()
        .filter_map(|file| file.file_name().into_string().ok())
        .filter(|name| {
            name.ends_with(".html") && !["404.html", "print.html", "toc.html"].contains(&&name[..])
        })
        .collect();
    pages.sort();
    let glossary = fs::read_to_string(folder.join("glossary.html")).expect("read a built page");
    let (before, rest) = glossary.split_once("<main>").expect("a page has a main");
    let (_, after) = rest.split_once("</main>").expect("a main ends");
    let figures: String = interactive().into_iter().map(|(_, text)| text).collect();
    let page = format!("{before}<main>\n<h1>Every figure</h1>\n{figures}</main>{after}");
    fs::write(folder.join(FIGURES), page).expect("write the page of the figures");
    Some(Built { folder, pages })
}
