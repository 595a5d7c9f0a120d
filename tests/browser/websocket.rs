//! A WebSocket client in as few lines as a browser's DevTools need (RFC 6455): text messages over a
//! connection on this machine.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A screenshot is some megabytes; nothing here needs more.
const MOST: u64 = 64 << 20;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

pub struct WebSocket {
    stream: BufReader<TcpStream>,
}

impl WebSocket {
    /// Connects to `ws://127.0.0.1:PORT/PATH`. No read or write takes longer than `limit`.
    pub fn connect(port: u16, path: &str, limit: Duration) -> io::Result<WebSocket> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        // A request is one small write: it shouldn't wait for the last one's acknowledgement.
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        // The key only proves that a server knows the protocol, and this one does.
        write!(
            stream.get_mut(),
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: d2lyZXNpZGUtYnJvd3Nlcg==\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        )?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Err(wrong("the connection ended in the handshake".into()));
            }
        }
        if !head.starts_with("HTTP/1.1 101") {
            return Err(wrong(format!("no WebSocket here: {head}")));
        }
        Ok(WebSocket { stream })
    }

    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(TEXT, text.as_bytes())
    }

    /// The next text message.
    pub fn hear(&mut self) -> io::Result<String> {
        let mut message = Vec::new();
        loop {
            let [first, second] = self.take()?;
            let length = match second & 127 {
                126 => u16::from_be_bytes(self.take()?).into(),
                127 => u64::from_be_bytes(self.take()?),
                length => length.into(),
            };
            if length > MOST {
                return Err(wrong(format!("a message of {length} bytes")));
            }
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload)?;
            match first & 15 {
                PING => self.send(PONG, &payload)?,
                PONG => {}
                CLOSE => return Err(ErrorKind::ConnectionAborted.into()),
                _ => {
                    message.extend(payload);
                    let is_last = first & 128 != 0;
                    if is_last {
                        return String::from_utf8(message).map_err(|err| wrong(err.to_string()));
                    }
                }
            }
        }
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![128 | opcode];
        match payload.len() {
            short @ ..126 => frame.push(128 | short as u8),
            middle @ ..65_536 => {
                frame.push(128 | 126);
                frame.extend((middle as u16).to_be_bytes());
            }
            long => {
                frame.push(128 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        // A client must mask what it sends; the mask is for proxies, and there is none.
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        self.stream.get_mut().write_all(&frame)
    }
}

fn wrong(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
