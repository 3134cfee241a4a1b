//! What tells that somebody takes requests for backfills.

use serde::{Deserialize, Serialize};

use super::row::UnreadableRow;

/// A row of `backfill_workers`: one worker's latest sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// What names the worker; no two that live at once have the same name.
    pub worker: String,
    /// The machine that it runs on.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// When it began, in µs.
    pub started_at_us: i64,
    /// How many requests it is at work on.
    pub requests: u32,
    /// Whether it has told that it ends.
    pub is_ended: bool,
    /// When it told of itself, in µs: of two rows of one worker the later one counts.
    pub heartbeat_at_us: i64,
}

/// A worker as it is stored, or what is wrong with it.
pub type WorkerRead = Result<WorkerRow, UnreadableRow>;

impl WorkerRow {
    /// Whether it takes requests, as far as can be told at `now_us`: it has not ended, and no
    /// more than `patience_us` have passed since it told of itself.
    #[must_use]
    pub fn is_alive(&self, patience_us: i64, now_us: i64) -> bool {
        !self.is_ended && self.age_us(now_us) <= patience_us
    }

    /// How long ago it told of itself, in µs; none of it lies in the future.
    #[must_use]
    pub fn age_us(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(self.heartbeat_at_us).max(0)
    }
}

#[cfg(test)]
impl WorkerRow {
    /// A worker at work on nothing that told of itself then, for tests.
    pub(crate) fn sample(heartbeat_at_us: i64) -> Self {
        Self {
            worker: "nas:1".to_owned(),
            host: "nas".to_owned(),
            pid: 1,
            started_at_us: 0,
            requests: 0,
            is_ended: false,
            heartbeat_at_us,
        }
    }
}
