//! Files are written whole or not at all: a temporary file beside the target, then a rename.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Temporary files that exist now, so that an interrupt can remove them.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporaries() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a file whole, or leaves what was there.
///
/// # Errors
/// The folder is missing or read-only, or the disk is full. No temporary file is left.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = &meant(path);
    if is_device(path) {
        // A rename would replace the device itself.
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let temporary = Temporary::beside(path)?;
    fs::write(&temporary.0, bytes)?;
    may_be_replaced(path)?;
    if let Ok(there) = fs::metadata(path) {
        if there.is_file() {
            fs::set_permissions(&temporary.0, there.permissions())?;
        }
    }
    fs::rename(&temporary.0, path)
}

/// Whether a file could be written here: tried, and nothing is left of it.
///
/// # Errors
/// What [`write_whole`] would fail with.
pub fn can_write(path: &Path) -> io::Result<()> {
    let path = &meant(path);
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if is_device(path) {
        return OpenOptions::new().write(true).open(path).map(drop);
    }
    may_be_replaced(path)?;
    let temporary = Temporary::beside(path)?;
    fs::write(&temporary.0, b"")
}

/// A rename would replace a link by a file; what it links to is meant.
fn meant(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A file that may not be written is not replaced behind its owner's back.
fn may_be_replaced(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.permissions().readonly() => Err(io::ErrorKind::PermissionDenied.into()),
        _ => Ok(()),
    }
}

/// Exists, and is neither a file nor a folder: `/dev/stdout`, a pipe.
pub fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Removes what an interrupt would leave.
pub fn remove_temporaries() {
    if let Ok(temporaries) = TEMPORARIES.try_lock() {
        for path in temporaries.iter() {
            let _ = fs::remove_file(path);
        }
    }
}

/// A temporary file's path; the file, if there is one, is removed when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn beside(path: &Path) -> io::Result<Temporary> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(name) = path.file_name() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{count}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        temporaries().push(temporary.clone());
        Ok(Temporary(temporary))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already when it was renamed.
        let _ = fs::remove_file(&self.0);
        temporaries().retain(|path| *path != self.0);
    }
}
