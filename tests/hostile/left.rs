//! What is left of a submission: processes that carry its marker, and files.

use std::fs;
use std::path::Path;

/// A word on the command line of everything that a submission starts.
pub struct Marker(pub String);

impl Marker {
    /// The processes that carry it. Zombies have no command line.
    pub fn carriers(&self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").expect("read /proc").flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id: &u32| {
            *id != std::process::id()
                && fs::read(format!("/proc/{id}/cmdline"))
                    .is_ok_and(|words| String::from_utf8_lossy(&words).contains(&self.0))
        })
        .collect()
    }

    /// Whether something runs that a submission has started. What builds and starts the submission has
    /// the marker too, in the names of its folders.
    pub fn is_up(&self) -> bool {
        self.carriers().iter().any(|id| {
            let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            words
                .split(|byte| *byte == 0)
                .any(|word| word == self.0.as_bytes())
        })
    }

    pub fn count(&self) -> usize {
        self.carriers().len()
    }
}

/// The most that a process has had resident until now, in bytes.
pub fn peak_resident(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// The memory that is left for processes here, in bytes: of the machine, or of the group of processes
/// that a container is.
pub fn memory() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let info = read("/proc/meminfo")?;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10;
    let of_group = |name: &str| {
        let text = read(&format!("/sys/fs/cgroup/memory.{name}"))?;
        text.trim().parse::<u64>().ok()
    };
    let group = of_group("max")
        .zip(of_group("current"))
        .map(|(most, held)| most.saturating_sub(held));
    Some(group.map_or(machine, |group| group.min(machine)))
}

/// Bytes of all files in a folder. What vanishes meanwhile is not counted.
pub fn disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            // As deep as folders of files go, and no deeper: one of the submissions digs.
            Ok(is) if is.is_dir() => {
                let inner = fs::read_dir(entry.path()).into_iter().flatten().flatten();
                inner
                    .filter_map(|entry| entry.metadata().ok())
                    .map(|is| is.len())
                    .sum()
            }
            Ok(is) => is.len(),
            Err(_) => 0,
        })
        .sum()
}
