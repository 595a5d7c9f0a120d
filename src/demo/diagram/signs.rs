//! The signs: what an event looks like, and what that means. Every sign differs from the others by its
//! shape or its word, never by its colour alone.

use crate::grader::transcript::What;
use Line::{Double, Single};
use Shape::{At, Datagram, In, Out, Stopped};

/// How an event is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Sign {
    pub what: What,
    pub shape: Shape,
    /// On the arrow or beside the lane, before the note; nothing where bytes speak for themselves.
    pub word: &'static str,
    /// What it means: said where the sign is first met. Empty where the word says all.
    pub legend: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An arrow from whose step it is to the other end.
    Out(Line),
    /// An arrow from the other end to whose step it is.
    In(Line),
    /// An arrow that doesn't arrive: it ends in an X.
    Stopped,
    /// A datagram's arrow, from whose step it is.
    Datagram(Fate),
    /// A remark at the lane of whose step it is, with this mark on the lane.
    At(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Single,
    Double,
}

/// How a datagram's arrow shows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ends in an X on its way.
    Lost,
    /// It has two heads.
    Twice,
    /// It is dashed, and ends in a wave on its way.
    Held,
    /// It is dashed, and begins with the wave.
    Arrives,
}

impl Line {
    pub(super) fn char(self) -> char {
        match self {
            Line::Single => '─',
            Line::Double => '═',
        }
    }
}

const fn sign(what: What, shape: Shape, word: &'static str, legend: &'static str) -> Sign {
    Sign {
        what,
        shape,
        word,
        legend,
    }
}

/// The signs. A chapter that brings a new one (a datagram that is lost) adds a row here.
pub const SIGNS: &[Sign] = &[
    sign(What::Starts, At('┬'), "starts", ""),
    sign(
        What::Listens,
        At('O'),
        "listens on",
        "O: from here on, its port is open",
    ),
    sign(
        What::Connects,
        Out(Double),
        "connects",
        "═══: the three-way handshake; the kernel does it",
    ),
    sign(What::Accepts, At('│'), "accepts", ""),
    sign(What::Says, Out(Single), "", ""),
    sign(What::AllRead, At('│'), "all of it has been read", ""),
    sign(What::Hears, In(Single), "", ""),
    sign(What::HalfCloses, Out(Single), "FIN", FIN),
    sign(What::HangsUp, Out(Single), "FIN", FIN),
    sign(What::HearsEnd, In(Single), "FIN", FIN),
    sign(What::Resets, Out(Single), "RST", RST),
    sign(What::HearsReset, In(Single), "RST", RST),
    sign(
        What::Refused,
        Stopped,
        "refused:",
        "X: refused; nobody listens at that port",
    ),
    sign(
        What::Lost,
        Datagram(Fate::Lost),
        "lost",
        "──X: a datagram that is lost on its way",
    ),
    sign(
        What::Twice,
        Datagram(Fate::Twice),
        "twice",
        "►►: a datagram that arrives twice",
    ),
    sign(What::Held, Datagram(Fate::Held), "late", LATE),
    sign(What::Arrives, Datagram(Fate::Arrives), "arrives", LATE),
    sign(What::Waits, At('│'), "waits", ""),
    sign(What::Exits, At('┴'), "ends:", ""),
    sign(What::Fails, At('X'), "fails:", ""),
    sign(What::Notes, At('│'), "", ""),
];

const FIN: &str = "FIN: whoever sends it has said all; it can still hear";
const LATE: &str = "╌╌~: a datagram that is late; ~╌╌: now it arrives";
const RST: &str = "RST: the connection is broken off; what was still on its way is lost";

/// How this kind of event is drawn.
pub fn sign_of(what: What) -> Sign {
    let plain = sign(what, At('│'), what.word(), "");
    SIGNS
        .iter()
        .copied()
        .find(|sign| sign.what == what)
        .unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_has_its_sign() {
        for what in What::ALL {
            assert!(
                SIGNS.iter().any(|sign| sign.what == what),
                "{}",
                what.word()
            );
        }
    }
}
