//! A command with a deadline, in a process group of its own: of what it started nothing is left.

use crate::course::commands::interrupt;
use crate::grader::platform;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command may take to end once it is asked to: a grader ends its programs first.
const GRACE: Duration = Duration::from_secs(8);

/// The longest line of its output that is taken; the rest of a longer one is passed over.
const LINE_MOST: usize = 1 << 20;

/// The variable that marks whatever is started for a submission.
const MARK: &str = "WIRESIDE_SUBMISSION";

/// How it ended.
pub struct Ended {
    /// `None`: by a signal.
    pub status: Option<i32>,
    /// It was ended, because its time was over.
    pub late: bool,
}

/// Runs it until it ends or the deadline has come, and gives each line that it prints on either
/// output to `take`. `tend` is told its number once it runs. `mark` is a word that no other command
/// of this or another run has: what carries it at the end is ended.
///
/// # Errors
/// It can't be started.
pub fn run(
    command: &mut Command,
    mark: &str,
    deadline: Instant,
    tend: impl FnOnce(u32),
    mut take: impl FnMut(&[u8]),
) -> io::Result<Ended> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    platform::in_own_group(command);
    command.env(MARK, mark);
    // From before its start until all of it is gone.
    let _marked = interrupt::marked(MARK, mark);
    let mut child = command.spawn()?;
    let guard = interrupt::group(child.id());
    tend(child.id());
    // Bounded, so that one that prints for ever waits for us and not we for its memory.
    let (sender, lines) = mpsc::sync_channel(64);
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|output| Box::new(output) as _),
        child.stderr.take().map(|output| Box::new(output) as _),
    ];
    for output in outputs.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(line) = line(&mut output) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let mut late;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        late = left.is_zero();
        if late {
            break;
        }
        match lines.recv_timeout(left.min(Duration::from_millis(20))) {
            Ok(line) => take(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            // Whoever inherited its outputs may hold them open for ever.
            Err(RecvTimeoutError::Timeout) if has_ended(&mut child) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    // Both outputs are closed or its time is over; it may run nonetheless.
    while !late && !has_ended(&mut child) {
        thread::sleep(Duration::from_millis(2));
        late = Instant::now() > deadline;
    }
    if late && !has_ended(&mut child) {
        platform::ask_group(child.id());
        let deadline = Instant::now() + GRACE;
        while !has_ended(&mut child) && Instant::now() < deadline {
            // It may be stuck in a write that we don't read.
            while lines.try_recv().is_ok() {}
            thread::sleep(Duration::from_millis(5));
        }
    }
    while let Ok(line) = lines.try_recv() {
        take(&line);
    }
    if !has_ended(&mut child) {
        platform::kill_group(child.id());
    }
    let status = child.wait();
    drop(guard);
    platform::end_marked(MARK, mark);
    Ok(Ended {
        status: status?.code(),
        late,
    })
}

fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// The next line without its LF, or the beginning of one that is too long.
fn line(output: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let chunk = match output.fill_buf() {
            Ok(chunk) => chunk,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        if chunk.is_empty() {
            return (!line.is_empty()).then_some(line);
        }
        let end = chunk.iter().position(|b| *b == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = LINE_MOST.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(&part[..room]);
        let used = part.len() + usize::from(end.is_some());
        output.consume(used);
        if end.is_some() {
            return Some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let text = [&[b'x'; LINE_MOST + 5][..], b"\nnext\nlast"].concat();
        let mut output = BufReader::new(&text[..]);
        assert_eq!(line(&mut output).map(|line| line.len()), Some(LINE_MOST));
        assert_eq!(line(&mut output).as_deref(), Some(&b"next"[..]));
        assert_eq!(line(&mut output).as_deref(), Some(&b"last"[..]));
        assert_eq!(line(&mut output), None);
    }
}
