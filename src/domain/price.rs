//! Prices and quantities: decimal text to and from whole units of 1e-8.
//!
//! Text that is not plain `digits[.digits]` is an error, never a wrong number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many units of 1e-8 make one.
pub const SCALE: i64 = 100_000_000;

/// The most digits that may follow the point.
const FRACTION_DIGITS: usize = 8;

/// Ten to the power of the index, for scaling a short fraction.
const POWERS_OF_TEN: [u64; FRACTION_DIGITS + 1] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// A price in units of 1e-8 of the quote currency.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Price(pub i64);

/// A quantity in units of 1e-8 of the base currency.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Quantity(pub i64);

/// Why a text is not a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// No digit before the point, or none after it, or nothing at all.
    #[error("a digit is missing before or after the point")]
    MissingDigit,
    /// Something else than a digit or one point: a sign, a space, an exponent.
    #[error("only digits and one point are allowed")]
    NotADigit,
    /// More than eight digits after the point.
    #[error("more than 8 digits after the point")]
    TooPrecise,
    /// The value exceeds 92233720368.54775807.
    #[error("the value exceeds 92233720368.54775807")]
    TooLarge,
}

impl Price {
    /// Reads a price from decimal text, strictly.
    ///
    /// # Errors
    /// When `text` is not `digits[.digits]` with at most eight digits after the
    /// point and a value of at most 92233720368.54775807.
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        parse_units(text).map(Self)
    }
}

impl Quantity {
    /// Reads a quantity from decimal text, strictly.
    ///
    /// # Errors
    /// As for [`Price::parse`].
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        parse_units(text).map(Self)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_units(f, i128::from(self.0), FRACTION_DIGITS)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_units(f, i128::from(self.0), FRACTION_DIGITS)
    }
}

/// A decimal with a fixed number of fraction digits, for printing exact sums:
/// `Decimal { units, digits: 16 }` prints a turnover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// The value in units of ten to the power of minus `digits`.
    pub units: i128,
    /// How many digits stand after the point.
    pub digits: usize,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_units(f, self.units, self.digits)
    }
}

/// Reads `digits[.digits]` into units of 1e-8.
///
/// # Errors
/// See [`DecimalError`].
#[inline]
pub fn parse_units(text: &[u8]) -> Result<i64, DecimalError> {
    let mut value: u64 = 0;
    let mut index = 0;
    while index < text.len() {
        let digit = text[index].wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = push_digit(value, digit)?;
        index += 1;
    }
    if index == 0 {
        return Err(if text.first().is_none_or(|&byte| byte == b'.') {
            DecimalError::MissingDigit
        } else {
            DecimalError::NotADigit
        });
    }
    let mut scale_digits = FRACTION_DIGITS;
    if index < text.len() {
        if text[index] != b'.' {
            return Err(DecimalError::NotADigit);
        }
        let fraction = &text[index + 1..];
        if fraction.is_empty() {
            return Err(DecimalError::MissingDigit);
        }
        if let Some(&bad) = fraction.iter().find(|byte| !byte.is_ascii_digit()) {
            // `5.-1` and `5. 1` are not too precise, they are not numbers.
            debug_assert!(!bad.is_ascii_digit());
            return Err(DecimalError::NotADigit);
        }
        if fraction.len() > FRACTION_DIGITS {
            return Err(DecimalError::TooPrecise);
        }
        for &byte in fraction {
            value = push_digit(value, byte - b'0')?;
        }
        scale_digits -= fraction.len();
    }
    let units = value
        .checked_mul(POWERS_OF_TEN[scale_digits])
        .ok_or(DecimalError::TooLarge)?;
    i64::try_from(units).map_err(|_| DecimalError::TooLarge)
}

#[inline]
fn push_digit(value: u64, digit: u8) -> Result<u64, DecimalError> {
    value
        .checked_mul(10)
        .and_then(|value| value.checked_add(u64::from(digit)))
        .ok_or(DecimalError::TooLarge)
}

fn fmt_units(f: &mut fmt::Formatter<'_>, units: i128, digits: usize) -> fmt::Result {
    let sign = if units < 0 { "-" } else { "" };
    let scale = 10u128.pow(digits as u32);
    let magnitude = units.unsigned_abs();
    let text = format!("{sign}{}.{:0digits$}", magnitude / scale, magnitude % scale);
    f.pad(&text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_decimals_are_exact() {
        for (text, units) in [
            ("0", 0),
            ("0.0", 0),
            ("1", SCALE),
            ("0.00000001", 1),
            ("60000.39000000", 6_000_039_000_000),
            ("007.5", 750_000_000),
            ("92233720368.54775807", i64::MAX),
        ] {
            assert_eq!(parse_units(text.as_bytes()), Ok(units), "{text}");
        }
    }

    #[test]
    fn anything_else_is_an_error_and_never_a_wrong_number() {
        use DecimalError::{MissingDigit, NotADigit, TooLarge, TooPrecise};
        for (text, error) in [
            ("", MissingDigit),
            (".", MissingDigit),
            (".5", MissingDigit),
            ("5.", MissingDigit),
            ("-0.5", NotADigit),
            ("+1", NotADigit),
            ("1.-5", NotADigit),
            ("1e3", NotADigit),
            ("1.5e3", NotADigit),
            (" 1", NotADigit),
            ("1 ", NotADigit),
            ("1.2.3", NotADigit),
            ("NaN", NotADigit),
            ("1,5", NotADigit),
            ("1.123456789", TooPrecise),
            ("1.000000000", TooPrecise),
            ("92233720368.54775808", TooLarge),
            ("92233720369", TooLarge),
            ("18446744073709551616", TooLarge),
            ("99999999999999999999999999", TooLarge),
        ] {
            assert_eq!(parse_units(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(units in 0..=i64::MAX) {
            let text = Price(units).to_string();
            prop_assert_eq!(parse_units(text.as_bytes()), Ok(units));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_units(&bytes);
        }
    }

    #[test]
    fn sums_print_with_all_their_digits() {
        let turnover = Decimal {
            units: -10_000_000_000_000_001,
            digits: 16,
        };
        assert_eq!(turnover.to_string(), "-1.0000000000000001");
        assert_eq!(format!("{:>8}", Price(150_000_000)), "1.50000000");
        assert_eq!(format!("{:>12}", Price(150_000_000)), "  1.50000000");
    }
}
