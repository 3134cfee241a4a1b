//! What collectors have written into the store about themselves, as a document: what
//! `status --remote` shows.
//!
//! The document is versioned. Keys are only added within a version; a reader ignores those
//! that it does not know.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::row::HealthRow;

/// The version of the document.
pub const VERSION: u32 = 1;

/// The whole document. Ages are those at one moment, on the clock of whoever asks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredStatus {
    /// [`VERSION`].
    pub version: u32,
    /// `store`: it is not what a collector answers by itself.
    pub source: &'static str,
    /// Where the store is, without secrets.
    pub store: String,
    /// Whether there are rows, and all of them are healthy.
    pub healthy: bool,
    /// Why not.
    pub complaints: Vec<String>,
    /// By collector and exchange.
    pub collectors: Vec<StoredCollector>,
}

/// One collector and what it collects from one exchange.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredCollector {
    /// Its name.
    pub collector: String,
    /// The exchange.
    pub exchange: String,
    /// Whether all of its symbols are healthy.
    pub healthy: bool,
    /// Why not.
    pub complaints: Vec<String>,
    /// By symbol.
    pub symbols: Vec<StoredSymbol>,
}

/// One symbol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredSymbol {
    /// The symbol.
    pub symbol: String,
    /// `starting`, `catching-up`, `live`, `quiet`, `silent`, `paused`, `stopped` or `ended`.
    pub state: &'static str,
    /// The last aggregate id taken.
    pub last_agg_trade_id: Option<i64>,
    /// When that trade was traded, in µs since 1970 UTC.
    pub last_trade_time_us: Option<i64>,
    /// How long ago, in s.
    pub last_trade_age_s: Option<f64>,
    /// When a trade was last taken, in µs since 1970 UTC.
    pub received_at_us: Option<i64>,
    /// How long ago, in s.
    pub received_age_s: Option<f64>,
    /// By threshold in decimal basis points: when the newest bar closed, in µs since 1970.
    pub newest_bars: BTreeMap<u32, i64>,
    /// How long ago the newest of all of them closed, in s.
    pub newest_bar_age_s: Option<f64>,
    /// Rows of the whole collector that the store had not confirmed.
    pub spool_rows: u64,
    /// `closed`, `open` or `half-open`.
    pub breaker: &'static str,
    /// How far apart heartbeats are meant to be, in s.
    pub heartbeat_interval_s: f64,
    /// When the row was written, in µs since 1970 UTC.
    pub heartbeat_at_us: i64,
    /// How long ago, in s.
    pub heartbeat_age_s: f64,
}

impl StoredStatus {
    /// The document of `rows`, which stand in the order of the store, at `now_us` on the
    /// wall clock.
    #[must_use]
    pub fn of(store: String, rows: &[HealthRow], now_us: i64) -> Self {
        let same = |a: &HealthRow, b: &HealthRow| {
            (&a.collector, &a.exchange) == (&b.collector, &b.exchange)
        };
        let collectors: Vec<_> = rows
            .chunk_by(same)
            .filter_map(|rows| StoredCollector::of(rows, now_us))
            .collect();
        let complaints: Vec<_> = collectors
            .iter()
            .flat_map(|collector| {
                let name = &collector.collector;
                let complaints = collector.complaints.iter();
                complaints.map(move |complaint| format!("{name}: {complaint}"))
            })
            .collect();
        Self {
            version: VERSION,
            source: "store",
            store,
            healthy: !collectors.is_empty() && complaints.is_empty(),
            complaints,
            collectors,
        }
    }
}

impl StoredCollector {
    fn of(rows: &[HealthRow], now_us: i64) -> Option<Self> {
        let first = rows.first()?;
        // A collector that is gone is one complaint and not one for each symbol.
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for row in rows {
            let Some(reason) = row.complaint(now_us) else {
                continue;
            };
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, symbols)) => symbols.push(row.symbol.as_str()),
                None => reasons.push((reason, vec![row.symbol.as_str()])),
            }
        }
        let complaints: Vec<_> = reasons
            .into_iter()
            .map(|(reason, symbols)| format!("{reason} ({})", symbols.join(", ")))
            .collect();
        Some(Self {
            collector: first.collector.clone(),
            exchange: first.exchange.to_string(),
            healthy: complaints.is_empty(),
            complaints,
            symbols: rows
                .iter()
                .map(|row| StoredSymbol::of(row, now_us))
                .collect(),
        })
    }
}

impl StoredSymbol {
    fn of(row: &HealthRow, now_us: i64) -> Self {
        let age_s = |time_us: i64| seconds(now_us.saturating_sub(time_us));
        Self {
            symbol: row.symbol.to_string(),
            state: row.state.as_str(),
            last_agg_trade_id: row.last_agg_trade_id,
            last_trade_time_us: row.last_trade_time_us,
            last_trade_age_s: row.last_trade_time_us.map(age_s),
            received_at_us: row.received_at_us,
            received_age_s: row.received_at_us.map(age_s),
            newest_bars: row
                .newest_bars
                .iter()
                .map(|(threshold, close_us)| (threshold.dbps(), *close_us))
                .collect(),
            newest_bar_age_s: row.newest_bar_us().map(age_s),
            spool_rows: row.spool_rows,
            breaker: row.breaker.as_str(),
            heartbeat_interval_s: seconds(row.interval_us),
            heartbeat_at_us: row.heartbeat_at_us,
            heartbeat_age_s: age_s(row.heartbeat_at_us),
        }
    }
}

/// Whole milliseconds, below zero too: a clock that is ahead is worth seeing.
fn seconds(us: i64) -> f64 {
    (us / 1000) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{breaker::BreakerState, row::StreamState};

    fn row(collector: &str, symbol: &str, state: StreamState) -> HealthRow {
        HealthRow {
            collector: collector.to_owned(),
            exchange: "sim".into(),
            symbol: symbol.parse().expect("a symbol"),
            state,
            last_agg_trade_id: None,
            last_trade_time_us: None,
            received_at_us: Some(5_000_000),
            newest_bars: BTreeMap::new(),
            spool_rows: 0,
            breaker: BreakerState::Closed,
            interval_us: 10_000_000,
            heartbeat_at_us: 6_000_000,
        }
    }

    #[test]
    fn a_collector_that_is_gone_is_one_complaint() {
        let rows = [
            row("nas", "BTCUSDT", StreamState::Live),
            row("nas", "ETHUSDT", StreamState::Quiet),
            row("vps", "BTCUSDT", StreamState::Starting),
        ];
        let at = |now_us| StoredStatus::of("here".to_owned(), &rows, now_us);
        let fresh = at(8_000_000);
        assert_eq!(fresh.complaints, ["vps: starting (BTCUSDT)"]);
        assert!(!fresh.healthy && fresh.collectors[0].healthy);
        assert_eq!(fresh.collectors[0].symbols[1].received_age_s, Some(3.0));
        assert_eq!(
            at(46_000_000).complaints[0],
            "nas: no heartbeat for 40.0 s, where one every 10.0 s is meant (BTCUSDT, ETHUSDT)"
        );
        assert!(!StoredStatus::of("here".to_owned(), &[], 0).healthy);
    }
}
