//! *The timer learns*: what is lost is sent again, and how long to wait for that is learnt.

use super::show::{Server, end_of};
use super::{Demo, Leave, Played, Show, wire};
use crate::grader::program::{Input, Program};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

pub const DEMO: Demo = Demo {
    name: "ch08_reliability",
    title: "The timer learns",
    minutes: 15,
    programs: &[
        "ch08_receive_file",
        "ch08_send_file",
        "ch08_window_receive",
        "ch08_window_send",
        wire::LINK,
    ],
    play,
};

/// Longer than any run of this demo takes, timers and all.
const LIMIT: Duration = Duration::from_secs(30);

/// Two segments, of 1,024 bytes and of 76.
pub(super) fn two_segments() -> Vec<u8> {
    (b'a'..=b'z').cycle().take(1_100).collect()
}

/// A transfer by stop-and-wait through a link with these faults: so many datagrams will be on it,
/// both ways together.
pub(super) fn transfer(show: &mut Show, file: &[u8], faults: &[&str], datagrams: usize) -> Played {
    let receiver = show.serves("receiver", "ch08_receive_file")?;
    let mut wire = show.wire(&receiver, faults)?;
    let input = Input::Bytes(file.to_vec());
    let sender = show.starts("sender", "ch08_send_file", Some(wire.addr), &[], input)?;
    show.watches(&mut wire, ("sender", "receiver"), datagrams, Some(&sender))?;
    show.ends_as_recorded(&sender, LIMIT)?;
    show.ends_as_recorded(&receiver.program, LIMIT)?;
    let stdout = receiver.program.outputs().0.bytes;
    let written = stdout.iter().position(|byte| *byte == b'\n');
    match written.map(|end| &stdout[end + 1..]) == Some(file) {
        true => Ok(()),
        false => Err(Leave::Failed(
            "the file did not arrive as it was".to_string(),
        )),
    }
}

/// What the timer of `ch08_window_send` knew after each answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tick {
    /// In milliseconds.
    Sample { rtt: f64, srtt: f64, rto: f64 },
    /// The timer was over, and is this from now on.
    Expired { rto: f64 },
}

impl Tick {
    /// Reads a line of its stderr.
    pub fn read(line: &str) -> Option<Tick> {
        let after = |word: &str| -> Option<f64> {
            let rest = &line[line.find(word)? + word.len()..];
            rest.split(' ').next()?.parse().ok()
        };
        if let (Some(rtt), Some(srtt), Some(rto)) =
            (after("answered after "), after("srtt "), after("rto "))
        {
            return Some(Tick::Sample { rtt, srtt, rto });
        }
        after("the timer at ").map(|rto| Tick::Expired { rto })
    }
}

/// A transfer with a window through a link with these faults, out of the room's sight: what the
/// sender said, and how long it took.
fn aside(
    show: &mut Show,
    (segments, window): (usize, &str),
    faults: &[&str],
) -> Result<(Vec<String>, Duration), Leave> {
    let receiver = show.serves("receiver", "ch08_window_receive")?;
    let (link, _) = link(show, &receiver, faults)?;
    let input = Input::Bytes(vec![b'x'; segments * 1024]);
    let sender = show.starts("sender", "ch08_window_send", Some(link), &[window], input)?;
    let (_, took) = end_of(&sender, LIMIT)?;
    show.ends(&sender)?;
    let said = show.audit(&sender, |_| true)?;
    Ok((said, took))
}

fn link(
    show: &mut Show,
    to: &Server,
    faults: &[&str],
) -> Result<(std::net::SocketAddr, Arc<Program>), Leave> {
    let to = to.addr.to_string();
    let args: Vec<&str> = [to.as_str()]
        .into_iter()
        .chain(faults.iter().copied())
        .collect();
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let link = show.starts_aside("link", wire::LINK, Some(any), &args, Input::Nothing)?;
    Ok((link.ready(crate::grader::program::PATIENCE)?, link))
}

