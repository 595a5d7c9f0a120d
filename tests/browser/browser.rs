//! A real browser without a window, driven over the DevTools protocol: pages are opened at any
//! width and in either colour scheme, keys are pressed as a person presses them, and every request
//! is seen.

use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::peer;
use crate::websocket::WebSocket;

/// For each step. A browser that starts on a busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(120);

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A browser with one page. It is ended, and its profile removed, when this is dropped.
pub struct Browser {
    child: Child,
    profile: PathBuf,
    socket: WebSocket,
    session: Option<String>,
    last: u64,
    /// What the page did since it was last opened.
    events: Vec<Value>,
}

/// The browser's program: `CHROMIUM`, or the first of the usual names on the path.
fn program() -> Option<Command> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Some(Command::new(path));
    }
    let there = |name: &&&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdin(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    };
    match NAMES.iter().find(there) {
        Some(name) => Some(Command::new(name)),
        None => peer(NAMES[0], "--version"),
    }
}

impl Browser {
    /// `None` where no browser is installed.
    pub fn start() -> Option<Browser> {
        // On a busy machine a browser may die at its start.
        let (mut child, profile, (port, path)) = launch()?
            .or_else(|_| launch().expect("it was there"))
            .unwrap_or_else(|why| panic!("{why}"));
        let socket = WebSocket::connect(port, &path, LIMIT)
            .unwrap_or_else(|err| panic!("cannot reach the browser at port {port}: {err}"));
        let mut browser = Browser {
            child: child.0.take().expect("it was put in"),
            profile,
            socket,
            session: None,
            last: 0,
            events: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(String::from);
        for domain in ["Page", "Runtime", "Network", "Accessibility"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks for something, and waits for the answer; what happens meanwhile is kept.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut request = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let said = self.socket.say(&request.to_string());
        said.unwrap_or_else(|err| panic!("{method}: cannot tell the browser: {err}"));
        loop {
            let mut message = self.hear(method);
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn hear(&mut self, awaited: &str) -> Value {
        let heard = self.socket.hear();
        let text =
            heard.unwrap_or_else(|err| panic!("the browser says nothing to {awaited}: {err}"));
        serde_json::from_str(&text).unwrap_or_else(|err| panic!("no JSON: {err}: {text}"))
    }

    /// Opens a file, and waits until all of it is loaded.
    pub fn open(&mut self, file: &Path) {
        self.events.clear();
        let url = format!("file://{}", file.display().to_string().replace('\\', "/"));
        let opened = self.call("Page.navigate", json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(is_loaded) {
            let event = self.hear("Page.loadEventFired");
            self.events.push(event);
        }
    }

    /// The width of the page, in CSS pixels.
    pub fn width(&mut self, width: u32) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the reader's system asks for: a colour scheme, and less motion or not.
    pub fn prefers(&mut self, scheme: &str, motion: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// Whether the scripts of the pages opened from now on run.
    pub fn scripts(&mut self, run: bool) {
        self.call(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !run }),
        );
    }

    /// The value of an expression on the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", params);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}\nthrew {thrown:#}");
        answer["result"]["value"].take()
    }

    /// Presses a key as a person does, so that buttons and pages hear it.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            " " => (32, " "),
            "End" => (35, ""),
            "Home" => (36, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            letter => (i32::from(letter.to_ascii_uppercase().as_bytes()[0]), letter),
        };
        let mut event = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if text.is_empty() {
            event["type"] = json!("rawKeyDown");
        } else {
            event["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event);
    }

    /// What the page asked for since it was opened.
    pub fn requests(&self) -> Vec<String> {
        let of = |event: &Value| event["params"]["request"]["url"].as_str().map(String::from);
        let asked = self
            .events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent");
        asked.filter_map(of).collect()
    }

    /// The errors that its scripts threw since it was opened.
    pub fn thrown(&self) -> Vec<String> {
        let thrown = self
            .events
            .iter()
            .filter(|event| event["method"] == "Runtime.exceptionThrown");
        thrown
            .map(|event| event["params"]["exceptionDetails"].to_string())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        // Asked first, so that it ends its own processes; the answer isn't waited for.
        let _ = self.socket.say(r#"{"id":0,"method":"Browser.close"}"#);
        end(&mut self.child, &self.profile);
    }
}

type Launched = (Guard, PathBuf, (u16, String));

/// `None` where no browser is installed.
fn launch() -> Option<Result<Launched, String>> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut command = program()?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let profile = format!("wireside-browser-{}-{count}", std::process::id());
    let profile = env::temp_dir().join(profile);
    fs::create_dir_all(&profile).expect("make a folder for the browser's profile");
    let log = fs::File::create(profile.join("stderr")).expect("make a file for its words");
    let child = command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            // Even a page at fault reaches nobody.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--remote-debugging-port=0",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|err| panic!("cannot start {command:?}: {err}"));
    // Ended also when a line below panics.
    let mut child = Guard(Some(child), profile.clone());
    let devtools = devtools(&profile, child.0.as_mut().expect("it was put in"));
    Some(devtools.map(|devtools| (child, profile, devtools)))
}

struct Guard(Option<Child>, PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            _ = child.kill();
            end(child, &self.1);
        }
    }
}

fn end(child: &mut Child, profile: &Path) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    _ = child.kill();
    _ = child.wait();
    // Its helpers may write there a moment longer.
    for _ in 0..20 {
        if fs::remove_dir_all(profile).is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The port and the path that the browser writes into its profile when it is ready.
fn devtools(profile: &Path, child: &mut Child) -> Result<(u16, String), String> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        // Two lines; the second may still be missing.
        if let Some((port, path)) = text.split_once('\n') {
            if let (Ok(port), true) = (port.parse(), path.contains("/browser/")) {
                return Ok((port, path.trim().to_string()));
            }
        }
        if let Ok(Some(status)) = child.try_wait() {
            let words = fs::read_to_string(profile.join("stderr")).unwrap_or_default();
            return Err(format!(
                "the browser ended before it was ready: {status}\n{words}"
            ));
        }
        assert!(
            Instant::now() < deadline,
            "the browser isn't ready after {LIMIT:?}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}
