//! Pauses between attempts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Of a pause at least so much is waited; the rest is left to chance.
const LEAST: f64 = 0.5;

/// Pauses that double up to a longest one and go on for ever. Of each, between a half and the
/// whole is waited, so that many who failed at once do not come back at once, and nobody waits
/// longer than the longest.
#[derive(Debug)]
pub struct Backoff(ExponentialBackoff);

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.0.next()?;
        Some(pause.mul_f64(rand::random_range(LEAST..=1.0)))
    }
}

/// Pauses from `min`, doubling to `max`.
#[must_use]
pub fn backoff(min: Duration, max: Duration) -> Backoff {
    Backoff(
        ExponentialBuilder::default()
            .with_min_delay(min)
            .with_max_delay(max)
            .with_factor(2.0)
            .without_max_times()
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pause_is_longer_than_the_longest_or_shorter_than_half_of_what_is_due() {
        let (min, max) = (Duration::from_secs(1), Duration::from_secs(60));
        for _ in 0..50 {
            let mut due = min;
            for pause in backoff(min, max).take(12) {
                assert!(pause <= due && pause >= due / 2, "{pause:?} of {due:?}");
                due = (2 * due).min(max);
            }
        }
    }
}
