//! A collector, a ClickHouse, and somebody who watches the table all the time.

use std::time::Duration;

use streamkit::{
    app::clock::Clock,
    domain::breaker::BreakerState,
    exchange::sim::{Config, Rate},
    store::{StoreOptions, clickhouse::ClickHouseOptions},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::common::{
    PATIENCE, Rig, Running,
    clickhouse::{clickhouse_address, fresh_database},
};

/// The store's patience in these tests, a hundred times shorter than the default.
const ANSWER: Duration = Duration::from_secs(1);
/// How long delivery may take to catch up, once the breaker has recovered.
const CATCH_UP: Duration = Duration::from_secs(5);
/// How often the table is looked at.
const LOOK: Duration = Duration::from_millis(40);

/// How often each series has a hole between its first bar and its last.
const HOLES: &str = "SELECT count() FROM (
    SELECT max(last_agg_trade_id) - min(first_agg_trade_id) + 1 AS span,
           sum(last_agg_trade_id - first_agg_trade_id + 1) AS total
    FROM bars FINAL GROUP BY exchange, symbol, threshold_decimal_bps, anchor
    HAVING span != total)";

/// Rows that are there more than once, merged or not.
pub const DUPLICATES: &str = "SELECT count() - uniqExact(exchange, symbol, threshold_decimal_bps, \
                          anchor, first_agg_trade_id) FROM bars";

/// The same among the rows that count.
pub const DUPLICATES_FINAL: &str = "SELECT count() - uniqExact(exchange, symbol, \
    threshold_decimal_bps, anchor, first_agg_trade_id) FROM bars FINAL";

/// Two symbols of 1000 trades a second each. A UTC day of their tape passes in three
/// seconds, and a month ends with the first, so that batches part.
pub fn busy() -> Config {
    Config {
        symbols: vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()],
        rate: Rate::PerSecond(1000.0),
        history: Some(1000),
        trades_per_day: Some(3000),
        day: Some(jiff::civil::date(2026, 1, 31)),
        ..Config::default()
    }
}

pub struct Scene {
    pub rig: Rig,
    /// A way to the server past any proxy.
    pub direct: clickhouse::Client,
    database: String,
}

impl Scene {
    /// An exchange with [`busy`] symbols and an empty database on the server at `direct`,
    /// which the collector reaches by way of `url`. Rows that come twice stay apart,
    /// because nothing is merged.
    pub async fn new(test: &str, direct: &str, url: &str) -> Self {
        let scene = Self::with(busy(), test, direct, url).await;
        scene.execute("SYSTEM STOP MERGES bars").await;
        scene
    }

    /// The same with other symbols, and merges.
    pub async fn with(config: Config, test: &str, direct: &str, url: &str) -> Self {
        let database = fresh_database(test);
        let mut rig = Rig::start(config).await;
        rig.store_address = clickhouse_address(url, "default", &database);
        // Only what is tested has short limits: a slow machine may take its time before.
        rig.store().create_schema().await.expect("a schema");
        rig.store_options = StoreOptions {
            clickhouse: ClickHouseOptions {
                connect_timeout: ANSWER,
                send_timeout: ANSWER,
                answer_timeout: ANSWER,
                insert_timeout: 2 * ANSWER,
                query_timeout: PATIENCE,
            },
            ..StoreOptions::default()
        };
        // What strikes inserts is to strike those of batches.
        rig.settings.limits.health_interval = Duration::from_secs(3600);
        let direct = clickhouse::Client::default()
            .with_url(direct)
            .with_database(&database);
        Self {
            rig,
            direct,
            database,
        }
    }

    /// Gives the server as long as a test may take, so that whatever fails has failed for
    /// another reason than a slow machine.
    pub fn be_patient(&mut self) {
        let options = &mut self.rig.store_options.clickhouse;
        options.connect_timeout = PATIENCE;
        options.send_timeout = PATIENCE;
        options.answer_timeout = PATIENCE;
        options.insert_timeout = PATIENCE;
    }

    pub async fn execute(&self, sql: &str) {
        self.direct.query_raw(sql).execute().await.expect(sql);
    }

    pub async fn number(&self, sql: &str) -> i64 {
        let sql = format!("SELECT toInt64(*) FROM ({sql})");
        self.direct.query_raw(&sql).fetch_one().await.expect(&sql)
    }

    /// Watches the order in which bars become visible.
    pub fn watch(&self) -> Watch {
        let stop = CancellationToken::new();
        let (direct, stopped) = (self.direct.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let (mut looks, mut holes) = (0u64, 0u64);
            while !stopped.is_cancelled() {
                let asked = direct.query_raw(HOLES).fetch_one::<u64>();
                // A server that is down shows nothing.
                if let Ok(Ok(found)) = timeout(ANSWER, asked).await {
                    looks += 1;
                    holes += found;
                }
                sleep(LOOK).await;
            }
            (looks, holes)
        });
        Watch { stop, task }
    }

    /// Waits until the store is used again, and then until everything that was closed by now
    /// is delivered: no longer than delivery may take.
    pub async fn until_delivered(&self, running: &Running) {
        let now_us = Clock::system().wall_us();
        running
            .until("the breaker to recover", |shown| {
                shown.sink.failures == 0 && shown.sink.breaker == BreakerState::Closed
            })
            .await;
        let (begun, rows) = (Instant::now(), running.board.read().spool.rows);
        let is_delivered = running.board.wait_until(|shown| {
            shown.spool.rows == 0 || shown.spool.oldest_us.is_some_and(|oldest| oldest > now_us)
        });
        assert!(
            timeout(CATCH_UP, is_delivered).await.is_ok(),
            "not delivered within {CATCH_UP:?}: {:#?}",
            running.board.read()
        );
        eprintln!(
            "{rows} rows delivered {:?} after the recovery",
            begun.elapsed()
        );
    }

    /// Stops, and judges what is in the table. `is_strict` is for tests in which the server
    /// was not killed: no row was ever inserted twice then, not even one that merges away.
    pub async fn finish(self, running: Running, watch: Watch, is_strict: bool) {
        running.until_more(500).await;
        let summary = running.stop().await.expect("a graceful stop");
        let (looks, holes) = watch.end().await;
        assert!(looks > 10, "the table was looked at {looks} times");
        assert_eq!(holes, 0, "a bar was there before the one that it follows");
        self.rig.assert_exact(&summary).await;
        let duplicates = self.number(DUPLICATES).await;
        eprintln!("{looks} looks; {duplicates} rows are there twice");
        assert!(
            !is_strict || duplicates == 0,
            "{duplicates} rows came in twice"
        );
        assert_eq!(self.number(DUPLICATES_FINAL).await, 0);
        self.leave().await;
    }

    /// Removes what the test made. After a failed test it stays, to be looked at.
    pub async fn leave(self) {
        self.execute(&format!("DROP DATABASE {}", self.database))
            .await;
        self.rig.server.stop().await;
    }
}

pub struct Watch {
    stop: CancellationToken,
    task: JoinHandle<(u64, u64)>,
}

impl Watch {
    async fn end(self) -> (u64, u64) {
        self.stop.cancel();
        self.task.await.expect("the watch")
    }
}
