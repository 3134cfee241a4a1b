//! One look at the spool, and the batch that it gives.

use std::{pin::pin, time::Duration};

use crate::{
    app::seals::unseal,
    domain::{
        breaker::Admission,
        crash::CrashPoint,
        row::{BarRow, Rows, Table},
    },
    journal::{Claim, JournalError, Place, SpooledBatch, lease::for_people},
    store::sink::{Batch, StoreError, StoreErrorKind},
};

use super::{Confirmed, Deliverer, Step, failure::CHECK_STORE, pauses};
use crate::app::collect::event::Event;

/// How often it is looked whether another process still delivers.
const LEASE_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What was done while a batch was being sent.
struct Meanwhile {
    /// What became of the batch before, which the store had confirmed.
    settled: Option<(Confirmed, Result<u64, JournalError>)>,
    /// What came of reading on; none when there was no need.
    ahead: Option<Result<Claim, JournalError>>,
}

impl Deliverer {
    /// Sends the next batch, if there is one and it may be sent.
    pub(super) async fn step(&mut self) -> Result<Step, JournalError> {
        let now_us = self.parts.clock.steady_us();
        let remaining_us = self.breaker.remaining_us(now_us);
        if remaining_us > 0 {
            let remaining = Duration::from_micros(remaining_us.unsigned_abs());
            return Ok(Step::Waits(remaining));
        }
        let batch = match self.ahead.take() {
            Some(batch) => batch,
            None => match self.claim().await? {
                Ok(batch) => batch,
                Err(step) => return Ok(step),
            },
        };
        self.held_by = None;
        if let Admission::Wait(_) | Admission::TrialUnderWay = self.breaker.admit(now_us) {
            // The clock would have to go back for that.
            return Ok(Step::Waits(LEASE_LOOK_INTERVAL));
        }
        self.deliver(batch).await
    }

    /// The batch that is to be sent next, or why there is none.
    async fn claim(&mut self) -> Result<Result<SpooledBatch, Step>, JournalError> {
        // Should this not come to an end, the lease may be taken all the same.
        let had_lease = std::mem::replace(&mut self.has_lease, true);
        let claim = self.parts.journal.claim(self.lease(), None).await;
        if let Ok(Claim::Nothing) = claim {
            self.has_lease = had_lease;
        }
        self.claimed(claim)
    }

    fn claimed(
        &mut self,
        claim: Result<Claim, JournalError>,
    ) -> Result<Result<SpooledBatch, Step>, JournalError> {
        Ok(Err(match claim {
            Ok(Claim::Batch(batch)) => return Ok(Ok(*batch)),
            Ok(Claim::Nothing) => Step::Empty,
            Ok(Claim::HeldElsewhere(other)) => {
                self.has_lease = false;
                if self.held_by.as_deref() != Some(&other.name) {
                    self.parts.emit.emit(&Event::DeliveredElsewhere {
                        holder: for_people(&other.name).to_owned(),
                    });
                    self.held_by = Some(other.name);
                }
                let remaining = Duration::from_micros(other.remaining_us.unsigned_abs());
                Step::Waits(remaining.min(LEASE_LOOK_INTERVAL))
            }
            Err(JournalError::Closed) => return Err(JournalError::Closed),
            Err(JournalError::Damaged { batch, reason }) => {
                // It is out of the way now; those behind it still can be delivered.
                self.parts.emit.emit(&Event::BatchDamaged { batch, reason });
                Step::Progress
            }
            // Trying again does not mend the file.
            Err(error) if error.damage().is_some() => return Err(error),
            Err(error) => self.failed(0, 0, error.to_string()),
        }))
    }

    async fn deliver(&mut self, batch: SpooledBatch) -> Result<Step, JournalError> {
        let (id, count, table) = (batch.id, batch.rows.len(), batch.rows.table());
        let has_waited =
            batch.attempts > 0 || self.failures > 0 || batch.created_at_us < self.begun_us;
        // What fails is tried again alone: nothing else takes up memory meanwhile.
        let after = (batch.attempts == 0 && self.failures == 0).then_some(batch.place);
        let sent = Batch {
            rows: batch.rows,
            token: batch.token,
        };
        if self.is_unguarded() {
            return self
                .deliver_unguarded(id, count, batch.attempts, sent)
                .await;
        }
        self.parts.crash.reach(CrashPoint::BeforeSend);
        let before = self.confirmed.take();
        let (result, meanwhile) =
            tokio::join!(self.send(&sent), self.meanwhile(before, after, count));
        drop(sent);
        let unsettled = self.settled(meanwhile.settled)?;
        let ahead = match meanwhile.ahead {
            Some(Ok(Claim::Nothing)) | None => None,
            Some(claim) => self.claimed(claim)?.ok(),
        };
        match result {
            Ok(()) => {
                self.parts.crash.reach(CrashPoint::StoreConfirmed);
                self.parts.needs_schema = false;
                self.succeeded(table);
                self.confirmed = Some(Confirmed {
                    id,
                    rows: count,
                    table,
                    has_waited,
                });
                if ahead.is_some() && unsettled.is_none() {
                    // It is deleted while the next one is sent.
                    self.ahead = ahead;
                    return Ok(Step::Progress);
                }
                let settled = self.settle().await?;
                Ok(unsettled.or(settled).unwrap_or(Step::Progress))
            }
            Err(error) => {
                drop(ahead);
                self.parts
                    .board
                    .update(|shown| shown.sink.errors.count(error.kind));
                self.last_error = Some(error.to_string());
                if error.kind == StoreErrorKind::Content {
                    return self.refused(id, count, table, &error).await;
                }
                // The note is for people; that the batch is still there is what counts.
                let noted = self.parts.journal.failed(id, error.to_string()).await;
                if let Err(JournalError::Closed) = noted {
                    return Err(JournalError::Closed);
                }
                Ok(match error.kind {
                    StoreErrorKind::Configuration => {
                        self.misconfigured(id, count, error.to_string(), CHECK_STORE)
                    }
                    _ => self.unavailable(id, count, error.to_string()),
                })
            }
        }
    }

