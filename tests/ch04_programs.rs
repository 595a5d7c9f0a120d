//! The programs of chapter 4, against clients and servers of the test's own and of Python, and the
//! frame reader by itself, against any bytes in any pieces.

mod support;

// The program itself: a copy of its reader would prove nothing of it.
#[allow(dead_code)]
#[path = "../src/bin/ch04_frame_client.rs"]
mod client_program;
#[allow(dead_code)]
#[path = "../src/bin/ch04_frame_server.rs"]
mod server_program;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use support::{Program, connect, peer, run};
use wireside::grader::seed::{Dice, Seed};

const SERVER: &str = env!("CARGO_BIN_EXE_ch04_frame_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch04_frame_client");
const LINE_OR_FRAME: &str = env!("CARGO_BIN_EXE_ch04_line_or_frame");

const MAX: usize = 1 << 20;

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

// ---- the reader by itself

/// A stream that comes in pieces of any size, with an interrupted read now and then.
struct Pieces<'a> {
    rest: &'a [u8],
    /// The longest piece; 0: as much as there is room for.
    most: usize,
    dice: Dice,
    /// The most room that a read was given: the reader's buffer is no larger.
    room: &'a mut usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        *self.room = (*self.room).max(buffer.len());
        assert!(
            !buffer.is_empty(),
            "a read without room would look like an end"
        );
        if self.most > 0 && self.dice.below(8) == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = match self.most {
            0 => usize::MAX,
            most => 1 + self.dice.below(most),
        };
        let n = self.rest.len().min(buffer.len()).min(most);
        buffer[..n].copy_from_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Ok(n)
    }
}

/// The frames of a stream, and what it ends with.
type Cut = (Vec<Vec<u8>>, Result<(), (ErrorKind, String)>);

/// What must come of these bytes, told from all of them at once.
fn due(mut bytes: &[u8]) -> Cut {
    let mut frames = Vec::new();
    let ended = loop {
        if bytes.is_empty() {
            break Ok(());
        }
        let Some((header, rest)) = bytes.split_first_chunk::<4>() else {
            break Err((
                ErrorKind::UnexpectedEof,
                format!("truncated after {} of 4 bytes", bytes.len()),
            ));
        };
        let length = u32::from_be_bytes(*header) as usize;
        if length > MAX {
            let words = format!("frame too long: {length} bytes");
            break Err((ErrorKind::InvalidData, words));
        }
        if rest.len() < length {
            let words = format!("truncated after {} of {length} bytes", rest.len());
            break Err((ErrorKind::UnexpectedEof, words));
        }
        frames.push(rest[..length].to_vec());
        bytes = &rest[length..];
    };
    (frames, ended)
}

macro_rules! read_by {
    ($program:ident, $stream:expr) => {{
        let mut reader = $program::FrameReader::new($stream);
        let mut frames = Vec::new();
        let ended = loop {
            match reader.read_frame() {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break Ok(()),
                Err(err) => break Err((err.kind(), err.to_string())),
            }
        };
        (frames, ended)
    }};
}

/// A stream of frames of every kind of length, perhaps cut off, perhaps spoilt.
fn any_stream(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..dice.below(8) {
        let length = match dice.below(40) {
            0 => MAX,
            1 => MAX - dice.below(3),
            2..5 => 64 * 1024 - 8 + dice.below(16),
            5..15 => 0,
            _ => dice.below(300),
        };
        bytes.extend(frame(&dice.bytes(length)));
    }
    match dice.below(6) {
        0 => bytes.extend(((MAX + 1 + dice.below(3)) as u32).to_be_bytes()),
        1 => bytes.extend(dice.bytes(20)),
        2 => bytes.extend([0xff; 4]),
        3 => bytes.truncate(dice.below(bytes.len() + 1)),
        _ => {}
    }
    bytes
}

#[test]
fn any_bytes_in_any_pieces_are_cut_into_the_same_frames_within_the_limit() {
    for seed in 0..60 {
        let mut dice = Seed(seed).dice("frames", "any bytes");
        let bytes = any_stream(&mut dice);
        let due = due(&bytes);
        for most in [0, 1, 3, 100, 5_000, 70_000] {
            if most < 100 && bytes.len() > 200_000 {
                continue; // A million reads, and then as many again.
            }
            let mut room = 0;
            let mut pieces = |dice: &Dice| {
                let (rest, dice, room) = (&bytes[..], dice.clone(), &mut room);
                let got = read_by!(
                    server_program,
                    Pieces {
                        rest,
                        most,
                        dice,
                        room
                    }
                );
                assert!(got == due, "seed {seed}, pieces of {most}: {:?}", got.1);
            };
            pieces(&dice);
            pieces(&Seed(seed + 1_000).dice("frames", "other pieces"));
            assert!(room <= 4 + MAX, "seed {seed}: a buffer of {room} bytes");
        }
    }
}

