//! The commands: what the feature `runner` adds to the home screen.

pub mod book;
pub mod build;
pub mod class;
pub mod doctor;
pub mod grade;
pub mod hint;
pub mod interrupt;
pub mod prove;
pub mod reset;
pub mod solution;
pub mod system;
pub mod tls;
pub mod watch;
pub mod words;

use super::house::House;
use super::names::{self, Entry};
use super::progress::Progress;
use super::{ended, home, out, trouble};
use crate::demo::command as demo;
use crate::grader::{platform, program};
use lexopt::{Arg, Parser};
use std::env;
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// One of the runner's commands.
struct Command {
    name: &'static str,
    /// What it takes, for its usage line.
    takes: &'static str,
    /// Half a line for the home screen.
    about: &'static str,
    /// What `--help` says below the usage line.
    help: &'static str,
    run: fn(&House, Parser) -> Outcome,
}

/// The exit status, or why there was nothing to do.
pub type Outcome = Result<u8, Stop>;

/// Why a command did nothing.
#[derive(Debug)]
pub enum Stop {
    /// Bad usage: exit status 2.
    Usage(String),
    /// It could not be done: exit status 1, or 4 where that is a verdict.
    Failed(String),
    /// `--help` was asked for.
    Help,
}

impl From<lexopt::Error> for Stop {
    fn from(err: lexopt::Error) -> Stop {
        Stop::Usage(match err {
            lexopt::Error::NonUnicodeValue(value) => format!("the argument {value:?} is not UTF-8"),
            lexopt::Error::UnexpectedOption(option) => format!("there is no option `{option}`"),
            other => other.to_string(),
        })
    }
}

const COMMANDS: &[Command] = &[
    Command {
        name: "grade",
        takes: "[EX...] [OPTIONS]",
        about: "build and grade: the next exercise, or those named",
        help: grade::HELP,
        run: grade::run,
    },
    Command {
        name: "watch",
        takes: "[EX]",
        about: "grade the exercise each time it is saved",
        help: watch::HELP,
        run: watch::run,
    },
    Command {
        name: "hint",
        takes: "[EX]",
        about: "the next of three hints",
        help: "\
Shows the next of the exercise's three hints, from a nudge to nearly the answer.
Without a name: of the next exercise that has not passed.
",
        run: |house, parser| {
            let (entry, _) = one_exercise(house, parser, None)?;
            let Some(entry) = entry.or_else(|| Progress::load(house).next()) else {
                let why = "every exercise has passed: name the one whose hints you want";
                return Err(Stop::Usage(why.to_string()));
            };
            Ok(hint::run(house, entry))
        },
    },
    Command {
        name: "solution",
        takes: "EX [--yes]",
        about: "a solution; asks first if the exercise has not passed",
        help: "\
Shows the solution on stdout. Before the exercise has passed it asks first, and
the home screen remembers that the solution was seen.

  --yes    don't ask
",
        run: |house, parser| {
            let (entry, yes) = one_exercise(house, parser, Some("yes"))?;
            match entry {
                Some(entry) => Ok(solution::run(house, entry, yes)),
                None => Err(Stop::Usage(
                    "name the exercise whose solution you want".to_string(),
                )),
            }
        },
    },
    Command {
        name: "reset",
        takes: "EX",
        about: "the exercise as shipped; yours is kept beside it",
        help: "\
Puts the exercise's file back as shipped. What was there is kept beside it as
EX.rs.backup-YYYYMMDD-HHMMSS, the date and time in UTC. No backup is replaced.
",
        run: |house, parser| match one_exercise(house, parser, None)?.0 {
            Some(entry) => Ok(reset::run(house, entry)),
            None => Err(Stop::Usage("name the exercise to be reset".to_string())),
        },
    },
    Command {
        name: "demo",
        takes: "[NAME]",
        about: "a demo for a classroom; without a name, which there are",
        help: "",
        run: |house, mut parser| Ok(demo::command(parser.raw_args()?.collect(), house)),
    },
    Command {
        name: "class",
        takes: "DIR [EX...] [OPTIONS]",
        about: "grade a folder of submissions into a table",
        help: class::HELP,
        run: class::run,
    },
    Command {
        name: "book",
        takes: "[--build]",
        about: "open the book in the browser",
        help: book::HELP,
        run: book::run,
    },
    Command {
        name: "doctor",
        takes: "[--tls]",
        about: "what of the course will work on this machine",
        help: doctor::HELP,
        run: doctor::run,
    },
    Command {
        name: "prove",
        takes: "[EX...] [OPTIONS]",
        about: "for authors: prove the grader itself",
        help: "",
        run: |house, mut parser| Ok(prove::command(parser.raw_args()?.collect(), house)),
    },
];

