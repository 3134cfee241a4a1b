//! The loop: poll, claim, carry out, end.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{batch::Hands, event::Event, heartbeat::Heartbeat, job::Work};
use crate::{
    app::{
        backfill::queue::Queue,
        backoff::{Backoff, backoff},
        clock::Clock,
    },
    domain::{backfill_request::RequestRow, backfill_worker::WorkerRow},
    store::sink::{Store, StoreError},
};

/// So many requests are carried out together at most.
const BATCH_MOST: usize = 64;
/// So many rows that cannot be read are told of.
const UNREADABLE_TOLD_MOST: usize = 100;
/// The shortest pause after a failure of the store.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// How a worker works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What names it; no two workers that live at once may have the same name.
    pub name: String,
    /// The machine that it runs on.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// How often it looks for requests when there were none.
    pub poll: Duration,
    /// For how long a request is its own unless it renews that.
    pub lease: Duration,
    /// How many symbols it works on at once, at least one.
    pub parallel: usize,
    /// How long work that is told to stop may take.
    pub stop_timeout: Duration,
    /// End when there is nothing left to take.
    pub is_once: bool,
}

/// What a worker has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// So many requests it has taken.
    pub taken: u64,
}

/// A worker.
pub struct Worker {
    settings: Settings,
    clock: Clock,
    store: Arc<dyn Store>,
    hands: Hands,
    /// The requests at work.
    requests: Arc<AtomicU32>,
    summary: Summary,
    /// What was told to be unreadable.
    unreadable: HashSet<String>,
}

/// Work under way: its symbol, and how many requests it is for.
type Busy = HashMap<Id, (String, u32)>;

impl Worker {
    /// A worker that has `work` carry out what it takes from the queue in `store`, whose
    /// tables are there, and tells `tell` what happens.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        clock: Clock,
        work: Arc<dyn Work>,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> Self {
        let name: Arc<str> = settings.name.as_str().into();
        let queue = Queue::new(Arc::clone(&store), clock.clone(), name, settings.lease);
        Self {
            hands: Hands {
                queue,
                work,
                tell: Arc::new(tell),
                stop_timeout: settings.stop_timeout,
            },
            settings,
            clock,
            store,
            requests: Arc::default(),
            summary: Summary::default(),
            unreadable: HashSet::new(),
        }
    }

    /// Takes and carries out requests until `stop`, or until there are none left to take if
    /// that is enough. What is under way then is told to stop, and given back.
    ///
    /// # Errors
    /// When the store fails and it works once only; else it tries again for ever.
    pub async fn run(mut self, stop: CancellationToken) -> Result<Summary, StoreError> {
        let heartbeat = Arc::new(Heartbeat {
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            row: WorkerRow {
                worker: self.settings.name.clone(),
                host: self.settings.host.clone(),
                pid: self.settings.pid,
                started_at_us: self.clock.wall_us(),
                requests: 0,
                is_ended: false,
                heartbeat_at_us: 0,
            },
            requests: Arc::clone(&self.requests),
            told_us: AtomicI64::new(0),
        });
        let (beating, every, tell) = (
            Arc::clone(&heartbeat),
            self.settings.poll,
            Arc::clone(&self.hands.tell),
        );
        // A task of its own: neither work nor a slow answer keeps it from beating.
        let beats = AbortOnDropHandle::new(tokio::spawn(async move {
            beating.run(every, &*tell).await;
        }));
        let result = self.take_turns(&stop).await;
        drop(beats);
        let last = timeout(self.settings.stop_timeout, heartbeat.beat(true)).await;
        if let Ok(Err(error)) = last {
            self.failed("write the last heartbeat", &error);
        }
        result.map(|()| self.summary)
    }

