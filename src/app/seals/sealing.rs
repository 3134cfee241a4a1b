//! Reading periods back from the store, judging them, and sealing those that deserve it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::{
        clock::Clock,
        verify::{PeriodSeal, PeriodsReport, SealState, Verified, VerifyRequest, verify},
    },
    domain::{
        anchor::Anchor,
        row::ExchangeName,
        seal::{SealKey, SealRow},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{Judged, Sealed, Unsealable},
    },
    exchange::source::Source,
    store::sink::Store,
};

use super::unsealing::{tombstone, version};

/// Which periods to seal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealRequest {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols.
    pub symbols: Vec<Symbol>,
    /// Of this anchor; of all when none.
    pub anchor: Option<Anchor>,
    /// From the period of this time (µs) on.
    pub since_us: Option<i64>,
    /// Every one of these thresholds has to be there, and those of a seal that there is
    /// already. When none: all that reach over the period.
    pub wanted: Option<Vec<Threshold>>,
    /// Only these periods; all when none.
    pub only: Option<BTreeSet<SealKey>>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sealing {
    /// The seals that were written. They count once they are [confirmed](confirm).
    pub written: Vec<SealRow>,
    /// The closed periods that do not deserve one, and why. Some of them may be sealed all
    /// the same, without every wanted threshold.
    pub refused: Vec<(SealKey, Unsealable)>,
    /// The periods whose seal vouches for bars that are not those that were sealed, by threshold.
    pub broken: Vec<(SealKey, Vec<Threshold>)>,
    /// The periods that have the seal that they deserve.
    pub standing: BTreeSet<SealKey>,
}

/// What a second reading has shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confirmed {
    /// The seals that stand.
    pub sealed: Vec<SealRow>,
    /// Those that were taken back, because the bars were written again meanwhile.
    pub lost: Vec<SealRow>,
}

/// Seals what deserves it. Where nothing lies before a period's first bar, `source` is asked
/// whether its first trade is the first; without one such a period is not sealed.
///
/// # Errors
/// When the store cannot be read or written. An exchange that cannot be asked is no error:
/// the period stays unsealed for that reason.
pub async fn seal(
    store: &dyn Store,
    source: Option<&dyn Source>,
    clock: &Clock,
    request: &SealRequest,
) -> anyhow::Result<Sealing> {
    let verified = verify(store, &request.to_verify()).await?;
    let mut sealing = Sealing::default();
    for report in &verified.periods {
        let seals = seals_of(&verified, report);
        for judged in judge(report, source, &seals, request).await {
            let key = report.key(judged.start_us);
            let is_asked_for = request.only.as_ref().is_none_or(|only| only.contains(&key));
            if !is_asked_for || judged.verdict == Err(Unsealable::Open) {
                continue;
            }
            let present = seals.get(&judged.start_us);
            match judged.verdict {
                // What somebody has vouched for and is not so any more is for people to see.
                _ if present.is_some_and(|(_, state)| state.is_damage()) => {
                    let of = present.and_then(|(_, state)| match state {
                        SealState::Broken(thresholds) => Some(thresholds.clone()),
                        _ => None,
                    });
                    sealing.broken.push((key, of.unwrap_or_default()));
                }
                Ok(sealed) if present.is_some_and(|(seal, _)| says(seal, &sealed)) => {
                    sealing.standing.insert(key);
                }
                Ok(sealed) => {
                    let replaced = present.map(|(seal, _)| *seal);
                    let row = row(key, sealed, clock.wall_us(), replaced);
                    sealing.written.push(row);
                }
                Err(reason) => sealing.refused.push((key, reason)),
            }
        }
    }
    if !sealing.written.is_empty() {
        store.put_seals(&sealing.written).await?;
    }
    Ok(sealing)
}

