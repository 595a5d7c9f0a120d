//! What a running submission may use.

use super::check::{Stop, Told};
use super::platform::{self, Descriptors};
use super::stage::Stage;
use super::transcript::What;
use std::io::{self, ErrorKind};

/// Of a program that has given up the rights it was started with, as one does that becomes `nobody`.
fn no_right_to_limit(what: &str) -> Stop {
    Stop::Skipped(format!(
        "the grader has no right to limit the program's {what}: it runs as another user, say"
    ))
}

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
        if !self.is_rust() {
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
            Err(err) if err.kind() == ErrorKind::PermissionDenied => {
                Err(no_right_to_limit("address space"))
            }
            Err(err) => Err(Stop::Broken(format!(
                "cannot limit the program's address space: {err}"
            ))),
        }
    }

    /// Leaves the running submission so many descriptors in all, for good; one that has used most of
    /// them before its first client came, as some interpreters do, still has room for sixteen.
    ///
    /// # Errors
    /// `Skipped` where the system can't do that; what the start of a server fails with.
    pub fn limits_descriptors(&self, most: u64) -> Told {
        self.descriptors_below(|now| most.max(now.lowest_free + 16))?;
        let server = self.server()?;
        let note = format!("has {most} descriptors from now on");
        self.transcript().write(&server.who, "", What::Notes, note);
        Ok(())
    }

    /// From now on a program is started with its low descriptors taken, for
    /// [`Stage::takes_the_descriptors_away`]: the limit by which it has none left is not so low then
    /// that `poll` refuses a list of some places.
    pub fn fills_the_low_descriptors(&self) {
        self.filled.set(true);
    }

    /// Leaves the running submission no descriptor but those that it has, until they are given back:
    /// the kernel hands out the lowest number that is free, and that one is the limit. What it closes
    /// meanwhile can be used again.
    ///
    /// # Errors
    /// The same.
    pub fn takes_the_descriptors_away(&self) -> Result<Withheld<'_>, Stop> {
        let limits = self.descriptors_below(|now| now.lowest_free)?;
        let server = self.server()?;
        let note = "has no more descriptors from now on";
        self.transcript().write(&server.who, "", What::Notes, note);
        let stage = self;
        Ok(Withheld { stage, limits })
    }

    fn descriptors_below(
        &self,
        most: impl Fn(&Descriptors) -> u64,
    ) -> Result<Vec<Descriptors>, Stop> {
        let server = self.server()?;
        let not_here = |why: &str| Err(Stop::Skipped(why.to_string()));
        let Some(id) = server.id() else {
            return not_here(
                "the descriptors of a program that was running already stay as they are",
            );
        };
        let limits = platform::descriptors_of_group(id);
        if limits.is_empty() && server.exit().is_none() {
            return not_here(match cfg!(target_os = "linux") {
                true => "the system doesn't say which descriptors the program has",
                false => "descriptors can be limited on Linux only",
            });
        }
        // A process that has ended meanwhile needs no limit.
        let set = limits
            .iter()
            .map(|limit| platform::limit_descriptors(limit, most(limit)));
        let set: Vec<io::Result<()>> = set.collect();
        let is_forbidden = |set: &io::Result<()>| {
            let err = set.as_ref().err();
            err.is_some_and(|err| err.kind() == ErrorKind::PermissionDenied)
        };
        if !set.iter().any(Result::is_ok) && set.iter().any(is_forbidden) {
            return Err(no_right_to_limit("descriptors"));
        }
        Ok(limits)
    }
}

/// Descriptors that a submission is kept from.
pub struct Withheld<'a> {
    stage: &'a Stage,
    limits: Vec<Descriptors>,
}

impl Withheld<'_> {
    /// As it was.
    pub fn are_given_back(self) -> Told {
        for limit in &self.limits {
            let _ = platform::limit_descriptors(limit, limit.soft);
        }
        let server = self.stage.server()?;
        let note = "has descriptors again";
        let transcript = self.stage.transcript();
        transcript.write(&server.who, "", What::Notes, note);
        Ok(())
    }
}
