//! What the store has of a symbol, and what it is worth.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        anchor::{Anchor, DAY_US, Period},
        row::{BarRead, ExchangeName, GapRow, GapState, Series},
        survey::{PeriodIds, Survey},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{IdRange, IdRanges},
    },
    store::sink::{BarQuery, GapQuery, Store, StoreError},
};

use super::plan::Wish;

/// The survey of one threshold.
#[derive(Debug, Clone)]
pub(super) struct Surveyed {
    pub survey: Survey,
    /// It was right by itself, and cannot be trusted.
    pub is_distrusted: bool,
}

/// What has to be read of a period, at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needed {
    /// The ids: from the first one that no good bar holds to the last one.
    pub span: IdRange,
    /// None of them happened earlier.
    pub from_us: i64,
}

impl Needed {
    /// What is needed so that every threshold is right; none when each is, or has to wait for
    /// the next trade. A plan foretells with it what a job then reads.
    pub(super) fn of(
        surveys: &BTreeMap<Threshold, Surveyed>,
        ids: PeriodIds,
        period: Period,
    ) -> Option<Self> {
        let surveys = surveys.values().map(|surveyed| &surveyed.survey);
        let to_build: Vec<&Survey> = surveys
            .filter(|survey| !survey.is_right() || !ids.is_over)
            .collect();
        let first_ids = to_build.iter().map(|s| s.first_id(ids.ids.first_id));
        let last_ids = to_build.iter().map(|s| s.last_id(ids));
        let (first_id, last_id) = first_ids.min().zip(last_ids.max())?;
        let heads = to_build.iter().map(|survey| survey.head);
        let times = heads.map(|head| head.map_or(period.start_us, |last| last.time_us));
        let span = IdRange { first_id, last_id };
        (span.count() > 0).then(|| Self {
            span,
            from_us: times.min().unwrap_or(period.start_us),
        })
    }
}

/// The stored bars of one period.
#[derive(Default)]
pub(super) struct StoredPeriod {
    bars: BTreeMap<Threshold, Vec<BarRead>>,
}

impl StoredPeriod {
    /// Reads the bars of all wanted thresholds that may belong to `period`.
    pub(super) async fn read(
        store: &dyn Store,
        exchange: &ExchangeName,
        wish: &Wish,
        period: Period,
    ) -> anyhow::Result<Self> {
        let query = BarQuery {
            exchange: Some(exchange.to_string()),
            symbols: vec![wish.symbol.clone()],
            thresholds: wish.thresholds.clone(),
            anchor: Some(wish.anchor),
            // Bars that open with a late trade are dated before the period that they belong
            // to, and a damaged one may be dated somewhere else.
            since_us: Some(period.start_us.saturating_sub(DAY_US)),
            until_us: Some(period.end_us.saturating_add(DAY_US)),
            newest: None,
        };
        let mut bars: BTreeMap<Threshold, Vec<BarRead>> = BTreeMap::new();
        let mut take = |read: Vec<BarRead>| {
            for bar in read {
                let threshold = match &bar {
                    Ok(stored) => Some(stored.row.bar.threshold),
                    Err(unreadable) => unreadable.place.as_ref().map(|p| p.series.threshold),
                };
                if let Some(threshold) = threshold {
                    bars.entry(threshold).or_default().push(bar);
                }
            }
            Ok(())
        };
        store.stored_bars(&query, &mut take).await?;
        Ok(Self { bars })
    }

    /// The bars of one threshold, by first id.
    pub(super) fn bars(&self, threshold: Threshold) -> &[BarRead] {
        self.bars.get(&threshold).map_or(&[], Vec::as_slice)
    }

    /// How much time lies between the bars around `holes`, in µs, within these bounds.
    pub(super) fn gap_us(
        &self,
        threshold: Threshold,
        holes: &[IdRange],
        (from_us, until_us): (i64, i64),
    ) -> i64 {
        let bars: Vec<_> = self.bars(threshold).iter().flatten().collect();
        let bar = |index: usize| bars.get(index).map(|stored| &stored.row.bar);
        let gap_us = |hole: &IdRange| {
            let next = bars.partition_point(|s| s.row.bar.first_agg_trade_id < hole.first_id);
            let after = (next..bars.len())
                .filter_map(bar)
                .find(|bar| bar.first_agg_trade_id > hole.last_id);
            let before = next.checked_sub(1).and_then(bar);
            let begin_us = before.map_or(from_us, |bar| bar.close_time_us.max(from_us));
            let end_us = after.map_or(until_us, |bar| bar.open_time_us.min(until_us));
            end_us.saturating_sub(begin_us).max(0)
        };
        holes.iter().map(gap_us).sum()
    }

