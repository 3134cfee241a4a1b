//! Whether a unit may be restarted now: its budget, and whether somebody holds it.
//!
//! The watchdog is a new process each time, so that nothing is kept here: the attempts come
//! from a file that its runs share. An attempt counts from the moment it was begun, whether
//! it helped or not.
//!
//! Time is an argument, in µs on the wall clock, which may be set back. An attempt that is
//! dated in the future counts as one that was made just now.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::words::{noun, span};

/// The bounds of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many attempts are allowed in one window.
    pub restarts: usize,
    /// How long the window is, in µs.
    pub window_us: i64,
    /// How far two attempts are apart at least, in µs.
    pub apart_us: i64,
}

impl Limits {
    /// Those of a unit: 3 an hour, 2 minutes apart.
    pub const UNIT: Self = Self {
        restarts: 3,
        window_us: 3_600_000_000,
        apart_us: 120_000_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::UNIT
    }
}

/// Somebody works on the unit and does not want it restarted meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// When it ends, in µs.
    pub until_us: i64,
    /// Why.
    pub why: String,
    /// Who asked for it.
    pub by: String,
    /// Since when, in µs.
    pub since_us: i64,
}

/// What is allowed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It may be restarted.
    Allowed,
    /// Somebody holds it.
    Held {
        /// When the hold ends, in µs.
        until_us: i64,
        /// Why it is held.
        why: String,
        /// Who holds it.
        by: String,
    },
    /// The last attempt was a moment ago; its effect may not be seen yet.
    TooSoon {
        /// After how many µs it is allowed.
        retry_in_us: i64,
    },
    /// The budget is used up: restarting does not help, somebody has to look.
    OverBudget {
        /// How many attempts the window has.
        restarts: usize,
        /// How long the window is, in µs.
        window_us: i64,
        /// When the next one is allowed, in µs; never, with a budget of none.
        next_at_us: Option<i64>,
    },
}

/// Rules at `now_us` on a unit that was restarted at `attempts_us`, in any order.
#[must_use]
pub fn rule(limits: Limits, attempts_us: &[i64], hold: Option<&Hold>, now_us: i64) -> Ruling {
    if let Some(hold) = hold.filter(|hold| hold.until_us > now_us) {
        return Ruling::Held {
            until_us: hold.until_us,
            why: hold.why.clone(),
            by: hold.by.clone(),
        };
    }
    let age = |at_us: i64| now_us.saturating_sub(at_us.min(now_us));
    let mut ages: Vec<i64> = attempts_us.iter().map(|&at_us| age(at_us)).collect();
    ages.sort_unstable();
    let apart_in = ages
        .first()
        .map_or(0, |newest| limits.apart_us.saturating_sub(*newest));
    let within = ages.partition_point(|age| *age < limits.window_us);
    if within >= limits.restarts {
        // So many have to leave the window before one more fits in.
        let leaves_in = limits
            .restarts
            .checked_sub(1)
            .and_then(|last| ages.get(last))
            .map(|age| limits.window_us.saturating_sub(*age));
        return Ruling::OverBudget {
            restarts: within,
            window_us: limits.window_us,
            next_at_us: leaves_in.map(|wait| now_us.saturating_add(wait.max(apart_in))),
        };
    }
    if apart_in > 0 {
        return Ruling::TooSoon {
            retry_in_us: apart_in,
        };
    }
    Ruling::Allowed
}

/// What the ruling says, to follow "not restarted: ".
impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("a restart is allowed"),
            Self::Held { until_us, why, by } => {
                write!(f, "held by {by} until {}: {why}", moment(*until_us))
            }
            Self::TooSoon { retry_in_us } => write!(
                f,
                "the last restart was a moment ago, the next is allowed in {}",
                span(*retry_in_us)
            ),
            Self::OverBudget {
                restarts,
                window_us,
                next_at_us,
            } => {
                let restarts_noun = noun(i64::try_from(*restarts).unwrap_or(i64::MAX), "restart");
                let within = span(*window_us);
                write!(f, "{restarts} {restarts_noun} within {within}, ")?;
                match next_at_us {
                    Some(at_us) => write!(f, "the next is allowed at {}", moment(*at_us)),
                    None => f.write_str("and none is allowed"),
                }
            }
        }
    }
}

