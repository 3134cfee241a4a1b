//! What rows look like in ClickHouse's RowBinary: decimals as whole numbers of their
//! smallest unit, times as whole µs, enums as their numbers.
//!
//! The names of the fields are the names of the columns, and their order is the order in
//! which they are sent; the client compares both, and the types, with the table's.

use std::sync::Arc;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        bar::{Bar, ClosedBy},
        features::Features,
        price::Price,
        row::{
            BarRead, BarRow, EventRow, GapRead, GapRow, GapState, Series, StoredBar, Table,
            TradeRow, UnreadableRow,
            stored::{ImpliedColumns, Place},
        },
        sums::{Side, Sums},
    },
    store::{
        names::{SeriesNames, symbol, unreadable_bar},
        sink::SymbolIds,
    },
};

/// A decimal in an `i64`, in units of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Decimal64(i64);

/// A decimal in an `i128`, in units of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Decimal128(pub i128);

impl From<Price> for Decimal64 {
    fn from(price: Price) -> Self {
        Self(price.0)
    }
}

impl From<Decimal64> for Price {
    fn from(decimal: Decimal64) -> Self {
        Self(decimal.0)
    }
}

/// The numbers of the enum `closed_by`.
const CLOSED_BY: [(i8, ClosedBy); 3] = [
    (1, ClosedBy::Breach),
    (2, ClosedBy::Anchor),
    (3, ClosedBy::Gap),
];

/// The numbers of the enum `state`.
const GAP_STATES: [(i8, GapState); 3] = [
    (1, GapState::Open),
    (2, GapState::Repaired),
    (3, GapState::Absent),
];

pub(super) fn number_of<T: PartialEq>(values: &[(i8, T)], wanted: &T) -> i8 {
    let found = values.iter().find(|(_, value)| value == wanted);
    // 0 is in no enum here, so the server would refuse it.
    found.map_or(0, |(number, _)| *number)
}

/// A table whose enum was changed may hold more numbers than we know.
pub(super) fn value_of<T: Copy>(values: &[(i8, T)], number: i8) -> Result<T, String> {
    let found = values.iter().find(|(known, _)| *known == number);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("{number} is not a number of this enum"))
}

/// A row of `bars`, as it travels.
#[derive(Debug, Row, Serialize, Deserialize)]
pub struct BarRecord<'a> {
    exchange: &'a str,
    symbol: &'a str,
    threshold_decimal_bps: u32,
    anchor: &'a str,
    first_agg_trade_id: i64,
    last_agg_trade_id: i64,
    first_trade_id: i64,
    last_trade_id: i64,
    open_time: i64,
    close_time: i64,
    open: Decimal64,
    high: Decimal64,
    low: Decimal64,
    close: Decimal64,
    vwap: Decimal64,
    volume: Decimal128,
    buy_volume: Decimal128,
    sell_volume: Decimal128,
    turnover: Decimal128,
    buy_turnover: Decimal128,
    sell_turnover: Decimal128,
    trade_count: u64,
    buy_trade_count: u64,
    sell_trade_count: u64,
    agg_trade_count: u64,
    duration_us: i64,
    ofi: f64,
    vwap_close_deviation: f64,
    price_impact: f64,
    kyle_lambda_proxy: f64,
    trade_intensity: f64,
    volume_per_trade: f64,
    aggression_ratio: f64,
    aggregation_density: f64,
    turnover_imbalance: f64,
    closed_by: i8,
    version: u64,
    is_deleted: u8,
}

