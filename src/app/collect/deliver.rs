//! From the spool into the store, in order, until it is confirmed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::crash::{CrashPoint, CrashPoints},
    journal::{JournalError, JournalHandle, SpooledBatch},
    store::sink::{Batch, Store},
};

use super::{
    event::{Emit, Event},
    fetch::backoff,
    settings::Limits,
    snapshot::Board,
};
use crate::app::clock::Clock;

/// What delivery needs.
pub struct Delivery {
    /// Where batches come from.
    pub journal: JournalHandle,
    /// Where they go.
    pub store: Arc<dyn Store>,
    /// Whether the store's tables have to be created first.
    pub needs_schema: bool,
    /// Times and bounds.
    pub limits: Limits,
    /// The clocks.
    pub clock: Clock,
    /// Who is told.
    pub emit: Emit,
    /// Where it is shown.
    pub board: Board,
    /// What tests arm.
    pub crash: CrashPoints,
}

/// How one look at the spool ended.
enum Step {
    Delivered,
    Empty,
    Failed(Duration),
}

impl Delivery {
    /// Delivers until `finish`; then delivers what is left, and returns when the spool is
    /// empty or a delivery fails.
    ///
    /// # Errors
    /// When the journal's thread has ended.
    pub async fn run(mut self, finish: CancellationToken) -> Result<(), JournalError> {
        let mut spool = self.journal.watch();
        let mut pauses = backoff(
            self.limits.delivery_retry_min,
            self.limits.delivery_retry_max,
        );
        let mut failures = 0u32;
        let mut damaged = BTreeSet::new();
        loop {
            let step = self.step(&mut damaged, &mut pauses).await?;
            match step {
                Step::Delivered => {
                    if failures > 0 {
                        self.emit.emit(&Event::DeliveryRecovered { failures });
                        failures = 0;
                        pauses = backoff(
                            self.limits.delivery_retry_min,
                            self.limits.delivery_retry_max,
                        );
                    }
                }
                Step::Failed(pause) => {
                    failures += 1;
                    if finish.is_cancelled() {
                        return Ok(());
                    }
                    tokio::select! {
                        () = finish.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                Step::Empty if finish.is_cancelled() => {
                    if self.seal(None, &mut pauses).await? == 0 {
                        return Ok(());
                    }
                }
                Step::Empty => {
                    let pause = if self.journal.stats().rows > 0 {
                        self.limits.batch_age / 2
                    } else {
                        Duration::from_secs(3600)
                    };
                    tokio::select! {
                        () = finish.cancelled() => {}
                        _ = spool.changed() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    let now_us = self.clock.wall_us();
                    self.seal(Some(now_us), &mut pauses).await?;
                }
            }
            self.board.update(|shown| shown.sink.failures = failures);
        }
    }

    async fn step(
        &mut self,
        damaged: &mut BTreeSet<i64>,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Result<Step, JournalError> {
        let batch = match self.next_batch(damaged).await {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(Step::Empty),
            Err(JournalError::Closed) => return Err(JournalError::Closed),
            Err(error) => {
                let mut number = 0;
                if let JournalError::Damaged { batch, .. } = &error {
                    number = *batch;
                    damaged.insert(number);
                }
                return Ok(self.failed(number, 0, error.to_string(), pauses));
            }
        };
        let (id, count) = (batch.id, batch.rows.len());
        let sent = Batch {
            rows: batch.rows,
            token: batch.token,
        };
        self.crash.reach(CrashPoint::BeforeSend);
        let result = match self.prepare().await {
            Ok(()) => self.store.insert(&sent).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                self.crash.reach(CrashPoint::StoreConfirmed);
                match self.journal.delivered(id).await {
                    Ok(_) => {
                        self.board.update(|shown| shown.sink.rows += count as u64);
                        Ok(Step::Delivered)
                    }
                    Err(JournalError::Closed) => Err(JournalError::Closed),
                    // It stays in the spool and is sent again with the same token.
                    Err(error) => Ok(self.failed(id, count, error.to_string(), pauses)),
                }
            }
            Err(error) => {
                // The note is for people; that the batch is still there is what counts.
                if let Err(JournalError::Closed) = self.journal.failed(id, error.to_string()).await
                {
                    return Err(JournalError::Closed);
                }
                Ok(self.failed(id, count, error.to_string(), pauses))
            }
        }
    }

    /// The first batch that is not known to be damaged. Damaged ones stay where they are;
    /// those behind them do not wait for them.
    async fn next_batch(
        &self,
        damaged: &BTreeSet<i64>,
    ) -> Result<Option<SpooledBatch>, JournalError> {
        let mut after = 0;
        loop {
            match self.journal.next_batch(after).await {
                Err(JournalError::Damaged { batch, .. }) if damaged.contains(&batch) => {
                    after = batch;
                }
                result => return result,
            }
        }
    }

    /// Seals what is due. What cannot be sealed now is sealed later.
    async fn seal(
        &self,
        now_us: Option<i64>,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Result<usize, JournalError> {
        match self.journal.seal(now_us).await {
            Ok(sealed) => Ok(sealed),
            Err(JournalError::Closed) => Err(JournalError::Closed),
            Err(error) => {
                self.failed(0, 0, error.to_string(), pauses);
                Ok(0)
            }
        }
    }

    async fn prepare(&mut self) -> Result<(), crate::store::sink::StoreError> {
        if self.needs_schema {
            self.store.create_schema().await?;
            self.needs_schema = false;
        }
        Ok(())
    }

    /// Tells of a failure; the next attempt has to wait.
    fn failed(
        &self,
        batch: i64,
        rows: usize,
        reason: String,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Step {
        let retry_in = pauses.next().unwrap_or(self.limits.delivery_retry_max);
        self.emit.emit(&Event::DeliveryFailed {
            batch,
            rows,
            reason,
            retry_in,
        });
        Step::Failed(retry_in)
    }
}
