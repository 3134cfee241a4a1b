//! The pauses between the attempts at one question to the exchange.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    app::backoff::{Backoff, backoff},
    exchange::source::SourceError,
};

use super::PageLimits;

/// The pauses of one question, until patience is at its end.
pub(in crate::app::backfill) struct Pauses {
    limits: PageLimits,
    growing: Backoff,
    since: Instant,
}

impl Pauses {
    /// Patience counts from now on.
    pub(in crate::app::backfill) fn new(limits: PageLimits) -> Self {
        Self {
            limits,
            growing: backoff(limits.retry_min, limits.retry_max),
            since: Instant::now(),
        }
    }

    /// How long it has been asked for.
    pub(in crate::app::backfill) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// How long to leave the exchange alone, `least` or longer; none when patience is at its
    /// end.
    pub(in crate::app::backfill) fn next(&mut self, least: Duration) -> Option<Duration> {
        let left = self.limits.patience.saturating_sub(self.waited());
        let pause = self.growing.next().unwrap_or(self.limits.retry_max);
        // The last pause is cut short, unless the exchange itself wants to be left alone.
        let pause = pause.min(left).max(least);
        (!left.is_zero() && pause <= left).then_some(pause)
    }
}

/// How long the exchange wants to be left alone after this, at least; none when it would say
/// the same again.
pub(in crate::app::backfill) fn least_pause(error: &SourceError) -> Option<Duration> {
    match error {
        SourceError::RateLimited { retry_after, .. } => Some(*retry_after),
        SourceError::UnknownSymbol { .. } | SourceError::StreamCount { .. } => None,
        _ => Some(Duration::ZERO),
    }
}

/// A pause as people are told of it.
pub(in crate::app::backfill) fn told(pause: Duration) -> Duration {
    Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
}
