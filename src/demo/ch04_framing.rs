//! *Where does it end?* Two messages, four ways of arriving; then a length of 4 GiB.

use super::{Demo, Played, Show};

pub const DEMO: Demo = Demo {
    name: "ch04_framing",
    title: "Where does it end?",
    minutes: 8,
    programs: &["ch04_frame_server", "ch04_line_or_frame"],
    play,
};

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    let _ = frame(b"");
    show.closes("");
    Ok(())
}
