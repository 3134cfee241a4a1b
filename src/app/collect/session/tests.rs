//! A whole session, with its real journal and the rules of alerts, through a simulated day:
//! an exchange in memory, and a clock that only goes on when nobody has anything to do.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tokio::time::sleep_until;

use super::*;
use crate::{
    app::{
        collect::{
            Link, Phase, Severity,
            diary::Diary,
            health::{Sampler, Tally as Heard},
            settings::Limits,
            snapshot::Shown,
        },
        supervise,
    },
    domain::{
        alert::{Alerts, Rule, readings},
        anchor::Anchor,
        crash::CrashPoints,
        price::{Price, Quantity},
        remedy,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::source::{LiveStream, Newest, Page, SourceError, StreamEnd},
    journal::{self, Journal, Options, Reopen},
    store::{self, StoreOptions, address::StoreAddress},
};

const SECOND_US: i64 = 1_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Midnight, UTC, of some day.
const MIDNIGHT_US: i64 = 1_767_312_000 * SECOND_US;
/// So many trades a page.
const PAGE: usize = 1000;

/// A trade of the tape, and when it comes by stream.
#[derive(Debug, Clone, Copy)]
struct Coming {
    trade: Trade,
    arrives_us: i64,
}

/// An exchange that shows each trade in its history before its stream brings it.
struct Market {
    begun: Instant,
    tape: Arc<Vec<Coming>>,
    connects: AtomicUsize,
    asked: AtomicUsize,
}

impl Market {
    /// Its clock, in µs since 1970 UTC.
    fn now_us(begun: Instant) -> i64 {
        MIDNIGHT_US + micros(begun.elapsed())
    }

    /// The trades that have happened.
    fn happened(&self) -> &[Coming] {
        let now_us = Self::now_us(self.begun);
        let count = self.tape.partition_point(|c| c.trade.time_us <= now_us);
        &self.tape[..count]
    }
}

#[async_trait]
impl Source for Market {
    fn name(&self) -> &'static str {
        "market"
    }

    async fn connect(&self, _: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        let now_us = Self::now_us(self.begun);
        Ok(Box::new(Feed {
            begun: self.begun,
            next: self.tape.partition_point(|c| c.arrives_us <= now_us),
            tape: Arc::clone(&self.tape),
        }))
    }

    async fn page(&self, _: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        let trades = self.happened().iter().map(|coming| coming.trade);
        let page: Vec<_> = trades
            .filter(|trade| trade.id >= from_id)
            .take(PAGE)
            .collect();
        Ok(Page {
            is_full: page.len() == PAGE,
            trades: page,
            malformed: Vec::new(),
        })
    }

    async fn latest(&self, _: &Symbol) -> Result<Option<Newest>, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let newest = self.happened().last();
        Ok(newest.map(|coming| coming.trade.into()))
    }

    async fn first_since(&self, _: &Symbol, time_us: i64) -> Result<Option<Trade>, SourceError> {
        let mut happened = self.happened().iter().map(|coming| coming.trade);
        Ok(happened.find(|trade| trade.time_us >= time_us))
    }
}

/// Its stream.
struct Feed {
    begun: Instant,
    tape: Arc<Vec<Coming>>,
    next: usize,
}

#[async_trait]
impl LiveStream for Feed {
    async fn receive(&mut self, batch: &mut LiveBatch) -> Result<(), StreamEnd> {
        let Some(first) = self.tape.get(self.next) else {
            return std::future::pending().await;
        };
        let since_us = first.arrives_us - MIDNIGHT_US;
        sleep_until(self.begun + Duration::from_micros(since_us.unsigned_abs())).await;
        let now_us = Market::now_us(self.begun);
        while let Some(coming) = self.tape.get(self.next)
            && coming.arrives_us <= now_us
        {
            batch.trades.push((0, coming.trade));
            self.next += 1;
        }
        Ok(())
    }

    async fn close(&mut self) {}
}

fn trade(id: i64, time_us: i64) -> Trade {
    Trade {
        id,
        price: Price(6_000_000_000_000 + id % 7 * 1_000_000),
        quantity: Quantity(10_000_000),
        first_trade_id: id,
        last_trade_id: id,
        time_us,
        buyer_is_maker: id % 2 == 0,
    }
}

