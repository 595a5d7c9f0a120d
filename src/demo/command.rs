//! `cargo course demo`: the list of demos, and one of them played.

use super::show::{Pace, Staging, USUAL_PACE};
use super::{Demo, Leave, Show, svg};
use crate::chapters::{self, Chapter};
use crate::course::commands::{build, tls};
use crate::course::house::House;
use crate::course::{files, names, out};
use crate::grader::{platform, watchdog};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const USAGE: &str = "\
usage: cargo course demo                 the list of demos
       cargo course demo NAME            plays one: 2, ch02, ch02_echo or a part of its name
         --auto           plays by itself
         --pace MS        with so many milliseconds for each step (1200); means --auto
         --svg FILE       draws it as a figure, too; means --auto
         --trace FILE     keeps its record as JSON, too; means --auto";

/// Plays the demo that is asked for, or lists them: the exit status.
pub fn command(args: Vec<OsString>, house: &House) -> u8 {
    let wanted = match Wanted::parse(args) {
        Ok(wanted) => wanted,
        Err(why) => {
            out::warn(why);
            out::warn(USAGE);
            return 2;
        }
    };
    if wanted.help {
        out::say(USAGE);
        return 0;
    }
    let Some(name) = &wanted.name else {
        list();
        return 0;
    };
    match find(name) {
        Ok(chapter) => play(&chapter.demo, &wanted, house),
        Err(why) => {
            out::warn(why);
            out::warn("`cargo course demo` lists them all.");
            2
        }
    }
}

/// The command line, understood.
#[derive(Debug, Default)]
struct Wanted {
    name: Option<String>,
    pace: Option<Duration>,
    svg: Option<PathBuf>,
    trace: Option<PathBuf>,
    help: bool,
}

impl Wanted {
    fn parse(args: Vec<OsString>) -> Result<Wanted, String> {
        use lexopt::prelude::*;
        let mut wanted = Wanted::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next().map_err(|err| err.to_string())? {
            match arg {
                Long("auto") => _ = wanted.pace.get_or_insert(USUAL_PACE),
                Long("pace") => wanted.pace = Some(Duration::from_millis(pace(&mut parser)?)),
                Long("svg") => wanted.svg = Some(file(&mut parser)?),
                Long("trace") => wanted.trace = Some(file(&mut parser)?),
                Long("help") | Short('h') => wanted.help = true,
                Value(name) if wanted.name.is_none() => {
                    wanted.name = Some(name.to_string_lossy().into_owned());
                }
                Value(_) => return Err("one demo at a time".to_string()),
                other => return Err(other.unexpected().to_string()),
            }
        }
        if wanted.name.is_none() && (wanted.pace.is_some() || wanted.writes()) {
            return Err("which demo? NAME is missing".to_string());
        }
        Ok(wanted)
    }

    fn writes(&self) -> bool {
        self.svg.is_some() || self.trace.is_some()
    }
}

fn pace(parser: &mut lexopt::Parser) -> Result<u64, String> {
    let value = parser.value().map_err(|err| err.to_string())?;
    let text = value.to_string_lossy();
    match text.parse() {
        Ok(pace) if pace <= 60_000 => Ok(pace),
        _ => Err(format!(
            "--pace {text}: milliseconds from 0 to 60000 are needed"
        )),
    }
}

fn file(parser: &mut lexopt::Parser) -> Result<PathBuf, String> {
    Ok(parser.value().map_err(|err| err.to_string())?.into())
}

/// The chapter whose demo is meant.
fn find(name: &str) -> Result<&'static Chapter, String> {
    let lower = name.to_lowercase();
    let number = lower
        .strip_prefix("ch")
        .unwrap_or(&lower)
        .parse::<u8>()
        .ok();
    let exact = |chapter: &&Chapter| {
        chapter.demo.name == lower || number.is_some_and(|number| chapter.number == number)
    };
    if let Some(chapter) = chapters::chapters().find(exact) {
        return Ok(chapter);
    }
    let has_part = |chapter: &&Chapter| {
        lower.len() >= 3
            && (chapter.demo.name.contains(&lower)
                || chapter.demo.title.to_lowercase().contains(&lower))
    };
    let parts: Vec<&Chapter> = chapters::chapters().filter(has_part).collect();
    match parts.as_slice() {
        [chapter] => Ok(chapter),
        [] => {
            let known: Vec<&str> = chapters::chapters()
                .map(|chapter| chapter.demo.name)
                .collect();
            Err(names::unknown("demo", name, &known))
        }
        several => {
            let several: Vec<&str> = several.iter().map(|chapter| chapter.demo.name).collect();
            Err(format!(
                "`{name}` is part of several: {}",
                several.join(", ")
            ))
        }
    }
}

fn list() {
    out::say("A demo is a conversation played slowly: it stops at each step for Enter.\n");
    // A longer title has its command on the next line: 80 columns are all there is.
    let long = |title: &str| title.chars().count() > 30;
    let titles = chapters::chapters().map(|chapter: &Chapter| chapter.demo.title);
    let widths = titles.filter(|title| !long(title));
    let width = widths.map(|title| title.chars().count()).max().unwrap_or(0);
    for chapter in chapters::chapters() {
        let Demo {
            name,
            title,
            minutes,
            ..
        } = chapter.demo;
        let number = chapter.number;
        let command = format!("cargo course demo {name}");
        if long(title) {
            out::say(format!("{number:>2}  {title}, {minutes} min"));
            out::say(format!("{:1$}{command}", "", width + 14));
            continue;
        }
        let pad = width - title.chars().count();
        out::say(format!(
            "{number:>2}  {title}{:pad$}  {minutes:>2} min  {command}",
            ""
        ));
    }
    out::say("\nWith --auto it plays by itself.");
}

