//! The task of one channel.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    event::{AlertEvent, Emit},
    limit::Budget,
    queue::Queue,
    settings::{Limits, Outlet},
};
use crate::{
    app::{
        backoff::backoff,
        supervise::{Catching, Turns},
    },
    domain::alert::Notice,
    notify::{ChannelError, Message, Remedy},
};

/// What a channel takes longer than its deadline allows is cut off here.
const DEADLINE_GRACE: Duration = Duration::from_secs(1);
/// What is said of a task that was started anew.
pub(super) const FAILED: &str = "its task failed and was started anew: the log has the cause";

/// What became of the notices for one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutletStats {
    /// The channel.
    pub channel: String,
    /// Notices that wait.
    pub waiting: usize,
    /// Notices that arrived.
    pub sent: u64,
    /// Notices that were dropped because too many waited, or after the end.
    pub dropped: u64,
    /// Notices that were given up after attempts that failed.
    pub given_up: u64,
    /// Notices that are under way; at the end, those that were not sent when time was up.
    pub unsent: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Notices given up since the last message that arrived: more than 0 is broken.
    pub given_up_in_a_row: u64,
    /// How often its task has failed since then: more than 0 is broken, too.
    pub task_failures_in_a_row: u64,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
}

/// What the task of one channel shares with others.
#[derive(Debug)]
pub(super) struct Shared {
    pub outlet: Outlet,
    pub queue: Queue,
    stats: Mutex<OutletStats>,
    /// Cancelled when nothing new comes: what waits has to go out.
    pub draining: CancellationToken,
    /// Cancelled when nothing waits any more after that.
    pub drained: CancellationToken,
}

impl Shared {
    pub fn new(outlet: Outlet, limits: &Limits) -> Self {
        let stats = OutletStats {
            channel: outlet.channel.name().to_owned(),
            ..OutletStats::default()
        };
        Self {
            outlet,
            queue: Queue::new(limits.queue),
            stats: Mutex::new(stats),
            draining: CancellationToken::new(),
            drained: CancellationToken::new(),
        }
    }

    pub fn name(&self) -> &str {
        self.outlet.channel.name()
    }

    pub fn stats(&self) -> OutletStats {
        let mut stats = self.lock().clone();
        stats.waiting = self.queue.len();
        stats.dropped = self.queue.dropped();
        stats
    }

    pub fn lock(&self) -> MutexGuard<'_, OutletStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task of one channel.
pub(super) struct Task {
    pub shared: Arc<Shared>,
    pub collector: String,
    pub limits: Limits,
    pub emit: Emit,
    pub budget: Budget,
    /// It was started before, and has failed.
    is_begun: bool,
    /// Notices that this channel will never send, and that nobody has told it of.
    untold: u64,
    /// How many were dropped when that was last counted.
    dropped: u64,
}

impl Task {
    pub fn new(shared: Arc<Shared>, collector: String, limits: Limits, emit: Emit) -> Self {
        let budget = Budget::new(&limits);
        Self {
            shared,
            collector,
            limits,
            emit,
            budget,
            is_begun: false,
            untold: 0,
            dropped: 0,
        }
    }

    /// Sends what comes until the queue is closed and empty. Started anew after a failure,
    /// it gives up what was under way then, and the channel shows as broken until something
    /// arrives.
    pub async fn run(&mut self, turns: &Turns, look: Duration) {
        if std::mem::replace(&mut self.is_begun, true) {
            let mut stats = self.shared.lock();
            let lost = std::mem::take(&mut stats.unsent);
            stats.given_up += lost;
            stats.given_up_in_a_row += lost;
            stats.task_failures_in_a_row += 1;
            stats.last_error = Some(FAILED.to_owned());
            self.untold += lost;
        }
        let max = self.shared.outlet.channel.max_notices();
        let shared = Arc::clone(&self.shared);
        loop {
            // Taken anew after each look: whether something waits is looked at, not hoped for.
            let taken = time::timeout(look, shared.queue.take(max)).await;
            if let Ok(notices) = taken {
                let Some(notices) = notices else { return };
                // Until their fate is known they count as not sent: the task may be ended.
                shared.lock().unsent = notices.len() as u64;
                if !self.deliver(notices, turns, look).await {
                    return;
                }
                shared.lock().unsent = 0;
            }
            if turns.take_or_misbehave().await {
                return;
            }
        }
    }

    /// Whether nothing comes any more, and nothing waits.
    pub fn is_drained(&self) -> bool {
        self.shared.draining.is_cancelled() && self.shared.queue.len() == 0
    }

