//! What Linux alone can: to adopt orphans and find them, to limit a process that runs, to say what the
//! scheduler did with it. All but the signals is read from `/proc`.

mod fillers;

pub use fillers::*;

use super::unix::{kill_group, pid};
use super::{Descriptors, STAGE_VARIABLE};
use rustix::process::{
    PidfdFlags, Resource, Rlimit, Signal, WaitOptions, kill_process, pidfd_open, pidfd_send_signal,
    prlimit, waitpgid, waitpid,
};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::Duration;

/// From now on, orphans of our descendants become our children instead of init's. Those that end by
/// themselves are reaped now and then: one that forks and ends, again and again, would fill the
/// system's table of processes otherwise, and nobody could start another.
pub fn adopt_orphans() {
    static REAPER: Once = Once::new();
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    REAPER.call_once(|| {
        // Without a thread they wait for the end of their check.
        let _ = thread::Builder::new().spawn(|| {
            loop {
                thread::sleep(REAPS);
                reap_orphans();
            }
        });
    });
}

/// How often it is looked for orphans that have ended.
const REAPS: Duration = Duration::from_millis(500);

/// While this is held, no other thread waits for an orphan, so that its number stays its own.
static ORPHANS: Mutex<()> = Mutex::new(());

/// Reaps the orphans that have ended. What we have started ourselves leads its group in our session,
/// or is in our group: whoever has started it waits for it.
fn reap_orphans() {
    let _turn = ORPHANS.lock().unwrap_or_else(PoisonError::into_inner);
    let me = std::process::id();
    let Some(mine) = Family::of(me) else {
        return;
    };
    for id in processes() {
        let Some(family) = Family::of(id).filter(|family| family.parent == me) else {
            continue;
        };
        let is_a_stranger = family.session != mine.session;
        if family.group == mine.group || !(is_a_stranger || family.group != id) {
            continue;
        }
        if let Ok(id) = pid(id) {
            let _ = waitpid(Some(id), WaitOptions::NOHANG);
        }
        // Of a group in which nobody is ours, the others go without a look.
        if let Some(group) = pid(family.group).ok().filter(|_| is_a_stranger) {
            while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
        }
    }
}

/// Ends the children that we didn't start ourselves: with a mark, those that carry it or
/// have got rid of theirs; with none, all. `ours` are the leaders that are looked after
/// elsewhere.
pub fn end_orphans(mark: Option<&str>, ours: &[u32]) {
    // One at a time: what another thread has waited for is gone, and its number may by then
    // be that of a process which is nobody's here.
    let _turn = ORPHANS.lock().unwrap_or_else(PoisonError::into_inner);
    // Killing one may orphan its children to us: look again until there is none.
    for _ in 0..64 {
        if !end_those_found(mark, ours) {
            return;
        }
    }
}

/// Whether there was any.
fn end_those_found(mark: Option<&str>, ours: &[u32]) -> bool {
    let me = std::process::id();
    let Some(mine) = Family::of(me) else {
        return false;
    };
    let mut found = false;
    for id in processes().filter(|id| !ours.contains(id)) {
        let Some(family) = Family::of(id).filter(|family| family.parent == me) else {
            continue;
        };
        // What we started ourselves is in our session, also in the moment before it carries
        // its mark.
        let is_meant = mark.is_none_or(|mark| match mark_of(id) {
            Some(carried) => carried == mark.as_bytes(),
            None => family.session != mine.session,
        });
        if !is_meant {
            continue;
        }
        found = true;
        // One that forks and ends, again and again, is gone before it is killed; its group
        // is killed whole, with what it is just forking.
        let group = Some(family.group).filter(|group| *group != mine.group);
        let group = group.filter(|group| !ours.contains(group));
        if let Some(group) = group {
            kill_group(group);
        }
        if let Ok(pid) = pid(id) {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
        // It may have left thousands behind it that have ended: they go without a look.
        if let Some(group) = group.and_then(|group| pid(group).ok()) {
            while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
        }
    }
    found
}

/// The processes that there are now; where that can't be read, none.
fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The processes of a group.
fn members(group: u32) -> impl Iterator<Item = u32> {
    processes().filter(move |id| group_of(*id) == Some(group))
}

/// Whose child a process is, and where it belongs.
struct Family {
    parent: u32,
    group: u32,
    session: u32,
}

impl Family {
    /// None: there is no such process.
    fn of(id: u32) -> Option<Family> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name, in brackets, may hold anything; what follows the last bracket can't.
        let mut words = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
        let mut next = || words.next()?.parse().ok();
        Some(Family {
            parent: next()?,
            group: next()?,
            session: next()?,
        })
    }
}

fn carries(id: u32, mark: &str) -> bool {
    mark_of(id).is_some_and(|carried| carried == mark.as_bytes())
}

fn mark_of(id: u32) -> Option<Vec<u8>> {
    variable_of(id, STAGE_VARIABLE)
}

/// A variable of the environment that a process was started with.
fn variable_of(id: u32, name: &str) -> Option<Vec<u8>> {
    let env = std::fs::read(format!("/proc/{id}/environ")).ok()?;
    let name = format!("{name}=");
    let mut variables = env.split(|b| *b == 0);
    variables.find_map(|v| v.strip_prefix(name.as_bytes()).map(<[u8]>::to_vec))
}

