//! Requests that are carried out together: what they come to, and keeping hold of them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::{
    task::JoinError,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    event::Event,
    job::{Job, JobProgress, Outcome, ProgressCell, Work},
};
use crate::{
    app::{
        backfill::queue::{Queue, RENEWALS_AT_ONCE, ROW_INTERVAL},
        backoff::backoff,
        supervise::{Catching, Caught},
    },
    domain::{
        backfill_request::{RequestRow, Status, left_alone_text},
        symbol::Symbol,
        threshold::Threshold,
    },
    store::sink::StoreError,
};

/// The longest pause before it is tried again to end a request.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// So many times is a lease renewed before it would end.
const RENEWALS_PER_LEASE: u32 = 3;

/// What requests come to that go with each other; or why the first one is none.
pub(super) fn job(requests: &[RequestRow]) -> Result<Job, String> {
    let Some(first) = requests.first() else {
        return Err("there is no request".to_owned());
    };
    let symbol: Symbol = first.symbol.parse().map_err(|error| format!("{error}"))?;
    let named = requests.iter().filter(|request| request.threshold_dbps > 0);
    let thresholds: Result<BTreeSet<Threshold>, _> = named
        .map(|request| Threshold::new(request.threshold_dbps))
        .collect();
    Ok(Job {
        symbol,
        thresholds: thresholds
            .map_err(|error| error.to_string())?
            .into_iter()
            .collect(),
        since_us: requests.iter().filter_map(|request| request.since_us).min(),
    })
}

/// What every batch of a worker needs.
#[derive(Clone)]
pub(super) struct Hands {
    pub(super) queue: Queue,
    pub(super) work: Arc<dyn Work>,
    pub(super) tell: Arc<dyn Fn(Event) + Send + Sync>,
    /// How long work that is told to stop may take.
    pub(super) stop_timeout: Duration,
}

/// A request, and until when it is surely this worker's.
struct Held {
    row: RequestRow,
    until: Instant,
}

/// How a batch came to its end.
enum End {
    /// The work has ended.
    Outcome(Outcome),
    /// There is nobody to do it for any more.
    Lost,
}

impl Hands {
    /// Carries out what was claimed at `since`, keeps hold of it meanwhile, and ends it or
    /// gives it back. Returns whether it is given back.
    pub(super) async fn carry_out(
        &self,
        requests: Vec<RequestRow>,
        since: Instant,
        stop: CancellationToken,
    ) -> bool {
        let until = since + self.queue.lease();
        let mut held: Vec<Held> = requests
            .into_iter()
            .map(|row| Held { row, until })
            .collect();
        let rows: Vec<RequestRow> = held.iter().map(|held| held.row.clone()).collect();
        let progress = ProgressCell::default();
        let end = match job(&rows) {
            Ok(job) => {
                (self.tell)(Event::Begun {
                    job: job.clone(),
                    request_ids: rows.into_iter().map(|row| row.request_id).collect(),
                });
                self.run(job, &mut held, &progress, &stop).await
            }
            Err(reason) => End::Outcome(Outcome::Failed(reason)),
        };
        let said = progress.read();
        for held in held {
            match &end {
                End::Lost => (self.tell)(Event::Lost { request: held.row }),
                End::Outcome(outcome) => self.settle(held, outcome, &said, &stop).await,
            }
        }
        matches!(end, End::Outcome(Outcome::Interrupted))
    }

