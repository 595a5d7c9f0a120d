//! `grade`: builds what is to be graded, has it graded, and delivers the report.

use super::house::House;
use super::names::{self, Entry};
use super::out::{self, Ink, ink};
use super::progress::Progress;
use super::{Outcome, Stop, build, files, interrupt, option, tls, words};
use crate::chapters::{self, Role};
use crate::grader::check::Check;
use crate::grader::launch::Launch;
use crate::grader::report::{github, gradescope, human, json, junit};
use crate::grader::seed::Seed;
use crate::grader::session::{self, Job};
use crate::grader::verdict::{ExerciseReport, Report, Verdict};
use lexopt::{Arg, Parser, ValueExt};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

pub(super) const HELP: &str = "\
Builds and grades: the exercises that are named, or the next one that has not
passed.

  --all             every exercise
  --cmd COMMAND     a program in any language instead of the exercise's file;
                    {addr}, {host} and {port} stand for the address, {args} for
                    the exercise's further arguments; without any of the first
                    three the address is appended; no shell is involved
                        --cmd 'python3 server.py {addr}'
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

/// What was asked for.
struct Options {
    entries: Vec<Entry>,
    all: bool,
    cmd: Option<Vec<String>>,
    /// What leads to the same submission again, for the report: ` --connect 127.0.0.1:7000`.
    how: String,
    connect: Option<SocketAddr>,
    /// An exercise that somebody else has built: the class command. Not in the help.
    executable: Option<PathBuf>,
    only: Option<String>,
    seed: Seed,
    format: Format,
    out: Option<PathBuf>,
    /// The watcher started us, and says itself what comes next.
    watched: bool,
}

impl Options {
    /// The program is there already: it is not the clone's own file.
    fn is_given(&self) -> bool {
        self.cmd.is_some() || self.connect.is_some() || self.executable.is_some()
    }
}

