//! Asking the exchange for one symbol's history: which request next, and when.
//!
//! Two things are asked for: the newest id, and pages of trades by id. Where the asking
//! stands is a [`State`] and, beside it, what is known about the [`Newest`] id.
//!
//! ```text
//! State      what happens                        becomes
//! Ready      trades are wanted                   Paging, with the first page asked for
//! Paging     the page at the front has come      Paging, or Ready after the last one
//! Paging     what is wanted lies before it all   Paging anew; late answers are not heard
//! Paging     a request fails, or brings nothing  Resting
//! Resting    the pause is over                   Ready
//! Resting    another gap is wanted               Ready, unless the exchange wants the pause
//!
//! Newest     what happens                        becomes
//! Settled    somebody wants it                   Wanted
//! Wanted     not resting                         Asked
//! Asked      the answer comes                    Settled
//! Asked      a connection is made                AskedTooEarly: the answer says nothing
//!                                                about what this stream should bring
//! AskedTooEarly  the answer comes                Wanted
//! ```
//!
//! As soon as a full page shows how long pages are, a few more are asked for ahead,
//! because ids are contiguous; answers are taken in order. A page is of use even when the
//! stream has gone past its beginning meanwhile, so it is waited for, not asked for again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{runtime::Handle, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    app::backoff::{Backoff, backoff},
    domain::{sequence::Missing, symbol::Symbol},
    exchange::source::{Newest as NewestTrade, Page, Source, SourceError},
};

use super::settings::Limits;

/// Pages asked for at once.
const AHEAD: usize = 3;

/// An answer from the exchange, as it comes in.
pub(super) enum Answered {
    Newest(Result<Option<NewestTrade>, SourceError>),
    Page {
        /// Requests of an older asking were given up meanwhile.
        asking: u64,
        from_id: i64,
        page: Result<Page, SourceError>,
    },
}

/// What an answer comes to.
pub(super) enum Answer {
    /// The newest trade, or why it is not known.
    Newest(Result<Option<NewestTrade>, SourceError>),
    /// A page could not be had.
    Failed(SourceError),
}

pub(super) type Request = BoxFuture<'static, Answered>;

/// What is being done about trades that are wanted.
enum State {
    /// Nothing; requests may be made.
    Ready,
    /// Pages are asked for, by their first id; none while the answer is awaited.
    Paging(BTreeMap<i64, Option<Page>>),
    /// Nothing is asked for until then.
    Resting {
        until: Instant,
        /// The exchange itself wants it.
        is_obliged: bool,
    },
}

/// What is being done about the newest id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newest {
    /// Nothing: it was asked for on this connection, or need not be known.
    Settled,
    /// It will be asked for.
    Wanted,
    /// The answer is awaited.
    Asked,
    /// The answer is awaited, but it was asked for before this connection was made.
    AskedTooEarly,
}

pub(super) struct Fetch {
    source: Arc<dyn Source>,
    runtime: Handle,
    symbol: Symbol,
    retry_min: Duration,
    retry_max: Duration,
    backoff: Backoff,
    state: State,
    newest: Newest,
    /// Rises whenever requests that are under way are given up.
    asking: u64,
    /// The last wanted id, as of the last look: another one is another gap.
    gap_last: Option<i64>,
    page_trades: Option<i64>,
}

impl Fetch {
    pub fn new(source: Arc<dyn Source>, runtime: Handle, symbol: Symbol, limits: &Limits) -> Self {
        let (retry_min, retry_max) = (limits.fetch_retry_min, limits.fetch_retry_max);
        Self {
            source,
            runtime,
            symbol,
            retry_min,
            retry_max,
            backoff: backoff(retry_min, retry_max),
            state: State::Ready,
            newest: Newest::Settled,
            asking: 0,
            gap_last: None,
            page_trades: None,
        }
    }

    /// A connection was made: the newest id has to be asked for from now on.
    pub fn connected(&mut self) {
        self.newest = match self.newest {
            Newest::Asked | Newest::AskedTooEarly => Newest::AskedTooEarly,
            Newest::Settled | Newest::Wanted => Newest::Wanted,
        };
    }

    /// The newest id has to be asked for.
    pub fn want_newest(&mut self) {
        if self.newest == Newest::Settled {
            self.newest = Newest::Wanted;
        }
    }

    /// Whether the newest id need not be asked for any more.
    pub fn is_newest_settled(&self) -> bool {
        self.newest == Newest::Settled
    }

    /// Whether [`next`](Self::next) will ask for the newest id.
    pub fn is_about_to_ask(&self, now: Instant) -> bool {
        self.newest == Newest::Wanted && !self.is_resting(now)
    }

    fn is_resting(&self, now: Instant) -> bool {
        matches!(self.state, State::Resting { until, .. } if now < until)
    }

    /// The requests to be made now. The exchange is known to have ids up to `known_id`.
    pub fn next(&mut self, wanted: Option<Missing>, known_id: i64, now: Instant) -> Vec<Request> {
        self.look_at_gap(wanted);
        if self.is_resting(now) {
            return Vec::new();
        }
        let mut requests = Vec::new();
        if self.newest == Newest::Wanted {
            self.newest = Newest::Asked;
            requests.push(self.ask_newest());
        }
        let Some(wanted) = wanted else {
            return requests;
        };
        let mut ids = self.first_page(wanted);
        ids.extend(self.pages_ahead(wanted, known_id));
        requests.extend(ids.into_iter().map(|id| self.ask_page(id)));
        requests
    }

