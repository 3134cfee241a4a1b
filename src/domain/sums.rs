//! Running sums over trades, per side.
//!
//! Sums wrap: a bar's figures are the difference of two readings, and that
//! difference is exact as long as the bar's own figures fit, however long the
//! sums have been running.

use serde::{Deserialize, Serialize};

use super::trade::Trade;

/// The index of trades with an aggressive buyer.
const BUY: usize = 0;
/// The index of trades with an aggressive seller.
const SELL: usize = 1;

/// Volume, turnover and counts, split by the aggressive side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    volume: [i128; 2],
    turnover: [i128; 2],
    trade_count: [u64; 2],
    agg_trade_count: u64,
}

/// The figures of one side, as a store keeps them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Side {
    /// Quantity, in 1e-8.
    pub volume: i128,
    /// Price × quantity, in 1e-16.
    pub turnover: i128,
    /// Individual trades.
    pub trade_count: u64,
}

impl Sums {
    /// The sums that have these figures: what a store reads back.
    #[must_use]
    pub const fn of_sides(buy: Side, sell: Side, agg_trade_count: u64) -> Self {
        Self {
            volume: [buy.volume, sell.volume],
            turnover: [buy.turnover, sell.turnover],
            trade_count: [buy.trade_count, sell.trade_count],
            agg_trade_count,
        }
    }

    /// Adds one trade.
    #[inline(always)]
    pub fn add(&mut self, trade: &Trade) {
        let side = usize::from(trade.buyer_is_maker);
        let quantity = i128::from(trade.quantity.0);
        self.volume[side] = self.volume[side].wrapping_add(quantity);
        self.turnover[side] =
            self.turnover[side].wrapping_add(i128::from(trade.price.0) * quantity);
        self.trade_count[side] = self.trade_count[side].wrapping_add(trade.fills());
        self.agg_trade_count = self.agg_trade_count.wrapping_add(1);
    }

    /// Adds what another reading holds.
    pub fn merge(&mut self, other: &Self) {
        for side in [BUY, SELL] {
            self.volume[side] = self.volume[side].wrapping_add(other.volume[side]);
            self.turnover[side] = self.turnover[side].wrapping_add(other.turnover[side]);
            self.trade_count[side] = self.trade_count[side].wrapping_add(other.trade_count[side]);
        }
        self.agg_trade_count = self.agg_trade_count.wrapping_add(other.agg_trade_count);
    }

    /// What was added between `earlier` and this reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = Self::default();
        for side in [BUY, SELL] {
            difference.volume[side] = self.volume[side].wrapping_sub(earlier.volume[side]);
            difference.turnover[side] = self.turnover[side].wrapping_sub(earlier.turnover[side]);
            difference.trade_count[side] =
                self.trade_count[side].wrapping_sub(earlier.trade_count[side]);
        }
        difference.agg_trade_count = self.agg_trade_count.wrapping_sub(earlier.agg_trade_count);
        difference
    }

    /// Quantity over both sides, in 1e-8.
    #[must_use]
    pub fn volume(&self) -> i128 {
        self.volume[BUY].wrapping_add(self.volume[SELL])
    }

    /// Quantity taken by aggressive buyers, in 1e-8.
    #[must_use]
    pub fn buy_volume(&self) -> i128 {
        self.volume[BUY]
    }

    /// Quantity given by aggressive sellers, in 1e-8.
    #[must_use]
    pub fn sell_volume(&self) -> i128 {
        self.volume[SELL]
    }

    /// Price × quantity over both sides, in 1e-16.
    #[must_use]
    pub fn turnover(&self) -> i128 {
        self.turnover[BUY].wrapping_add(self.turnover[SELL])
    }

    /// Price × quantity of aggressive buyers, in 1e-16.
    #[must_use]
    pub fn buy_turnover(&self) -> i128 {
        self.turnover[BUY]
    }

    /// Price × quantity of aggressive sellers, in 1e-16.
    #[must_use]
    pub fn sell_turnover(&self) -> i128 {
        self.turnover[SELL]
    }

    /// Individual trades over both sides.
    #[must_use]
    pub fn trade_count(&self) -> u64 {
        self.trade_count[BUY].wrapping_add(self.trade_count[SELL])
    }

    /// Individual trades of aggressive buyers.
    #[must_use]
    pub fn buy_trade_count(&self) -> u64 {
        self.trade_count[BUY]
    }

    /// Individual trades of aggressive sellers.
    #[must_use]
    pub fn sell_trade_count(&self) -> u64 {
        self.trade_count[SELL]
    }

    /// Aggregate trades over both sides.
    #[must_use]
    pub fn agg_trade_count(&self) -> u64 {
        self.agg_trade_count
    }
}
