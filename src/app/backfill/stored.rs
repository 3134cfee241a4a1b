//! What the store has of a symbol, and what it is worth.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        anchor::{Anchor, DAY_US, Period},
        row::{BarRead, ExchangeName, GapRow, GapState, Series},
        survey::{PeriodIds, Survey},
        symbol::Symbol,
        threshold::Threshold,
        tiling::IdRanges,
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
