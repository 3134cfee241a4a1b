//! An exchange that is asked as often as it takes.
//!
//! What reading history waits out, planning and sealing wait out, too: refusals as long as the
//! exchange wants, failures with growing pauses. An answer that lacks what another answer has
//! shown to be there is such a failure: an empty page proves nothing.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::sleep;

use crate::{
    domain::{symbol::Symbol, trade::Trade},
    exchange::source::{LiveStream, Newest, Page, Source, SourceError},
};

use super::{
    feed::{
        FeedEmit, FeedEvent, PageLimits,
        pauses::{Pauses, least_pause, told},
    },
    turns::lend,
};

/// An exchange, and how patient one is with it.
pub struct PatientSource {
    source: Arc<dyn Source>,
    limits: PageLimits,
    emit: FeedEmit,
}

impl PatientSource {
    /// Asks `source` within `limits`; `emit` is told of each pause.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, limits: PageLimits, emit: FeedEmit) -> Self {
        Self {
            source,
            limits,
            emit,
        }
    }

    /// The newest trade; none when the exchange has answered twice that there is none.
    ///
    /// # Errors
    /// When it could not be asked for too long, or would never say anything else.
    pub async fn newest(&self, symbol: &Symbol) -> Result<Option<Trade>, SourceError> {
        let newest = || async {
            let newest = self.latest(symbol).await?;
            Ok(newest.and_then(|newest| newest.trade))
        };
        self.twice_if(Option::is_none, newest).await
    }

    /// The trades from an id on; none when the exchange has answered twice that there are none.
    ///
    /// # Errors
    /// As for [`newest`](Self::newest).
    pub async fn trades(&self, symbol: &Symbol, from_id: i64) -> Result<Vec<Trade>, SourceError> {
        let page = || self.source.page(symbol, from_id);
        let trades = || async { Ok(self.ask(page).await?.trades) };
        self.twice_if(Vec::is_empty, trades).await
    }

    /// The first trade at or after `time_us`; `later` did not happen before that.
    ///
    /// # Errors
    /// As for [`newest`](Self::newest).
    pub async fn first_before(
        &self,
        symbol: &Symbol,
        time_us: i64,
        later: Trade,
    ) -> Result<Trade, SourceError> {
        let contradiction = || SourceError::Unreadable {
            endpoint: self.source.name().to_owned(),
            reason: format!("it knows no trade of {symbol} from that time on"),
            excerpt: format!("there is the trade {}", later.id),
        };
        self.ask(|| async move {
            let first = self.source.first_since(symbol, time_us).await?;
            first.ok_or_else(contradiction)
        })
        .await
    }

    /// Asks a second time, a while later, if the first answer is empty.
    async fn twice_if<T, F>(
        &self,
        is_empty: impl Fn(&T) -> bool,
        question: impl Fn() -> F,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let answer = question().await?;
        if !is_empty(&answer) {
            return Ok(answer);
        }
        let retry_in = self.limits.proof_interval;
        let reason = format!("get trades from {}: the answer is empty", self.name());
        (self.emit)(FeedEvent::Waiting { reason, retry_in });
        lend(sleep(retry_in)).await;
        question().await
    }

    /// Asks until there is an answer.
    async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let mut pauses = Pauses::new(self.limits);
        loop {
            let error = match question().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let least = least_pause(&error).filter(|_| !is_final(&error));
            let Some(pause) = least.and_then(|least| pauses.next(least)) else {
                return Err(error);
            };
            (self.emit)(FeedEvent::Waiting {
                reason: error.to_string(),
                retry_in: told(pause),
            });
            lend(sleep(pause)).await;
        }
    }
}

/// Whether the question itself is wrong, or comes to the wrong place. A firewall's 403 passes.
const fn is_final(error: &SourceError) -> bool {
    match error {
        SourceError::Status { status, .. } => {
            matches!(*status, 400..=499) && !matches!(*status, 403 | 408 | 425)
        }
        _ => false,
    }
}

/// Streams and pages are not waited for here: whoever reads those has a patience of its own.
#[async_trait]
impl Source for PatientSource {
    fn name(&self) -> &str {
        self.source.name()
    }

    async fn connect(&self, symbols: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        self.source.connect(symbols).await
    }

    async fn page(&self, symbol: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        self.source.page(symbol, from_id).await
    }

    async fn latest(&self, symbol: &Symbol) -> Result<Option<Newest>, SourceError> {
        self.ask(|| self.source.latest(symbol)).await
    }

    async fn first_since(
        &self,
        symbol: &Symbol,
        time_us: i64,
    ) -> Result<Option<Trade>, SourceError> {
        self.ask(|| self.source.first_since(symbol, time_us)).await
    }

    async fn time_us(&self) -> Result<Option<i64>, SourceError> {
        self.ask(|| self.source.time_us()).await
    }
}

#[cfg(test)]
mod tests;
