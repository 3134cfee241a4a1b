//! A closed range bar.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{features::Features, price::Price, sums::Sums, threshold::Threshold};

/// Why a bar was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClosedBy {
    /// The price touched or passed a bound.
    Breach,
    /// An anchor boundary was passed.
    Anchor,
    /// The trades that follow are proven not to exist at the exchange.
    Gap,
}

impl ClosedBy {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breach => "breach",
            Self::Anchor => "anchor",
            Self::Gap => "gap",
        }
    }
}

impl fmt::Display for ClosedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text is no cause of closing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a cause of closing: breach, anchor and gap are")]
pub struct ClosedByError(String);

impl FromStr for ClosedBy {
    type Err = ClosedByError;

    fn from_str(text: &str) -> Result<Self, ClosedByError> {
        match text {
            "breach" => Ok(Self::Breach),
            "anchor" => Ok(Self::Anchor),
            "gap" => Ok(Self::Gap),
            _ => Err(ClosedByError(text.to_owned())),
        }
    }
}

/// A closed range bar. Exchange, symbol and anchor belong to the series that it is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The threshold that it was built with.
    pub threshold: Threshold,
    /// The aggregate id of its first trade.
    pub first_agg_trade_id: i64,
    /// The aggregate id of its last trade.
    pub last_agg_trade_id: i64,
    /// The first individual id of its first trade.
    pub first_trade_id: i64,
    /// The last individual id of its last trade.
    pub last_trade_id: i64,
    /// When its first trade happened, in µs.
    pub open_time_us: i64,
    /// When its last trade happened, in µs.
    pub close_time_us: i64,
    /// The price of its first trade.
    pub open: Price,
    /// The highest price.
    pub high: Price,
    /// The lowest price.
    pub low: Price,
    /// The price of its last trade.
    pub close: Price,
    /// The volume-weighted average price, truncated to 1e-8.
    pub vwap: Price,
    /// Volume, turnover and counts.
    pub sums: Sums,
    /// What is computed from the figures above.
    pub features: Features,
    /// Why it was closed.
    pub closed_by: ClosedBy,
}

impl Bar {
    /// How long it was open, in µs.
    #[must_use]
    pub fn duration_us(&self) -> i64 {
        self.close_time_us - self.open_time_us
    }
}

/// What a bar knows before its features: the input of [`Bar::close`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The aggregate id of the first trade.
    pub first_agg_trade_id: i64,
    /// The first individual id of the first trade.
    pub first_trade_id: i64,
    /// The time of the first trade, in µs.
    pub open_time_us: i64,
    /// The price of the first trade.
    pub open: Price,
    /// The highest price so far.
    pub high: Price,
    /// The lowest price so far.
    pub low: Price,
}

/// The trade that a bar ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its aggregate id.
    pub id: i64,
    /// Its last individual id.
    pub last_trade_id: i64,
    /// Its time, in µs.
    pub time_us: i64,
    /// Its price.
    pub price: Price,
}

impl Bar {
    /// Makes the bar that `opened`, gathered `sums` and ended with `last`.
    #[must_use]
    pub fn close(
        threshold: Threshold,
        opened: &Opened,
        sums: Sums,
        last: &Last,
        closed_by: ClosedBy,
    ) -> Self {
        let mut bar = Self {
            threshold,
            first_agg_trade_id: opened.first_agg_trade_id,
            last_agg_trade_id: last.id,
            first_trade_id: opened.first_trade_id,
            last_trade_id: last.last_trade_id,
            open_time_us: opened.open_time_us,
            close_time_us: last.time_us,
            open: opened.open,
            high: opened.high,
            low: opened.low,
            close: last.price,
            vwap: vwap(opened.open, &sums),
            sums,
            features: Features::default(),
            closed_by,
        };
        bar.features = Features::of(&bar);
        bar
    }
}

/// The opener's price for a bar of one trade or without volume, else turnover
/// over volume, truncated to 1e-8.
fn vwap(open: Price, sums: &Sums) -> Price {
    let volume = sums.volume();
    if sums.agg_trade_count() <= 1 || volume <= 0 {
        return open;
    }
    // A mean of prices lies between them, so it fits whatever they fit.
    let (turnover, volume) = (sums.turnover(), volume);
    let mean = match (u64::try_from(turnover), u64::try_from(volume)) {
        (Ok(turnover), Ok(volume)) => i128::from(turnover / volume),
        _ => turnover / volume,
    };
    Price(i64::try_from(mean).unwrap_or(open.0))
}
