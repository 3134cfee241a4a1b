//! Requests for backfills, and the workers that take them in turn.
//!
//! The store is all that requesters and workers share. See
//! [`backfill_request`](crate::domain::backfill_request) for how a request is completed once
//! although the store cannot compare and swap.

use std::{sync::Arc, time::Duration};

use crate::{
    app::clock::Clock,
    domain::{
        backfill_request::{Change, Progress, RequestRow, Status, Turn},
        micros::micros,
        row::UnreadableRow,
        symbol::Symbol,
        threshold::Threshold,
    },
    journal::random_id,
    store::sink::{RequestQuery, Store, StoreError},
};

/// What has become of a wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The request that will fulfil it.
    pub request: RequestRow,
    /// Whether it is new; else somebody has asked for the same before.
    pub is_new: bool,
}

/// Asks for a symbol's bars since a time (in µs; none leaves that to the worker) at these
/// thresholds, or at all of them when there are none. What is pending or under way already is
/// not asked for twice.
///
/// # Errors
/// When the store fails; what was asked for until then stays asked for.
pub async fn ask(
    store: &dyn Store,
    clock: &Clock,
    symbol: &Symbol,
    thresholds: &[Threshold],
    since_us: Option<i64>,
) -> Result<Vec<Asked>, StoreError> {
    let query = RequestQuery {
        symbols: vec![symbol.to_string()],
        statuses: vec![Status::Pending, Status::Running],
        ..RequestQuery::default()
    };
    // One that cannot be read is no request that anybody will fulfil.
    let open: Vec<RequestRow> = store
        .stored_requests(&query)
        .await?
        .into_iter()
        .flatten()
        .collect();
    let all = [0];
    let wanted: Vec<u32> = thresholds
        .iter()
        .map(|threshold| threshold.dbps())
        .collect();
    let wanted = if wanted.is_empty() { &all[..] } else { &wanted };
    let mut asked = Vec::new();
    // One µs apart: what is asked for at once is taken in the order it was asked for in.
    for (&threshold_dbps, requested_us) in wanted.iter().zip(clock.wall_us()..) {
        let same = open.iter().find(|request| {
            request.threshold_dbps == threshold_dbps && reaches_as_far(request, since_us)
        });
        if let Some(request) = same {
            asked.push(Asked {
                request: request.clone(),
                is_new: false,
            });
            continue;
        }
        let request = RequestRow {
            since_us,
            ..RequestRow::new(
                random_id(),
                symbol.to_string(),
                threshold_dbps,
                requested_us,
            )
        };
        let token = format!("request:{}", request.request_id);
        let row = request.clone();
        store.put_request(&Change { row, token }).await?;
        asked.push(Asked {
            request,
            is_new: true,
        });
    }
    Ok(asked)
}

/// Whether a request reaches back as far as `since_us`.
fn reaches_as_far(request: &RequestRow, since_us: Option<i64>) -> bool {
    match (request.since_us, since_us) {
        (theirs, None) => theirs.is_none(),
        (None, Some(_)) => false,
        (Some(theirs), Some(ours)) => theirs <= ours,
    }
}

/// A worker's way to the queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    store: Arc<dyn Store>,
    clock: Clock,
    worker: Arc<str>,
    lease: Duration,
}

/// What a look at the queue has brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// The request that is this worker's now.
    pub claimed: Option<RequestRow>,
    /// Requests whose lease had expired, as they stand now: pending again, or failed.
    pub expired: Vec<RequestRow>,
    /// Rows that no worker can do anything about.
    pub unreadable: Vec<UnreadableRow>,
}

impl Queue {
    /// The queue in `store`, for the worker of that name, which no other worker may have. It
    /// renews what it claims well within `lease`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        worker: impl Into<Arc<str>>,
        lease: Duration,
    ) -> Self {
        Self {
            store,
            clock,
            worker: worker.into(),
            lease,
        }
    }

    /// Puts back what nobody holds any more, and claims the oldest request that can be had.
    ///
    /// # Errors
    /// When the store fails. A claim whose fate is not known expires by itself.
    pub async fn look(&self) -> Result<Look, StoreError> {
        let mut look = Look::default();
        let query = RequestQuery {
            statuses: vec![Status::Pending, Status::Running],
            ..RequestQuery::default()
        };
        let mut pending = Vec::new();
        for read in self.store.stored_requests(&query).await? {
            match read {
                Ok(request) => match request.turn(self.clock.wall_us()) {
                    Turn::Leave => {}
                    Turn::Claim => pending.push(request),
                    Turn::Expire => {
                        let change = request.expired(self.clock.wall_us());
                        self.store.put_request(&change).await?;
                        if change.row.status == Status::Pending {
                            pending.push(change.row.clone());
                        }
                        look.expired.push(change.row);
                    }
                },
                Err(unreadable) => look.unreadable.push(unreadable),
            }
        }
        for request in pending {
            let claim = request.claimed(&self.worker, self.clock.wall_us(), self.lease_us());
            self.store.put_request(&claim).await?;
            // Another worker may have been first.
            if self.is_still_mine(&claim.row).await? {
                look.claimed = Some(claim.row);
                break;
            }
        }
        Ok(look)
    }

    /// Says how far the work is and renews the lease. Nothing when the request is somebody
    /// else's by now: the work has to stop.
    ///
    /// # Errors
    /// When the store fails. The lease goes on until it ends.
    pub async fn renew(
        &self,
        mine: &RequestRow,
        progress: Progress,
    ) -> Result<Option<RequestRow>, StoreError> {
        if !self.is_still_mine(mine).await? {
            return Ok(None);
        }
        let change = mine.renewed(progress, self.clock.wall_us(), self.lease_us());
        self.store.put_request(&change).await?;
        Ok(Some(change.row))
    }

    /// Ends a request. Returns whether it was still this worker's.
    ///
    /// # Errors
    /// When the store fails. The request is not ended then, and expires.
    pub async fn end(
        &self,
        mine: &RequestRow,
        status: Status,
        progress: Progress,
        error: &str,
    ) -> Result<bool, StoreError> {
        if !self.is_still_mine(mine).await? {
            return Ok(false);
        }
        let change = mine.ended(status, progress, error, self.clock.wall_us());
        self.store.put_request(&change).await?;
        Ok(true)
    }

    async fn is_still_mine(&self, mine: &RequestRow) -> Result<bool, StoreError> {
        let query = RequestQuery {
            request_ids: vec![mine.request_id.clone()],
            ..RequestQuery::default()
        };
        let stored = self.store.stored_requests(&query).await?;
        Ok(stored.iter().flatten().any(|row| mine.is_still_mine(row)))
    }

    fn lease_us(&self) -> i64 {
        micros(self.lease)
    }
}

#[cfg(test)]
mod tests;
