//! From the spool into the store, in order, until it is confirmed.
//!
//! What a failure does depends on its class:
//!
//! | class | what is done |
//! | --- | --- |
//! | retry, ambiguous | the same batch with the same token, later; the breaker counts it |
//! | configuration | the breaker opens at once, somebody is told what to mend |
//! | content | the batch is split until the bad rows are alone; see [`crate::journal::refusal`] |
//!
//! While a batch is being sent, the next one is read, and the one before is deleted, which
//! the store has confirmed. Never is more than one batch under way that is not confirmed.

mod failure;
mod step;
mod unguarded;

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        breaker::{self, Breaker},
        crash::CrashPoints,
        micros::micros,
        row::Table,
    },
    journal::{JournalError, JournalHandle, Lease, SpooledBatch},
    store::sink::Store,
};

use super::{event::Emit, settings::Limits, snapshot::Board};
use crate::app::{
    backoff::{Backoff, backoff},
    clock::Clock,
    supervise::Turns,
};

/// How often the spool is looked at when nothing says that it has changed: another process
/// may have put something into it.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// At a stop, a store that worked so far may fail so often before what is left stays in the
/// spool; one that was away already is not waited for.
const STOP_RETRIES: u32 = 2;

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
    /// Counts each look at the spool.
    pub turns: Turns,
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
    /// Trips of the breakers before it.
    trips_before: u64,
    pauses: Backoff,
    failures: u32,
    /// When it began, on the wall clock: older batches waited for it.
    begun_us: i64,
    has_lease: bool,
    is_misconfigured: bool,
    last_error: Option<String>,
    held_by: Option<String>,
    /// The batch that is to be sent next, if it has been read already.
    ahead: Option<SpooledBatch>,
    /// The batch that the store has confirmed and the journal still holds.
    confirmed: Option<Confirmed>,
    /// Tables that took rows since a row of them was last made a dead letter.
    proven: HashSet<Table>,
}

/// A batch that is in the store.
struct Confirmed {
    id: i64,
    rows: usize,
    table: Table,
    /// It was not delivered at once.
    has_waited: bool,
}

impl Delivery {
    /// Delivers until `finish`; then delivers what is left, and returns when the spool is
    /// empty or the store fails again and again.
    ///
    /// # Errors
    /// When the journal's thread has ended.
    pub async fn run(self, finish: CancellationToken) -> Result<(), JournalError> {
        let mut deliverer = Deliverer::new(self);
        let result = deliverer.run(finish).await;
        let settled = deliverer.settle().await;
        deliverer.release().await;
        result.and(settled.map(drop))
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
        deliverer.settle().await?;
        deliverer.release().await;
        let is_complete = ended?;
        Ok(Flushed {
            is_complete,
            last_error: deliverer.last_error,
            held_by: deliverer.held_by,
        })
    }
}

fn pauses(limits: &Limits) -> Backoff {
    backoff(limits.delivery_retry_min, limits.delivery_retry_max)
}

impl Deliverer {
    fn new(parts: Delivery) -> Self {
        Self {
            breaker: Breaker::new(breaker::Limits {
                failures: parts.limits.breaker_failures,
                open_us: micros(parts.limits.breaker_open),
            }),
            trips_before: parts.board.read().sink.breaker_trips,
            pauses: pauses(&parts.limits),
            failures: 0,
            begun_us: parts.clock.wall_us(),
            has_lease: false,
            is_misconfigured: false,
            last_error: None,
            held_by: None,
            ahead: None,
            confirmed: None,
            proven: HashSet::new(),
            parts,
        }
    }

    async fn run(&mut self, finish: CancellationToken) -> Result<(), JournalError> {
        let mut spool = self.parts.journal.watch();
        loop {
            if self.parts.turns.take_or_misbehave().await {
                return Ok(());
            }
            let step = self.step().await?;
            self.show();
            let pause = match step {
                Step::Progress => continue,
                Step::Waits(_) if finish.is_cancelled() => return Ok(()),
                // Whoever has to mend the store is not waited for.
                Step::Failed(_)
                    if finish.is_cancelled()
                        && (self.is_misconfigured || self.failures > STOP_RETRIES) =>
                {
                    return Ok(());
                }
                Step::Empty if finish.is_cancelled() => match self.seal(None).await? {
                    Ok(0) | Err(_) => return Ok(()),
                    Ok(_) => continue,
                },
                Step::Empty => {
                    self.release().await;
                    let pause = if self.parts.journal.stats().rows > 0 {
                        self.parts.limits.batch_age / 2
                    } else {
                        // An idle look is a turn, too.
                        LOOK_INTERVAL.min(self.parts.limits.delivery_hang / 4)
                    };
                    // What is old enough then is sealed when the next batch is claimed.
                    tokio::select! {
                        () = finish.cancelled() => {}
                        _ = spool.changed() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    continue;
                }
                Step::Failed(pause) | Step::Waits(pause) => pause,
            };
            // Somebody else may try meanwhile.
            self.release().await;
            let is_last = finish.is_cancelled();
            tokio::select! {
                () = finish.cancelled(), if !is_last => {}
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
            sink.breaker_trips = self.trips_before + self.breaker.trips();
            sink.trial_at_us = trial_at_us;
        });
    }
}
