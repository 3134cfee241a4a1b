//! Two stores compared by the digests of their bars.
//!
//! What counts are the bars as they are now, not the seals: a bar that was altered after its
//! period was sealed leaves the seal as it was. Each store is read once; where digests differ,
//! the bars of that period are read again, and the first one that is not the same is named.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::verify::{Verified, VerifyRequest, verify},
    domain::{
        anchor::{Anchor, DAY_US},
        row::{BarRead, ExchangeName, Series},
        symbol::Symbol,
        tiling::{IdRange, PeriodTotals, Periods},
    },
    store::sink::{BarQuery, Store},
};

mod found;

pub use found::{ComparedSeries, Difference, NotWhole, OnlyIn, Side, StoreDiff, What, Why};

/// What to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffRequest {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
    /// Of this anchor; of all when none.
    pub anchor: Option<Anchor>,
    /// From the period of this time (µs) on.
    pub since_us: Option<i64>,
}

/// Compares what two stores hold.
///
/// # Errors
/// When one of them cannot be read.
pub async fn diff(
    a: &dyn Store,
    b: &dyn Store,
    request: &DiffRequest,
) -> anyhow::Result<StoreDiff> {
    let verify_request = VerifyRequest {
        exchange: request.exchange.clone(),
        symbols: request.symbols.clone(),
        thresholds: Vec::new(),
        anchor: request.anchor,
        since_us: request.since_us,
    };
    let in_a = tapes(verify(a, &verify_request).await?);
    let in_b = tapes(verify(b, &verify_request).await?);
    let names: BTreeSet<&Tape> = in_a.keys().chain(in_b.keys()).collect();
    let mut found = StoreDiff::default();
    let nothing = Periods::default();
    for tape in names {
        let periods = [
            in_a.get(tape).unwrap_or(&nothing),
            in_b.get(tape).unwrap_or(&nothing),
        ];
        let spans = periods.map(Periods::spans);
        let thresholds: BTreeSet<_> = periods.iter().flat_map(|all| all.thresholds()).collect();
        for threshold in thresholds {
            let series = Series {
                exchange: tape.0.clone(),
                symbol: tape.1.clone(),
                anchor: tape.2,
                threshold,
            };
            compare(series, (periods, &spans), [a, b], &mut found).await?;
        }
    }
    Ok(found)
}

type Tape = (ExchangeName, Symbol, Anchor);

/// By their first µs: the ids of a tape's periods, and whether they are over.
type Spans = BTreeMap<i64, (IdRange, bool)>;

fn tapes(verified: Verified) -> BTreeMap<Tape, Periods> {
    verified
        .periods
        .into_iter()
        .map(|report| ((report.exchange, report.symbol, report.anchor), report.all))
        .collect()
}

/// Compares one series.
async fn compare(
    series: Series,
    (periods, spans): ([&Periods; 2], &[Spans; 2]),
    stores: [&dyn Store; 2],
    found: &mut StoreDiff,
) -> anyhow::Result<()> {
    let starts: BTreeSet<i64> = spans
        .iter()
        .flat_map(|spans| spans.keys().copied())
        .collect();
    let (mut equal, mut different) = (0, 0);
    let mut named = None;
    for start_us in starts {
        let totals = periods.map(|all| all.totals(series.threshold, start_us));
        let ids = union(spans, start_us);
        let whole = [Side::A, Side::B].map(|side| {
            let (totals, span) = (totals[side as usize], spans[side as usize].get(&start_us));
            (side, why_not_whole(totals, span, ids))
        });
        match totals {
            [Some(a), Some(b)] => {
                let is_compared = whole.iter().all(|(_, why)| why.is_none());
                note_unwhole(&series, start_us, whole, found);
                if a.digest.is_some() && a.digest == b.digest {
                    equal += u64::from(is_compared);
                    continue;
                }
                // What is missing in a period that is not whole is no difference; a bar that
                // is not the same is one anywhere.
                let difference = match named {
                    None => first_difference(&series, (start_us, ids), stores, is_compared).await?,
                    Some(_) => None,
                };
                different += u64::from(is_compared || difference.is_some());
                named = named.or(difference);
            }
            [None, None] => {}
            [a, _] => {
                let (side, why) = if a.is_some() { whole[0] } else { whole[1] };
                match why {
                    None => note_only(&series, side, start_us, found),
                    Some(_) => note_unwhole(&series, start_us, [(side, why)], found),
                }
            }
        }
    }
    found.differences.extend(named);
    if equal + different > 0 {
        found.series.push(ComparedSeries {
            series,
            equal,
            different,
        });
    }
    Ok(())
}

/// The ids that a period has in either store.
fn union(spans: &[Spans; 2], start_us: i64) -> IdRange {
    let mut ids = spans.iter().filter_map(|spans| spans.get(&start_us));
    let first = ids.next().map(|(ids, _)| *ids);
    let first = first.unwrap_or(IdRange {
        first_id: 0,
        last_id: -1,
    });
    ids.fold(first, |all, (ids, _)| IdRange {
        first_id: all.first_id.min(ids.first_id),
        last_id: all.last_id.max(ids.last_id),
    })
}

