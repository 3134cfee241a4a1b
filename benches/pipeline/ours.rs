//! The whole path: connection, scanner, sequence, ladder, journal, delivery.

#![allow(dead_code, reason = "each bench uses its own part")]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use streamkit::{
    app::{
        clock::Clock,
        collect::{
            self, Board, Chronicle, Collector, Emit, Event, Limits, Settings, Summary,
            snapshot::{Phase, Shown},
        },
    },
    domain::{
        anchor::Anchor,
        backfill_request::{Change, RequestRead},
        backfill_worker::{WorkerRead, WorkerRow},
        crash::CrashPoints,
        row::{BarRead, BarRow, EventRow, GapRead, HealthRead, HealthRow, Rows, Series},
        seal::{SealRead, SealRow},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::{
        binance::{self, Binance},
        source::{LiveStream, Newest, Page, Source, SourceError},
    },
    store::sink::{
        BarQuery, Batch, EventQuery, GapQuery, HealthQuery, RequestQuery, SealQuery, Store,
        StoreError, SymbolIds,
    },
};
use tokio_util::sync::CancellationToken;

#[path = "watched.rs"]
mod watched;

use crate::{
    interleave::process_cpu_time,
    market::{Market, SYMBOLS},
};

/// Threads for delivery, as the command line has them.
const WORKERS: usize = 2;
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is known of the trades that will come.
#[derive(Debug, Clone)]
pub struct Known {
    /// The first trade of each symbol.
    firsts: [Trade; SYMBOLS.len()],
    /// How many each symbol has.
    counts: [u64; SYMBOLS.len()],
}

impl Known {
    /// The first `trades` of the market of `seed`.
    pub fn of(seed: u64, trades: usize) -> Self {
        let (mut firsts, mut counts) = ([None; SYMBOLS.len()], [0; SYMBOLS.len()]);
        for (index, trade) in Market::new(seed).take(trades) {
            firsts[index].get_or_insert(trade);
            counts[index] += 1;
        }
        Self {
            firsts: firsts.map(|first| first.expect("each symbol is traded")),
            counts,
        }
    }
}

/// What a run came to.
pub struct Collected {
    /// The CPU time of all threads, from the connection to the end: everything taken,
    /// committed, delivered, and the journal closed.
    pub cpu: Duration,
    /// The board at the end.
    pub summary: Summary,
    /// The bars that were delivered; only how many, unless they were to be kept.
    pub bars: Vec<BarRow>,
    /// How many rows of bars were delivered.
    pub bar_count: u64,
}

/// What a run is made of.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Where the trades come from.
    pub server: SocketAddr,
    /// What is known of them.
    pub known: &'a Known,
    /// What bars are built with.
    pub thresholds: &'a [u32],
    /// Whether the bars are kept, or only counted.
    pub keeps_bars: bool,
    /// Whether anybody looks at the collector while it works.
    pub watching: Watching,
}

/// Whether the collector is looked at while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// As on the command line: keepers that look for hangs, health and alerts every second,
    /// pages; and somebody who asks for the pages every second.
    On,
    /// Tasks run, and nobody looks at them.
    Off,
}

