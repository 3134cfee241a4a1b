//! A sim exchange with an archive, stores, and what is expected of them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use jiff::civil::date;
use streamkit::{
    domain::{
        anchor::Anchor,
        bar::Bar,
        reference::Reference,
        row::{BarRead, BarRow, GapRow, GapState, Rows},
        tiling::IdRange,
        trade::Trade,
    },
    exchange::sim::{Config, Fault, FaultKind, Rate, Server},
    store::{
        self, StoreOptions,
        address::StoreAddress,
        sink::{BarQuery, Batch, GapQuery, Store},
    },
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::common::{
    clickhouse::{ask, clickhouse_url, fresh_database},
    dbps,
    process::{run, streamkit, text},
    tape::domain_trade,
};

/// 2025-01-05 in days since 1970.
pub const FIRST_DAY: i64 = 20_093;
/// Trades of a day.
pub const TRADES_PER_DAY: i64 = 4_000;
/// The first id of the first day.
pub const FIRST_ID: i64 = FIRST_DAY * TRADES_PER_DAY;
/// Three days are over, and half of the fourth.
pub const TRADES: i64 = 3 * TRADES_PER_DAY + TRADES_PER_DAY / 2;
pub const SYMBOL: &str = "BTCUSDT";
pub const THRESHOLDS: [u32; 4] = [100, 250, 500, 1000];

pub struct Scene {
    pub server: Server,
    pub directory: TempDir,
    /// The first day.
    since: String,
    first_id: i64,
    _runtime: Runtime,
}

/// One store.
pub struct Place {
    pub address: String,
    pub store: Arc<dyn Store>,
    runtime: Arc<Runtime>,
    /// Dropped at the end.
    database: Option<(String, String)>,
}

impl Scene {
    pub fn new(seed: u64) -> Self {
        Self::with(Config {
            seed,
            ..Config::default()
        })
    }

    pub fn with(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let config = Config {
            history: config.history.or(Some(TRADES as u64)),
            // So slow that nothing happens any more.
            rate: Rate::PerSecond(0.001),
            trades_per_day: config.trades_per_day.or(Some(TRADES_PER_DAY as u64)),
            day: config.day.or(Some(date(2025, 1, 5))),
            weight_limit: 10_000_000,
            ..config
        };
        let since = config.day.expect("a day");
        let days = date(1970, 1, 1).duration_until(since).as_hours() / 24;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = runtime.block_on(Server::start(config.clone(), address));
        Self {
            server: server.expect("a sim"),
            directory: tempfile::tempdir().expect("a directory"),
            since: since.to_string(),
            first_id: days * TRADES_PER_DAY,
            _runtime: runtime,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn sqlite(&self, name: &str) -> Place {
        let path = self.path(name);
        Place::new(format!("sqlite:{}", path.display()), None)
    }

    /// A store in the ClickHouse of the tests; none without one.
    pub fn clickhouse(name: &str) -> Option<Place> {
        let url = clickhouse_url()?;
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let database = fresh_database(name);
        let address = format!("clickhouse://{host}/{database}");
        Some(Place::new(address, Some((host.to_owned(), database))))
    }

    /// `streamkit` with these words, this store and this exchange.
    pub fn command(&self, place: &Place, words: &[&str]) -> Command {
        let mut command = streamkit();
        command
            .args(words)
            .args(["--store", &place.address, "--exchange", "sim"])
            .args(["--rest-url", &self.server.rest_url()])
            .env("HOME", self.directory.path())
            .env_remove("XDG_CACHE_HOME");
        command
    }

    /// A backfill of all days with all thresholds, and what else is to be said.
    pub fn backfill(&self, place: &Place, words: &[&str]) -> Output {
        let mut all = vec!["backfill", SYMBOL, "-t", "100,250,500,1000"];
        all.extend(["--weight-limit", "1000000", "--cooldown", "0s"]);
        if !words.contains(&"--from") && !words.contains(&"--from-file") {
            all.extend(["--since", &self.since]);
        }
        let archive = self.server.archive_url();
        all.extend(["--archive-url", &archive]);
        all.extend(words);
        run(&mut self.command(place, &all))
    }

    /// The same, which has to succeed. Returns what was told.
    pub fn backfilled(&self, place: &Place, words: &[&str]) -> String {
        let output = self.backfill(place, words);
        let told = text(&output.stderr);
        assert!(output.status.success(), "{words:?}: {told}");
        told
    }

    pub fn verify(&self, place: &Place) -> Output {
        run(&mut self.command(place, &["verify", SYMBOL]))
    }

    pub fn fault(&self, kind: FaultKind, times: Option<u64>) {
        let fault = Fault::new(kind);
        let fault = match times {
            Some(times) => fault.times(times),
            None => fault,
        };
        self.server.faults().add(fault).expect("a fault");
    }

    /// The trades of the tape.
    pub fn tape(&self) -> Vec<Trade> {
        let trades = self
            .server
            .tape()
            .trades(SYMBOL, self.first_id, TRADES as u64);
        trades.expect("trades").iter().map(domain_trade).collect()
    }

    /// The bars that the plain reference makes of all trades, by threshold.
    pub fn expected(&self, anchor: Anchor) -> BTreeMap<u32, Vec<Bar>> {
        let tape = self.tape();
        let bars = THRESHOLDS.map(|threshold| {
            let mut reference = Reference::new(dbps(threshold), anchor, true);
            let bars = tape.iter().flat_map(|trade| reference.push(trade));
            (threshold, bars.collect())
        });
        bars.into()
    }

    /// The stored bars are exactly those of the tape.
    pub fn assert_exact(&self, place: &Place) {
        self.assert_exact_with(place, Anchor::Day);
    }

    pub fn assert_exact_with(&self, place: &Place, anchor: Anchor) {
        let expected = self.expected(anchor);
        let mut stored: BTreeMap<u32, Vec<Bar>> = BTreeMap::new();
        for row in place.rows() {
            if row.anchor == anchor {
                let bars = stored.entry(row.bar.threshold.dbps()).or_default();
                bars.push(row.bar);
            }
        }
        for threshold in THRESHOLDS {
            let (stored, expected) = (&stored[&threshold], &expected[&threshold]);
            assert!(!expected.is_empty());
            let differs = stored.iter().zip(expected).position(|(a, b)| a != b);
            assert_eq!(
                differs,
                None,
                "{threshold} dbps: {:?}",
                differs.map(|at| &stored[at])
            );
            assert_eq!(stored.len(), expected.len(), "{threshold} dbps");
        }
        let verified = self.verify(place);
        assert!(verified.status.success(), "{}", text(&verified.stdout));
    }
}

impl Place {
    fn new(address: String, database: Option<(String, String)>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let parsed: StoreAddress = address.parse().expect("an address");
        let store = runtime.block_on(async {
            let store = store::open(&parsed, StoreOptions::default()).expect("a store");
            store.create_schema().await.expect("a schema");
            store
        });
        Self {
            address,
            store,
            runtime: Arc::new(runtime),
            database,
        }
    }

    /// All current bars.
    pub fn rows(&self) -> Vec<BarRow> {
        let mut rows = Vec::new();
        let query = BarQuery::default();
        let mut take = |read: Vec<BarRow>| {
            rows.extend(read);
            Ok(())
        };
        let read = self.store.bars(&query, &mut take);
        self.runtime.block_on(read).expect("bars");
        rows
    }

    /// The version of each row that can be read, by threshold and first id.
    pub fn versions(&self) -> BTreeMap<(u32, i64), u64> {
        let mut versions = BTreeMap::new();
        let query = BarQuery::default();
        let mut take = |read: Vec<BarRead>| {
            for stored in read.into_iter().flatten() {
                let bar = &stored.row.bar;
                let key = (bar.threshold.dbps(), bar.first_agg_trade_id);
                versions.insert(key, stored.row.version);
            }
            Ok(())
        };
        let read = self.store.stored_bars(&query, &mut take);
        self.runtime.block_on(read).expect("bars");
        versions
    }

    /// All gaps.
    pub fn gaps(&self) -> Vec<GapRow> {
        let query = GapQuery::default();
        let gaps = self.runtime.block_on(self.store.gaps(&query));
        gaps.expect("gaps")
    }

    /// A collector has found a gap, and nobody has repaired it since.
    pub fn open_gap(&self, ids: IdRange) {
        let known = self.gaps().into_iter();
        let same = known.filter(|gap| gap.first_id == ids.first_id);
        let version = same.map(|gap| gap.version + 1).max().unwrap_or(1);
        let gap = GapRow {
            exchange: "sim".into(),
            symbol: SYMBOL.parse().expect("a symbol"),
            first_id: ids.first_id,
            last_id: ids.last_id,
            found_at_us: 1,
            cause: "a test".to_owned(),
            state: GapState::Open,
            proof: String::new(),
            version,
        };
        let batch = Batch {
            token: format!("{}:{version}", ids.first_id),
            rows: Rows::Gaps(vec![gap]),
        };
        let inserted = self.runtime.block_on(self.store.insert(&batch));
        inserted.expect("inserted");
    }

    /// Changes rows behind the program's back.
    pub fn sql(&self, sqlite: &str, clickhouse: &str) {
        if let Some((host, database)) = &self.database {
            ask(host, database, clickhouse);
            return;
        }
        let path = self.address.trim_start_matches("sqlite:");
        let database = rusqlite::Connection::open(Path::new(path)).expect("a database");
        let changed = database.execute(sqlite, []).expect(sqlite);
        assert!(changed > 0, "{sqlite}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((host, database)) = &self.database {
            ask(host, "default", &format!("DROP DATABASE {database}"));
        }
    }
}
