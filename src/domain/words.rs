//! Ids, counts and spans of time as words in a sentence.

use std::{fmt::Display, time::Duration};

/// Ids of trades with their noun: `trade 5`, `trades 5 to 9`.
#[must_use]
pub fn trade_ids(first_id: i64, last_id: i64) -> String {
    if first_id == last_id {
        format!("trade {first_id}")
    } else {
        format!("trades {first_id} to {last_id}")
    }
}

/// A noun that is given for one, after `count`: `trade`, `trades`, `batches`, `series`.
#[must_use]
pub fn noun(count: impl Into<i128>, singular: &str) -> String {
    let ending = match singular {
        _ if count.into() == 1 => "",
        _ if singular.ends_with("series") => "",
        _ if singular.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{singular}{ending}")
}

/// Several things in a row: `250, 500`.
#[must_use]
pub fn list(items: &[impl Display]) -> String {
    let texts: Vec<_> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// A span of time for people: in whole seconds, below one second in ms. A negative one is
/// none.
#[must_use]
pub fn span(us: i64) -> String {
    let us = u64::try_from(us).unwrap_or(0);
    let whole = match us {
        0..1_000 => Duration::ZERO,
        1_000..1_000_000 => Duration::from_millis(us / 1_000),
        _ => Duration::from_secs(us / 1_000_000),
    };
    humantime::format_duration(whole).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_no_more_digits_than_a_person_wants() {
        assert_eq!(span(425_999_999), "7m 5s");
        assert_eq!(span(1_999_999), "1s");
        assert_eq!(span(1_500), "1ms");
        assert_eq!(span(999), "0s");
        assert_eq!(span(i64::MIN), "0s");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(noun(1, "finding"), "finding");
        assert_eq!(noun(0, "finding"), "findings");
        assert_eq!(noun(2, "batch"), "batches");
        assert_eq!(noun(2, "series"), "series");
        assert_eq!(trade_ids(5, 5), "trade 5");
        assert_eq!(trade_ids(5, 6), "trades 5 to 6");
    }
}
