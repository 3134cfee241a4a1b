//! What rows look like in ClickHouse's RowBinary: decimals as whole numbers of their
//! smallest unit, times as whole µs, enums as their numbers.
//!
//! The names of the fields are the names of the columns, and their order is the order in
//! which they are sent; the client compares both, and the types, with the table's.

use std::sync::Arc;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use serde_repr::{Deserialize_repr, Serialize_repr};

use crate::domain::{
    bar::{Bar, ClosedBy},
    features::Features,
    price::Price,
    row::{BarRow, EventRow, GapRow, GapState, Series, TradeRow},
    sums::{Side, Sums},
    symbol::Symbol,
};

/// A decimal in an `i64`, in units of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Decimal64(i64);

/// A decimal in an `i128`, in units of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Decimal128(i128);

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

#[derive(Debug, Clone, Copy, Serialize_repr, Deserialize_repr)]
#[repr(i8)]
pub(super) enum ClosedByCode {
    Breach = 1,
    Anchor = 2,
    Gap = 3,
}

impl From<ClosedBy> for ClosedByCode {
    fn from(closed_by: ClosedBy) -> Self {
        match closed_by {
            ClosedBy::Breach => Self::Breach,
            ClosedBy::Anchor => Self::Anchor,
            ClosedBy::Gap => Self::Gap,
        }
    }
}

impl From<ClosedByCode> for ClosedBy {
    fn from(code: ClosedByCode) -> Self {
        match code {
            ClosedByCode::Breach => Self::Breach,
            ClosedByCode::Anchor => Self::Anchor,
            ClosedByCode::Gap => Self::Gap,
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize_repr, Deserialize_repr)]
#[repr(i8)]
pub(super) enum GapStateCode {
    Open = 1,
    Repaired = 2,
    Absent = 3,
}

impl From<GapState> for GapStateCode {
    fn from(state: GapState) -> Self {
        match state {
            GapState::Open => Self::Open,
            GapState::Repaired => Self::Repaired,
            GapState::Absent => Self::Absent,
        }
    }
}

impl From<GapStateCode> for GapState {
    fn from(code: GapStateCode) -> Self {
        match code {
            GapStateCode::Open => Self::Open,
            GapStateCode::Repaired => Self::Repaired,
            GapStateCode::Absent => Self::Absent,
        }
    }
}

/// A row of `bars`.
#[derive(Debug, Row, Serialize, Deserialize)]
pub(super) struct BarRecord<'a> {
    pub(super) exchange: &'a str,
    pub(super) symbol: &'a str,
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
    closed_by: ClosedByCode,
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
            closed_by: bar.closed_by.into(),
            version: row.version,
            is_deleted: u8::from(row.is_deleted),
        }
    }
}

impl BarRecord<'_> {
    /// The row as a bar of `series`, which it was asked for by.
    pub(super) fn into_row(self, series: &Series) -> BarRow {
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
        BarRow {
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
                closed_by: self.closed_by.into(),
            },
            version: self.version,
            is_deleted: self.is_deleted != 0,
        }
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
    pub(super) symbol: &'a str,
    first_id: i64,
    last_id: i64,
    found_at: i64,
    cause: &'a str,
    state: GapStateCode,
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
            state: row.state.into(),
            proof: &row.proof,
            version: row.version,
        }
    }
}

impl GapRecord<'_> {
    /// The row as a gap of `symbol`, which is its own, parsed.
    pub(super) fn into_row(self, symbol: Symbol) -> GapRow {
        GapRow {
            exchange: self.exchange.into(),
            symbol,
            first_id: self.first_id,
            last_id: self.last_id,
            found_at_us: self.found_at,
            cause: self.cause.to_owned(),
            state: self.state.into(),
            proof: self.proof.to_owned(),
            version: self.version,
        }
    }
}

/// A row of `events`.
#[derive(Debug, Row, Serialize)]
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

/// What names a series.
#[derive(Debug, Row, Deserialize)]
pub(super) struct SeriesRecord {
    pub(super) exchange: String,
    pub(super) symbol: String,
    pub(super) threshold_decimal_bps: u32,
    pub(super) anchor: String,
}

#[cfg(test)]
mod tests {
    use clickhouse::Row;

    use super::*;
    use crate::store::schema::BAR_COLUMNS;

    #[test]
    fn a_bar_is_sent_in_the_order_of_the_table_s_columns() {
        assert_eq!(BarRecord::COLUMN_NAMES, BAR_COLUMNS);
    }
}
