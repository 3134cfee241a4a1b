//! Looks at a collector at work, and keeps the counts of its last hour.
//!
//! What is kept has a fixed size, however long it runs: an hour of minutes for each count.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    app::supervise::{TaskState, TaskStatus},
    domain::{
        breaker::BreakerState,
        health::{HealthSnapshot, Progress, SymbolHealth},
        rolling::RollingHour,
    },
};

use super::{
    event::{Emit, Event, Severity},
    machine,
    snapshot::{Phase, Shown, SymbolSnapshot},
};

/// What events have told since the start. Cheap to clone; clones share their counts.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    errors: AtomicU64,
    id_resets: AtomicU64,
    gaps_absent: AtomicU64,
}

impl Tally {
    /// Counts what passes on its way to `emit`.
    #[must_use]
    pub fn before(&self, emit: Emit) -> Emit {
        let counts = Arc::clone(&self.0);
        Emit::new(move |event| {
            if event.severity() >= Severity::Warning {
                counts.errors.fetch_add(1, Ordering::Relaxed);
            }
            match event {
                Event::IdReset { .. } => &counts.id_resets,
                Event::GapAbsent { .. } => &counts.gaps_absent,
                _ => return emit.emit(event),
            }
            .fetch_add(1, Ordering::Relaxed);
            emit.emit(event);
        })
    }
}

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

/// Takes snapshots.
#[derive(Debug)]
pub struct Sampler {
    tally: Tally,
    state_dir: PathBuf,
    reconnects: Rising,
    errors: Rising,
    restarts: Rising,
    trips: Rising,
    absent: Rising,
    /// Trades of each symbol.
    trades: Vec<Rising>,
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
            absent: Rising::default(),
            trades: Vec::new(),
        }
    }

    /// What the collector looks like at `now_us`, on the steady clock.
    pub fn sample(&mut self, shown: &Shown, tasks: &[TaskStatus], now_us: i64) -> HealthSnapshot {
        self.trades
            .resize_with(shown.symbols.len(), Rising::default);
        let symbols = shown
            .symbols
            .iter()
            .zip(&mut self.trades)
            .map(|(symbol, trades)| {
                trades.look(symbol.trades, now_us);
                SymbolHealth {
                    per_minute: trades.hour.last_minute(now_us),
                    usual_per_minute: trades.hour.median_minute(now_us),
                    ..health(symbol)
                }
            })
            .collect();
        let counts = &self.tally.0;
        let restarts = tasks.iter().map(|task| task.restarts).sum();
        HealthSnapshot {
            symbols,
            reconnects_1h: self.reconnects.look(shown.totals.reconnects, now_us),
            errors_1h: self
                .errors
                .look(counts.errors.load(Ordering::Relaxed), now_us),
            restarts_1h: self.restarts.look(restarts, now_us),
            failed_tasks: tasks
                .iter()
                .filter(|task| matches!(task.state, TaskState::Restarting | TaskState::GivenUp))
                .map(|task| task.name.to_string())
                .collect(),
            paused: shown.paused.clone(),
            is_breaker_open: shown.sink.breaker != BreakerState::Closed,
            breaker_trips_1h: self.trips.look(shown.sink.breaker_trips, now_us),
            spool_rows: shown.spool.rows,
            buffer_rows: shown.connections.iter().map(|link| link.waiting_rows).sum(),
            disk_used_ratio: machine::disk_used_ratio(&self.state_dir),
            memory_used_ratio: machine::memory_used_ratio(),
            id_resets: counts.id_resets.load(Ordering::Relaxed),
            gaps_absent_1h: self
                .absent
                .look(counts.gaps_absent.load(Ordering::Relaxed), now_us),
            failed_remedies: shown.totals.failed_remedies,
        }
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

    const MINUTE_US: i64 = 60_000_000;

    #[test]
    fn what_passes_is_counted_and_passed_on() {
        let passed = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&passed);
        let tally = Tally::default();
        let emit = tally.before(Emit::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        emit.emit(&Event::Stopping);
        emit.emit(&Event::Disconnected {
            reason: "a test".to_owned(),
        });
        emit.emit(&Event::IdReset {
            symbol: "BTCUSDT".parse().expect("a symbol"),
            last_id: 9,
            exchange_id: 3,
        });
        assert_eq!(passed.load(Ordering::Relaxed), 3);
        let mut sampler = Sampler::new(tally, PathBuf::from("."));
        let snapshot = sampler.sample(&Shown::default(), &[], 0);
        assert_eq!((snapshot.errors_1h, snapshot.id_resets), (2, 1));
    }

    #[test]
    fn totals_become_counts_of_the_last_hour() {
        let mut sampler = Sampler::new(Tally::default(), PathBuf::from("."));
        let mut shown = Shown::default();
        shown.totals.reconnects = 3;
        assert_eq!(sampler.sample(&shown, &[], 0).reconnects_1h, 3);
        shown.totals.reconnects = 5;
        assert_eq!(sampler.sample(&shown, &[], 30 * MINUTE_US).reconnects_1h, 5);
        assert_eq!(sampler.sample(&shown, &[], 61 * MINUTE_US).reconnects_1h, 2);
        assert_eq!(
            sampler.sample(&shown, &[], 120 * MINUTE_US).reconnects_1h,
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
            let snapshot = sampler.sample(&shown, &[], minute * MINUTE_US);
            let symbol = &snapshot.symbols[0];
            assert_eq!(symbol.usual_per_minute.is_some(), minute == 10, "{minute}");
            assert_eq!(symbol.per_minute, (minute > 0).then_some(60));
        }
    }
}
