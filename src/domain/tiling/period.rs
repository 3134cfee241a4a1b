//! What the bars of one series cover, with sums over anchor periods, which every threshold
//! must agree on.

use std::fmt;

use crate::domain::{bar::Bar, digest::Digest, price::Decimal, sums::Sums, threshold::Threshold};

use super::{bar_rules::fills_of, finding::time_text, ids::IdRange};

/// What the bars of one series cover.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// From the first id to the highest; none without bars that say so.
    pub ids: Option<IdRange>,
    /// The last bar says where it ends.
    pub ends_known: bool,
    /// The periods that the bars belong to, in order; the last one may be open.
    pub periods: Vec<PeriodTotals>,
}

/// What the bars of one threshold hold of one anchor period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodTotals {
    /// The first µs of the period.
    pub start_us: i64,
    /// The first id after the boundary, to the last id before the next one.
    pub ids: IdRange,
    /// No hole or overlap lies within or at the edges, save what is proven absent.
    pub is_whole: bool,
    /// The bars go back to before the period, so that its first id is certain.
    pub starts_known: bool,
    /// The bars show that the period is over.
    pub is_closed: bool,
    /// No bar of it is damaged by itself.
    pub is_sound: bool,
    /// The digest over its bars, once no more can come.
    pub digest: Option<Digest>,
    /// From the first individual id to the last one.
    fills: IdRange,
    figures: Figures,
}

/// How many figures are compared.
const FIGURES: usize = 7;

/// The figures that are compared: their columns, and the digits after the point.
const COLUMNS: [(&str, usize); FIGURES] = [
    ("buy_volume", 8),
    ("sell_volume", 8),
    ("buy_turnover", 16),
    ("sell_turnover", 16),
    ("buy_trade_count", 0),
    ("sell_trade_count", 0),
    ("agg_trade_count", 0),
];

type Figures = [i128; FIGURES];

fn figures_of(sums: &Sums) -> Figures {
    [
        sums.buy_volume(),
        sums.sell_volume(),
        sums.buy_turnover(),
        sums.sell_turnover(),
        i128::from(sums.buy_trade_count()),
        i128::from(sums.sell_trade_count()),
        i128::from(sums.agg_trade_count()),
    ]
}

impl PeriodTotals {
    pub(super) fn new(start_us: i64, bar: &Bar, starts_known: bool) -> Self {
        Self {
            start_us,
            ids: IdRange {
                first_id: bar.first_agg_trade_id,
                last_id: bar.last_agg_trade_id,
            },
            is_whole: true,
            starts_known,
            is_closed: false,
            is_sound: true,
            digest: None,
            fills: fills_of(bar),
            figures: figures_of(&bar.sums),
        }
    }

    /// The individual trades of both sides.
    pub(super) fn trade_count(&self) -> u64 {
        let [_, _, _, _, buys, sells, _] = self.figures;
        u64::try_from(buys.wrapping_add(sells)).unwrap_or(u64::MAX)
    }

    /// The volume of both sides, in 1e-8.
    pub(super) fn volume(&self) -> i128 {
        let [buy, sell, ..] = self.figures;
        buy.wrapping_add(sell)
    }

    pub(super) fn add(&mut self, bar: &Bar) {
        self.ids.last_id = self.ids.last_id.max(bar.last_agg_trade_id);
        self.fills.last_id = bar.last_trade_id;
        for (total, figure) in self.figures.iter_mut().zip(figures_of(&bar.sums)) {
            // Sums wrap as the running sums of a ladder do: equal trades stay equal.
            *total = total.wrapping_add(figure);
        }
    }
}

/// Thresholds that should agree on a closed period, and do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The first µs of the period.
    pub start_us: i64,
    /// The column, or `first_agg_trade_id` or `last_agg_trade_id` when the period
    /// itself begins or ends with different trades.
    pub figure: &'static str,
    /// What each threshold has, by threshold.
    pub values: Vec<(Threshold, String)>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "in the period from {} the thresholds disagree on {}:",
            time_text(self.start_us),
            self.figure
        )?;
        for (index, (threshold, value)) in self.values.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma} {threshold} has {value}")?;
        }
        Ok(())
    }
}

/// Compares totals that begin with the same trade.
pub(super) fn compare_group(
    start_us: i64,
    group: &[(Threshold, &PeriodTotals)],
    found: &mut Vec<Disagreement>,
) {
    let last_ids = values(group.iter(), |period| period.ids.last_id.to_string());
    if push_if_different(start_us, "last_agg_trade_id", last_ids, found) {
        // Sums over different trades differ; saying so adds nothing.
        return;
    }
    for (index, (figure, digits)) in COLUMNS.into_iter().enumerate() {
        let texts = values(group.iter(), |period| {
            let units = period.figures[index];
            if digits == 0 {
                units.to_string()
            } else {
                Decimal { units, digits }.to_string()
            }
        });
        push_if_different(start_us, figure, texts, found);
    }
    let first = values(group.iter(), |period| period.fills.first_id.to_string());
    push_if_different(start_us, "first_trade_id", first, found);
    let last = values(group.iter(), |period| period.fills.last_id.to_string());
    push_if_different(start_us, "last_trade_id", last, found);
}

pub(super) fn values<'a>(
    entries: impl Iterator<Item = &'a (Threshold, &'a PeriodTotals)>,
    text: impl Fn(&PeriodTotals) -> String,
) -> Vec<(Threshold, String)> {
    entries
        .map(|(threshold, period)| (*threshold, text(period)))
        .collect()
}

pub(super) fn push_if_different(
    start_us: i64,
    figure: &'static str,
    values: Vec<(Threshold, String)>,
    found: &mut Vec<Disagreement>,
) -> bool {
    let is_different = values.windows(2).any(|pair| pair[0].1 != pair[1].1);
    if is_different {
        found.push(Disagreement {
            start_us,
            figure,
            values,
        });
    }
    is_different
}
