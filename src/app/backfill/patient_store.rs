//! A store that is asked as often as it takes, to read as well as to write.
//!
//! Failures in a row open a breaker, which leaves the store alone for a while; the pauses
//! between attempts grow, with jitter, and there is an end to them.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    app::{backoff::backoff, clock::Clock},
    domain::{
        breaker::{self, Admission, Breaker},
        micros::micros,
    },
    store::sink::{Store, StoreError, StoreErrorKind},
};

use super::writer::WriterLimits;

/// Told of a store that fails: why, and how long it is left alone.
pub type OnFailure = Arc<dyn Fn(&StoreError, Duration) + Send + Sync>;

/// A store, and how patient one is with it.
pub struct PatientStore {
    store: Arc<dyn Store>,
    clock: Clock,
    limits: WriterLimits,
    on_failure: OnFailure,
    breaker: Breaker,
}

/// An error that may be one of the store.
pub trait StoreFailure {
    /// What the store said, if it was the store.
    fn of_store(&self) -> Option<&StoreError>;
}

impl StoreFailure for StoreError {
    fn of_store(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl StoreFailure for anyhow::Error {
    fn of_store(&self) -> Option<&StoreError> {
        self.downcast_ref()
    }
}

impl PatientStore {
    /// Asks `store` within `limits`; `on_failure` is told of each failure that is waited out.
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
        }
    }

    /// One that is asked once only.
    #[must_use]
    pub fn impatient(store: Arc<dyn Store>, clock: Clock) -> Self {
        let limits = WriterLimits {
            patience: Duration::ZERO,
            ..WriterLimits::default()
        };
        Self::new(store, clock, limits, Arc::new(|_, _| {}))
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Does something with the store until it succeeds.
    ///
    /// # Errors
    /// When it is refused, somebody has to mend something there, or the store has failed for
    /// too long.
    pub async fn persist<T, E, F>(&mut self, attempt: impl Fn() -> F) -> Result<T, E>
    where
        E: StoreFailure,
        F: Future<Output = Result<T, E>>,
    {
        let mut pauses = backoff(self.limits.retry_min, self.limits.retry_max);
        let deadline = Instant::now() + self.limits.patience;
        loop {
            if let Admission::Wait(wait_us) = self.breaker.admit(self.clock.steady_us()) {
                sleep(Duration::from_micros(wait_us.unsigned_abs())).await;
                continue;
            }
            let error = match attempt().await {
                Ok(done) => {
                    self.breaker.succeeded();
                    return Ok(done);
                }
                Err(error) => error,
            };
            let passing = error.of_store().filter(|error| {
                let kind = error.kind;
                matches!(kind, StoreErrorKind::Retry | StoreErrorKind::Ambiguous)
            });
            let Some(passing) = passing else {
                self.breaker.withdrawn();
                return Err(error);
            };
            let now_us = self.clock.steady_us();
            self.breaker.failed(now_us);
            let open_us = self.breaker.remaining_us(now_us).unsigned_abs();
            let pause = pauses.next().unwrap_or(self.limits.retry_max);
            let pause = pause.max(Duration::from_micros(open_us));
            if Instant::now() + pause > deadline {
                return Err(error);
            }
            (self.on_failure)(passing, pause);
            sleep(pause).await;
        }
    }
}
