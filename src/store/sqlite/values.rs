//! Values as they stand in the file, whatever they are: a column of SQLite may hold anything.

use rusqlite::{Row, types::ValueRef};

use super::{
    health::HEALTH_COLUMNS,
    insert::{EVENT_COLUMNS, GAP_COLUMNS},
    requests::REQUEST_COLUMNS,
    rows::PRICE_DIGITS,
    seals::SEAL_COLUMNS,
    workers::WORKER_COLUMNS,
};
use crate::domain::{
    price::Price,
    row::{BAR_COLUMNS, KEY_COLUMNS},
};

/// Reads the values of a row in the order of its columns.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    names: fn(usize) -> &'static str,
    next: usize,
}

/// A column that holds what cannot be, and why.
pub(super) type Fault = (&'static str, String);

impl<'a> Columns<'a> {
    /// The values of a bar, from the last one of its key on.
    pub(super) fn of_bar(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| BAR_COLUMNS.get(index).map_or("?", |column| column.name),
            next: KEY_COLUMNS - 1,
        }
    }

    /// The values of a gap.
    pub(super) fn of_gap(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| GAP_COLUMNS.get(index).copied().unwrap_or("?"),
            next: 0,
        }
    }

    /// The values of a row of health.
    pub(super) fn of_health(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| HEALTH_COLUMNS.get(index).copied().unwrap_or("?"),
            next: 0,
        }
    }

    /// The values of an event.
    pub(super) fn of_event(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| EVENT_COLUMNS.get(index).copied().unwrap_or("?"),
            next: 0,
        }
    }

    /// The values of a seal.
    pub(super) fn of_seal(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| SEAL_COLUMNS.get(index).copied().unwrap_or("?"),
            next: 0,
        }
    }

    /// The values of a request.
    pub(super) fn of_request(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| REQUEST_COLUMNS.get(index).copied().unwrap_or("?"),
            next: 0,
        }
    }

    /// The values of a worker.
    pub(super) fn of_worker(row: &'a Row<'a>) -> Self {
        Self {
            row,
            names: |index| WORKER_COLUMNS.get(index).copied().unwrap_or("?"),
            next: 0,
        }
    }

    /// The next value, read by `read`, which says what else it should be.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(ValueRef<'a>) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let (row, index) = (self.row, self.next);
        self.next += 1;
        row.get_ref(index)
            .map_err(|error| error.to_string())
            .and_then(read)
            .map_err(|reason| ((self.names)(index), reason))
    }

    pub(super) fn integer(&mut self) -> Result<i64, Fault> {
        self.read(integer_in)
    }

    /// A whole number, or NULL.
    pub(super) fn integer_if_any(&mut self) -> Result<Option<i64>, Fault> {
        self.read(|value| match value {
            ValueRef::Null => Ok(None),
            other => integer_in(other).map(Some),
        })
    }

    pub(super) fn count(&mut self) -> Result<u64, Fault> {
        self.read(|value| {
            let count = integer_in(value)?;
            u64::try_from(count).map_err(|_| format!("{count} is negative"))
        })
    }

    pub(super) fn small_count(&mut self) -> Result<u32, Fault> {
        self.read(|value| {
            let count = integer_in(value)?;
            u32::try_from(count).map_err(|_| format!("{count} is not between 0 and {}", u32::MAX))
        })
    }

    pub(super) fn float(&mut self) -> Result<f64, Fault> {
        self.read(|value| match value {
            ValueRef::Real(float) => Ok(float),
            ValueRef::Integer(integer) => Ok(integer as f64),
            other => Err(format!("{} is not a number", shown(other))),
        })
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        self.read(text_in)
    }

    pub(super) fn units(&mut self, digits: usize) -> Result<i128, Fault> {
        self.read(|value| units_of(value, digits))
    }

    pub(super) fn price(&mut self) -> Result<Price, Fault> {
        self.read(|value| {
            let units = units_of(value, PRICE_DIGITS)?;
            i64::try_from(units)
                .map(Price)
                .map_err(|_| format!("{} exceeds every price", shown(value)))
        })
    }
}

pub(super) fn integer_in(value: ValueRef<'_>) -> Result<i64, String> {
    match value {
        ValueRef::Integer(integer) => Ok(integer),
        other => Err(format!("{} is not a whole number", shown(other))),
    }
}

pub(super) fn text_in(value: ValueRef<'_>) -> Result<&str, String> {
    value
        .as_str()
        .map_err(|_| format!("{} is not a text", shown(value)))
}

fn units_of(value: ValueRef<'_>, digits: usize) -> Result<i128, String> {
    value
        .as_str()
        .ok()
        .and_then(|text| units_in(text, digits))
        .ok_or_else(|| {
            format!(
                "{} is not a decimal with {digits} digits after the point",
                shown(value)
            )
        })
}

/// The longest text that is repeated in a message.
const SHOWN_CHARS: usize = 40;

/// A value as it is shown to people.
pub(super) fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => format!("{real:?}"),
        ValueRef::Text(bytes) => {
            let text: String = String::from_utf8_lossy(bytes)
                .chars()
                .take(SHOWN_CHARS)
                .collect();
            format!("'{text}'")
        }
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    }
}

/// Reads `[-]digits.digits` with exactly `digits` digits after the point, as units of the
/// last one.
fn units_in(text: &str, digits: usize) -> Option<i128> {
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(magnitude) => (-1, magnitude),
        None => (1, text),
    };
    let (whole, fraction) = magnitude.split_once('.')?;
    if whole.is_empty() || fraction.len() != digits {
        return None;
    }
    // Downwards, because the lowest number has no positive counterpart.
    let mut units: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        units = units.checked_mul(10)?.checked_add(sign * digit)?;
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::sqlite::rows::decimal;

    #[test]
    fn only_the_text_that_is_written_is_read() {
        for text in [
            "",
            ".",
            "1",
            "1.0",
            "+1.00000000",
            "1.0000000x",
            "--1.00000000",
            ".00000000",
        ] {
            assert_eq!(units_in(text, 8), None, "{text:?}");
        }
        let too_large = format!("{}0.00000000", i128::MAX);
        assert_eq!(units_in(&too_large, 8), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(units in any::<i128>(), digits in 1usize..17) {
            prop_assert_eq!(units_in(&decimal(units, digits), digits), Some(units));
        }
    }
}