#[test]
fn the_client_reads_frames_as_the_server_does() {
    for seed in 0..30 {
        let mut dice = Seed(seed).dice("frames", "the client");
        let bytes = any_stream(&mut dice);
        let (mut room, most) = (0, 5_000);
        let (rest, room) = (&bytes[..], &mut room);
        let got = read_by!(
            client_program,
            Pieces {
                rest,
                most,
                dice,
                room
            }
        );
        assert!(got == due(&bytes), "seed {seed}: {:?}", got.1);
        assert!(*room <= 4 + MAX, "seed {seed}: a buffer of {room} bytes");
    }
}

#[test]
fn a_claim_makes_no_room() {
    for length in [MAX as u32 + 1, 1 << 31, u32::MAX] {
        let header = length.to_be_bytes();
        let (mut room, dice) = (0, Seed(0).dice("", ""));
        let (rest, most, room) = (&header[..], 0, &mut room);
        let (frames, ended) = read_by!(
            server_program,
            Pieces {
                rest,
                most,
                dice,
                room
            }
        );
        assert!(frames.is_empty());
        assert_eq!(ended.unwrap_err().0, ErrorKind::InvalidData);
        assert!(
            *room <= 64 * 1024,
            "a buffer of {room} bytes for a claim of {length}"
        );
    }
}

#[test]
fn a_frame_is_said_to_be_next_exactly_when_it_is_whole() {
    let both = [frame(b"hello"), frame(b"")].concat();
    for cut in 0..=both.len() {
        let (mut room, dice) = (0, Seed(0).dice("", ""));
        let (rest, most, room) = (&both[..cut], 0, &mut room);
        let mut reader = server_program::FrameReader::new(Pieces {
            rest,
            most,
            dice,
            room,
        });
        assert!(!reader.has_frame(), "nothing has been read yet");
        if cut >= 9 {
            assert_eq!(reader.read_frame().expect("whole"), Some(&b"hello"[..]));
            assert_eq!(reader.has_frame(), cut == both.len(), "{cut} bytes");
        }
    }
}

// ---- the server

#[test]
fn a_frame_cut_anywhere_gets_one_reply() {
    let (_server, addr) = Program::serve(SERVER);
    let mut stream = connect(addr);
    stream.set_nodelay(true).expect("set TCP_NODELAY");
    let both = [frame(b"hello"), frame(b"world!")].concat();
    for cut in 1..both.len() {
        stream.write_all(&both[..cut]).expect("send");
        thread::sleep(Duration::from_millis(2));
        stream.write_all(&both[cut..]).expect("send the rest");
        hears(&mut stream, &both);
    }
}

fn hears(stream: &mut TcpStream, due: &[u8]) {
    let mut got = vec![0; due.len()];
    stream.read_exact(&mut got).expect("the whole reply");
    assert!(got == due, "other bytes than were due");
}

#[test]
fn a_whole_frame_is_answered_though_the_next_has_begun() {
    let (_server, addr) = Program::serve(SERVER);
    let mut stream = connect(addr);
    for begun in [&[0][..], &[0, 0, 0, 9], &[0, 0, 0, 9, b'x']] {
        let mut stream = connect(addr);
        stream.write_all(&frame(b"whole")).expect("send");
        stream.write_all(begun).expect("send");
        hears(&mut stream, &frame(b"whole"));
    }
    stream.write_all(&frame(b"")).expect("send");
    hears(&mut stream, &frame(b""));
}

#[test]
fn frames_of_any_length_come_back_and_the_end_after_them() {
    let (mut server, addr) = Program::serve(SERVER);
    let mut dice = Seed(4).dice("frames", "any length");
    let lengths = [0, 1, 70_000, MAX, 3, MAX, 65_532, 65_536, 0];
    let all: Vec<u8> = lengths
        .iter()
        .flat_map(|n| frame(&dice.bytes(*n)))
        .collect();
    let mut stream = connect(addr);
    let mut outgoing = stream.try_clone().expect("clone the stream");
    thread::scope(|scope| {
        scope.spawn(|| {
            outgoing.write_all(&all).expect("send");
            outgoing.shutdown(Shutdown::Write).expect("half-close");
        });
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("all and the end");
        assert!(got == all, "{} bytes of {}", got.len(), all.len());
    });
    assert!(server.stderr_line().ends_with(" connected"));
    assert!(server.stderr_line().ends_with(" closed after 9 frames"));
}

