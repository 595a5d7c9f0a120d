//! *The client who doesn't read.* He fills the window, two kernels and a write; then a room.

use super::show::Server;
use super::{Demo, Leave, Played, Show};
use crate::grader::program::{Input, PATIENCE};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub const DEMO: Demo = Demo {
    name: "ch06_clients",
    title: "The client who doesn't read",
    minutes: 12,
    programs: &["ch06_thread_server", "ch06_pool_server", "ch06_chat_server"],
    play,
};

/// So many talk in the room, each of them four lines a second.
const TALKERS: usize = 80;

/// How long the room may take to be rid of him.
const LIMIT: Duration = Duration::from_secs(60);

fn play(show: &mut Show) -> Played {
    show.lanes(&["mallory", "bob", "server"]);
    show.step(
        "Mallory connects to an echo server and says nothing. Then Bob comes.",
        "does Bob have to wait?",
    )?;
    let server = show.serves("server", "ch06_thread_server")?;
    let mut mallory = show.client("mallory", &server)?;
    let mut bob = show.client("bob", &server)?;
    bob.says(b"hello\n")?;
    bob.hears(b"hello\n")?;
    show.remarks("Each has a thread of his own. One that waits costs memory, and no time.");

    show.step(
        "Now Mallory sends, and reads nothing of what comes back.",
        "how much will the server take before it stops?",
    )?;
    mallory.stops_reading();
    let taken = mallory.floods(64 << 20)?;
    let taken = taken as f64 / 1e6;
    show.shows([format!("   Mallory  {taken:.1} MB were taken from him")]);
    show.remarks(
        "His receive window is full, then the server's send buffer: its write waits. So nobody reads \
         what he sends, and those two buffers are filled as well.",
    );

    show.step(
        "The server has a thread that waits in a write. Bob says something.",
        "and now?",
    )?;
    bob.says(b"still here\n")?;
    bob.hears(b"still here\n")?;
    let trail = show.audit(&server.program, |lines| {
        lines.iter().any(|line| line.contains(" broke off"))
    })?;
    show.shows(trail.last());
    show.remarks(
        "Nothing. And after five seconds the write timed out, so that Mallory's thread and his \
         buffers are free again.",
    );
    drop((mallory, bob));

    show.step(
        "Another server: a pool with one worker, and room for one in its queue.",
        "Mallory is served, Bob waits. What becomes of a third?",
    )?;
    show.lanes(&["carol", "server"]);
    let addr = Some((Ipv4Addr::LOCALHOST, 0).into());
    let pool = &["1", "1"];
    let program = show.starts("server", "ch06_pool_server", addr, pool, Input::Nothing)?;
    let addr = program.ready(PATIENCE)?;
    let pool = Server { program, addr };
    // Not drawn: each arrow takes a moment on the screen, and two seconds are all that Mallory has.
    let mallory = joins("Mallory", &pool)?;
    show.audit(&pool.program, |lines| {
        lines.iter().any(|line| line.ends_with(" has a worker"))
    })?;
    let asked = Instant::now();
    let bob = joins("Bob", &pool)?;
    (&bob)
        .write_all(b"hello\n")
        .map_err(failed("Bob cannot ask"))?;
    let mut carol = show.client("carol", &pool)?;
    carol.hears(b"busy\n")?;
    carol.hears_end()?;
    let trail = show.audit(&pool.program, |lines| {
        lines
            .iter()
            .filter(|line| line.ends_with(" has a worker"))
            .count()
            == 2
    })?;
    let mut answer = String::new();
    let read = BufReader::new(&bob).read_line(&mut answer);
    read.map_err(failed("Bob has no answer"))?;
    // Who is connected can be told from what becomes of him: a room has 24 rows.
    let told = trail
        .into_iter()
        .filter(|line| !line.ends_with(" connected"));
    let waited = asked.elapsed().as_millis();
    show.shows(told.chain([format!("   Bob reads {answer:?} after {waited} ms")]));
    show.remarks(
        "Carol is told no at once. Bob had to wait until Mallory's two seconds were over: in a pool \
         one who is slow has a worker for himself, for as long as he is given.",
    );
    drop(mallory);

    show.step(
        &format!("A chat. {TALKERS} people talk; Mallory is in the room, and doesn't read."),
        "who waits for him?",
    )?;
    show.lanes(&["room", "server"]);
    let chat = show.serves("server", "ch06_chat_server")?;
    let seen = talk(&chat)?;
    show.shows(seen);
    show.remarks(
        "Nobody. Lines for him went into his queue, and only his own writer waited. When the queue \
         was full he was shown the door.",
    );
    show.closes(
        "Whoever is slow must be slow alone. A thread for each takes the waiting apart; a queue for \
         each takes the writing apart; and each of them has an end: a timeout, a number of places, a \
         number of lines. Without one, a client who does nothing takes all there is.",
    );
    Ok(())
}