/// The first samples as bars, as wide as a projector's 80 columns, and not more than its 24 rows take.
fn bars(said: &[String]) -> Vec<String> {
    const MOST: usize = 8;
    const PER_COLUMN: f64 = 20.0;
    let mut lines = vec!["   answer after    the timer  (a column is 20 ms)".to_string()];
    for tick in said.iter().filter_map(|line| Tick::read(line)).take(MOST) {
        lines.push(match tick {
            Tick::Sample { rtt, rto, .. } => {
                let (filled, end) = ((rtt / PER_COLUMN) as usize, (rto / PER_COLUMN) as usize);
                let mut bar: String = "#".repeat(filled.max(1));
                bar.push_str(&"·".repeat(end.saturating_sub(filled.max(1))));
                format!("   {rtt:>6.0} ms  {rto:>6.0} ms  {bar:.46}|")
            }
            Tick::Expired { rto } => {
                format!("      silence  {rto:>6.0} ms  sent again, and the timer doubled")
            }
        });
    }
    lines
}

fn play(show: &mut Show) -> Played {
    show.lanes(&["sender", "receiver"]);
    let file = two_segments();
    show.step(
        "A file of 1,100 bytes, sent by stop-and-wait.",
        "how many segments, and how many answers?",
    )?;
    transfer(show, &file, &[], 6)?;
    show.remarks(
        "Three and three: two of data, and the end. The first byte is the type, the next four are the \
         number. An ack names the number that is expected next.",
    );

    show.step(
        "The second segment is lost on its way.",
        "who notices, and after how long?",
    )?;
    transfer(show, &file, &["--lose", "out:1"], 7)?;
    show.remarks("The sender's clock, after 200 ms. The receiver never knew that there was one.");

    show.step(
        "Now the second ack is lost instead.",
        "what will the receiver write twice?",
    )?;
    transfer(show, &file, &["--lose", "back:1"], 8)?;
    show.remarks(
        "Nothing. The copy has a number that was written already; it is answered, and thrown away.",
    );

    show.step(
        "The very last answer is lost.",
        "the receiver has everything. What if it had left at once?",
    )?;
    transfer(show, &file, &["--lose", "back:2"], 8)?;
    show.remarks(
        "Then the sender would ask ten times, and report a failure though all has arrived. So whoever \
         answers last stays for a while. No answer to the last answer would change that: it could be \
         lost too.",
    );

    show.step(
        "A line on which each answer takes 20 ms. The timer begins at 1 s: it knows nothing yet.",
        "where will it stand after a few answers?",
    )?;
    let (said, _) = aside(show, (7, "1"), &["--delay", "back:0-=20"])?;
    show.shows(bars(&said));
    show.remarks(
        "At 200 ms, the least that it is allowed. SRTT and four times RTTVAR would be less.",
    );

    show.step(
        "After three answers the line becomes slow: 300 ms. The timer stands at 200.",
        "what happens to the next segment, and to the one after it?",
    )?;
    let jump = ["--delay", "back:0-2=20", "--delay", "back:3-=300"];
    let (said, _) = aside(show, (8, "1"), &jump)?;
    show.shows(bars(&said));
    show.remarks(
        "It is sent twice, needlessly: the answer was on its way. Nobody can tell which of the two was \
         answered, so nothing is learnt from it. But the timer stays doubled, and so the next one is \
         answered in time: that is a sample, and from there on the timer has learnt.",
    );

    show.step(
        "Each answer takes 60 ms. Sixteen segments, one at a time; then with a window of eight.",
        "how much faster is the second?",
    )?;
    let slow = ["--delay", "back:0-=60"];
    let (_, one) = aside(show, (16, "1"), &slow)?;
    let (_, eight) = aside(show, (16, "8"), &slow)?;
    show.shows([
        format!("   a window of 1: {:>5} ms", one.as_millis()),
        format!("   a window of 8: {:>5} ms", eight.as_millis()),
    ]);
    show.remarks("A round trip carries as much as the window holds. The line is the same.");
    show.closes(
        "Numbers make a copy harmless, answers make a loss visible, a timer makes silence an answer. How \
         long it should wait is learnt from round trips, and from those alone that are beyond doubt. \
         TCP does all of this below every write.",
    );
    Ok(())
}
