//! How fast a played tape has been played so far.
//!
//! A pace holds from the moment it is set until another one is; what was past stays past.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::MAX_RATE;

/// More changes than these are not remembered: the oldest are forgotten, which matters only
/// to streams that lag that far behind.
const MAX_STRETCHES: usize = 1024;

/// A request to change the pace, as `POST /sim/pace` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaceChange {
    /// Trades a second and symbol from now on; 0 stops the tape where it is.
    pub rate: f64,
}

impl PaceChange {
    /// What is wrong with it, if anything.
    pub(super) fn complaint(self) -> Option<String> {
        let is_sound = (0.0..=MAX_RATE).contains(&self.rate);
        (!is_sound).then(|| format!("the rate must be 0 to {MAX_RATE}"))
    }
}

/// A stretch of time with one rate.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// When it began, counted from the start.
    from: Duration,
    /// How many trades had been played by then.
    played: f64,
    rate: f64,
}

/// All paces so far.
#[derive(Debug)]
pub(super) struct Paces(Vec<Stretch>);

impl Paces {
    pub(super) fn new(rate: f64) -> Self {
        Self(vec![Stretch {
            from: Duration::ZERO,
            played: 0.0,
            rate,
        }])
    }

    /// From `now` on, counted from the start, the tape is played at `rate`.
    pub(super) fn change(&mut self, now: Duration, rate: f64) {
        let stretch = Stretch {
            from: now,
            played: self.played(now),
            rate,
        };
        if self.0.len() == MAX_STRETCHES {
            self.0.remove(0);
        }
        self.0.push(stretch);
    }

    /// How many trades had been played at a moment, counted from the start.
    pub(super) fn played(&self, at: Duration) -> f64 {
        let held = self.0.iter().rfind(|stretch| stretch.from <= at);
        held.map_or(0.0, |stretch| {
            let seconds = at.saturating_sub(stretch.from).as_secs_f64();
            stretch.played + seconds * stretch.rate
        })
    }

    /// The rate that holds.
    pub(super) fn rate(&self) -> f64 {
        self.0.last().map_or(0.0, |stretch| stretch.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_past_stays_past_and_a_lagging_stream_reads_the_pace_of_then() {
        let second = Duration::from_secs(1);
        let mut paces = Paces::new(100.0);
        paces.change(2 * second, 0.0);
        paces.change(5 * second, 10.0);
        let played = |at: Duration| paces.played(at) as u64;
        assert_eq!(played(second), 100);
        assert_eq!(played(2 * second), 200);
        assert_eq!(played(4 * second), 200);
        assert_eq!(played(6 * second), 210);
    }

    #[test]
    fn a_senseless_rate_is_named() {
        for rate in [-1.0, f64::NAN, f64::INFINITY, 2e6] {
            assert!(PaceChange { rate }.complaint().is_some(), "{rate}");
        }
        assert!(PaceChange { rate: 0.0 }.complaint().is_none());
    }
}
