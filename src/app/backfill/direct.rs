//! Backfills that somebody runs by hand: they stand in the queue like those of workers, so
//! that everybody sees them and nobody asks for them again.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    app::clock::Clock,
    domain::{
        backfill_request::{Progress, RequestRow, Status},
        micros::micros,
        threshold::Threshold,
    },
    journal::random_id,
    store::sink::{Store, StoreError},
};

use super::{
    board::SymbolBoard,
    queue::{Queue, asked_dbps},
    worker::JobProgress,
};

/// How often the rows say how far the work is.
pub const ROW_INTERVAL: Duration = Duration::from_secs(4);

/// How long a row may be silent before a worker takes its request over.
const LEASE: Duration = Duration::from_secs(120);

/// The rows of one symbol's backfill.
pub struct Entry {
    queue: Queue,
    rows: Vec<RequestRow>,
    board: SymbolBoard,
}

impl Entry {
    /// Enters the backfill of `board`'s symbol: one row for all thresholds, or one for each of
    /// `thresholds` when there are some.
    ///
    /// # Errors
    /// When the store fails. The rows that went in expire.
    pub async fn make(
        store: Arc<dyn Store>,
        clock: Clock,
        worker: &str,
        since_us: i64,
        thresholds: &[Threshold],
        board: SymbolBoard,
    ) -> Result<Self, StoreError> {
        let now_us = clock.wall_us();
        let mut rows = Vec::new();
        for threshold_dbps in asked_dbps(thresholds) {
            let symbol = board.symbol().to_string();
            let request = RequestRow {
                since_us: Some(since_us),
                ..RequestRow::new(random_id(), symbol, threshold_dbps, now_us)
            };
            let claim = request.claimed(worker, now_us, micros(LEASE));
            store.put_request(&claim).await?;
            rows.push(claim.row);
        }
        Ok(Self {
            queue: Queue::new(store, clock, worker, LEASE),
            rows,
            board,
        })
    }

    /// Keeps the rows fresh until `over`; then says how it has ended. A store that fails for a
    /// while is not waited for: the rows say it later, or expire.
    #[must_use]
    pub fn keep(mut self, over: CancellationToken) -> Kept {
        let task = tokio::spawn(async move {
            let mut ticks = interval(ROW_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                tokio::select! {
                    () = over.cancelled() => return self,
                    _ = ticks.tick() => self.renew().await,
                }
            }
        });
        Kept(AbortOnDropHandle::new(task))
    }

    fn progress(&self, row: &RequestRow) -> Progress {
        JobProgress::from(&self.board.read_all()).of(row.threshold_dbps)
    }

    async fn renew(&mut self) {
        let mut kept = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            let progress = self.progress(&row);
            match self.queue.renew(&row, progress).await {
                Ok(Some(row)) => kept.push(row),
                // Somebody else has it: both make the same bars.
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "the row of a backfill is not renewed");
                    kept.push(row);
                }
            }
        }
        self.rows = kept;
    }

    /// Says how it has ended.
    async fn end(self, status: Status, error: &str, deadline: Instant) {
        for row in &self.rows {
            let progress = self.progress(row);
            let ended = self.queue.end(row, status, progress, error);
            match tokio::time::timeout_at(deadline, ended).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the row of a backfill could not be ended");
                }
                Err(_) => return,
            }
        }
    }
}

/// Rows that are kept fresh.
pub struct Kept(AbortOnDropHandle<Entry>);

impl Kept {
    /// Ends the rows, within `deadline`. The token that they are kept until has to be
    /// cancelled before.
    pub async fn end(self, status: Status, error: &str, deadline: Instant) {
        if let Ok(Ok(entry)) = tokio::time::timeout_at(deadline, self.0).await {
            entry.end(status, error, deadline).await;
        }
    }
}
