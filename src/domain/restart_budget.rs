//! How often something may be restarted, and after which pause.
//!
//! Each failure in a row doubles the pause. So many restarts within a window are allowed;
//! one more means that restarting does not help, and that somebody else has to look. An
//! hour without a failure makes everything forgotten.
//!
//! Time is an argument, in µs on a clock that never goes back.

use std::collections::VecDeque;

/// The bounds of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many restarts are allowed in one window.
    pub restarts: usize,
    /// How long the window is, in µs.
    pub window_us: i64,
    /// The pause before the first restart, in µs.
    pub pause_min_us: i64,
    /// The longest pause, in µs.
    pub pause_max_us: i64,
    /// So long without a failure makes earlier ones forgotten, in µs.
    pub refill_us: i64,
}

impl Limits {
    /// Those of a task: after 5 s, doubling to 60 s; 5 in 10 minutes; refilled in an hour.
    pub const TASK: Self = Self {
        restarts: 5,
        window_us: 600_000_000,
        pause_min_us: 5_000_000,
        pause_max_us: 60_000_000,
        refill_us: 3_600_000_000,
    };

    /// The same with every time multiplied by `factor`, so that tests can be quick.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a few hours in µs are far below 2^53"
        )]
        let scale = |us: i64| ((us as f64) * factor).max(1.0) as i64;
        Self {
            restarts: self.restarts,
            window_us: scale(self.window_us),
            pause_min_us: scale(self.pause_min_us),
            pause_max_us: scale(self.pause_max_us),
            refill_us: scale(self.refill_us),
        }
    }
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Restart after the pause.
    Restart {
        /// Which restart of this window it is, from 1.
        attempt: usize,
        /// How long to wait before it, in µs.
        pause_us: i64,
    },
    /// The window's restarts are used up: restarting does not help.
    Escalate {
        /// How many there were.
        restarts: usize,
    },
}

/// The restarts of one thing.
#[derive(Debug, Clone)]
pub struct RestartBudget {
    limits: Limits,
    /// When restarts were granted, the oldest first: never more than are allowed.
    granted_us: VecDeque<i64>,
    /// Failures since the last refill.
    in_a_row: u32,
    last_failure_us: Option<i64>,
    total: u64,
}

impl RestartBudget {
    /// A full budget.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            granted_us: VecDeque::with_capacity(limits.restarts),
            in_a_row: 0,
            last_failure_us: None,
            total: 0,
        }
    }

    /// It has failed: asks whether it may be restarted.
    pub fn failed(&mut self, now_us: i64) -> Ruling {
        self.refill(now_us);
        self.last_failure_us = Some(now_us);
        let window_starts_us = now_us.saturating_sub(self.limits.window_us);
        while self
            .granted_us
            .front()
            .is_some_and(|&at| at <= window_starts_us)
        {
            self.granted_us.pop_front();
        }
        if self.granted_us.len() >= self.limits.restarts {
            return Ruling::Escalate {
                restarts: self.granted_us.len(),
            };
        }
        let doubled = 1_i64.checked_shl(self.in_a_row.min(32)).unwrap_or(i64::MAX);
        let pause_us = self
            .limits
            .pause_min_us
            .saturating_mul(doubled)
            .min(self.limits.pause_max_us);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.granted_us.push_back(now_us);
        self.total += 1;
        Ruling::Restart {
            attempt: self.granted_us.len(),
            pause_us,
        }
    }

    /// Forgets earlier failures once there has been no trouble for long enough.
    pub fn refill(&mut self, now_us: i64) {
        let has_rested = self
            .last_failure_us
            .is_some_and(|last| now_us.saturating_sub(last) >= self.limits.refill_us);
        if has_rested {
            self.granted_us.clear();
            self.in_a_row = 0;
            self.last_failure_us = None;
        }
    }

    /// Restarts granted since it was made.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn restart(attempt: usize, pause_s: i64) -> Ruling {
        Ruling::Restart {
            attempt,
            pause_us: pause_s * SECOND,
        }
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute_and_the_sixth_in_ten_minutes_escalates() {
        let mut budget = RestartBudget::new(Limits::TASK);
        let mut now_us = 0;
        for (attempt, pause_s) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60)] {
            assert_eq!(budget.failed(now_us), restart(attempt, pause_s));
            now_us += pause_s * SECOND + 1;
        }
        assert_eq!(budget.failed(now_us), Ruling::Escalate { restarts: 5 });
        assert_eq!(budget.total(), 5);
    }

    #[test]
    fn restarts_leave_the_window_one_by_one() {
        let mut budget = RestartBudget::new(Limits::TASK);
        for minute in 0..5 {
            assert!(matches!(
                budget.failed(minute * 60 * SECOND),
                Ruling::Restart { .. }
            ));
        }
        let first_leaves_us = 600 * SECOND;
        assert!(matches!(
            budget.failed(first_leaves_us - 1),
            Ruling::Escalate { .. }
        ));
        assert_eq!(budget.failed(first_leaves_us), restart(5, 60));
        assert!(matches!(
            budget.failed(first_leaves_us + 1),
            Ruling::Escalate { .. }
        ));
    }

    #[test]
    fn an_hour_without_trouble_refills_it() {
        let mut budget = RestartBudget::new(Limits::TASK);
        for second in 0..6 {
            budget.failed(second * SECOND);
        }
        let last_us = 5 * SECOND;
        budget.refill(last_us + 3_600 * SECOND - 1);
        assert_eq!(budget.in_a_row, 5, "not yet");
        assert_eq!(budget.failed(last_us + 3_600 * SECOND), restart(1, 5));
    }

    proptest! {
        #[test]
        fn no_window_ever_has_more_restarts_than_allowed(
            pauses_s in proptest::collection::vec(0_i64..400, 1..200),
        ) {
            let mut budget = RestartBudget::new(Limits::TASK);
            let (mut now_us, mut granted) = (0, Vec::new());
            for pause_s in pauses_s {
                now_us += pause_s * SECOND;
                if let Ruling::Restart { pause_us, .. } = budget.failed(now_us) {
                    prop_assert!(pause_us <= Limits::TASK.pause_max_us);
                    granted.push(now_us);
                }
            }
            for window in granted.windows(Limits::TASK.restarts + 1) {
                prop_assert!(window[Limits::TASK.restarts] - window[0] >= Limits::TASK.window_us);
            }
        }
    }
}
