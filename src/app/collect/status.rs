//! A collector at one moment, as a document: what `/status` serves and `status` reads.
//!
//! The document is versioned. Keys are only added within a version; a reader ignores those
//! that it does not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    app::supervise::TaskStatus,
    domain::health::{HealthSnapshot, SymbolHealth},
};

use super::snapshot::{ConnectionSnapshot, Phase, Shown, SymbolSnapshot};

/// The version of the document.
pub const VERSION: u32 = 1;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`VERSION`].
    pub version: u32,
    /// The name of the collector in the store.
    pub collector: String,
    /// Its process.
    pub pid: u32,
    /// Whether it runs: false only while it stops.
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
    /// Why not.
    pub complaints: Vec<String>,
    /// What else is not in order.
    pub remarks: Vec<String>,
    /// The score, 0 to 1.
    pub score: f64,
    /// `green`, `yellow` or `red`.
    pub level: String,
    /// What holds the score down, the worst first.
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
    /// Connections made in its place after the first.
    pub reconnects: u64,
}

/// One symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SymbolStatus {
    /// The symbol.
    pub symbol: String,
    /// `starting`, `catching-up`, `live` or `stopped`.
    pub state: String,
    /// `fresh`, `asking`, `overdue`, `quiet`, `blind`, `dead` or `down`.
    pub stream: String,
    /// Whether it is live and its stream shows life, or is confirmed to be quiet.
    #[serde(default)]
    pub active: bool,
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

impl HealthStatus {
    /// The verdict on `health`.
    #[must_use]
    pub fn of(health: &HealthSnapshot) -> Self {
        let complaints = health.complaints();
        let score = health.score();
        Self {
            version: VERSION,
            healthy: complaints.is_empty(),
            complaints,
            remarks: health.remarks(),
            score: (score.value * 1e3).round() / 1e3,
            level: score.level.as_str().to_owned(),
            reasons: score.reasons,
        }
    }
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
            collector: moment.collector.clone(),
            pid: std::process::id(),
            running: moment.running,
            uptime_s: seconds(moment.steady_us),
            health: HealthStatus::of(health),
            reconnects_1h: health.reconnects_1h,
            errors_1h: health.errors_1h,
            restarts_1h: health.restarts_1h,
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
            active: health.is_active(),
            last_agg_trade_id: line.last_id,
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
