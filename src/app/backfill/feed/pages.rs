//! Trades by id, from REST.
//!
//! A few pages are asked for ahead, because ids are contiguous; they are taken in order. What
//! the exchange does not bring is asked for again, with growing pauses, as long as it may still
//! come. Only [two answers](crate::domain::sequence::proof) prove that it never will.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    app::backfill::turns::lend,
    domain::{
        micros::micros,
        sequence::proof::{Proof, Seen},
        symbol::Symbol,
        tiling::IdRange,
        trade::Trade,
    },
    exchange::source::{Page, Source, SourceError},
};

use super::{
    Fed, FeedError,
    event::{FeedEmit, FeedEvent},
    pauses::{Pauses, least_pause, told},
};

/// How patient a feed is with REST.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits {
    /// So many pages are asked for at once.
    pub ahead: usize,
    /// The first pause after a failure; doubles, with jitter.
    pub retry_min: Duration,
    /// The longest pause, unless the exchange wants a longer one.
    pub retry_max: Duration,
    /// How far apart the two answers have to be that prove absence.
    pub proof_interval: Duration,
    /// How long nothing may come.
    pub patience: Duration,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self {
            ahead: 3,
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(30),
            proof_interval: Duration::from_secs(2),
            patience: Duration::from_secs(10 * 60),
        }
    }
}

/// What an answer shows of trades that it lacks.
enum Shown {
    /// It is the second one: they do not exist.
    Proven(Fed),
    /// It has higher ids; another answer has to show the same.
    Once,
    /// Nothing.
    Nothing,
}

type Asked = AbortOnDropHandle<Result<Page, SourceError>>;

pub(super) struct Pages {
    source: Arc<dyn Source>,
    symbol: Symbol,
    limits: PageLimits,
    emit: FeedEmit,
    /// Pages that were asked for, by their first ids.
    asked: VecDeque<(i64, Asked)>,
    /// How many trades a full page has, once that is known.
    page_trades: Option<i64>,
    proof: Proof,
    pauses: Pauses,
    epoch: Instant,
}

impl Pages {
    pub(super) fn new(
        source: Arc<dyn Source>,
        symbol: Symbol,
        limits: PageLimits,
        emit: FeedEmit,
    ) -> Self {
        Self {
            source,
            symbol,
            limits,
            emit,
            asked: VecDeque::new(),
            page_trades: None,
            proof: Proof::new(micros(limits.proof_interval)),
            pauses: Pauses::new(limits),
            epoch: Instant::now(),
        }
    }

    /// The trades from `next_id` on, at most up to `until`, or the proof that they do not
    /// exist.
    pub(super) async fn next(
        &mut self,
        next_id: i64,
        until: i64,
        block: &mut Vec<Trade>,
    ) -> Result<Fed, FeedError> {
        // What was read meanwhile came from somewhere else.
        self.pauses = Pauses::new(self.limits);
        loop {
            let page = match self.ask(next_id, until).await {
                Ok(page) => page,
                Err(error) => {
                    self.failed(next_id, error).await?;
                    continue;
                }
            };
            if page.is_full && page.malformed.is_empty() {
                let count = i64::try_from(page.trades.len()).ok();
                self.page_trades = count.filter(|&count| count > 0);
            }
            let is_next = |(trade, id): &(&Trade, i64)| trade.id == *id && *id <= until;
            let trades = page.trades.iter().zip(next_id..);
            block.extend(trades.take_while(is_next).map(|(trade, _)| *trade));
            if !block.is_empty() {
                self.proof.refuted();
                return Ok(Fed::Trades);
            }
            self.asked.clear();
            match self.missing(next_id, until, &page) {
                Shown::Proven(fed) => return Ok(fed),
                Shown::Once => lend(sleep(self.limits.proof_interval)).await,
                Shown::Nothing => {
                    // An answer without anything higher proves nothing.
                    let what = if page.malformed.is_empty() {
                        "the answer is empty"
                    } else {
                        "no row of the answer is a trade"
                    };
                    let reason = format!("get trade {next_id} from {}: {what}", self.source.name());
                    self.pause(next_id, reason, Duration::ZERO).await?;
                }
            }
        }
    }

    /// The page that begins with `next_id`.
    async fn ask(&mut self, next_id: i64, until: i64) -> Result<Page, SourceError> {
        while self.asked.front().is_some_and(|(id, _)| *id < next_id) {
            self.asked.pop_front();
        }
        if self.asked.front().is_none_or(|(id, _)| *id != next_id) {
            self.asked.clear();
            let asked = self.request(next_id);
            self.asked.push_back((next_id, asked));
        }
        if let Some(page_trades) = self.page_trades {
            while self.asked.len() < self.limits.ahead.max(1)
                && let Some((id, _)) = self.asked.back()
                && id + page_trades <= until
            {
                let id = id + page_trades;
                let asked = self.request(id);
                self.asked.push_back((id, asked));
            }
        }
        match self.asked.pop_front() {
            Some((_, asked)) => asked.await.unwrap_or_else(|error| {
                Err(SourceError::Unreachable {
                    endpoint: self.source.name().to_owned(),
                    cause: error.to_string(),
                })
            }),
            None => Ok(Page::default()),
        }
    }

    fn request(&self, from_id: i64) -> Asked {
        let (source, symbol) = (Arc::clone(&self.source), self.symbol.clone());
        AbortOnDropHandle::new(tokio::spawn(
            async move { source.page(&symbol, from_id).await },
        ))
    }

    /// What an answer says that lacks the trade which was asked for. Of ids behind `until`
    /// it says nothing: they may come from somewhere else.
    fn missing(&mut self, next_id: i64, until: i64, page: &Page) -> Shown {
        let mut trades = page.trades.iter();
        let Some(higher) = trades.find(|trade| trade.id > next_id) else {
            return Shown::Nothing;
        };
        let malformed = page.malformed.iter();
        let is_malformed = malformed
            .filter_map(|row| row.id)
            .any(|id| (next_id..higher.id).contains(&id));
        let seen = Seen {
            asked_id: next_id,
            next_id: higher.id,
            is_malformed,
        };
        let now_us = micros(self.epoch.elapsed());
        let Some(absence) = self.proof.seen(seen, now_us) else {
            return Shown::Once;
        };
        let ids = IdRange {
            first_id: absence.first,
            last_id: absence.last.min(until),
        };
        let proof = if absence.is_malformed {
            format!(
                "the exchange has no valid trade under these ids, but {}",
                higher.id
            )
        } else {
            format!("the exchange has answered twice with id {}", higher.id)
        };
        let event = FeedEvent::Absent {
            ids,
            proof: proof.clone(),
        };
        (self.emit)(event);
        Shown::Proven(Fed::Absent { ids, proof })
    }

    async fn failed(&mut self, next_id: i64, error: SourceError) -> Result<(), FeedError> {
        self.asked.clear();
        match least_pause(&error) {
            Some(least) => self.pause(next_id, error.to_string(), least).await,
            None => Err(error.into()),
        }
    }

    async fn pause(
        &mut self,
        next_id: i64,
        reason: String,
        least: Duration,
    ) -> Result<(), FeedError> {
        let Some(pause) = self.pauses.next(least) else {
            return Err(FeedError::GaveUp {
                symbol: self.symbol.clone(),
                next_id,
                waited: Duration::from_secs(self.pauses.waited().as_secs()),
                reason,
            });
        };
        let retry_in = told(pause);
        (self.emit)(FeedEvent::Waiting { reason, retry_in });
        lend(sleep(pause)).await;
        Ok(())
    }
}
