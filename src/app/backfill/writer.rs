//! Writing bars straight into the store, past any spool.
//!
//! What is written is compared with what is stored at the last moment, so that rows which
//! are right stay untouched, also those that a live collector has written meanwhile. Both
//! make the same bars of the same trades, so it does not matter who comes last.
//!
//! A crash between any two steps leaves the period unsealed, and rows that the next run
//! compares again:
//!
//! 1. seals of the period are taken back,
//! 2. tombstones of rows that no trade explains go in, then the bars, batch by batch; a batch
//!    that failed goes in again under its token, so that it is there once,
//! 3. seals that were made meanwhile are taken back, too.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    app::{backoff::backoff, clock::Clock, seals::unseal},
    domain::{
        anchor::Anchor,
        breaker::{self, Admission, Breaker},
        micros::micros,
        rewrite::Rewrite,
        row::{BarRow, GapRow, Rows},
    },
    journal::random_id,
    store::sink::{Batch, Store, StoreError, StoreErrorKind},
};

/// How patient a writer is.
#[derive(Debug, Clone, Copy)]
pub struct WriterLimits {
    /// At most so many rows go in at once.
    pub batch_rows: usize,
    /// So many failures in a row open the breaker.
    pub breaker_failures: u32,
    /// How long it stays open.
    pub breaker_open: Duration,
    /// The first pause after a failure; doubles, with jitter.
    pub retry_min: Duration,
    /// The longest pause.
    pub retry_max: Duration,
    /// How long a store may fail without a success before the writer gives up.
    pub patience: Duration,
}

impl Default for WriterLimits {
    fn default() -> Self {
        Self {
            batch_rows: 100_000,
            breaker_failures: 5,
            breaker_open: Duration::from_secs(60),
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(60),
            patience: Duration::from_secs(15 * 60),
        }
    }
}

/// Told of a store that fails: why, and how long it is left alone.
pub type OnFailure = Arc<dyn Fn(&StoreError, Duration) + Send + Sync>;

/// Something to do with the store, as often as it takes.
#[derive(Clone, Copy)]
enum Act<'a> {
    Unseal(&'a [BarRow]),
    Insert(&'a Batch),
}

/// Writes the rows of one run.
pub struct Writer {
    store: Arc<dyn Store>,
    clock: Clock,
    limits: WriterLimits,
    on_failure: OnFailure,
    /// Tokens carry it: another run that writes the same rows means it.
    run_id: String,
    batches: u64,
    breaker: Breaker,
}

impl Writer {
    /// A writer into `store`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        limits: WriterLimits,
        on_failure: OnFailure,
    ) -> Self {
        Self {
            store,
            clock,
            breaker: Breaker::new(breaker::Limits {
                failures: limits.breaker_failures,
                open_us: micros(limits.breaker_open),
            }),
            limits,
            on_failure,
            run_id: random_id(),
            batches: 0,
        }
    }

    /// Writes what was found to be missing or wrong.
    ///
    /// # Errors
    /// When the store refuses the rows, somebody has to mend something there, or it has failed
    /// for too long. What is in stays in: the next run compares it.
    pub async fn write(&mut self, rewrites: Vec<Rewrite>) -> Result<(), StoreError> {
        let mut rows: Vec<BarRow> = Vec::new();
        let mut bars: Vec<BarRow> = Vec::new();
        for rewrite in rewrites {
            rows.extend(rewrite.tombstones);
            bars.extend(rewrite.bars);
        }
        rows.append(&mut bars);
        if rows.is_empty() {
            return Ok(());
        }
        self.unseal(&rows).await?;
        for batch in batches(&rows, self.limits.batch_rows) {
            self.insert(Rows::Bars(batch)).await?;
        }
        self.unseal(&rows).await
    }

    /// Writes what is known about gaps.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub async fn write_gaps(&mut self, gaps: Vec<GapRow>) -> Result<(), StoreError> {
        if gaps.is_empty() {
            return Ok(());
        }
        self.insert(Rows::Gaps(gaps)).await
    }

    /// Takes back the seals of the periods that these rows belong to.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub async fn unseal(&mut self, rows: &[BarRow]) -> Result<(), StoreError> {
        self.persist(Act::Unseal(rows)).await
    }

    async fn insert(&mut self, rows: Rows) -> Result<(), StoreError> {
        self.batches += 1;
        let batch = Batch {
            rows,
            token: format!("backfill:{}:{}", self.run_id, self.batches),
        };
        self.persist(Act::Insert(&batch)).await
    }

    async fn attempt(&self, act: Act<'_>) -> Result<(), StoreError> {
        match act {
            Act::Unseal(rows) => unseal(&*self.store, rows, self.clock.wall_us())
                .await
                .map(drop),
            Act::Insert(batch) => self.store.insert(batch).await,
        }
    }

    /// Does something with the store until it succeeds.
    async fn persist(&mut self, act: Act<'_>) -> Result<(), StoreError> {
        let mut pauses = backoff(self.limits.retry_min, self.limits.retry_max);
        let deadline = Instant::now() + self.limits.patience;
        loop {
            if let Admission::Wait(wait_us) = self.breaker.admit(self.clock.steady_us()) {
                sleep(Duration::from_micros(wait_us.unsigned_abs())).await;
                continue;
            }
            let error = match self.attempt(act).await {
                Ok(()) => {
                    self.breaker.succeeded();
                    return Ok(());
                }
                Err(error) => error,
            };
            let may_pass = matches!(
                error.kind,
                StoreErrorKind::Retry | StoreErrorKind::Ambiguous
            );
            if !may_pass {
                self.breaker.withdrawn();
                return Err(error);
            }
            let now_us = self.clock.steady_us();
            self.breaker.failed(now_us);
            let open_us = self.breaker.remaining_us(now_us).unsigned_abs();
            let pause = pauses.next().unwrap_or(self.limits.retry_max);
            let pause = pause.max(Duration::from_micros(open_us));
            if Instant::now() + pause > deadline {
                return Err(error);
            }
            (self.on_failure)(&error, pause);
            sleep(pause).await;
        }
    }
}

/// The rows in batches of one partition each: a store takes such a batch whole or not at all.
fn batches(rows: &[BarRow], batch_rows: usize) -> Vec<Vec<BarRow>> {
    let month = |row: &BarRow| Anchor::Month.period(row.bar.open_time_us).start_us;
    let mut months: BTreeMap<i64, Vec<BarRow>> = BTreeMap::new();
    let mut full = Vec::new();
    for row in rows {
        let batch = months.entry(month(row)).or_default();
        batch.push(row.clone());
        if batch.len() >= batch_rows.max(1) {
            full.push(std::mem::take(batch));
        }
    }
    let rest = months.into_values();
    full.extend(rest.filter(|batch| !batch.is_empty()));
    full
}

#[cfg(test)]
mod tests;
