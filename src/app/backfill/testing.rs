//! An exchange for tests of turns.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;

use super::{
    feed::{FeedLimits, SourceKind, Sources},
    job::Shared,
};
use crate::{
    app::clock::Clock,
    domain::{
        price::{Price, Quantity},
        symbol::Symbol,
        trade::Trade,
    },
    exchange::source::{LiveStream, Newest, Page, Source, SourceError},
    store::sink::Store,
};

pub(super) const DAY_US: i64 = 86_400_000_000;
const PAGE: i64 = 1000;
/// What an answer takes.
pub(super) const LATENCY: Duration = Duration::from_millis(2);
/// The pages of a small symbol.
pub(super) const FEW: i64 = 6;

/// An exchange on which a day is over: a large one for symbols whose name begins with LARGE,
/// small ones for others; of those whose name begins with DEAD no page comes.
#[derive(Default)]
pub(super) struct Exchange {
    served: Mutex<Served>,
    /// It answers no page any more.
    is_mute: bool,
}

/// The pages that were served, and those of large symbols when a small one had its last.
#[derive(Default)]
pub(super) struct Served {
    pub(super) large: i64,
    pub(super) at_end: BTreeMap<String, i64>,
}

impl Exchange {
    pub(super) fn mute() -> Self {
        Self {
            is_mute: true,
            ..Self::default()
        }
    }

    pub(super) fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_large(symbol: &Symbol) -> bool {
    symbol.as_str().starts_with("LARGE")
}

/// The trades of the day.
pub(super) fn count(symbol: &Symbol) -> i64 {
    if is_large(symbol) {
        100 * FEW * PAGE
    } else {
        FEW * PAGE
    }
}

/// The trades of the day, and the first one of the next day.
fn trade(symbol: &Symbol, id: i64) -> Option<Trade> {
    let is_closer = id == count(symbol) + 1;
    (1..=count(symbol) + 1).contains(&id).then(|| Trade {
        id,
        price: Price(1_000_000 + (id / 2_300 % 2) * 10_000),
        quantity: Quantity(1_000),
        first_trade_id: id,
        last_trade_id: id,
        time_us: if is_closer { 2 * DAY_US } else { DAY_US + id },
        buyer_is_maker: id % 2 == 0,
    })
}

#[async_trait]
impl Source for Exchange {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        Err(SourceError::TimedOut {
            endpoint: "fake".to_owned(),
            deadline: Duration::ZERO,
        })
    }

    async fn page(&self, symbol: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        if self.is_mute {
            return pending().await;
        }
        if symbol.as_str().starts_with("DEAD") {
            return Err(SourceError::TimedOut {
                endpoint: "fake".to_owned(),
                deadline: Duration::ZERO,
            });
        }
        sleep(LATENCY).await;
        {
            let mut served = self.served();
            let large = served.large;
            if is_large(symbol) {
                served.large += 1;
            } else if from_id + PAGE > count(symbol) {
                served.at_end.insert(symbol.to_string(), large);
            }
        }
        let ids = from_id..from_id + PAGE;
        let trades: Vec<_> = ids.filter_map(|id| trade(symbol, id)).collect();
        Ok(Page {
            is_full: trades.len() == 1000,
            trades,
            malformed: Vec::new(),
        })
    }

    async fn latest(&self, symbol: &Symbol) -> Result<Option<Newest>, SourceError> {
        Ok(trade(symbol, count(symbol) + 1).map(Newest::from))
    }

    async fn first_since(
        &self,
        symbol: &Symbol,
        time_us: i64,
    ) -> Result<Option<Trade>, SourceError> {
        let is_first = time_us <= DAY_US;
        Ok(trade(symbol, if is_first { 1 } else { count(symbol) + 1 }))
    }
}

/// That exchange, a store, and a clock that says the end of the next day.
pub(super) fn shared(exchange: &Arc<Exchange>, store: Arc<dyn Store>) -> Shared {
    let clock = Clock::with_wall(|| 3 * DAY_US);
    Shared {
        exchange: "fake".into(),
        store,
        sources: Sources {
            exchange: Arc::clone(exchange) as Arc<dyn Source>,
            archive: None,
            files: None,
            kind: SourceKind::Rest,
            limits: FeedLimits::default(),
            clock: clock.clone(),
        },
        clock,
    }
}
