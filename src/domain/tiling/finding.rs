//! What can be wrong with stored bars, in words.

use std::fmt;

use jiff::Timestamp;

use crate::domain::{
    price::{Decimal, Price},
    threshold::Bounds,
};

use super::ids::IdRange;

/// Something that the bars of one series show.
///
/// A bar is named by the ids of its trades. Each finding prints as one sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// No bar holds these ids, though bars before and after do.
    Hole {
        /// The missing ids.
        ids: IdRange,
        /// The exchange has proven that there are no such trades: no damage.
        is_absent: bool,
    },
    /// Two bars hold the same ids.
    Overlap {
        /// The ids that are held twice.
        ids: IdRange,
        /// The bar that starts within ids that are held already.
        bar: IdRange,
    },
    /// The bar ends before it starts.
    IdsBackwards {
        /// The bar.
        bar: IdRange,
    },
    /// The bar was not made of as many trades as it has ids.
    TradeCount {
        /// The bar.
        bar: IdRange,
        /// The number of aggregate trades that it was made of.
        agg_trade_count: u64,
    },
    /// The bar counts fewer individual trades than aggregate trades.
    TooFewFills {
        /// The bar.
        bar: IdRange,
        /// Its number of individual trades.
        trade_count: u64,
        /// Its number of aggregate trades.
        agg_trade_count: u64,
    },
    /// A price does not lie between the bar's low and high.
    PriceOutside {
        /// The bar.
        bar: IdRange,
        /// Which price: `open` or `close`.
        figure: &'static str,
        /// The price.
        price: Price,
        /// The bar's low.
        low: Price,
        /// The bar's high.
        high: Price,
    },
    /// The turnover cannot come from this volume at prices between low and high.
    TurnoverOutside {
        /// The bar.
        bar: IdRange,
        /// Which side: `buy` or `sell`.
        side: &'static str,
    },
    /// The bar is closed by a breach, but its close touches no bound.
    NoBreach {
        /// The bar.
        bar: IdRange,
        /// Its close.
        close: Price,
        /// The bounds that its open sets.
        bounds: Bounds,
    },
    /// The bar's last trade breaches, but the bar is closed by something else.
    BreachPassedOver {
        /// The bar.
        bar: IdRange,
        /// Its close.
        close: Price,
    },
    /// The bar's last trade lies in a later period than its first.
    SpansAnchor {
        /// The bar.
        bar: IdRange,
        /// The boundary that it should have been cut at, in µs.
        boundary_us: i64,
    },
    /// The bar is cut by an anchor, but the next one opens in the same period.
    CutWithoutAnchor {
        /// The bar.
        bar: IdRange,
    },
    /// The bar is cut by a gap, but no id is missing after it.
    CutWithoutGap {
        /// The bar.
        bar: IdRange,
    },
    /// No trade has the bar's opening or closing time.
    TimesOutside {
        /// The bar.
        bar: IdRange,
    },
    /// A figure is not what the bar's other figures make it.
    Figure {
        /// The bar.
        bar: IdRange,
        /// The column.
        figure: &'static str,
        /// What is stored.
        stored: String,
        /// What the rules give.
        computed: String,
    },
}

impl Finding {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Hole {
                is_absent: false, ..
            } => "hole",
            Self::Hole {
                is_absent: true, ..
            } => "absent",
            Self::Overlap { .. } => "overlap",
            Self::IdsBackwards { .. } => "ids_backwards",
            Self::TradeCount { .. } => "trade_count",
            Self::TooFewFills { .. } => "too_few_fills",
            Self::PriceOutside { .. } => "price_outside",
            Self::TurnoverOutside { .. } => "turnover_outside",
            Self::NoBreach { .. } => "no_breach",
            Self::BreachPassedOver { .. } => "breach_passed_over",
            Self::SpansAnchor { .. } => "spans_anchor",
            Self::CutWithoutAnchor { .. } => "cut_without_anchor",
            Self::CutWithoutGap { .. } => "cut_without_gap",
            Self::TimesOutside { .. } => "times_outside",
            Self::Figure { .. } => "figure",
        }
    }

    /// The ids that it is about: those missing or held twice, else those of the bar.
    #[must_use]
    pub const fn ids(&self) -> IdRange {
        match self {
            Self::Hole { ids, .. } | Self::Overlap { ids, .. } => *ids,
            Self::IdsBackwards { bar }
            | Self::TradeCount { bar, .. }
            | Self::TooFewFills { bar, .. }
            | Self::PriceOutside { bar, .. }
            | Self::TurnoverOutside { bar, .. }
            | Self::NoBreach { bar, .. }
            | Self::BreachPassedOver { bar, .. }
            | Self::SpansAnchor { bar, .. }
            | Self::CutWithoutAnchor { bar }
            | Self::CutWithoutGap { bar }
            | Self::TimesOutside { bar }
            | Self::Figure { bar, .. } => *bar,
        }
    }

    /// Whether something is wrong. A hole that the exchange has proven is not.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::Hole {
                is_absent: true,
                ..
            }
        )
    }
}

