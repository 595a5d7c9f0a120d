//! A bad network, decided beforehand: what happens to each datagram follows from the seed and its
//! number, never from the clock. The same seed on the same datagrams decides the same.

use super::seed::{Dice, Seed};

/// What happens to one datagram on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Passes,
    Lost,
    Twice,
    /// It waits until so many later ones have gone by, or until nothing else is under way.
    Held(u32),
    /// This bit of it is turned over, counted from its first byte's lowest.
    Corrupt(u32),
}

/// The faults of one direction.
#[derive(Clone, Debug)]
pub struct Faults {
    dice: Dice,
    /// In percent of the datagrams.
    loss: u32,
    /// No more than so many are lost one after another, so that every correct sender finishes.
    longest_run: u32,
    duplication: u32,
    reordering: u32,
    window: u32,
    /// What happens to these, whatever the percentages say.
    fixed: Vec<(u32, Fate)>,
    /// All that were asked for so far, in order of their numbers.
    decided: Vec<Fate>,
}

impl Faults {
    /// A network without faults.
    pub fn none() -> Faults {
        Faults::of(&Seed(0).dice("", ""))
    }

    /// A network whose faults, once there are some, follow from these dice.
    pub fn of(dice: &Dice) -> Faults {
        Faults {
            dice: dice.clone(),
            loss: 0,
            longest_run: 0,
            duplication: 0,
            reordering: 0,
            window: 0,
            fixed: Vec::new(),
            decided: Vec::new(),
        }
    }

    /// Loses so many of a hundred, never more than `longest_run` in a row.
    pub fn loses(mut self, percent: u32, longest_run: u32) -> Faults {
        (self.loss, self.longest_run) = (percent, longest_run);
        self
    }

    /// Delivers so many of a hundred twice.
    pub fn duplicates(mut self, percent: u32) -> Faults {
        self.duplication = percent;
        self
    }

    /// Holds so many of a hundred back until one to `window` later ones have gone by.
    pub fn reorders(mut self, percent: u32, window: u32) -> Faults {
        (self.reordering, self.window) = (percent, window.max(1));
        self
    }

    /// Decides for the datagram with this number, counted from 0.
    pub fn at(mut self, number: u32, fate: Fate) -> Faults {
        self.fixed.push((number, fate));
        self
    }

    /// What happens to the datagram with this number, counted from 0. Asked again, the same.
    pub fn fate(&mut self, number: u32) -> Fate {
        while self.decided.len() <= number as usize {
            let fate = self.decide(self.decided.len() as u32);
            self.decided.push(fate);
        }
        self.decided[number as usize]
    }

    fn decide(&mut self, number: u32) -> Fate {
        // Three rolls for each datagram, needed or not: what one fault is set to doesn't move the
        // choices of another.
        let rolls = [(); 3].map(|()| self.dice.below(100) as u32);
        let late = self.dice.below(self.window as usize) as u32 + 1;
        if let Some((_, fate)) = self.fixed.iter().find(|(n, _)| *n == number) {
            return *fate;
        }
        let run = self
            .decided
            .iter()
            .rev()
            .take_while(|fate| **fate == Fate::Lost)
            .count();
        if rolls[0] < self.loss && (run as u32) < self.longest_run {
            Fate::Lost
        } else if rolls[1] < self.duplication {
            Fate::Twice
        } else if rolls[2] < self.reordering {
            Fate::Held(late)
        } else {
            Fate::Passes
        }
    }
}

/// A direction under way: it takes datagrams in, and says what arrives of them.
#[derive(Debug)]
pub struct Line {
    faults: Faults,
    taken: u32,
    held: Vec<Held>,
}

/// A datagram that is late.
#[derive(Debug)]
struct Held {
    /// So many later ones must go by yet.
    left: u32,
    datagram: Vec<u8>,
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub struct Passage {
    /// Counted from 0.
    pub number: u32,
    pub fate: Fate,
    /// The datagram itself, unless it was lost or is held, then those that had waited for it.
    pub arrivals: Vec<Vec<u8>>,
}

impl Line {
    pub fn new(faults: Faults) -> Line {
        Line {
            faults,
            taken: 0,
            held: Vec::new(),
        }
    }