    /// Sends a batch, and keeps the lease meanwhile.
    pub(super) async fn send(&self, batch: &Batch) -> Result<(), StoreError> {
        if self.parts.needs_schema {
            self.parts.store.create_schema().await?;
        }
        let mut insert = pin!(self.insert(batch));
        let renew_after = self.parts.limits.delivery_lease / 3;
        loop {
            tokio::select! {
                result = &mut insert => return result,
                () = tokio::time::sleep(renew_after) => {
                    // Should another process have taken it, the token keeps the rows single.
                    let _ = self.parts.journal.take_lease(self.lease()).await;
                }
            }
        }
    }

    /// Writes a batch. The periods that bars are written of are not sealed when that begins,
    /// and not by what was there before when it has ended.
    async fn insert(&self, batch: &Batch) -> Result<(), StoreError> {
        let store = &*self.parts.store;
        let Rows::Bars(rows) = &batch.rows else {
            return store.insert(batch).await;
        };
        self.unseal(rows).await?;
        store.insert(batch).await?;
        self.parts.crash.reach(CrashPoint::BarsWritten);
        self.unseal(rows).await
    }

    async fn unseal(&self, rows: &[BarRow]) -> Result<(), StoreError> {
        let now_us = self.parts.clock.wall_us();
        let taken = unseal(&*self.parts.store, rows, now_us).await?;
        for seal in &taken {
            self.parts.emit.emit(&Event::PeriodUnsealed {
                symbol: seal.key.symbol.clone(),
                start_us: seal.key.period_start_us,
            });
        }
        if !taken.is_empty() {
            self.parts.crash.reach(CrashPoint::Unsealed);
        }
        Ok(())
    }

    /// Deletes the batch `before`, which is confirmed, and reads the one behind the batch at
    /// `after` of `count` rows, which is being sent, if there are more.
    async fn meanwhile(
        &self,
        before: Option<Confirmed>,
        after: Option<Place>,
        count: usize,
    ) -> Meanwhile {
        let journal = &self.parts.journal;
        let settled = match before {
            Some(confirmed) => {
                let deleted = journal.delivered(confirmed.id).await;
                Some((confirmed, deleted.map(|done| done.dead_rows)))
            }
            None => None,
        };
        let ahead = match after {
            Some(after) if journal.stats().rows > count as u64 => {
                Some(journal.claim(self.lease(), Some(after)).await)
            }
            _ => None,
        };
        Meanwhile { settled, ahead }
    }

    /// The store has taken a batch.
    pub(super) fn succeeded(&mut self, table: Table) {
        if self.breaker.succeeded() || self.failures > 0 {
            self.parts.emit.emit(&Event::DeliveryRecovered {
                failures: self.failures,
            });
        }
        self.failures = 0;
        self.is_misconfigured = false;
        self.last_error = None;
        self.pauses = pauses(&self.parts.limits);
        self.proven.insert(table);
    }

    /// Deletes the batch that the store has confirmed, if there is one. Returns how it went
    /// on if it failed.
    pub(super) async fn settle(&mut self) -> Result<Option<Step>, JournalError> {
        self.ahead = None;
        let Some(confirmed) = self.confirmed.take() else {
            return Ok(None);
        };
        let deleted = self.parts.journal.delivered(confirmed.id).await;
        self.settled(Some((confirmed, deleted.map(|done| done.dead_rows))))
    }

    fn settled(
        &mut self,
        settled: Option<(Confirmed, Result<u64, JournalError>)>,
    ) -> Result<Option<Step>, JournalError> {
        match settled {
            None => Ok(None),
            Some((confirmed, Ok(dead_rows))) => {
                self.parts.board.update(|shown| {
                    shown.sink.published += confirmed.rows as u64;
                    if confirmed.has_waited {
                        shown.sink.flushed_from_buffer += confirmed.rows as u64;
                    }
                });
                self.buried(dead_rows, confirmed.table);
                Ok(None)
            }
            Some((_, Err(JournalError::Closed))) => Err(JournalError::Closed),
            // It stays in the spool and is sent again with the same token.
            Some((confirmed, Err(error))) => Ok(Some(self.failed(
                confirmed.id,
                confirmed.rows,
                error.to_string(),
            ))),
        }
    }
}
