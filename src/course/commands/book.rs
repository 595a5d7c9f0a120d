//! `book`: serves the book on loopback with mdBook, where that is installed.

use super::{Outcome, Stop, interrupt, option, system};
use crate::course::house::House;
use crate::course::out;
use crate::grader::platform;
use lexopt::{Arg, Parser};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

pub(super) const HELP: &str = "\
Serves the book on loopback with mdBook and opens it in the browser; Ctrl-C ends
it. Where mdBook is not installed, it says the command that installs it.

  --build    only build it, into target/book
";

/// The version that the book is made for.
pub(super) const VERSION: &str = "0.5.4";

/// The port that mdBook takes by itself.
const PORT: u16 = 3000;

/// Runs it. The exit status is mdBook's, or 1 where there is none.
///
/// # Errors
/// Bad usage, or mdBook can't be run.
pub fn run(house: &House, mut parser: Parser) -> Outcome {
    let mut build = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("build") => build = true,
            other => return Err(option(other)),
        }
    }
    let Some(mdbook) = system::find("mdbook") else {
        return Err(Stop::Failed(format!(
            "mdBook is not installed; about two minutes: {}\n\
             Or read the pages as they are, in {}.",
            install(),
            house.shown(&house.book().join("src")),
        )));
    };
    if let Some(version) = version(&mdbook).filter(|version| version != VERSION) {
        out::warn(format!(
            "this is mdBook {version}, the book is made for {VERSION}: if it fails, {}",
            install()
        ));
    }
    let mut command = Command::new(&mdbook);
    if build {
        command.arg("build").arg(house.book());
    } else {
        let port = free_port()?;
        command.arg("serve").arg(house.book());
        command.args([
            "--hostname",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--open",
        ]);
        out::say(format!(
            "The book is at http://127.0.0.1:{port}; Ctrl-C ends it."
        ));
        interrupt::is_the_ordinary_end();
    }
    watch(&mdbook, command)
}

/// The command that installs the version that the book is made for.
pub(super) fn install() -> String {
    format!("cargo install mdbook --locked --version {VERSION}")
}

/// Its version, `0.5.4` say, if it tells.
pub(super) fn version(mdbook: &Path) -> Option<String> {
    let said = system::ask(mdbook, &["--version"])?;
    let word = said.split_whitespace().nth(1)?;
    Some(word.trim_start_matches('v').to_string())
}

/// The usual port, else one that is free: somebody else's server may be at the usual one.
fn free_port() -> Result<u16, Stop> {
    let free = |port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok::<u16, std::io::Error>(listener.local_addr()?.port())
    };
    free(PORT)
        .or_else(|_| free(0))
        .map_err(|err| Stop::Failed(format!("no port on 127.0.0.1 is free for the book: {err}")))
}

fn watch(mdbook: &Path, mut command: Command) -> Outcome {
    let failed =
        |err: std::io::Error| Stop::Failed(format!("cannot run {}: {err}", mdbook.display()));
    // In a group of its own: Ctrl-C is for mdBook, and not for the browser that it opened.
    platform::in_own_group(&mut command);
    let mut child = command.stdin(Stdio::null()).spawn().map_err(failed)?;
    let guard = interrupt::process(child.id());
    let status = child.wait().map_err(failed)?;
    drop(guard);
    interrupt::wait_if_under_way();
    Ok(if status.success() { 0 } else { 1 })
}
