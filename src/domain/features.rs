//! The figures that a bar is summarised by, bit-exact.
//!
//! The order of the floating-point operations is part of the definition: two
//! builders that follow it make the same bits. Raw integers in 1e-8 become f64 by
//! one division by 1e8.

use serde::{Deserialize, Serialize};

use super::bar::Bar;

/// 2^-52: what is not above it counts as nothing.
const EPSILON: f64 = f64::EPSILON;

/// The highest aggression ratio; also the ratio of a bar without sells.
const MAX_AGGRESSION: f64 = 100.0;

/// The features of one closed bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Order-flow imbalance: (buy − sell volume) over their sum, −1 to 1.
    pub ofi: f64,
    /// (close − vwap) over (high − low).
    pub vwap_close_deviation: f64,
    /// |close − open| per unit of volume.
    pub price_impact: f64,
    /// Relative price change per unit of order-flow imbalance.
    pub kyle_lambda_proxy: f64,
    /// Individual trades per second; the count itself for a bar without duration.
    pub trade_intensity: f64,
    /// Volume per individual trade.
    pub volume_per_trade: f64,
    /// Buy trades over sell trades, at most 100.
    pub aggression_ratio: f64,
    /// Individual trades per aggregate trade.
    pub aggregation_density: f64,
    /// (buy − sell turnover) over their sum, −1 to 1.
    pub turnover_imbalance: f64,
}

impl Features {
    /// Computes the features of a bar from its other fields.
    #[must_use]
    pub fn of(bar: &Bar) -> Self {
        let sums = &bar.sums;
        let buy_volume = from_units(sums.buy_volume());
        let sell_volume = from_units(sums.sell_volume());
        let volume = from_units(sums.volume());
        let open = from_units(i128::from(bar.open.0));
        let high = from_units(i128::from(bar.high.0));
        let low = from_units(i128::from(bar.low.0));
        let close = from_units(i128::from(bar.close.0));
        let vwap = from_units(i128::from(bar.vwap.0));
        let trades = sums.trade_count() as f64;

        let total = buy_volume + sell_volume;
        let reciprocal = if total > EPSILON { 1.0 / total } else { 0.0 };
        let ofi = (buy_volume - sell_volume) * reciprocal;

        let range = high - low;
        let vwap_close_deviation = if range > EPSILON {
            (close - vwap) / range
        } else {
            0.0
        };

        let price_impact = if volume > EPSILON {
            (close - open).abs() / volume
        } else {
            0.0
        };

        let kyle_lambda_proxy = if ofi.abs() > EPSILON && open.abs() > EPSILON {
            ((close - open) / open.abs()) / ofi
        } else {
            0.0
        };

        let seconds = bar.duration_us() as f64 * 1e-6;
        let trade_intensity = if seconds > EPSILON {
            trades * (1.0 / seconds)
        } else {
            trades
        };

        let buys = sums.buy_trade_count() as f64;
        let sells = sums.sell_trade_count() as f64;
        let aggression_ratio = if sums.sell_trade_count() > 0 {
            (buys / sells).min(MAX_AGGRESSION)
        } else if sums.buy_trade_count() > 0 {
            MAX_AGGRESSION
        } else {
            1.0
        };

        let turnover = sums.turnover();
        let turnover_imbalance = if turnover == 0 {
            0.0
        } else {
            (f64_of(sums.buy_turnover()) - f64_of(sums.sell_turnover())) * (1.0 / f64_of(turnover))
        };

        Self {
            ofi,
            vwap_close_deviation,
            price_impact,
            kyle_lambda_proxy,
            trade_intensity,
            volume_per_trade: volume * (1.0 / trades),
            aggression_ratio,
            aggregation_density: trades * (1.0 / sums.agg_trade_count() as f64),
            turnover_imbalance,
        }
    }

    /// The features with the names of their columns, in the order of the columns.
    #[must_use]
    pub const fn columns(&self) -> [(&'static str, f64); 9] {
        [
            ("ofi", self.ofi),
            ("vwap_close_deviation", self.vwap_close_deviation),
            ("price_impact", self.price_impact),
            ("kyle_lambda_proxy", self.kyle_lambda_proxy),
            ("trade_intensity", self.trade_intensity),
            ("volume_per_trade", self.volume_per_trade),
            ("aggression_ratio", self.aggression_ratio),
            ("aggregation_density", self.aggregation_density),
            ("turnover_imbalance", self.turnover_imbalance),
        ]
    }
}

fn from_units(units: i128) -> f64 {
    f64_of(units) / 1e8
}

/// Both conversions round to nearest, so the short way gives the same bits.
fn f64_of(value: i128) -> f64 {
    i64::try_from(value).map_or_else(|_| value as f64, |short| short as f64)
}
