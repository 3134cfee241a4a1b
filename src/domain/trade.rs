//! One aggregate trade.

use serde::{Deserialize, Serialize};

use super::price::{Price, Quantity};

/// Raw times under this value are milliseconds, from it on they are microseconds.
const FIRST_MICROSECOND_VALUE: i64 = 10_000_000_000_000;

/// One aggregate trade: fills of one order at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// The aggregate-trade id (`a`); it rises by exactly 1 within a symbol.
    pub id: i64,
    /// The price, in 1e-8.
    pub price: Price,
    /// The quantity, in 1e-8.
    pub quantity: Quantity,
    /// The first individual trade id (`f`).
    pub first_trade_id: i64,
    /// The last individual trade id (`l`).
    pub last_trade_id: i64,
    /// When it was traded, in µs since 1970 UTC.
    pub time_us: i64,
    /// Whether the buyer was the maker (`m`): true means that the seller was aggressive.
    pub buyer_is_maker: bool,
}

/// Why a trade that could be read still cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedTrade {
    /// An id is below zero.
    #[error("the id {0} is negative")]
    NegativeId(i64),
    /// The last individual id is below the first one.
    #[error("its last individual id {last} is below its first one {first}")]
    FillsBackwards {
        /// The first individual id.
        first: i64,
        /// The last individual id.
        last: i64,
    },
    /// The price is zero. Binance marks annulled trades so.
    #[error("its price is not above zero")]
    NoPrice,
    /// The quantity is below zero.
    #[error("its quantity is below zero")]
    NegativeQuantity,
    /// The time is not after 1970, or beyond what a calendar can hold.
    #[error("its time {0} is out of range")]
    TimeOutOfRange(i64),
}

/// The last microsecond of the year 9999, the end of every calendar used here.
pub const LAST_TIME_US: i64 = 253_402_300_799_999_999;

impl Trade {
    /// Checks what every trade must satisfy before it may enter a bar.
    ///
    /// # Errors
    /// The first rule that the trade breaks.
    #[inline]
    pub fn check(&self) -> Result<(), MalformedTrade> {
        if self.id < 0 || self.first_trade_id < 0 {
            return Err(MalformedTrade::NegativeId(self.id.min(self.first_trade_id)));
        }
        if self.last_trade_id < self.first_trade_id {
            return Err(MalformedTrade::FillsBackwards {
                first: self.first_trade_id,
                last: self.last_trade_id,
            });
        }
        if self.price.0 <= 0 {
            return Err(MalformedTrade::NoPrice);
        }
        if self.quantity.0 < 0 {
            return Err(MalformedTrade::NegativeQuantity);
        }
        if self.time_us <= 0 || self.time_us > LAST_TIME_US {
            return Err(MalformedTrade::TimeOutOfRange(self.time_us));
        }
        Ok(())
    }

    /// How many individual trades (fills) it aggregates.
    #[must_use]
    pub fn fills(&self) -> u64 {
        (self.last_trade_id - self.first_trade_id + 1).unsigned_abs()
    }
}

/// A raw exchange time as µs: values under 10^13 are milliseconds.
#[must_use]
pub const fn time_from_raw(raw: i64) -> i64 {
    if raw < FIRST_MICROSECOND_VALUE {
        raw.saturating_mul(1000)
    } else {
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_and_microseconds_are_told_apart() {
        assert_eq!(time_from_raw(1_735_689_600_001), 1_735_689_600_001_000);
        assert_eq!(time_from_raw(1_735_689_600_001_234), 1_735_689_600_001_234);
    }

    #[test]
    fn an_annulled_trade_is_malformed() {
        let trade = Trade {
            id: 7,
            price: Price(0),
            quantity: Quantity(0),
            first_trade_id: 3,
            last_trade_id: 3,
            time_us: 1,
            buyer_is_maker: true,
        };
        assert_eq!(trade.check(), Err(MalformedTrade::NoPrice));
        let trade = Trade {
            price: Price(1),
            last_trade_id: 2,
            ..trade
        };
        assert_eq!(
            trade.check(),
            Err(MalformedTrade::FillsBackwards { first: 3, last: 2 })
        );
    }
}
