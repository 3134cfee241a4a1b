//! How many messages a minute a channel may send.

use std::time::Duration;

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::{self, Instant};

use super::settings::Limits;

/// A clock for the limiter that stands still when tokio's does.
#[derive(Debug, Clone)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// The budget of one channel.
#[derive(Debug)]
pub(super) struct Budget {
    limiter: Limiter,
    clock: TokioClock,
}

impl Budget {
    pub fn new(limits: &Limits) -> Self {
        let clock = TokioClock {
            start: Instant::now(),
        };
        let quota = Quota::per_minute(limits.per_minute).allow_burst(limits.burst);
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
        }
    }

    /// Waits until one more message may be sent.
    pub async fn admit(&self) {
        while let Err(not_yet) = self.limiter.check() {
            time::sleep(not_yet.wait_time_from(self.clock.now())).await;
        }
    }
}
