//! What a timer learnt in a recorded run, as a plot for the book: answers, SRTT and RTO.

use super::ch08_reliability::Tick;
use std::fmt::Write;

const WIDTH: f64 = 360.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 352.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 210.0;

const ANSWERS: &str = "var(--wire-a, #1b5e9e)";
const SMOOTHED: &str = "var(--wire-note, #565b63)";
const TIMER: &str = "var(--wire-b, #8a4100)";
const LOST: &str = "var(--wire-lost, #a91d2b)";

/// Draws the lines of a sender's stderr that its timer has a part in. Equal lines give equal bytes.
pub fn plot(lines: &str) -> String {
    let ticks: Vec<Tick> = lines.lines().filter_map(Tick::read).collect();
    let top = ticks.iter().map(|tick| rto_of(*tick)).fold(200.0, f64::max);
    // The next hundred above the highest.
    let top = (top / 100.0).ceil() * 100.0;
    let x = |i: usize| LEFT + (RIGHT - LEFT) * (i as f64 + 0.5) / ticks.len().max(1) as f64;
    let y = |ms: f64| BOTTOM - (BOTTOM - TOP) * ms / top;
    let mut body = String::new();
    let mut ms = 0.0;
    while ms <= top {
        let at = y(ms);
        let _ = writeln!(
            body,
            "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"{SMOOTHED}\" stroke-opacity=\"0.3\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{ms:.0}</text>",
            LEFT - 4.0,
            at + 4.0
        );
        ms += if top > 800.0 { 200.0 } else { 100.0 };
    }
    let _ = writeln!(body, "<text x=\"2\" y=\"12\">ms</text>");
    let (mut timer, mut smoothed) = (String::new(), String::new());
    for (i, tick) in ticks.iter().enumerate() {
        let (x, letter) = (x(i), if i == 0 { 'M' } else { 'L' });
        let _ = write!(timer, "{letter}{x:.1} {:.1}", y(rto_of(*tick)));
        match *tick {
            Tick::Sample { rtt, srtt, .. } => {
                let letter = if smoothed.is_empty() { 'M' } else { 'L' };
                let _ = write!(smoothed, "{letter}{x:.1} {:.1}", y(srtt));
                let _ = writeln!(
                    body,
                    "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{ANSWERS}\"/>",
                    y(rtt)
                );
            }
            Tick::Expired { .. } => {
                let at = y(0.0) - 6.0;
                let _ = writeln!(
                    body,
                    "<path d=\"M{:.1} {:.1}l7 7m0 -7l-7 7\" stroke=\"{LOST}\" \
                     stroke-width=\"1.5\"/>",
                    x - 3.5,
                    at - 3.5
                );
            }
        }
    }
    let _ = writeln!(
        body,
        "<path d=\"{smoothed}\" fill=\"none\" stroke=\"{SMOOTHED}\" stroke-width=\"1.5\" \
         stroke-dasharray=\"4 3\"/>\n\
         <path d=\"{timer}\" fill=\"none\" stroke=\"{TIMER}\" stroke-width=\"2\"/>\n\
         <path d=\"M40 9h18\" stroke=\"{TIMER}\" stroke-width=\"2\"/><text x=\"62\" y=\"13\">RTO</text>\n\
         <path d=\"M100 9h18\" stroke=\"{SMOOTHED}\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"/>\
         <text x=\"122\" y=\"13\">SRTT</text>\n\
         <circle cx=\"168\" cy=\"9\" r=\"2.5\" fill=\"{ANSWERS}\"/><text x=\"175\" y=\"13\">an answer</text>\n\
         <path d=\"M256.5 5.5l7 7m0 -7l-7 7\" stroke=\"{LOST}\" stroke-width=\"1.5\"/>\
         <text x=\"268\" y=\"13\">the timer ends</text>\n\
         <text x=\"{RIGHT}\" y=\"{:.0}\" text-anchor=\"end\">one segment after the other →</text>",
        BOTTOM + 16.0
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} 232\" role=\"img\" \
         aria-label=\"{}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', \
         monospace\" font-size=\"11\" fill=\"currentColor\">\n{body}</svg>\n",
        label(&ticks)
    )
}

fn rto_of(tick: Tick) -> f64 {
    match tick {
        Tick::Sample { rto, .. } | Tick::Expired { rto } => rto,
    }
}

/// The plot in words: runs of answers that took about the same, and each end of the timer.
fn label(ticks: &[Tick]) -> String {
    let mut words =
        "Answers, SRTT and RTO of a recorded run, segment by segment, in ms.".to_string();
    let mut run: Vec<(f64, f64)> = Vec::new();
    let tell = |run: &mut Vec<(f64, f64)>, words: &mut String| {
        if let (Some((rtt, _)), Some((_, rto))) = (run.first(), run.last()) {
            let plural = if run.len() == 1 { "" } else { "s" };
            let _ = write!(
                words,
                " {} answer{plural} after some {rtt:.0}: RTO {rto:.0}.",
                run.len()
            );
        }
        run.clear();
    };
    for tick in ticks {
        match *tick {
            Tick::Sample { rtt, rto, .. } => {
                if run
                    .first()
                    .is_some_and(|(first, _)| (first - rtt).abs() > first / 2.0)
                {
                    tell(&mut run, &mut words);
                }
                run.push((rtt, rto));
            }
            Tick::Expired { rto } => {
                tell(&mut run, &mut words);
                let _ = write!(words, " The timer ends: RTO {rto:.0}.");
            }
        }
    }
    tell(&mut run, &mut words);
    words
}
