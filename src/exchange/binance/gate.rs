//! Silence when the exchange wants it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Closed after a 429 or 418, for as long as the exchange said.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed: Mutex<Option<Closed>>,
}

/// The exchange wants nothing from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed {
    /// 429 or 418.
    pub(super) status: u16,
    until: Instant,
}

impl Closed {
    /// For how long.
    pub(super) fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Gate {
    /// Closes it for some time. A longer time stands.
    pub(super) fn close(&self, status: u16, retry_after: Duration) {
        let until = Instant::now() + retry_after;
        // The lock is never held across anything that could panic.
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if closed.is_none_or(|closed| closed.until < until) {
            *closed = Some(Closed { status, until });
        }
    }

    /// Whether it is open.
    ///
    /// # Errors
    /// When it is closed.
    pub(super) fn check(&self) -> Result<(), Closed> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        match *closed {
            Some(still) if !still.remaining().is_zero() => Err(still),
            _ => {
                *closed = None;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_time_counts_and_it_opens_by_itself() {
        let gate = Gate::default();
        assert_eq!(gate.check(), Ok(()));
        gate.close(429, Duration::from_secs(7));
        gate.close(418, Duration::from_secs(3));
        let closed = gate.check().expect_err("closed");
        assert_eq!(
            (closed.status, closed.remaining()),
            (429, Duration::from_secs(7))
        );
        time::sleep(Duration::from_secs(6)).await;
        assert!(gate.check().is_err());
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(gate.check(), Ok(()));
    }
}