/// SplitMix64 (Steele et al. 2014), below a bound.
fn random(state: &mut u64, bound: i64) -> i64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % bound.unsigned_abs()) as i64
}

/// Bursts and lulls until `end_us` after midnight. Each trade is up to 300 ms on its way.
fn irregular(seed: u64, end_us: i64) -> Vec<Coming> {
    let (mut state, mut tape) = (seed, Vec::<Coming>::new());
    let mut since_us = 0;
    while since_us < end_us {
        let arrives_us = MIDNIGHT_US + since_us + random(&mut state, 300_000);
        let before_us = tape.last().map_or(0, |last| last.arrives_us);
        tape.push(Coming {
            trade: trade(tape.len() as i64 + 1, MIDNIGHT_US + since_us),
            arrives_us: arrives_us.max(before_us),
        });
        since_us += match random(&mut state, 1000) {
            0 => 1200 * SECOND_US,
            1..20 => 1 + random(&mut state, 60 * SECOND_US),
            20..200 => 1 + random(&mut state, 2 * SECOND_US),
            _ => 1 + random(&mut state, SECOND_US / 20),
        };
    }
    tape
}

/// What a day has come to.
struct Day {
    events: Vec<Event>,
    shown: Shown,
    connects: usize,
    asked: usize,
    notices: Vec<String>,
    complaints: Vec<String>,
}

/// The journal's thread, the session's surroundings and who hears of it.
fn context(directory: &Path, source: Arc<dyn Source>, begun: Instant, emit: Emit) -> Context {
    let symbol: Symbol = "BTCUSDT".parse().expect("a symbol");
    let address = StoreAddress::Sqlite(directory.join("store.sqlite"));
    let limits = Limits {
        // Nothing is judged by it, and a disk takes real time.
        commit_interval: Duration::from_secs(1800),
        commit_rows: 1_000_000,
        // A day of the usual looks takes minutes.
        tick: Duration::from_millis(500),
        ..Limits::default()
    };
    let options = Options {
        store: Some("a store".to_owned()),
        accept_store: false,
        batch_rows: limits.batch_rows,
        batch_age_us: micros(limits.batch_age),
        most_rows: limits.batch_rows_most,
        max_pages: None,
        crash: CrashPoints::default(),
    };
    let journal = Journal::open(&directory.join("state"), options).expect("a journal");
    let (journal, _thread) = journal::start(journal, Reopen::never()).expect("a thread");
    let clock = Clock::with_wall(move || Market::now_us(begun));
    let chronicle = Chronicle::new("test", clock.clone());
    let supervisor = Supervisor::new(
        clock.clone(),
        supervise::Limits::default(),
        Vec::new(),
        |_| {},
    );
    Context {
        settings: Arc::new(Settings {
            symbols: vec![symbol.clone()],
            thresholds: vec![Threshold::new(250).expect("a threshold")],
            anchor: Anchor::Day,
            record_trades: false,
            collector: "test".to_owned(),
            create_schema: true,
            limits,
            crash: CrashPoints::default(),
            mischief: Vec::new(),
        }),
        exchange: source.name().into(),
        source,
        store: store::open(&address, StoreOptions::default()).expect("a store"),
        journal,
        clock,
        runtime: Handle::current(),
        told: chronicle.before(emit.clone()),
        chronicle,
        emit,
        board: Board::new(&[symbol]),
        stop: CancellationToken::new(),
        supervisor,
        fatal: mpsc::channel(1).0,
    }
}

