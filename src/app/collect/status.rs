//! A collector at one moment, as a document: what `/status` serves and `status` reads.
//!
//! The document is versioned. Keys are only added within a version; a reader ignores those
//! that it does not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    app::supervise::TaskStatus,
    domain::health::{HealthSnapshot, Level, SymbolHealth},
};

use super::snapshot::{ConnectionSnapshot, Phase, Shown, SymbolSnapshot};

/// The version of the document.
pub const VERSION: u32 = 1;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`VERSION`].
    pub version: u32,
    /// The version of the program.
    #[serde(default)]
    pub streamkit: String,
    /// The name of the collector in the store.
    pub collector: String,
    /// Its process.
    pub pid: u32,
    /// Whether it runs: false while it stops.
    pub running: bool,
    /// How long it has been running, in s.
    pub uptime_s: f64,
    /// Is it healthy?
    pub health: HealthStatus,
    /// Reconnects in the last hour.
    pub reconnects_1h: u64,
    /// Errors in the last hour.
    pub errors_1h: u64,
    /// Restarts of tasks in the last hour.
    pub restarts_1h: u64,
    /// Reconnects since the start.
    #[serde(default)]
    pub reconnects: u64,
    /// Errors since the start: failed requests, connects, commits and inserts.
    #[serde(default)]
    pub errors: u64,
    /// Messages that were no trade, since the start.
    #[serde(default)]
    pub malformed: u64,
    /// Rows and held trades that are only in memory.
    #[serde(default)]
    pub buffer_rows: u64,
    /// How full the file system of the journal is, 0 to 1.
    #[serde(default)]
    pub disk_used_ratio: Option<f64>,
    /// How much of the cgroup's memory limit is used, 0 to 1; none without a limit.
    #[serde(default)]
    pub memory_used_ratio: Option<f64>,
    /// By connection.
    pub connections: Vec<ConnectionStatus>,
    /// By symbol.
    pub symbols: Vec<SymbolStatus>,
    /// The store.
    pub sink: SinkStatus,
    /// What the store has not confirmed.
    pub spool: SpoolStatus,
    /// By task.
    pub tasks: Vec<TaskLine>,
}

/// Whether it is healthy, with reasons: the small document that `/health` serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthStatus {
    /// [`VERSION`].
    pub version: u32,
    /// Whether it is.
    pub healthy: bool,
    /// When that was judged, in µs since 1970 UTC; none when it never was.
    #[serde(default)]
    pub looked_at_us: Option<i64>,
    /// How long ago that was when this was asked for, in s.
    #[serde(default)]
    pub age_s: Option<f64>,
    /// Why not; of many the first ones, and how many more there are.
    pub complaints: Vec<String>,
    /// What else is not in order.
    pub remarks: Vec<String>,
    /// The score, 0 to 1.
    pub score: f64,
    /// `green`, `yellow` or `red`.
    pub level: String,
    /// What else holds the score down, the worst first; likewise.
    pub reasons: Vec<String>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// Symbols that it is for.
    pub expected: usize,
    /// Symbols of which trades come, or whose silence the exchange has confirmed.
    pub active: usize,
    /// Those that are expected and not active.
    pub missing: Vec<String>,
    /// Whether there is a connection.
    pub connected: bool,
    /// How long it stands, in s.
    pub uptime_s: Option<f64>,
    /// Trades in the last full minute.
    pub messages_per_minute: Option<u64>,
    /// Connections made in its place after the first, since its session began.
    pub reconnects: u64,
}

/// One symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SymbolStatus {
    /// The symbol.
    pub symbol: String,
    /// `starting`, `catching-up`, `live` or `stopped`.
    pub state: String,
    /// `fresh`, `asking`, `overdue`, `quiet`, `blind` or `down`.
    pub stream: String,
    /// The last aggregate id taken.
    pub last_agg_trade_id: Option<i64>,
    /// The newest id that is known to exist.
    pub newest_agg_trade_id: Option<i64>,
    /// When the last trade was traded, in µs since 1970 UTC.
    pub last_trade_time_us: Option<i64>,
    /// How long nothing has come by stream, in s.
    pub silence_s: f64,
    /// Trades in the last full minute.
    pub trades_per_minute: Option<u64>,
    /// The median of its minutes in the last hour.
    pub usual_trades_per_minute: Option<u64>,
    /// Trades taken since the start.
    pub trades: u64,
    /// Bars closed since the start, by threshold in decimal basis points.
    pub bars: BTreeMap<u32, u64>,
    /// Live trades that came twice.
    #[serde(default)]
    pub duplicates: u64,
    /// Gaps that are being fetched.
    pub gaps_open: u64,
    /// Gaps closed by fetching.
    pub gaps_repaired: u64,
    /// Gaps proven absent.
    pub gaps_absent: u64,
}