fn play(demo: &Demo, wanted: &Wanted, house: &House) -> u8 {
    for path in [&wanted.svg, &wanted.trace].into_iter().flatten() {
        // Said before the demo, not after it.
        if let Err(err) = files::can_write(path) {
            out::warn(format!("cannot write {}: {err}", path.display()));
            return 2;
        }
    }
    let programs = match build::programs(house, demo.programs) {
        Ok(paths) => demo.programs.iter().copied().zip(paths).collect(),
        Err(why) => {
            let said = tls::advised(&why);
            out::warn(&said);
            if said != why.trim_end() {
                return 1;
            }
            out::warn("The demo needs these programs: mend what the compiler says, try again.");
            return 1;
        }
    };
    watchdog::start();
    platform::adopt_orphans();
    let pace = match wanted.pace {
        Some(pace) => Pace::Auto(pace),
        None if wanted.writes() => Pace::Auto(USUAL_PACE),
        None => Pace::Enter,
    };
    let bold = out::has_colour();
    let mut show = Show::new(Staging {
        paper: Box::new(|text| {
            out::show(text);
            !out::reader_is_gone() && out::trouble().is_none()
        }),
        width: columns(),
        bold,
        pace,
        programs,
    });
    let title = format!("Chapter demo {}: {}", demo.name, demo.title);
    out::say(if bold {
        format!("\x1b[1m{title}\x1b[0m")
    } else {
        title
    });
    match (demo.play)(&mut show) {
        Ok(()) => keep(&show, demo, wanted),
        Err(Leave::Quit) if wanted.writes() && !show.is_read() => {
            out::warn("stdout was closed before the demo's end: no file was written");
            1
        }
        Err(Leave::Quit) => 0,
        Err(Leave::Failed(why)) => {
            drop(show);
            out::warn(format!("the demo can't go on: {why}"));
            1
        }
    }
}

/// Writes what was asked for, whole or not at all.
fn keep(show: &Show, demo: &Demo, wanted: &Wanted) -> u8 {
    let trace = show.trace(demo.name, demo.title);
    let figure = wanted.svg.as_ref().map(|path| (path, svg::draw(&trace)));
    let record = wanted.trace.as_ref().map(|path| (path, trace.to_json()));
    let mut status = 0;
    for (path, text) in figure.into_iter().chain(record) {
        match files::write_whole(path, text.as_bytes()) {
            Ok(()) => out::warn(format!("written: {}", Path::new(path).display())),
            Err(err) => {
                out::warn(format!("cannot write {}: {err}", path.display()));
                status = 1;
            }
        }
    }
    status
}

/// The terminal's columns: as it is told, else as it is, else 80.
fn columns() -> usize {
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.trim().parse().ok());
    told.or_else(terminal_columns).unwrap_or(80).clamp(60, 120)
}

/// std can't ask a terminal for its size; `stty` can, of the terminal that is our stdin.
fn terminal_columns() -> Option<usize> {
    use std::io::IsTerminal;
    if !cfg!(unix) || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return None;
    }
    let mut stty = Command::new("stty");
    stty.arg("size")
        .stdin(Stdio::inherit())
        .stderr(Stdio::null());
    let size = stty.output().ok()?;
    let columns = String::from_utf8(size.stdout)
        .ok()?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    // A terminal that doesn't know its size says 0.
    (columns > 0).then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_is_found_by_number_stem_and_part() {
        for name in [
            "2",
            "02",
            "ch02",
            "CH2",
            "ch02_echo",
            "echo",
            "four languages",
        ] {
            assert_eq!(find(name).map(|chapter| chapter.number), Ok(2), "{name}");
        }
        assert_eq!(find("ports").map(|chapter| chapter.number), Ok(1));
    }

    #[test]
    fn an_unknown_one_is_answered_with_the_nearest() {
        assert!(
            find("ch02_ehco")
                .err()
                .is_some_and(|why| why.contains("ch02_echo"))
        );
        assert!(find("99").is_err());
        assert!(find("").is_err());
    }

    #[test]
    fn what_is_wrong_on_the_command_line_is_said() {
        let parse = |args: &[&str]| Wanted::parse(args.iter().map(OsString::from).collect());
        assert!(parse(&["--auto"]).unwrap_err().contains("NAME"));
        assert!(
            parse(&["2", "--pace", "slow"])
                .unwrap_err()
                .contains("slow")
        );
        assert!(parse(&["2", "3"]).is_err());
        assert_eq!(parse(&["2", "--auto"]).unwrap().pace, Some(USUAL_PACE));
        assert_eq!(
            parse(&["2", "--pace", "5", "--auto"])
                .unwrap()
                .pace
                .unwrap()
                .as_millis(),
            5
        );
    }
}
