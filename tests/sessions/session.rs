//! A session: its terminals, and the files that hold what they showed.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::time::Duration;

use crate::again::where_pressed;
use crate::names::Names;
use crate::terminal::Terminal;

/// A session as its chapter lists it.
pub struct Recorded {
    /// Of the function, and of the files: `ch02_echo_nc`.
    pub name: &'static str,
    /// The endings of its files: `server` is `ch02_echo_nc_server.txt`, the empty one has none.
    pub terminals: &'static [&'static str],
}

/// A session while it is played.
pub struct Session {
    terminals: Vec<(&'static str, Rc<RefCell<String>>)>,
    names: Rc<RefCell<Names>>,
}

impl Session {
    /// A terminal of this session. What it shows is recorded under this name.
    pub fn terminal(&mut self, name: &'static str) -> Terminal {
        let shown = Rc::new(RefCell::new(String::new()));
        self.terminals.push((name, Rc::clone(&shown)));
        let prompt = if name.is_empty() {
            "$ ".to_string()
        } else {
            format!("{name}$ ")
        };
        Terminal::new(prompt, shown, Rc::clone(&self.names))
    }

    /// A terminal that the book doesn't show: a server that is the same as in another session.
    pub fn offstage(&self) -> Terminal {
        Terminal::new(String::new(), Rc::default(), Rc::clone(&self.names))
    }

    /// A command with the real ports of this session's servers in it, for `runs_as`.
    pub fn command(&self, shown: &str) -> String {
        self.names.borrow().command(shown)
    }

    /// This port is the same in every run: it lies in a network of the session's own.
    pub fn has_port(&mut self, port: u16) {
        self.names.borrow_mut().server(port, port);
    }

    /// From here on what is shown goes through this, for what differs between two runs and is no
    /// word by itself.
    pub fn shows_through(&mut self, rule: fn(&str) -> String) {
        self.names.borrow_mut().rule(rule);
    }

    /// From here on every `real` (a PID, say), as a word of its own, is shown as `<pid>` or
    /// whatever `shown` is.
    #[allow(dead_code)]
    pub fn shows_as(&mut self, real: impl ToString, shown: &str) {
        self.names.borrow_mut().mask(real.to_string(), shown);
    }
}

impl Recorded {
    pub fn files(&self) -> impl Iterator<Item = String> {
        self.terminals.iter().map(|terminal| match *terminal {
            "" => format!("{}.txt", self.name),
            terminal => format!("{}_{terminal}.txt", self.name),
        })
    }

    /// Plays the session and compares it with its files, or writes them where BLESS=1.
    pub fn check(&self, peers: &[&str], story: fn(&mut Session)) {
        if !peers.iter().all(|peer| installed(peer, self.name)) {
            return;
        }
        let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
        match bless {
            true => self.play(story, true),
            // What a client does within so long, a server of another maker does in many of them.
            false => where_pressed(Duration::from_millis(150), || self.play(story, false)),
        }
    }

    fn play(&self, story: fn(&mut Session), bless: bool) {
        let mut session = Session {
            terminals: Vec::new(),
            names: Rc::default(),
        };
        story(&mut session);
        let opened: Vec<&str> = session.terminals.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            opened, self.terminals,
            "{}: its terminals aren't those of sessions!",
            self.name
        );
        for (file, (_, seen)) in self.files().zip(&session.terminals) {
            let path = folder().join(&file);
            let seen = seen.borrow();
            // A checkout may have turned LF into CRLF.
            let held = fs::read_to_string(&path)
                .unwrap_or_default()
                .replace("\r\n", "\n");
            if held == *seen {
                continue;
            }
            if bless {
                write_whole(&path, &seen);
                continue;
            }
            panic!(
                "book/sessions/{file} isn't what the programs show. It holds\n{held}\nand they show\n\
                 {seen}\nIf that is as it should be: BLESS=1 cargo test --test sessions"
            );
        }
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn folder() -> PathBuf {
    root().join("book/sessions")
}

/// A peer of sessions with a firewall: nft, in a network of their own. Nobody is required to have
/// it, since a container and some distributions don't let a user have one.
const OWN_NETWORK: &str = "unshare -rn nft";

/// A peer of sessions that look at segments: tcpdump, in a network of their own, and for the same
/// reason nobody's duty.
const OWN_CAPTURE: &str = "unshare -n tcpdump";

/// It runs until its time is over, if it may look at all.
const CAPTURES: &str = "unshare --map-user=1000 --map-group=1000 --keep-caps -n \
    sh -c 'PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && timeout 0.3 tcpdump -i lo'; test $? -eq 124";

/// Whether a program of another maker is here. Where WIRESIDE_ALL_PEERS=1, it has to be.
fn installed(peer: &str, session: &str) -> bool {
    let output = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::null());
        shell.output().expect("a shell runs")
    };
    let mut missing = None;
    if peer == "--features tls" {
        if !cfg!(feature = "tls") {
            eprintln!("skipped: {session}: it needs {peer}");
        }
        return cfg!(feature = "tls");
    }
    if peer == OWN_NETWORK {
        if !output("unshare -rn nft list ruleset").status.success() {
            eprintln!("skipped: {session}: no network of its own with nft can be had here");
            return false;
        }
    } else if peer == OWN_CAPTURE {
        if !output(CAPTURES).status.success() {
            eprintln!("skipped: {session}: tcpdump in a network of its own can't be had here");
            return false;
        }
    } else if !output(&format!("command -v {peer}")).status.success() {
        missing = Some("is not installed");
    } else if peer == "nc" && !is_openbsd_s(&output("nc -h")) {
        missing = Some("is another one than OpenBSD's, whose words the session has");
    }
    let Some(wrong) = missing else {
        return true;
    };
    let required = std::env::var_os("WIRESIDE_ALL_PEERS").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{session}: {peer} {wrong}, and WIRESIDE_ALL_PEERS=1 asks for every peer"
    );
    eprintln!("skipped: {session}: {peer} {wrong}");
    false
}

/// There are several programs called nc. This one's usage begins `nc [-46CDdFhklNnrStUuvZz]`.
fn is_openbsd_s(help: &Output) -> bool {
    let said = [&help.stdout[..], &help.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let mut clusters = said.split("[-").filter_map(|rest| rest.split(']').next());
    clusters.any(|options| {
        ['k', 'l', 'N', 'n', 'v']
            .iter()
            .all(|option| options.contains(*option))
    })
}

/// A run that is ended midway leaves the old file, never half of the new one.
fn write_whole(path: &Path, text: &str) {
    let unfinished = path.with_extension("unfinished");
    fs::create_dir_all(folder())
        .and_then(|()| fs::write(&unfinished, text))
        .and_then(|()| fs::rename(&unfinished, path))
        .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
}
