//! What this machine has: programs in its path, and the command that installs one.

use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A package, by the name that each package manager gives it; empty where it has none.
pub struct Package {
    pub apt: &'static str,
    pub dnf: &'static str,
    pub brew: &'static str,
    pub winget: &'static str,
}

pub const PKG_CONFIG: Package = Package {
    apt: "pkg-config",
    dnf: "pkgconf-pkg-config",
    brew: "pkgconf",
    winget: "",
};
pub const OPENSSL_HEADERS: Package = Package {
    apt: "libssl-dev",
    dnf: "openssl-devel",
    brew: "openssl@3",
    winget: "",
};

/// A package manager.
struct Manager {
    program: &'static str,
    command: &'static str,
    name: fn(&Package) -> &'static str,
}

const MANAGERS: [Manager; 4] = [
    Manager {
        program: "apt-get",
        command: "sudo apt install",
        name: |package| package.apt,
    },
    Manager {
        program: "dnf",
        command: "sudo dnf install",
        name: |package| package.dnf,
    },
    Manager {
        program: "brew",
        command: "brew install",
        name: |package| package.brew,
    },
    Manager {
        program: "winget",
        command: "winget install",
        name: |package| package.winget,
    },
];

/// The command that installs these on this system, or what to look for where none is known.
pub fn install(packages: &[&Package]) -> String {
    for manager in MANAGERS
        .iter()
        .filter(|manager| find(manager.program).is_some())
    {
        let names = packages.iter().map(|package| (manager.name)(package));
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        if !names.is_empty() {
            return format!("{} {}", manager.command, names.join(" "));
        }
    }
    let names: Vec<&str> = packages.iter().map(|package| package.apt).collect();
    format!(
        "install {} (as Debian calls it) with your system's package manager",
        names.join(" and ")
    )
}

/// The executable of this name in the path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let endings: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd", ".bat"]
    } else {
        &[""]
    };
    env::split_paths(&path)
        .filter(|folder| !folder.as_os_str().is_empty())
        .flat_map(|folder| {
            endings
                .iter()
                .map(move |ending| folder.join(format!("{program}{ending}")))
        })
        .find(|file| is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// What a short-lived program prints, both outputs together; `None` if it can't be run or takes
/// longer than five seconds.
pub fn ask(program: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let (sender, receiver) = mpsc::channel();
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        child
            .stdout
            .take()
            .map(|output| Box::new(output) as Box<dyn Read + Send>),
        child
            .stderr
            .take()
            .map(|output| Box::new(output) as Box<dyn Read + Send>),
    ];
    for output in outputs.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // A version is short; what prints for ever is cut.
            let _ = output.take(64 << 10).read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        });
    }
    drop(sender);
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut said = Vec::new();
    let left = || deadline.saturating_duration_since(Instant::now());
    let in_time = loop {
        match receiver.recv_timeout(left()) {
            Ok(bytes) => said.extend(bytes),
            Err(mpsc::RecvTimeoutError::Disconnected) => break true,
            Err(mpsc::RecvTimeoutError::Timeout) => break false,
        }
    };
    // It has closed its outputs: what is left of it is its end, or it is not worth waiting for.
    while in_time && !left().is_zero() && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    in_time.then(|| String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_and_asked() {
        let cargo = find("cargo").unwrap();
        assert!(ask(&cargo, &["--version"]).unwrap().starts_with("cargo 1."));
        assert_eq!(find("no-such-program-anywhere"), None);
        assert_eq!(ask(Path::new("/no/such/program"), &[]), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_does_not_end_is_not_waited_for() {
        let begun = Instant::now();
        assert_eq!(ask(&find("sleep").unwrap(), &["60"]), None);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
