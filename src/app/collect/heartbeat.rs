//! The collector's heartbeat in the store: a row of `stream_health` for each symbol.
//!
//! The rows go past the spool and count for nothing: whether they can be written or not
//! changes no breaker, no checkpoint and no task. A store that delivery has trouble with is
//! tried as rarely as delivery tries it, and the rows say how often to expect them then.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        backoff::{Backoff, backoff},
        supervise::Turns,
    },
    domain::{
        breaker::BreakerState,
        health::Pulse,
        micros::micros,
        row::{HealthRow, StreamState},
    },
    store::sink::HealthQuery,
};

use super::{
    event::Event,
    health::health,
    session::Context,
    settings::Limits,
    snapshot::{Phase, Shown, SymbolSnapshot},
};

/// How often the task looks whether it is time, within the patience that it is given.
const LOOKS_PER_PATIENCE: u32 = 4;
/// The share of the stop timeout that the last rows may take.
const LAST_SHARE: f64 = 0.1;

pub(super) struct Heartbeat {
    context: Context,
    /// Whether the store's tables have to be created first.
    needs_schema: bool,
    /// What was last told of each symbol; none before the store was asked what an earlier
    /// run has told.
    told: Option<Vec<HealthRow>>,
    attempted: Option<Instant>,
    failures: u64,
    pauses: Backoff,
    /// How long to wait after the last attempt, which failed.
    failed_pause: Option<Duration>,
    was_struggling: bool,
}

fn pauses(limits: &Limits) -> Backoff {
    let least = limits.health_interval;
    backoff(least, limits.breaker_open.max(least))
}

impl Heartbeat {
    pub fn new(context: Context, needs_schema: bool) -> Self {
        Self {
            pauses: pauses(&context.settings.limits),
            context,
            needs_schema,
            told: None,
            attempted: None,
            failures: 0,
            failed_pause: None,
            was_struggling: false,
        }
    }

    /// Writes rows until `finish`, and then the last ones. `is_asked` tells whether the
    /// collector ends because somebody wants it to.
    pub async fn run(
        mut self,
        turns: Turns,
        finish: CancellationToken,
        is_asked: impl Fn() -> bool,
    ) {
        let limits = &self.context.settings.limits;
        let look = (limits.tasks.hang / LOOKS_PER_PATIENCE).min(limits.health_interval);
        let patience = limits.health_timeout.min(limits.tasks.hang / 2);
        loop {
            if turns.take_or_misbehave().await {
                return;
            }
            if self.is_due(Instant::now()) {
                tokio::select! {
                    biased;
                    () = finish.cancelled() => {}
                    () = self.beat(patience) => {}
                }
            }
            tokio::select! {
                biased;
                () = finish.cancelled() => break,
                () = tokio::time::sleep(look) => {}
            }
        }
        self.last_beat(is_asked()).await;
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let is_struggling = is_struggling(&self.context.board.read());
        if self.was_struggling && !is_struggling {
            // Delivery has shown that the store works again.
            self.failed_pause = None;
        }
        self.was_struggling = is_struggling;
        let interval = interval(&self.context.settings.limits, is_struggling);
        let pause = self
            .failed_pause
            .map_or(interval, |pause| pause.max(interval));
        self.attempted
            .is_none_or(|attempted| now >= attempted + pause)
    }

