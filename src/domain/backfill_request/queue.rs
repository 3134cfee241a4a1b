//! What a request looks like to whoever waits for it.

use super::{RequestRow, Status};

/// Where a request stands, in the words of those who wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// It waits, and so many are before it.
    Queued {
        /// From 1: the next one to be taken.
        position: usize,
    },
    /// It waits, and there is no worker that could take it.
    WatcherOffline {
        /// For how long it has waited, in µs.
        waited_us: i64,
    },
    /// Somebody is at work.
    Running {
        /// Trades a second since the attempt began; none before the first.
        trades_per_s: Option<f64>,
        /// How long it will take at that rate, in µs; not known without a rate or a total.
        remaining_us: Option<i64>,
    },
    /// It is done.
    Complete {
        /// So many bars were written.
        bars: u64,
    },
    /// It cannot be done.
    Failed {
        /// Why.
        message: String,
    },
    /// There was nothing to do yet.
    Skipped {
        /// Why.
        message: String,
    },
}

/// Where `request` stands at `now_us` among `all`. Without a sign of any worker since
/// `worker_seen_us`, one that has waited for `patience_us` is said to wait in vain.
#[must_use]
pub fn place(
    request: &RequestRow,
    all: &[RequestRow],
    worker_seen_us: Option<i64>,
    patience_us: i64,
    now_us: i64,
) -> Place {
    match request.status {
        Status::Pending => {
            let waited_us = now_us.saturating_sub(request.requested_at_us);
            let unseen_us = worker_seen_us.map(|seen_us| now_us.saturating_sub(seen_us));
            if waited_us > patience_us && unseen_us.is_none_or(|us| us > patience_us) {
                return Place::WatcherOffline { waited_us };
            }
            let order = |row: &RequestRow| (row.requested_at_us, row.request_id.clone());
            let own = order(request);
            let before = all
                .iter()
                .filter(|other| other.status == Status::Pending && order(other) < own);
            Place::Queued {
                position: before.count() + 1,
            }
        }
        Status::Running => running(request, now_us),
        Status::Completed => Place::Complete {
            bars: request.progress.bars_written,
        },
        Status::Failed => Place::Failed {
            message: request.error.clone(),
        },
        Status::Skipped => Place::Skipped {
            message: request.error.clone(),
        },
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "an estimate for people; a float that is too large becomes the largest integer"
)]
fn running(request: &RequestRow, now_us: i64) -> Place {
    let elapsed_us = request
        .started_at_us
        .map_or(0, |since_us| now_us.saturating_sub(since_us));
    let done = request.progress.trades_done;
    let trades_per_s =
        (done > 0 && elapsed_us > 0).then(|| done as f64 / (elapsed_us as f64 / 1e6));
    let left = request.progress.trades_total.checked_sub(done);
    let remaining_us = trades_per_s
        .zip(left.filter(|_| request.progress.trades_total > 0))
        .map(|(rate, left)| (left as f64 / rate * 1e6) as i64);
    Place::Running {
        trades_per_s,
        remaining_us,
    }
}
