//! `doctor`: what of the course will work on this machine, a line a thing.

use super::system::{self, Package};
#[cfg(not(feature = "tls"))]
use super::tls;
use super::{Outcome, book, option};
use crate::course::cargo_itself;
use crate::course::house::House;
use crate::course::out::{self, Ink, ink};
use lexopt::{Arg, Parser};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

pub(super) const HELP: &str = "\
Says what of the course will work on this machine: what is there, which chapters
need it, and the command that installs what is not.

  --tls    builds the runner with TLS, as the chapters on TLS need it, and tries

Exit status: 0 if everything is there that every chapter needs, else 1.
";

/// Descriptors that chapter 6 and its exercises want.
const DESCRIPTORS: u64 = 256;

/// What a look at one thing found.
struct Found {
    what: &'static str,
    /// What is there, or why it isn't.
    state: Result<String, String>,
    /// Which chapters need it.
    needed: Needed,
    /// What mends it.
    remedy: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    ByAll,
    /// In words.
    By(&'static str),
}

/// Runs it. The exit status.
///
/// # Errors
/// Bad usage; with `--tls`, that TLS doesn't work here and why.
pub fn run(house: &House, mut parser: Parser) -> Outcome {
    let mut with_tls = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("tls") => with_tls = true,
            other => return Err(option(other)),
        }
    }
    if with_tls {
        return try_tls(house);
    }
    out::status("looking");
    let found = look();
    for found in &found {
        out::show(&line(found));
    }
    let lacks = |found: &&Found| found.state.is_err() && found.needed == Needed::ByAll;
    Ok(if found.iter().any(|found| lacks(&found)) {
        1
    } else {
        0
    })
}

fn line(found: &Found) -> String {
    let needed = match found.needed {
        Needed::ByAll => "every chapter",
        Needed::By(chapters) => chapters,
    };
    let (sign, state, remedy) = match &found.state {
        Ok(state) => (ink("ok", Ink::Green), state, String::new()),
        Err(state) => (
            ink("--", Ink::Yellow),
            state,
            format!("{:21}{}\n", "", found.remedy),
        ),
    };
    format!("{sign}  {:<16} {state:<32} {needed}\n{remedy}", found.what)
}

/// Everything, asked side by side: some programs take their time to say their version.
fn look() -> Vec<Found> {
    let mut looks: Vec<Box<dyn Fn() -> Found + Send + Sync>> = vec![
        Box::new(|| loopback("IPv4 loopback", Ipv4Addr::LOCALHOST.into(), Needed::ByAll)),
        Box::new(|| {
            let needed = Needed::By("chapter 1, for [::1]");
            loopback("IPv6 loopback", Ipv6Addr::LOCALHOST.into(), needed)
        }),
        Box::new(cargo),
        Box::new(descriptors),
        Box::new(nc),
        Box::new(|| {
            program(
                "curl",
                &["--version"],
                "chapters 1 and 2",
                same("curl", "cURL.cURL"),
            )
        }),
        Box::new(|| {
            let package = Package {
                apt: "iproute2",
                dnf: "iproute",
                brew: "",
                winget: "",
            };
            if cfg!(target_os = "linux") {
                return program("ss", &["-V"], "chapters 1 and 3", package);
            }
            program("netstat", &[], "chapters 1 and 3", package)
        }),
        Box::new(|| {
            let package = Package {
                winget: "Python.Python.3.13",
                ..same("python3", "")
            };
            program(
                "python3",
                &["--version"],
                "chapter 2 on, for peers",
                package,
            )
        }),
        Box::new(|| {
            let package = Package {
                apt: "nodejs",
                dnf: "nodejs",
                ..same("node", "OpenJS.NodeJS")
            };
            program("node", &["--version"], "chapter 2, for peers", package)
        }),
        Box::new(|| program("tcpdump", &[], "chapter 3 on", same("tcpdump", ""))),
        Box::new(|| {
            let package = same("openssl", "ShiningLight.OpenSSL.Light");
            program("openssl", &["version"], "chapters 9 and 10", package)
        }),
        Box::new(openssl_headers),
        Box::new(mdbook),
    ];
    if cfg!(target_os = "linux") {
        // A firewall in a network of one's own: elsewhere its sessions can only be read.
        let at = looks.len() - 3;
        looks.splice(at..at, [Box::new(nft) as _, Box::new(unshare) as _]);
    }
    thread::scope(|scope| {
        let looks: Vec<_> = looks.iter().map(|look| scope.spawn(look)).collect();
        looks
            .into_iter()
            .filter_map(|look| look.join().ok())
            .collect()
    })
}

