//! The book's own listings: each Rust one compiles without a warning, and the Python one runs.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

fn listings(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/listings");
    let entries = fs::read_dir(&folder)
        .unwrap_or_else(|err| panic!("cannot read {}: {err}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

/// What a listing says that it prints: the comment lines after `// It prints:`.
fn promised(source: &str) -> Option<String> {
    let (_, promise) = source.split_once("// It prints:\n")?;
    promise
        .lines()
        .map(|line| line.strip_prefix("// ").map(|line| format!("{line}\n")))
        .collect()
}

/// Compiles a listing without a warning, runs it, and says what differs from its promise.
fn fault_of(listing: &Path, out: &Path) -> Option<String> {
    let name = listing.display();
    let source = fs::read_to_string(listing)
        .expect("a listed file can be read")
        .replace("\r\n", "\n");
    let Some(promise) = promised(&source) else {
        return Some(format!(
            "{name}: doesn't end with `// It prints:` and its output as comments; add them"
        ));
    };
    let program = out
        .join(listing.file_stem().expect("a listing has a name"))
        .with_extension(env::consts::EXE_EXTENSION);
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut compile = Command::new(rustc);
    compile
        .args(["--edition", "2024", "-D", "warnings", "-o"])
        .arg(&program)
        .arg(listing);
    let compiled = compile.output().expect("rustc runs");
    if !compiled.status.success() {
        return Some(format!(
            "{name}: doesn't compile:\n{}",
            String::from_utf8_lossy(&compiled.stderr)
        ));
    }
    let run = Command::new(&program)
        .output()
        .expect("what was compiled can be run");
    let printed = String::from_utf8_lossy(&run.stdout);
    if !run.status.success() || printed != promise {
        let stderr = String::from_utf8_lossy(&run.stderr);
        return Some(format!(
            "{name}: promises\n{promise}and with {} prints\n{printed}{stderr}",
            run.status
        ));
    }
    None
}

/// A folder for what is compiled, removed however the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = env::temp_dir().join(format!("wireside-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder can be made among the temporary ones");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_rust_listing_compiles_without_a_warning_and_prints_what_it_says() {
    let scratch = Scratch::new("listings");
    let listings = listings("rs");
    assert!(!listings.is_empty(), "book/listings holds no .rs file");
    let faults: Vec<String> = listings
        .iter()
        .filter_map(|listing| fault_of(listing, &scratch.0))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_listing_that_warns_or_prints_something_else_is_caught() {
    let scratch = Scratch::new("broken-listings");
    let breaks = [
        (
            "fn main() {\n    let unused = 1;\n}\n// It prints:\n",
            "unused variable",
        ),
        (
            "fn main() {\n    println!(\"a\");\n}\n// It prints:\n// b\n",
            "promises\nb\nand with exit",
        ),
        (
            "fn main() {\n    println!(\"a\");\n}\n",
            "doesn't end with `// It prints:`",
        ),
    ];
    for (index, (source, words)) in breaks.iter().enumerate() {
        let listing = scratch.0.join(format!("broken{index}.rs"));
        fs::write(&listing, source).expect("a scratch file can be written");
        let fault = fault_of(&listing, &scratch.0).unwrap_or_default();
        assert!(fault.contains(words), "expected {words:?} in {fault:?}");
    }
}

/// Ends the program, however the test ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_python_listing_keeps_the_contract() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/listings/server.py");
    let python = ["python3", "python"].into_iter().find(|name| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|asked| asked.status.success())
    });
    let Some(python) = python else {
        println!("skipped: the Python listing, since there is no python3 or python here");
        return;
    };
    let started = Command::new(python)
        .args([script.as_os_str(), "127.0.0.1:0".as_ref()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut program = Ended(started.expect("python starts"));
    let mut first = String::new();
    let stdout = program.0.stdout.take().expect("stdout is piped");
    BufReader::new(stdout)
        .read_line(&mut first)
        .expect("stdout can be read");
    let address = first
        .trim_end()
        .strip_prefix("listening on ")
        .unwrap_or_else(|| {
            panic!("the first line on stdout must be `listening on IP:PORT`, and it was {first:?}")
        });
    // Two, one after another: a server serves until it is ended.
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).expect("the server that says so is listening");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("ten seconds aren't zero");
        let mut reply = String::new();
        stream
            .read_to_string(&mut reply)
            .expect("the server greets and closes");
        assert_eq!(reply, "hello\n");
    }
    let usage = Command::new(python)
        .arg(&script)
        .output()
        .expect("python starts");
    assert_eq!(usage.status.code(), Some(2), "bad usage is exit 2");
    let taken = Command::new(python)
        .args([script.as_os_str(), address.as_ref()])
        .output()
        .expect("python starts");
    assert_eq!(taken.status.code(), Some(1), "a taken port is exit 1");
    assert!(
        String::from_utf8_lossy(&taken.stderr).contains(address),
        "and says which address it was"
    );
}