/// Collects all trades of `run`, and calls `watch` whenever the board changes.
pub fn collect(run: Run<'_>, mut watch: impl FnMut(&Shown)) -> Collected {
    let Run {
        server,
        known,
        thresholds,
        keeps_bars,
        watching,
    } = run;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .expect("a runtime");
    // Where this crate is built there is a disk; the directory for temporary files may
    // lie in memory.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let settings = settings(thresholds);
    let board = Board::new(&settings.symbols);
    let store = Arc::new(Confirming {
        kept: keeps_bars.then(Mutex::default),
        ..Confirming::default()
    });
    let source = Arc::new(Prepared::new(server, known, board.clone()));
    let collector = Collector {
        settings,
        source: Arc::clone(&source) as _,
        store: Arc::clone(&store) as _,
        state_dir: directory.path().to_owned(),
        accept_store: false,
        clock: Clock::system(),
        emit: Emit::new(fail_on_trouble),
        chronicle: Chronicle::new("bench", Clock::system()),
        board: board.clone(),
        supervisor: watched::supervisor(watching),
    };
    let stop = CancellationToken::new();
    let summary = runtime.block_on(async {
        let watchers = watched::begin(watching, &collector);
        let mut running = tokio::spawn(collect::run(collector, stop.clone()));
        let all_taken = board.wait_until(|shown| {
            watch(shown);
            let of_symbols = shown.symbols.iter().zip(known.counts);
            of_symbols
                .into_iter()
                .all(|(symbol, count)| symbol.trades == count)
        });
        tokio::select! {
            taken = tokio::time::timeout(PATIENCE, all_taken) => {
                assert!(taken.is_ok(), "not all trades came: {:#?}", board.read());
            }
            ended = &mut running => panic!("it ended too early: {ended:?}"),
        }
        stop.cancel();
        watchers.end().await;
        running.await.expect("no panic").expect("no failure")
    });
    let began = source
        .began
        .lock()
        .expect("not poisoned")
        .expect("a connection");
    let cpu = process_cpu_time().saturating_sub(began);
    check(&summary);
    Collected {
        cpu,
        summary,
        bar_count: store.count.load(Ordering::Relaxed),
        bars: store.kept.as_ref().map_or_else(Vec::new, |kept| {
            std::mem::take(&mut *kept.lock().expect("not poisoned"))
        }),
    }
}

fn settings(thresholds: &[u32]) -> Settings {
    let symbols = SYMBOLS.iter().map(|name| name.parse().expect("a symbol"));
    let thresholds = thresholds
        .iter()
        .map(|&dbps| Threshold::new(dbps).expect("a threshold"));
    Settings {
        symbols: symbols.collect(),
        thresholds: thresholds.collect(),
        anchor: Anchor::Day,
        record_trades: false,
        collector: "bench".to_owned(),
        create_schema: true,
        limits: Limits::default(),
        crash: CrashPoints::default(),
        mischief: Vec::new(),
    }
}

/// What is measured is the way without trouble.
fn check(summary: &Summary) {
    let totals = summary.shown.totals;
    assert_eq!(
        (totals.fallbacks, totals.malformed, totals.reconnects),
        (0, 0, 0)
    );
    assert_eq!(summary.spool.rows, 0, "everything is delivered");
    for symbol in &summary.shown.symbols {
        let found = symbol.gaps_repaired + symbol.gaps_absent + symbol.duplicates;
        assert_eq!(found, 0, "{symbol:?}");
    }
}

pub fn fail_on_trouble(event: &Event) {
    let is_expected = matches!(
        event,
        Event::Started { .. }
            | Event::CaughtUp { .. }
            | Event::Connected { .. }
            | Event::Quiet { .. }
            | Event::TaskStarted { .. }
            | Event::TaskStopped { .. }
            | Event::SymbolUp { .. }
            | Event::CollectorStarted { .. }
            | Event::CollectorStopped { .. }
            | Event::Stopping
    );
    assert!(is_expected, "{event}");
}

/// The adapter for the live stream; history, of which nothing is needed, is known.
struct Prepared {
    adapter: Binance,
    symbols: Vec<Symbol>,
    known: Known,
    board: Board,
    /// The CPU time of the process when the connection was begun.
    began: Mutex<Option<Duration>>,
}

impl Prepared {
    fn new(server: SocketAddr, known: &Known, board: Board) -> Self {
        let settings = binance::Settings {
            ws_urls: vec![format!("ws://{server}").parse().expect("a URL")],
            rest_urls: vec![format!("http://{server}").parse().expect("a URL")],
            ..binance::Settings::default()
        };
        Self {
            adapter: Binance::new(settings).expect("an adapter"),
            symbols: SYMBOLS
                .iter()
                .map(|name| name.parse().expect("a symbol"))
                .collect(),
            known: known.clone(),
            board,
            began: Mutex::new(None),
        }
    }