    async fn take_turns(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut tasks = JoinSet::new();
        let mut busy = Busy::new();
        let mut pauses = self.pauses();
        let mut rest_until = Instant::now();
        let result = loop {
            let looked = if Instant::now() < rest_until {
                Ok(())
            } else {
                self.look(&mut tasks, &mut busy, stop).await
            };
            if stop.is_cancelled() {
                break Ok(());
            }
            let pause = match looked {
                Ok(()) => {
                    pauses = self.pauses();
                    if self.settings.is_once && tasks.is_empty() {
                        break Ok(());
                    }
                    self.settings.poll
                }
                Err(error) if self.settings.is_once => break Err(error),
                Err(error) => {
                    self.failed("look for requests", &error);
                    pauses.next().unwrap_or(self.settings.poll)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                Some(ended) = tasks.join_next_with_id() => {
                    if self.forget(ended, &mut busy) {
                        // It would be given back at once again and again.
                        rest_until = Instant::now() + self.settings.poll;
                    }
                }
                () = sleep_until(Instant::now() + pause) => {}
            }
        };
        // Without a store to look into, what is under way may still be finished.
        while let Some(ended) = tasks.join_next_with_id().await {
            self.forget(ended, &mut busy);
        }
        result
    }

    /// Takes requests. When it is stopped meanwhile it gets the time to end that work gets:
    /// what is claimed and not known to be would be nobody's until it expires.
    async fn look(
        &mut self,
        tasks: &mut JoinSet<bool>,
        busy: &mut Busy,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let patience = self.settings.stop_timeout;
        let mut take = pin!(self.take(tasks, busy, stop));
        tokio::select! {
            biased;
            taken = &mut take => taken,
            () = stop.cancelled() => timeout(patience, take).await.unwrap_or(Ok(())),
        }
    }

    /// Takes requests until as many symbols are at work as may be, or there are no more.
    async fn take(
        &mut self,
        tasks: &mut JoinSet<bool>,
        busy: &mut Busy,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        while tasks.len() < self.settings.parallel.max(1) && !stop.is_cancelled() {
            let except: Vec<String> = busy.values().map(|(symbol, _)| symbol.clone()).collect();
            let since = Instant::now();
            let look = self.hands.queue.look(&except).await?;
            for request in look.expired {
                (self.hands.tell)(Event::Expired { request });
            }
            for row in look.unreadable {
                let is_new = self.unreadable.len() < UNREADABLE_TOLD_MOST
                    && self.unreadable.insert(row.to_string());
                if is_new {
                    (self.hands.tell)(Event::Unreadable { row });
                }
            }
            let Some(first) = look.claimed else {
                return Ok(());
            };
            let mut claimed = vec![first];
            // One that cannot be done must not keep those that can be from it.
            if super::batch::job(&claimed).is_ok() {
                let more = self.hands.queue.claim_more(&mut claimed, BATCH_MOST).await;
                if let Err(error) = more {
                    self.failed("claim what goes with a request", &error);
                }
            }
            self.begin(claimed, since, tasks, busy, stop);
        }
        Ok(())
    }

    fn begin(
        &mut self,
        claimed: Vec<RequestRow>,
        since: Instant,
        tasks: &mut JoinSet<bool>,
        busy: &mut Busy,
        stop: &CancellationToken,
    ) {
        let symbol = claimed
            .first()
            .map(|request| request.symbol.clone())
            .unwrap_or_default();
        let count = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
        self.summary.taken += u64::from(count);
        self.requests.fetch_add(count, Ordering::Relaxed);
        let (hands, stop) = (self.hands.clone(), stop.clone());
        let task = tasks.spawn(async move { hands.carry_out(claimed, since, stop).await });
        busy.insert(task.id(), (symbol, count));
    }

    /// Notes that work has ended, and returns whether it was given back.
    fn forget(&self, ended: Result<(Id, bool), JoinError>, busy: &mut Busy) -> bool {
        let (id, is_given_back) = ended.unwrap_or_else(|error| (error.id(), false));
        if let Some((_, count)) = busy.remove(&id) {
            self.requests.fetch_sub(count, Ordering::Relaxed);
        }
        is_given_back
    }

    fn failed(&self, what: &'static str, error: &StoreError) {
        let reason = error.to_string();
        (self.hands.tell)(Event::StoreFailed { what, reason });
    }

    fn pauses(&self) -> Backoff {
        backoff(PAUSE_MIN.min(self.settings.poll), self.settings.poll)
    }
}
