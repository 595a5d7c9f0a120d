//! `reset`: the exercise as shipped; what was there is kept beside it.

use crate::course::house::House;
use crate::course::names::Entry;
use crate::course::progress::Progress;
use crate::course::{files, out};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Puts the shipped file in place. The exit status.
pub fn run(house: &House, (_, exercise): Entry) -> u8 {
    let name = exercise.name;
    let (shipped, path) = (house.shipped(name), house.exercise(name));
    let fresh = match fs::read(&shipped) {
        Ok(fresh) => fresh,
        Err(err) => {
            let shipped = house.shown(&shipped);
            out::warn(format!(
                "cannot read {shipped}, the exercise as shipped: {err}"
            ));
            return 1;
        }
    };
    let shown = house.shown(&path);
    match fs::read(&path) {
        Ok(there) if there == fresh => {
            out::say(format!("{shown} is as shipped already."));
        }
        Ok(there) => {
            let kept = match keep(&path, &there) {
                Ok(kept) => kept,
                Err(err) => {
                    out::warn(format!(
                        "cannot keep what is in {shown}, so it stays: {err}"
                    ));
                    return 1;
                }
            };
            if let Err(err) = files::write_whole(&path, &fresh) {
                out::warn(format!(
                    "cannot write {shown}, so it stays as it was: {err}"
                ));
                // It holds nothing that the file doesn't.
                let _ = fs::remove_file(&kept);
                return 1;
            }
            out::say(format!("{shown} is as shipped."));
            out::say(format!("What was there is in {}.", house.shown(&kept)));
        }
        Err(err) if err.kind() == ErrorKind::NotFound => {
            if let Err(err) = files::write_whole(&path, &fresh) {
                out::warn(format!("cannot write {shown}: {err}"));
                return 1;
            }
            out::say(format!("{shown} was missing, and is back as shipped."));
        }
        Err(err) => {
            out::warn(format!("cannot read {shown}, so it stays: {err}"));
            return 1;
        }
    }
    Progress::change(house, |progress| progress.forget_passed(name));
    0
}

/// Writes a backup beside the file, never over another one.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let stamp = stamp(SystemTime::now());
    for count in 1..1000 {
        let more = if count == 1 {
            String::new()
        } else {
            format!("-{count}")
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let backup = path.with_file_name(format!("{name}.backup-{stamp}{more}"));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&backup)
        {
            Ok(mut file) => {
                if let Err(err) = file.write_all(bytes).and_then(|()| file.sync_all()) {
                    // Half a backup is worse than none: it looks like one.
                    let _ = fs::remove_file(&backup);
                    return Err(err);
                }
                return Ok(backup);
            }
            Err(err) if err.kind() == ErrorKind::AlreadyExists => continue,
            Err(err) => return Err(err),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// `YYYYMMDD-HHMMSS` in UTC: std knows no time zone.
fn stamp(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}{month:02}{:02}-{hour:02}{minute:02}{:02}",
        days + 1,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stamp_is_the_date_and_time_in_utc() {
        let stamp = |seconds| stamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(stamp(0), "19700101-000000");
        assert_eq!(stamp(951_827_696), "20000229-123456");
        assert_eq!(stamp(1_798_761_599), "20261231-235959");
        assert_eq!(stamp(1_798_761_600), "20270101-000000");
    }
}
