//! What was asked for: the options of `grade`, and what goes together.

use super::Format;
use crate::chapters::{self, Role};
use crate::course::commands::{Stop, option, words};
use crate::course::house::House;
use crate::course::names::{self, Entry};
use crate::course::progress::Progress;
use crate::grader::seed::Seed;
use lexopt::{Arg, Parser, ValueExt};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What was asked for.
pub(super) struct Options {
    pub(super) entries: Vec<Entry>,
    pub(super) all: bool,
    pub(super) cmd: Option<Vec<String>>,
    /// What leads to the same submission again, for the report: ` --connect 127.0.0.1:7000`.
    pub(super) how: String,
    pub(super) connect: Option<SocketAddr>,
    /// An exercise that somebody else has built: the class command. Not in the help.
    pub(super) executable: Option<PathBuf>,
    pub(super) only: Option<String>,
    pub(super) seed: Seed,
    pub(super) format: Format,
    pub(super) out: Option<PathBuf>,
    /// The watcher started us, and says itself what comes next.
    pub(super) watched: bool,
}

impl Options {
    /// The program is there already: it is not the clone's own file.
    pub(super) fn is_given(&self) -> bool {
        self.cmd.is_some() || self.connect.is_some() || self.executable.is_some()
    }
}

pub(super) fn parse(house: &House, mut parser: Parser) -> Result<Options, Stop> {
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
            Arg::Long("executable") => {
                // Each check starts it in a folder of its own.
                let path = std::path::absolute(parser.value()?)
                    .map_err(|err| Stop::Usage(format!("--executable: {err}")))?;
                options.executable = Some(path);
            }
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
