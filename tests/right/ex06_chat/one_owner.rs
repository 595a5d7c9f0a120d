//! No lock: one thread owns the room. Readers send it what happens, and it fills the writers' queues.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

enum Event {
    Asks(usize, Vec<u8>, Arc<TcpStream>),
    Says(usize, Vec<u8>),
    Leaves(usize),
}

struct Member {
    name: Vec<u8>,
    queue: Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    stream: Arc<TcpStream>,
}

fn main() {
    let addr = std::env::args().nth(1).expect("an address");
    let listener = TcpListener::bind(addr).expect("an address that is free");
    println!(
        "listening on {}",
        listener.local_addr().expect("an address")
    );
    let (happens, events) = channel();
    thread::spawn(move || own(&events));
    for (id, stream) in listener.incoming().flatten().enumerate() {
        let happens = happens.clone();
        thread::spawn(move || read(id, &Arc::new(stream), &happens));
    }
}

fn read(id: usize, stream: &Arc<TcpStream>, happens: &Sender<Event>) {
    let mut lines = 0;
    let mut reader = BufReader::new(&**stream);
    loop {
        let mut line = Vec::new();
        let whole = reader.read_until(b'\n', &mut line).is_ok() && line.ends_with(b"\n");
        if !whole {
            break;
        }
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let event = match lines {
            0 => Event::Asks(id, line, Arc::clone(stream)),
            _ => Event::Says(id, line),
        };
        happens.send(event).expect("the owner lives");
        lines += 1;
    }
    happens.send(Event::Leaves(id)).expect("the owner lives");
}

fn own(events: &Receiver<Event>) {
    let mut members: HashMap<usize, Member> = HashMap::new();
    for event in events {
        match event {
            Event::Asks(id, name, stream) => enter(&mut members, id, name, stream),
            Event::Says(id, text) => {
                if let Some(member) = members.get(&id) {
                    let line = [b"[", &member.name[..], b"] ", &text, b"\n"].concat();
                    tell(&mut members, &line, id);
                }
            }
            Event::Leaves(id) => leave(&mut members, id),
        }
    }
}

fn enter(members: &mut HashMap<usize, Member>, id: usize, name: Vec<u8>, stream: Arc<TcpStream>) {
    let good = matches!(name.len(), 1..=16) && name.iter().all(u8::is_ascii_alphanumeric);
    if !good || members.values().any(|member| member.name == name) {
        _ = (&*stream).write_all(b"you can't be called that here\n");
        _ = stream.shutdown(Shutdown::Both);
        return;
    }
    let mut here = b"* here:".to_vec();
    for (i, member) in members.values().enumerate() {
        here.extend_from_slice(if i == 0 { b" " } else { b", " });
        here.extend_from_slice(&member.name);
    }
    here.push(b'\n');
    tell(members, &[b"* ", &name[..], b" joined\n"].concat(), id);
    let (queue, lines) = channel::<Vec<u8>>();
    let waiting = Arc::new(AtomicUsize::new(here.len()));
    queue.send(here).expect("a writer");
    let (left, outgoing) = (Arc::clone(&waiting), Arc::clone(&stream));
    thread::spawn(move || {
        for line in lines {
            if (&*outgoing).write_all(&line).is_err() {
                return;
            }
            left.fetch_sub(line.len(), Ordering::SeqCst);
        }
    });
    let member = Member {
        name,
        queue,
        waiting,
        stream,
    };
    members.insert(id, member);
}

fn tell(members: &mut HashMap<usize, Member>, line: &[u8], but: usize) {
    let mut full = Vec::new();
    for (id, member) in members.iter().filter(|(id, _)| **id != but) {
        let waiting = member.waiting.fetch_add(line.len(), Ordering::SeqCst);
        if waiting > 1 << 20 || member.queue.send(line.to_vec()).is_err() {
            full.push(*id);
        }
    }
    full.into_iter().for_each(|id| leave(members, id));
}

fn leave(members: &mut HashMap<usize, Member>, id: usize) {
    if let Some(member) = members.remove(&id) {
        _ = member.stream.shutdown(Shutdown::Both);
        tell(members, &[b"* ", &member.name[..], b" left\n"].concat(), id);
    }
}
