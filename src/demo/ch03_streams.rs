//! *FIN or RST?* ch03_sum_server and the rude one side by side.

use super::{Demo, Played, Show};

pub const DEMO: Demo = Demo {
    name: "ch03_streams",
    title: "FIN or RST?",
    minutes: 10,
    programs: &["ch03_sum_server", "ch03_rude_server"],
    play,
};

fn play(show: &mut Show) -> Played {
    show.lanes(&["client", "server"]);
    Ok(())
}
