//! How often connections may be opened.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::Mutex,
    time::{self, Instant},
};

use super::gate::{Closed, Gate};

/// How many connections may be opened in a [`WINDOW`] from one address.
const MAX_CONNECTS: usize = 300;

/// The time in which connections are counted.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// Keeps the number of new connections under the exchange's limit.
#[derive(Debug, Default)]
pub(super) struct ConnectLimiter {
    gate: Gate,
    /// When the latest connections were opened, at most [`MAX_CONNECTS`] of them.
    opened: Mutex<VecDeque<Instant>>,
}

impl ConnectLimiter {
    /// Waits until one more connection is allowed: at most a window for the first who
    /// waits, the others queue behind.
    ///
    /// # Errors
    /// At once while the exchange wants none.
    pub(super) async fn admit(&self) -> Result<(), Closed> {
        self.gate.check()?;
        // Whoever waits keeps the lock.
        let mut opened = self.opened.lock().await;
        if opened.len() == MAX_CONNECTS
            && let Some(&oldest) = opened.front()
        {
            time::sleep_until(oldest + WINDOW).await;
            opened.pop_front();
        }
        self.gate.check()?;
        opened.push_back(Instant::now());
        Ok(())
    }

    /// The exchange wants no connection for some time.
    pub(super) fn close(&self, status: u16, retry_after: Duration) {
        self.gate.close(status, retry_after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admit(limiter: &ConnectLimiter, count: usize) {
        for _ in 0..count {
            assert_eq!(limiter.admit().await, Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn three_hundred_connections_in_five_minutes_and_no_more() {
        let limiter = ConnectLimiter::default();
        let start = Instant::now();
        admit(&limiter, 100).await;
        time::sleep(Duration::from_secs(60)).await;
        admit(&limiter, 200).await;
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        admit(&limiter, 100).await;
        assert_eq!(start.elapsed(), WINDOW);
        admit(&limiter, 1).await;
        assert_eq!(start.elapsed(), WINDOW + Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_opened_while_the_exchange_wants_none() {
        let limiter = ConnectLimiter::default();
        limiter.close(429, Duration::from_secs(9));
        assert_eq!(limiter.admit().await.expect_err("closed").status, 429);
        time::sleep(Duration::from_secs(9)).await;
        admit(&limiter, 1).await;
    }
}
