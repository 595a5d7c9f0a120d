//! Chapters with TLS need the cargo feature `tls`, and with it OpenSSL's headers on Linux. Whoever
//! asks for such a chapter gets a runner that is built with it, in a target folder of its own.

use super::{Outcome, Stop, build, interrupt, system};
use crate::course::house::House;
use crate::course::out;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the runner with TLS and does the same with it: its exit status.
///
/// # Errors
/// It can't be built, in one sentence where the headers are missing; or it can't be started.
pub fn rerun_with_tls(house: &House, args: &[OsString]) -> Outcome {
    if cfg!(feature = "tls") {
        // Built with TLS it has no reason to call itself; a loop would have no end.
        return Err(Stop::Failed(
            "the runner has TLS already: please report this".to_string(),
        ));
    }
    runner(house)
        .and_then(|runner| run(&runner, args))
        .map_err(Stop::Failed)
}

/// Builds the runner with TLS: where it is.
///
/// # Errors
/// Why it can't be built, in one sentence where the headers are missing.
pub fn runner(house: &House) -> Result<PathBuf, String> {
    let runner = format!("tls/debug/wireside{}", std::env::consts::EXE_SUFFIX);
    if !house.target().join(runner).exists() {
        out::warn("building with TLS; the first time takes about half a minute");
    }
    build::runner_with_tls(house).map_err(|words| advised(&words))
}

/// Does the same with that runner: its exit status.
///
/// # Errors
/// It can't be started.
pub fn run(runner: &Path, args: &[OsString]) -> Result<u8, String> {
    let failed = |err: std::io::Error| {
        format!(
            "cannot run {}, the runner with TLS: {err}",
            runner.display()
        )
    };
    let mut child = Command::new(runner).args(args).spawn().map_err(failed)?;
    let guard = interrupt::process(child.id());
    let status = child.wait().map_err(failed)?;
    drop(guard);
    interrupt::wait_if_under_way();
    // Ended by a signal, it has no status: then nobody can tell what it would have been.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(4))
}

/// What cargo said of a failed build with TLS, in one sentence where OpenSSL's headers are missing.
pub fn advised(words: &str) -> String {
    match Missing::of(words) {
        None => words.trim_end().to_string(),
        // Whoever lacks pkg-config mostly lacks the headers, and can't find out before.
        Some(Missing::PkgConfig) => format!(
            "TLS needs pkg-config, which finds OpenSSL, and it is not installed: {}",
            system::install(&[&system::PKG_CONFIG, &system::OPENSSL_HEADERS]),
        ),
        Some(Missing::Headers) => format!(
            "TLS needs OpenSSL's headers, and they are not installed: {}",
            system::install(&[&system::OPENSSL_HEADERS]),
        ),
    }
}

/// What a build with TLS lacks on a fresh machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    PkgConfig,
    Headers,
}

impl Missing {
    fn of(words: &str) -> Option<Missing> {
        if !words.contains("openssl-sys") {
            return None;
        }
        // Without pkg-config nothing is found, so its lack is asked for first.
        if words.contains("pkg-config command could not be found") {
            return Some(Missing::PkgConfig);
        }
        let signs = ["`openssl.pc`", "Could not find directory of OpenSSL"];
        signs
            .iter()
            .any(|sign| words.contains(sign))
            .then_some(Missing::Headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What cargo 1.95 and openssl-sys 0.9.118 say, without the lines that name variables.
    const NO_PKG_CONFIG: &str = "\
error: failed to run custom build command for `openssl-sys v0.9.118`

Caused by:
  process didn't exit successfully: `build-script-main` (exit status: 101)
  --- stdout
  Could not find openssl via pkg-config:
  Could not run `PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 pkg-config --libs --cflags openssl`
  The pkg-config command could not be found.

  Most likely, you need to install a pkg-config package for your OS.

  --- stderr
  Could not find directory of OpenSSL installation, and this `-sys` crate cannot
  proceed without this knowledge.
";
    const NO_HEADERS: &str = "\
error: failed to run custom build command for `openssl-sys v0.9.118`

Caused by:
  process didn't exit successfully: `build-script-main` (exit status: 101)
  --- stdout
  Could not find openssl via pkg-config:
  pkg-config exited with status code 1

  The system library `openssl` required by crate `openssl-sys` was not found.
  The file `openssl.pc` needs to be installed and the PKG_CONFIG_PATH environment \
variable must contain its parent directory.

  --- stderr
  Could not find directory of OpenSSL installation, and this `-sys` crate cannot
  proceed without this knowledge.
";

    #[test]
    fn what_is_missing_is_said_in_one_line() {
        for (words, sign) in [
            (NO_PKG_CONFIG, "needs pkg-config"),
            (NO_HEADERS, "'s headers"),
        ] {
            let said = advised(words);
            assert!(said.contains(sign), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn another_trouble_is_shown_as_cargo_says_it() {
        let words = "error: could not compile `wireside`\n";
        assert_eq!(advised(words), words.trim_end());
        let words = "error[E0425]: cannot find value `openssl.pc`\n";
        assert_eq!(Missing::of(words), None);
    }
}
