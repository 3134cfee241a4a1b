//! What the tests of collecting share: a sim exchange, a store, limits scaled down, and the
//! judgement by the plain reference builder.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

pub mod clickhouse;
pub mod process;
pub mod proxy;
pub mod tape;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use streamkit::{
    app::{
        collect::{self, Board, CollectError, Collector, Emit, Event, Limits, Settings, Summary},
        supervise::Supervisor,
    },
    domain::{
        bar::Bar,
        reference::Reference,
        row::{BarRow, GapRow},
        symbol::Symbol,
        threshold::Threshold,
        trade::Trade,
    },
    exchange::{
        binance::{self, Binance},
        sim::{Config, Server},
        socket::SocketSettings,
    },
    store::{
        self, StoreOptions,
        address::StoreAddress,
        sink::{BarQuery, GapQuery, Store},
    },
};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// No step of a test may take longer. It is far above what is needed, for slow machines.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// `STREAMKIT_SOAK`: 0 in the short form, else how many times the long one.
pub fn soak() -> u64 {
    std::env::var("STREAMKIT_SOAK").map_or(0, |times| times.parse().unwrap_or(1).max(1))
}

/// The exchange's name in these tests.
pub const EXCHANGE: &str = "sim";

/// A threshold of that many decimal basis points.
pub fn dbps(value: u32) -> Threshold {
    Threshold::new(value).expect("a valid threshold")
}

/// A symbol.
pub fn symbol(name: &str) -> Symbol {
    name.parse().expect("a valid symbol")
}

/// The defaults, some fifty times shorter.
pub fn short_limits() -> Limits {
    Limits {
        commit_interval: Duration::from_millis(10),
        silence_min: Duration::from_millis(200),
        silence_max: Duration::from_millis(1200),
        silence_grace: Duration::from_millis(60),
        reconnect_min: Duration::from_millis(20),
        reconnect_max: Duration::from_millis(400),
        fetch_retry_min: Duration::from_millis(20),
        fetch_retry_max: Duration::from_millis(300),
        absence_interval: Duration::from_millis(100),
        unconfirmed_after: Duration::from_millis(200),
        reset_interval: Duration::from_millis(300),
        batch_age: Duration::from_millis(50),
        delivery_retry_min: Duration::from_millis(20),
        delivery_retry_max: Duration::from_millis(300),
        breaker_open: Duration::from_millis(1200),
        delivery_lease: Duration::from_millis(600),
        seal_delay: Duration::from_millis(50),
        seal_interval: Duration::from_millis(500),
        seal_retry_min: Duration::from_millis(50),
        seal_retry_max: Duration::from_millis(500),
        seal_patience: Duration::from_secs(1),
        ..Limits::default()
    }
}

/// A sim exchange and directories for one test.
pub struct Rig {
    pub server: Server,
    pub directory: TempDir,
    pub store_address: StoreAddress,
    pub store_options: StoreOptions,
    pub settings: Settings,
    pub binance: binance::Settings,
}

impl Rig {
    /// Starts the exchange; nothing is collected yet.
    pub async fn start(config: Config) -> Self {
        // The collector's pings are scaled down like everything else.
        let config = Config {
            client_message_limit: 1000,
            ..config
        };
        let directory = tempfile::tempdir().expect("a directory");
        let symbols = config.symbols.iter().map(|name| symbol(name)).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(config, address).await.expect("a sim");
        let store_address = StoreAddress::Sqlite(directory.path().join("store.sqlite"));
        let settings = Settings {
            collector: "test".to_owned(),
            limits: short_limits(),
            ..Settings::new(symbols, vec![dbps(25), dbps(100), dbps(250)])
        };
        let binance = binance::Settings {
            name: EXCHANGE.to_owned(),
            ws_urls: vec![server.ws_url().parse().expect("a URL")],
            rest_urls: vec![server.rest_url().parse().expect("a URL")],
            socket: SocketSettings {
                connect_deadline: Duration::from_millis(500),
                ping_interval: Duration::from_millis(300),
                pong_deadline: Duration::from_millis(200),
                ..SocketSettings::default()
            },
            connect_deadline: Duration::from_millis(500),
            request_deadline: Duration::from_millis(500),
            ..binance::Settings::default()
        };
        Self {
            server,
            directory,
            store_address,
            store_options: StoreOptions::default(),
            settings,
            binance,
        }
    }

