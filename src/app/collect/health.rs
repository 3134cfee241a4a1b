//! Looks at a collector at work, and keeps the counts of its last hour.
//!
//! What is kept has a fixed size, however long it runs: an hour of minutes for each count.

mod tally;

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    app::{
        alerts::is_of_alerts,
        supervise::{TaskState, TaskStatus},
    },
    domain::{
        breaker::BreakerState,
        health::{
            DeadStream, GroupHealth, HealthSnapshot, Progress, Proven, SymbolHealth, TaskHealth,
        },
        rolling::RollingHour,
        spool_age::SpoolAge,
        symbol::Symbol,
    },
};

use super::{
    machine,
    snapshot::{Phase, Shown, SymbolSnapshot},
};
use tally::Proofs;
pub use tally::Tally;

/// Counts of the last hour, from totals that only rise.
#[derive(Debug, Clone, Default)]
struct Rising {
    hour: RollingHour,
    seen: u64,
}

impl Rising {
    /// Takes the present total; returns what came in the last hour.
    fn look(&mut self, total: u64, now_us: i64) -> u64 {
        self.hour.add(total.saturating_sub(self.seen), now_us);
        self.seen = total;
        self.hour.sum(now_us)
    }
}

/// Restarts that were so long ago say nothing of a task any more, in µs.
const RECENT_US: i64 = 600_000_000;
/// More restarts of one task need not be told apart.
const MAX_RECENT: usize = 100;

/// When a task was restarted lately, to one look.
#[derive(Debug, Clone, Default)]
struct Restarts {
    at_us: VecDeque<i64>,
    seen: u64,
}

impl Restarts {
    /// Takes the present total; returns how many there were lately.
    fn look(&mut self, total: u64, now_us: i64) -> u64 {
        for _ in self.seen..total.min(self.seen + MAX_RECENT as u64) {
            self.at_us.push_back(now_us);
        }
        self.seen = total;
        while self.at_us.len() > MAX_RECENT
            || self
                .at_us
                .front()
                .is_some_and(|at| now_us - at >= RECENT_US)
        {
            self.at_us.pop_front();
        }
        self.at_us.len() as u64
    }
}

/// Takes snapshots.
#[derive(Debug)]
pub struct Sampler {
    tally: Tally,
    state_dir: PathBuf,
    reconnects: Rising,
    errors: Rising,
    restarts: Rising,
    trips: Rising,
    dead_letters: Rising,
    spool_age: SpoolAge,
    /// By symbol.
    absent: BTreeMap<Symbol, Rising>,
    /// By task.
    tasks: BTreeMap<Arc<str>, Restarts>,
    /// Trades of each symbol.
    trades: Vec<Rising>,
    /// Trades by each connection.
    messages: Vec<Rising>,
}