    /// Runs the work beside the renewal of what is held; what is lost is not held any more.
    async fn run(
        &self,
        job: Job,
        held: &mut Vec<Held>,
        progress: &ProgressCell,
        stop: &CancellationToken,
    ) -> End {
        let own_stop = stop.child_token();
        let (work, cell, token) = (Arc::clone(&self.work), progress.clone(), own_stop.clone());
        let run = Catching::new(async move { work.run(job, &cell, token).await });
        let mut work = AbortOnDropHandle::new(tokio::spawn(run));
        let every = ROW_INTERVAL.min(self.queue.lease() / RENEWALS_PER_LEASE);
        let mut ticks = interval_at(Instant::now() + every, every);
        // A round that takes long does not put off the next one.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let is_lost = loop {
            tokio::select! {
                biased;
                ended = &mut work => return End::Outcome(outcome(ended)),
                () = stop.cancelled() => break false,
                _ = ticks.tick() => {}
            }
            let is_held = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                is_held = self.renew(held, progress) => Some(is_held),
            };
            match is_held {
                Some(true) => {}
                Some(false) => break true,
                None => {
                    for held in &mut *held {
                        held.row = held.row.in_doubt();
                    }
                    break false;
                }
            }
        };
        own_stop.cancel();
        // What does not end in time is dropped, and so ends wherever it waits.
        let ended = timeout(self.stop_timeout, &mut work).await;
        if is_lost {
            return End::Lost;
        }
        End::Outcome(ended.map_or(Outcome::Interrupted, outcome))
    }

    /// Renews what is held, and tells of what is lost. Returns whether anything is left.
    async fn renew(&self, held: &mut Vec<Held>, progress: &ProgressCell) -> bool {
        let said = progress.read();
        let mut renewals = Vec::new();
        for one in &mut *held {
            renewals.push(self.renew_one(one, &said).boxed());
        }
        let kept: Vec<bool> = stream::iter(renewals)
            .buffered(RENEWALS_AT_ONCE)
            .collect()
            .await;
        let mut kept = kept.into_iter();
        for lost in held.extract_if(.., |_| !kept.next().unwrap_or(true)) {
            (self.tell)(Event::Lost { request: lost.row });
        }
        !held.is_empty()
    }

    /// Renews one request. Returns whether it is still this worker's, as far as can be told.
    async fn renew_one(&self, one: &mut Held, said: &JobProgress) -> bool {
        one.row.gap_seconds = said.gap_seconds(one.row.threshold_dbps);
        let patience = self.queue.lease() / RENEWALS_PER_LEASE;
        let now = Instant::now();
        let renewal = self.queue.renew(&one.row, said.of(one.row.threshold_dbps));
        let reason = match timeout(patience, renewal).await {
            Ok(Ok(Some(row))) => {
                one.row = row;
                one.until = now + self.queue.lease();
                return true;
            }
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {patience:?}")),
        };
        one.row = one.row.in_doubt();
        let is_over = Instant::now() >= one.until;
        let Some(reason) = reason.filter(|_| !is_over) else {
            return false;
        };
        let what = "renew a request";
        (self.tell)(Event::StoreFailed { what, reason });
        true
    }

    /// Ends a request as the work has ended, or gives it back. Tries it until it is this
    /// worker's no more.
    async fn settle(
        &self,
        mut held: Held,
        outcome: &Outcome,
        said: &JobProgress,
        stop: &CancellationToken,
    ) {
        held.row.gap_seconds = said.gap_seconds(held.row.threshold_dbps);
        if let Outcome::Done { since_us, .. } = outcome {
            held.row.since_us.get_or_insert(*since_us);
        }
        let deadline = if stop.is_cancelled() {
            held.until.min(Instant::now() + self.stop_timeout)
        } else {
            held.until
        };
        let verdict = verdict(outcome, held.row.threshold_dbps);
        let mut pauses = backoff(Duration::from_millis(250), PAUSE_MAX);
        loop {
            let attempt = timeout_at(
                deadline,
                self.settle_once(&held.row, verdict.as_ref(), said),
            )
            .await;
            let request = held.row.clone();
            let reason = match (attempt, &verdict) {
                (Ok(Ok(true)), Some((status, reason))) => {
                    let (status, reason) = (*status, reason.clone());
                    return (self.tell)(Event::Ended {
                        request,
                        status,
                        reason,
                    });
                }
                (Ok(Ok(true)), None) => return (self.tell)(Event::Released { request }),
                (Ok(Ok(false)), _) => return (self.tell)(Event::Lost { request }),
                (Ok(Err(error)), _) => error.to_string(),
                (Err(_), _) => "no answer in time".to_owned(),
            };
            let what = "end a request";
            (self.tell)(Event::StoreFailed { what, reason });
            let pause = pauses.next().unwrap_or(PAUSE_MAX);
            if Instant::now() + pause >= deadline {
                // It expires, and is done again by whoever takes it then.
                return (self.tell)(Event::Lost { request });
            }
            sleep(pause).await;
        }
    }

    async fn settle_once(
        &self,
        row: &RequestRow,
        verdict: Option<&(Status, String)>,
        said: &JobProgress,
    ) -> Result<bool, StoreError> {
        match verdict {
            Some((status, reason)) => {
                let progress = said.of(row.threshold_dbps);
                self.queue.end(row, *status, progress, reason).await
            }
            None => self.queue.release(row).await,
        }
    }
}

/// The outcome of work that has ended, in whatever way.
fn outcome(ended: Result<Result<Outcome, Caught>, JoinError>) -> Outcome {
    match ended {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(caught)) => Outcome::Failed(caught.reason),
        // Only a runtime that ends cancels it.
        Err(_) => Outcome::Interrupted,
    }
}

/// How a request for a threshold in dbps ends, and why; none when it is given back.
fn verdict(outcome: &Outcome, threshold_dbps: u32) -> Option<(Status, String)> {
    match outcome {
        Outcome::Done { skipped, .. } if threshold_dbps == 0 => {
            Some((Status::Completed, left_alone_text(skipped)))
        }
        Outcome::Done { skipped, .. } => {
            let mut skipped = skipped.iter();
            let skip = skipped.find(|(threshold, _)| threshold.dbps() == threshold_dbps);
            Some(
                skip.map_or((Status::Completed, String::new()), |(_, reason)| {
                    (Status::Skipped, reason.clone())
                }),
            )
        }
        Outcome::Skipped(reason) => Some((Status::Skipped, reason.clone())),
        Outcome::Failed(reason) => Some((Status::Failed, reason.clone())),
        Outcome::Interrupted => None,
    }
}
