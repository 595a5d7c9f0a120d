//! `grade`: builds what is to be graded, has it graded, and delivers the report.

mod delivery;
mod options;

use super::{Outcome, Stop, build, interrupt, tls};
use crate::course::files;
use crate::course::house::House;
use crate::course::names::{self, Entry};
use crate::course::out::{self, Ink, ink};
use crate::course::progress::Progress;
use crate::grader::check::Check;
use crate::grader::launch::Launch;
use crate::grader::report::{github, gradescope, human, json, junit};
use crate::grader::session::{self, Job};
use crate::grader::verdict::Report;
use delivery::Delivery;
use lexopt::Parser;
use options::Options;

pub(super) const HELP: &str = "\
Builds and grades: the exercises that are named, or the next one that has not
passed.

  --all             every exercise
  --cmd COMMAND     a program in any language instead of the exercise's file;
                    {addr}, {host} and {port} stand for the address, {args} for
                    the exercise's further arguments; without any of the first
                    three the address is appended; no shell is involved
                        --cmd 'python3 server.py {addr}'
  --executable FILE a Rust program that is built, by all that is graded of one
  --connect ADDR    a server that runs already, under a debugger say
  --only TEXT       only checks with TEXT in their name
  --seed HEX        the random choices of an earlier run, as its report gives it
  --format FORMAT   human (this is the default), json, junit, gradescope, or
                    github: the step output that GitHub Classroom reads
  --out FILE        the report into FILE, anew after each check; the human one
                    is on stdout

Exit status: 0 every check passed, 1 one failed, 2 bad usage, 3 the program did
not build or start, 4 the grader itself could not tell. Of several exercises,
the highest.
";

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Human,
    Json,
    Junit,
    Gradescope,
    Github,
}

impl Format {
    const ALL: [(&'static str, Format); 5] = [
        ("human", Format::Human),
        ("json", Format::Json),
        ("junit", Format::Junit),
        ("gradescope", Format::Gradescope),
        ("github", Format::Github),
    ];

    fn parse(name: &str) -> Result<Format, Stop> {
        let found = Format::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| format).ok_or_else(|| {
            let known: Vec<&str> = Format::ALL.iter().map(|(known, _)| *known).collect();
            Stop::Usage(names::unknown("format", name, &known))
        })
    }

    /// The whole report, ending in a newline. Without colour: it may go anywhere.
    pub fn render(self, report: &Report) -> String {
        match self {
            Format::Human => {
                let style = human::Style { colour: false };
                let exercises = report.exercises.iter();
                exercises
                    .map(|exercise| human::exercise(exercise, report.seed, style))
                    .collect()
            }
            Format::Json => format!("{}\n", json::report(report)),
            Format::Junit => junit::render(report),
            Format::Gradescope => format!("{:#}\n", gradescope::render(report)),
            Format::Github => github::render(report),
        }
    }
}

/// Runs it: the exit status is the report's.
///
/// # Errors
/// Bad usage.
pub fn run(house: &House, parser: Parser) -> Outcome {
    let options = options::parse(house, parser)?;
    if options.entries.is_empty() {
        return Ok(nothing_left(&options));
    }
    let mut without_tls = None;
    if !cfg!(feature = "tls") && options.entries.iter().any(|(chapter, _)| chapter.tls) {
        let has_others = options.entries.iter().any(|(chapter, _)| !chapter.tls);
        match tls::runner(house) {
            Ok(runner) => {
                let args = std::env::args_os().skip(1).collect::<Vec<_>>();
                return tls::run(&runner, &args).map_err(Stop::Failed);
            }
            // One who has come as far as chapter 8 without the headers is graded as far.
            Err(why) if has_others => {
                out::warn(&why);
                out::warn("The exercises with TLS are skipped; all others are graded.");
                without_tls = Some(why);
            }
            // It says nothing of the program.
            Err(why) => return Err(Stop::Failed(why)),
        }
    }
    let mut chosen = Vec::new();
    for entry in &options.entries {
        chosen.push((*entry, checks(*entry, options.only.as_deref())));
    }
    if options.only.is_some() {
        if chosen.iter().all(|(_, checks)| checks.is_empty()) {
            return Err(Stop::Usage(no_such_check(&options)));
        }
        chosen.retain(|(_, checks)| !checks.is_empty());
    }
    if let Some(out) = &options.out {
        files::can_write(out).map_err(|err| {
            let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
            let missing = folder.filter(|folder| !folder.is_dir());
            let out = out.display();
            Stop::Usage(match missing {
                Some(folder) => {
                    let folder = folder.display();
                    format!("cannot write {out}: there is no folder {folder}; make it first")
                }
                None => format!("cannot write {out}: {err}"),
            })
        })?;
    }
    let jobs = jobs(house, &options, chosen, without_tls.as_deref());
    interrupt::wait_if_under_way();
    let delivery = Delivery::new(house, &options, &jobs);
    let report = session::grade(&jobs, options.seed, &|report| {
        // What an interrupt ends fails by the interrupt's doing.
        if !interrupt::is_under_way() {
            delivery.take(report, false);
        }
    });
    interrupt::wait_if_under_way();
    delivery.take(&report, true);
    Ok(delivery.finish(&report))
}

