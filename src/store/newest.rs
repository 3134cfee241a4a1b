//! The newest rows of any table, by name: how they are asked for, and what their times mean.
//!
//! A time is what its column says:
//!
//! ```text
//! DateTime, DateTime64      that moment
//! a number                  since 1970 UTC, in the unit that its size tells:
//!                           below 1e11 s, below 1e14 ms, below 1e17 µs, else ns
//! a text                    2026-01-02T03:04:05.678Z, with a space for the T as well;
//!                           in UTC when it names no offset; or a number
//! NULL                      not known
//! ```
//!
//! The sizes do not overlap: as seconds 1e11 is the year 5138, as ms it is 1973.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil, tz::TimeZone};

/// From this number on they are ms, …
const MS_FROM: u64 = 100_000_000_000;
/// … µs, …
const US_FROM: u64 = 100_000_000_000_000;
/// … or ns.
const NS_FROM: u64 = 100_000_000_000_000_000;

/// What the newest rows are looked for in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewestOf {
    /// A table or a view.
    Table {
        /// `table` or `database.table`; nothing in it has to be quoted.
        table: String,
        /// The column that dates a row.
        time_column: String,
        /// The column that names it. Without it all rows go by the name of the table.
        symbol_column: Option<String>,
        /// Rows that count, as the condition behind `WHERE`, in the SQL of the store.
        filter: Option<String>,
    },
    /// What a statement returns: a name and a time in each row.
    Query(String),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestQuery {
    /// Of what.
    pub of: NewestOf,
    /// How long the answer may take. The store then stops working on it, too.
    pub timeout: Duration,
    /// More rows than these are a failure.
    pub max_rows: usize,
}

/// The newest row of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestRow {
    /// The name.
    pub name: String,
    /// The newest time, in µs since 1970 UTC; none when there is none.
    pub time_us: Option<i64>,
}

/// Of several rows of one name the newest one; by name.
pub(super) fn newest_of_each(
    of: &NewestOf,
    rows: impl IntoIterator<Item = NewestRow>,
) -> Vec<NewestRow> {
    let mut newest: BTreeMap<String, Option<i64>> = BTreeMap::new();
    for row in rows {
        let name = match of {
            NewestOf::Table {
                table,
                symbol_column: None,
                ..
            } => table.clone(),
            _ => row.name,
        };
        let time_us = newest.entry(name).or_default();
        *time_us = (*time_us).max(row.time_us);
    }
    let row = |(name, time_us)| NewestRow { name, time_us };
    newest.into_iter().map(row).collect()
}

/// The statement of a table, with its names put in quotes by `quoted`.
pub(super) fn statement(of: &NewestOf, quoted: impl Fn(&str) -> String) -> String {
    match of {
        // What a comment at its end would swallow stands in a line of its own.
        NewestOf::Query(sql) => {
            let sql = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
            format!("{sql}\n")
        }
        NewestOf::Table {
            table,
            time_column,
            symbol_column,
            filter,
        } => {
            let name = symbol_column.as_deref().map_or("''".to_owned(), &quoted);
            let table: Vec<_> = table.splitn(2, '.').map(&quoted).collect();
            let mut sql = format!(
                "SELECT {name}, max({}) FROM {}",
                quoted(time_column),
                table.join(".")
            );
            if let Some(filter) = filter {
                sql.push_str(" WHERE (");
                sql.push_str(filter);
                sql.push_str("\n)");
            }
            if let Some(column) = symbol_column {
                sql.push_str(" GROUP BY ");
                sql.push_str(&quoted(column));
            }
            // The newest of no rows at all would be 1970.
            sql.push_str(" HAVING count(*) > 0");
            sql
        }
    }
}

/// A number since 1970 in µs: `whole` and `nanos` billionths of its unit.
pub(super) fn number_us(whole: i64, nanos: u32) -> i64 {
    let (whole, nanos) = (i128::from(whole), i128::from(nanos));
    let us = match whole.unsigned_abs() {
        size if size < u128::from(MS_FROM) => whole * 1_000_000 + nanos / 1_000,
        size if size < u128::from(US_FROM) => whole * 1_000 + nanos / 1_000_000,
        size if size < u128::from(NS_FROM) => whole,
        _ => whole / 1_000,
    };
    i64::try_from(us).unwrap_or(if us < 0 { i64::MIN } else { i64::MAX })
}

