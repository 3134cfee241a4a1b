//! Backfills that somebody runs by hand: they stand in the queue like those of workers, so
//! that everybody sees them, and what is asked for meanwhile is completed with them.
//!
//! One that is interrupted does not go on without whoever ran it: it is skipped, which is no
//! failure. What others have asked for meanwhile has rows of its own, which workers take then.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    app::clock::Clock,
    domain::{
        backfill_request::{Progress, RequestRow, Scope, Status},
        micros::micros,
        threshold::Threshold,
    },
    journal::random_id,
    store::sink::{Store, StoreError},
};

use super::{
    board::SymbolBoard,
    queue::{Queue, RENEWALS_AT_ONCE, ROW_INTERVAL, asked_dbps},
    worker::JobProgress,
};

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
    /// `thresholds` when there are some. Up to now it goes from `since_us` on; it has none when
    /// it ends earlier, which no row can say.
    ///
    /// # Errors
    /// When the store fails. The rows that went in expire.
    pub async fn make(
        store: Arc<dyn Store>,
        clock: Clock,
        worker: &str,
        scope: &Scope,
        since_us: Option<i64>,
        thresholds: &[Threshold],
        board: SymbolBoard,
    ) -> Result<Self, StoreError> {
        let now_us = clock.wall_us();
        let worker = RequestRow::by_hand(worker);
        let mut rows = Vec::new();
        for threshold_dbps in asked_dbps(thresholds) {
            let symbol = board.symbol().to_string();
            let request = RequestRow {
                since_us,
                scope: scope.clone(),
                ..RequestRow::new(random_id(), symbol, threshold_dbps, now_us)
            };
            let claim = request.claimed(&worker, now_us, micros(LEASE));
            store.put_request(&claim).await?;
            rows.push(claim.row);
        }
        Ok(Self {
            queue: Queue::new(store, clock, worker, LEASE).within(scope.clone()),
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
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
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
        let renewals: Vec<_> = self
            .rows
            .iter()
            .map(|row| self.renewed(row).boxed())
            .collect();
        let kept: Vec<_> = stream::iter(renewals)
            .buffered(RENEWALS_AT_ONCE)
            .collect()
            .await;
        self.rows = kept.into_iter().flatten().collect();
    }

    /// A row as it is after its renewal; none when it is another one's by now.
    async fn renewed(&self, row: &RequestRow) -> Option<RequestRow> {
        let renewal = self.queue.renew(row, self.progress(row));
        match timeout(ROW_INTERVAL, renewal).await {
            Ok(Ok(renewed)) => renewed,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the row of a backfill is not renewed");
                Some(row.in_doubt())
            }
            Err(_) => Some(row.in_doubt()),
        }
    }

    /// Says how it has ended.
    async fn end(self, status: Status, error: &str, deadline: Instant) {
        for row in &self.rows {
            let progress = self.progress(row);
            if status == Status::Completed {
                let fulfilled = self.queue.fulfil(row, progress);
                match tokio::time::timeout_at(deadline, fulfilled).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "what was asked for meanwhile is left to workers");
                    }
                    Err(_) => return,
                }
            }
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

#[cfg(test)]
mod tests;
