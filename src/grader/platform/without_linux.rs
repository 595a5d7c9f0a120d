//! Where the system isn't Linux: nobody is adopted, nothing is limited, nothing is known.

use super::Descriptors;
use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::time::Duration;

pub fn becomes_another(_args: &[OsString]) -> Option<String> {
    None
}

pub fn with_fillers(_command: &Command) -> Option<Command> {
    None
}

pub fn adopt_orphans() {}

pub fn end_orphans(_mark: Option<&str>, _ours: &[u32]) {}

pub fn end_marked(_variable: &str, _value: &str) {}

pub fn belongs_to_others(_inode: u64, _group: u32, _mark: &str) -> bool {
    false
}

pub fn limit_files(_id: u32, _bytes: u64) {}

pub fn limit_address_space(_id: u32, _bytes: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn descriptors_of_group(_id: u32) -> Vec<Descriptors> {
    Vec::new()
}

pub fn limit_descriptors(_of: &Descriptors, _most: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn threads_of_group(_id: u32) -> Vec<(u32, bool, Duration)> {
    Vec::new()
}

pub fn own_queue() -> Duration {
    Duration::ZERO
}

pub fn processor_time(_group: u32) -> (Duration, Duration) {
    (Duration::ZERO, Duration::ZERO)
}
