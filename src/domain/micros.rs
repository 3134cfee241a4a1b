//! Durations as times are counted here.

use std::time::Duration;

/// A duration in µs; the longest ones, of 290,000 years and more, are the greatest number.
#[must_use]
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
