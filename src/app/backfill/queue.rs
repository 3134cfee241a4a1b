//! Requests for backfills, and the workers that take them in turn.
//!
//! The store is all that requesters and workers share. See
//! [`backfill_request`](crate::domain::backfill_request) for how a request is completed once
//! although the store cannot compare and swap.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    app::clock::Clock,
    domain::{
        backfill_request::{Change, Progress, RequestRow, Scope, Status, Turn},
        micros::micros,
        row::UnreadableRow,
        symbol::Symbol,
        threshold::Threshold,
    },
    journal::random_id,
    store::sink::{RequestQuery, Store, StoreError},
};

/// How often the row of what is under way says how far it is, whatever happens meanwhile. It is
/// to be at least every 5 s, and the store takes its time.
pub const ROW_INTERVAL: Duration = Duration::from_secs(4);

/// So many rows are renewed at once at most: one after the other may take too long.
pub const RENEWALS_AT_ONCE: usize = 8;

/// What has become of a wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The request that will fulfil it.
    pub request: RequestRow,
    /// Whether it is new; else somebody has asked for the same before.
    pub is_new: bool,
}

/// Asks for a symbol's bars of a scope since a time (in µs; none leaves that to the worker) at
/// these thresholds, or at all of them when there are none. What is pending or under way already is
/// not asked for twice, unless somebody runs it by hand.
///
/// # Errors
/// When the store fails; what was asked for until then stays asked for.
pub async fn ask(
    store: &dyn Store,
    clock: &Clock,
    symbol: &Symbol,
    thresholds: &[Threshold],
    since_us: Option<i64>,
    scope: &Scope,
) -> Result<Vec<Asked>, StoreError> {
    // Of all symbols: whoever put a row in may have written them in any case.
    let query = RequestQuery {
        statuses: vec![Status::Pending, Status::Running],
        ..RequestQuery::default()
    };
    // One that cannot be read is no request that anybody will fulfil.
    let open: Vec<RequestRow> = store
        .stored_requests(&query)
        .await?
        .into_iter()
        .flatten()
        .filter(|request| request.symbol.eq_ignore_ascii_case(symbol.as_str()))
        .collect();
    let mut asked = Vec::new();
    // One µs apart: what is asked for at once is taken in the order it was asked for in.
    for (threshold_dbps, requested_us) in asked_dbps(thresholds).into_iter().zip(clock.wall_us()..)
    {
        // Whoever runs one by hand may stop it: what was asked for has to be done all the same.
        let same = open.iter().find(|request| {
            request.threshold_dbps == threshold_dbps
                && request.reaches_as_far(since_us)
                && request.scope == *scope
                && !request.is_run_by_hand()
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
            scope: scope.clone(),
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

/// So long may a worker need to take what goes with a request that it has just claimed, in µs.
const TAKING_US: u64 = 5_000_000;

fn has_just_begun(request: &RequestRow, now_us: i64) -> bool {
    let begun_us = request.started_at_us.unwrap_or(i64::MIN);
    // A worker whose clock is far ahead must not keep its symbol from all others.
    now_us.abs_diff(begun_us) < TAKING_US
}

/// The thresholds as requests have them, in dbps: 0 stands for all when there are none.
pub(super) fn asked_dbps(thresholds: &[Threshold]) -> Vec<u32> {
    if thresholds.is_empty() {
        return vec![0];
    }
    thresholds
        .iter()
        .map(|threshold| threshold.dbps())
        .collect()
}

/// A worker's way to the queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    store: Arc<dyn Store>,
    clock: Clock,
    worker: Arc<str>,
    lease: Duration,
    scope: Scope,
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
            scope: Scope::default(),
        }
    }

    /// The same for a worker that makes bars of this scope alone.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// What no other worker is called.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// For how long a request is this worker's unless it renews that.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// Puts back what nobody holds any more, and claims the oldest request that can be had
    /// and is not for one of the symbols `except`.
    ///
    /// # Errors
    /// When the store fails. A claim whose fate is not known expires by itself.
    pub async fn look(&self, except: &[String]) -> Result<Look, StoreError> {
        self.look_if(except, |_| true).await
    }

    /// The same, but claims only if `may_claim` says so, which is told for how many symbols
    /// there are requests that are not over.
    ///
    /// # Errors
    /// Those of [`look`](Self::look).
    pub async fn look_if(
        &self,
        except: &[String],
        may_claim: impl FnOnce(usize) -> bool + Send,
    ) -> Result<Look, StoreError> {
        let mut look = Look::default();
        let mut symbols = HashSet::new();
        let query = RequestQuery {
            statuses: vec![Status::Pending, Status::Running],
            ..RequestQuery::default()
        };
        let (mut pending, mut being_taken, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
        for read in self.store.stored_requests(&query).await? {
            if let Ok(request) = &read
                && self.scope.agrees_with(&request.scope)
            {
                symbols.insert(request.symbol.to_ascii_uppercase());
            }
            match read {
                Ok(request) => match request.turn(self.clock.wall_us()) {
                    Turn::Leave if request.is_run_by_hand() => by_hand.push(request),
                    Turn::Leave if has_just_begun(&request, self.clock.wall_us()) => {
                        being_taken.push(request);
                    }
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
        if !may_claim(symbols.len()) {
            return Ok(look);
        }
        let is_excepted = |request: &RequestRow| {
            let mut except = except.iter();
            except.any(|symbol| request.symbol.eq_ignore_ascii_case(symbol))
        };
        // It is done by then, or is anybody's.
        let is_under_way =
            |wish: &RequestRow| by_hand.iter().any(|running| running.fulfils_by_hand(wish));
        pending.retain(|request| {
            self.scope.agrees_with(&request.scope)
                && !is_excepted(request)
                && !is_under_way(request)
        });
        for request in &pending {
            // Whoever was first is about to take the others of that symbol, too.
            if being_taken.iter().any(|taken| taken.goes_with(request)) {
                continue;
            }
            look.claimed = self.claim(request).await?;
            if look.claimed.is_some() {
                break;
            }
            being_taken.push(request.clone());
        }
        Ok(look)
    }

    /// Claims what can be done together with the first of `claimed`, so that there are `most`
    /// of them in the end, and adds it to them.
    ///
    /// # Errors
    /// When the store fails. What was claimed before is among `claimed` then.
    pub async fn claim_more(
        &self,
        claimed: &mut Vec<RequestRow>,
        most: usize,
    ) -> Result<(), StoreError> {
        let Some(first) = claimed.first().cloned() else {
            return Ok(());
        };
        let query = RequestQuery {
            statuses: vec![Status::Pending],
            ..RequestQuery::default()
        };
        for request in self
            .store
            .stored_requests(&query)
            .await?
            .into_iter()
            .flatten()
        {
            if claimed.len() >= most {
                break;
            }
            if self.scope.agrees_with(&request.scope) && request.goes_with(&first) {
                claimed.extend(self.claim(&request).await?);
            }
        }
        Ok(())
    }

    /// Completes what was asked for meanwhile and `mine`, which this worker runs by hand and has
    /// finished, fulfils as well. It has to be done before that one ends: then anybody takes
    /// what is left.
    ///
    /// # Errors
    /// When the store fails. Whoever takes what is left then finds nothing to do.
    pub async fn fulfil(&self, mine: &RequestRow, progress: Progress) -> Result<(), StoreError> {
        let query = RequestQuery {
            statuses: vec![Status::Pending],
            ..RequestQuery::default()
        };
        let pending = self.store.stored_requests(&query).await?;
        let wishes = pending.into_iter().flatten();
        for wish in wishes.filter(|wish| mine.fulfils_by_hand(wish)) {
            if let Some(claimed) = self.claim(&wish).await? {
                self.end(&claimed, Status::Completed, progress, "").await?;
            }
        }
        Ok(())
    }

    /// Claims a request; none when another worker was first.
    async fn claim(&self, request: &RequestRow) -> Result<Option<RequestRow>, StoreError> {
        // What it has left open is decided now, and whoever looks later can see how.
        let request = RequestRow {
            scope: request.scope.or(&self.scope),
            ..request.clone()
        };
        let claim = request.claimed(&self.worker, self.clock.wall_us(), self.lease_us());
        self.store.put_request(&claim).await?;
        let is_mine = self.is_still_mine(&claim.row).await?;
        Ok(is_mine.then_some(claim.row))
    }

    /// Gives a request back that was begun and not ended, for the next worker to take at
    /// once. Returns whether it was still this worker's.
    ///
    /// # Errors
    /// When the store fails. The request expires then.
    pub async fn release(&self, mine: &RequestRow) -> Result<bool, StoreError> {
        if !self.is_still_mine(mine).await? {
            return Ok(false);
        }
        self.store.put_request(&mine.released()).await?;
        Ok(true)
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
