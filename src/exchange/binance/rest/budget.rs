//! How much may be asked: the weight budget, and silence when the exchange wants it.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::{self, Instant};

use crate::exchange::binance::gate::{Closed, Gate};

/// What one request for aggregate trades weighs.
const REQUEST_WEIGHT: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Of a minute's weight at most an eighth may be used at once: together with what is
/// refilled meanwhile, no minute sees more than nine eighths.
const BURST_DIVISOR: u32 = 8;

/// The exchange's limit of weight a minute.
const WEIGHT_LIMIT: u32 = 6000;

/// With more than 90 % used, by us or others at this address, requests slow down.
const fn tight_above(weight_limit: u32) -> u32 {
    weight_limit / 10 * 9
}

/// How far apart requests are then.
const TIGHT_SPACING: Duration = Duration::from_secs(1);

const MINUTE: Duration = Duration::from_secs(60);

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

/// The budget that all users of a client share.
#[derive(Debug)]
pub(super) struct Budget {
    limiter: Limiter,
    clock: TokioClock,
    tight_above: u32,
    /// Those who wait do so in the order in which they came.
    queue: tokio::sync::Mutex<()>,
    gate: Gate,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when requests keep apart.
    tight_until: Option<Instant>,
    last_admitted: Option<Instant>,
}

impl Budget {
    pub(super) fn new(weight_per_minute: NonZeroU32) -> Self {
        let clock = TokioClock {
            start: Instant::now(),
        };
        let burst = (weight_per_minute.get() / BURST_DIVISOR).max(REQUEST_WEIGHT.get());
        let quota = Quota::per_minute(weight_per_minute)
            .allow_burst(NonZeroU32::new(burst).unwrap_or(REQUEST_WEIGHT));
        // Who sets more than the exchange's limit talks to another exchange.
        let weight_limit = WEIGHT_LIMIT.max(weight_per_minute.get());
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            tight_above: tight_above(weight_limit),
            queue: tokio::sync::Mutex::new(()),
            gate: Gate::default(),
            state: Mutex::default(),
        }
    }

    /// Waits until the budget allows one more request.
    ///
    /// # Errors
    /// At once when the exchange wants none, also when it says so during the wait.
    pub(super) async fn admit(&self) -> Result<(), Closed> {
        self.gate.check()?;
        let _turn = self.queue.lock().await;
        loop {
            self.gate.check()?;
            let wait = match self.limiter.check_n(REQUEST_WEIGHT) {
                Ok(Ok(())) => break,
                Ok(Err(not_yet)) => not_yet.wait_time_from(self.clock.now()),
                // The burst is never below one request.
                Err(_) => MINUTE,
            };
            time::sleep(wait).await;
        }
        if let Some(slot) = self.tight_slot() {
            time::sleep_until(slot).await;
        }
        self.gate.check()?;
        self.state().last_admitted = Some(Instant::now());
        Ok(())
    }

    /// The exchange wants no request for some time.
    pub(super) fn close(&self, status: u16, retry_after: Duration) {
        self.gate.close(status, retry_after);
    }

    /// The exchange says how much weight of this minute is used up, and how long the
    /// minute still lasts.
    pub(super) fn used(&self, weight: u32, rest_of_minute: Duration) {
        let tight_until = (weight > self.tight_above).then(|| Instant::now() + rest_of_minute);
        self.state().tight_until = tight_until;
    }

    /// When the next request may go while the minute's weight runs out.
    fn tight_slot(&self) -> Option<Instant> {
        let state = self.state();
        let tight_until = state.tight_until.filter(|&until| until > Instant::now())?;
        let slot = state.last_admitted? + TIGHT_SPACING;
        Some(slot.min(tight_until))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admitted_within(budget: &Budget, duration: Duration) -> u32 {
        let start = Instant::now();
        let mut count = 0;
        while time::timeout_at(start + duration, budget.admit())
            .await
            .is_ok()
        {
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_sees_more_than_nine_eighths_of_the_budget() {
        let budget = Budget::new(NonZeroU32::new(4800).expect("not zero"));
        let first = admitted_within(&budget, MINUTE).await;
        assert!((1345..=1350).contains(&first), "{first}");
        let second = admitted_within(&budget, MINUTE).await;
        assert!((1195..=1200).contains(&second), "{second}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_below_one_request_still_lets_one_through() {
        let budget = Budget::new(NonZeroU32::MIN);
        assert_eq!(admitted_within(&budget, MINUTE * 10).await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_budget_refuses_at_once() {
        let budget = Budget::new(NonZeroU32::new(4800).expect("not zero"));
        budget.close(429, Duration::from_secs(7));
        let start = Instant::now();
        assert_eq!(budget.admit().await.expect_err("closed").status, 429);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_refused_when_it_closes() {
        let budget = Budget::new(NonZeroU32::new(4).expect("not zero"));
        assert_eq!(budget.admit().await, Ok(()));
        let (waiting, ()) = tokio::join!(budget.admit(), async {
            time::sleep(Duration::from_secs(1)).await;
            budget.close(429, Duration::from_secs(600));
        });
        assert_eq!(waiting.expect_err("closed").status, 429);
    }

    #[tokio::test(start_paused = true)]
    async fn near_the_limit_requests_keep_apart_until_the_minute_is_over() {
        let budget = Budget::new(NonZeroU32::new(4800).expect("not zero"));
        assert_eq!(budget.admit().await, Ok(()));
        budget.used(5400, Duration::from_secs(20));
        assert_eq!(
            admitted_within(&budget, Duration::from_millis(1)).await,
            149
        );
        budget.used(5401, Duration::from_secs(20));
        let count = admitted_within(&budget, Duration::from_millis(19_500)).await;
        assert_eq!(count, 19);
        let freed = admitted_within(&budget, Duration::from_secs(1)).await;
        assert!(freed > 100, "{freed}");
    }
}
