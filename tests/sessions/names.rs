//! What differs between two runs, and what the book shows in its place.
//!
//! A server's port is shown as the port in its command. A port that the kernel chose for a client is
//! shown as `<port>`, the next client's as `<port 2>`. Anything else is named by the session.

use std::net::Ipv4Addr;

#[derive(Default)]
pub struct Names {
    /// Real port, port in the commands.
    servers: Vec<(u16, u16)>,
    /// The ephemeral ports, in the order in which they were first shown.
    clients: Vec<u16>,
    masks: Vec<(String, String)>,
    rules: Vec<fn(&str) -> String>,
}

impl Names {
    pub fn server(&mut self, real: u16, shown: u16) {
        self.servers.retain(|(_, other)| *other != shown);
        self.servers.push((real, shown));
    }

    pub fn mask(&mut self, real: String, shown: &str) {
        self.masks.push((real, shown.to_string()));
    }

    pub fn rule(&mut self, rule: fn(&str) -> String) {
        self.rules.push(rule);
    }

    /// A command as the book shows it, with the ports at which the servers really are.
    pub fn command(&self, shown: &str) -> String {
        let mut command = shown.to_string();
        for (real, port) in &self.servers {
            command = replace_word(&command, &port.to_string(), &real.to_string());
        }
        command
    }

    /// What was printed, as the book shows it.
    pub fn shown(&mut self, printed: &str) -> String {
        let mut text = String::new();
        let mut rest = printed;
        while let Some((before, port, after)) = next_port(rest) {
            let port = self.port(port);
            if before.ends_with("  ") {
                text.push_str(&format!("{}  {port:>5}", before.trim_end_matches(' ')));
            } else {
                text.push_str(before);
                text.push_str(&port);
            }
            rest = after;
        }
        text.push_str(rest);
        for (real, shown) in &self.servers {
            let line_of = |port: &u16| format!("\n{port} ");
            text = format!("\n{text}")
                .replace(&line_of(real), &line_of(shown))
                .split_off(1);
        }
        for (real, shown) in &self.masks {
            text = replace_word(&text, real, shown);
        }
        self.rules.iter().fold(text, |text, rule| rule(&text))
    }

    fn port(&mut self, port: u16) -> String {
        if let Some((_, shown)) = self.servers.iter().find(|(real, _)| *real == port) {
            return shown.to_string();
        }
        // No kernel chooses one of these for a client.
        if port < 1024 {
            return port.to_string();
        }
        let known = self.clients.iter().position(|client| *client == port);
        let index = known.unwrap_or_else(|| {
            self.clients.push(port);
            self.clients.len() - 1
        });
        match index {
            0 => "<port>".to_string(),
            n => format!("<port {}>", n + 1),
        }
    }
}

/// The first port that stands after an address and a colon, spaces or the word `port`: what is
/// before it, after it.
fn next_port(text: &str) -> Option<(&str, u16, &str)> {
    for (at, separator) in text.char_indices().filter(|(_, c)| matches!(c, ':' | ' ')) {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let host = before
            .rsplit(|c: char| !(c.is_ascii_digit() || c == '.'))
            .next();
        let v4 = host.is_some_and(|host| host.parse::<Ipv4Addr>().is_ok());
        if !(v4 || separator == ':' && before.ends_with(']')) {
            continue;
        }
        let skipped = match separator {
            ' ' if after.starts_with("port ") => "port ".len(),
            ' ' => after.len() - after.trim_start_matches(' ').len(),
            _ => 0,
        };
        let (before, after) = (&text[..at + 1 + skipped], &after[skipped..]);
        let length = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        if let Ok(port) = after[..length].parse() {
            return Some((before, port, &after[length..]));
        }
    }
    None
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        out.push_str(before);
        let inside =
            out.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        out.push_str(if inside { word } else { by });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[test]
fn ports_are_shown_as_the_book_names_them() {
    let mut names = Names::default();
    names.server(41000, 7002);
    names.mask("4242".into(), "<pid>");
    let printed = "listening on 127.0.0.1:41000\n127.0.0.1:50111 connected\n[::1]:50112 connected\n\
                   127.0.0.1:50111 closed after 41000 bytes, pid 4242, not 14242; 0.0.0.0:80\n";
    let shown = "listening on 127.0.0.1:7002\n127.0.0.1:<port> connected\n[::1]:<port 2> connected\n\
                 127.0.0.1:<port> closed after 41000 bytes, pid <pid>, not 14242; 0.0.0.0:80\n";
    assert_eq!(names.shown(printed), shown);
    assert_eq!(
        names.command("nc 127.0.0.1 7002 17002"),
        "nc 127.0.0.1 41000 17002"
    );
    let printed = "from 127.0.0.1 port 50111 to 127.0.0.2 port 41000\ntcp  127.0.0.1      41000  a\n\
                   41000 open\n41000 bytes";
    let shown = "from 127.0.0.1 port <port> to 127.0.0.2 port 7002\ntcp  127.0.0.1   7002  a\n\
                 7002 open\n7002 bytes";
    assert_eq!(names.shown(printed), shown);
}