    /// Sends a datagram on its way.
    pub fn take(&mut self, datagram: &[u8]) -> Passage {
        let number = self.taken;
        self.taken += 1;
        let fate = self.faults.fate(number);
        let mut arrivals = match fate {
            Fate::Passes => vec![datagram.to_vec()],
            Fate::Twice => vec![datagram.to_vec(); 2],
            Fate::Corrupt(bit) => vec![with_bit_turned(datagram, bit)],
            Fate::Lost | Fate::Held(_) => Vec::new(),
        };
        for held in &mut self.held {
            held.left -= 1;
        }
        arrivals.extend(self.release(|held| held.left == 0));
        if let Fate::Held(later) = fate {
            let datagram = datagram.to_vec();
            self.held.push(Held {
                left: later.max(1),
                datagram,
            });
        }
        Passage {
            number,
            fate,
            arrivals,
        }
    }

    /// What is held still, when nothing else is under way: it arrives now.
    pub fn let_go(&mut self) -> Vec<Vec<u8>> {
        self.release(|_| true)
    }

    fn release(&mut self, is_due: impl Fn(&Held) -> bool) -> Vec<Vec<u8>> {
        let (due, waiting) = std::mem::take(&mut self.held).into_iter().partition(is_due);
        self.held = waiting;
        let due: Vec<Held> = due;
        due.into_iter().map(|held| held.datagram).collect()
    }
}

fn with_bit_turned(datagram: &[u8], bit: u32) -> Vec<u8> {
    let mut datagram = datagram.to_vec();
    if let Some(byte) = datagram.get_mut(bit as usize / 8) {
        *byte ^= 1 << (bit % 8);
    }
    datagram
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(seed: u32) -> Faults {
        let dice = Seed(seed).dice("ex", "check");
        Faults::of(&dice)
            .loses(20, 3)
            .duplicates(10)
            .reorders(10, 4)
    }

    fn fates(mut faults: Faults) -> Vec<Fate> {
        (0..2_000).map(|number| faults.fate(number)).collect()
    }

    #[test]
    fn the_same_seed_decides_the_same_and_another_does_not() {
        assert!(fates(bad(1)) == fates(bad(1)));
        assert!(fates(bad(1)) != fates(bad(2)));
    }

    #[test]
    fn the_order_of_asking_changes_nothing() {
        let (mut once, all) = (bad(3), fates(bad(3)));
        assert_eq!(once.fate(1_500), all[1_500]);
        assert_eq!(once.fate(7), all[7]);
    }

    #[test]
    fn about_as_many_are_lost_as_was_asked_and_never_too_many_in_a_row() {
        let fates = fates(bad(4));
        let lost = fates.iter().filter(|fate| **fate == Fate::Lost).count();
        assert!((300..450).contains(&lost), "{lost} of 2000");
        assert!(
            fates
                .windows(4)
                .all(|run| run.iter().any(|fate| *fate != Fate::Lost))
        );
    }

    #[test]
    fn one_fault_s_percentage_does_not_move_the_choices_of_another() {
        let dice = Seed(5).dice("ex", "check");
        let few = fates(Faults::of(&dice).duplicates(10));
        let many = fates(Faults::of(&dice).duplicates(10).reorders(50, 3));
        let twice = |fates: &[Fate]| -> Vec<bool> {
            fates.iter().map(|fate| *fate == Fate::Twice).collect()
        };
        assert!(
            twice(&few) == twice(&many),
            "reordering moved what is doubled"
        );
    }

    #[test]
    fn what_is_held_arrives_after_later_ones_or_when_the_line_is_idle() {
        let faults = Faults::none().at(0, Fate::Held(2)).at(3, Fate::Held(9));
        let mut line = Line::new(faults);
        assert_eq!(line.take(b"0").arrivals, [] as [Vec<u8>; 0]);
        assert_eq!(line.take(b"1").arrivals, [b"1"]);
        assert_eq!(line.take(b"2").arrivals, [b"2", b"0"]);
        assert_eq!(line.take(b"3").arrivals, [] as [Vec<u8>; 0]);
        assert_eq!(line.let_go(), [b"3"]);
    }

    #[test]
    fn a_datagram_can_be_lost_doubled_or_spoilt_on_purpose() {
        let faults = Faults::none()
            .at(0, Fate::Lost)
            .at(1, Fate::Twice)
            .at(2, Fate::Corrupt(9));
        let mut line = Line::new(faults);
        assert_eq!(line.take(b"ab").arrivals, [] as [Vec<u8>; 0]);
        assert_eq!(line.take(b"ab").arrivals, [b"ab", b"ab"]);
        assert_eq!(line.take(b"ab").arrivals, [b"a`"]);
        assert_eq!(line.take(b"ab").fate, Fate::Passes);
    }
}
