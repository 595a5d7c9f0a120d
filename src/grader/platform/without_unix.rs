//! Where the system isn't a Unix: a submission is one process, and a wait is a short sleep.

use super::Exit;
use std::io;
use std::path::Path;
use std::process::{Child, ChildStdin, Command};
use std::time::Duration;

pub fn in_own_group(_command: &mut Command) {}

pub fn open_folder(_path: &Path) {}

pub fn wait_unreaped(child: &mut Child) -> io::Result<Exit> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Exit::Status(status.code().unwrap_or(-1)));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn unread_in(_pipe: &ChildStdin) -> Option<u64> {
    None
}

/// There is no way to ask here: the process is ended.
pub fn ask_group(id: u32) {
    kill_group(id);
}

/// Ends the process and its descendants with the system's own command.
pub fn kill_group(id: u32) {
    let id = id.to_string();
    let _ = Command::new("taskkill")
        .args(["/F", "/T", "/PID", &id])
        .output();
}

pub fn wait_ready<S>(_socket: &S, _read: bool, _write: bool, limit: Duration) {
    std::thread::sleep(limit.min(Duration::from_millis(1)));
}
