//! Arguments that several subcommands have, and how they are read.

use std::{str::FromStr, time::Duration};

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::domain::{anchor::Anchor, micros::micros};

/// Keeps the first of equal values, in order.
pub fn distinct<T: PartialEq + Clone>(values: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

/// Reads an anchor that stored bars can have.
pub fn stored_anchor(text: &str) -> Result<Anchor, String> {
    match text.parse() {
        Ok(Anchor::None) => Err("bars that are never cut can only be built from a file".to_owned()),
        Ok(anchor) => Ok(anchor),
        Err(_) => Err("day and month are anchors".to_owned()),
    }
}

/// Reads a duration above zero, such as `90s` or `5m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than zero".to_owned()),
        Ok(duration) => Ok(duration),
        Err(_) => {
            Err("a duration is a number with a unit, such as 250ms, 90s, 5m or 7d".to_owned())
        }
    }
}

/// Reads a duration that may be zero.
pub fn duration_or_zero(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).or_else(|_| duration(text))
}

/// Reads a whole number above zero.
pub fn positive<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|number| *number > T::from(0))
        .ok_or_else(|| "a whole number above 0 is expected".to_owned())
}

/// Reads a size such as `512MiB`.
pub fn size_bytes(text: &str) -> Result<u64, String> {
    let units: [(&str, u64); 4] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("B", 1),
    ];
    units
        .into_iter()
        .find_map(|(unit, size_bytes)| {
            let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
            number
                .checked_mul(size_bytes)
                .filter(|&size_bytes| size_bytes > 0)
        })
        .ok_or_else(|| "a whole number above 0 with KiB, MiB or GiB is expected".to_owned())
}

/// A moment to begin from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// At this time, in µs since 1970 UTC.
    At(i64),
}

impl Since {
    /// The moment in µs, when it is `now_us`.
    pub fn time_us(self, now_us: i64) -> i64 {
        match self {
            Self::Ago(ago) => now_us.saturating_sub(micros(ago)),
            Self::At(time_us) => time_us,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time.as_microsecond()));
        }
        // A date, with or without a time, and without a zone, is meant in UTC.
        text.parse::<civil::DateTime>()
            .ok()
            .and_then(|time| TimeZone::UTC.to_timestamp(time).ok())
            .map(|time| Self::At(time.as_microsecond()))
            .ok_or_else(|| {
                "a duration such as 2h, a date such as 2025-01-31, or a time such as \
                 2025-01-31T12:00:00Z is expected"
                    .to_owned()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR_US: i64 = 1_735_689_600_000_000;

    #[test]
    fn a_moment_is_a_duration_ago_a_date_or_a_time() {
        let time_us = |text: &str| {
            text.parse::<Since>()
                .map(|since| since.time_us(NEW_YEAR_US))
        };
        assert_eq!(time_us("2h"), Ok(NEW_YEAR_US - 7_200_000_000));
        assert_eq!(time_us("1h 30m"), Ok(NEW_YEAR_US - 5_400_000_000));
        assert_eq!(time_us("2025-01-01"), Ok(NEW_YEAR_US));
        assert_eq!(time_us("2025-01-01T00:00:01"), Ok(NEW_YEAR_US + 1_000_000));
        assert_eq!(time_us("2025-01-01T01:00:00+01:00"), Ok(NEW_YEAR_US));
        assert_eq!(time_us("2025-01-01T00:00:00.000001Z"), Ok(NEW_YEAR_US + 1));
        for text in [
            "",
            "yesterday",
            "2025-13-01",
            "2025-02-30",
            "12:00",
            "-2h",
            "5",
        ] {
            assert!(time_us(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_has_a_unit_and_is_not_zero() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["0s", "5", "-1s", "", "1 parsec"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_above_zero() {
        assert_eq!(positive::<u64>("7"), Ok(7));
        for text in ["0", "-1", "1.5", "", "18446744073709551616"] {
            assert!(positive::<u64>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_of_equal_values_stays() {
        assert_eq!(distinct(&[3, 1, 3, 2, 1]), [3, 1, 2]);
    }
}
