//! What every Unix can: process groups and their signals, an end that is seen and not reaped yet, a
//! wait for a socket.

use super::Exit;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command};
use std::time::Duration;

/// The child leads a process group: the whole of it can be ended, and Ctrl-C doesn't reach it.
pub fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Lets us into a folder of our own whose owner was kept out.
pub fn open_folder(path: &Path) {
    // Where that fails, so does what is done in it next.
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700));
}

/// Waits until the child has ended, and leaves it unreaped: as long as it is, its number, which
/// is its group's number too, can't be given to somebody else.
pub fn wait_unreaped(child: &mut Child) -> io::Result<Exit> {
    let id = WaitId::Pid(pid(child.id())?);
    loop {
        match waitid(id.clone(), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(Some(status)) => {
                return Ok(match (status.exit_status(), status.terminating_signal()) {
                    (Some(status), _) => Exit::Status(status),
                    (None, Some(signal)) => Exit::Signal(signal),
                    (None, None) => Exit::Status(-1),
                });
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => continue,
            Err(err) => return Err(err.into()),
        }
    }
}

/// Bytes that were written to a pipe and not read yet, where the system tells.
pub fn unread_in(pipe: &ChildStdin) -> Option<u64> {
    rustix::io::ioctl_fionread(pipe).ok()
}

/// Asks the group to end.
pub fn ask_group(id: u32) {
    signal_group(id, Signal::TERM);
}

/// Ends the group. What is stopped (SIGSTOP) ends as well.
pub fn kill_group(id: u32) {
    signal_group(id, Signal::KILL);
}

fn signal_group(id: u32, signal: Signal) {
    if let Ok(pid) = pid(id) {
        // The group may be gone already: that is what was wanted.
        let _ = kill_process_group(pid, signal);
    }
}

pub(super) fn pid(id: u32) -> io::Result<Pid> {
    i32::try_from(id)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(io::ErrorKind::InvalidInput.into())
}

/// Waits until the socket can be read, or written if that is asked for, or the time is over. A
/// listening one can be read when a connection waits to be accepted.
pub fn wait_ready(socket: &impl AsFd, read: bool, write: bool, limit: Duration) {
    let mut flags = PollFlags::empty();
    if read {
        flags |= PollFlags::IN;
    }
    if write {
        flags |= PollFlags::OUT;
    }
    if flags.is_empty() {
        std::thread::sleep(limit.min(Duration::from_millis(5)));
        return;
    }
    let limit = Timespec {
        tv_sec: limit.as_secs() as _,
        tv_nsec: limit.subsec_nanos() as _,
    };
    // An interrupted wait is a short one: the caller looks at the clock anyway.
    let _ = poll(&mut [PollFd::new(socket, flags)], Some(&limit));
}