    pub fn state_dir(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// The file of the store.
    pub fn store_path(&self) -> PathBuf {
        self.directory.path().join("store.sqlite")
    }

    /// The texts of the rows of events with a code.
    pub fn event_texts(&self, code: &str) -> Vec<String> {
        let database = rusqlite::Connection::open(self.store_path()).expect("a database");
        let mut statement = database
            .prepare("SELECT text FROM events WHERE code = ?1")
            .expect("a query");
        let texts = statement
            .query_map([code], |row| row.get(0))
            .expect("events");
        texts.map(|text| text.expect("a text")).collect()
    }

    /// Opens the store.
    pub fn store(&self) -> Arc<dyn Store> {
        store::open(&self.store_address, self.store_options).expect("a store")
    }

    /// Starts collecting with the present settings.
    pub fn collect(&self) -> Running {
        let events = Arc::new(Mutex::new(Vec::new()));
        let times = Arc::new(Mutex::new(Vec::new()));
        let emit = {
            let (events, times) = (Arc::clone(&events), Arc::clone(&times));
            Emit::new(move |event| {
                eprintln!(
                    "{} {event}",
                    event.symbol().map_or("", |symbol| symbol.as_str())
                );
                let mut events = events.lock().expect("not poisoned");
                events.push(event.clone());
                times.lock().expect("not poisoned").push(Instant::now());
            })
        };
        let stop = CancellationToken::new();
        let source = Binance::new(self.binance.clone()).expect("an adapter");
        let settings = self.settings.clone();
        let collector = Collector::new(
            settings,
            Arc::new(source),
            self.store(),
            self.state_dir(),
            emit,
        );
        let (board, supervisor) = (collector.board.clone(), collector.supervisor.clone());
        let task = tokio::spawn(collect::run(collector, stop.clone()));
        Running {
            supervisor,
            board,
            events,
            times,
            stop,
            task,
        }
    }

    /// The tape from the trade `first_id` to `last_id`.
    pub fn tape(&self, symbol: &Symbol, first_id: i64, last_id: i64) -> Vec<Trade> {
        let count = u64::try_from(last_id - first_id + 1).expect("a range");
        let trades = self.server.tape().trades(symbol.as_str(), first_id, count);
        trades
            .expect("a tape")
            .iter()
            .map(tape::domain_trade)
            .collect()
    }

    /// The bars that the reference makes of the tape, from the trade `first_id` to `last_id`.
    pub fn expected(&self, symbol: &Symbol, threshold: Threshold, ids: (i64, i64)) -> Vec<Bar> {
        let mut reference = Reference::new(threshold, self.settings.anchor, true);
        let tape = self.tape(symbol, ids.0, ids.1);
        tape.iter()
            .flat_map(|trade| reference.push(trade))
            .collect()
    }

    /// The stored bars of a series.
    pub async fn stored(&self, symbol: &Symbol, threshold: Threshold) -> Vec<BarRow> {
        let query = BarQuery {
            exchange: Some(EXCHANGE.to_owned()),
            symbols: vec![symbol.clone()],
            thresholds: vec![threshold],
            anchor: Some(self.settings.anchor),
            ..BarQuery::default()
        };
        let mut rows = Vec::new();
        self.store()
            .bars(&query, &mut |more| {
                rows.extend(more);
                Ok(())
            })
            .await
            .expect("a readable store");
        rows
    }

    /// The stored gaps.
    pub async fn gaps(&self) -> Vec<GapRow> {
        self.store()
            .gaps(&GapQuery::default())
            .await
            .expect("a readable store")
    }

    /// Asserts that each series holds exactly the bars that the reference makes of the
    /// trades that were taken.
    pub async fn assert_exact(&self, summary: &Summary) {
        assert_eq!(summary.spool.rows, 0, "everything is delivered");
        for shown in &summary.shown.symbols {
            for &threshold in &self.settings.thresholds {
                let first_id = self
                    .server
                    .tape()
                    .first_id(shown.symbol.as_str())
                    .expect("a tape")
                    .expect("a trade");
                let expected =
                    self.expected(&shown.symbol, threshold, (first_id, shown.next_id - 1));
                let stored: Vec<Bar> = self
                    .stored(&shown.symbol, threshold)
                    .await
                    .into_iter()
                    .map(|row| row.bar)
                    .collect();
                assert!(
                    !expected.is_empty(),
                    "{} {threshold} makes bars",
                    shown.symbol
                );
                assert_eq!(
                    stored.len(),
                    expected.len(),
                    "bars of {} {threshold} up to trade {}",
                    shown.symbol,
                    shown.next_id - 1
                );
                for (stored, expected) in stored.iter().zip(&expected) {
                    assert_eq!(stored, expected);
                }
            }
        }
    }
}

/// A collector at work.
pub struct Running {
    pub supervisor: Supervisor,
    pub board: Board,
    pub events: Arc<Mutex<Vec<Event>>>,
    /// When each of them came.
    pub times: Arc<Mutex<Vec<Instant>>>,
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<Summary, CollectError>>,
}

impl Running {
    /// Waits until so many trades of each symbol were taken.
    pub async fn until_taken(&self, trades: u64) {
        self.until("the trades to be taken", |shown| {
            shown.symbols.iter().all(|symbol| symbol.trades >= trades)
        })
        .await;
    }

