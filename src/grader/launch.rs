//! How a submission is met, and what a command line in any language is made of.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a submission is met.
#[derive(Clone, Debug)]
pub enum Launch {
    /// An executable that the course built: takes `127.0.0.1:0`, says where it listens.
    Built(PathBuf),
    /// A command in any language, with `{addr}`, `{host}`, `{port}` and `{args}` in it.
    Command(Vec<String>),
    /// It is running already.
    Running(SocketAddr),
}

/// A command with its places filled in: without any of `{addr}`, `{host}`,
/// `{port}` the address is appended, without `{args}` the further arguments are, after it.
pub(super) fn fill_in(words: &[String], addr: Option<SocketAddr>, args: &[String]) -> Vec<String> {
    let has = |place: &str| words.iter().any(|word| word.contains(place));
    let placed = has("{addr}") || has("{host}") || has("{port}");
    let mut out = Vec::new();
    for word in words {
        if word == "{args}" {
            out.extend(args.iter().cloned());
            continue;
        }
        let mut word = word.replace("{args}", &args.join(" "));
        if let Some(addr) = addr {
            // Without brackets for IPv6, as most languages want a host.
            word = word.replace("{addr}", &addr.to_string());
            word = word.replace("{host}", &addr.ip().to_string());
            word = word.replace("{port}", &addr.port().to_string());
        }
        out.push(word);
    }
    if !placed {
        out.extend(addr.map(|addr| addr.to_string()));
    }
    if !has("{args}") {
        out.extend(args.iter().cloned());
    }
    out
}

/// The command as one would type it, without the folder of its executable.
pub(super) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(command.get_program());
    let mut shown = name.to_string_lossy().into_owned();
    for arg in command.get_args().take(12) {
        shown.push(' ');
        shown.push_str(&arg.to_string_lossy());
    }
    if command.get_args().len() > 12 {
        shown.push_str(" …");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn the_places_of_a_command_are_filled_in() {
        let addr = Some("[::1]:4000".parse().unwrap());
        let args = words("a b");
        assert_eq!(
            fill_in(&words("p x"), addr, &args),
            words("p x [::1]:4000 a b")
        );
        assert_eq!(
            fill_in(&words("p {addr}"), addr, &args),
            words("p [::1]:4000 a b")
        );
        assert_eq!(
            fill_in(&words("p {host} {port}"), addr, &[]),
            words("p ::1 4000")
        );
        assert_eq!(
            fill_in(&words("p {args} -l {port}"), addr, &args),
            words("p a b -l 4000")
        );
        assert_eq!(fill_in(&words("p"), None, &args), words("p a b"));
    }
}