    /// A new gap does not inherit the patience of the one before.
    fn look_at_gap(&mut self, wanted: Option<Missing>) {
        let gap_last = wanted.map(|wanted| wanted.last);
        let is_obliged = matches!(
            self.state,
            State::Resting {
                is_obliged: true,
                ..
            }
        );
        if gap_last.is_some() && gap_last != self.gap_last && !is_obliged {
            self.succeeded();
        }
        self.gap_last = gap_last;
    }

    /// The page to begin with, unless pages are under way that will do.
    fn first_page(&mut self, wanted: Missing) -> Vec<i64> {
        if let State::Paging(pages) = &self.state
            && pages.keys().next().is_some_and(|&id| id <= wanted.first)
        {
            return Vec::new();
        }
        self.give_up();
        self.state = State::Paging(BTreeMap::from([(wanted.first, None)]));
        vec![wanted.first]
    }

    /// The pages to ask for ahead of those that are under way, as far as the exchange has
    /// something: what is wanted may end in an id that is not real.
    fn pages_ahead(&mut self, wanted: Missing, known_id: i64) -> Vec<i64> {
        let mut ids = Vec::new();
        let (State::Paging(pages), Some(page_trades)) = (&mut self.state, self.page_trades) else {
            return ids;
        };
        let mut next = pages
            .last_key_value()
            .map_or(wanted.first, |(&id, _)| id.max(wanted.first));
        while pages.len() < AHEAD {
            next += page_trades;
            if next > wanted.last.min(known_id) {
                break;
            }
            pages.insert(next, None);
            ids.push(next);
        }
        ids
    }

    /// Runs `ask` on the runtime that all sessions share: connections that the exchange's
    /// client keeps open outlive any one session there. Whoever stops waiting ends it.
    fn on_shared_runtime<T: Send + 'static>(
        &self,
        ask: impl Future<Output = Result<T, SourceError>> + Send + 'static,
    ) -> impl Future<Output = Result<T, SourceError>> + Send + 'static {
        let task = AbortOnDropHandle::new(self.runtime.spawn(ask));
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

    fn ask_newest(&self) -> Request {
        let (source, symbol) = (Arc::clone(&self.source), self.symbol.clone());
        let asked = self.on_shared_runtime(async move { source.latest(&symbol).await });
        async move { Answered::Newest(asked.await) }.boxed()
    }

    fn ask_page(&self, from_id: i64) -> Request {
        let (source, symbol) = (Arc::clone(&self.source), self.symbol.clone());
        let asked = self.on_shared_runtime(async move { source.page(&symbol, from_id).await });
        let asking = self.asking;
        async move {
            Answered::Page {
                asking,
                from_id,
                page: asked.await,
            }
        }
        .boxed()
    }

    /// Takes an answer in; returns it unless it has to wait or comes too late. Pages are
    /// then got with [`ready`](Self::ready).
    pub fn answered(&mut self, answered: Answered) -> Option<Answer> {
        match answered {
            Answered::Newest(_) if self.newest == Newest::AskedTooEarly => {
                self.newest = Newest::Wanted;
                None
            }
            Answered::Newest(result) => {
                self.newest = Newest::Settled;
                Some(Answer::Newest(result))
            }
            Answered::Page { asking, .. } if asking != self.asking => None,
            Answered::Page { page: Err(e), .. } => Some(Answer::Failed(e)),
            Answered::Page {
                from_id,
                page: Ok(page),
                ..
            } => {
                if page.is_full && page.malformed.is_empty() {
                    self.page_trades = i64::try_from(page.trades.len()).ok().filter(|&n| n > 0);
                }
                if let State::Paging(pages) = &mut self.state {
                    pages.insert(from_id, Some(page));
                }
                None
            }
        }
    }

    /// The page at the front with its first id, once it is there and its turn has come.
    pub fn ready(&mut self, next_id: i64) -> Option<(i64, Page)> {
        let State::Paging(pages) = &mut self.state else {
            return None;
        };
        let front = pages.first_entry()?;
        let from_id = *front.key();
        if from_id > next_id || front.get().is_none() {
            return None;
        }
        let page = front.remove()?;
        if pages.is_empty() {
            self.state = State::Ready;
        }
        Some((from_id, page))
    }

    /// Forgets the requests that are under way.
    pub fn give_up(&mut self) {
        self.asking += 1;
        if let State::Paging(_) = self.state {
            self.state = State::Ready;
        }
    }

    /// A request brought what was wanted.
    pub fn succeeded(&mut self) {
        self.backoff = backoff(self.retry_min, self.retry_max);
        if let State::Resting { .. } = self.state {
            self.state = State::Ready;
        }
    }

    /// A request failed, or brought nothing: the next one has to wait. Returns how long.
    pub fn failed(&mut self, error: Option<&SourceError>, now: Instant) -> Duration {
        let mut pause = self.backoff.next().unwrap_or(self.retry_max);
        let mut is_obliged = false;
        if let Some(SourceError::RateLimited { retry_after, .. }) = error {
            pause = pause.max(*retry_after);
            is_obliged = true;
        }
        self.rest(pause, is_obliged, now);
        pause
    }

    /// The next request has to wait for `pause`, without any failure.
    pub fn wait(&mut self, pause: Duration, now: Instant) {
        self.rest(pause, false, now);
    }

    fn rest(&mut self, pause: Duration, is_obliged: bool, now: Instant) {
        self.give_up();
        self.state = State::Resting {
            until: now + pause,
            is_obliged,
        };
    }
}

#[cfg(test)]
mod tests;
