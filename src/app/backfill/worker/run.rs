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
    domain::{
        backfill_request::{RequestRow, Scope},
        backfill_worker::WorkerRow,
        micros::micros,
    },
    store::sink::{Store, StoreError},
};

/// So many requests are carried out together at most.
const BATCH_MOST: usize = 64;
/// So many rows that cannot be read are told of.
const UNREADABLE_TOLD_MOST: usize = 100;
/// So many symbols are at work at once at most, and take turns: each holds what it has read
/// of a period, and has its rows renewed every few seconds.
const SYMBOLS_MOST: usize = 16;
/// So long does a worker take only as many symbols as have a turn at once: others that were
/// started with it have told of themselves then, and get their share.
const SETTLING: Duration = Duration::from_secs(2);
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
    /// How many symbols have their turn at once, at least one. It takes others as well, which
    /// take turns with them: its share of those that are asked for.
    pub parallel: usize,
    /// How long work that is told to stop may take.
    pub stop_timeout: Duration,
    /// End when there is nothing left to take.
    pub is_once: bool,
    /// Which bars it makes; requests for others it leaves alone.
    pub scope: Scope,
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
    /// Whether others that were started with it have told of themselves.
    is_settled: bool,
}

/// How many symbols a worker takes.
struct Share {
    least: usize,
    /// Among so many workers.
    workers: usize,
    is_settled: bool,
}

impl Share {
    /// Of so many that are asked for or at work. All of them, if it is alone: who waits for a
    /// place would wait for the end of the largest ones. No more than its part, if it is not:
    /// others would have nothing to do.
    fn of(&self, symbols: usize) -> usize {
        if !self.is_settled {
            return self.least;
        }
        let part = symbols.div_ceil(self.workers).min(SYMBOLS_MOST);
        part.max(self.least)
    }
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
        let queue = Queue::new(Arc::clone(&store), clock.clone(), name, settings.lease)
            .within(settings.scope.clone());
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
            is_settled: false,
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
        let settled_at = Instant::now() + SETTLING.min(self.settings.poll);
        let result = loop {
            let looked = if Instant::now() < rest_until {
                Ok(())
            } else {
                self.is_settled = Instant::now() >= settled_at;
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
                    if self.is_settled {
                        self.settings.poll
                    } else {
                        settled_at.saturating_duration_since(Instant::now())
                    }
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

    /// Takes requests until its share of symbols is at work, or there are no more.
    async fn take(
        &mut self,
        tasks: &mut JoinSet<bool>,
        busy: &mut Busy,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let share = self.share().await?;
        while !stop.is_cancelled() {
            let except: Vec<String> = busy.values().map(|(symbol, _)| symbol.clone()).collect();
            let since = Instant::now();
            let has_room = |symbols| tasks.len() < share.of(symbols);
            let look = self.hands.queue.look_if(&except, has_room).await?;
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

    /// What is this worker's to take among all who are alive. A dead one counts for as long as
    /// what it had is its own.
    async fn share(&self) -> Result<Share, StoreError> {
        let patience_us = micros(self.settings.lease);
        let now_us = self.clock.wall_us();
        let since_us = now_us.saturating_sub(patience_us);
        let workers = self.store.stored_workers(since_us).await?;
        let is_alive = |worker: &&WorkerRow| worker.is_alive(patience_us, now_us);
        Ok(Share {
            least: self.settings.parallel.max(1),
            workers: workers.iter().flatten().filter(is_alive).count().max(1),
            is_settled: self.is_settled,
        })
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