    /// Waits until every symbol has passed so many ids of its tape, absent ones included.
    pub async fn until_reached(&self, ids: i64) {
        self.until("the ids to be passed", |shown| {
            let mut symbols = shown.symbols.iter();
            symbols.all(|symbol| symbol.next_id - symbol.first_id >= ids)
        })
        .await;
    }

    /// Waits until the board shows something.
    pub async fn until(
        &self,
        what: &str,
        condition: impl FnMut(&collect::snapshot::Shown) -> bool,
    ) {
        if tokio::time::timeout(PATIENCE, self.board.wait_until(condition))
            .await
            .is_err()
        {
            panic!("waited for {what} in vain: {:#?}", self.board.read());
        }
    }

    /// Waits until two connections stand, and have each brought trades.
    pub async fn until_two_links(&self) {
        self.until("two connections that carry trades", |shown| {
            let links = shown.connections.iter();
            links
                .filter(|link| link.up_since_us.is_some() && link.messages > 500)
                .count()
                == 2
        })
        .await;
    }

    /// Waits until `count` more trades of each symbol were taken.
    pub async fn until_more(&self, count: u64) {
        let before: Vec<u64> = self
            .board
            .read()
            .symbols
            .iter()
            .map(|symbol| symbol.trades)
            .collect();
        self.until("more trades", |shown| {
            shown
                .symbols
                .iter()
                .zip(&before)
                .all(|(now, before)| now.trades >= before + count)
        })
        .await;
    }

    /// Waits until an event with this code has come.
    pub async fn until_event(&self, code: &str) {
        self.until_events(code, 1, PATIENCE).await;
    }

    /// Waits until so many events with a code have come.
    pub async fn until_events(&self, code: &str, count: usize, patience: Duration) {
        // The board changes with every tick of a session, and so wakes this up.
        let waiting = self.board.wait_until(|_| self.count(code) >= count);
        let has_come = tokio::time::timeout(patience, waiting).await.is_ok();
        assert!(
            has_come,
            "waited for {count} events {code} in vain: {:#?}",
            self.board.read()
        );
    }

    /// When the newest event with this code came.
    pub fn last(&self, code: &str) -> Option<Instant> {
        let events = self.events.lock().expect("not poisoned");
        let place = events.iter().rposition(|event| event.code() == code)?;
        Some(self.times.lock().expect("not poisoned")[place])
    }

    /// How many events had this code.
    pub fn count(&self, code: &str) -> usize {
        self.events
            .lock()
            .expect("not poisoned")
            .iter()
            .filter(|e| e.code() == code)
            .count()
    }

    /// Stops gracefully.
    pub async fn stop(self) -> Result<Summary, CollectError> {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("it stops")
            .expect("no panic")
    }
}