impl<'a> From<&'a BarRow> for BarRecord<'a> {
    fn from(row: &'a BarRow) -> Self {
        let BarRow { bar, .. } = row;
        let Bar { sums, features, .. } = bar;
        Self {
            exchange: &row.exchange,
            symbol: row.symbol.as_str(),
            threshold_decimal_bps: bar.threshold.dbps(),
            anchor: row.anchor.as_str(),
            first_agg_trade_id: bar.first_agg_trade_id,
            last_agg_trade_id: bar.last_agg_trade_id,
            first_trade_id: bar.first_trade_id,
            last_trade_id: bar.last_trade_id,
            open_time: bar.open_time_us,
            close_time: bar.close_time_us,
            open: bar.open.into(),
            high: bar.high.into(),
            low: bar.low.into(),
            close: bar.close.into(),
            vwap: bar.vwap.into(),
            volume: Decimal128(sums.volume()),
            buy_volume: Decimal128(sums.buy_volume()),
            sell_volume: Decimal128(sums.sell_volume()),
            turnover: Decimal128(sums.turnover()),
            buy_turnover: Decimal128(sums.buy_turnover()),
            sell_turnover: Decimal128(sums.sell_turnover()),
            trade_count: sums.trade_count(),
            buy_trade_count: sums.buy_trade_count(),
            sell_trade_count: sums.sell_trade_count(),
            agg_trade_count: sums.agg_trade_count(),
            duration_us: bar.duration_us(),
            ofi: features.ofi,
            vwap_close_deviation: features.vwap_close_deviation,
            price_impact: features.price_impact,
            kyle_lambda_proxy: features.kyle_lambda_proxy,
            trade_intensity: features.trade_intensity,
            volume_per_trade: features.volume_per_trade,
            aggression_ratio: features.aggression_ratio,
            aggregation_density: features.aggregation_density,
            turnover_imbalance: features.turnover_imbalance,
            closed_by: number_of(&CLOSED_BY, &bar.closed_by),
            version: row.version,
            is_deleted: u8::from(row.is_deleted),
        }
    }
}

impl BarRecord<'_> {
    /// The row as a bar of `series`, which it was asked for by.
    pub(super) fn into_read(self, series: &Series) -> BarRead {
        let closed_by = value_of(&CLOSED_BY, self.closed_by).map_err(|reason| {
            let place = Place {
                series: series.clone(),
                first_id: Some(self.first_agg_trade_id),
                last_id: Some(self.last_agg_trade_id),
                open_time_us: Some(self.open_time),
            };
            unreadable_bar(series, self.first_agg_trade_id, place, "closed_by", reason)
        })?;
        let buy = Side {
            volume: self.buy_volume.0,
            turnover: self.buy_turnover.0,
            trade_count: self.buy_trade_count,
        };
        let sell = Side {
            volume: self.sell_volume.0,
            turnover: self.sell_turnover.0,
            trade_count: self.sell_trade_count,
        };
        let row = BarRow {
            exchange: Arc::clone(&series.exchange),
            symbol: series.symbol.clone(),
            anchor: series.anchor,
            bar: Bar {
                threshold: series.threshold,
                first_agg_trade_id: self.first_agg_trade_id,
                last_agg_trade_id: self.last_agg_trade_id,
                first_trade_id: self.first_trade_id,
                last_trade_id: self.last_trade_id,
                open_time_us: self.open_time,
                close_time_us: self.close_time,
                open: self.open.into(),
                high: self.high.into(),
                low: self.low.into(),
                close: self.close.into(),
                vwap: self.vwap.into(),
                sums: Sums::of_sides(buy, sell, self.agg_trade_count),
                features: Features {
                    ofi: self.ofi,
                    vwap_close_deviation: self.vwap_close_deviation,
                    price_impact: self.price_impact,
                    kyle_lambda_proxy: self.kyle_lambda_proxy,
                    trade_intensity: self.trade_intensity,
                    volume_per_trade: self.volume_per_trade,
                    aggression_ratio: self.aggression_ratio,
                    aggregation_density: self.aggregation_density,
                    turnover_imbalance: self.turnover_imbalance,
                },
                closed_by,
            },
            version: self.version,
            is_deleted: self.is_deleted != 0,
        };
        let implied = ImpliedColumns {
            volume: self.volume.0,
            turnover: self.turnover.0,
            trade_count: self.trade_count,
            duration_us: self.duration_us,
        };
        Ok(StoredBar { row, implied })
    }
}

/// A row of `trades`.
#[derive(Debug, Row, Serialize)]
pub(super) struct TradeRecord<'a> {
    exchange: &'a str,
    symbol: &'a str,
    agg_trade_id: i64,
    price: Decimal64,
    quantity: Decimal64,
    first_trade_id: i64,
    last_trade_id: i64,
    trade_time: i64,
    buyer_is_maker: bool,
    version: u64,
}

impl<'a> From<&'a TradeRow> for TradeRecord<'a> {
    fn from(row: &'a TradeRow) -> Self {
        let trade = &row.trade;
        Self {
            exchange: &row.exchange,
            symbol: row.symbol.as_str(),
            agg_trade_id: trade.id,
            price: trade.price.into(),
            quantity: Decimal64(trade.quantity.0),
            first_trade_id: trade.first_trade_id,
            last_trade_id: trade.last_trade_id,
            trade_time: trade.time_us,
            buyer_is_maker: trade.buyer_is_maker,
            version: row.version,
        }
    }
}