impl Sampler {
    /// One that has seen nothing yet. `state_dir` is where the journal is.
    #[must_use]
    pub fn new(tally: Tally, state_dir: PathBuf) -> Self {
        Self {
            tally,
            state_dir,
            reconnects: Rising::default(),
            errors: Rising::default(),
            restarts: Rising::default(),
            trips: Rising::default(),
            dead_letters: Rising::default(),
            spool_age: SpoolAge::default(),
            absent: BTreeMap::new(),
            tasks: BTreeMap::new(),
            trades: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// What the collector looks like at `now_us` on the steady clock, and `wall_us` on the
    /// other.
    pub fn sample(
        &mut self,
        shown: &Shown,
        tasks: &[TaskStatus],
        now_us: i64,
        wall_us: i64,
    ) -> HealthSnapshot {
        let counts = self.tally.read();
        // A channel that fails is told of by the other channels. It does not make collecting
        // unhealthy, or its pings would stop with it.
        let tasks: Vec<_> = tasks
            .iter()
            .filter(|task| !is_of_alerts(&task.name))
            .cloned()
            .collect();
        let tasks = &tasks[..];
        let restarts = tasks.iter().map(|task| task.restarts).sum();
        let oldest_us = shown.spool.oldest_us;
        let spool_age_us = self.spool_age.look(oldest_us, now_us, wall_us);
        HealthSnapshot {
            symbols: self.symbols(shown, now_us),
            connections_per_minute: self.connections_per_minute(shown, now_us),
            reconnects_1h: self.reconnects.look(shown.totals.reconnects, now_us),
            errors_1h: self.errors.look(counts.errors, now_us),
            errors: counts.errors,
            restarts_1h: self.restarts.look(restarts, now_us),
            tasks: self.tasks(tasks, now_us),
            failed_tasks: tasks
                .iter()
                .filter(|task| matches!(task.state, TaskState::Restarting | TaskState::GivenUp))
                .map(|task| task.name.to_string())
                .collect(),
            paused: shown.paused.clone(),
            is_breaker_open: shown.sink.breaker != BreakerState::Closed,
            breaker_trips_1h: self.trips.look(shown.sink.breaker_trips, now_us),
            spool_rows: shown.spool.rows,
            spool_oldest_s: spool_age_us.map(|age_us| age_us as f64 / 1e6),
            dead_letters_1h: self.dead_letters.look(counts.dead_letters, now_us),
            buffer_rows: shown
                .groups
                .iter()
                .map(|group| group.waiting_rows + group.held_trades)
                .sum(),
            disk_used_ratio: machine::disk_used_ratio(&self.state_dir),
            memory_used_ratio: machine::memory_used_ratio(),
            id_resets: counts
                .id_resets
                .into_iter()
                .map(|(symbol, (count_1h, last))| Proven {
                    symbol,
                    count_1h,
                    last,
                })
                .collect(),
            gaps_absent: self.absent(counts.gaps_absent, now_us),
            groups: groups(shown),
        }
    }

    fn symbols(&mut self, shown: &Shown, now_us: i64) -> Vec<SymbolHealth> {
        self.trades
            .resize_with(shown.symbols.len(), Rising::default);
        let symbols = shown.symbols.iter().zip(&mut self.trades);
        symbols
            .map(|(symbol, trades)| {
                trades.look(symbol.trades, now_us);
                SymbolHealth {
                    per_minute: trades.hour.last_minute(now_us),
                    usual_per_minute: trades.hour.median_minute(now_us),
                    ..health(symbol)
                }
            })
            .collect()
    }

    fn connections_per_minute(&mut self, shown: &Shown, now_us: i64) -> Vec<Option<u64>> {
        self.messages
            .resize_with(shown.connections.len(), Rising::default);
        let connections = shown.connections.iter().zip(&mut self.messages);
        connections
            .map(|(connection, messages)| {
                messages.look(connection.messages, now_us);
                messages.hour.last_minute(now_us)
            })
            .collect()
    }

    fn tasks(&mut self, tasks: &[TaskStatus], now_us: i64) -> Vec<TaskHealth> {
        tasks
            .iter()
            .map(|task| {
                let restarts = self.tasks.entry(Arc::clone(&task.name)).or_default();
                TaskHealth {
                    name: task.name.to_string(),
                    restarts_10m: restarts.look(task.restarts, now_us),
                    last_failure: task.last_failure.clone(),
                }
            })
            .collect()
    }

    fn absent(&mut self, proofs: Proofs, now_us: i64) -> Vec<Proven> {
        proofs
            .into_iter()
            .map(|(symbol, (total, last))| {
                let rising = self.absent.entry(symbol.clone()).or_default();
                Proven {
                    count_1h: rising.look(total, now_us),
                    symbol,
                    last,
                }
            })
            .collect()
    }
}

/// The groups of symbols, with the streams that are dead.
fn groups(shown: &Shown) -> Vec<GroupHealth> {
    let groups = shown.groups.iter().enumerate().map(|(number, group)| {
        let dead = group.dead.iter().filter_map(|symbol| {
            let mut lines = shown.symbols.iter();
            lines.find(|line| line.symbol == *symbol)
        });
        GroupHealth {
            name: format!("session-{number}"),
            failed_remedies: group.failed_remedies,
            dead: dead.map(dead_stream).collect(),
        }
    });
    groups.collect()
}

fn dead_stream(line: &SymbolSnapshot) -> DeadStream {
    DeadStream {
        symbol: line.symbol.clone(),
        silent_looks: line.silent_looks,
        silence_ms: millis(line.silence_us),
        last_id: line.last_id,
        newest_id: (line.newest_id >= 0).then_some(line.newest_id),
    }
}

/// A symbol's part in the health, as far as one moment tells.
pub(super) fn health(symbol: &SymbolSnapshot) -> SymbolHealth {
    SymbolHealth {
        symbol: symbol.symbol.clone(),
        progress: match symbol.phase {
            Phase::Starting => Progress::Starting,
            Phase::CatchingUp => Progress::CatchingUp,
            Phase::Live => Progress::Live,
            Phase::Stopped => Progress::Stopped,
        },
        pulse: symbol.pulse,
        silence_ms: millis(symbol.silence_us),
        unexplained_ms: millis(symbol.unexplained_us),
        patience_ms: millis(symbol.patience_us),
        behind_ms: millis(symbol.behind_us),
        per_minute: None,
        usual_per_minute: None,
    }
}

fn millis(us: i64) -> u64 {
    u64::try_from(us / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::collect::snapshot::GroupSnapshot;

    const MINUTE_US: i64 = 60_000_000;

    #[test]
    fn restarts_of_a_task_are_forgotten_after_ten_minutes() {
        let mut restarts = Restarts::default();
        assert_eq!(restarts.look(0, 0), 0);
        assert_eq!(restarts.look(2, MINUTE_US), 2);
        assert_eq!(restarts.look(3, 5 * MINUTE_US), 3);
        assert_eq!(restarts.look(3, 11 * MINUTE_US), 1);
        assert_eq!(restarts.look(3, 15 * MINUTE_US), 0);
        assert_eq!(restarts.look(u64::MAX, 16 * MINUTE_US), MAX_RECENT as u64);
    }

    #[test]
    fn a_channel_that_fails_makes_collecting_no_less_healthy() {
        let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
        let failing = |name: &str, restarts| TaskStatus {
            name: name.into(),
            state: TaskState::Restarting,
            turns: 1,
            restarts,
            last_failure: None,
        };
        let mut look = |restarts| {
            let names = ["channel:pager", "ping:dead-man", "pages"];
            let tasks = names.map(|name| failing(name, restarts));
            sampler.sample(&Shown::default(), &tasks, 0, 0)
        };
        look(0);
        let health = look(1);
        assert_eq!(health.failed_tasks, ["pages"]);
        assert_eq!((health.restarts_1h, health.tasks.len()), (1, 1));
    }

    #[test]
    fn a_group_is_told_with_its_dead_streams_and_what_waits_in_memory_is_counted() {
        let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
        let mut line = SymbolSnapshot::new(symbol.clone());
        line.last_id = Some(41);
        line.newest_id = 57;
        line.silent_looks = 7;
        let group = GroupSnapshot {
            waiting_rows: 1,
            held_trades: 2,
            failed_remedies: 3,
            dead: vec![symbol],
            ..GroupSnapshot::default()
        };
        let shown = Shown {
            symbols: vec![line],
            groups: vec![group],
            ..Shown::default()
        };
        let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
        let health = sampler.sample(&shown, &[], 0, 0);
        assert_eq!(health.buffer_rows, 3);
        let [group] = &health.groups[..] else {
            panic!("{:?}", health.groups);
        };
        assert_eq!((&*group.name, group.failed_remedies), ("session-0", 3));
        let dead = &group.dead[0];
        assert_eq!(
            (dead.last_id, dead.newest_id, dead.silent_looks),
            (Some(41), Some(57), 7)
        );
    }

    #[test]
    fn totals_become_counts_of_the_last_hour() {
        let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
        let mut shown = Shown::default();
        shown.totals.reconnects = 3;
        assert_eq!(sampler.sample(&shown, &[], 0, 0).reconnects_1h, 3);
        shown.totals.reconnects = 5;
        assert_eq!(
            sampler.sample(&shown, &[], 30 * MINUTE_US, 0).reconnects_1h,
            5
        );
        assert_eq!(
            sampler.sample(&shown, &[], 61 * MINUTE_US, 0).reconnects_1h,
            2
        );
        assert_eq!(
            sampler
                .sample(&shown, &[], 120 * MINUTE_US, 0)
                .reconnects_1h,
            0
        );
    }

    #[test]
    fn a_symbol_knows_its_usual_rate_after_ten_minutes() {
        let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
        let mut line = SymbolSnapshot::new("BTCUSDT".parse().expect("a symbol"));
        for minute in 0..=10 {
            line.trades += 60;
            let shown = Shown {
                symbols: vec![line.clone()],
                ..Shown::default()
            };
            let snapshot = sampler.sample(&shown, &[], minute * MINUTE_US, 0);
            let symbol = &snapshot.symbols[0];
            assert_eq!(symbol.usual_per_minute.is_some(), minute == 10, "{minute}");
            assert_eq!(symbol.per_minute, (minute > 0).then_some(60));
        }
    }
}