/// The store, as delivery sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// `closed`, `open` or `half-open`.
    pub breaker: String,
    /// How often it has opened.
    pub breaker_trips: u64,
    /// Failed attempts in a row.
    pub failures: u32,
    /// Rows that the store has confirmed.
    pub published: u64,
    /// Failed inserts since the start.
    pub insert_errors: u64,
}

/// What the store has not confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Rows.
    pub rows: u64,
    /// Their size.
    pub size_bytes: u64,
    /// The age of the oldest batch, in s.
    pub oldest_s: Option<f64>,
    /// Rows that the store refuses.
    pub dead_rows: u64,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskLine {
    /// Its name.
    pub name: String,
    /// `running`, `restarting`, `stopped` or `given-up`.
    pub state: String,
    /// How often it has gone through its work since it was last started.
    pub turns: u64,
    /// How often it was restarted.
    pub restarts: u64,
    /// Why it last failed.
    pub last_failure: Option<String>,
}

/// Who and when.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The name of the collector in the store.
    pub collector: String,
    /// Whether it runs.
    pub running: bool,
    /// The steady clock, in µs since the start.
    pub steady_us: i64,
    /// The wall clock, in µs since 1970 UTC.
    pub wall_us: i64,
}

/// The small document names so many complaints, and only counts the others.
const MAX_NAMED: usize = 10;

impl HealthStatus {
    /// The verdict on `health`.
    #[must_use]
    pub fn of(moment: &Moment, health: &HealthSnapshot) -> Self {
        let complaints = health.complaints();
        let score = health.score();
        let mut reasons = score.reasons;
        reasons.retain(|reason| !complaints.contains(reason));
        let mut status = Self {
            version: VERSION,
            healthy: complaints.is_empty(),
            looked_at_us: Some(moment.wall_us),
            age_s: Some(0.0),
            complaints: few(complaints),
            remarks: few(health.remarks()),
            score: (score.value * 1e3).round() / 1e3,
            level: score.level.as_str().to_owned(),
            reasons: few(reasons),
        };
        if !moment.running {
            status.object("it is stopping");
        }
        status
    }

    /// What there is to say before anybody has looked.
    #[must_use]
    pub fn unknown(complaint: &str) -> Self {
        Self {
            version: VERSION,
            healthy: false,
            looked_at_us: None,
            age_s: None,
            complaints: vec![complaint.to_owned()],
            remarks: Vec::new(),
            score: 0.0,
            level: Level::Red.as_str().to_owned(),
            reasons: Vec::new(),
        }
    }

    /// It was judged so long ago. A judgement older than `patience_s` is none: whatever was
    /// well then may be dead now.
    pub fn judged_before(&mut self, age_s: f64, patience_s: f64) {
        self.age_s = Some(age_s);
        if age_s > patience_s {
            self.object(&format!("health was last judged {age_s:.0} s ago"));
        }
    }

    /// Whatever else is so, this makes it unhealthy.
    fn object(&mut self, complaint: &str) {
        self.healthy = false;
        self.complaints.insert(0, complaint.to_owned());
        self.score = 0.0;
        Level::Red.as_str().clone_into(&mut self.level);
    }
}

/// The first ones, and how many more there are.
fn few(mut texts: Vec<String>) -> Vec<String> {
    let more = texts.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        texts.truncate(MAX_NAMED);
        texts.push(format!("and {more} more"));
    }
    texts
}

impl Status {
    /// The document of a moment.
    #[must_use]
    pub fn of(
        moment: &Moment,
        shown: &Shown,
        health: &HealthSnapshot,
        tasks: &[TaskStatus],
    ) -> Self {
        let symbols = shown
            .symbols
            .iter()
            .zip(&health.symbols)
            .map(|(line, health)| SymbolStatus::of(line, health))
            .collect();
        let connections = shown
            .connections
            .iter()
            .map(|connection| ConnectionStatus::of(connection, &health.symbols, moment))
            .collect();
        let (sink, spool) = (&shown.sink, &shown.spool);
        Self {
            version: VERSION,
            streamkit: env!("CARGO_PKG_VERSION").to_owned(),
            collector: moment.collector.clone(),
            pid: std::process::id(),
            running: moment.running,
            uptime_s: seconds(moment.steady_us),
            health: HealthStatus::of(moment, health),
            reconnects_1h: health.reconnects_1h,
            errors_1h: health.errors_1h,
            restarts_1h: health.restarts_1h,
            reconnects: shown.totals.reconnects,
            errors: health.errors,
            malformed: shown.totals.malformed,
            buffer_rows: health.buffer_rows,
            disk_used_ratio: health.disk_used_ratio,
            memory_used_ratio: health.memory_used_ratio,
            connections,
            symbols,
            sink: SinkStatus {
                breaker: sink.breaker.as_str().to_owned(),
                breaker_trips: sink.breaker_trips,
                failures: sink.failures,
                published: sink.published,
                insert_errors: sink.errors.total(),
            },
            spool: SpoolStatus {
                rows: spool.rows,
                size_bytes: spool.size_bytes,
                oldest_s: spool
                    .oldest_us
                    .map(|oldest_us| seconds(moment.wall_us.saturating_sub(oldest_us))),
                dead_rows: spool.dead_rows,
            },
            tasks: tasks
                .iter()
                .map(|task| TaskLine {
                    name: task.name.to_string(),
                    state: task.state.as_str().to_owned(),
                    turns: task.turns,
                    restarts: task.restarts,
                    last_failure: task.last_failure.clone(),
                })
                .collect(),
        }
    }
}

