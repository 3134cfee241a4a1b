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

use std::{collections::BTreeMap, time::Duration};

use crate::{
    app::seals::unseal,
    domain::{
        anchor::Anchor,
        rewrite::Rewrite,
        row::{BarRow, GapRow, Rows},
    },
    journal::random_id,
    store::sink::{Batch, StoreError},
};

use super::patient_store::PatientStore;

/// How rows are written, and how patient one is with a store.
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

/// Writes the rows of one run.
pub struct Writer {
    store: PatientStore,
    batch_rows: usize,
    /// Tokens carry it: another run that writes the same rows means it.
    run_id: String,
    batches: u64,
}

impl Writer {
    /// A writer into `store`.
    #[must_use]
    pub fn new(store: PatientStore, limits: WriterLimits) -> Self {
        Self {
            store,
            batch_rows: limits.batch_rows,
            run_id: random_id(),
            batches: 0,
        }
    }

    /// The store, for reading with the same patience.
    pub(super) const fn store(&mut self) -> &mut PatientStore {
        &mut self.store
    }

    /// Writes what was found to be missing or wrong.
    ///
    /// # Errors
    /// When the store refuses the rows, somebody has to mend something there, or it has failed
    /// for too long. What is in stays in: the next run compares it.
    pub async fn write(&mut self, rewrite: Rewrite) -> Result<(), StoreError> {
        let mut rows = rewrite.tombstones;
        rows.extend(rewrite.bars);
        if rows.is_empty() {
            return Ok(());
        }
        self.unseal(&rows).await?;
        for batch in batches(&rows, self.batch_rows) {
            let batch = batch.into_iter().map(|index| rows[index].clone()).collect();
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
        let (store, clock) = (self.store.store(), self.store.clock().clone());
        self.store
            .persist(|| async { unseal(&*store, rows, clock.wall_us()).await.map(drop) })
            .await
    }

    async fn insert(&mut self, rows: Rows) -> Result<(), StoreError> {
        self.batches += 1;
        let batch = Batch {
            rows,
            token: format!("backfill:{}:{}", self.run_id, self.batches),
        };
        let store = self.store.store();
        self.store.persist(|| store.insert(&batch)).await
    }
}

/// The indexes of rows in batches of one partition each: a store takes such a batch whole or
/// not at all.
fn batches(rows: &[BarRow], batch_rows: usize) -> Vec<Vec<usize>> {
    let month = |row: &BarRow| Anchor::Month.period(row.bar.open_time_us).start_us;
    let mut months: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let mut full = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let batch = months.entry(month(row)).or_default();
        batch.push(index);
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
