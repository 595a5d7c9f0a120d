//! What is shown, and where. Nothing here panics when the reader has gone.
//!
//! `println!` panics on a broken pipe, so nobody in the runner uses it. Once the reader of stdout is
//! gone, what is still said goes nowhere and the command comes to its end as it would have.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What became of stdout and of the status line.
struct State {
    /// The reader of stdout is gone.
    reader_gone: bool,
    /// Why stdout could not be written: a full disk, say.
    trouble: Option<String>,
    /// A status line stands on stderr and must be erased before anything else is said.
    status: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    reader_gone: false,
    trouble: None,
    status: false,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says one line on stdout.
pub fn say(line: impl Display) {
    show(&format!("{line}\n"));
}

/// Shows text on stdout as it is.
pub fn show(text: &str) {
    let mut state = state();
    erase_status(&mut state);
    if state.reader_gone || state.trouble.is_some() {
        return;
    }
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => {}
        Err(err) if err.kind() == ErrorKind::BrokenPipe => state.reader_gone = true,
        Err(err) => state.trouble = Some(err.to_string()),
    }
}

/// Says one line on stderr.
pub fn warn(line: impl Display) {
    let mut state = state();
    erase_status(&mut state);
    // Where stderr can't be written either, nobody is left to be told.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Asks on stderr, so that what follows on stdout can be kept in a file. No newline is added.
pub fn prompt(question: &str) {
    let mut state = state();
    erase_status(&mut state);
    let _ = write!(io::stderr(), "{question}");
    let _ = io::stderr().flush();
}

/// Whether whoever read stdout has gone.
pub fn reader_is_gone() -> bool {
    state().reader_gone
}

/// Why stdout could not be written, if it could not; a reader that left is no trouble.
pub fn trouble() -> Option<String> {
    state().trouble.clone()
}

/// What a status line has room for, on a terminal of 80 columns.
pub const STATUS_COLUMNS: usize = 78;

/// Shows what is going on, in one line that the next thing said replaces. On a terminal only.
pub fn status(text: &str) {
    if !can_erase() {
        return;
    }
    let mut state = state();
    let text: String = text.chars().take(STATUS_COLUMNS).collect();
    let _ = write!(io::stderr(), "\r{text}\x1b[K");
    let _ = io::stderr().flush();
    state.status = true;
}

/// Erases the status line.
pub fn status_done() {
    erase_status(&mut state());
}

fn erase_status(state: &mut State) {
    if state.status {
        let _ = write!(io::stderr(), "\r\x1b[K");
        let _ = io::stderr().flush();
        state.status = false;
    }
}

/// Leaves the terminal as it was: for an end that comes from outside.
pub fn restore_terminal() {
    // A thread that holds the lock may be stuck in a write: it is not waited for.
    if let Ok(mut state) = STATE.try_lock() {
        erase_status(&mut state);
    }
    if has_colour() && io::stdout().is_terminal() {
        let _ = write!(io::stderr(), "\x1b[0m");
    }
}

/// Whether stderr is a terminal that knows how to erase a line.
fn can_erase() -> bool {
    io::stderr().is_terminal() && terminal_is_able()
}

/// Whether stdout is a terminal that knows how to clear itself.
pub fn can_clear() -> bool {
    io::stdout().is_terminal() && terminal_is_able()
}

fn terminal_is_able() -> bool {
    if cfg!(windows) {
        // The old console shows escape sequences as they are; what replaced it sets one of these.
        let set = |name| env::var_os(name).is_some();
        return set("WT_SESSION") || set("TERM") || set("TERM_PROGRAM") || set("ConEmuANSI");
    }
    env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Colour on a terminal, unless `NO_COLOR` is set; with `CLICOLOR_FORCE` elsewhere too.
pub fn has_colour() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = set("CLICOLOR_FORCE") && env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
    !set("NO_COLOR") && (forced || can_clear())
}

/// How a word is set off. Everything reads as well without it.
#[derive(Clone, Copy)]
pub enum Ink {
    Bold,
    Dim,
    Green,
    Yellow,
}

/// The text in this ink, if there is colour.
pub fn ink(text: &str, ink: Ink) -> String {
    if !has_colour() {
        return text.to_string();
    }
    let code = match ink {
        Ink::Bold => 1,
        Ink::Dim => 2,
        Ink::Green => 32,
        Ink::Yellow => 33,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