fn moment(at_us: i64) -> String {
    // Fractions of a second are of no use to a person; the next one is what is meant.
    let second = at_us.div_euclid(1_000_000) + i64::from(at_us.rem_euclid(1_000_000) > 0);
    Timestamp::from_second(second)
        .map_or_else(|_| "the end of time".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;
    const NOW: i64 = 1_767_322_800 * SECOND;

    fn over(restarts: usize, next_in_us: i64) -> Ruling {
        Ruling::OverBudget {
            restarts,
            window_us: 60 * MINUTE,
            next_at_us: Some(NOW + next_in_us),
        }
    }

    fn hold(until_us: i64) -> Hold {
        Hold {
            until_us,
            why: "new disk".to_owned(),
            by: "ada".to_owned(),
            since_us: NOW - MINUTE,
        }
    }

    #[test]
    fn each_case_has_its_ruling() {
        let soon = |retry_in_us| Ruling::TooSoon { retry_in_us };
        let cases: [(&str, &[i64], Ruling); 12] = [
            ("never restarted", &[], Ruling::Allowed),
            ("just now", &[0], soon(2 * MINUTE)),
            ("almost two minutes ago", &[2 * MINUTE - 1], soon(1)),
            ("two minutes ago", &[2 * MINUTE], Ruling::Allowed),
            ("twice", &[2 * MINUTE, 59 * MINUTE], Ruling::Allowed),
            (
                "thrice within the hour",
                &[50 * MINUTE, 30 * MINUTE, 5 * MINUTE],
                over(3, 10 * MINUTE),
            ),
            (
                "the third of them a moment ago",
                &[60 * MINUTE - 1, 30 * MINUTE, MINUTE],
                over(3, MINUTE),
            ),
            (
                "the first just left the window",
                &[60 * MINUTE, 30 * MINUTE, 5 * MINUTE],
                Ruling::Allowed,
            ),
            (
                "in any order",
                &[5 * MINUTE, 50 * MINUTE, 30 * MINUTE],
                over(3, 10 * MINUTE),
            ),
            (
                "more than allowed, from other limits",
                &[10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 40 * MINUTE],
                over(4, 30 * MINUTE),
            ),
            ("dated in the future", &[-30 * MINUTE], soon(2 * MINUTE)),
            (
                "three dated in the future",
                &[-30 * MINUTE, -40 * MINUTE, i64::MIN / 4],
                over(3, 60 * MINUTE),
            ),
        ];
        for (name, ages, expected) in cases {
            let attempts: Vec<i64> = ages.iter().map(|age| NOW - age).collect();
            assert_eq!(rule(Limits::UNIT, &attempts, None, NOW), expected, "{name}");
        }
    }

    #[test]
    fn a_hold_comes_before_everything_until_it_ends() {
        let spent = [NOW - MINUTE; 3];
        let held = rule(Limits::UNIT, &spent, Some(&hold(NOW + 1)), NOW);
        assert!(matches!(held, Ruling::Held { until_us, .. } if until_us == NOW + 1));
        assert_eq!(
            rule(Limits::UNIT, &[], Some(&hold(NOW)), NOW),
            Ruling::Allowed
        );
    }

    #[test]
    fn a_budget_of_none_never_allows_one() {
        let none = Limits {
            restarts: 0,
            ..Limits::UNIT
        };
        let ruling = rule(none, &[], None, NOW);
        assert!(matches!(
            ruling,
            Ruling::OverBudget {
                next_at_us: None,
                ..
            }
        ));
        assert_eq!(
            ruling.to_string(),
            "0 restarts within 1h, and none is allowed"
        );
    }

    #[test]
    fn each_ruling_is_a_sentence() {
        let held = rule(Limits::UNIT, &[], Some(&hold(NOW + 1)), NOW);
        assert_eq!(
            held.to_string(),
            "held by ada until 2026-01-02T03:00:01Z: new disk"
        );
        let attempts = [NOW - 50 * MINUTE, NOW - 30 * MINUTE, NOW - 5 * MINUTE];
        assert_eq!(
            rule(Limits::UNIT, &attempts, None, NOW).to_string(),
            "3 restarts within 1h, the next is allowed at 2026-01-02T03:10:00Z"
        );
        assert_eq!(
            rule(Limits::UNIT, &attempts[..1], None, NOW - 49 * MINUTE).to_string(),
            "the last restart was a moment ago, the next is allowed in 1m"
        );
    }

    proptest! {
        /// Whoever asks again and again, and restarts whenever it is allowed or after the
        /// wait that was named, stays within the budget and is never kept waiting for ever.
        #[test]
        fn no_window_has_more_than_allowed_and_the_named_wait_is_exact(
            pauses_s in proptest::collection::vec(1_i64..1500, 1..150),
        ) {
            let limits = Limits::UNIT;
            let (mut now_us, mut attempts) = (NOW, Vec::new());
            for pause_s in pauses_s {
                now_us += pause_s * SECOND;
                let at_us = match rule(limits, &attempts, None, now_us) {
                    Ruling::Allowed => now_us,
                    Ruling::TooSoon { retry_in_us } => now_us + retry_in_us,
                    Ruling::OverBudget { next_at_us: Some(at_us), .. } => at_us,
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                };
                if at_us > now_us {
                    let before = rule(limits, &attempts, None, at_us - 1);
                    prop_assert_ne!(before, Ruling::Allowed);
                }
                prop_assert_eq!(rule(limits, &attempts, None, at_us), Ruling::Allowed);
                attempts.push(at_us);
                now_us = at_us;
            }
            for window in attempts.windows(limits.restarts + 1) {
                prop_assert!(window[limits.restarts] - window[0] >= limits.window_us);
            }
            for pair in attempts.windows(2) {
                prop_assert!(pair[1] - pair[0] >= limits.apart_us);
            }
        }

        /// Any times at all, the extremes included.
        #[test]
        fn no_clock_makes_it_panic_or_free(
            attempts in proptest::collection::vec(any::<i64>(), 0..6),
            now_us in any::<i64>(),
        ) {
            let recent = attempts
                .iter()
                .filter(|&&at| i128::from(now_us) - i128::from(at) < 3_600_000_000)
                .count();
            let ruling = rule(Limits::UNIT, &attempts, None, now_us);
            let _ = ruling.to_string();
            let is_over = matches!(ruling, Ruling::OverBudget { .. });
            prop_assert_eq!(is_over, recent >= 3);
        }
    }
}
