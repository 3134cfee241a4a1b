//! The worker's sign of life in the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::event::Event;
use crate::{
    app::clock::Clock,
    domain::backfill_worker::WorkerRow,
    store::sink::{Store, StoreError},
};

/// It tells of itself at least so often.
pub(super) const INTERVAL_MAX: Duration = Duration::from_secs(30);
/// So long may telling take; then the next one is due.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the worker tells of itself, and what it has told last.
pub(super) struct Heartbeat {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) row: WorkerRow,
    /// How many requests it is at work on.
    pub(super) requests: Arc<AtomicU32>,
    pub(super) told_us: AtomicI64,
}

impl Heartbeat {
    /// Tells of itself again and again, for ever.
    pub(super) async fn run(&self, every: Duration, tell: &(dyn Fn(Event) + Send + Sync)) {
        let mut ticks = interval(every.min(INTERVAL_MAX));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            ticks.tick().await;
            let reason = match timeout(PATIENCE, self.beat(false)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("no answer within {PATIENCE:?}")),
            };
            // Once a failure: it would be told of every few seconds all night.
            if let Some(reason) = reason.clone().filter(|_| !is_failing) {
                let what = "write a heartbeat";
                tell(Event::StoreFailed { what, reason });
            }
            is_failing = reason.is_some();
        }
    }

    /// Tells of itself once.
    pub(super) async fn beat(&self, is_ended: bool) -> Result<(), StoreError> {
        // A clock that is put back must not make the row older than the last one.
        let least_us = self.told_us.load(Ordering::Relaxed).saturating_add(1);
        let now_us = self.clock.wall_us().max(least_us);
        self.told_us.store(now_us, Ordering::Relaxed);
        let row = WorkerRow {
            requests: self.requests.load(Ordering::Relaxed),
            is_ended,
            heartbeat_at_us: now_us,
            ..self.row.clone()
        };
        self.store.put_worker(&row).await
    }
}
