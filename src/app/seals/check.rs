//! Which closed periods should have a seal and have none, and what mends them: for whoever
//! watches.
//!
//! Where every period is sealed, only seals and names are read. Bars are read from the first
//! unsealed period of a symbol on.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    app::verify::{PeriodSeal, SealState, Verified, VerifyRequest, stored_seals, verify},
    domain::{
        anchor::{Anchor, Period},
        micros::micros,
        row::ExchangeName,
        seal::{SealKey, SealRow},
        symbol::Symbol,
        threshold::Threshold,
        tiling::{IdRange, Unsealable},
    },
    store::sink::{BarQuery, SealQuery, Store},
};

/// Which periods to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRequest {
    /// Of this exchange; of all when none.
    pub exchange: Option<String>,
    /// Of these symbols; of all when empty.
    pub symbols: Vec<Symbol>,
    /// Periods that ended no longer ago.
    pub window: Duration,
    /// Periods that ended no longer ago may still be sealed by themselves, and are not told of.
    pub settle: Duration,
}

/// How long a period is over before it is told of, unless somebody says otherwise.
pub const SETTLE: Duration = Duration::from_secs(15 * 60);

/// A closed period without a seal that would hold.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsealedPeriod {
    /// The exchange.
    pub exchange: ExchangeName,
    /// The symbol.
    pub symbol: Symbol,
    /// The anchor.
    pub anchor: Anchor,
    /// From its first µs to the next one's.
    pub period: Period,
    /// From the first id of its bars to the last.
    pub ids: IdRange,
    /// Why it has none. Prints as the rest of a sentence that begins with the period.
    pub state: SealState,
    /// The ids that have to be written again; none where no bar is wrong.
    pub ids_to_mend: Vec<IdRange>,
    /// The command that mends it.
    pub remedy: String,
}

/// The closed periods of the bars in `store` that should have a seal at `now_us` (µs since
/// 1970 UTC) and have none that holds: by exchange, symbol, anchor and time.
///
/// A period of which no bar shows that it is over is not among them: either nothing was traded
/// since, or its collector is behind, which freshness tells.
///
/// # Errors
/// When the store cannot be read.
pub async fn check(
    store: &dyn Store,
    request: &CheckRequest,
    now_us: i64,
) -> anyhow::Result<Vec<UnsealedPeriod>> {
    let ended_us = |ago: Duration| now_us.saturating_sub(micros(ago));
    let window = (ended_us(request.window), ended_us(request.settle));
    let tapes = tapes(store, request, window.0).await?;
    let starts = tapes
        .keys()
        .map(|(_, _, anchor)| anchor.period(window.0).start_us);
    let query = SealQuery {
        exchange: request.exchange.clone(),
        symbols: request.symbols.clone(),
        since_us: starts.min(),
        ..SealQuery::default()
    };
    let seals: BTreeMap<SealKey, SealRow> = stored_seals(store, &query)
        .await?
        .into_iter()
        .flatten()
        .map(|seal| (seal.key.clone(), seal))
        .collect();
    let mut unsealed = Vec::new();
    for ((exchange, symbol, anchor), thresholds) in tapes {
        let is_sealed = |period: &Period| {
            let key = SealKey {
                exchange: exchange.clone(),
                symbol: symbol.clone(),
                anchor,
                period_start_us: period.start_us,
            };
            seals.get(&key).is_some_and(|seal| {
                let mut thresholds = thresholds.iter();
                thresholds.all(|threshold| seal.digests.contains_key(threshold))
            })
        };
        let mut periods = periods(anchor, window).into_iter();
        let Some(first) = periods.find(|period| !is_sealed(period)) else {
            continue;
        };
        let request = VerifyRequest {
            exchange: Some(exchange.to_string()),
            symbols: vec![symbol],
            thresholds: Vec::new(),
            anchor: Some(anchor),
            since_us: Some(first.start_us),
        };
        let verified = verify(store, &request).await?;
        let found = verified.seals.iter();
        unsealed.extend(found.filter_map(|seal| unsealed_period(&verified, seal, window)));
    }
    Ok(unsealed)
}

/// The thresholds of each tape that has bars since a time.
type Tapes = BTreeMap<(ExchangeName, Symbol, Anchor), BTreeSet<Threshold>>;

async fn tapes(store: &dyn Store, request: &CheckRequest, since_us: i64) -> anyhow::Result<Tapes> {
    let query = BarQuery {
        exchange: request.exchange.clone(),
        symbols: request.symbols.clone(),
        // Bars of a month may have opened at its beginning.
        since_us: Some(Anchor::Month.period(since_us).start_us),
        ..BarQuery::default()
    };
    let mut tapes = Tapes::new();
    for series in store.series(&query).await? {
        let tape = (series.exchange, series.symbol, series.anchor);
        tapes.entry(tape).or_default().insert(series.threshold);
    }
    Ok(tapes)
}

/// The periods that ended after the first of two times, and no later than the second.
fn periods(anchor: Anchor, (after_us, until_us): (i64, i64)) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut period = anchor.period(after_us);
    while period.end_us <= until_us {
        periods.push(period);
        period = anchor.period(period.end_us);
    }
    periods
}

fn unsealed_period(
    verified: &Verified,
    seal: &PeriodSeal,
    (after_us, until_us): (i64, i64),
) -> Option<UnsealedPeriod> {
    let period = seal.anchor.period(seal.start_us);
    let is_open = seal.state == SealState::Unsealed(Unsealable::Open);
    let has_ended = after_us < period.end_us && period.end_us <= until_us;
    if seal.state.is_sealed() || is_open || !has_ended {
        return None;
    }
    let ids_to_mend = verified.ids_to_mend(seal);
    // What is missing may reach over whole periods, of which there are no bars to tell of.
    let end_us = match ids_to_mend.last() {
        Some(ids) if ids.last_id > seal.ids.last_id => verified
            .period_behind(seal, ids.last_id)
            .unwrap_or(period.end_us),
        _ => period.end_us,
    };
    Some(UnsealedPeriod {
        exchange: seal.exchange.clone(),
        symbol: seal.symbol.clone(),
        anchor: seal.anchor,
        period,
        ids: seal.ids,
        state: seal.state.clone(),
        remedy: remedy(seal, (period.start_us, end_us), ids_to_mend.is_empty()),
        ids_to_mend,
    })
}

/// The command that mends a period: without any bar that is wrong, looking at it is enough.
fn remedy(seal: &PeriodSeal, (start_us, end_us): (i64, i64), is_whole: bool) -> String {
    let exchange = &seal.exchange;
    let (symbol, anchor) = (&seal.symbol, seal.anchor);
    // The exchange that is asked by itself need not be named.
    let exchange = match &**exchange {
        "binance" => String::new(),
        other => format!(" --exchange {other}"),
    };
    if is_whole {
        let since = day(start_us);
        return format!(
            "streamkit verify {symbol} --anchor {anchor} --since {since} --seal{exchange}"
        );
    }
    // It was sealed, so backfill would take it for done.
    let rebuild = if matches!(seal.state, SealState::Broken(_)) {
        " --rebuild"
    } else {
        ""
    };
    format!(
        "streamkit backfill {symbol} --all-thresholds --anchor {anchor} --from {} --to {}{rebuild}\
         {exchange}",
        day(start_us),
        day(end_us)
    )
}

/// The date of a period's boundary, which is a midnight in UTC.
fn day(time_us: i64) -> String {
    jiff::Timestamp::from_microsecond(time_us).map_or_else(
        |_| time_us.to_string(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}
