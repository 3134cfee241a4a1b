//! What requests look like to whoever waits for them.

use std::collections::HashMap;

use super::{RequestRow, Status, Turn};
use crate::domain::backfill_worker::WorkerRow;

/// What waits for longer than this, in µs, waits in vain if no worker has told of itself for
/// as long.
pub const PATIENCE_US: i64 = 300_000_000;

/// Whoever looks may have another clock than the worker that has dated its lease: only after
/// so many µs more is a lease said to be over.
const CLOCKS_DIFFER_US: i64 = 30_000_000;

/// A request, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestState {
    /// The request.
    pub request: RequestRow,
    /// Where it stands.
    pub place: Place,
}

impl RequestState {
    /// Whether more is to happen to it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.request.status.is_final()
    }

    /// Whether it has failed, and that at or after `since_us`.
    #[must_use]
    pub fn has_failed_since(&self, since_us: i64) -> bool {
        let ended_us = self.request.completed_at_us;
        matches!(self.place, Place::Failed { .. }) && ended_us.is_none_or(|us| us >= since_us)
    }
}

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

/// Where each of `rows` stands at `now_us`, in their order. What is open has its position
/// among all that is open in `rows`; a worker that has died in the middle of one leaves it to
/// those that wait.
#[must_use]
pub fn states(rows: &[RequestRow], workers: &[WorkerRow], now_us: i64) -> Vec<RequestState> {
    let seen_us = workers.iter().map(|worker| worker.heartbeat_at_us).max();
    let is_unseen = seen_us.is_none_or(|us| now_us.saturating_sub(us) > PATIENCE_US);
    let mut waiting: Vec<&RequestRow> = rows
        .iter()
        .filter(|request| waits_since(request, now_us).is_some())
        .collect();
    // In the order in which workers take them.
    waiting.sort_by_key(|request| (request.requested_at_us, &request.request_id));
    let positions: HashMap<&str, usize> = waiting
        .iter()
        .zip(1..)
        .map(|(request, position)| (&*request.request_id, position))
        .collect();
    let place = |request: &RequestRow| {
        let Some(since_us) = waits_since(request, now_us) else {
            return at_work_or_ended(request, now_us);
        };
        let waited_us = now_us.saturating_sub(since_us);
        if is_unseen && waited_us > PATIENCE_US {
            return Place::WatcherOffline { waited_us };
        }
        let position = positions.get(&*request.request_id);
        Place::Queued {
            position: position.copied().unwrap_or(1),
        }
    };
    let state = |request: &RequestRow| RequestState {
        request: request.clone(),
        place: place(request),
    };
    rows.iter().map(state).collect()
}

/// Since when a request waits for a worker, in µs; none when it does not.
fn waits_since(request: &RequestRow, now_us: i64) -> Option<i64> {
    match request.turn(now_us.saturating_sub(CLOCKS_DIFFER_US)) {
        Turn::Leave => None,
        Turn::Claim => Some(request.requested_at_us),
        Turn::Expire => Some(request.lease_until_us.unwrap_or(request.requested_at_us)),
    }
}

