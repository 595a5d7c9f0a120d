//! Who listens on this machine, where, and in which process?
//!
//! The kernel keeps a table of sockets for each protocol: `/proc/net/tcp` and its kin. A row has an
//! address and an inode number, but no process. The processes have the other half: each open socket
//! is a link `socket:[INODE]` in `/proc/PID/fd`. This program joins the two, as `ss -tulnp` does.
//!
//!     cargo run --bin ch02_echo_server 127.0.0.1:7002             # terminal 1: one to be found
//!     cargo run --bin ch01_whoson                                 # terminal 2
//!
//! What it still gets wrong: it is a photograph. What opens or closes while the tables are read may
//! be missed. And only Linux has these files.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        eprintln!("it takes no arguments\nusage: ch01_whoson");
        return ExitCode::from(2);
    }
    if !cfg!(target_os = "linux") {
        eprintln!("cannot list who listens: this program reads /proc, which only Linux has.");
        eprintln!("Ask `lsof -nP -iTCP -sTCP:LISTEN` (macOS, BSD) or `netstat -ano` (Windows).");
        return ExitCode::FAILURE;
    }
    match print_table() {
        // `ch01_whoson | head` has read enough.
        Err(err) if err.kind() != ErrorKind::BrokenPipe => {
            eprintln!("cannot list who listens: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Protocol, port, address and the link that its owners have, sorted in this order.
type Socket = (&'static str, u16, String, String);

fn print_table() -> io::Result<()> {
    let mut sockets = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        match fs::read_to_string(format!("/proc/net/{table}")) {
            Ok(rows) => sockets.extend(rows.lines().filter_map(|row| listening(table, row))),
            // A kernel without IPv6 has no tcp6 and no udp6.
            Err(err) if err.kind() == ErrorKind::NotFound && table.ends_with('6') => {}
            Err(err) => return Err(err),
        }
    }
    sockets.sort();
    let owners = owners()?;
    let unknown = BTreeSet::from([format!("{:>7}  -", "-")]);
    let width = sockets.iter().map(|s| s.2.len()).max().unwrap_or(0).max(7);
    let mut text = format!("PROTO  {:width$}   PORT      PID  PROGRAM\n", "ADDRESS");
    for (protocol, port, ip, link) in &sockets {
        // A server that has forked is one socket with several owners.
        for owner in owners.get(link).unwrap_or(&unknown) {
            text += &format!("{protocol:5}  {ip:width$}  {port:>5}  {owner}\n");
        }
    }
    io::stdout().write_all(text.as_bytes())?;
    if sockets.iter().any(|s| !owners.contains_key(&s.3)) {
        eprintln!("-: an owner that this user may not see. Root sees more, but neither");
        eprintln!("   the kernel's own sockets nor what runs in another container.");
    }
    Ok(())
}

/// A row `0: 0100007F:1B5A 00000000:0000 0A …`, if it is that of a listening socket.
fn listening(table: &str, row: &str) -> Option<Socket> {
    // TCP's LISTEN is 0A. UDP has no such state: bound but not connected is 07.
    let (protocol, state) = match table {
        "tcp" | "tcp6" => ("tcp", "0A"),
        _ => ("udp", "07"),
    };
    let fields: Vec<&str> = row.split_whitespace().collect();
    if *fields.get(3)? != state {
        return None;
    }
    let (ip, port) = fields[1].split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let link = format!("socket:[{}]", fields.get(9)?);
    Some((protocol, port, parse_ip(ip)?.to_string(), link))
}

/// An address is printed in words of 32 bits, each as the number that its bytes are on this
/// machine: 127.0.0.1 is 0100007F on a little-endian one, and 7F000001 on others.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let word = |at| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok();
    if hex.len() == 8 {
        return Some(IpAddr::from(word(0)?.to_ne_bytes()));
    }
    let words = [word(0)?, word(8)?, word(16)?, word(24)?];
    let bytes = words.map(u32::to_ne_bytes).concat();
    Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?))
}

/// From a socket's link to all who have it open, as the table shows them: PID and program.
fn owners() -> io::Result<HashMap<String, BTreeSet<String>>> {
    let mut owners: HashMap<_, BTreeSet<_>> = HashMap::new();
    for process in fs::read_dir("/proc")?.flatten() {
        let pid = process.file_name().to_string_lossy().parse::<u32>();
        // A process that has ended since, or is another user's, shows no descriptors.
        let (Ok(pid), Ok(fds)) = (pid, fs::read_dir(process.path().join("fd"))) else {
            continue;
        };
        let name = fs::read(process.path().join("comm")).unwrap_or_default();
        let name = String::from_utf8_lossy(&name);
        // A process names itself: its control characters shall not reach the terminal.
        let owner = format!(
            "{pid:>7}  {}",
            name.trim_end().replace(char::is_control, "?")
        );
        for link in fds.flatten().filter_map(|fd| fs::read_link(fd.path()).ok()) {
            let link = link.to_string_lossy().into_owned();
            owners.entry(link).or_default().insert(owner.clone());
        }
    }
    Ok(owners)
}
