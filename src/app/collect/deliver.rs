//! From the spool into the store, in order, until it is confirmed.
//!
//! What a failure does depends on its class:
//!
//! | class | what is done |
//! | --- | --- |
//! | retry, ambiguous | the same batch with the same token, later; the breaker counts it |
//! | configuration | the breaker opens at once, somebody is told what to mend |
//! | content | the batch is split until the bad rows are alone; see [`crate::journal`] |

use std::{collections::HashSet, pin::pin, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        breaker::{self, Admission, Breaker},
        crash::{CrashPoint, CrashPoints},
        row::Table,
    },
    journal::{
        Claim, JournalError, JournalHandle, Lease, Refusal, SpooledBatch, lease::for_people,
    },
    store::sink::{Batch, Store, StoreError, StoreErrorKind},
};

use super::{
    event::{Emit, Event},
    fetch::backoff,
    settings::{Limits, micros},
    snapshot::Board,
};
use crate::app::clock::Clock;

/// How often the spool is looked at when nothing says that it has changed: another process
/// may have put something into it.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is looked whether another process still delivers.
const LEASE_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What delivery needs.
pub struct Delivery {
    /// Where batches come from.
    pub journal: JournalHandle,
    /// Where they go.
    pub store: Arc<dyn Store>,
    /// Whether the store's tables have to be created first.
    pub needs_schema: bool,
    /// The name under which it takes the lease.
    pub holder: Arc<str>,
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
    /// The spool has changed.
    Progress,
    /// There is nothing to send.
    Empty,
    /// Not yet: another process delivers, or the breaker is open.
    Waits(Duration),
    /// It failed; the next attempt comes after so long.
    Failed(Duration),
}

/// What delivering until a deadline came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Nothing is left that could be sent.
    pub is_complete: bool,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
    /// Who else delivered at the end, if somebody did.
    pub held_by: Option<String>,
}

/// Delivery at work.
struct Deliverer {
    parts: Delivery,
    breaker: Breaker,
    pauses: backon::ExponentialBackoff,
    failures: u32,
    /// When it began, on the wall clock: older batches waited for it.
    begun_us: i64,
    has_lease: bool,
    is_misconfigured: bool,
    last_error: Option<String>,
    held_by: Option<String>,
    /// Tables that took rows since a row of them was last made a dead letter.
    proven: HashSet<Table>,
}

impl Delivery {
    /// Delivers until `finish`; then delivers what is left, and returns when the spool is
    /// empty or a delivery fails.
    ///
    /// # Errors
    /// When the journal's thread has ended.
    pub async fn run(self, finish: CancellationToken) -> Result<(), JournalError> {
        let mut deliverer = Deliverer::new(self);
        let result = deliverer.run(finish).await;
        deliverer.release().await;
        result
    }

    /// Delivers what is in the spool now, until `deadline` or `stop`. What somebody has to
    /// mend is not waited for.
    ///
    /// # Errors
    /// When the journal's thread has ended.
    pub async fn flush(
        self,
        deadline: tokio::time::Instant,
        stop: CancellationToken,
    ) -> Result<Flushed, JournalError> {
        let mut deliverer = Deliverer::new(self);
        let ended = tokio::select! {
            result = deliverer.flush() => result,
            () = tokio::time::sleep_until(deadline) => Ok(false),
            () = stop.cancelled() => Ok(false),
        };
        deliverer.release().await;
        let is_complete = ended?;
        Ok(Flushed {
            is_complete,
            last_error: deliverer.last_error,
            held_by: deliverer.held_by,
        })
    }
}

fn pauses(limits: &Limits) -> backon::ExponentialBackoff {
    backoff(limits.delivery_retry_min, limits.delivery_retry_max)
}

impl Deliverer {
    fn new(parts: Delivery) -> Self {
        Self {
            breaker: Breaker::new(breaker::Limits {
                failures: parts.limits.breaker_failures,
                open_us: micros(parts.limits.breaker_open),
            }),
            pauses: pauses(&parts.limits),
            failures: 0,
            begun_us: parts.clock.wall_us(),
            has_lease: false,
            is_misconfigured: false,
            last_error: None,
            held_by: None,
            proven: HashSet::new(),
            parts,
        }
    }

