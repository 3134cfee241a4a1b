//! What a row looks like in the file: whole µs, exact decimal text, plain words.

use std::sync::Arc;

use rusqlite::{Row, Statement, types::ValueRef};

use super::{
    errors::Failure,
    values::{Columns, Fault, integer_in, shown, text_in},
};
use crate::{
    domain::{
        bar::{Bar, ClosedByError},
        features::Features,
        price::Decimal,
        row::{
            BarRead, BarRow, EventRow, GapRead, GapRow, GapState, KEY_COLUMNS, Series, StoredBar,
            Table, TradeRow, UnreadableRow,
            stored::{ImpliedColumns, Place},
        },
        sums::{Side, Sums},
    },
    store::{
        names::{symbol, unreadable_bar},
        sink::StoreErrorKind::Content,
    },
};

/// How many digits of a price or quantity stand after the point.
pub(super) const PRICE_DIGITS: usize = 8;
/// How many digits of a turnover stand after the point.
const TURNOVER_DIGITS: usize = 16;

pub(super) fn decimal(units: impl Into<i128>, digits: usize) -> String {
    Decimal {
        units: units.into(),
        digits,
    }
    .to_string()
}

/// A number that SQLite's 64 bits with a sign can hold.
pub(super) fn integer(value: u64, column: &str) -> Result<i64, Failure> {
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

/// A bar of `series`, from the columns of `bars` in their order.
pub(super) fn bar(row: &Row<'_>, series: &Series) -> BarRead {
    read_bar(&mut Columns::of_bar(row), series).map_err(|(column, reason)| {
        let value = |index| row.get_ref(index).unwrap_or(ValueRef::Null);
        let integer = |index| integer_in(value(index)).ok();
        let first = KEY_COLUMNS - 1;
        let place = Place {
            series: series.clone(),
            first_id: integer(first),
            last_id: integer(first + 1),
            open_time_us: integer(first + 4),
        };
        unreadable_bar(series, shown(value(first)), place, column, reason)
    })
}

fn read_bar(columns: &mut Columns<'_>, series: &Series) -> Result<StoredBar, Fault> {
    // The fields stand in the order of the columns, which is the order of evaluation.
    let first_agg_trade_id = columns.integer()?;
    let last_agg_trade_id = columns.integer()?;
    let first_trade_id = columns.integer()?;
    let last_trade_id = columns.integer()?;
    let open_time_us = columns.integer()?;
    let close_time_us = columns.integer()?;
    let open = columns.price()?;
    let high = columns.price()?;
    let low = columns.price()?;
    let close = columns.price()?;
    let vwap = columns.price()?;
    let mut amounts = |digits| -> Result<[i128; 3], Fault> {
        Ok([
            columns.units(digits)?,
            columns.units(digits)?,
            columns.units(digits)?,
        ])
    };
    let [volume, buy_volume, sell_volume] = amounts(PRICE_DIGITS)?;
    let [turnover, buy_turnover, sell_turnover] = amounts(TURNOVER_DIGITS)?;
    let trade_count = columns.count()?;
    let buy = Side {
        volume: buy_volume,
        turnover: buy_turnover,
        trade_count: columns.count()?,
    };
    let sell = Side {
        volume: sell_volume,
        turnover: sell_turnover,
        trade_count: columns.count()?,
    };
    let sums = Sums::of_sides(buy, sell, columns.count()?);
    let duration_us = columns.integer()?;
    let features = Features {
        ofi: columns.float()?,
        vwap_close_deviation: columns.float()?,
        price_impact: columns.float()?,
        kyle_lambda_proxy: columns.float()?,
        trade_intensity: columns.float()?,
        volume_per_trade: columns.float()?,
        aggression_ratio: columns.float()?,
        aggregation_density: columns.float()?,
        turnover_imbalance: columns.float()?,
    };
    let closed_by = columns.read(|value| {
        text_in(value)?
            .parse()
            .map_err(|error: ClosedByError| error.to_string())
    })?;
    let version = columns.count()?;
    Ok(StoredBar {
        row: BarRow {
            exchange: Arc::clone(&series.exchange),
            symbol: series.symbol.clone(),
            anchor: series.anchor,
            bar: Bar {
                threshold: series.threshold,
                first_agg_trade_id,
                last_agg_trade_id,
                first_trade_id,
                last_trade_id,
                open_time_us,
                close_time_us,
                open,
                high,
                low,
                close,
                vwap,
                sums,
                features,
                closed_by,
            },
            version,
            is_deleted: columns.integer()? != 0,
        },
        implied: ImpliedColumns {
            volume,
            turnover,
            trade_count,
            duration_us,
        },
    })
}

/// An event, from the columns of `events` in their order.
pub(super) fn event(row: &Row<'_>) -> Result<EventRow, UnreadableRow> {
    read_event(&mut Columns::of_event(row)).map_err(|(column, reason)| {
        let key: Vec<_> = (0..4)
            .map(|index| shown(row.get_ref(index).unwrap_or(ValueRef::Null)))
            .collect();
        UnreadableRow {
            table: Table::Events,
            key: format!("({})", key.join(", ")),
            place: None,
            column,
            reason,
        }
    })
}

fn read_event(columns: &mut Columns<'_>) -> Result<EventRow, Fault> {
    Ok(EventRow {
        time_us: columns.integer()?,
        collector: columns.text()?.to_owned(),
        symbol: columns.text()?.to_owned(),
        code: columns.text()?.to_owned(),
        text: columns.text()?.to_owned(),
    })
}

/// A gap, from the columns of `gaps` in their order.
pub(super) fn gap(row: &Row<'_>) -> GapRead {
    read_gap(&mut Columns::of_gap(row)).map_err(|(column, reason)| {
        let key: Vec<_> = (0..4)
            .map(|index| shown(row.get_ref(index).unwrap_or(ValueRef::Null)))
            .collect();
        UnreadableRow {
            table: Table::Gaps,
            key: format!("({})", key.join(", ")),
            place: None,
            column,
            reason,
        }
    })
}

fn read_gap(columns: &mut Columns<'_>) -> Result<GapRow, Fault> {
    Ok(GapRow {
        exchange: columns.text()?.into(),
        symbol: columns.read(|value| symbol(text_in(value)?))?,
        first_id: columns.integer()?,
        last_id: columns.integer()?,
        found_at_us: columns.integer()?,
        cause: columns.text()?.to_owned(),
        state: columns.read(|value| match text_in(value)? {
            "open" => Ok(GapState::Open),
            "repaired" => Ok(GapState::Repaired),
            "absent" => Ok(GapState::Absent),
            other => Err(format!(
                "'{other}' is not a state: open, repaired, absent are"
            )),
        })?,
        proof: columns.text()?.to_owned(),
        version: columns.count()?,
    })
}
