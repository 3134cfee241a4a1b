//! The first trade at or after a time.
//!
//! Ids rise without holes but times may run back a little, so "the first" is the
//! lowest id whose time is not before. The exchange finds trades by time only within
//! an hour, so an hour is asked for first; on a quiet market ids are searched instead,
//! back from the newest trade in growing steps, then by halves. Either way a few dozen
//! requests are enough for any tape. At the end the ids just before the find are looked
//! at, so that the answer rests on ids alone.

use crate::{
    domain::{symbol::Symbol, trade::Trade},
    exchange::source::{Newest, Page, SourceError},
};

use super::{Rest, page::PAGE_ROWS};

/// The longest window that the exchange takes is just under an hour.
const WINDOW_MS: i64 = 3_600_000;

/// Times are taken to run back over fewer ids than a page has rows.
const PAGE_IDS: i64 = PAGE_ROWS as i64;

/// How much farther each step back goes than the one before.
const STEP_FACTOR: i64 = 4;

/// Disorder over more pages than this is no disorder but another tape.
const MAX_SETTLING_PAGES: usize = 8;

/// What is asked of one symbol's tape.
trait History {
    async fn page(&self, from_id: i64) -> Result<Page, SourceError>;
    async fn latest(&self) -> Result<Option<Trade>, SourceError>;
    async fn window(&self, start_ms: i64, end_ms: i64) -> Result<Page, SourceError>;
    /// An answer that contradicts another one.
    fn contradiction(&self, reason: String) -> SourceError;
}

struct OfSymbol<'a> {
    rest: &'a Rest,
    symbol: &'a Symbol,
}

impl History for OfSymbol<'_> {
    async fn page(&self, from_id: i64) -> Result<Page, SourceError> {
        self.rest.page(self.symbol, from_id).await
    }

    async fn latest(&self) -> Result<Option<Trade>, SourceError> {
        let newest = self.rest.latest(self.symbol).await?;
        newest
            .map(|Newest { id, trade }| {
                trade.ok_or_else(|| {
                    self.contradiction(format!("the last rows, up to the id {id}, are no trades"))
                })
            })
            .transpose()
    }

    async fn window(&self, start_ms: i64, end_ms: i64) -> Result<Page, SourceError> {
        self.rest.window(self.symbol, start_ms, end_ms).await
    }

    fn contradiction(&self, reason: String) -> SourceError {
        SourceError::Unreadable {
            endpoint: self.rest.endpoints.preferred().to_string(),
            reason,
            excerpt: String::new(),
        }
    }
}

impl Rest {
    /// See [`Source::first_since`](crate::exchange::source::Source::first_since).
    pub(in super::super) async fn first_since(
        &self,
        symbol: &Symbol,
        time_us: i64,
    ) -> Result<Option<Trade>, SourceError> {
        Search {
            history: OfSymbol { rest: self, symbol },
            time_us,
        }
        .run()
        .await
    }
}

struct Search<H> {
    history: H,
    time_us: i64,
}

impl<H: History> Search<H> {
    async fn run(&self) -> Result<Option<Trade>, SourceError> {
        let start_ms = self.time_us.div_euclid(1000).max(0);
        let window = self
            .history
            .window(start_ms, start_ms + WINDOW_MS - 1)
            .await?;
        let found = match self.first_in(&window.trades) {
            Some(found) => found,
            None => match self.newest().await? {
                Some(newest) => self.search_back(newest).await?,
                None => return Ok(None),
            },
        };
        self.settle(found).await.map(Some)
    }

    /// The newest trade, or one shortly before it, if that is not before the time.
    async fn newest(&self) -> Result<Option<Trade>, SourceError> {
        let Some(newest) = self.history.latest().await? else {
            return Ok(None);
        };
        if newest.time_us >= self.time_us {
            return Ok(Some(newest));
        }
        let page = self.history.page((newest.id - PAGE_IDS + 1).max(0)).await?;
        Ok(self.first_in(&page.trades))
    }

    /// Goes back from `late` in growing steps until a trade before the time shows up.
    async fn search_back(&self, late: Trade) -> Result<Trade, SourceError> {
        let mut late = late;
        let mut step = PAGE_IDS;
        loop {
            let from_id = (late.id - step).max(0);
            let before = self.trades_from(from_id, late.id).await?;
            match before.first() {
                Some(early) if early.time_us < self.time_us => {
                    return self.halve(early.id, late).await;
                }
                Some(first) => late = *first,
                // Nothing lies between: the tape begins later, or has a hole.
                None => {}
            }
            if from_id == 0 {
                return Ok(late);
            }
            step = step.saturating_mul(STEP_FACTOR);
        }
    }

    /// Halves the ids between `early_id`, which is before the time, and `late`, which
    /// is not, until a page shows where the one turns into the other.
    async fn halve(&self, early_id: i64, late: Trade) -> Result<Trade, SourceError> {
        let (mut early_id, mut late) = (early_id, late);
        // No trade lies from here to `late`.
        let mut end_id = late.id;
        while end_id - early_id > 1 {
            let between = end_id - early_id - 1;
            let from_id = if between <= PAGE_IDS {
                early_id + 1
            } else {
                early_id + 1 + between / 2
            };
            let trades = self.trades_from(from_id, end_id).await?;
            match (trades.first(), self.first_in(&trades)) {
                (Some(first), Some(found)) if first.id < found.id => return Ok(found),
                (_, Some(found)) => {
                    late = found;
                    end_id = from_id;
                }
                (_, None) => match trades.last() {
                    Some(last) => early_id = last.id,
                    None => end_id = from_id,
                },
            }
        }
        Ok(late)
    }

    /// Looks at the ids before a find for one that is not before the time either.
    async fn settle(&self, found: Trade) -> Result<Trade, SourceError> {
        let mut found = found;
        for _ in 0..MAX_SETTLING_PAGES {
            let from_id = (found.id - PAGE_IDS).max(0);
            if from_id == found.id {
                return Ok(found);
            }
            let before = self.trades_from(from_id, found.id).await?;
            match self.first_in(&before) {
                None => return Ok(found),
                // The whole page is late: the window did not show the beginning.
                Some(first) if before.first() == Some(&first) && from_id > 0 => {
                    found = self.search_back(first).await?;
                }
                Some(first) => found = first,
            }
        }
        Err(self.history.contradiction(format!(
            "the times around the id {} are in no order",
            found.id
        )))
    }

    /// The trades of one page from `from_id` on and before `end_id`.
    async fn trades_from(&self, from_id: i64, end_id: i64) -> Result<Vec<Trade>, SourceError> {
        let page = self.history.page(from_id).await?;
        if page.trades.is_empty() {
            // There is at least the trade with the id that bounds the search.
            return Err(self.history.contradiction(format!(
                "there is no readable trade from the id {from_id} on, but one at {end_id} or later"
            )));
        }
        let mut trades = page.trades;
        trades.retain(|trade| trade.id < end_id);
        Ok(trades)
    }

    fn first_in(&self, trades: &[Trade]) -> Option<Trade> {
        trades
            .iter()
            .find(|trade| trade.time_us >= self.time_us)
            .copied()
    }
}

#[cfg(test)]
mod tests;
