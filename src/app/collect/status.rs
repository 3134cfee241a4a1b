//! A collector at one moment, as a document: what `/status` serves and `status` reads.
//!
//! The document is versioned. Keys are only added within a version; a reader ignores those
//! that it does not know.

mod verdict;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    app::supervise::TaskStatus,
    domain::{
        health::{HealthSnapshot, SymbolHealth},
        symbol::Symbol,
    },
};

use super::snapshot::{ConnectionSnapshot, Phase, Shown, SymbolSnapshot};
pub use verdict::HealthStatus;

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

/// One connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// The symbols that it is for. Several connections may be for the same ones.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// How many they are.
    pub expected: usize,
    /// Symbols of which trades come by it, or whose silence the exchange has confirmed.
    pub active: usize,
    /// Those that are expected and not active.
    pub missing: Vec<String>,
    /// Whether there is a connection.
    pub connected: bool,
    /// How long it stands, in s.
    pub uptime_s: Option<f64>,
    /// Trades that came by it in the last full minute.
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
            .enumerate()
            .map(|(place, connection)| {
                let per_minute = health.connections_per_minute.get(place);
                let per_minute = per_minute.copied().flatten();
                ConnectionStatus::of(connection, &health.symbols, per_minute, moment)
            })
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
                oldest_s: health.spool_oldest_s,
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
    fn of(
        connection: &ConnectionSnapshot,
        symbols: &[SymbolHealth],
        per_minute: Option<u64>,
        moment: &Moment,
    ) -> Self {
        let connected = connection.up_since_us.is_some();
        // What other connections bring does not make this one work.
        let is_active = |symbol: &Symbol| {
            let health = symbols.iter().find(|health| health.symbol == *symbol);
            connected
                && !connection.behind.contains(symbol)
                && health.is_some_and(SymbolHealth::is_active)
        };
        let missing: Vec<_> = connection
            .symbols
            .iter()
            .filter(|symbol| !is_active(symbol))
            .map(ToString::to_string)
            .collect();
        let symbols = connection.symbols.iter().map(ToString::to_string);
        let expected = connection.symbols.len();
        Self {
            symbols: symbols.collect(),
            expected,
            active: expected.saturating_sub(missing.len()),
            missing,
            connected,
            uptime_s: connection
                .up_since_us
                .map(|since_us| seconds(moment.steady_us.saturating_sub(since_us))),
            messages_per_minute: per_minute,
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
    use std::path::PathBuf;

    use super::super::health::{Sampler, Tally};
    use super::*;

    /// Two connections for a live symbol and a stopped one, looked at twice, a minute apart.
    fn connections(second: ConnectionSnapshot) -> Vec<ConnectionStatus> {
        let symbol = |name: &str, phase| SymbolSnapshot {
            phase,
            pulse: crate::domain::health::Pulse::Fresh,
            ..SymbolSnapshot::new(name.parse().expect("a symbol"))
        };
        let symbols = vec![
            symbol("BTCUSDT", Phase::Live),
            symbol("ETHUSDT", Phase::Live),
            symbol("XRPUSDT", Phase::Stopped),
        ];
        let names: Vec<_> = symbols.iter().map(|line| line.symbol.clone()).collect();
        let first = ConnectionSnapshot {
            up_since_us: Some(0),
            messages: 70,
            ..ConnectionSnapshot::default()
        };
        let connections = [first, second].into_iter();
        let shown = Shown {
            connections: connections
                .map(|connection| ConnectionSnapshot {
                    symbols: names.clone(),
                    ..connection
                })
                .collect(),
            symbols,
            ..Shown::default()
        };
        let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
        sampler.sample(&shown, &[], 0, 0);
        let health = sampler.sample(&shown, &[], 61_000_000, 61_000_000);
        let moment = Moment {
            collector: "nas".to_owned(),
            running: true,
            steady_us: 61_000_000,
            wall_us: 0,
        };
        Status::of(&moment, &shown, &health, &[]).connections
    }

    #[test]
    fn what_one_connection_brings_does_not_make_the_other_one_work() {
        let mute = ConnectionSnapshot {
            up_since_us: Some(0),
            messages: 7,
            behind: vec!["ETHUSDT".parse().expect("a symbol")],
            ..ConnectionSnapshot::default()
        };
        let both = connections(mute);
        assert_eq!((both[0].active, both[1].active), (2, 1));
        assert_eq!(both[0].missing, ["XRPUSDT"]);
        assert_eq!(both[1].missing, ["ETHUSDT", "XRPUSDT"]);
        assert_eq!(both[0].messages_per_minute, Some(70));
        assert_eq!(both[1].messages_per_minute, Some(7));
    }

    #[test]
    fn nothing_comes_by_a_connection_that_is_down() {
        let both = connections(ConnectionSnapshot::default());
        assert_eq!((both[0].active, both[1].active), (2, 0));
        assert!(!both[1].connected);
        assert_eq!(both[1].missing, both[1].symbols);
    }
}