impl ConnectionStatus {
    fn of(connection: &ConnectionSnapshot, symbols: &[SymbolHealth], moment: &Moment) -> Self {
        let own = || {
            symbols
                .iter()
                .filter(|symbol| connection.symbols.contains(&symbol.symbol))
        };
        let missing: Vec<_> = own()
            .filter(|symbol| !symbol.is_active())
            .map(|symbol| symbol.symbol.to_string())
            .collect();
        let expected = connection.symbols.len();
        let rates: Option<Vec<u64>> = own().map(|symbol| symbol.per_minute).collect();
        Self {
            expected,
            active: expected.saturating_sub(missing.len()),
            missing,
            connected: connection.up_since_us.is_some(),
            uptime_s: connection
                .up_since_us
                .map(|since_us| seconds(moment.steady_us.saturating_sub(since_us))),
            messages_per_minute: rates.map(|rates| rates.iter().sum()),
            reconnects: connection.reconnects,
        }
    }
}

impl SymbolStatus {
    fn of(line: &SymbolSnapshot, health: &SymbolHealth) -> Self {
        let state = match line.phase {
            Phase::Starting => "starting",
            Phase::CatchingUp => "catching-up",
            Phase::Live => "live",
            Phase::Stopped => "stopped",
        };
        Self {
            symbol: line.symbol.to_string(),
            state: state.to_owned(),
            stream: line.pulse.as_str().to_owned(),
            last_agg_trade_id: (line.trades > 0).then(|| line.next_id - 1),
            newest_agg_trade_id: (line.newest_id >= 0).then_some(line.newest_id),
            last_trade_time_us: line.last_time_us,
            silence_s: seconds(line.silence_us),
            trades_per_minute: health.per_minute,
            usual_trades_per_minute: health.usual_per_minute,
            trades: line.trades,
            bars: line
                .bars
                .iter()
                .map(|(threshold, bars)| (threshold.dbps(), *bars))
                .collect(),
            duplicates: line.duplicates,
            gaps_open: line.gaps_open,
            gaps_repaired: line.gaps_repaired,
            gaps_absent: line.gaps_absent,
        }
    }
}

/// Whole milliseconds, as people and charts want them.
fn seconds(us: i64) -> f64 {
    (us.max(0) / 1000) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::{Progress, Pulse};

    fn moment(running: bool) -> Moment {
        Moment {
            collector: "nas".to_owned(),
            running,
            steady_us: 0,
            wall_us: 7,
        }
    }

    #[test]
    fn the_small_document_stays_small_however_many_symbols_are_down() {
        let symbols = (0..400).map(|number| SymbolHealth {
            symbol: format!("S{number}USDT").parse().expect("a symbol"),
            progress: Progress::Live,
            pulse: Pulse::Down,
            silence_ms: 0,
            patience_ms: 12_000,
            per_minute: None,
            usual_per_minute: None,
        });
        let health = HealthSnapshot {
            symbols: symbols.collect(),
            ..HealthSnapshot::default()
        };
        let status = HealthStatus::of(&moment(true), &health);
        assert!(!status.healthy);
        assert_eq!(status.complaints.len(), MAX_NAMED + 1);
        assert_eq!(status.complaints[MAX_NAMED], "and 390 more");
        assert!(status.reasons.is_empty(), "nothing stands there twice");
        let size_bytes = serde_json::to_string(&status).expect("JSON").len();
        assert!(size_bytes < 1000, "{size_bytes}");
    }

    #[test]
    fn a_judgement_that_is_old_is_none() {
        let mut status = HealthStatus::of(&moment(true), &HealthSnapshot::default());
        assert_eq!(status.looked_at_us, Some(7));
        status.judged_before(2.9, 3.0);
        assert!(status.healthy && status.complaints.is_empty());
        status.judged_before(12.6, 3.0);
        assert!(!status.healthy);
        assert_eq!(status.complaints, ["health was last judged 13 s ago"]);
        assert_eq!((status.age_s, status.score), (Some(12.6), 0.0));
    }

    #[test]
    fn what_stops_is_not_healthy() {
        let status = HealthStatus::of(&moment(false), &HealthSnapshot::default());
        assert!(!status.healthy);
        assert_eq!(status.complaints, ["it is stopping"]);
    }
}