#[test]
fn many_small_frames_are_answered_in_few_writes() {
    let (_server, addr) = Program::serve(SERVER);
    let mut stream = connect(addr);
    let all = frame(&[7; 64]).repeat(100_000);
    let mut outgoing = stream.try_clone().expect("clone the stream");
    thread::scope(|scope| {
        scope.spawn(|| outgoing.write_all(&all).expect("send"));
        hears(&mut stream, &all);
    });
}

#[test]
fn a_cut_and_too_long_a_frame_are_told_and_end_nothing() {
    let (mut server, addr) = Program::serve(SERVER);
    for (sent, told) in [
        (
            &frame(b"hello")[..2],
            " broke off: truncated after 2 of 4 bytes",
        ),
        (
            &frame(b"hello")[..4],
            " broke off: truncated after 0 of 5 bytes",
        ),
        (
            &frame(b"hello")[..7],
            " broke off: truncated after 3 of 5 bytes",
        ),
        (&[0xff; 4], " broke off: frame too long: 4294967295 bytes"),
        (&[0, 16, 0, 1], " broke off: frame too long: 1048577 bytes"),
        (&frame(b"hello"), " closed after 1 frames"),
        (b"", " closed after 0 frames"),
    ] {
        let mut stream = connect(addr);
        stream.write_all(sent).expect("send");
        stream.shutdown(Shutdown::Write).expect("half-close");
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("the end");
        assert!(got.is_empty() || got == sent);
        assert!(server.stderr_line().ends_with(" connected"));
        let line = server.stderr_line();
        assert!(line.ends_with(told), "{line}, not {told}");
    }
}

#[test]
fn silent_clients_hold_nobody_up() {
    let (_server, addr) = Program::serve(SERVER);
    let _idle = connect(addr);
    let mut slow = connect(addr);
    slow.write_all(&[0, 0]).expect("send half a length");
    let mut stream = connect(addr);
    stream.write_all(&frame(b"hello")).expect("send");
    hears(&mut stream, &frame(b"hello"));
}

#[test]
fn a_wrong_address_is_bad_usage_and_is_named() {
    for program in [SERVER, CLIENT] {
        for args in [&[][..], &["localhost:7004"], &["127.0.0.1:1", "more"]] {
            let ended = run(Command::new(program).args(args), b"");
            assert_eq!(ended.status.code(), Some(2), "{args:?}: {ended:?}");
            assert!(ended.stderr.contains("\nusage: ch04_frame_"), "{ended:?}");
        }
    }
}

#[test]
fn a_port_that_is_taken_is_a_failure_with_a_sentence() {
    let (_server, addr) = Program::serve(SERVER);
    let ended = run(Command::new(SERVER).arg(addr.to_string()), b"");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let due = format!("cannot serve on {addr}: ");
    assert!(ended.stderr.contains(&due), "{ended:?}");
}

// ---- the client

/// A server of the test's own, for one client: hears these frames, then says this and closes.
fn answers(heard: Vec<u8>, said: Vec<u8>) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let addr = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accept");
        stream
            .set_read_timeout(Some(support::LIMIT))
            .expect("set a read timeout");
        let mut got = Vec::new();
        stream
            .read_to_end(&mut got)
            .expect("all and the half-close");
        assert!(got == heard, "the client sent {got:02x?}");
        stream.write_all(&said).expect("reply");
    });
    (addr, server)
}