/// Why a period of a series is not whole in a store; none when it is.
fn why_not_whole(
    totals: Option<&PeriodTotals>,
    span: Option<&(IdRange, bool)>,
    ids: IdRange,
) -> Option<Why> {
    match (totals, span) {
        (_, Some((_, false))) => Some(Why::Open),
        (Some(totals), _) if !totals.is_whole => Some(Why::Holes),
        (Some(totals), _) if totals.ids == ids => None,
        _ => Some(Why::Short { ids }),
    }
}

fn note_unwhole(
    series: &Series,
    start_us: i64,
    whole: impl IntoIterator<Item = (Side, Option<Why>)>,
    found: &mut StoreDiff,
) {
    let whole: Vec<_> = whole.into_iter().collect();
    // The present period is whole nowhere.
    if whole.iter().all(|(_, why)| *why == Some(Why::Open)) {
        return;
    }
    found
        .not_whole
        .extend(whole.into_iter().filter_map(|(side, why)| {
            Some(NotWhole {
                side,
                series: series.clone(),
                start_us,
                why: why?,
            })
        }));
}

/// Periods that follow each other are told of together.
fn note_only(series: &Series, side: Side, start_us: i64, found: &mut StoreDiff) {
    let last = found.only.iter_mut().rev();
    let mut last = last.filter(|only| only.series == *series && only.side == side);
    if let Some(only) = last.next() {
        only.periods += 1;
        only.last_us = start_us;
        return;
    }
    found.only.push(OnlyIn {
        side,
        series: series.clone(),
        periods: 1,
        first_us: start_us,
        last_us: start_us,
    });
}

/// Reads a period with `ids` from both stores, and names the first bar that is not the same.
/// A bar that only one of them has counts when both have to be whole, and when the other one
/// has its ids in another bar.
async fn first_difference(
    series: &Series,
    (start_us, ids): (i64, IdRange),
    [a, b]: [&dyn Store; 2],
    are_whole: bool,
) -> anyhow::Result<Option<Difference>> {
    let in_a = bars(series, (start_us, ids), a).await?;
    let in_b = bars(series, (start_us, ids), b).await?;
    let firsts: BTreeSet<i64> = in_a.keys().chain(in_b.keys()).copied().collect();
    for first_id in firsts {
        let (bar, what) = match (in_a.get(&first_id), in_b.get(&first_id)) {
            (Some(a), Some(b)) => (a, what_differs(a, b)),
            (Some(a), None) => {
                let counts = are_whole || overlaps(a, first_id, &in_b);
                (a, counts.then_some(What::OnlyIn(Side::A)))
            }
            (None, Some(b)) => {
                let counts = are_whole || overlaps(b, first_id, &in_a);
                (b, counts.then_some(What::OnlyIn(Side::B)))
            }
            (None, None) => continue,
        };
        if let Some(what) = what {
            let last_id = last_id(bar).unwrap_or(first_id);
            return Ok(Some(Difference {
                series: series.clone(),
                start_us,
                bar: IdRange { first_id, last_id },
                what,
            }));
        }
    }
    Ok(None)
}

/// Whether a bar's ids are in bars of the other store.
fn overlaps(bar: &BarRead, first_id: i64, others: &BTreeMap<i64, BarRead>) -> bool {
    let last = last_id(bar).unwrap_or(first_id).max(first_id);
    let before = others.range(..=last).next_back();
    before.is_some_and(|(other_id, other)| last_id(other).unwrap_or(*other_id) >= first_id)
}

/// The last id of a bar, as far as it can be read.
fn last_id(read: &BarRead) -> Option<i64> {
    match read {
        Ok(stored) => Some(stored.row.bar.last_agg_trade_id),
        Err(unreadable) => unreadable.place.as_ref()?.last_id,
    }
}

fn what_differs(a: &BarRead, b: &BarRead) -> Option<What> {
    let unreadable = |side, reason: String| What::Unreadable { side, reason };
    match (a, b) {
        (Ok(a), Ok(b)) => {
            let (name, a, b) = a.first_difference(b)?;
            Some(What::Column { name, a, b })
        }
        (Err(error), _) => Some(unreadable(Side::A, error.to_string())),
        (_, Err(error)) => Some(unreadable(Side::B, error.to_string())),
    }
}

/// The bars of a series that begin with `ids`, of the period from `start_us` on, by first id.
async fn bars(
    series: &Series,
    (start_us, ids): (i64, IdRange),
    store: &dyn Store,
) -> anyhow::Result<BTreeMap<i64, BarRead>> {
    let period = series.anchor.period(start_us);
    let query = BarQuery {
        exchange: Some(series.exchange.to_string()),
        symbols: vec![series.symbol.clone()],
        thresholds: vec![series.threshold],
        anchor: Some(series.anchor),
        // A bar that opens with a late trade is dated before its period.
        since_us: Some(period.start_us.saturating_sub(DAY_US)),
        until_us: Some(period.end_us),
        newest: None,
    };
    let mut bars = BTreeMap::new();
    store
        .stored_bars(&query, &mut |read| {
            bars.extend(read.into_iter().filter_map(|read| {
                let first_id = match &read {
                    Ok(stored) => Some(stored.row.bar.first_agg_trade_id),
                    Err(unreadable) => unreadable.place.as_ref()?.first_id,
                };
                let first_id = first_id.filter(|id| (ids.first_id..=ids.last_id).contains(id));
                Some((first_id?, read))
            }));
            Ok(())
        })
        .await?;
    Ok(bars)
}
