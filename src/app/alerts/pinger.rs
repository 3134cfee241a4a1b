//! The task of one ping.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use super::{
    event::{AlertEvent, Emit},
    pulse,
    settings::Limits,
    task::FAILED,
};
use crate::{
    app::{backoff::backoff, supervise::Turns},
    notify::{ChannelError, Ping},
};

/// So many pings in a row that failed are one too many.
const PINGS_BROKEN: u32 = 3;

/// What became of a ping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PingStats {
    /// Its name.
    pub ping: String,
    /// How often it was answered.
    pub sent: u64,
    /// How often it failed in a row.
    pub failed_in_a_row: u32,
    /// Why the last one failed, if it did.
    pub last_error: Option<String>,
}

impl PingStats {
    /// Whether it failed too often to be chance.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.failed_in_a_row >= PINGS_BROKEN
    }
}

/// The task of one ping.
pub(super) struct Pinger {
    pub ping: Ping,
    pub deadline: Duration,
    pub pulse: watch::Receiver<Option<Instant>>,
    pub stats: Arc<Mutex<PingStats>>,
    pub limits: Limits,
    pub emit: Emit,
    /// It was started before, and has failed.
    is_begun: bool,
}

impl Pinger {
    pub fn new(
        ping: Ping,
        deadline: Duration,
        pulse: watch::Receiver<Option<Instant>>,
        stats: Arc<Mutex<PingStats>>,
        limits: &Limits,
        emit: Emit,
    ) -> Self {
        Self {
            ping,
            deadline,
            pulse,
            stats,
            limits: limits.clone(),
            emit,
            is_begun: false,
        }
    }

    /// Calls the address at its interval while there is a sign of life, for ever.
    pub async fn run(&mut self, turns: &Turns, look: Duration) {
        if std::mem::replace(&mut self.is_begun, true) {
            let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
            stats.failed_in_a_row = stats.failed_in_a_row.saturating_add(1);
            stats.last_error = Some(FAILED.to_owned());
        }
        let interval = self.ping.interval();
        let max_age = interval * self.limits.pulse_intervals;
        let retry_max = self.limits.retry_max.min(interval);
        let mut pauses = backoff(self.limits.retry_min.min(interval), retry_max);
        let mut was_alive = false;
        loop {
            let sign = *self.pulse.borrow_and_update();
            if !pulse::is_alive(sign, max_age) {
                if was_alive {
                    self.emit.emit(&AlertEvent::PingPaused {
                        ping: self.ping.name().to_owned(),
                    });
                }
                was_alive = false;
                match turns.while_idle(look, self.pulse.changed()).await {
                    Some(Ok(())) => continue,
                    Some(Err(_)) | None => return,
                }
            }
            was_alive = true;
            let outcome = self.ping.ping(self.deadline).await;
            let pause = if outcome.is_ok() {
                pauses = backoff(self.limits.retry_min.min(interval), retry_max);
                interval
            } else {
                pauses.next().unwrap_or(retry_max)
            };
            self.note(outcome);
            if turns.take_or_misbehave().await {
                return;
            }
            if turns
                .while_idle(look, self.rest(pause, max_age))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// Waits for `pause`; shorter when all was not well meanwhile and is again.
    async fn rest(&mut self, pause: Duration, max_age: Duration) {
        let until = Instant::now() + pause;
        loop {
            let changed = time::timeout_at(until, self.pulse.changed()).await;
            let sign = *self.pulse.borrow();
            match changed {
                Ok(Ok(())) if pulse::is_alive(sign, max_age) => {}
                // Time is up, all is not well, or nobody is left to say.
                _ => return,
            }
        }
    }

    fn note(&self, outcome: Result<(), ChannelError>) {
        let ping = self.ping.name().to_owned();
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let event = match outcome {
            Ok(()) => {
                stats.sent += 1;
                stats.last_error = None;
                let failed = std::mem::take(&mut stats.failed_in_a_row);
                (failed > 0).then_some(AlertEvent::PingMended { ping })
            }
            Err(error) => {
                stats.failed_in_a_row = stats.failed_in_a_row.saturating_add(1);
                stats.last_error = Some(error.to_string());
                Some(AlertEvent::PingFailed { ping, error })
            }
        };
        drop(stats);
        if let Some(event) = event {
            self.emit.emit(&event);
        }
    }
}