/// The exit status of a process that was to become a program and couldn't, as a shell has it.
const NOT_STARTED: u8 = 127;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    // Before anything is opened or started here.
    if let Some(why) = platform::becomes_another(&args) {
        out::warn(why);
        return ExitCode::from(NOT_STARTED);
    }
    interrupt::install();
    let trouble = trouble(args.first().map_or(OsStr::new(""), |first| first));
    let status = run(args);
    interrupt::wait_if_under_way();
    // Nothing that was started here is left.
    program::end_all();
    out::status_done();
    ended(status, trouble)
}

fn run(args: Vec<OsString>) -> u8 {
    let mut args = args.into_iter();
    let Some(first) = args.next() else {
        return found(|house| Ok(home::run(house)), "");
    };
    let rest: Vec<OsString> = args.collect();
    let Some(first) = first.to_str() else {
        return usage_error(&format!("the argument {first:?} is not UTF-8"), "");
    };
    match first {
        "-h" | "--help" => help(),
        "help" => match rest
            .first()
            .map(|name| (name, command(&name.to_string_lossy())))
        {
            None => help(),
            Some((_, Some(command))) => help_of(command),
            Some((name, None)) => usage_error(&unknown_command(&name.to_string_lossy()), ""),
        },
        "-V" | "--version" => {
            out::say(concat!("wireside ", env!("CARGO_PKG_VERSION")));
            0
        }
        name => match command(name) {
            Some(command) => {
                let parser = Parser::from_args(rest);
                match found(|house| (command.run)(house, parser), command.name) {
                    HELP_WANTED => help_of(command),
                    status => status,
                }
            }
            None if name.starts_with('-') => {
                usage_error(&format!("there is no option `{name}`"), "")
            }
            None => usage_error(&unknown_command(name), ""),
        },
    }
}

/// No command ends with it.
const HELP_WANTED: u8 = 255;

/// Finds the house, does something in it, and says what stopped it.
fn found(act: impl FnOnce(&House) -> Outcome, command: &str) -> u8 {
    match House::find()
        .map_err(Stop::Failed)
        .and_then(|house| act(&house))
    {
        Ok(status) => status,
        Err(Stop::Help) => HELP_WANTED,
        Err(Stop::Usage(why)) => usage_error(&why, command),
        Err(Stop::Failed(why)) => {
            out::warn(why);
            trouble(OsStr::new(command))
        }
    }
}

fn usage_error(why: &str, command: &str) -> u8 {
    out::warn(why);
    let space = if command.is_empty() { "" } else { " " };
    out::warn(format!(
        "`cargo course {command}{space}--help` says how it is used."
    ));
    2
}

fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn unknown_command(name: &str) -> String {
    let known: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    names::unknown("command", name, &known)
}

/// The commands, one a line.
fn commands() -> String {
    COMMANDS
        .iter()
        .map(|command| {
            let takes = command.takes.replace(" [OPTIONS]", "");
            let call = format!("{} {takes}", command.name);
            format!("    {call:<20} {}\n", command.about)
        })
        .collect()
}

fn help() -> u8 {
    out::say("usage: cargo course [COMMAND]\n\nWithout a command: the home screen.\n");
    out::show(&commands());
    out::say("\n`cargo course COMMAND --help` says more about one of them.");
    out::say("EX is an exercise's name, ex01_caller_id say, or its file.");
    0
}

fn help_of(command: &Command) -> u8 {
    if command.help.is_empty() {
        // It knows its own.
        let parser = Parser::from_args(["--help"]);
        return found(|house| (command.run)(house, parser), command.name);
    }
    out::say(format!(
        "usage: cargo course {} {}\n",
        command.name, command.takes
    ));
    out::show(command.help);
    0
}

/// The arguments of a command that takes an exercise and at most one flag.
fn one_exercise(
    house: &House,
    mut parser: Parser,
    flag: Option<&str>,
) -> Result<(Option<Entry>, bool), Stop> {
    let (mut entry, mut flagged) = (None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(name) if entry.is_none() => {
                entry = Some(names::exercise(house, &name).map_err(Stop::Usage)?);
            }
            Arg::Value(_) => return Err(Stop::Usage("one exercise at a time".to_string())),
            Arg::Long(long) if Some(long) == flag => flagged = true,
            other => return Err(option(other)),
        }
    }
    Ok((entry, flagged))
}

/// `--help`, or an option that the command doesn't have.
pub(crate) fn option(arg: Arg<'_>) -> Stop {
    match arg {
        Arg::Long("help") | Arg::Short('h') => Stop::Help,
        other => other.unexpected().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_screen_names_every_command() {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names, home::COMMANDS);
    }
}
