//! Turns, counted in pages that the exchange has served.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;

use super::*;
use crate::{
    app::{
        backfill::{
            event::Emit,
            feed::{FeedLimits, SourceKind, Sources},
        },
        clock::Clock,
    },
    domain::{
        anchor::Anchor,
        price::{Price, Quantity},
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::{LiveStream, Newest, Page, Source, SourceError},
    store::testing,
};

const DAY_US: i64 = 86_400_000_000;
const PAGE: i64 = 1000;
/// What an answer takes.
const LATENCY: Duration = Duration::from_millis(2);
/// The pages of a small symbol.
const FEW: i64 = 6;
const LARGE: &str = "LARGE";
const SMALL: [&str; 2] = ["SMALLA", "SMALLB"];

/// An exchange on which a day is over: a large one for one symbol, small ones for others.
#[derive(Default)]
struct Exchange {
    served: Mutex<Served>,
}

/// The pages that were served, and those of the large symbol when a small one had its last.
#[derive(Default)]
struct Served {
    large: i64,
    at_end: BTreeMap<String, i64>,
}

fn count(symbol: &Symbol) -> i64 {
    if symbol.as_str() == LARGE {
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
        sleep(LATENCY).await;
        {
            let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            let large = served.large;
            if symbol.as_str() == LARGE {
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

fn shared(exchange: &Arc<Exchange>, store: Arc<dyn crate::store::sink::Store>) -> Shared {
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

fn wish(name: &str, emit: &Emit) -> (Wish, SymbolBoard) {
    let symbol: Symbol = name.parse().expect("a symbol");
    let thresholds = [100, 200, 300, 400, 500, 600, 700, 800];
    let thresholds = thresholds.map(|dbps| Threshold::new(dbps).expect("a threshold"));
    let wish = Wish {
        symbol: symbol.clone(),
        anchor: Anchor::Day,
        thresholds: thresholds.to_vec(),
        from_us: DAY_US,
        until_us: Some(2 * DAY_US),
        is_rebuild: false,
    };
    let board = SymbolBoard::new(symbol, &thresholds, Arc::clone(emit));
    (wish, board)
}

#[tokio::test]
async fn a_symbol_that_is_a_hundred_times_larger_gets_no_more_than_its_turns() {
    let (store, _directory) = testing::sqlite().await;
    let exchange = Arc::new(Exchange::default());
    let begun: Arc<Mutex<BTreeMap<String, i64>>> = Arc::default();
    let (noted, asked) = (Arc::clone(&begun), Arc::clone(&exchange));
    let emit: Emit = Arc::new(move |symbol, event| match event {
        Event::PeriodBegun { .. } => {
            let large = asked
                .served
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .large;
            let mut begun = noted.lock().unwrap_or_else(PoisonError::into_inner);
            begun.insert(symbol.to_string(), large);
        }
        // All of its thresholds at once.
        Event::PeriodWritten { written, .. } => assert_eq!(written.len(), 8),
        _ => {}
    });
    let wishes = [LARGE, SMALL[0], SMALL[1]].map(|name| wish(name, &emit));
    // Fewer turns at once than symbols: they have to take turns, of a page each.
    let limits = RunLimits {
        slice_trades: NonZeroU64::new(1000).expect("a slice"),
        parallel: 2,
        ..RunLimits::default()
    };
    let shared = shared(&exchange, store);
    let finished = run(&shared, wishes.into(), limits, CancellationToken::new()).await;
    for of in finished {
        assert!(matches!(of.result, Some(Ok(()))), "{:?}", of.result);
        assert_eq!(of.seals.sealed, 1, "{:?}", of.seals);
        let total = u64::try_from(count(&of.symbol)).expect("a count");
        assert_eq!(of.shown.trades_done, total);
    }
    let served = exchange
        .served
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(served.large, 100 * FEW);
    for symbol in SMALL {
        let meanwhile = served.at_end[symbol] - begun[symbol];
        // Of a page each, and those that are asked for ahead.
        assert!(
            meanwhile <= FEW + 6,
            "{symbol}: {meanwhile} pages of the large one"
        );
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_says_what_is_not_done() {
    let (store, _directory) = testing::sqlite().await;
    let exchange = Arc::new(Exchange::default());
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let emit: Emit = Arc::new(move |_, event| {
        if let Event::PeriodBegun { .. } = event {
            let stopping = stopping.clone();
            tokio::spawn(async move {
                sleep(20 * LATENCY).await;
                stopping.cancel();
            });
        }
    });
    let wishes = vec![wish(LARGE, &emit)];
    let shared = shared(&exchange, store);
    let finished = run(&shared, wishes, RunLimits::default(), stop).await;
    assert!(finished[0].result.is_none(), "{:?}", finished[0].result);
    assert_eq!(
        finished[0].shown.bars_written(),
        0,
        "a day is written whole"
    );
}

#[tokio::test]
async fn a_store_that_is_away_for_a_while_is_waited_for_whatever_is_read() {
    let mut limits = RunLimits::default();
    limits.writer.retry_min = Duration::from_millis(1);
    limits.writer.retry_max = Duration::from_millis(4);
    for first in 0.. {
        let (store, _directory) = testing::sqlite().await;
        let flaky = Arc::new(testing::Flaky::new(store, first..first + 3));
        let failures: Arc<Mutex<u32>> = Arc::default();
        let noted = Arc::clone(&failures);
        let emit: Emit = Arc::new(move |_, event| {
            if let Event::StoreFailed { .. } = event {
                *noted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            }
        });
        let shared = shared(&Arc::default(), Arc::clone(&flaky) as _);
        let wishes = vec![wish(SMALL[0], &emit)];
        let finished = run(&shared, wishes, limits, CancellationToken::new()).await;
        let of = &finished[0];
        assert!(
            matches!(of.result, Some(Ok(()))),
            "{first}: {:?}",
            of.result
        );
        assert_eq!(of.seals.sealed, 1, "{first}: {:?}", of.seals);
        let failures = *failures.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(failures, flaky.reads().saturating_sub(first).min(3));
        if failures == 0 {
            assert!(first > 8, "every read was struck once");
            return;
        }
    }
}
