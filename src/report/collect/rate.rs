//! Trades per second, smoothed for the eye.

use std::{collections::VecDeque, time::Duration};

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(5);

/// A rate over the last few seconds of a counter that only rises.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    readings: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// Takes a reading of the counter at `at` (since any fixed start); returns the rate per
    /// second over the window.
    pub fn read(&mut self, at: Duration, count: u64) -> f64 {
        self.readings.push_back((at, count));
        while self.readings.len() > 2
            && self
                .readings
                .get(1)
                .is_some_and(|(second, _)| at.saturating_sub(*second) >= WINDOW)
        {
            self.readings.pop_front();
        }
        match self.readings.front() {
            Some(&(first, from)) if at > first => {
                count.saturating_sub(from) as f64 / at.saturating_sub(first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_forgets_what_is_older_than_its_window() {
        let mut rate = Rate::default();
        for second in 0..10 {
            rate.read(Duration::from_secs(second), second * 1000);
        }
        for second in 10..17 {
            rate.read(Duration::from_secs(second), 9000 + (second - 9) * 10);
        }
        assert!((rate.read(Duration::from_secs(17), 9080) - 10.0).abs() < 1e-9);
    }
}
