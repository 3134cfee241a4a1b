//! The life of a request for a backfill. Each change is a new version of its row.
//!
//! ```text
//! pending ─ claim ─► running ─┬─ complete ─► completed
//!    ▲                        ├─ skip ─────► skipped
//!    │                        ├─ fail ─────► failed
//!    ├── given back ──────────┤                ▲
//!    └── lease expired ───────┤                │
//!                             └─ the third ────┘
//! ```
//!
//! The store has no compare-and-swap, and several workers share it. Three things make sure
//! that a request is completed once:
//!
//! - A claim is inserted under the token `claim:<request>:<attempt>`, of which the store
//!   takes the first and drops the others, and is then read back: who stands there has won.
//!   The token counts the attempts that were given back, too, which the row does not: they
//!   are none of the three after which a request has failed.
//! - Versions come in epochs, one an attempt. A claim begins the next epoch; everything
//!   that an attempt writes stays in its own, so that what a worker writes after it has
//!   lost its lease, at whatever time, never replaces what its successor writes.
//! - A worker renews its lease well before it ends and reads the row back each time; when
//!   it is no longer its own, the worker stops.
//!
//! A lease is dated by the clock of the worker that took it. When clocks differ by more
//! than a lease, two workers may do the same work; the epochs still let only one of them
//! complete it, and both write the same bars.
//!
//! What somebody backfills by hand stands in the queue as running, so that everybody sees it,
//! with a worker whose name ends in ` by hand`. Whoever asks for the same meanwhile gets a
//! request of his own, which workers leave alone as long as that one runs: it is completed
//! together with that one, and is theirs when that one is interrupted. One that was interrupted
//! is skipped, which is no failure: whoever ran it knows. One that covers a time that ends
//! earlier than now has no `since`, for nobody else's wish is fulfilled by it.
//!
//! Anybody may put a pending row in, a dashboard for instance: only the symbol has to be
//! there, and it is not trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    row::{Table, UnreadableRow},
    threshold::Threshold,
};

mod left_alone;
mod queue;
mod scope;

pub use left_alone::{left_alone, left_alone_text};
pub use queue::{PATIENCE_US, Place, RequestState, states};
pub use scope::Scope;

/// So many attempts are made at a request.
pub const ATTEMPTS_MAX: u32 = 3;

/// What the names of those end in who run a backfill by hand. No host has such a name.
const BY_HAND: &str = " by hand";

/// So many versions are in an epoch: more than any attempt can write.
const EPOCH_VERSIONS: u64 = 1 << 40;

/// A row with a higher version was put in by somebody who does not know what they are for: behind
/// it there is no room for those of a request's life.
const VERSION_MAX: u64 = 1 << 62;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for a worker.
    Pending,
    /// A worker has it.
    Running,
    /// It is done.
    Completed,
    /// It cannot be done.
    Failed,
    /// There was nothing to do yet, or whoever ran it by hand has stopped it.
    Skipped,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Skipped,
    ];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far the work is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Bars written so far.
    pub bars_written: u64,
    /// Trades read so far.
    pub trades_done: u64,
    /// Trades to read, as far as is known.
    pub trades_total: u64,
}

/// A row of `backfill_requests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    /// What names the request.
    pub request_id: String,
    /// The symbol, as whoever asked has written it.
    pub symbol: String,
    /// The threshold in dbps; 0 means all.
    pub threshold_dbps: u32,
    /// From which time on, in µs; none means that the worker decides.
    pub since_us: Option<i64>,
    /// From which exchange, and where bars are cut; as far as it says nothing, the worker decides.
    pub scope: Scope,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for, in µs.
    pub requested_at_us: i64,
    /// When the current attempt began, in µs.
    pub started_at_us: Option<i64>,
    /// When it ended, in whatever way, in µs.
    pub completed_at_us: Option<i64>,
    /// How far the work is.
    pub progress: Progress,
    /// How much time lay without bars when it was begun, in seconds.
    pub gap_seconds: f64,
    /// Why it failed or was skipped; of a completed one for all thresholds, what it has left
    /// alone.
    pub error: String,
    /// Who has it, or had it last.
    pub worker: String,
    /// How many attempts were begun and not given back.
    pub attempt: u32,
    /// Until when the worker has it, in µs.
    pub lease_until_us: Option<i64>,
    /// Of two rows of one request the one with the higher version counts.
    pub version: u64,
}

