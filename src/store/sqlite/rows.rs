//! What a row looks like in the file: whole µs, exact decimal text, plain words.

use std::{fmt::Display, str::FromStr, sync::Arc};

use rusqlite::{Row, Statement};

use super::errors::Failure;
use crate::{
    domain::{
        bar::Bar,
        features::Features,
        price::{Decimal, Price},
        row::{BarRow, EventRow, GapRow, GapState, Series, TradeRow},
        sums::{Side, Sums},
        symbol::Symbol,
        threshold::Threshold,
    },
    store::sink::StoreErrorKind::{Configuration, Content},
};

/// How many digits of a price or quantity stand after the point.
const PRICE_DIGITS: usize = 8;
/// How many digits of a turnover stand after the point.
const TURNOVER_DIGITS: usize = 16;

fn decimal(units: impl Into<i128>, digits: usize) -> String {
    Decimal {
        units: units.into(),
        digits,
    }
    .to_string()
}

/// A number that SQLite's 64 bits with a sign can hold.
fn integer(value: u64, column: &str) -> Result<i64, Failure> {
    i64::try_from(value)
        .map_err(|_| Failure::new(Content, format!("{column} {value} is too large for SQLite")))
}

/// Puts one bar in, or in the place of an older version of it.
pub(super) fn put_bar(statement: &mut Statement<'_>, row: &BarRow) -> Result<(), Failure> {
    let Bar { sums, features, .. } = &row.bar;
    let bar = &row.bar;
    statement.execute(rusqlite::params![
        &*row.exchange,
        row.symbol.as_str(),
        bar.threshold.dbps(),
        row.anchor.as_str(),
        bar.first_agg_trade_id,
        bar.last_agg_trade_id,
        bar.first_trade_id,
        bar.last_trade_id,
        bar.open_time_us,
        bar.close_time_us,
        bar.open.to_string(),
        bar.high.to_string(),
        bar.low.to_string(),
        bar.close.to_string(),
        bar.vwap.to_string(),
        decimal(sums.volume(), PRICE_DIGITS),
        decimal(sums.buy_volume(), PRICE_DIGITS),
        decimal(sums.sell_volume(), PRICE_DIGITS),
        decimal(sums.turnover(), TURNOVER_DIGITS),
        decimal(sums.buy_turnover(), TURNOVER_DIGITS),
        decimal(sums.sell_turnover(), TURNOVER_DIGITS),
        integer(sums.trade_count(), "trade_count")?,
        integer(sums.buy_trade_count(), "buy_trade_count")?,
        integer(sums.sell_trade_count(), "sell_trade_count")?,
        integer(sums.agg_trade_count(), "agg_trade_count")?,
        bar.duration_us(),
        features.ofi,
        features.vwap_close_deviation,
        features.price_impact,
        features.kyle_lambda_proxy,
        features.trade_intensity,
        features.volume_per_trade,
        features.aggression_ratio,
        features.aggregation_density,
        features.turnover_imbalance,
        bar.closed_by.as_str(),
        integer(row.version, "version")?,
        row.is_deleted,
    ])?;
    Ok(())
}

/// Puts one trade in, or in the place of an older version of it.
pub(super) fn put_trade(statement: &mut Statement<'_>, row: &TradeRow) -> Result<(), Failure> {
    let trade = &row.trade;
    statement.execute(rusqlite::params![
        &*row.exchange,
        row.symbol.as_str(),
        trade.id,
        trade.price.to_string(),
        trade.quantity.to_string(),
        trade.first_trade_id,
        trade.last_trade_id,
        trade.time_us,
        trade.buyer_is_maker,
        integer(row.version, "version")?,
    ])?;
    Ok(())
}

/// Puts one gap in, or in the place of an older version of it.
pub(super) fn put_gap(statement: &mut Statement<'_>, row: &GapRow) -> Result<(), Failure> {
    statement.execute(rusqlite::params![
        &*row.exchange,
        row.symbol.as_str(),
        row.first_id,
        row.last_id,
        row.found_at_us,
        row.cause,
        row.state.as_str(),
        row.proof,
        integer(row.version, "version")?,
    ])?;
    Ok(())
}

/// Adds one event.
pub(super) fn put_event(statement: &mut Statement<'_>, row: &EventRow) -> Result<(), Failure> {
    statement.execute(rusqlite::params![
        row.time_us,
        row.collector,
        row.symbol,
        row.code,
        row.text,
    ])?;
    Ok(())
}

/// A value that is there but cannot be.
fn damaged(column: &str, reason: &dyn Display) -> Failure {
    Failure::new(
        Configuration,
        format!("the file holds a row whose {column} cannot be: {reason}"),
    )
}

fn text_of(row: &Row<'_>, index: usize) -> Result<String, Failure> {
    Ok(row.get(index)?)
}

fn parsed<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    index: usize,
    column: &str,
) -> Result<T, Failure> {
    text_of(row, index)?
        .parse()
        .map_err(|error| damaged(column, &error))
}

fn units(row: &Row<'_>, index: usize, digits: usize, column: &str) -> Result<i128, Failure> {
    let text = text_of(row, index)?;
    units_in(&text, digits).ok_or_else(|| {
        damaged(
            column,
            &format_args!("'{text}' is not a decimal of {digits} digits"),
        )
    })
}

