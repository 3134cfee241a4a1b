//! One attempt to seal the periods of a symbol.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, error::Elapsed, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        collect::{session::Context, snapshot::SinkSnapshot},
        seals::{Confirmed, SealRequest, Sealing, confirm, seal},
        supervise::Turns,
        verify::stored_seals,
    },
    domain::{
        bar::ClosedBy,
        breaker::BreakerState,
        row::Series,
        seal::{SealKey, SealRow},
        symbol::Symbol,
        threshold::Threshold,
    },
    journal::SpoolStats,
    store::sink::{SealQuery, StoreError},
};

/// At a stop, what is being sealed has so long to come to its end.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// What one attempt has brought.
#[derive(Default)]
pub(super) struct Attempt {
    /// The seals that there were before.
    pub stored: Vec<SealRow>,
    pub sealing: Sealing,
    pub confirmed: Confirmed,
    /// What was written and could not be confirmed.
    pub unconfirmed: Vec<SealRow>,
}

/// What an attempt is about.
pub(super) struct Due {
    pub symbols: Vec<Symbol>,
    /// What to seal, of one symbol; nothing when seals are only looked at.
    pub periods: BTreeSet<SealKey>,
}

/// Whether everything that the journal had at a time is in the store.
pub(super) fn is_delivered(spool: &SpoolStats, time_us: i64) -> bool {
    spool.rows == 0 || spool.oldest_us.is_some_and(|oldest_us| oldest_us > time_us)
}

/// Whether delivery has no trouble with the store.
pub(super) fn is_usable(sink: &SinkSnapshot) -> bool {
    sink.failures == 0 && sink.breaker == BreakerState::Closed
}

/// A time that the bars of a symbol show to be over; none without bars.
pub(super) async fn newest_us(
    context: &Context,
    symbol: &Symbol,
) -> Result<Option<i64>, StoreError> {
    let mut newest_us = None;
    for &threshold in &context.settings.thresholds {
        let series = Series {
            exchange: context.exchange.clone(),
            symbol: symbol.clone(),
            threshold,
            anchor: context.settings.anchor,
        };
        let Some(last) = context.store.last_bar(&series).await? else {
            continue;
        };
        let period = series.anchor.period(last.bar.open_time_us);
        // The trade that has cut it belongs to the next one.
        let time_us = match last.bar.closed_by {
            ClosedBy::Anchor => period.end_us,
            ClosedBy::Breach | ClosedBy::Gap => last.bar.open_time_us,
        };
        newest_us = newest_us.max(Some(time_us));
    }
    Ok(newest_us)
}

/// Whether a seal vouches for every wanted threshold.
pub(super) fn is_covered(seal: &SealRow, wanted: &[Threshold]) -> bool {
    let mut wanted = wanted.iter();
    wanted.all(|threshold| seal.digests.contains_key(threshold))
}

/// Waits for `work`, for `patience` at most, and takes a turn every `look` meanwhile; none
/// when it was too long about it after `finish`.
pub(super) async fn patiently<T>(
    work: impl Future<Output = T>,
    patience: Duration,
    (turns, look): (&Turns, Duration),
    finish: &CancellationToken,
) -> Option<Result<T, Elapsed>> {
    let until = Instant::now() + patience;
    let late = async {
        finish.cancelled().await;
        sleep(LAST_PATIENCE).await;
    };
    tokio::select! {
        biased;
        done = turns.while_waiting(look, until, timeout_at(until, work)) => Some(done),
        () = late => None,
    }
}

/// Reads back, seals and confirms.
pub(super) async fn attempt(
    context: &Context,
    due: &Due,
    since_us: Option<i64>,
    unconfirmed: &[SealRow],
) -> anyhow::Result<Attempt> {
    let (store, settings) = (&*context.store, &context.settings);
    let mut done = Attempt::default();
    if !unconfirmed.is_empty() {
        done.confirmed = confirm(store, &context.clock, unconfirmed.to_vec()).await?;
    }
    let query = SealQuery {
        exchange: Some(context.exchange.to_string()),
        symbols: due.symbols.clone(),
        anchor: Some(settings.anchor),
        since_us,
        until_us: None,
    };
    let stored = stored_seals(store, &query).await?;
    done.stored = stored.into_iter().flatten().collect();
    let has_seal = |key: &&SealKey| {
        let mut stored = done.stored.iter();
        stored.any(|seal| seal.key == **key && is_covered(seal, &settings.thresholds))
    };
    let only: BTreeSet<_> = due.periods.iter().filter(|key| !has_seal(key)).collect();
    let Some(first_us) = only.iter().map(|key| key.period_start_us).min() else {
        return Ok(done);
    };
    let request = SealRequest {
        exchange: query.exchange,
        symbols: query.symbols,
        anchor: query.anchor,
        since_us: Some(first_us),
        wanted: Some(settings.thresholds.clone()),
        only: Some(only.into_iter().cloned().collect()),
    };
    done.sealing = seal(store, Some(&*context.source), &context.clock, &request).await?;
    // Should that fail, the seals are there all the same.
    match confirm(store, &context.clock, done.sealing.written.clone()).await {
        Ok(confirmed) => done.confirmed.sealed.extend(confirmed.sealed),
        Err(_) => done.unconfirmed = done.sealing.written.clone(),
    }
    Ok(done)
}