/// A machine that asked for a report gets one: of no exercise.
fn nothing_left(options: &Options) -> u8 {
    let sentence = "Every exercise has passed. Grade them all again: cargo course grade --all";
    let report = Report {
        seed: options.seed,
        exercises: Vec::new(),
    };
    let rendered = options.format.render(&report);
    match &options.out {
        Some(out) => {
            out::say(sentence);
            if let Err(err) = files::write_whole(out, rendered.as_bytes()) {
                out::warn(format!("cannot write {}: {err}", out.display()));
                return 4;
            }
        }
        None if options.format == Format::Human => out::say(sentence),
        None => {
            out::warn(sentence);
            out::show(&rendered);
        }
    }
    0
}

/// The checks that are asked for.
fn checks((_, exercise): Entry, only: Option<&str>) -> Vec<&'static Check> {
    let only = only.unwrap_or_default().to_lowercase();
    exercise
        .checks
        .iter()
        .filter(|check| check.name.to_lowercase().contains(&only))
        .collect()
}

fn no_such_check(options: &Options) -> String {
    let only = options.only.as_deref().unwrap_or_default();
    let mut why = format!("no check has {only:?} in its name; there are:");
    for (_, exercise) in &options.entries {
        for check in exercise.checks {
            why.push_str(&format!("\n  {}: {}", exercise.name, check.name));
        }
    }
    why
}

/// What is to be graded, and with what. `without_tls` is why nothing with TLS can be built here.
fn jobs(
    house: &House,
    options: &Options,
    chosen: Vec<(Entry, Vec<&'static Check>)>,
    without_tls: Option<&str>,
) -> Vec<Job> {
    let skip = |entry: &Entry| without_tls.filter(|_| entry.0.tls).map(String::from);
    let given = match (&options.cmd, options.connect, &options.executable) {
        (Some(words), _, _) => Some(Launch::Command(words.clone())),
        (None, Some(addr), _) => Some(Launch::Running(addr)),
        (None, None, Some(path)) => Some(Launch::Built(path.clone())),
        (None, None, None) => None,
    };
    let mut launches: Vec<Result<Launch, String>> = Vec::new();
    if let Some(launch) = given {
        launches.extend(chosen.iter().map(|_| Ok(launch.clone())));
    } else {
        let names: Vec<&str> = chosen
            .iter()
            .map(|((_, exercise), _)| exercise.name)
            .collect();
        let file = |(entry, _): &(Entry, Vec<&Check>)| match skip(entry) {
            Some(why) => Err(why),
            None => names::file(house, entry.1.name),
        };
        let files: Vec<_> = chosen.iter().map(file).collect();
        let there: Vec<&str> = names
            .iter()
            .zip(&files)
            .filter(|(_, file)| file.is_ok())
            .map(|(n, _)| *n)
            .collect();
        let mut built = build::exercises(house, &there).into_iter();
        for file in files {
            launches.push(match file.map(|_| built.next()) {
                Ok(Some(built)) => {
                    if !built.warnings.is_empty() {
                        out::warn(built.warnings.trim_end());
                        out::warn("");
                    }
                    built.executable.map(Launch::Built)
                }
                Ok(None) => Err("it was not built".to_string()),
                Err(why) => Err(why),
            });
        }
    }
    let job = |(((chapter, exercise), checks), launch): ((Entry, _), _)| Job {
        chapter,
        exercise,
        launch,
        skip: skip(&(chapter, exercise)),
        how: options.how.clone(),
        checks,
    };
    chosen.into_iter().zip(launches).map(job).collect()
}

/// What comes after an exercise that passed.
pub(super) fn after(house: &House) -> String {
    match Progress::load(house).next() {
        Some((chapter, next)) => format!(
            "Next: {}\n      edit  {}\n      read  {}, chapter {} of the book",
            ink(next.name, Ink::Bold),
            house.shown(&house.exercise(next.name)),
            house.shown(&house.page(chapter.stem)),
            chapter.number,
        ),
        None => "That was the last one: every exercise has passed.".to_string(),
    }
}