    fn first(&self, symbol: &Symbol) -> Trade {
        let index = self.symbols.iter().position(|known| known == symbol);
        self.known.firsts[index.expect("a known symbol")]
    }
}

#[async_trait]
impl Source for Prepared {
    fn name(&self) -> &str {
        self.adapter.name()
    }

    /// Connects once every symbol knows where it starts: what comes before that would
    /// have to be fetched.
    async fn connect(&self, symbols: &[Symbol]) -> Result<Box<dyn LiveStream>, SourceError> {
        let has_started = |shown: &Shown| {
            let mut phases = shown.symbols.iter().map(|symbol| symbol.phase);
            phases.all(|phase| phase != Phase::Starting)
        };
        self.board.wait_until(has_started).await;
        *self.began.lock().expect("not poisoned") = Some(process_cpu_time());
        self.adapter.connect(symbols).await
    }

    /// The first trade is asked for, so that the stream can join the tape there.
    async fn page(&self, symbol: &Symbol, from_id: i64) -> Result<Page, SourceError> {
        let first = self.first(symbol);
        assert_eq!(from_id, first.id, "{symbol}: nothing can get lost");
        Ok(Page {
            trades: vec![first],
            ..Page::default()
        })
    }

    /// The one before the first that will be sent.
    async fn latest(&self, symbol: &Symbol) -> Result<Option<Newest>, SourceError> {
        let first = self.first(symbol);
        let id = first.id - 1;
        Ok(Some(Trade { id, ..first }.into()))
    }

    async fn first_since(&self, symbol: &Symbol, _: i64) -> Result<Option<Trade>, SourceError> {
        Ok(Some(self.first(symbol)))
    }
}

/// A store that confirms at once.
#[derive(Default)]
struct Confirming {
    count: AtomicU64,
    kept: Option<Mutex<Vec<BarRow>>>,
}

#[async_trait]
impl Store for Confirming {
    fn address(&self) -> String {
        "nowhere".to_owned()
    }

    async fn create_schema(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn clock_us(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    async fn newest(
        &self,
        _: &streamkit::store::newest::NewestQuery,
    ) -> Result<Vec<streamkit::store::newest::NewestRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn insert(&self, batch: &Batch) -> Result<(), StoreError> {
        if let Rows::Bars(rows) = &batch.rows {
            self.count.fetch_add(rows.len() as u64, Ordering::Relaxed);
            if let Some(kept) = &self.kept {
                kept.lock().expect("not poisoned").extend_from_slice(rows);
            }
        }
        Ok(())
    }

    async fn stored_bars(
        &self,
        _: &BarQuery,
        _: &mut (dyn FnMut(Vec<BarRead>) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        Ok(())
    }

    async fn series(&self, _: &BarQuery) -> Result<Vec<Series>, StoreError> {
        Ok(Vec::new())
    }

    async fn last_bar(&self, _: &Series) -> Result<Option<BarRow>, StoreError> {
        Ok(None)
    }

    async fn stored_gaps(&self, _: &GapQuery) -> Result<Vec<GapRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_seals(&self, _: &[SealRow]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_seals(&self, _: &SealQuery) -> Result<Vec<SealRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_request(&self, _: &Change) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_requests(&self, _: &RequestQuery) -> Result<Vec<RequestRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_worker(&self, _: &WorkerRow) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_workers(&self, _: i64) -> Result<Vec<WorkerRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_health(&self, _: &[HealthRow]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_health(&self, _: &HealthQuery) -> Result<Vec<HealthRead>, StoreError> {
        Ok(Vec::new())
    }

    async fn events(&self, _: &EventQuery) -> Result<Vec<EventRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn id_ranges(&self, _: &BarQuery) -> Result<Vec<SymbolIds>, StoreError> {
        Ok(Vec::new())
    }
}
