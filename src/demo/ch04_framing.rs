//! *Where does it end?* Two messages, four ways of arriving; then a length of 4 GiB.

use super::{Demo, Played, Show};

pub const DEMO: Demo = Demo {
    name: "ch04_framing",
    title: "Where does it end?",
    minutes: 10,
    programs: &["ch04_line_or_frame", "ch04_frame_server"],
    play,
};

/// The length in four bytes, big-endian, then the payload.
pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    show.step(
        "Three messages are sent twice: as lines, and as frames.",
        "one message has an LF in it. How many lines arrive, how many frames?",
    )?;
    let output = show.output_of("ch04_line_or_frame", &[])?;
    show.shows(output);
    show.remarks(
        "A delimiter is looked for among the bytes, so no message may hold it. A length is said \
         beforehand: then what follows may be anything, also nothing.",
    );

    let (one, two) = (frame(b"hello"), frame(b"world!"));
    let both = [&one[..], &two].concat();
    show.step(
        "An echo server for frames. Two messages, each in a write of its own.",
        "how many bytes are on each arrow?",
    )?;
    let server = show.serves("server", "ch04_frame_server")?;
    let mut client = show.client("client", &server)?;
    for message in [&one, &two] {
        client.says(message)?;
        client.hears(message)?;
    }
    show.remarks(
        "Four of them are the length, the highest byte first. It counts the payload alone.",
    );

    show.step(
        "The same two messages in one write.",
        "does the second get its reply? How many writes does the server make?",
    )?;
    client.says(&both)?;
    client.hears(&both)?;
    show.remarks(
        "One read brought both. The reader took the first at its length and kept the rest, which \
         was whole as well. Two replies, one write: it writes before it would wait.",
    );

    show.step(
        "The first is cut in two, behind \"he\".",
        "what does the server do after the first piece?",
    )?;
    client.says(&both[..6])?;
    client.fence()?;
    client.says(&both[6..])?;
    client.hears(&both)?;
    show.remarks(
        "It has read six bytes of nine, and waits. A frame that isn't whole is no message.",
    );

    show.step(
        "The second is cut inside its length.",
        "will the first be answered before the rest is there?",
    )?;
    client.says(&both[..one.len() + 2])?;
    client.hears(&one)?;
    client.says(&both[one.len() + 2..])?;
    client.hears(&two)?;
    show.remarks(
        "It is answered at once: the client may be waiting for that. Two bytes of a length say \
         nothing yet, but they have come, and won't come again: so they are kept.",
    );

    show.step(
        "Half a message, and then the end of the stream.",
        "is that the same for the server as an end between two messages?",
    )?;
    client.says(&one[..7])?;
    client.half_closes()?;
    client.hears_clean_end()?;
    let cut = show.audit(&server.program, |lines| {
        lines.iter().any(|line| line.contains(" broke off"))
    })?;
    show.shows(cut.last());

    show.step(
        "A length of 4 GiB, and nothing behind it.",
        "how much memory does the server give to it?",
    )?;
    let mut mallory = show.client("client", &server)?;
    mallory.says(&[0xff; 4])?;
    mallory.hears_clean_end()?;
    let trail = show.audit(&server.program, |lines| {
        lines.iter().any(|line| line.contains("too long"))
    })?;
    show.shows(trail.last());
    show.remarks("None. The limit was looked at before there was room for anything.");
    show.closes(
        "TCP carries bytes; where a message ends, the two programs must agree. A length says it \
         beforehand. Whoever reads it keeps what is too much, waits for what is missing, tells a \
         cut from an end, and believes no number before it has seen the limit.",
    );
    Ok(())
}
