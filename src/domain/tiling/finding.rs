//! What can be wrong with stored bars, in words.

use std::fmt;

use jiff::Timestamp;

use crate::domain::{
    price::{Decimal, Price},
    threshold::Bounds,
    words::noun,
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
    /// The first bars of a series are missing: those of another threshold begin earlier in
    /// the same period.
    MissingStart {
        /// The missing ids.
        ids: IdRange,
    },
    /// The last bars of a series are missing: those of another threshold go on to the end
    /// of a period that is closed.
    MissingEnd {
        /// The missing ids.
        ids: IdRange,
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
    /// The bar's individual ids end before they begin.
    FillsBackwards {
        /// The bar.
        bar: IdRange,
        /// Its first individual id.
        first_trade_id: i64,
        /// Its last individual id.
        last_trade_id: i64,
    },
    /// The bar counts more individual trades than it has individual ids.
    TooManyFills {
        /// The bar.
        bar: IdRange,
        /// Its number of individual trades.
        trade_count: u64,
        /// Its individual ids.
        fills: IdRange,
    },
    /// The bar's individual ids begin before those of the bar before end.
    FillsOverlap {
        /// The bar.
        bar: IdRange,
        /// Its first individual id.
        first_trade_id: i64,
        /// The last individual id of the bar before.
        last_trade_id: i64,
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
    /// The bar is there, and a column of it holds what cannot be.
    Unreadable {
        /// The ids of its trades, as far as they can be read.
        bar: Option<IdRange>,
        /// Its key, as it is stored.
        key: String,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
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
            Self::MissingStart { .. } => "missing_start",
            Self::MissingEnd { .. } => "missing_end",
            Self::Overlap { .. } => "overlap",
            Self::IdsBackwards { .. } => "ids_backwards",
            Self::TradeCount { .. } => "trade_count",
            Self::TooFewFills { .. } => "too_few_fills",
            Self::FillsBackwards { .. } => "fills_backwards",
            Self::TooManyFills { .. } => "too_many_fills",
            Self::FillsOverlap { .. } => "fills_overlap",
            Self::PriceOutside { .. } => "price_outside",
            Self::TurnoverOutside { .. } => "turnover_outside",
            Self::NoBreach { .. } => "no_breach",
            Self::BreachPassedOver { .. } => "breach_passed_over",
            Self::SpansAnchor { .. } => "spans_anchor",
            Self::CutWithoutAnchor { .. } => "cut_without_anchor",
            Self::CutWithoutGap { .. } => "cut_without_gap",
            Self::TimesOutside { .. } => "times_outside",
            Self::Unreadable { .. } => "unreadable",
            Self::Figure { .. } => "figure",
        }
    }

    /// The ids that it is about: those missing or held twice, else those of the bar. None
    /// when not even the bar's ids can be read.
    #[must_use]
    pub const fn ids(&self) -> Option<IdRange> {
        match self {
            Self::Hole { ids, .. }
            | Self::MissingStart { ids }
            | Self::MissingEnd { ids }
            | Self::Overlap { ids, .. } => Some(*ids),
            Self::IdsBackwards { bar }
            | Self::TradeCount { bar, .. }
            | Self::TooFewFills { bar, .. }
            | Self::FillsBackwards { bar, .. }
            | Self::TooManyFills { bar, .. }
            | Self::FillsOverlap { bar, .. }
            | Self::PriceOutside { bar, .. }
            | Self::TurnoverOutside { bar, .. }
            | Self::NoBreach { bar, .. }
            | Self::BreachPassedOver { bar, .. }
            | Self::SpansAnchor { bar, .. }
            | Self::CutWithoutAnchor { bar }
            | Self::CutWithoutGap { bar }
            | Self::TimesOutside { bar }
            | Self::Figure { bar, .. } => Some(*bar),
            Self::Unreadable { bar, .. } => *bar,
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
    format!("{count} {}", noun(count, "trade"))
}

fn be(ids: IdRange) -> &'static str {
    if ids.count() == 1 { "is" } else { "are" }
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
                let verb = be(*ids);
                if *is_absent {
                    write!(f, "{ids} {verb} proven absent at the exchange")
                } else {
                    write!(f, "{ids} {verb} missing ({})", trades(ids.count()))
                }
            }
            Self::MissingStart { ids } => write!(
                f,
                "{ids} {} missing at the start ({}): other thresholds begin with id {}",
                be(*ids),
                trades(ids.count()),
                ids.first_id
            ),
            Self::MissingEnd { ids } => write!(
                f,
                "{ids} {} missing at the end ({}): other thresholds go on to id {}, the last of \
                 the period",
                be(*ids),
                trades(ids.count()),
                ids.last_id
            ),
            Self::Overlap { ids, bar } => write!(
                f,
                "{ids} {} held twice: the bar of {bar} overlaps one before it",
                be(*ids)
            ),
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
            Self::FillsBackwards {
                bar,
                first_trade_id,
                last_trade_id,
            } => write!(
                f,
                "the bar of {bar} has the last_trade_id {last_trade_id}, below its first_trade_id \
                 {first_trade_id}"
            ),
            Self::TooManyFills {
                bar,
                trade_count,
                fills,
            } => write!(
                f,
                "the bar of {bar} has the trade_count {trade_count}, its first_trade_id {} and \
                 last_trade_id {} leave room for {}",
                fills.first_id,
                fills.last_id,
                fills.count()
            ),
            Self::FillsOverlap {
                bar,
                first_trade_id,
                last_trade_id,
            } => write!(
                f,
                "the bar of {bar} has the first_trade_id {first_trade_id}, not above the \
                 last_trade_id {last_trade_id} of the bar before"
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
            Self::Unreadable {
                bar,
                key,
                column,
                reason,
            } => {
                match bar {
                    Some(bar) => write!(f, "the bar that begins with id {}", bar.first_id)?,
                    None => write!(f, "the bar {key}")?,
                }
                write!(f, " cannot be read: its column {column}: {reason}")
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