/// Reads the periods of new seals a second time, and takes back those whose bars were written
/// meanwhile.
///
/// # Errors
/// When the store cannot be read or written. The seals have to be confirmed later.
pub async fn confirm(
    store: &dyn Store,
    clock: &Clock,
    written: Vec<SealRow>,
) -> anyhow::Result<Confirmed> {
    let mut groups: BTreeMap<(ExchangeName, Anchor), Vec<SealRow>> = BTreeMap::new();
    for row in written {
        let group = (row.key.exchange.clone(), row.key.anchor);
        groups.entry(group).or_default().push(row);
    }
    let mut confirmed = Confirmed::default();
    for ((exchange, anchor), rows) in groups {
        let mut symbols: Vec<_> = rows.iter().map(|row| row.key.symbol.clone()).collect();
        symbols.dedup();
        let request = VerifyRequest {
            exchange: Some(exchange.to_string()),
            symbols,
            anchor: Some(anchor),
            since_us: rows.iter().map(|row| row.key.period_start_us).min(),
            ..VerifyRequest::default()
        };
        let verified = verify(store, &request).await?;
        let mut tombstones = Vec::new();
        for row in rows {
            let mut seals = verified.seals.iter();
            let state = seals
                .find(|seal| seal.key() == row.key)
                .map(|seal| &seal.state);
            match state {
                Some(SealState::Sealed | SealState::Partly(_)) => confirmed.sealed.push(row),
                // Somebody else has taken it back, or it is for us to do.
                state => {
                    if state.is_some_and(SealState::is_damage) {
                        tombstones.push(tombstone(&row, clock.wall_us()));
                    }
                    confirmed.lost.push(row);
                }
            }
        }
        if !tombstones.is_empty() {
            store.put_seals(&tombstones).await?;
        }
    }
    Ok(confirmed)
}

impl SealRequest {
    fn to_verify(&self) -> VerifyRequest {
        VerifyRequest {
            exchange: self.exchange.clone(),
            symbols: self.symbols.clone(),
            thresholds: Vec::new(),
            anchor: self.anchor,
            since_us: self.since_us,
        }
    }
}

/// The seals of one symbol and anchor, by the first µs of their periods.
type Seals<'a> = BTreeMap<i64, (&'a SealRow, &'a SealState)>;

fn seals_of<'a>(verified: &'a Verified, report: &PeriodsReport) -> Seals<'a> {
    let is_of = |period: &&PeriodSeal| period.key() == report.key(period.start_us);
    let periods = verified.seals.iter().filter(is_of);
    periods
        .filter_map(|period| Some((period.start_us, (period.seal.as_ref()?, &period.state))))
        .collect()
}

/// Judges the periods of one symbol and anchor; asks `source` where nothing else can tell.
async fn judge(
    report: &PeriodsReport,
    source: Option<&dyn Source>,
    seals: &Seals<'_>,
    request: &SealRequest,
) -> Vec<Judged> {
    let wanted = |start_us: i64| -> Vec<Threshold> {
        let Some(wanted) = &request.wanted else {
            return report.all.spanning(start_us);
        };
        let sealed = seals.get(&start_us);
        let sealed = sealed.into_iter().flat_map(|(seal, _)| seal.digests.keys());
        let all: BTreeSet<_> = wanted.iter().chain(sealed).copied().collect();
        all.into_iter().collect()
    };
    let mut first_ids = BTreeMap::new();
    let judged = report.all.judge_by(wanted, &first_ids);
    let Some(source) = source.filter(|source| source.name() == &*report.exchange) else {
        return judged;
    };
    for period in &judged {
        if let Err(Unsealable::StartUnknown { .. }) = period.verdict
            && let Ok(Some(first)) = source.first_since(&report.symbol, period.start_us).await
        {
            first_ids.insert(period.start_us, first.id);
        }
    }
    if first_ids.is_empty() {
        return judged;
    }
    report.all.judge_by(wanted, &first_ids)
}

/// Whether a seal says what a new one would.
fn says(seal: &SealRow, sealed: &Sealed) -> bool {
    seal.ids == sealed.ids
        && seal.trade_count == sealed.trade_count
        && seal.volume == sealed.volume
        && seal.digests == sealed.digests
}

fn row(key: SealKey, sealed: Sealed, now_us: i64, replaced: Option<&SealRow>) -> SealRow {
    SealRow {
        key,
        ids: sealed.ids,
        trade_count: sealed.trade_count,
        volume: sealed.volume,
        digests: sealed.digests,
        sealed_at_us: now_us,
        version: version(now_us, replaced),
        is_deleted: false,
    }
}