fn at_work_or_ended(request: &RequestRow, now_us: i64) -> Place {
    match request.status {
        Status::Pending | Status::Running => running(request, now_us),
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

#[cfg(test)]
mod tests {
    use super::super::Progress;
    use super::*;

    const LEASE_US: i64 = 120_000_000;
    const SECOND_US: i64 = 1_000_000;

    fn request(id: &str, requested_at_us: i64) -> RequestRow {
        RequestRow::new(id.to_owned(), "BTCUSDT".to_owned(), 0, requested_at_us)
    }

    fn places(rows: &[RequestRow], workers: &[WorkerRow], now_us: i64) -> Vec<Place> {
        let states = states(rows, workers, now_us);
        let mut of = Vec::new();
        for (state, row) in states.into_iter().zip(rows) {
            assert_eq!(state.request, *row);
            of.push(state.place);
        }
        of
    }

    #[test]
    fn those_who_wait_see_their_position_in_the_order_in_which_they_are_taken() {
        let running = request("b", 0).claimed("w", 0, LEASE_US).row;
        let rows = [
            request("c", 20),
            request("a", 10),
            running.clone(),
            request("d", 10),
        ];
        let queued = |position| Place::Queued { position };
        let unknown = Place::Running {
            trades_per_s: None,
            remaining_us: None,
        };
        assert_eq!(
            places(&rows, &[], 100),
            [queued(3), queued(1), unknown, queued(2)]
        );
        // What a dead worker has left comes in its own turn: it was asked for first.
        let later = LEASE_US + CLOCKS_DIFFER_US;
        assert_eq!(
            places(&rows, &[WorkerRow::sample(later)], later),
            [queued(4), queued(2), queued(1), queued(3)]
        );
        assert!(matches!(
            places(&rows, &[], later - 1)[2],
            Place::Running { .. }
        ));
    }

    #[test]
    fn after_five_minutes_without_a_worker_one_waits_in_vain() {
        let rows = [request("a", 10)];
        let at = |seen: &[i64], now_us| {
            let workers: Vec<_> = seen.iter().copied().map(WorkerRow::sample).collect();
            places(&rows, &workers, now_us).remove(0)
        };
        let late = PATIENCE_US + 11;
        let offline = Place::WatcherOffline {
            waited_us: PATIENCE_US + 1,
        };
        let queued = Place::Queued { position: 1 };
        // Five minutes to the µs are not more than five minutes.
        assert_eq!(at(&[], late - 1), queued);
        assert_eq!(at(&[], late), offline);
        assert_eq!(at(&[10], late), offline);
        assert_eq!(at(&[11], late), queued);
        // One worker of several is enough, and one whose clock is ahead lives.
        assert_eq!(at(&[1, 11, 2], late), queued);
        assert_eq!(at(&[late + 5], late), queued);
    }

    #[test]
    fn what_a_dead_worker_has_left_waits_in_vain_when_no_other_comes() {
        let left = request("a", 0).claimed("w", 0, LEASE_US).row;
        let died_us = LEASE_US;
        let rows = [left];
        let waited_us = PATIENCE_US + 1;
        let now_us = died_us + waited_us;
        let offline = Place::WatcherOffline { waited_us };
        assert_eq!(places(&rows, &[WorkerRow::sample(0)], now_us), [offline]);
        let queued = Place::Queued { position: 1 };
        for (seen_us, now_us) in [(now_us, now_us), (0, now_us - 1)] {
            let places = places(&rows, &[WorkerRow::sample(seen_us)], now_us);
            assert_eq!(places, std::slice::from_ref(&queued));
        }
    }

    #[test]
    fn whoever_is_at_work_gets_a_rate_and_a_time() {
        let progress = Progress {
            bars_written: 5,
            trades_done: 250,
            trades_total: 1_000,
        };
        let half = request("a", 0).claimed("w", 0, LEASE_US).row;
        let half = half.renewed(progress, 0, LEASE_US).row;
        let at = |row: &RequestRow, now_us| places(std::slice::from_ref(row), &[], now_us);
        assert_eq!(
            at(&half, SECOND_US),
            [Place::Running {
                trades_per_s: Some(250.0),
                remaining_us: Some(3 * SECOND_US)
            }]
        );
        let unknown_total = Progress {
            trades_total: 0,
            ..progress
        };
        let row = half.renewed(unknown_total, 0, LEASE_US).row;
        assert_eq!(
            at(&row, SECOND_US),
            [Place::Running {
                trades_per_s: Some(250.0),
                remaining_us: None
            }]
        );
    }

    #[test]
    fn what_has_ended_says_how_and_a_failure_counts_for_a_while() {
        let progress = Progress {
            bars_written: 5,
            ..Progress::default()
        };
        let claimed = request("a", 0).claimed("w", 0, LEASE_US).row;
        let ended = |status, error| claimed.ended(status, progress, error, 9).row;
        let message = "why".to_owned();
        for (row, place, has_failed) in [
            (
                ended(Status::Completed, ""),
                Place::Complete { bars: 5 },
                false,
            ),
            (
                ended(Status::Failed, "why"),
                Place::Failed {
                    message: message.clone(),
                },
                true,
            ),
            (
                ended(Status::Skipped, "why"),
                Place::Skipped { message },
                false,
            ),
        ] {
            let state = states(&[row], &[], i64::MAX).remove(0);
            assert_eq!(state.place, place);
            assert!(!state.is_open());
            assert_eq!(state.has_failed_since(9), has_failed);
            assert!(!state.has_failed_since(10));
        }
        assert!(states(&[claimed], &[], 5)[0].is_open());
    }
}