fn trades(count: u64) -> String {
    let noun = if count == 1 { "trade" } else { "trades" };
    format!("{count} {noun}")
}

/// Bounds are wider than prices, and print like them.
fn bound_text(units: i128) -> Decimal {
    Decimal { units, digits: 8 }
}

/// A time in µs as RFC 3339 in UTC, or the bare number when no calendar holds it.
pub(crate) fn time_text(time_us: i64) -> String {
    Timestamp::from_microsecond(time_us)
        .map_or_else(|_| format!("{time_us} µs"), |time| time.to_string())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hole { ids, is_absent } => {
                let verb = if ids.count() == 1 { "is" } else { "are" };
                if *is_absent {
                    write!(f, "{ids} {verb} proven absent at the exchange")
                } else {
                    write!(f, "{ids} {verb} missing ({})", trades(ids.count()))
                }
            }
            Self::Overlap { ids, bar } => {
                let verb = if ids.count() == 1 { "is" } else { "are" };
                write!(
                    f,
                    "{ids} {verb} held twice: the bar of {bar} overlaps one before it"
                )
            }
            Self::IdsBackwards { bar } => write!(
                f,
                "a bar ends with id {}, before its first id {}",
                bar.last_id, bar.first_id
            ),
            Self::TradeCount {
                bar,
                agg_trade_count,
            } => write!(
                f,
                "the bar of {bar} counts {}, its ids say {}",
                trades(*agg_trade_count),
                bar.count()
            ),
            Self::TooFewFills {
                bar,
                trade_count,
                agg_trade_count,
            } => write!(
                f,
                "the bar of {bar} counts {trade_count} individual trades in {agg_trade_count} \
                 aggregate trades"
            ),
            Self::PriceOutside {
                bar,
                figure,
                price,
                low,
                high,
            } => write!(
                f,
                "the bar of {bar} has the {figure} {price}, outside of its low {low} and high {high}"
            ),
            Self::TurnoverOutside { bar, side } => write!(
                f,
                "the bar of {bar} has a {side} turnover that its {side} volume cannot make at \
                 prices between its low and high"
            ),
            Self::NoBreach { bar, close, bounds } => write!(
                f,
                "the bar of {bar} is closed by a breach, but its close {close} touches neither {} \
                 nor {}",
                bound_text(bounds.lower),
                bound_text(bounds.upper)
            ),
            Self::BreachPassedOver { bar, close } => write!(
                f,
                "the bar of {bar} ends with a breach at {close} and is closed by something else"
            ),
            Self::SpansAnchor { bar, boundary_us } => write!(
                f,
                "the bar of {bar} goes on past the boundary {}",
                time_text(*boundary_us)
            ),
            Self::CutWithoutAnchor { bar } => write!(
                f,
                "the bar of {bar} is cut by an anchor, but the next bar opens in the same period"
            ),
            Self::CutWithoutGap { bar } => write!(
                f,
                "the bar of {bar} is cut by a gap, but no id is missing after it"
            ),
            Self::TimesOutside { bar } => {
                write!(
                    f,
                    "the bar of {bar} opens or closes at a time that no trade has"
                )
            }
            Self::Figure {
                bar,
                figure,
                stored,
                computed,
            } => write!(
                f,
                "the bar of {bar} has the {figure} {stored}, its other figures give {computed}"
            ),
        }
    }
}