/// A text as µs since 1970.
pub(super) fn text_us(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Some((whole, nanos)) = decimal(text) {
        return Ok(number_us(whole, nanos));
    }
    let moment = text.parse::<Timestamp>().or_else(|_| {
        let local = text.parse::<civil::DateTime>()?;
        local.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    moment
        .map(Timestamp::as_microsecond)
        .map_err(|_| format!("'{}' is no time", shortened(text)))
}

/// `1767322800.25` as its whole part and billionths.
fn decimal(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let billionths = fraction.bytes().chain([b'0'; 9]).take(9);
    let nanos = billionths.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some((whole, nanos))
}

/// A value for a message.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN_CHARS: usize = 40;
    let mut short: String = text.chars().take(SHOWN_CHARS).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT_US: i64 = 1_767_322_800_250_000;

    #[test]
    fn the_size_of_a_number_tells_its_unit() {
        for (text, us) in [
            ("1767322800", 1_767_322_800_000_000),
            ("1767322800.25", MOMENT_US),
            ("1767322800250", MOMENT_US),
            ("1767322800250000", MOMENT_US),
            ("1767322800250000000", MOMENT_US),
            ("0", 0),
            ("-1", -1_000_000),
            ("99999999999", 99_999_999_999_000_000),
            ("100000000000", 100_000_000_000_000),
            ("9223372036854775807", 9_223_372_036_854_775),
        ] {
            assert_eq!(text_us(text), Ok(us), "{text}");
        }
    }

    #[test]
    fn a_text_is_a_moment_in_utc_unless_it_says_otherwise() {
        for text in [
            "2026-01-02T03:00:00.25Z",
            "2026-01-02 03:00:00.25",
            "2026-01-02T05:00:00.25+02:00",
            " 2026-01-02T03:00:00.250000000 ",
        ] {
            assert_eq!(text_us(text), Ok(MOMENT_US), "{text}");
        }
        assert_eq!(text_us("2026-01-02"), Ok(1_767_312_000_000_000));
        let error = text_us("yesterday").expect_err("no time");
        assert_eq!(error, "'yesterday' is no time");
        for text in ["", ".", "1.-5", "1e9", "NaN"] {
            assert!(text_us(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_quoted_and_a_comment_swallows_nothing() {
        let quoted = |name: &str| format!("<{name}>");
        let mut of = NewestOf::Table {
            table: "db.trades".to_owned(),
            time_column: "at".to_owned(),
            symbol_column: Some("symbol".to_owned()),
            filter: Some("x = 1 -- why".to_owned()),
        };
        assert_eq!(
            statement(&of, quoted),
            "SELECT <symbol>, max(<at>) FROM <db>.<trades> WHERE (x = 1 -- why\n) \
             GROUP BY <symbol> HAVING count(*) > 0"
        );
        if let NewestOf::Table {
            symbol_column,
            filter,
            ..
        } = &mut of
        {
            (*symbol_column, *filter) = (None, None);
        }
        assert_eq!(
            statement(&of, quoted),
            "SELECT '', max(<at>) FROM <db>.<trades> HAVING count(*) > 0"
        );
        let query = NewestOf::Query("SELECT 1, 2 ; \n".to_owned());
        assert_eq!(statement(&query, quoted), "SELECT 1, 2\n");
    }

    #[test]
    fn of_one_name_the_newest_row_counts() {
        let row = |name: &str, time_us| NewestRow {
            name: name.to_owned(),
            time_us,
        };
        let rows = [
            row("b", Some(1)),
            row("a", None),
            row("b", Some(3)),
            row("b", None),
        ];
        let query = NewestOf::Query(String::new());
        assert_eq!(
            newest_of_each(&query, rows.clone()),
            [row("a", None), row("b", Some(3))]
        );
        let table = NewestOf::Table {
            table: "trades".to_owned(),
            time_column: "at".to_owned(),
            symbol_column: None,
            filter: None,
        };
        assert_eq!(newest_of_each(&table, rows), [row("trades", Some(3))]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_column_holds_makes_it_panic(text in ".{0,40}", whole: i64, nanos in 0_u32..1_000_000_000) {
            let _ = text_us(&text);
            let _ = number_us(whole, nanos);
        }
    }
}