/// A package that has the same name everywhere but on Windows.
const fn same(name: &'static str, winget: &'static str) -> Package {
    Package {
        apt: name,
        dnf: name,
        brew: name,
        winget,
    }
}

fn program(
    name: &'static str,
    version: &[&str],
    chapters: &'static str,
    package: Package,
) -> Found {
    let state = match system::find(name) {
        None => Err("not found".to_string()),
        Some(_) if version.is_empty() => Ok("found".to_string()),
        Some(path) => match system::ask(&path, version) {
            Some(said) => Ok(brief(&said)),
            None => Err("found, but it does not run".to_string()),
        },
    };
    Found {
        what: name,
        state,
        needed: Needed::By(chapters),
        remedy: system::install(&[&package]),
    }
}

/// The name and version of the first line, without what stands in brackets after it.
fn brief(said: &str) -> String {
    let line = said.lines().next().unwrap_or("found");
    line.split(" (")
        .next()
        .unwrap_or(line)
        .chars()
        .take(32)
        .collect()
}

/// Five bytes there and back.
fn loopback(what: &'static str, ip: IpAddr, needed: Needed) -> Found {
    let state = talk(ip)
        .map(|addr| format!("works ({addr})"))
        .map_err(|err| err.to_string());
    let remedy = match ip {
        IpAddr::V4(_) => "is the interface lo up? On Linux: sudo ip link set lo up",
        IpAddr::V6(_) => "without it the checks that need it are skipped, and say so",
    };
    Found {
        what,
        state,
        needed,
        remedy: remedy.to_string(),
    }
}

fn talk(ip: IpAddr) -> io::Result<IpAddr> {
    const LIMIT: Duration = Duration::from_secs(5);
    let listener = TcpListener::bind(SocketAddr::new(ip, 0))?;
    let mut here = TcpStream::connect_timeout(&listener.local_addr()?, LIMIT)?;
    let (mut there, _) = listener.accept()?;
    here.set_write_timeout(Some(LIMIT))?;
    there.set_read_timeout(Some(LIMIT))?;
    here.write_all(b"hello")?;
    let mut heard = [0; 5];
    there.read_exact(&mut heard)?;
    Ok(ip)
}

fn cargo() -> Found {
    let cargo = cargo_itself();
    let path = Path::new(&cargo);
    let path = if path.components().count() > 1 {
        Some(path.into())
    } else {
        system::find("cargo")
    };
    let said = path.and_then(|path| system::ask(&path, &["--version"]));
    let state = said.map(|said| brief(&said)).ok_or("not found".to_string());
    let remedy = "install Rust: https://rustup.rs".to_string();
    Found {
        what: "cargo",
        state,
        needed: Needed::ByAll,
        remedy,
    }
}

