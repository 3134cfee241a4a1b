//! The distance at which a range bar closes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::price::Price;

/// How many decimal basis points make one: 1 dbps = 0.001 % = 1e-5.
const DBPS_IN_ONE: i128 = 100_000;

/// A threshold in decimal basis points (dbps), 1 to 100000: 250 dbps is 0.25 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Threshold(u32);

/// Why a number is not a threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a threshold: whole decimal basis points from 1 to 100000 are (250 is 0.25 %)"
)]
pub struct ThresholdError {
    text: String,
}

impl Threshold {
    /// The smallest threshold, 0.001 %.
    pub const MIN: u32 = 1;
    /// The largest threshold, 100 %.
    pub const MAX: u32 = 100_000;

    /// A threshold of `dbps` decimal basis points.
    ///
    /// # Errors
    /// When `dbps` is not within 1..=100000.
    pub fn new(dbps: u32) -> Result<Self, ThresholdError> {
        if (Self::MIN..=Self::MAX).contains(&dbps) {
            Ok(Self(dbps))
        } else {
            Err(ThresholdError {
                text: dbps.to_string(),
            })
        }
    }

    /// The threshold in decimal basis points.
    #[must_use]
    pub const fn dbps(self) -> u32 {
        self.0
    }

    /// The bounds of a bar that opens at `open`.
    #[must_use]
    pub fn bounds(self, open: Price) -> Bounds {
        // floor(open × dbps / 100000); the operands are not negative, so `/` floors.
        let delta = i128::from(open.0) * i128::from(self.0) / DBPS_IN_ONE;
        Bounds {
            upper: i128::from(open.0) + delta,
            lower: i128::from(open.0) - delta,
        }
    }
}

/// The two prices at which a bar may close, in units of 1e-8. They are wider than a
/// price because the upper bound of a very high price exceeds every price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// A price at or above this one breaches.
    pub upper: i128,
    /// A price at or below this one breaches.
    pub lower: i128,
}

impl Bounds {
    /// Whether `price` touches or passes a bound.
    #[must_use]
    pub fn breached_by(self, price: Price) -> bool {
        let price = i128::from(price.0);
        price >= self.upper || price <= self.lower
    }

    /// The same bounds as the highest and lowest price that do *not* breach.
    #[must_use]
    pub(crate) fn inside(self) -> (i64, i64) {
        let highest = i64::try_from(self.upper - 1).unwrap_or(i64::MAX);
        let lowest = i64::try_from(self.lower + 1).unwrap_or(i64::MAX);
        (highest, lowest)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let error = || ThresholdError {
            text: text.to_owned(),
        };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        text.parse::<u32>()
            .ok()
            .and_then(|dbps| Self::new(dbps).ok())
            .ok_or_else(error)
    }
}

impl TryFrom<u32> for Threshold {
    type Error = ThresholdError;

    fn try_from(dbps: u32) -> Result<Self, ThresholdError> {
        Self::new(dbps)
    }
}

impl From<Threshold> for u32 {
    fn from(threshold: Threshold) -> Self {
        threshold.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_1_to_100000_is_a_threshold() {
        for text in ["0", "100001", "-1", "+5", "2.5", "", "1e3", "4294967296"] {
            assert!(text.parse::<Threshold>().is_err(), "{text:?}");
        }
        assert_eq!("250".parse::<Threshold>().map(Threshold::dbps), Ok(250));
        assert!(Threshold::new(100_000).is_ok());
    }

    #[test]
    fn the_distance_is_rounded_down_and_touching_breaches() {
        let bounds = Threshold(250).bounds(Price(399));
        assert_eq!(
            bounds,
            Bounds {
                upper: 399,
                lower: 399
            }
        );
        let bounds = Threshold(250).bounds(Price(10_000_000_000));
        assert_eq!(
            bounds,
            Bounds {
                upper: 10_025_000_000,
                lower: 9_975_000_000
            }
        );
        assert!(bounds.breached_by(Price(10_025_000_000)));
        assert!(!bounds.breached_by(Price(10_024_999_999)));
        assert!(bounds.breached_by(Price(9_975_000_000)));
    }

    #[test]
    fn a_bound_above_every_price_is_never_touched() {
        let bounds = Threshold(100_000).bounds(Price(i64::MAX));
        assert!(!bounds.breached_by(Price(i64::MAX)));
        assert_eq!(bounds.inside(), (i64::MAX, 1));
    }
}