#[test]
fn lines_go_out_as_frames_and_replies_come_as_lines() {
    let sent = [frame(b"hello"), frame(b""), frame("hej hå".as_bytes())].concat();
    let said = [frame(b""), frame(b"one"), frame("två".as_bytes())].concat();
    for stdin in ["hello\n\nhej hå\n", "hello\n\nhej hå"] {
        let (addr, server) = answers(sent.clone(), said.clone());
        let ended = run(Command::new(CLIENT).arg(addr.to_string()), stdin.as_bytes());
        server.join().expect("the server's part");
        assert_eq!(String::from_utf8_lossy(&ended.stdout), "\none\ntvå\n");
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn each_wrong_reply_is_an_error_of_its_own() {
    for (said, words) in [
        (&frame(b"caf\xe9")[..], "a reply is not UTF-8"),
        (&frame(b"hello")[..7], "truncated after 3 of 5 bytes"),
        (&frame(b"hello")[..3], "truncated after 3 of 4 bytes"),
        (&[0, 16, 0, 1], "frame too long: 1048577 bytes"),
        (b"", "the server ended after 0 of 1 replies"),
    ] {
        let (addr, server) = answers(frame(b"hello"), said.to_vec());
        let ended = run(Command::new(CLIENT).arg(addr.to_string()), b"hello\n");
        server.join().expect("the server's part");
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let due = format!("cannot exchange frames with {addr}: {words}\n");
        assert_eq!(ended.stderr, due);
    }
}

#[test]
fn any_number_of_lines_go_through_the_server_and_back() {
    let (_server, addr) = Program::serve(SERVER);
    let lines: String = (0..200_000).map(|i| format!("line {i}\n")).collect();
    let ended = run(Command::new(CLIENT).arg(addr.to_string()), lines.as_bytes());
    assert!(ended.stdout == lines.as_bytes(), "{}", ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn a_person_gets_each_reply_before_the_next_line() {
    let (_server, addr) = Program::serve(SERVER);
    let mut client = Program::start(Command::new(CLIENT).arg(addr.to_string()));
    let mut stdin = client.stdin.take().expect("piped");
    for line in ["hello", "", "again"] {
        writeln!(stdin, "{line}").expect("type a line");
        assert_eq!(client.stdout_line(), line);
    }
}

#[test]
fn a_closed_stdout_is_no_panic() {
    let (_server, addr) = Program::serve(SERVER);
    let mut client = Program::start_unread(Command::new(CLIENT).arg(addr.to_string()));
    let mut stdin = client.stdin.take().expect("piped");
    // It may have ended by the time at which this has been written.
    _ = stdin.write_all("hello\n".repeat(100_000).as_bytes());
    drop(stdin);
    let ended = client.finish(b"");
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

// ---- lines and frames

#[test]
fn a_message_with_an_lf_becomes_two_lines_and_stays_one_frame() {
    let ended = run(&mut Command::new(LINE_OR_FRAME), b"");
    let due = r#"sent      3 messages: "hello", "one\nand two", ""
lines     hello\none\nand two\n\n
received  4 messages: "hello", "one", "and two", "": not the same
frames    \x00\x00\x00\x05hello\x00\x00\x00\x0bone\nand two\x00\x00\x00\x00
received  3 messages: "hello", "one\nand two", "": the same
"#;
    assert_eq!(String::from_utf8_lossy(&ended.stdout), due);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn messages_without_an_lf_go_through_both_ways() {
    let ended = run(Command::new(LINE_OR_FRAME).args(["a", "", "b c"]), b"");
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(stdout.matches(": the same\n").count(), 2, "{stdout}");
    assert_eq!(ended.status.code(), Some(0));
}

// ---- Python

const PYTHON_CLIENT: &str = r"
import socket, struct, sys
messages = [b'hello', b'', bytes(range(256)) * 400, 'hej hå'.encode()]
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=15) as s:
    file = s.makefile('rb')
    for message in messages:
        s.sendall(struct.pack('!I', len(message)) + message)
        length, = struct.unpack('!I', file.read(4))
        print('the same' if file.read(length) == message else 'not the same')
";

#[test]
fn a_python_client_that_packs_its_lengths_is_understood() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let (_server, addr) = Program::serve(SERVER);
    let port = addr.port().to_string();
    let ended = run(python.args(["-c", PYTHON_CLIENT, "127.0.0.1", &port]), b"");
    assert_eq!(
        String::from_utf8_lossy(&ended.stdout),
        "the same\n".repeat(4),
        "{ended:?}"
    );
}

const PYTHON_SERVER: &str = r"
import socket, struct, sys
with socket.create_server(('127.0.0.1', 0)) as listener:
    print('%s:%d' % listener.getsockname())
    s, _ = listener.accept()
    s.settimeout(15)
    with s, s.makefile('rb') as file:
        came = file.read()
        replies = [b'from', b'', 'Python, på svenska'.encode()]
        s.sendall(b''.join(struct.pack('!I', len(r)) + r for r in replies))
    print(came.hex())
";

#[test]
fn the_client_sends_to_python_what_struct_pack_would_and_reads_what_it_does() {
    let Some(mut python) = peer("python3", "--version") else {
        return;
    };
    let mut server = Program::start(python.args(["-u", "-c", PYTHON_SERVER]));
    let addr = server.stdout_line();
    let ended = run(Command::new(CLIENT).arg(&addr), b"hello\n\nx\n");
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(printed, "from\n\nPython, på svenska\n", "{ended:?}");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    // Byte for byte: struct.pack('!I', 5) and so on.
    assert_eq!(server.stdout_line(), "0000000568656c6c6f000000000000000178");
}
