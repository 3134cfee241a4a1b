//! Where bars are cut so that they depend on nothing that came before.

use std::{fmt, str::FromStr};

use jiff::{ToSpan, civil};
use serde::{Deserialize, Serialize};

/// A day in UTC, in µs: it has no leap seconds here.
pub const DAY_US: i64 = 86_400_000_000;

/// How often the forming bar is cut, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// Never. Only for bars that are built from one file.
    None,
    /// At each midnight, UTC.
    Day,
    /// At each month's first midnight, UTC.
    Month,
}

/// Why a text names no anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an anchor: day, month and none are")]
pub struct AnchorError {
    text: String,
}

/// One anchor period: from its first microsecond to the next period's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Period {
    /// The first µs of the period, since 1970 UTC.
    pub start_us: i64,
    /// The first µs of the next period.
    pub end_us: i64,
}

impl Anchor {
    /// The word that names it on the command line and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The period that holds `time_us` (µs since 1970 UTC).
    #[must_use]
    pub fn period(self, time_us: i64) -> Period {
        match self {
            Self::None => Period {
                start_us: i64::MIN,
                end_us: i64::MAX,
            },
            Self::Day => {
                let start_us = time_us.div_euclid(DAY_US).saturating_mul(DAY_US);
                Period {
                    start_us,
                    end_us: start_us.saturating_add(DAY_US),
                }
            }
            Self::Month => month(time_us),
        }
    }
}

fn month(time_us: i64) -> Period {
    // Trades are checked to lie within the calendar. Before it and after it there is one
    // endless month.
    let first = jiff::Span::new()
        .try_days(time_us.div_euclid(DAY_US))
        .and_then(|days| civil::date(1970, 1, 1).checked_add(days))
        .map(civil::Date::first_of_month);
    let next = first.clone().and_then(|first| first.checked_add(1.month()));
    match (first, next) {
        (Ok(first), Ok(next)) => Period {
            start_us: midnight_us(first),
            end_us: midnight_us(next),
        },
        _ => Anchor::None.period(time_us),
    }
}

fn midnight_us(date: civil::Date) -> i64 {
    let days = civil::date(1970, 1, 1).duration_until(date).as_hours() / 24;
    days * DAY_US
}

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(text: &str) -> Result<Self, AnchorError> {
        match text {
            "none" => Ok(Self::None),
            "day" => Ok(Self::Day),
            "month" => Ok(Self::Month),
            _ => Err(AnchorError {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(date: civil::Date) -> i64 {
        date.to_zoned(jiff::tz::TimeZone::UTC)
            .expect("a date")
            .timestamp()
            .as_microsecond()
    }

    #[test]
    fn a_day_starts_at_midnight_utc_and_holds_its_first_microsecond() {
        let start = us(civil::date(2025, 9, 1));
        let day = Period {
            start_us: start,
            end_us: start + DAY_US,
        };
        assert_eq!(Anchor::Day.period(start), day);
        assert_eq!(Anchor::Day.period(start + DAY_US - 1), day);
        assert_eq!(Anchor::Day.period(start + DAY_US).start_us, day.end_us);
    }

    #[test]
    fn no_time_is_outside_every_period() {
        for time_us in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1] {
            for anchor in [Anchor::None, Anchor::Day, Anchor::Month] {
                let period = anchor.period(time_us);
                assert!(period.start_us <= time_us, "{anchor} {time_us} {period:?}");
                assert!(time_us < period.end_us, "{anchor} {time_us} {period:?}");
            }
        }
    }

    #[test]
    fn months_have_their_own_lengths_and_leap_years_count() {
        for (year, month, next_year, next_month) in [
            (2024, 2, 2024, 3),
            (2025, 2, 2025, 3),
            (2025, 12, 2026, 1),
            (1970, 1, 1970, 2),
        ] {
            let start_us = us(civil::date(year, month, 1));
            let end_us = us(civil::date(next_year, next_month, 1));
            let period = Period { start_us, end_us };
            assert_eq!(Anchor::Month.period(start_us), period);
            assert_eq!(Anchor::Month.period(end_us - 1), period);
        }
    }
}
