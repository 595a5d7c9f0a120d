//! The folders that submissions run in: made for a stage, and gone with it, whatever is in them.

use crate::grader::platform;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A folder of a stage's own, gone when the stage is.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

impl Folder {
    pub(super) fn new() -> io::Result<Folder> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wireside-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let mut folders = folders();
        let Some(folders) = folders.as_mut() else {
            return Err(io::Error::other("the grader is being ended"));
        };
        fs::create_dir_all(&path)?;
        folders.insert(path.clone());
        Ok(Folder { path, name })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove_folder(&self.path);
        if let Some(folders) = folders().as_mut() {
            folders.remove(&self.path);
        }
    }
}

/// The folders that there are now, so that an interrupt can remove them; `None` once it has.
static FOLDERS: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

fn folders() -> MutexGuard<'static, Option<BTreeSet<PathBuf>>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what an end that comes from outside would leave, and from now on no folder is made.
/// Whoever was in them must have ended.
pub fn remove_folders_for_good() {
    // Held until all are gone: whoever comes second must not end the grader before.
    let mut folders = folders();
    for path in folders.take().into_iter().flatten() {
        remove_folder(&path);
    }
}

/// Removes a folder whatever is in it. `remove_dir_all` goes down into it, a frame of the stack and
/// a descriptor for each level, and a submission can dig deeper than there are of either; it stops,
/// too, where a folder may not be entered. Here what is in a folder is moved up, beside the folder.
pub fn remove_folder(root: &Path) {
    platform::open_folder(root);
    let mut moved = 0_u64;
    let mut goes_on = true;
    // Each round takes away a level of folders, until there is none or nothing can be done.
    while goes_on {
        goes_on = false;
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                goes_on |= fs::remove_file(&path).is_ok();
                continue;
            }
            platform::open_folder(&path);
            for inner in fs::read_dir(&path).into_iter().flatten().flatten() {
                moved += 1;
                let _ = fs::rename(inner.path(), root.join(format!(".moved-{moved}")));
            }
            goes_on |= fs::remove_dir(&path).is_ok();
        }
    }
    let _ = fs::remove_dir(root);
}
