//! The wall clock, and the one place that reads it.
//!
//! What needs the time of day gets a [`Clock`], or a time that was read from one. Deadlines
//! and ages are not measured with it, because it may be set back: they take
//! `tokio::time::Instant`, which is monotonic and stands still in tests.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Tells the time of day.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time in µs since 1970 UTC.
    fn now_us(&self) -> i64;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock that everything else is given"
        )]
        let now = SystemTime::now();
        // A machine whose clock was never set may stand before 1970.
        now.duration_since(UNIX_EPOCH).map_or_else(
            |before| -us(before.duration().as_micros()),
            |since| us(since.as_micros()),
        )
    }
}

fn us(micros: u128) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// A clock that stands still until it is set: for tests, and for faults of the clock.
#[derive(Debug, Default)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// A clock that shows `now_us`, in µs since 1970 UTC.
    #[must_use]
    pub fn new(now_us: i64) -> Self {
        Self(AtomicI64::new(now_us))
    }

    /// Sets it to `now_us`, ahead or back.
    pub fn set(&self, now_us: i64) {
        self.0.store(now_us, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_clock_counts_microseconds_since_1970() {
        let year_2020_us = 1_577_836_800_000_000;
        let year_2200_us = 7_258_118_400_000_000;
        assert!((year_2020_us..year_2200_us).contains(&SystemClock.now_us()));
    }

    #[test]
    fn a_set_clock_stands_still_and_may_go_back() {
        let clock = SetClock::new(5);
        assert_eq!((clock.now_us(), clock.now_us()), (5, 5));
        clock.set(3);
        assert_eq!(clock.now_us(), 3);
    }
}
