//! Bars of one series as a table.

use jiff::Timestamp;

use crate::{
    domain::{bar::Bar, row::BarRow},
    report::{
        style,
        table::{Column, Table, grouped},
    },
};

/// How many digits of a price are shown at most, zeros in front not counted.
const PRICE_DIGITS: usize = 9;

/// The same for a volume, where fewer matter.
const VOLUME_DIGITS: usize = 7;

/// The most digits after the point.
const FRACTION_DIGITS: usize = 8;

/// A heading and the bars of one series, in at most `width` characters where possible.
pub(super) fn lines(rows: &[BarRow], width: usize, has_color: bool) -> Vec<String> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let prices = |bar: &Bar| [bar.open, bar.high, bar.low, bar.close].map(|p| i128::from(p.0));
    let bars = || rows.iter().map(|row| &row.bar);
    let price_digits = fraction_digits(bars().flat_map(prices), PRICE_DIGITS);
    let volume_digits = fraction_digits(bars().map(|bar| bar.sums.volume()), VOLUME_DIGITS);
    let mut table = Table::new(vec![
        Column::words("opened (UTC)"),
        Column::number("first id").ranked(5),
        Column::number("open"),
        Column::number("high").ranked(2),
        Column::number("low").ranked(1),
        Column::number("close"),
        Column::number("volume").ranked(3),
        Column::number("trades").ranked(4),
        Column::words("by"),
    ]);
    for bar in bars() {
        let price = |price| rounded(price, price_digits);
        let [open, high, low, close] = prices(bar).map(price);
        table.push(vec![
            opened(bar.open_time_us),
            bar.first_agg_trade_id.to_string(),
            open,
            high,
            low,
            close,
            rounded(bar.sums.volume(), volume_digits),
            grouped(bar.sums.agg_trade_count()),
            bar.closed_by.to_string(),
        ]);
    }
    let heading = format!(
        "{}  {} dbps ({})  {}  {}",
        first.symbol,
        first.bar.threshold,
        percent(first.bar.threshold.dbps()),
        first.anchor,
        first.exchange
    );
    let mut lines = vec![style::bold(&heading, has_color)];
    lines.extend(table.lines(width));
    lines
}

/// The time to the second.
fn opened(time_us: i64) -> String {
    Timestamp::from_microsecond(time_us).map_or_else(
        |_| time_us.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Decimal basis points as a percentage: 1 dbps is 0.001 %.
fn percent(dbps: u32) -> String {
    let text = format!("{}.{:03}", dbps / 1000, dbps % 1000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// How many digits after the point all of `values` (in 1e-8) need, within `digits`
/// digits in all for the largest.
fn fraction_digits(values: impl Iterator<Item = i128> + Clone, digits: usize) -> usize {
    let needed = values
        .clone()
        .map(|value| {
            let fraction = format!("{:08}", value.unsigned_abs() % 100_000_000);
            fraction.trim_end_matches('0').len()
        })
        .max()
        .unwrap_or(0);
    let whole = values
        .map(|value| match value.unsigned_abs() / 100_000_000 {
            0 => 0,
            whole => whole.to_string().len(),
        })
        .max()
        .unwrap_or(0);
    needed
        .min(digits.saturating_sub(whole))
        .min(FRACTION_DIGITS)
}

/// `units` of 1e-8, rounded to `digits` after the point.
fn rounded(units: i128, digits: usize) -> String {
    let step = 10u128.pow((FRACTION_DIGITS - digits.min(FRACTION_DIGITS)) as u32);
    let steps = (units.unsigned_abs() + step / 2) / step;
    let scale = 10u128.pow(digits as u32);
    let sign = if units < 0 && steps > 0 { "-" } else { "" };
    if digits == 0 {
        format!("{sign}{steps}")
    } else {
        format!("{sign}{}.{:0digits$}", steps / scale, steps % scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_matter() {
        let digits = |values: &[i128]| fraction_digits(values.iter().copied(), PRICE_DIGITS);
        assert_eq!(digits(&[6_000_000_000_000, 6_000_039_000_000]), 2);
        assert_eq!(digits(&[5_001_400_859_087]), 4);
        assert_eq!(digits(&[399]), 8);
        assert_eq!(digits(&[300_000_000]), 0);
        assert_eq!(digits(&[]), 0);
    }

    #[test]
    fn rounding_is_to_the_nearest_digit_shown() {
        assert_eq!(rounded(5_001_400_859_087, 4), "50014.0086");
        assert_eq!(rounded(99_999_999, 0), "1");
        assert_eq!(rounded(-50_000_001, 2), "-0.50");
        assert_eq!(rounded(-1, 2), "0.00");
        assert_eq!(rounded(399, 8), "0.00000399");
    }

    #[test]
    fn thresholds_read_as_percentages() {
        assert_eq!(percent(250), "0.25 %");
        assert_eq!(percent(1), "0.001 %");
        assert_eq!(percent(100_000), "100 %");
    }
}