fn price(row: &Row<'_>, index: usize, column: &str) -> Result<Price, Failure> {
    let units = units(row, index, PRICE_DIGITS, column)?;
    i64::try_from(units)
        .map(Price)
        .map_err(|error| damaged(column, &error))
}

fn count(row: &Row<'_>, index: usize, column: &str) -> Result<u64, Failure> {
    let value: i64 = row.get(index)?;
    u64::try_from(value).map_err(|error| damaged(column, &error))
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

/// A bar of `series`, from the columns of `bars` in their order.
pub(super) fn bar(row: &Row<'_>, series: &Series) -> Result<BarRow, Failure> {
    let buy = Side {
        volume: units(row, 16, PRICE_DIGITS, "buy_volume")?,
        turnover: units(row, 19, TURNOVER_DIGITS, "buy_turnover")?,
        trade_count: count(row, 22, "buy_trade_count")?,
    };
    let sell = Side {
        volume: units(row, 17, PRICE_DIGITS, "sell_volume")?,
        turnover: units(row, 20, TURNOVER_DIGITS, "sell_turnover")?,
        trade_count: count(row, 23, "sell_trade_count")?,
    };
    Ok(BarRow {
        exchange: Arc::clone(&series.exchange),
        symbol: series.symbol.clone(),
        anchor: series.anchor,
        bar: Bar {
            threshold: series.threshold,
            first_agg_trade_id: row.get(4)?,
            last_agg_trade_id: row.get(5)?,
            first_trade_id: row.get(6)?,
            last_trade_id: row.get(7)?,
            open_time_us: row.get(8)?,
            close_time_us: row.get(9)?,
            open: price(row, 10, "open")?,
            high: price(row, 11, "high")?,
            low: price(row, 12, "low")?,
            close: price(row, 13, "close")?,
            vwap: price(row, 14, "vwap")?,
            sums: Sums::of_sides(buy, sell, count(row, 24, "agg_trade_count")?),
            features: Features {
                ofi: row.get(26)?,
                vwap_close_deviation: row.get(27)?,
                price_impact: row.get(28)?,
                kyle_lambda_proxy: row.get(29)?,
                trade_intensity: row.get(30)?,
                volume_per_trade: row.get(31)?,
                aggression_ratio: row.get(32)?,
                aggregation_density: row.get(33)?,
                turnover_imbalance: row.get(34)?,
            },
            closed_by: parsed(row, 35, "closed_by")?,
        },
        version: count(row, 36, "version")?,
        is_deleted: row.get(37)?,
    })
}

/// A series, from exchange, symbol, threshold and anchor.
pub(super) fn series(row: &Row<'_>) -> Result<Series, Failure> {
    let threshold: u32 = row.get(2)?;
    Ok(Series {
        exchange: text_of(row, 0)?.into(),
        symbol: symbol(row, 1)?,
        threshold: Threshold::new(threshold)
            .map_err(|error| damaged("threshold_decimal_bps", &error))?,
        anchor: parsed(row, 3, "anchor")?,
    })
}

/// A symbol that is spelt as ours are: another spelling would not be found again.
fn symbol(row: &Row<'_>, index: usize) -> Result<Symbol, Failure> {
    let text = text_of(row, index)?;
    match text.parse::<Symbol>() {
        Ok(symbol) if symbol.as_str() == text => Ok(symbol),
        Ok(_) => Err(damaged(
            "symbol",
            &format_args!("'{text}' is not in upper case"),
        )),
        Err(error) => Err(damaged("symbol", &error)),
    }
}

/// A gap, from the columns of `gaps` in their order.
pub(super) fn gap(row: &Row<'_>) -> Result<GapRow, Failure> {
    let state = match text_of(row, 6)?.as_str() {
        "open" => GapState::Open,
        "repaired" => GapState::Repaired,
        "absent" => GapState::Absent,
        other => return Err(damaged("state", &format_args!("'{other}'"))),
    };
    Ok(GapRow {
        exchange: text_of(row, 0)?.into(),
        symbol: symbol(row, 1)?,
        first_id: row.get(2)?,
        last_id: row.get(3)?,
        found_at_us: row.get(4)?,
        cause: row.get(5)?,
        state,
        proof: row.get(7)?,
        version: count(row, 8, "version")?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::schema::BAR_COLUMNS;

    #[test]
    fn the_columns_are_read_where_they_stand() {
        let at = |name| BAR_COLUMNS.iter().position(|column| *column == name);
        for (index, name) in [
            (4, "first_agg_trade_id"),
            (10, "open"),
            (14, "vwap"),
            (16, "buy_volume"),
            (17, "sell_volume"),
            (19, "buy_turnover"),
            (20, "sell_turnover"),
            (22, "buy_trade_count"),
            (24, "agg_trade_count"),
            (26, "ofi"),
            (34, "turnover_imbalance"),
            (35, "closed_by"),
            (37, "is_deleted"),
        ] {
            assert_eq!(at(name), Some(index), "{name}");
        }
    }

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