    /// What the bars of each wanted threshold are worth. Thresholds that are right by
    /// themselves and do not hold the same trades are all distrusted: nothing says which of
    /// them is wrong. The ids `absent` are proven not to exist.
    pub(super) fn surveys(
        &self,
        wish: &Wish,
        ids: PeriodIds,
        distrusted: &BTreeSet<Threshold>,
        absent: &IdRanges,
    ) -> BTreeMap<Threshold, Surveyed> {
        let survey =
            |threshold: Threshold| Survey::of(self.bars(threshold), ids, wish.anchor, absent);
        let mut surveys: BTreeMap<_, _> = wish
            .thresholds
            .iter()
            .map(|&threshold| (threshold, survey(threshold)))
            .collect();
        let trusted = surveys.iter().filter(|(t, _)| !distrusted.contains(t));
        let mut sums = trusted.filter_map(|(_, survey)| survey.sums());
        let first = sums.next().copied();
        // The thresholds of a period that is not over end at different trades.
        let disagree = ids.is_over && sums.any(|sums| Some(*sums) != first);
        let is_distrusted = |threshold: &Threshold, survey: &Survey| {
            distrusted.contains(threshold) || (disagree && survey.is_right())
        };
        let mut surveyed = BTreeMap::new();
        while let Some((threshold, survey)) = surveys.pop_first() {
            let is_distrusted = is_distrusted(&threshold, &survey);
            let survey = if is_distrusted {
                survey.distrusted()
            } else {
                survey
            };
            let of = Surveyed {
                survey,
                is_distrusted,
            };
            surveyed.insert(threshold, of);
        }
        surveyed
    }
}

/// The gaps of a symbol. What one says that cannot be read is nothing.
pub(super) async fn gaps(
    store: &dyn Store,
    exchange: &ExchangeName,
    symbol: &Symbol,
) -> Result<Vec<GapRow>, StoreError> {
    let query = GapQuery {
        exchange: Some(exchange.to_string()),
        symbols: vec![symbol.clone()],
    };
    let read = store.stored_gaps(&query).await?;
    Ok(read.into_iter().flatten().collect())
}

/// The ids of a symbol that are proven not to exist.
pub(super) async fn absent_ids(
    store: &dyn Store,
    exchange: &ExchangeName,
    symbol: &Symbol,
) -> Result<IdRanges, StoreError> {
    let gaps = gaps(store, exchange, symbol).await?.into_iter();
    let absent = gaps.filter(|gap| gap.state == GapState::Absent);
    Ok(absent.map(|gap| gap.ids()).collect())
}

/// The thresholds of a symbol that have bars in the store.
///
/// # Errors
/// When the store cannot be read.
pub async fn stored_thresholds(
    store: &dyn Store,
    exchange: &str,
    symbol: &Symbol,
    anchor: Anchor,
) -> anyhow::Result<BTreeSet<Threshold>> {
    let query = BarQuery {
        exchange: Some(exchange.to_owned()),
        symbols: vec![symbol.clone()],
        anchor: Some(anchor),
        ..BarQuery::default()
    };
    let series: Vec<Series> = store.series(&query).await?;
    Ok(series.into_iter().map(|series| series.threshold).collect())
}

/// The `configured` thresholds and those of the symbol that have bars in the store, in order.
///
/// # Errors
/// When the store cannot be read.
pub async fn all_thresholds(
    store: &dyn Store,
    exchange: &str,
    symbol: &Symbol,
    anchor: Anchor,
    configured: &[Threshold],
) -> anyhow::Result<Vec<Threshold>> {
    let mut all = stored_thresholds(store, exchange, symbol, anchor).await?;
    all.extend(configured);
    Ok(all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::verify::testing::{DAY_US, dbps, rows, tape},
        domain::row::StoredBar,
    };

    #[test]
    fn a_gap_is_the_time_between_the_bars_around_a_hole() {
        let day_us = 20_000 * DAY_US;
        let period = (day_us, day_us + DAY_US);
        let mut all = rows(&tape()[..100], 250);
        let count = all.len();
        assert!(count > 6);
        let ids = |from: usize, to: usize| IdRange {
            first_id: all[from].bar.first_agg_trade_id,
            last_id: all[to].bar.last_agg_trade_id,
        };
        let (inner, head) = (ids(2, 3), ids(0, 0));
        let tail = IdRange {
            first_id: all[count - 1].bar.first_agg_trade_id,
            last_id: 100,
        };
        let time_us = |index: usize| (all[index].bar.open_time_us, all[index].bar.close_time_us);
        let of_inner = time_us(4).0 - time_us(1).1;
        let of_head = time_us(1).0 - day_us;
        let of_tail = period.1 - time_us(count - 2).1;
        assert!(of_inner > 0 && of_head > 0 && of_tail > of_inner);
        all.remove(count - 1);
        all.drain(2..4);
        all.remove(0);
        let read = all.into_iter().map(|row| Ok(StoredBar::from(row)));
        let stored = StoredPeriod {
            bars: BTreeMap::from([(dbps(250), read.collect())]),
        };
        let gap_us = |holes: &[IdRange]| stored.gap_us(dbps(250), holes, period);
        assert_eq!(gap_us(&[]), 0);
        assert_eq!(gap_us(&[inner]), of_inner);
        assert_eq!(gap_us(&[head, inner, tail]), of_head + of_inner + of_tail);
        // Where nothing is stored everything is missing.
        let all = IdRange {
            first_id: 1,
            last_id: 100,
        };
        assert_eq!(stored.gap_us(dbps(500), &[all], period), DAY_US);
    }
}
