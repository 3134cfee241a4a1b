//! Turns, counted in pages that the exchange has served.

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;

use super::*;
use crate::{
    app::{
        backfill::{
            event::Emit,
            testing::{DAY_US, Exchange, FEW, LATENCY, count, shared},
        },
        clock::Clock,
    },
    domain::{anchor::Anchor, threshold::Threshold},
    store::testing,
};

const LARGE: &str = "LARGE";
const SMALL: [&str; 2] = ["SMALLA", "SMALLB"];

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
            let large = asked.served().large;
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
    let served = exchange.served();
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

#[tokio::test]
async fn a_seal_that_somebody_else_takes_back_is_made_again_or_missed_aloud() {
    for (times, is_sealed) in [(1, true), (u32::MAX, false)] {
        let (store, _directory) = testing::sqlite().await;
        let rival = Arc::new(testing::Flaky::with_rival(store, times));
        let emit: Emit = Arc::new(|_, _| {});
        let mut shared = shared(&Arc::default(), rival as _);
        // What is made later has a higher version.
        let ticks = AtomicI64::new(0);
        let later_us = move || 3 * DAY_US + ticks.fetch_add(10, Ordering::Relaxed);
        shared.clock = Clock::with_wall(later_us);
        let wishes = vec![wish(SMALL[0], &emit)];
        let limits = RunLimits::default();
        let finished = run(&shared, wishes, limits, CancellationToken::new()).await;
        let of = &finished[0];
        assert_eq!(of.seals.sealed, usize::from(is_sealed), "{:?}", of.seals);
        match &of.result {
            Some(Ok(())) => assert!(is_sealed),
            Some(Err(error)) => {
                assert!(!is_sealed, "{error}");
                let text = error.to_string();
                assert!(text.contains("1970-01-02"), "{text}");
                assert!(text.contains("taken back"), "{text}");
            }
            None => panic!("it has ended"),
        }
    }
}

#[tokio::test]
async fn nothing_is_planned_before_the_clock_began() {
    let (store, _directory) = testing::sqlite().await;
    let emit: Emit = Arc::new(|_, _| {});
    let shared = shared(&Arc::default(), store);
    let (mut wish, board) = wish(SMALL[0], &emit);
    // As of `--since 9999999d`.
    wish.from_us = -9_999_999 * DAY_US;
    let limits = RunLimits::default();
    let wishes = vec![(wish, board)];
    let finished = run(&shared, wishes, limits, CancellationToken::new()).await;
    let of = &finished[0];
    assert!(matches!(of.result, Some(Ok(()))), "{:?}", of.result);
    assert_eq!(of.seals.sealed, 1);
}

#[tokio::test]
async fn a_symbol_that_gets_no_answer_holds_nobody_up() {
    let (store, _directory) = testing::sqlite().await;
    let emit: Emit = Arc::new(|_, _| {});
    let shared = shared(&Arc::default(), store);
    let limits = RunLimits {
        parallel: 1,
        ..RunLimits::default()
    };
    let stop = CancellationToken::new();
    let (wished, asked) = (wish("DEADUSDT", &emit), wish(SMALL[0], &emit));
    let small = asked.1.clone();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { run(&shared, vec![wished, asked], limits, stop).await }
    });
    // The other one is finished while that one has patience for minutes.
    for _ in 0..1_000 {
        if small.read_all().bars_written() > 0 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    let finished = running.await.expect("it ends");
    assert!(finished[0].result.is_none(), "{:?}", finished[0].result);
    assert!(finished[1].shown.bars_written() > 0);
}