#[cfg(unix)]
fn open_files() -> Option<u64> {
    // `None` is no limit at all.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some(limit.current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
fn open_files() -> Option<u64> {
    None
}

fn descriptors() -> Found {
    let state = match open_files() {
        None => Ok("no limit on this system".to_string()),
        Some(u64::MAX) => Ok("no limit".to_string()),
        Some(limit) if limit >= DESCRIPTORS => Ok(format!("{limit} for each process")),
        Some(limit) => Err(format!("only {limit} for each process")),
    };
    Found {
        what: "descriptors",
        state,
        needed: Needed::By("chapter 6"),
        remedy: "in this shell: ulimit -n 1024".to_string(),
    }
}

fn nc() -> Found {
    let package = Package {
        apt: "netcat-openbsd",
        dnf: "netcat",
        brew: "netcat",
        winget: "",
    };
    let remedy = system::install(&[&package]);
    // It has no option for its version; its help tells which of the several it is.
    let help = system::find("nc").map(|path| system::ask(&path, &["-h"]).unwrap_or_default());
    let state = match help {
        None => Err("not found".to_string()),
        Some(help) if help.contains("Ncat") => Ok("found (Ncat: leave out -N)".to_string()),
        Some(help) if half_closes(&help) => Ok("found".to_string()),
        Some(_) if cfg!(target_os = "macos") => Ok("found (leave out -N)".to_string()),
        Some(_) => Err("found, but it knows no -N".to_string()),
    };
    Found {
        what: "nc",
        state,
        needed: Needed::By("chapters 1 and 2"),
        remedy,
    }
}

/// Whether the help of an nc lists the option -N.
fn half_closes(help: &str) -> bool {
    help.lines().any(|line| line.trim_start().starts_with("-N"))
}

/// The scripts that use it look where only root's path may lead.
fn nft() -> Found {
    let package = same("nftables", "");
    let found = program("nft", &["--version"], "chapters 1 and 5", package);
    let elsewhere = ["/usr/sbin/nft", "/sbin/nft"];
    match elsewhere.iter().find(|path| Path::new(path).is_file()) {
        Some(path) if found.state.is_err() => Found {
            state: Ok(format!("found ({path})")),
            ..found
        },
        _ => found,
    }
}

/// That it is there isn't enough: some systems forbid a network of one's own to ordinary users.
fn unshare() -> Found {
    let found = program(
        "unshare",
        &["--version"],
        "chapters 1 and 5",
        same("util-linux", ""),
    );
    let tried = system::find("unshare").map(|path| system::ask(&path, &["-rn", "true"]));
    match tried {
        // It says nothing unless something is wrong.
        Some(said) if found.state.is_ok() && said.as_deref() != Some("") => Found {
            state: Err("found, but -rn is not allowed".to_string()),
            remedy: "as root, in place of unshare -rn: sudo unshare -n".to_string(),
            ..found
        },
        _ => found,
    }
}

fn openssl_headers() -> Found {
    let mut found = Found {
        what: "OpenSSL headers",
        state: Ok("not needed on this system".to_string()),
        needed: Needed::By("chapters 9 and 10"),
        remedy: String::new(),
    };
    if cfg!(any(windows, target_os = "macos")) {
        return found;
    }
    let missing = [&system::PKG_CONFIG, &system::OPENSSL_HEADERS];
    let Some(path) = system::find("pkg-config") else {
        found.state = Err("no pkg-config to find them".to_string());
        found.remedy = system::install(&missing);
        return found;
    };
    let said = system::ask(&path, &["--modversion", "openssl"]).unwrap_or_default();
    let version = said.lines().next().unwrap_or_default().trim();
    // Anything but a version is a complaint.
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        found.state = Ok(version.to_string());
    } else {
        found.state = Err("not found".to_string());
        found.remedy = system::install(&missing[1..]);
    }
    found
}

fn mdbook() -> Found {
    let state = match system::find("mdbook").map(|path| book::version(&path)) {
        None => Err("not found".to_string()),
        Some(None) => Err("found, but it does not run".to_string()),
        Some(Some(version)) if version == book::VERSION => Ok(version),
        Some(Some(version)) => Ok(format!("{version} (made for {})", book::VERSION)),
    };
    Found {
        what: "mdbook",
        state,
        needed: Needed::By("the book"),
        remedy: book::install(),
    }
}

/// The whole way: a runner with TLS is built, started, and makes a connector.
#[cfg(not(feature = "tls"))]
fn try_tls(house: &House) -> Outcome {
    tls::rerun_with_tls(house, &["doctor".into(), "--tls".into()])
}

#[cfg(feature = "tls")]
fn try_tls(_house: &House) -> Outcome {
    match native_tls::TlsConnector::new() {
        Ok(_) => {
            out::say("TLS works: the runner was built with it, and made a connector.");
            Ok(0)
        }
        Err(err) => Err(super::Stop::Failed(format!(
            "the runner was built with TLS, but the system's TLS library fails: {err}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_looked_for_and_not_the_letter() {
        let openbsd = "usage: nc [-46CDdFhklNnrStUuvZz]\n\t-N\t\tShutdown the socket\n";
        assert!(half_closes(openbsd));
        assert!(!half_closes("usage: nc [-options]\n\t-n  numeric-only\n"));
    }

    #[test]
    fn what_is_missing_is_said_with_what_needs_it_and_what_installs_it() {
        let found = program(
            "no-such-program",
            &["--version"],
            "chapter 1",
            same("thing", "Thing"),
        );
        let line = line(&found);
        assert!(
            line.contains("not found ") && line.contains(" chapter 1\n"),
            "{line}"
        );
        assert!(line.contains("install"), "{line}");
    }

    #[test]
    fn loopback_is_tried_by_talking() {
        assert!(
            loopback("IPv4", Ipv4Addr::LOCALHOST.into(), Needed::ByAll)
                .state
                .is_ok()
        );
        // TEST-NET-1 (RFC 5737) is nobody's.
        let nobody = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert!(loopback("IPv4", nobody, Needed::ByAll).state.is_err());
    }
}