/// Ends every process that was started with this variable, whoever its parent is: what a
/// grader leaves that was killed. To adopt such processes would be to become the parent
/// that the next one kills.
pub fn end_marked(variable: &str, value: &str) {
    let mine = group_of(std::process::id());
    // What forks meanwhile is found in the next round.
    for _ in 0..64 {
        let is_marked = |id: u32| variable_of(id, variable).is_some_and(|v| v == value.as_bytes());
        let mut found = false;
        for id in processes().filter(|id| is_marked(*id)) {
            found = true;
            // It may end at any moment, and its number be another's: what is opened stays the
            // process that it was, and whoever has the number now must carry the mark.
            let Ok(process) = pid(id).and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?))
            else {
                continue;
            };
            let group = group_of(id).filter(|group| Some(*group) != mine);
            if is_marked(id) && pidfd_send_signal(&process, Signal::KILL).is_ok() {
                if let Some(group) = group {
                    kill_group(group);
                }
            }
        }
        if !found {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a socket is held by processes, and by none of a group or with its mark.
pub fn belongs_to_others(inode: u64, group: u32, mark: &str) -> bool {
    if inode == 0 || holds(group, inode) {
        return false;
    }
    let holders: Vec<u32> = processes().filter(|id| holds(*id, inode)).collect();
    !holders.is_empty()
        && !holders
            .iter()
            .any(|id| group_of(*id) == Some(group) || carries(*id, mark))
}

fn holds(id: u32, inode: u64) -> bool {
    let link = format!("socket:[{inode}]");
    let Ok(held) = std::fs::read_dir(format!("/proc/{id}/fd")) else {
        return false;
    };
    held.flatten().any(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == link.as_str())
    })
}

fn group_of(id: u32) -> Option<u32> {
    Family::of(id).map(|family| family.group)
}

/// Limits what a running process, and what it starts from now on, may do to the disk: the
/// size of a file that it writes, in bytes, and no core dumps. Without the rights to do so
/// it is left as it is.
pub fn limit_files(id: u32, bytes: u64) {
    let Ok(pid) = pid(id) else { return };
    for (resource, most) in [(Resource::Fsize, bytes), (Resource::Core, 0)] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        let _ = prlimit(Some(pid), resource, limit);
    }
}

/// Limits the address space of a running process, in bytes.
pub fn limit_address_space(id: u32, bytes: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    prlimit(Some(pid(id)?), Resource::As, limit)?;
    Ok(())
}

/// What each process of the group has and may have of descriptors; processes that ended
/// meanwhile are left out.
pub fn descriptors_of_group(id: u32) -> Vec<Descriptors> {
    let descriptors = members(id).filter_map(|process| {
        let held = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
        let held: BTreeSet<u64> = held
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
        let mut limits = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"))?
            .split_whitespace();
        Some(Descriptors {
            process,
            // Not below the standard streams, though one of them be closed: `poll` refuses more entries
            // than there may be descriptors.
            lowest_free: (3..).find(|number| !held.contains(number))?,
            // Or `unlimited`.
            soft: limits.next()?.parse().unwrap_or(u64::MAX),
            hard: limits.next()?.parse().unwrap_or(u64::MAX),
        })
    });
    descriptors.collect()
}

/// Limits a running process to descriptors below this number; what it has it keeps.
pub fn limit_descriptors(of: &Descriptors, most: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: (most != u64::MAX).then_some(most.min(of.hard)),
        maximum: (of.hard != u64::MAX).then_some(of.hard),
    };
    prlimit(Some(pid(of.process)?), Resource::Nofile, limit)?;
    Ok(())
}

/// Every thread of the group's processes: its number, whether it runs or waits for a
/// processor, and how long it has run. A command may be a shell script that starts another:
/// the one that is starved then is not the group's leader.
pub fn threads_of_group(id: u32) -> Vec<(u32, bool, Duration)> {
    let tasks = members(id)
        .filter_map(|member| std::fs::read_dir(format!("/proc/{member}/task")).ok())
        .flat_map(|tasks| tasks.flatten());
    let thread = |task: std::fs::DirEntry| {
        let number = task.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let runnable = stat.rsplit_once(')')?.1.trim_start().starts_with('R');
        let schedstat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let ran = schedstat.split_whitespace().next()?.parse().ok()?;
        Some((number, runnable, Duration::from_nanos(ran)))
    };
    tasks.filter_map(thread).collect()
}

/// What the scheduler says of a group, of which the leader may be a mere wrapper: how long
/// its threads ran, all together, and how long the one that waited most was ready to run
/// and had no processor.
pub fn processor_time(group: u32) -> (Duration, Duration) {
    in_all(members(group).map(processor_time_of))
}

/// How long the calling thread was ready to run and had no processor.
pub fn own_queue() -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse().ok())
        .map_or(Duration::ZERO, Duration::from_nanos)
}

fn processor_time_of(id: u32) -> (Duration, Duration) {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{id}/task")) else {
        return (Duration::ZERO, Duration::ZERO);
    };
    let times = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let mut words = text.split_whitespace().map(|word| word.parse().ok());
        Some((
            Duration::from_nanos(words.next()??),
            Duration::from_nanos(words.next()??),
        ))
    });
    in_all(times)
}

/// Of several: how long they ran, all together, and how long the one that waited most waited.
fn in_all(times: impl Iterator<Item = (Duration, Duration)>) -> (Duration, Duration) {
    times.fold((Duration::ZERO, Duration::ZERO), |(ran, waited), (r, w)| {
        (ran + r, waited.max(w))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Instant;

    #[test]
    fn an_orphan_that_ends_is_reaped_meanwhile() {
        adopt_orphans();
        let leaves = "setsid sh -c 'echo $$' &";
        let said = Command::new("sh").args(["-c", leaves]).output().unwrap();
        let Ok(orphan) = String::from_utf8_lossy(&said.stdout).trim().parse() else {
            eprintln!("skipped: there is no setsid here");
            return;
        };
        let me = std::process::id();
        let is_ours = || Family::of(orphan).is_some_and(|family| family.parent == me);
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_ours() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        assert!(!is_ours(), "{orphan} is still there");
    }
}
