//! Workers that carry out requests on an exchange of their own.

use std::{
    num::NonZeroU64,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::{
    app::{
        backfill::{
            self,
            queue::ask,
            testing::{DAY_US, Exchange, FEW, shared},
            worker::{Event, Settings, Worker},
        },
        clock::Clock,
    },
    domain::{
        anchor::Anchor,
        backfill_request::{RequestRow, Scope, Status},
    },
    store::{
        sink::{RequestQuery, Store},
        testing,
    },
};

struct Place {
    exchange: Arc<Exchange>,
    store: Arc<dyn Store>,
    shared: Shared,
    _directory: TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::with(Exchange::default()).await
    }

    async fn with(exchange: Exchange) -> Self {
        let (store, directory) = testing::sqlite().await;
        let exchange = Arc::new(exchange);
        Self {
            shared: shared(&exchange, Arc::clone(&store)),
            exchange,
            store,
            _directory: directory,
        }
    }

    async fn ask(&self, clock: &Clock, symbol: &str, dbps: &[u32]) {
        let symbol = symbol.parse().expect("a symbol");
        let thresholds: Vec<_> = dbps.iter().map(|dbps| threshold(*dbps)).collect();
        let asked = ask(
            &*self.store,
            clock,
            &symbol,
            &thresholds,
            None,
            &Scope::default(),
        )
        .await;
        assert!(asked.expect("asked").iter().all(|asked| asked.is_new));
    }

    fn carrier(&self, clock: &Clock, emit: Emit) -> Carrier {
        Carrier {
            shared: Shared {
                clock: clock.clone(),
                ..self.shared.clone()
            },
            configured: [100, 200].map(threshold).to_vec(),
            anchor: Anchor::Day,
            since: Duration::from_secs(2 * 86_400),
            cooldown: Duration::from_secs(300),
            turns: Turns::new(NonZeroU64::new(1_000).expect("a slice"), 2),
            writer: WriterLimits::default(),
            emit,
        }
    }

    /// A worker that works until nothing is left, and tells `tell` what happens.
    async fn work(&self, clock: &Clock, tell: impl Fn(Event) + Send + Sync + 'static) {
        let carrier = self.carrier(clock, Arc::new(|_, _| {}));
        let settings = Settings {
            name: "nas:1".to_owned(),
            host: "nas".to_owned(),
            pid: 1,
            poll: Duration::from_millis(50),
            lease: Duration::from_secs(120),
            parallel: 2,
            stop_timeout: Duration::from_secs(10),
            is_once: true,
            scope: Scope::new("fake", Anchor::Day),
        };
        let (store, work) = (Arc::clone(&self.store), Arc::new(carrier));
        let worker = Worker::new(settings, store, clock.clone(), work, tell);
        let worked = worker.run(CancellationToken::new()).await;
        worked.expect("no failure");
    }

    async fn rows(&self) -> Vec<RequestRow> {
        let read = self.store.stored_requests(&RequestQuery::default()).await;
        let rows: Result<_, _> = read.expect("requests").into_iter().collect();
        rows.expect("rows")
    }
}

fn threshold(dbps: u32) -> Threshold {
    Threshold::new(dbps).expect("a threshold")
}

/// How long after the end of the day that the exchange has it is.
/// A clock that stands still but for a µs a look: what comes later is later.
fn at(after: Duration) -> Clock {
    let now_us = AtomicI64::new(3 * DAY_US + micros(after));
    Clock::with_wall(move || now_us.fetch_add(1, Ordering::Relaxed))
}

#[tokio::test]
async fn small_requests_beside_two_huge_ones_end_early() {
    let place = Place::new().await;
    let clock = at(Duration::ZERO);
    for symbol in ["LARGEA", "LARGEB"] {
        place.ask(&clock, symbol, &[100]).await;
    }
    // So that they stand behind both.
    let later = at(Duration::from_secs(1));
    for symbol in ["SMALLA", "SMALLB", "SMALLC"] {
        place.ask(&later, symbol, &[100]).await;
    }
    let ended: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&ended);
    place
        .work(&later, move |event| {
            if let Event::Ended { request, .. } = event {
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                noted.push(request.symbol);
            }
        })
        .await;
    let rows = place.rows().await;
    assert!(
        rows.iter()
            .all(|row| row.status == Status::Completed && row.attempt == 1),
        "{rows:#?}"
    );
    let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
    let is_small = |symbol: &&String| symbol.starts_with("SMALL");
    assert_eq!(
        ended.iter().take(3).filter(is_small).count(),
        3,
        "{ended:?}"
    );
    let served = place.exchange.served();
    for (symbol, large) in &served.at_end {
        // Of both, and what was served before the small ones had joined.
        assert!(
            *large < 80 * FEW,
            "{symbol}: after {large} pages of the large"
        );
    }
}

#[tokio::test]
async fn what_was_completed_a_moment_ago_rests_although_nobody_said_how_far_back() {
    let place = Place::new().await;
    // All of its thresholds are known, and one is asked for by name.
    for (after_s, symbol, dbps, expected) in [
        (0, "SMALLA", &[100][..], Status::Completed),
        (1, "SMALLA", &[100], Status::Skipped),
        (2, "SMALLA", &[], Status::Completed),
        (290, "SMALLA", &[], Status::Skipped),
        (301, "SMALLA", &[100], Status::Completed),
    ] {
        let clock = at(Duration::from_secs(after_s));
        place.ask(&clock, symbol, dbps).await;
        place.work(&clock, |_| {}).await;
        let rows = place.rows().await;
        let last = rows.iter().max_by_key(|row| row.requested_at_us);
        let last = last.expect("a request");
        assert_eq!(last.status, expected, "after {after_s} s: {last:?}");
        if after_s == 2 {
            assert!(last.error.starts_with("left alone: 100 dbps: "), "{last:?}");
        }
    }
}

#[tokio::test]
async fn people_are_told_how_far_it_is_although_the_exchange_is_mute() {
    let place = Place::with(Exchange::mute()).await;
    let (told, mut told_of) = mpsc::channel(1_000);
    let emit: Emit = Arc::new(move |_, event| {
        // Nobody listens any more when the test is over.
        let _ = told.try_send(event);
    });
    let carrier = place.carrier(&at(Duration::ZERO), emit);
    let job = Job {
        symbol: "SMALLA".parse().expect("a symbol"),
        thresholds: vec![threshold(100)],
        since_us: None,
    };
    let stop = CancellationToken::new();
    let (cell, stopping) = (ProgressCell::default(), stop.clone());
    let carried = tokio::spawn(async move { carrier.run(job, &cell, stopping).await });
    let mut next = async || told_of.recv().await.expect("an event");
    while !matches!(next().await, backfill::event::Event::PeriodBegun { .. }) {}
    // Nothing is asked of the store any more: time passes by itself.
    tokio::time::pause();
    for _ in 0..2 {
        let begun = Instant::now();
        let shown = loop {
            if let backfill::event::Event::Progress { shown, .. } = next().await {
                break shown;
            }
        };
        assert!(begun.elapsed() <= LINE_INTERVAL, "{:?}", begun.elapsed());
        assert_eq!((shown.trades_done, shown.written.len()), (0, 1));
    }
    stop.cancel();
    assert_eq!(carried.await.expect("no panic"), Outcome::Interrupted);
}
