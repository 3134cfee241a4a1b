//! The circuit breaker: when a sink that fails is left alone.
//!
//! ```text
//! closed ──(so many failures in a row, or one that only a person can mend)──► open
//!   ▲                                                                      │ so long
//!   └──(the trial succeeds)── half-open ◄──────────────────────────────────┘
//!                                 └──(the trial fails)──► open
//! ```
//!
//! Reference: Nygard, "Release It!", 2nd edition, section 5.2. Time is an argument, in µs
//! on a clock that never goes back.

/// The bounds of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many failures in a row open it.
    pub failures: u32,
    /// How long it stays open before a trial, in µs.
    pub open_us: i64,
}

/// What a breaker looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreakerState {
    /// Everything goes through.
    #[default]
    Closed,
    /// Nothing goes through.
    Open,
    /// One trial goes through.
    HalfOpen,
}

impl BreakerState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Closed, Self::Open, Self::HalfOpen]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Go,
    /// Not before so many µs have passed.
    Wait(i64),
    /// Not before the trial that is under way has ended.
    TrialUnderWay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Closed { failures: u32 },
    Open { until_us: i64 },
    HalfOpen { is_trying: bool },
}

/// The breaker of one sink.
#[derive(Debug, Clone)]
pub struct Breaker {
    limits: Limits,
    inner: Inner,
    trips: u64,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            inner: Inner::Closed { failures: 0 },
            trips: 0,
        }
    }

    /// What it looks like at `now_us`.
    #[must_use]
    pub const fn state(&self, now_us: i64) -> BreakerState {
        match self.inner {
            Inner::Closed { .. } => BreakerState::Closed,
            Inner::Open { until_us } if now_us < until_us => BreakerState::Open,
            Inner::Open { .. } | Inner::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// How often it has opened while it was closed. A trial that fails is no new trip.
    #[must_use]
    pub const fn trips(&self) -> u64 {
        self.trips
    }

    /// How long it stays open, in µs; 0 when an attempt may be made.
    #[must_use]
    pub const fn remaining_us(&self, now_us: i64) -> i64 {
        match self.inner {
            Inner::Open { until_us } if now_us < until_us => until_us - now_us,
            _ => 0,
        }
    }

    /// Asks for an attempt. Whoever is let through tells how it ended: with
    /// [`succeeded`](Self::succeeded), [`failed`](Self::failed),
    /// [`broken`](Self::broken) or [`withdrawn`](Self::withdrawn).
    pub const fn admit(&mut self, now_us: i64) -> Admission {
        match self.inner {
            Inner::Closed { .. } => Admission::Go,
            Inner::Open { until_us } if now_us < until_us => Admission::Wait(until_us - now_us),
            Inner::HalfOpen { is_trying: true } => Admission::TrialUnderWay,
            Inner::Open { .. } | Inner::HalfOpen { is_trying: false } => {
                self.inner = Inner::HalfOpen { is_trying: true };
                Admission::Go
            }
        }
    }

    /// The attempt succeeded. Returns whether this closed the breaker.
    pub const fn succeeded(&mut self) -> bool {
        let was_closed = matches!(self.inner, Inner::Closed { .. });
        self.inner = Inner::Closed { failures: 0 };
        !was_closed
    }

    /// The attempt failed at `now_us`. Returns whether the breaker tripped.
    pub const fn failed(&mut self, now_us: i64) -> bool {
        match self.inner {
            Inner::Closed { failures } if failures + 1 < self.limits.failures => {
                self.inner = Inner::Closed {
                    failures: failures + 1,
                };
                false
            }
            _ => self.broken(now_us),
        }
    }

    /// The attempt failed at `now_us`, and more of them would not help: it opens at once.
    /// Returns whether the breaker tripped.
    pub const fn broken(&mut self, now_us: i64) -> bool {
        let is_trip = matches!(self.inner, Inner::Closed { .. });
        if is_trip {
            self.trips += 1;
        }
        self.inner = Inner::Open {
            until_us: now_us.saturating_add(self.limits.open_us),
        };
        is_trip
    }

    /// The attempt ended without saying anything about the sink.
    pub const fn withdrawn(&mut self) {
        if let Inner::HalfOpen { is_trying } = &mut self.inner {
            *is_trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn breaker() -> Breaker {
        Breaker::new(Limits {
            failures: 5,
            open_us: 60 * SECOND,
        })
    }

    fn open_at(now_us: i64) -> Breaker {
        let mut breaker = breaker();
        assert!(breaker.broken(now_us));
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut breaker = breaker();
        for round in 0..3 {
            for _ in 0..4 {
                assert_eq!(breaker.admit(round), Admission::Go);
                assert!(!breaker.failed(round));
            }
            assert!(!breaker.succeeded(), "it never opened");
        }
        assert_eq!(breaker.state(0), BreakerState::Closed);
        for number in 1..=5 {
            assert_eq!(breaker.failed(7), number == 5);
        }
        assert_eq!(breaker.state(7), BreakerState::Open);
        assert_eq!(breaker.trips(), 1);
    }

    #[test]
    fn it_stays_open_for_its_time_and_tells_what_remains() {
        let mut breaker = open_at(10 * SECOND);
        assert_eq!(breaker.remaining_us(10 * SECOND), 60 * SECOND);
        assert_eq!(breaker.admit(69 * SECOND), Admission::Wait(SECOND));
        assert_eq!(breaker.state(70 * SECOND - 1), BreakerState::Open);
        assert_eq!(breaker.remaining_us(70 * SECOND), 0);
        assert_eq!(breaker.state(70 * SECOND), BreakerState::HalfOpen);
    }

    #[test]
    fn half_open_lets_one_trial_through_at_a_time() {
        let mut breaker = open_at(0);
        assert_eq!(breaker.admit(60 * SECOND), Admission::Go);
        assert_eq!(breaker.admit(61 * SECOND), Admission::TrialUnderWay);
        breaker.withdrawn();
        assert_eq!(breaker.state(61 * SECOND), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(61 * SECOND), Admission::Go);
    }

    #[test]
    fn a_trial_that_succeeds_closes_it_and_the_count_begins_anew() {
        let mut breaker = open_at(0);
        assert_eq!(breaker.admit(60 * SECOND), Admission::Go);
        assert!(breaker.succeeded());
        assert_eq!(breaker.state(60 * SECOND), BreakerState::Closed);
        for _ in 0..4 {
            assert!(!breaker.failed(61 * SECOND));
        }
        assert!(breaker.failed(61 * SECOND));
        assert_eq!(breaker.trips(), 2);
    }

    #[test]
    fn a_trial_that_fails_opens_it_again_at_once_and_is_no_new_trip() {
        let mut breaker = open_at(0);
        assert_eq!(breaker.admit(60 * SECOND), Admission::Go);
        assert!(!breaker.failed(62 * SECOND));
        assert_eq!(breaker.remaining_us(62 * SECOND), 60 * SECOND);
        assert_eq!(breaker.trips(), 1);
    }

    #[test]
    fn withdrawing_changes_nothing_while_closed_or_open() {
        let mut breaker = breaker();
        breaker.failed(0);
        breaker.withdrawn();
        for number in 2..=5 {
            assert_eq!(breaker.failed(0), number == 5);
        }
        breaker.withdrawn();
        assert_eq!(breaker.admit(1), Admission::Wait(60 * SECOND - 1));
    }

    #[test]
    fn an_endless_opening_does_not_overflow() {
        let mut breaker = Breaker::new(Limits {
            failures: 1,
            open_us: i64::MAX,
        });
        assert!(breaker.failed(5));
        assert_eq!(breaker.state(i64::MAX - 1), BreakerState::Open);
    }
}