/// What a step that isn't drawn fails with.
fn failed(what: &'static str) -> impl Fn(io::Error) -> Leave {
    move |err| Leave::Failed(format!("{what}: {err}"))
}

/// A client that isn't drawn. None of its reads and writes takes longer than the limit.
fn joins(who: &str, server: &Server) -> Result<TcpStream, Leave> {
    let bounded = |stream: TcpStream| {
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(stream)
    };
    let stream = TcpStream::connect_timeout(&server.addr, PATIENCE).and_then(bounded);
    stream.map_err(|err| Leave::Failed(format!("{who} cannot connect: {err}")))
}

/// A room full of talkers, until the one who doesn't read is gone: how long that took, and how long
/// Bob waited for a line of his own meanwhile.
fn talk(chat: &Server) -> Result<Vec<String>, Leave> {
    let mallory = joins("Mallory", chat)?;
    let his = mallory
        .local_addr()
        .map_err(failed("cannot tell his address"))?;
    let bob = joins("Bob", chat)?;
    let mine = bob
        .local_addr()
        .map_err(failed("cannot tell Bob's address"))?;
    let talkers: Result<Vec<TcpStream>, Leave> =
        (0..TALKERS).map(|_| joins("somebody", chat)).collect();
    let talkers = talkers?;
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    let (over, begun) = (AtomicBool::new(false), Instant::now());
    let mut slowest = Duration::ZERO;
    let mut reader = BufReader::new(&bob);
    let (told, gone) = thread::scope(|scope| {
        for talker in &talkers {
            scope.spawn(|| while (&*talker).write_all(&line).is_ok() {});
            scope.spawn(|| io::copy(&mut &*talker, &mut io::sink()));
        }
        let watching = scope.spawn(|| {
            let closed = format!("{his} closed");
            let gone = chat.program.wait_output(LIMIT, |_, stderr| {
                let text = String::from_utf8_lossy(&stderr.bytes);
                text.lines().any(|line| line == closed)
            });
            over.store(true, Ordering::Relaxed);
            gone.then(|| begun.elapsed())
        });
        let mut told = Ok(());
        while told.is_ok() && !over.load(Ordering::Relaxed) {
            let (said, due) = (Instant::now(), format!("{mine}: are you there\n"));
            told = (&bob).write_all(b"are you there\n");
            let mut heard = Vec::new();
            while told.is_ok() && heard != due.as_bytes() {
                heard.clear();
                told = match reader.read_until(b'\n', &mut heard) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(_) => Ok(()),
                    Err(err) => Err(err),
                };
            }
            slowest = slowest.max(said.elapsed());
        }
        for talker in &talkers {
            // Gone already, perhaps.
            _ = talker.shutdown(Shutdown::Both);
        }
        (told, watching.join().ok().flatten())
    });
    told.map_err(failed("Bob was cut off"))?;
    drop(mallory);
    let door = match gone {
        Some(after) => format!("was shown the door after {} s", after.as_secs()),
        // A busy machine is no reason to break off in front of a room.
        None => format!(
            "is still there after {} s: this machine is slow",
            LIMIT.as_secs()
        ),
    };
    Ok(vec![
        format!(
            "   Bob      waited {} ms at most for a line of his own",
            slowest.as_millis()
        ),
        format!("   Mallory  {door}"),
    ])
}