    async fn beat(&mut self, patience: Duration) {
        self.attempted = Some(Instant::now());
        let written = timeout(patience, self.write(None)).await;
        let reason = match written {
            Ok(Ok(())) => {
                if self.failures > 0 {
                    let failures = self.failures;
                    self.context.emit.emit(&Event::HealthWritten { failures });
                }
                self.failures = 0;
                self.failed_pause = None;
                self.pauses = pauses(&self.context.settings.limits);
                return;
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!(
                "use the store {}: it did not answer within {:.1} s",
                self.context.store.address(),
                patience.as_secs_f64()
            ),
        };
        let longest = self.context.settings.limits.breaker_open;
        self.failed_pause = Some(self.pauses.next().unwrap_or(longest));
        self.failures += 1;
        // One that lasts is told of once.
        if self.failures == 1 {
            self.context.emit.emit(&Event::HealthNotWritten { reason });
        }
    }

    /// What is known at the end. A store that does not work is not waited for.
    async fn last_beat(&mut self, is_asked: bool) {
        let sink = self.context.board.read().sink;
        if self.failures > 0 || sink.failures > 0 || sink.breaker != BreakerState::Closed {
            return;
        }
        let patience = self
            .context
            .settings
            .limits
            .stop_timeout
            .mul_f64(LAST_SHARE);
        let state = is_asked.then_some(StreamState::Ended);
        // Should it fail, the heartbeat just stands still a moment earlier.
        let _ = timeout(patience, self.write(state)).await;
    }

    /// Writes a row for each symbol, with `state` in the place of its own, should that be
    /// given.
    async fn write(&mut self, state: Option<StreamState>) -> Result<(), String> {
        let store = &self.context.store;
        if self.needs_schema {
            let created = store.create_schema().await;
            created.map_err(|error| error.to_string())?;
            self.needs_schema = false;
        }
        if self.told.is_none() {
            let query = HealthQuery {
                exchange: Some(self.context.exchange.to_string()),
                symbols: self.context.settings.symbols.clone(),
                collector: Some(self.context.settings.collector.clone()),
            };
            let stored = store.stored_health(&query).await;
            let stored = stored.map_err(|error| error.to_string())?;
            // A row that cannot be read is written anew.
            self.told = Some(stored.into_iter().flatten().collect());
        }
        let shown = self.context.board.read();
        let rows: Vec<_> = shown
            .symbols
            .iter()
            .map(|line| self.row(line, &shown, state))
            .collect();
        let written = store.put_health(&rows).await;
        written.map_err(|error| error.to_string())?;
        self.told = Some(rows);
        Ok(())
    }

    fn row(&self, line: &SymbolSnapshot, shown: &Shown, state: Option<StreamState>) -> HealthRow {
        let Context {
            settings, clock, ..
        } = &self.context;
        let own = state_of(line, shown.paused.is_some());
        let row = HealthRow {
            collector: settings.collector.clone(),
            exchange: self.context.exchange.clone(),
            symbol: line.symbol.clone(),
            state: match state {
                Some(state) if own != StreamState::Stopped => state,
                _ => own,
            },
            last_agg_trade_id: line.last_id,
            last_trade_time_us: line.last_time_us,
            received_at_us: line.received_at_us,
            newest_bars: line.newest_bars.iter().copied().collect(),
            spool_rows: shown.spool.rows,
            breaker: shown.sink.breaker,
            interval_us: micros(interval(&settings.limits, is_struggling(shown))),
            heartbeat_at_us: clock.wall_us(),
        };
        let mut told = self.told.iter().flatten();
        match told.find(|before| before.symbol == row.symbol) {
            Some(before) => row.after(before),
            None => row,
        }
    }
}

/// Whether delivery leaves the store alone, or has only one trial.
fn is_struggling(shown: &Shown) -> bool {
    shown.sink.breaker != BreakerState::Closed
}

/// How far apart heartbeats are meant to be.
fn interval(limits: &Limits, is_struggling: bool) -> Duration {
    if is_struggling {
        limits.health_interval.max(limits.breaker_open)
    } else {
        limits.health_interval
    }
}

/// What a symbol's collecting looks like from far away.
fn state_of(line: &SymbolSnapshot, is_paused: bool) -> StreamState {
    match (line.phase, line.pulse) {
        (Phase::Stopped, _) => StreamState::Stopped,
        _ if is_paused => StreamState::Paused,
        (Phase::Starting, _) => StreamState::Starting,
        (Phase::CatchingUp, _) | (Phase::Live, Pulse::Down) => StreamState::CatchingUp,
        (Phase::Live, Pulse::Quiet) => StreamState::Quiet,
        (Phase::Live, _) if health(line).is_active() => StreamState::Live,
        (Phase::Live, _) => StreamState::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(phase: Phase, pulse: Pulse, unexplained_us: i64) -> SymbolSnapshot {
        SymbolSnapshot {
            phase,
            pulse,
            unexplained_us,
            patience_us: 12_000_000,
            ..SymbolSnapshot::new("BTCUSDT".parse().expect("a symbol"))
        }
    }

    #[test]
    fn the_state_tells_a_quiet_market_from_a_silent_stream() {
        for (phase, pulse, unexplained_us, state) in [
            (Phase::Starting, Pulse::Down, 0, StreamState::Starting),
            (Phase::CatchingUp, Pulse::Fresh, 0, StreamState::CatchingUp),
            (Phase::Live, Pulse::Fresh, 0, StreamState::Live),
            (Phase::Live, Pulse::Asking, 11_000_000, StreamState::Live),
            (Phase::Live, Pulse::Quiet, i64::MAX, StreamState::Quiet),
            (Phase::Live, Pulse::Blind, 13_000_000, StreamState::Silent),
            (Phase::Live, Pulse::Overdue, 0, StreamState::Live),
            (Phase::Live, Pulse::Overdue, 13_000_000, StreamState::Silent),
            (Phase::Live, Pulse::Dead, 0, StreamState::Silent),
            (Phase::Live, Pulse::Down, 0, StreamState::CatchingUp),
            (Phase::Stopped, Pulse::Quiet, 0, StreamState::Stopped),
        ] {
            let line = line(phase, pulse, unexplained_us);
            assert_eq!(state_of(&line, false), state, "{phase:?}, {pulse:?}");
            let paused = if state == StreamState::Stopped {
                state
            } else {
                StreamState::Paused
            };
            assert_eq!(state_of(&line, true), paused, "{phase:?}, {pulse:?}");
        }
    }

    #[test]
    fn while_delivery_leaves_the_store_alone_it_is_tried_as_rarely() {
        let limits = Limits::default();
        assert_eq!(interval(&limits, false), Duration::from_secs(10));
        assert_eq!(interval(&limits, true), Duration::from_secs(60));
    }
}