/// Collects `tape` for a day, and looks at the health every 10 s.
async fn day(tape: Vec<Coming>) -> Day {
    let directory = tempfile::tempdir().expect("a directory");
    let begun = Instant::now();
    let market = Arc::new(Market {
        begun,
        tape: Arc::new(tape),
        connects: AtomicUsize::new(0),
        asked: AtomicUsize::new(0),
    });
    let (events, heard) = (Arc::new(Mutex::new(Vec::new())), Heard::default());
    let kept = Arc::clone(&events);
    let emit = heard.before(Emit::new(move |event: &Event| {
        kept.lock().expect("not poisoned").push(event.clone());
    }));
    let source = Arc::clone(&market) as Arc<dyn Source>;
    let context = context(directory.path(), source, begun, emit);
    context.store.create_schema().await.expect("a schema");
    let group = Group {
        number: 0,
        symbols: vec![(0, context.settings.symbols[0].clone())],
        outages: Outages::new(1, context.clock.steady_us()),
        heritage: Heritage::new(),
    };
    let memory = group.heritage.take_over(|| Remembered {
        diary: Diary::new("test".to_owned(), context.clock.clone()),
        repair: Repair::new(remedy::Limits::DEFAULT),
    });
    let mut session = Session::new(&context, &group, memory, Fence::default());
    let turns = Turns::default();

    let mut alerts = Alerts::new(Rule::defaults()).expect("sensible rules");
    let mut sampler = Sampler::new(heard, directory.path().to_owned());
    let (mut notices, mut complaints) = (Vec::new(), Vec::new());
    let looks = async {
        let mut look = tokio::time::interval(Duration::from_secs(10));
        while begun.elapsed() < DAY {
            look.tick().await;
            let shown = context.board.read();
            let mut health = {
                let clock = &context.clock;
                sampler.sample(&shown, &[], clock.steady_us(), clock.wall_us())
            };
            // This machine's disk and memory are no part of it, and nobody delivers.
            (health.disk_used_ratio, health.memory_used_ratio) = (None, None);
            health.spool_rows = 0;
            complaints.extend(health.complaints());
            let told = alerts.evaluate(&readings(&health), context.clock.wall_us());
            notices.extend(told.iter().map(ToString::to_string));
        }
    };
    let mut running = std::pin::pin!(session.run(&turns));
    // The store answers in real time, and is asked at the start alone.
    let is_live = |shown: &Shown| shown.symbols.iter().all(|s| s.phase == Phase::Live);
    tokio::select! {
        ended = &mut running => panic!("it ended: {ended:?}"),
        _ = context.board.wait_until(is_live) => {}
    }
    tokio::time::pause();
    tokio::select! {
        ended = &mut running => panic!("it ended: {ended:?}"),
        () = looks => {}
    }
    let events = events.lock().expect("not poisoned").clone();
    Day {
        events,
        shown: context.board.read(),
        connects: market.connects.load(Ordering::Relaxed),
        asked: market.asked.load(Ordering::Relaxed),
        notices,
        complaints,
    }
}

impl Day {
    /// Nothing was restarted, and nobody was told of anything. A connection may be
    /// renewed in a day, the new one first.
    fn assert_peaceful(&self) {
        let is_trouble = |event: &&Event| event.severity() >= Severity::Warning;
        let trouble: Vec<_> = self.events.iter().filter(is_trouble).collect();
        assert!(trouble.is_empty(), "{trouble:?}");
        let codes: Vec<_> = self.events.iter().map(Event::code).collect();
        for code in ["gap.found", "remedy.helped", "stream.disconnected"] {
            assert!(!codes.contains(&code), "{code} in {codes:?}");
        }
        assert_eq!(self.notices, [""; 0]);
        assert_eq!(self.complaints, [""; 0]);
        assert_eq!(self.shown.totals.reconnects, 0);
        assert!(self.connects <= 2, "one renewal at most: {}", self.connects);
    }
}

#[tokio::test]
async fn a_market_that_is_quiet_for_a_day_is_left_alone_and_nobody_is_told() {
    let tape = irregular(7, 60 * SECOND_US);
    let last_id = tape.len() as i64;
    let day = day(tape).await;
    day.assert_peaceful();
    let shown = &day.shown.symbols[0];
    assert_eq!((shown.link, shown.next_id), (Link::Quiet, last_id + 1));
    let minutes = 24 * 60;
    assert!(
        (minutes - 60..=minutes + 60).contains(&day.asked),
        "{}",
        day.asked
    );
}

#[tokio::test]
async fn a_day_of_bursts_and_lulls_with_history_ahead_of_the_stream_restarts_nothing() {
    let tape = irregular(11, micros(DAY));
    let trades = tape.len() as u64;
    let day = day(tape).await;
    day.assert_peaceful();
    let shown = &day.shown.symbols[0];
    // The last of them are on their way.
    assert!((trades - 50..=trades).contains(&shown.trades), "{shown:?}");
    assert!(day.asked > 100, "the lulls are long enough to ask");
}