/// Runs it: the exit status is the report's.
///
/// # Errors
/// Bad usage.
pub fn run(house: &House, parser: Parser) -> Outcome {
    let options = parse(house, parser)?;
    if options.entries.is_empty() {
        return Ok(nothing_left(&options));
    }
    let mut without_tls = None;
    if !cfg!(feature = "tls") && options.entries.iter().any(|(chapter, _)| chapter.tls) {
        let has_others = options.entries.iter().any(|(chapter, _)| !chapter.tls);
        match tls::runner(house) {
            Ok(runner) => {
                let args = std::env::args_os().skip(1).collect::<Vec<_>>();
                return tls::run(&runner, &args);
            }
            // One who has come as far as chapter 8 without the headers is graded as far.
            Err(why) if has_others => {
                out::warn(&why);
                out::warn("The exercises with TLS are skipped; all others are graded.");
                without_tls = Some(why);
            }
            Err(why) => {
                out::warn(why);
                return Ok(Verdict::NotBuilt.exit_status());
            }
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
    let report = session::grade(&jobs, options.seed, &|report| delivery.take(report, false));
    interrupt::wait_if_under_way();
    delivery.take(&report, true);
    Ok(delivery.finish(&report))
}

fn parse(house: &House, mut parser: Parser) -> Result<Options, Stop> {
    let mut options = Options {
        entries: Vec::new(),
        all: false,
        cmd: None,
        how: String::new(),
        connect: None,
        executable: None,
        only: None,
        seed: Seed::fresh(),
        format: Format::Human,
        out: None,
        watched: false,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(name) => {
                let entry = names::exercise(house, &name).map_err(Stop::Usage)?;
                // Named twice it is still graded once.
                if options
                    .entries
                    .iter()
                    .all(|(_, known)| known.name != entry.1.name)
                {
                    options.entries.push(entry);
                }
            }
            Arg::Long("all") => options.all = true,
            Arg::Long("cmd") => {
                let command = parser.value()?.string()?;
                let words = words::split(&command)
                    .map_err(|why| Stop::Usage(format!("--cmd {command:?}: {why}")))?;
                options.cmd = Some(words);
                options.how = format!(" --cmd {}", words::quote(&command));
            }
            Arg::Long("connect") => {
                let addr = parser.value()?.string()?;
                let parsed = addr.parse().map_err(|_| {
                    let why = "is no address of the form IP:PORT or [IP6]:PORT";
                    Stop::Usage(format!("--connect: {addr:?} {why}"))
                })?;
                options.connect = Some(parsed);
                options.how = format!(" --connect {parsed}");
            }
            Arg::Long("executable") => options.executable = Some(parser.value()?.into()),
            Arg::Long("only") => options.only = Some(parser.value()?.string()?),
            Arg::Long("seed") => {
                let hex = parser.value()?.string()?;
                options.seed = Seed::parse(&hex).ok_or_else(|| {
                    Stop::Usage(format!(
                        "--seed: {hex:?} is no hex number of up to 8 digits"
                    ))
                })?;
            }
            Arg::Long("format") => options.format = Format::parse(&parser.value()?.string()?)?,
            Arg::Long("out") => options.out = Some(parser.value()?.into()),
            Arg::Long("watched") => options.watched = true,
            other => return Err(option(other)),
        }
    }
    complete(house, &mut options)?;
    Ok(options)
}

/// What goes together, and what is meant where nothing is said.
fn complete(house: &House, options: &mut Options) -> Result<(), Stop> {
    let refuse = |why: &str| Err(Stop::Usage(why.to_string()));
    if options.all && !options.entries.is_empty() {
        return refuse("--all is every exercise: leave out the names, or --all");
    }
    if options.cmd.is_some() && options.connect.is_some() {
        return refuse("--cmd starts a program and --connect takes one that runs: use one of them");
    }
    if options.is_given() {
        let option = if options.cmd.is_some() {
            "--cmd"
        } else {
            "--connect"
        };
        let [(_, exercise)] = options.entries[..] else {
            let why = "needs the name of the one exercise that the program is meant for";
            return Err(Stop::Usage(format!("{option} {why}")));
        };
        if options.connect.is_some() && exercise.role == Role::Client {
            let name = exercise.name;
            return Err(Stop::Usage(format!(
                "{name} is a client: each check starts it anew, so --connect can't grade it; \
                 --cmd can"
            )));
        }
    } else if options.all {
        options.entries = chapters::exercises().collect();
    } else if options.entries.is_empty() {
        options.entries.extend(Progress::load(house).next());
    }
    Ok(())
}

fn nothing_left(options: &Options) -> u8 {
    let sentence = "Every exercise has passed. Grade them all again: cargo course grade --all";
    if options.format == Format::Human {
        out::say(sentence);
    } else {
        out::warn(sentence);
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

/// Where the report goes, as it grows.
struct Delivery<'a> {
    house: &'a House,
    options: &'a Options,
    jobs: &'a [Job],
    state: Mutex<Delivered>,
}

#[derive(Default)]
struct Delivered {
    /// So many exercises are on stdout, in order.
    shown: usize,
    /// So many checks are in the file: an older report must not replace a newer one.
    written: usize,
    /// Why the file could not be written.
    trouble: Option<String>,
}

impl<'a> Delivery<'a> {
    fn new(house: &'a House, options: &'a Options, jobs: &'a [Job]) -> Delivery<'a> {
        Delivery {
            house,
            options,
            jobs,
            state: Mutex::default(),
        }
    }

    /// Takes the report as it is now; it may be called by several threads.
    fn take(&self, report: &Report, last: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done: usize = report
            .exercises
            .iter()
            .map(|exercise| exercise.checks.len())
            .sum();
        if let Some(out) = &self.options.out {
            // What can't be replaced as a whole is written once.
            let now = last || (done > state.written && !files::is_device(out));
            if now && state.trouble.is_none() {
                let rendered = self.options.format.render(report);
                match files::write_whole(out, rendered.as_bytes()) {
                    Ok(()) => state.written = done,
                    Err(err) => {
                        state.trouble = Some(format!("cannot write {}: {err}", out.display()));
                    }
                }
            }
        }
        while let Some(exercise) = report.exercises.get(state.shown) {
            let job = &self.jobs[state.shown];
            if !last && job.launch.is_ok() && exercise.checks.len() < job.checks.len() {
                break;
            }
            self.complete(exercise, report.seed);
            state.shown += 1;
        }
        if !last {
            let all: usize = self.jobs.iter().map(|job| job.checks.len()).sum();
            if done < all {
                out::status(&format!("grading: {done} of {all} checks"));
            }
        }
    }

    /// An exercise of which all is known.
    fn complete(&self, exercise: &ExerciseReport, seed: Seed) {
        if self.is_human() {
            if exercise.exercise != self.jobs[0].exercise.name {
                out::say("");
            }
            out::show(&human::exercise(exercise, seed, out::style()));
        }
        if self.is_full() && exercise.verdict == Verdict::Passed {
            Progress::change(self.house, |progress| {
                progress.note_passed(exercise.exercise)
            });
        }
    }

    /// The human report is on stdout: it is asked for, or the other one goes into a file.
    fn is_human(&self) -> bool {
        self.options.format == Format::Human || self.options.out.is_some()
    }

    /// The clone's own files were graded by all of their checks.
    fn is_full(&self) -> bool {
        let options = self.options;
        options.only.is_none() && !options.is_given()
    }

    /// What stands below the reports; the exit status.
    fn finish(&self, report: &Report) -> u8 {
        if !self.is_human() {
            out::show(&self.options.format.render(report));
        } else if !self.options.watched {
            if let Some(next) = self.next(report) {
                out::say(format!("\n{next}"));
            }
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.trouble {
            Some(trouble) => {
                out::warn(trouble);
                // The verdict may be known, but whoever reads the file doesn't get it.
                4
            }
            None => report.exit_status(),
        }
    }

    /// What to do now, in a line.
    fn next(&self, report: &Report) -> Option<String> {
        let options = self.options;
        if options.is_given() {
            return None;
        }
        if let [exercise] = &report.exercises[..] {
            let name = exercise.exercise;
            return match exercise.verdict {
                Verdict::Passed if !self.is_full() => {
                    Some(format!("All of its checks: cargo course grade {name}"))
                }
                Verdict::Passed => Some(after(self.house)),
                Verdict::Failed => Some(format!("A hint: cargo course hint {name}")),
                _ => None,
            };
        }
        let passed = |e: &&ExerciseReport| e.verdict == Verdict::Passed;
        let count = report.exercises.iter().filter(passed).count();
        let mut line = format!("{count} of {} exercises passed.", report.exercises.len());
        if let Some(first) = report.exercises.iter().find(|e| !passed(e)) {
            line.push_str(&format!(
                " The first that did not: {}",
                ink(first.exercise, Ink::Bold)
            ));
        }
        Some(line)
    }
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
