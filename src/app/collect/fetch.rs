//! Asking the exchange for one symbol's history: which request next, and when.
//!
//! Pages are asked for by id. As soon as a full page shows how long pages are, a few
//! more are asked for ahead, because ids are contiguous; answers are taken in order.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{runtime::Handle, time::Instant};

use crate::{
    domain::{sequence::Missing, symbol::Symbol, trade::Trade},
    exchange::source::{Page, Source, SourceError},
};

use super::settings::Limits;

/// Pages asked for at once.
const AHEAD: usize = 3;

/// An answer from the exchange.
pub(super) struct Answered {
    /// Requests of an older generation were given up meanwhile.
    generation: u64,
    pub answer: Answer,
}

pub(super) enum Answer {
    Latest(Result<Option<Trade>, SourceError>),
    Page(i64, Result<Page, SourceError>),
}

pub(super) type Request = BoxFuture<'static, Answered>;

pub(super) struct Fetch {
    source: Arc<dyn Source>,
    runtime: Handle,
    symbol: Symbol,
    limits: (Duration, Duration),
    backoff: ExponentialBackoff,
    not_before: Option<Instant>,
    generation: u64,
    asks_latest: bool,
    wants_latest: bool,
    /// Pages by their first id; none while the answer is awaited.
    pages: BTreeMap<i64, Option<Page>>,
    page_trades: Option<i64>,
}

/// A backoff that doubles from `min` to `max`, with jitter, for ever.
pub(super) fn backoff(min: Duration, max: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(min)
        .with_max_delay(max)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

impl Fetch {
    pub fn new(source: Arc<dyn Source>, runtime: Handle, symbol: Symbol, limits: &Limits) -> Self {
        let limits = (limits.fetch_retry_min, limits.fetch_retry_max);
        Self {
            source,
            runtime,
            symbol,
            limits,
            backoff: backoff(limits.0, limits.1),
            not_before: None,
            generation: 0,
            asks_latest: false,
            wants_latest: false,
            pages: BTreeMap::new(),
            page_trades: None,
        }
    }

    /// The newest id has to be asked for.
    pub fn want_latest(&mut self) {
        self.wants_latest = true;
    }

    /// Whether the newest id is being asked for, or will be.
    pub fn awaits_latest(&self) -> bool {
        self.wants_latest || self.asks_latest
    }

    /// Whether [`next`](Self::next) will ask for the newest id.
    pub fn is_about_to_ask(&self, now: Instant) -> bool {
        self.wants_latest
            && !self.asks_latest
            && self.not_before.is_none_or(|not_before| now >= not_before)
    }

    /// The requests to be made now.
    pub fn next(&mut self, missing: Option<Missing>, now: Instant) -> Vec<Request> {
        let mut requests = Vec::new();
        if self.not_before.is_some_and(|not_before| now < not_before) {
            return requests;
        }
        self.not_before = None;
        if self.is_about_to_ask(now) {
            self.wants_latest = false;
            self.asks_latest = true;
            requests.push(self.latest());
        }
        let Some(missing) = missing else {
            return requests;
        };
        if !self.pages.contains_key(&missing.first) {
            self.give_up();
            requests.push(self.page(missing.first));
        }
        if let Some(page_trades) = self.page_trades {
            let mut next = self
                .pages
                .last_key_value()
                .map_or(missing.first, |(&id, _)| id);
            while self.pages.len() < AHEAD {
                next += page_trades;
                if next > missing.last {
                    break;
                }
                requests.push(self.page(next));
            }
        }
        requests
    }

    /// Runs `ask` on the runtime that all sessions share: connections that the exchange's
    /// client keeps open outlive any one session there.
    fn on_shared_runtime<T: Send + 'static>(
        &self,
        ask: impl Future<Output = Result<T, SourceError>> + Send + 'static,
    ) -> impl Future<Output = Result<T, SourceError>> + Send + 'static {
        let task = self.runtime.spawn(ask);
        let endpoint = self.source.name().to_owned();
        async move {
            task.await.unwrap_or_else(|error| {
                Err(SourceError::Unreachable {
                    endpoint,
                    cause: error.to_string(),
                })
            })
        }
    }

    fn latest(&self) -> Request {
        let (source, symbol) = (Arc::clone(&self.source), self.symbol.clone());
        let asked = self.on_shared_runtime(async move { source.latest(&symbol).await });
        let generation = self.generation;
        async move {
            Answered {
                generation,
                answer: Answer::Latest(asked.await),
            }
        }
        .boxed()
    }

    fn page(&mut self, from_id: i64) -> Request {
        self.pages.insert(from_id, None);
        let (source, symbol) = (Arc::clone(&self.source), self.symbol.clone());
        let asked = self.on_shared_runtime(async move { source.page(&symbol, from_id).await });
        let generation = self.generation;
        async move {
            Answered {
                generation,
                answer: Answer::Page(from_id, asked.await),
            }
        }
        .boxed()
    }

    /// Takes an answer in; returns it unless it has to wait or comes too late. Waiting
    /// pages are then got with [`ready`](Self::ready).
    pub fn answered(&mut self, answered: Answered) -> Option<Answer> {
        match answered.answer {
            Answer::Latest(result) => {
                self.asks_latest = false;
                Some(Answer::Latest(result))
            }
            _ if answered.generation != self.generation => None,
            Answer::Page(from_id, Ok(page)) => {
                if page.is_full && page.malformed.is_empty() {
                    self.page_trades = i64::try_from(page.trades.len()).ok().filter(|&n| n > 0);
                }
                self.pages.insert(from_id, Some(page));
                None
            }
            Answer::Page(from_id, Err(error)) => Some(Answer::Page(from_id, Err(error))),
        }
    }

    /// The page that starts with `next_id`, once it is there.
    pub fn ready(&mut self, next_id: i64) -> Option<Page> {
        if self.pages.get(&next_id)?.is_none() {
            return None;
        }
        self.pages.remove(&next_id)?
    }

    /// Forgets the requests that are under way.
    pub fn give_up(&mut self) {
        self.generation += 1;
        self.pages.clear();
    }

    /// A request brought what was missing.
    pub fn succeeded(&mut self) {
        self.backoff = backoff(self.limits.0, self.limits.1);
        self.not_before = None;
    }

    /// A request failed, or brought nothing: the next one has to wait. Returns how long.
    pub fn failed(&mut self, error: Option<&SourceError>, now: Instant) -> Duration {
        self.give_up();
        let mut pause = self.backoff.next().unwrap_or(self.limits.1);
        if let Some(SourceError::RateLimited { retry_after, .. }) = error {
            pause = pause.max(*retry_after);
        }
        self.not_before = Some(now + pause);
        pause
    }

    /// The next request has to wait for `pause`, without any failure.
    pub fn wait(&mut self, pause: Duration, now: Instant) {
        self.give_up();
        self.not_before = Some(now + pause);
    }
}