    /// Sends notices, or gives them up. Returns whether either has happened.
    async fn deliver(&mut self, notices: Vec<Notice>, turns: &Turns, look: Duration) -> bool {
        let dropped = self.shared.queue.dropped();
        self.untold += dropped - self.dropped;
        self.dropped = dropped;
        let message = Message {
            collector: self.collector.clone(),
            is_test: false,
            lost: self.untold,
            notices,
        };
        let mut pauses = backoff(self.limits.retry_min, self.limits.retry_max);
        let mut attempts = 0;
        let error = loop {
            // The rate limit and pauses may be longer than the patience with a task.
            let is_admitted = turns.while_idle(look, self.admit()).await.is_some();
            if !is_admitted || turns.take_or_misbehave().await {
                return false;
            }
            attempts += 1;
            let Err(error) = attempt(&self.shared.outlet, &message).await else {
                self.arrived(&message, attempts);
                return true;
            };
            let pause = pauses.next().unwrap_or(self.limits.retry_max);
            {
                let mut stats = self.shared.lock();
                stats.failed_attempts += 1;
                stats.last_error = Some(error.to_string());
            }
            match error.remedy {
                Remedy::Retry { after } if attempts < self.limits.attempts => {
                    let asked = after.unwrap_or_default().min(self.limits.retry_after_max);
                    let retry_in = pause.max(asked);
                    self.emit.emit(&AlertEvent::AttemptFailed {
                        channel: self.shared.name().to_owned(),
                        error,
                        retry_in,
                    });
                    if turns.while_idle(look, self.rest(retry_in)).await.is_none() {
                        return false;
                    }
                }
                _ => break error,
            }
        };
        self.gave_up(&message, error);
        true
    }

    /// Waits for the rate limit, unless it is time to go.
    async fn admit(&self) {
        tokio::select! {
            () = self.budget.admit() => {}
            () = self.shared.draining.cancelled() => {}
        }
    }

    /// Waits before the next attempt; not for long when it is time to go.
    async fn rest(&self, pause: Duration) {
        let hurry = async {
            self.shared.draining.cancelled().await;
            time::sleep(self.limits.retry_min).await;
        };
        tokio::select! {
            () = time::sleep(pause) => {}
            () = hurry => {}
        }
    }

    fn arrived(&mut self, message: &Message, attempts: u32) {
        let channel = self.shared.name().to_owned();
        let notices = message.notices.len();
        let was_broken = {
            let mut stats = self.shared.lock();
            stats.sent += notices as u64;
            stats.last_error = None;
            let failures = std::mem::take(&mut stats.task_failures_in_a_row);
            std::mem::take(&mut stats.given_up_in_a_row) + failures > 0
        };
        self.untold -= message.lost;
        if was_broken {
            self.emit.emit(&AlertEvent::Mended {
                channel: channel.clone(),
                lost: message.lost,
            });
        }
        self.emit.emit(&AlertEvent::Sent {
            channel,
            notices,
            attempts,
        });
    }

    fn gave_up(&mut self, message: &Message, error: ChannelError) {
        let notices = message.notices.len();
        self.untold += notices as u64;
        {
            let mut stats = self.shared.lock();
            stats.given_up += notices as u64;
            stats.given_up_in_a_row += notices as u64;
        }
        self.emit.emit(&AlertEvent::GaveUp {
            channel: self.shared.name().to_owned(),
            notices,
            error,
        });
    }
}

/// One attempt. A channel that panics, or outlives its deadline, has failed like any other.
pub(super) async fn attempt(outlet: &Outlet, message: &Message) -> Result<(), ChannelError> {
    let Outlet {
        channel, deadline, ..
    } = outlet;
    let patience = patience(*deadline);
    let send = Catching::new(channel.send(message, *deadline));
    match time::timeout(patience, send).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(caught)) => {
            let (name, reason) = (channel.name(), caught.reason);
            tracing::error!(
                code = "alert.channel_panicked",
                "channel {name}: {reason}\n{}",
                caught.backtrace
            );
            Err(ChannelError::permanent(
                format!("send by {name}: {reason}"),
                "this is a bug: the log has its backtrace",
            ))
        }
        Err(_) => Err(ChannelError::retry(format!(
            "send by {}: no outcome within {patience:?}",
            channel.name()
        ))),
    }
}

/// So long an attempt may take. A test of an incident is two requests.
pub(super) fn patience(deadline: Duration) -> Duration {
    2 * deadline + DEADLINE_GRACE
}