/// A row of `gaps`.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct GapRecord<'a> {
    exchange: &'a str,
    symbol: &'a str,
    first_id: i64,
    last_id: i64,
    found_at: i64,
    cause: &'a str,
    state: i8,
    proof: &'a str,
    version: u64,
}

impl<'a> From<&'a GapRow> for GapRecord<'a> {
    fn from(row: &'a GapRow) -> Self {
        Self {
            exchange: &row.exchange,
            symbol: row.symbol.as_str(),
            first_id: row.first_id,
            last_id: row.last_id,
            found_at: row.found_at_us,
            cause: &row.cause,
            state: number_of(&GAP_STATES, &row.state),
            proof: &row.proof,
            version: row.version,
        }
    }
}

impl GapRecord<'_> {
    /// The row as a gap.
    pub(super) fn into_read(self) -> GapRead {
        let unreadable = |column, reason| UnreadableRow {
            table: Table::Gaps,
            key: format!(
                "({}, {}, {}, {})",
                self.exchange, self.symbol, self.first_id, self.last_id
            ),
            place: None,
            column,
            reason,
        };
        Ok(GapRow {
            exchange: self.exchange.into(),
            symbol: symbol(self.symbol).map_err(|reason| unreadable("symbol", reason))?,
            first_id: self.first_id,
            last_id: self.last_id,
            found_at_us: self.found_at,
            cause: self.cause.to_owned(),
            state: value_of(&GAP_STATES, self.state)
                .map_err(|reason| unreadable("state", reason))?,
            proof: self.proof.to_owned(),
            version: self.version,
        })
    }
}

/// A row of `events`.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct EventRecord<'a> {
    time: i64,
    collector: &'a str,
    symbol: &'a str,
    code: &'a str,
    text: &'a str,
}

impl<'a> From<&'a EventRow> for EventRecord<'a> {
    fn from(row: &'a EventRow) -> Self {
        Self {
            time: row.time_us,
            collector: &row.collector,
            symbol: &row.symbol,
            code: &row.code,
            text: &row.text,
        }
    }
}

impl From<EventRecord<'_>> for EventRow {
    fn from(record: EventRecord<'_>) -> Self {
        Self {
            time_us: record.time,
            collector: record.collector.to_owned(),
            symbol: record.symbol.to_owned(),
            code: record.code.to_owned(),
            text: record.text.to_owned(),
        }
    }
}

/// The ids that the bars of a symbol reach over.
#[derive(Debug, Row, Deserialize)]
pub(super) struct IdsRecord {
    exchange: String,
    symbol: String,
    first_id: i64,
    last_id: i64,
}

impl From<IdsRecord> for SymbolIds {
    fn from(record: IdsRecord) -> Self {
        Self {
            exchange: record.exchange,
            symbol: record.symbol,
            first_id: record.first_id,
            last_id: record.last_id,
        }
    }
}

/// What names a series.
#[derive(Debug, Row, Deserialize)]
pub(super) struct SeriesRecord {
    exchange: String,
    symbol: String,
    threshold_decimal_bps: u32,
    anchor: String,
}

impl From<SeriesRecord> for SeriesNames {
    fn from(record: SeriesRecord) -> Self {
        Self {
            exchange: record.exchange,
            symbol: record.symbol,
            threshold: record.threshold_decimal_bps.to_string(),
            anchor: record.anchor,
        }
    }
}

#[cfg(test)]
mod tests {
    use clickhouse::Row;

    use super::*;
    use crate::domain::row::bar_column_names;

    #[test]
    fn a_bar_is_sent_in_the_order_of_the_table_s_columns() {
        let names: Vec<_> = bar_column_names().collect();
        assert_eq!(BarRecord::COLUMN_NAMES, names);
    }

    #[test]
    fn a_number_that_no_enum_of_ours_has_is_told() {
        for (number, closed_by) in CLOSED_BY {
            assert_eq!(number_of(&CLOSED_BY, &closed_by), number);
            assert_eq!(value_of(&CLOSED_BY, number), Ok(closed_by));
        }
        assert!(value_of(&CLOSED_BY, 4).is_err_and(|reason| reason.contains('4')));
        assert!(value_of(&GAP_STATES, 0).is_err());
    }
}