/// A request as it is stored, or what is wrong with it.
pub type RequestRead = Result<RequestRow, UnreadableRow>;

/// What a worker may do about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: somebody has it, or it has ended.
    Leave,
    /// Claim it.
    Claim,
    /// Put it back: the lease of whoever had it has expired.
    Expire,
}

/// A new version of a row, and the token under which it goes in.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The row.
    pub row: RequestRow,
    /// Of several rows under one token the store takes the first.
    pub token: String,
}

impl RequestRow {
    /// A new request, made at `now_us`.
    #[must_use]
    pub fn new(request_id: String, symbol: String, threshold_dbps: u32, now_us: i64) -> Self {
        Self {
            request_id,
            symbol,
            threshold_dbps,
            since_us: None,
            scope: Scope::default(),
            status: Status::Pending,
            requested_at_us: now_us,
            started_at_us: None,
            completed_at_us: None,
            progress: Progress::default(),
            gap_seconds: 0.0,
            error: String::new(),
            worker: String::new(),
            attempt: 0,
            lease_until_us: None,
            version: 0,
        }
    }

    /// The row as it was read, unless nothing can be written behind it.
    ///
    /// # Errors
    /// When its version is too high.
    pub fn checked(self) -> RequestRead {
        if self.version <= VERSION_MAX {
            return Ok(self);
        }
        Err(UnreadableRow {
            table: Table::BackfillRequests,
            key: self.request_id,
            place: None,
            column: "version",
            reason: format!("{} is above {VERSION_MAX}", self.version),
        })
    }

    /// What a worker may do about it at `now_us`.
    #[must_use]
    pub fn turn(&self, now_us: i64) -> Turn {
        match self.status {
            Status::Pending => Turn::Claim,
            // A row that somebody put in as running, without a lease, is nobody's.
            Status::Running if self.lease_until_us.is_none_or(|until| until <= now_us) => {
                Turn::Expire
            }
            _ => Turn::Leave,
        }
    }

    /// Claims it for `worker`, for a lease of `lease_us`.
    #[must_use]
    pub fn claimed(&self, worker: &str, now_us: i64, lease_us: i64) -> Change {
        let epoch = self.epoch().saturating_add(1);
        let row = Self {
            status: Status::Running,
            started_at_us: Some(now_us),
            completed_at_us: None,
            progress: Progress::default(),
            error: String::new(),
            worker: worker.to_owned(),
            attempt: self.attempt.saturating_add(1),
            lease_until_us: Some(now_us.saturating_add(lease_us)),
            version: epoch.saturating_mul(EPOCH_VERSIONS),
            ..self.clone()
        };
        let token = format!("claim:{}:{epoch}", self.request_id);
        Change { row, token }
    }

    /// Whether the attempt that has made this row still has the request, which is stored as
    /// `stored` by now.
    #[must_use]
    pub fn is_still_mine(&self, stored: &Self) -> bool {
        stored.status == Status::Running
            && stored.request_id == self.request_id
            && stored.worker == self.worker
            && stored.epoch() == self.epoch()
    }

    /// How many attempts were begun, as far as nobody else has put versions in.
    const fn epoch(&self) -> u64 {
        self.version / EPOCH_VERSIONS
    }

    /// The name under which `worker` runs a backfill by hand.
    #[must_use]
    pub fn by_hand(worker: &str) -> String {
        format!("{worker}{BY_HAND}")
    }

    /// Whether somebody runs it by hand.
    #[must_use]
    pub fn is_run_by_hand(&self) -> bool {
        self.status == Status::Running && self.worker.ends_with(BY_HAND)
    }

    /// Whether it reaches back as far as `since_us`, in µs; none leaves that to the worker.
    #[must_use]
    pub fn reaches_as_far(&self, since_us: Option<i64>) -> bool {
        match (self.since_us, since_us) {
            (own, None) => own.is_none(),
            (None, Some(_)) => false,
            (Some(own), Some(wanted)) => own <= wanted,
        }
    }

