//! A program whose lowest descriptors are taken before its own code runs.
//!
//! A running program has no descriptor left when its limit is the lowest number that is free; and
//! `poll` refuses more entries than that limit, also empty ones. A list with a place for the listener
//! and for each of eight clients would fail by that, and not for want of a descriptor. With the low
//! numbers taken the limit isn't so low, and what is left is as little.
//!
//! A child inherits what isn't closed by `exec`. Here that would get into whatever another thread
//! starts at the same time, and the low numbers are in use. So the runner is started once more, opens
//! the fillers there, and becomes the program, which keeps its number, its group and its pipes.

use rustix::io::{FdFlags, fcntl_setfd};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// The lowest number that is free then. With a listener and a client the limit is 32, as many as
/// another check leaves in all: whoever polls so many entries, or has a table for so many descriptors,
/// is served by both.
const FIRST_FREE: i32 = 30;

/// The argument that asks for it. Not in the help.
const ENTRANCE: &str = "--with-fillers";

/// This executable, also when its file has been replaced since.
const ITSELF: &str = "/proc/self/exe";

/// Whether this executable has the entrance: that of a test hasn't.
static HAS_ENTRANCE: AtomicBool = AtomicBool::new(false);

/// For the beginning of `main`, while nothing is open but the standard streams. Of a process that was
/// asked to become a program only the reason comes back why it couldn't.
pub fn becomes_another(args: &[OsString]) -> Option<String> {
    HAS_ENTRANCE.store(true, Ordering::Relaxed);
    let (entrance, words) = args.split_first()?;
    let (program, words) = words.split_first().filter(|_| entrance == ENTRANCE)?;
    // All of them or none: where there may be so few, the program needs what there is.
    let _fillers = fillers().ok();
    let err = Command::new(program).args(words).exec();
    let program = Path::new(program).display();
    Some(format!("cannot start {program}: {err}"))
}

/// The command by which this one is started with its low descriptors taken. `None`: it can only be
/// started as it is, or not at all.
pub fn with_fillers(command: &Command) -> Option<Command> {
    let program = command.get_program();
    if !HAS_ENTRANCE.load(Ordering::Relaxed) || !Path::new(ITSELF).exists() || !is_there(program) {
        return None;
    }
    let mut with_fillers = Command::new(ITSELF);
    with_fillers
        .arg(ENTRANCE)
        .arg(program)
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        with_fillers.current_dir(folder);
    }
    Some(with_fillers)
}

/// Takes the low numbers.
fn fillers() -> io::Result<Vec<File>> {
    let mut fillers = Vec::new();
    loop {
        let filler = File::open("/dev/null")?;
        if filler.as_raw_fd() >= FIRST_FREE {
            return Ok(fillers);
        }
        fcntl_setfd(&filler, FdFlags::empty())?;
        fillers.push(filler);
    }
}

/// Whether there is such a program. Where there is none, the start as it is says why.
fn is_there(program: &OsStr) -> bool {
    let may_run = |path: &Path| {
        path.metadata()
            .is_ok_and(|is| is.is_file() && is.permissions().mode() & 0o111 != 0)
    };
    if Path::new(program).components().count() > 1 {
        return may_run(Path::new(program));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| may_run(&folder.join(program)))
}
