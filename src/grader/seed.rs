//! Every random choice of the grader, from one printed number.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The number behind a run's random choices; printed in hex, and replayed with `--seed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u32);

impl Seed {
    /// A new one: std's only randomness is the key of its hash maps.
    pub fn fresh() -> Seed {
        Seed(RandomState::new().build_hasher().finish() as u32 & 0xffff)
    }

    /// Reads the hex of `--seed`.
    pub fn parse(hex: &str) -> Option<Seed> {
        u32::from_str_radix(hex, 16).ok().map(Seed)
    }

    /// The choices of one check: they depend on nothing but the seed and the check's name, so that
    /// the check makes the same ones when it is run by itself.
    pub fn dice(self, exercise: &str, check: &str) -> Dice {
        // FNV-1a: fixed for ever, which std's hashers are not.
        let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(self.0);
        for byte in exercise.bytes().chain([0]).chain(check.bytes()) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Dice { state }
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

/// A stream of random numbers (SplitMix64, Steele, Lea and Flood 2014): not for secrets.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound`, `bound` not included; 0 if `bound` is 0. It takes one roll
    /// always, so that a bound doesn't move what is rolled after it.
    pub fn below(&mut self, bound: usize) -> usize {
        let roll = self.roll();
        roll.checked_rem(bound as u64).unwrap_or(0) as usize
    }

    /// So many random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 8);
        while out.len() < count {
            out.extend_from_slice(&self.roll().to_le_bytes());
        }
        out.truncate(count);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_check_make_the_same_choices() {
        let a = Seed(0x5f3a).dice("ex02_echo_server", "one").bytes(99);
        assert_eq!(a, Seed(0x5f3a).dice("ex02_echo_server", "one").bytes(99));
        assert_ne!(a, Seed(0x5f3b).dice("ex02_echo_server", "one").bytes(99));
        assert_ne!(a, Seed(0x5f3a).dice("ex02_echo_server", "two").bytes(99));
    }

    #[test]
    fn a_printed_seed_reads_back() {
        let seed = Seed(0x00af);
        assert_eq!(seed.to_string(), "00af");
        assert_eq!(Seed::parse("00af"), Some(seed));
        assert_eq!(Seed::parse("xyz"), None);
    }
}
