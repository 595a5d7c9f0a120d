//! What the timer of RFC 6298 must be by now, as far as the grader's own clock tells.

use std::time::Duration;

/// What RFC 6298 makes of round-trip times that are known within bounds: bounds for the timeout.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// In seconds, least and most.
    srtt: Option<(f64, f64)>,
    rttvar: (f64, f64),
    rto: (f64, f64),
}

/// The least that a timeout comes to, in seconds: the course's, in place of the RFC's 1 s.
const LEAST_RTO: f64 = 0.2;

impl Estimate {
    /// Before the first round trip (RFC 6298, 2.1).
    pub fn new() -> Estimate {
        Estimate {
            srtt: None,
            rttvar: (0.0, 0.0),
            rto: (1.0, 1.0),
        }
    }

    /// A round trip that took so long at least, and at most (2.2, 2.3).
    pub fn sample(&mut self, least: Duration, most: Duration) {
        let (low, high) = (least.as_secs_f64(), most.as_secs_f64());
        let (srtt, rttvar) = match self.srtt {
            None => ((low, high), (low / 2.0, high / 2.0)),
            Some((from, to)) => {
                let off = (
                    (low - to).max(from - high).max(0.0),
                    (high - from).max(to - low),
                );
                let smooth = |old: f64, new: f64, gain: f64| old * (1.0 - gain) + new * gain;
                (
                    (smooth(from, low, 0.125), smooth(to, high, 0.125)),
                    (
                        smooth(self.rttvar.0, off.0, 0.25),
                        smooth(self.rttvar.1, off.1, 0.25),
                    ),
                )
            }
        };
        (self.srtt, self.rttvar) = (Some(srtt), rttvar);
        self.rto = (
            (srtt.0 + 4.0 * rttvar.0).max(LEAST_RTO),
            (srtt.1 + 4.0 * rttvar.1).max(LEAST_RTO),
        );
    }

    /// The timer expired (5.5).
    pub fn expired(&mut self) {
        self.rto = (self.rto.0 * 2.0, self.rto.1 * 2.0);
    }

    pub fn least(&self) -> Duration {
        Duration::from_secs_f64(self.rto.0)
    }

    pub fn most(&self) -> Duration {
        Duration::from_secs_f64(self.rto.1)
    }
}

impl Default for Estimate {
    fn default() -> Estimate {
        Estimate::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// The numbers of the RFC's formulas, worked out by hand.
    #[test]
    fn an_exact_round_trip_gives_the_exact_timeout() {
        let mut estimate = Estimate::new();
        assert_eq!(estimate.most(), MS(1000));
        estimate.sample(MS(300), MS(300));
        assert_eq!(estimate.least().as_millis(), 900);
        // RTTVAR 150·3/4 + 200/4 = 162.5, SRTT 300·7/8 + 100/8 = 275: 925.
        estimate.sample(MS(100), MS(100));
        assert_eq!(estimate.least(), estimate.most());
        assert_eq!(estimate.least().as_millis(), 925);
        estimate.expired();
        assert_eq!(estimate.least().as_millis(), 1850);
        for _ in 0..60 {
            estimate.sample(MS(1), MS(1));
        }
        assert_eq!(estimate.most(), MS(200));
    }

    #[test]
    fn bounds_hold_whatever_lies_between_them() {
        let mut bounds = Estimate::new();
        let mut exact = Estimate::new();
        for rtt in [20, 300, 300, 40, 180, 5, 500] {
            bounds.sample(MS(rtt - 4), MS(rtt + 9));
            exact.sample(MS(rtt), MS(rtt));
            assert!(bounds.least() <= exact.least() && exact.most() <= bounds.most());
        }
    }
}