    /// Whether what somebody runs by hand fulfils `wish` as well.
    #[must_use]
    pub fn fulfils_by_hand(&self, wish: &Self) -> bool {
        self.is_run_by_hand()
            && self.since_us.is_some()
            && self.scope == wish.scope
            && self.symbol.eq_ignore_ascii_case(&wish.symbol)
            && self.threshold_dbps == wish.threshold_dbps
            && self.reaches_as_far(wish.since_us)
    }

    /// Says how far the work is, and renews the lease.
    #[must_use]
    pub fn renewed(&self, progress: Progress, now_us: i64, lease_us: i64) -> Change {
        self.next(Self {
            progress,
            lease_until_us: Some(now_us.saturating_add(lease_us)),
            ..self.clone()
        })
    }

    /// Ends it at `now_us` as `status`, with the reason unless it was completed.
    #[must_use]
    pub fn ended(&self, status: Status, progress: Progress, error: &str, now_us: i64) -> Change {
        self.next(Self {
            status,
            completed_at_us: Some(now_us),
            progress,
            error: error.to_owned(),
            lease_until_us: None,
            ..self.clone()
        })
    }

    /// Gives it back, because whoever has it ends: pending again, with its attempt not counted.
    /// However often that happens, it does not fail.
    #[must_use]
    pub fn released(&self) -> Change {
        self.next(Self {
            status: Status::Pending,
            attempt: self.attempt.saturating_sub(1),
            error: format!("{} gave it back in attempt {}", self.worker, self.attempt),
            lease_until_us: None,
            ..self.clone()
        })
    }

    /// The row of an attempt that has sent its next version and does not know whether that
    /// is stored: what it writes from here on has a higher one either way.
    #[must_use]
    pub fn in_doubt(&self) -> Self {
        self.next(self.clone()).row
    }

    /// Whether one reading of the trades can serve both: the same symbol, of the same exchange and
    /// cut alike as far as both say so, for thresholds that were named or all of them, from a time on that was named or not. What is for a threshold
    /// that cannot be goes with nothing.
    #[must_use]
    pub fn goes_with(&self, other: &Self) -> bool {
        self.symbol.eq_ignore_ascii_case(&other.symbol)
            && self.scope.agrees_with(&other.scope)
            && (self.threshold_dbps == 0) == (other.threshold_dbps == 0)
            && self.since_us.is_some() == other.since_us.is_some()
            && [self, other].map(|row| row.threshold_dbps <= Threshold::MAX) == [true; 2]
    }

    /// Takes it from a worker whose lease has expired: pending again, or failed after the
    /// last attempt.
    #[must_use]
    pub fn expired(&self, now_us: i64) -> Change {
        let holder = if self.worker.is_empty() {
            "nobody"
        } else {
            &self.worker
        };
        let error = format!(
            "the lease of {holder} expired in attempt {} of {ATTEMPTS_MAX}",
            self.attempt
        );
        // Of what ran by hand for a time that its row cannot say, nobody knows what is left.
        let is_nobodys = self.is_run_by_hand() && self.since_us.is_none();
        if self.attempt >= ATTEMPTS_MAX || is_nobodys {
            return self.ended(Status::Failed, self.progress, &error, now_us);
        }
        self.next(Self {
            status: Status::Pending,
            error,
            lease_until_us: None,
            ..self.clone()
        })
    }

    /// The next version in the same epoch. The token names the worker too: another one that
    /// writes this version writes something else.
    fn next(&self, row: Self) -> Change {
        let in_epoch = self.version % EPOCH_VERSIONS;
        let version = if in_epoch + 1 == EPOCH_VERSIONS {
            self.version
        } else {
            self.version.saturating_add(1)
        };
        let token = format!(
            "{}:{}:{}:{version}:{}",
            row.status, row.request_id, row.attempt, row.worker
        );
        Change {
            row: Self { version, ..row },
            token,
        }
    }
}

#[cfg(test)]
mod tests;
