//! What a running submission may use.

use super::check::{Stop, Told};
use super::launch::Launch;
use super::platform;
use super::stage::Stage;
use super::transcript::What;
use std::io::ErrorKind;

impl Stage {
    /// Starts the submission, a server, and leaves it so many bytes of address space: to ask for
    /// more fails. Resident memory would not tell: what is only claimed is not resident.
    ///
    /// A Rust program only. What an interpreter reserves says nothing about what it is asked for, so
    /// foreign programs, and one that runs already, are left as they are.
    ///
    /// # Errors
    /// `Skipped` where the system can't do that; what the start of a server fails with.
    pub fn limits_address_space(&self, bytes: u64) -> Told {
        if !matches!(self.launch, Launch::Built(_)) {
            return self.server().map(|_| ());
        }
        // Without this glibc reserves 64 MiB for each thread that allocates.
        self.env
            .borrow_mut()
            .push(("MALLOC_ARENA_MAX", "2".to_string()));
        let server = self.server()?;
        let Some(id) = server.id() else { return Ok(()) };
        match platform::limit_address_space(id, bytes) {
            Ok(()) => {
                let note = format!("has {} MB of address space from now on", bytes / 1_000_000);
                self.transcript().write(&server.who, "", What::Notes, note);
                Ok(())
            }
            // It has ended: what is said to it next tells.
            Err(_) if server.exit().is_some() => Ok(()),
            Err(err) if err.kind() == ErrorKind::Unsupported => Err(Stop::Skipped(
                "address space can be limited on Linux only".to_string(),
            )),
            Err(err) => Err(Stop::Broken(format!(
                "cannot limit the program's address space: {err}"
            ))),
        }
    }
}