    async fn run(&mut self, finish: CancellationToken) -> Result<(), JournalError> {
        let mut spool = self.parts.journal.watch();
        loop {
            let step = self.step().await?;
            self.show();
            let pause = match step {
                Step::Progress => continue,
                Step::Failed(_) | Step::Waits(_) if finish.is_cancelled() => return Ok(()),
                Step::Empty if finish.is_cancelled() => match self.seal(None).await? {
                    Ok(0) | Err(_) => return Ok(()),
                    Ok(_) => continue,
                },
                Step::Empty => {
                    self.release().await;
                    let pause = if self.parts.journal.stats().rows > 0 {
                        self.parts.limits.batch_age / 2
                    } else {
                        LOOK_INTERVAL
                    };
                    tokio::select! {
                        () = finish.cancelled() => {}
                        _ = spool.changed() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    let now_us = self.parts.clock.wall_us();
                    match self.seal(Some(now_us)).await? {
                        Ok(_) => continue,
                        Err(pause) => pause,
                    }
                }
                Step::Failed(pause) | Step::Waits(pause) => pause,
            };
            // Somebody else may try meanwhile.
            self.release().await;
            tokio::select! {
                () = finish.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn flush(&mut self) -> Result<bool, JournalError> {
        while let Err(pause) = self.seal(None).await? {
            tokio::time::sleep(pause).await;
        }
        loop {
            let step = self.step().await?;
            self.show();
            match step {
                Step::Progress => {}
                Step::Empty => return Ok(true),
                Step::Failed(_) if self.is_misconfigured => return Ok(false),
                Step::Failed(pause) | Step::Waits(pause) => {
                    self.release().await;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Closes batches. A disk that fails or is full for a while is no end: the pause before
    /// the next attempt is returned then.
    async fn seal(&mut self, now_us: Option<i64>) -> Result<Result<usize, Duration>, JournalError> {
        match self.parts.journal.seal(now_us).await {
            Ok(sealed) => Ok(Ok(sealed)),
            Err(JournalError::Closed) => Err(JournalError::Closed),
            Err(error) => match self.failed(0, 0, error.to_string()) {
                Step::Failed(pause) => Ok(Err(pause)),
                _ => Ok(Err(LOOK_INTERVAL)),
            },
        }
    }

    fn lease(&self) -> Lease {
        Lease {
            holder: Arc::clone(&self.parts.holder),
            now_us: self.parts.clock.wall_us(),
            lease_us: micros(self.parts.limits.delivery_lease),
        }
    }

    /// Gives the lease back. When that fails, it expires.
    async fn release(&mut self) {
        if self.has_lease {
            self.has_lease = false;
            let _ = self.parts.journal.release_lease(&self.parts.holder).await;
        }
    }

    async fn step(&mut self) -> Result<Step, JournalError> {
        let now_us = self.parts.clock.steady_us();
        let remaining_us = self.breaker.remaining_us(now_us);
        if remaining_us > 0 {
            return Ok(Step::Waits(Duration::from_micros(
                remaining_us.unsigned_abs(),
            )));
        }
        // Should this not come to an end, the lease may be taken all the same.
        let had_lease = std::mem::replace(&mut self.has_lease, true);
        let batch = match self.parts.journal.claim(self.lease()).await {
            Ok(Claim::Batch(batch)) => batch,
            Ok(Claim::Nothing) => {
                self.has_lease = had_lease;
                return Ok(Step::Empty);
            }
            Ok(Claim::HeldElsewhere(other)) => {
                self.has_lease = false;
                if self.held_by.as_deref() != Some(&other.name) {
                    self.parts.emit.emit(&Event::DeliveredElsewhere {
                        holder: for_people(&other.name).to_owned(),
                    });
                    self.held_by = Some(other.name);
                }
                let remaining = Duration::from_micros(other.remaining_us.unsigned_abs());
                return Ok(Step::Waits(remaining.min(LEASE_LOOK_INTERVAL)));
            }
            Err(JournalError::Closed) => return Err(JournalError::Closed),
            Err(JournalError::Damaged { batch, reason }) => {
                // It is out of the way now; those behind it still can be delivered.
                self.parts.emit.emit(&Event::BatchDamaged { batch, reason });
                return Ok(Step::Progress);
            }
            Err(error) => return Ok(self.failed(0, 0, error.to_string())),
        };
        self.held_by = None;
        if let Admission::Wait(_) | Admission::TrialUnderWay = self.breaker.admit(now_us) {
            // The clock would have to go back for that.
            return Ok(Step::Waits(LEASE_LOOK_INTERVAL));
        }
        self.deliver(*batch).await
    }

    async fn deliver(&mut self, batch: SpooledBatch) -> Result<Step, JournalError> {
        let (id, count, table) = (batch.id, batch.rows.len(), batch.rows.table());
        let has_waited =
            batch.attempts > 0 || self.failures > 0 || batch.created_at_us < self.begun_us;
        let sent = Batch {
            rows: batch.rows,
            token: batch.token,
        };
        self.parts.crash.reach(CrashPoint::BeforeSend);
        match self.send(&sent).await {
            Ok(()) => {
                self.parts.crash.reach(CrashPoint::StoreConfirmed);
                self.confirmed(id, count, table, has_waited).await
            }
            Err(error) => {
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
    async fn send(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.parts.needs_schema {
            self.parts.store.create_schema().await?;
            self.parts.needs_schema = false;
        }
        let store = Arc::clone(&self.parts.store);
        let mut insert = pin!(store.insert(batch));
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

    async fn confirmed(
        &mut self,
        id: i64,
        count: usize,
        table: Table,
        has_waited: bool,
    ) -> Result<Step, JournalError> {
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
        match self.parts.journal.delivered(id).await {
            Ok(confirmed) => {
                self.parts.board.update(|shown| {
                    shown.sink.published += count as u64;
                    if has_waited {
                        shown.sink.flushed_from_buffer += count as u64;
                    }
                });
                self.buried(confirmed.dead_rows, table);
                Ok(Step::Progress)
            }
            Err(JournalError::Closed) => Err(JournalError::Closed),
            // It stays in the spool and is sent again with the same token.
            Err(error) => Ok(self.failed(id, count, error.to_string())),
        }
    }

    /// The store works, and does not take these rows.
    async fn refused(
        &mut self,
        id: i64,
        count: usize,
        table: Table,
        error: &StoreError,
    ) -> Result<Step, JournalError> {
        self.breaker.withdrawn();
        let reason = error.to_string();
        let done = if count > 1 {
            self.parts
                .journal
                .split(id, reason.clone())
                .await
                .map(|_| Refusal::Waits)
        } else {
            let is_proven = self.proven.contains(&table);
            self.parts
                .journal
                .refuse(id, reason.clone(), is_proven)
                .await
        };
        match done {
            Ok(Refusal::Waits | Refusal::Gone) => {
                self.parts.emit.emit(&Event::RowsRefused {
                    batch: id,
                    rows: count,
                    reason,
                });
                Ok(Step::Progress)
            }
            Ok(Refusal::Dead(rows)) => {
                self.buried(rows, table);
                Ok(Step::Progress)
            }
            Ok(Refusal::TooMany { refused, of }) => {
                let reason = format!(
                    "it refuses {refused} of {of} rows of {table}: {reason}",
                    table = table.as_str()
                );
                Ok(self.misconfigured(id, count, reason, CHECK_TABLE))
            }
            Err(JournalError::Closed) => Err(JournalError::Closed),
            Err(error) => Ok(self.failed(id, count, error.to_string())),
        }
    }

    fn buried(&mut self, rows: u64, table: Table) {
        if rows > 0 {
            self.proven.remove(&table);
            self.parts.emit.emit(&Event::DeadLetters {
                rows,
                table: table.as_str(),
            });
        }
    }

    /// The store does not work at the moment.
    fn unavailable(&mut self, batch: i64, rows: usize, reason: String) -> Step {
        let now_us = self.parts.clock.steady_us();
        let is_trip = self.breaker.failed(now_us);
        let step = self.failed(batch, rows, reason);
        if is_trip {
            self.parts.emit.emit(&Event::BreakerOpened {
                failures: self.failures,
                retry_in: self.parts.limits.breaker_open,
            });
        }
        step
    }

    /// The store works, but not like that: only a person can mend it.
    fn misconfigured(
        &mut self,
        batch: i64,
        rows: usize,
        reason: String,
        remedy: &'static str,
    ) -> Step {
        self.last_error = Some(reason.clone());
        self.breaker.broken(self.parts.clock.steady_us());
        if !self.is_misconfigured {
            self.is_misconfigured = true;
            self.parts.emit.emit(&Event::StoreMisconfigured {
                reason: reason.clone(),
                remedy,
                retry_in: self.parts.limits.breaker_open,
            });
        }
        self.failed(batch, rows, reason)
    }

    /// Tells of a failure; the next attempt has to wait.
    fn failed(&mut self, batch: i64, rows: usize, reason: String) -> Step {
        self.failures += 1;
        // What the breaker knows nothing of gives its turn back.
        self.breaker.withdrawn();
        let now_us = self.parts.clock.steady_us();
        let open = Duration::from_micros(self.breaker.remaining_us(now_us).unsigned_abs());
        let pause = self.pauses.next();
        let retry_in = if open.is_zero() {
            pause.unwrap_or(self.parts.limits.delivery_retry_max)
        } else {
            open
        };
        self.parts.emit.emit(&Event::DeliveryFailed {
            batch,
            rows,
            reason,
            retry_in,
        });
        Step::Failed(retry_in)
    }

    fn show(&self) {
        let now_us = self.parts.clock.steady_us();
        let remaining_us = self.breaker.remaining_us(now_us);
        let trial_at_us =
            (remaining_us > 0).then(|| self.parts.clock.wall_us().saturating_add(remaining_us));
        self.parts.board.update(|shown| {
            shown.spool = self.parts.journal.stats();
            let sink = &mut shown.sink;
            sink.failures = self.failures;
            sink.breaker = self.breaker.state(now_us);
            sink.breaker_trips = self.breaker.trips();
            sink.trial_at_us = trial_at_us;
        });
    }
}

/// What mends a store that refuses everything.
const CHECK_STORE: &str = "check address, user, password and rights of --store; 'streamkit \
                           schema apply' makes missing tables";
/// What mends a table that refuses its rows.
const CHECK_TABLE: &str = "compare the table with 'streamkit schema print'; nothing is dropped, \
                           'streamkit spool show ID' prints the rows";
