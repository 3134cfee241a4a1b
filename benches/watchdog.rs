//! A routine look of the watchdog at a ClickHouse with 10 million bars of 500 symbols, against
//! the round trip of `SELECT 1` by the same client.
//!
//! `scripts/with-clickhouse cargo bench --bench watchdog`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

mod interleave;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use interleave::{race, wall_time};
use streamkit::{
    app::{
        clock::Clock,
        watchdog::{Action, Patience, Settings, StoredHealth, Watchdog},
    },
    domain::{
        breaker::BreakerState,
        freshness, restart_policy,
        row::{HealthRow, StreamState},
        threshold::Threshold,
    },
    store::{StoreOptions, open, sink::Store},
};
use tokio::runtime::Runtime;

const SYMBOLS: usize = 500;
const BARS: u64 = 10_000_000;
/// Looks, or round trips, in a round.
const TIMES: usize = 40;
const ROUNDS: usize = 15;
/// A look may take so many round trips.
const MOST_TIMES: f64 = 10.0;

fn health(number: usize, now_us: i64) -> HealthRow {
    let thresholds = [250, 500, 750, 1000];
    let newest = thresholds.map(|dbps| (Threshold::new(dbps).expect("a threshold"), now_us));
    HealthRow {
        collector: "bench".to_owned(),
        exchange: "sim".into(),
        symbol: format!("S{number}USDT").parse().expect("a symbol"),
        state: StreamState::Live,
        last_agg_trade_id: Some(1_000_000),
        last_trade_time_us: Some(now_us),
        received_at_us: Some(now_us),
        newest_bars: BTreeMap::from(newest),
        spool_rows: 0,
        breaker: BreakerState::Closed,
        interval_us: 10_000_000,
        heartbeat_at_us: now_us,
    }
}

/// A database with bars and one row of health a symbol.
async fn fill(client: &clickhouse::Client, store: &dyn Store, clock: &Clock) {
    store.create_schema().await.expect("a schema");
    let bars = format!(
        "INSERT INTO bars (exchange, symbol, threshold_decimal_bps, anchor, \
         first_agg_trade_id, last_agg_trade_id, open_time, close_time, version) \
         SELECT 'sim', concat('S', toString(number % {SYMBOLS}), 'USDT'), 250, 'day', \
         number, number, fromUnixTimestamp64Micro(toInt64(1756728000000000 + number)), \
         fromUnixTimestamp64Micro(toInt64(1756728000000001 + number)), 1 \
         FROM numbers({BARS})"
    );
    client.query_raw(&bars).execute().await.expect("bars");
    let rows: Vec<_> = (0..SYMBOLS)
        .map(|number| health(number, clock.wall_us()))
        .collect();
    store.put_health(&rows).await.expect("health");
}

fn timed(runtime: &Runtime, work: impl AsyncFn()) -> Duration {
    let begun = wall_time();
    runtime.block_on(async {
        for _ in 0..TIMES {
            work().await;
        }
    });
    wall_time().saturating_sub(begun)
}

fn main() {
    let Ok(url) = std::env::var("CLICKHOUSE_URL") else {
        println!("skipped: CLICKHOUSE_URL is not set (see scripts/with-clickhouse)");
        return;
    };
    let (runtime, clock) = (Runtime::new().expect("a runtime"), Clock::system());
    let database = format!("bench_watchdog_{}", std::process::id());
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let address = format!("clickhouse://default@{host}/{database}");
    let address = address.parse().expect("an address");
    let store = open(&address, StoreOptions::default()).expect("a store");
    let bare = clickhouse::Client::default().with_url(&url);
    let client = bare.clone().with_database(&database);
    runtime.block_on(fill(&client, &*store, &clock));
    let watchdog = Watchdog {
        settings: Settings {
            wanted: Vec::new(),
            limits: freshness::Limits::default(),
            overrides: BTreeMap::new(),
            budget: restart_policy::Limits::UNIT,
            is_dry_run: false,
            patience: Patience::default(),
        },
        clock: clock.clone(),
        database: Arc::new(StoredHealth::new(
            Arc::clone(&store),
            clock.clone(),
            None,
            "bench".to_owned(),
        )),
        journal: None,
        exchange: None,
        unit: None,
    };
    println!("{BARS} bars of {SYMBOLS} symbols; ratio of the speeds min / median / max");
    let ratio = race(
        "a routine look",
        ("look", || {
            // As fresh as by a collector that works.
            let rows: Vec<_> = (0..SYMBOLS)
                .map(|number| health(number, clock.wall_us()))
                .collect();
            runtime.block_on(store.put_health(&rows)).expect("health");
            timed(&runtime, async || {
                let outcome = watchdog.run(None).await;
                assert_eq!(outcome.symbols.len(), SYMBOLS);
                assert_eq!(outcome.action, Action::NotNeeded);
            })
        }),
        ("SELECT 1", || {
            timed(&runtime, async || store.ping().await.expect("an answer"))
        }),
        TIMES,
        ROUNDS,
    );
    let sql = format!("DROP DATABASE IF EXISTS {database} SYNC");
    runtime
        .block_on(bare.query_raw(&sql).execute())
        .expect("dropped");
    let times = 1.0 / ratio.median;
    let word = if times <= MOST_TIMES { "met" } else { "MISSED" };
    println!(
        "a look takes {:.1} / {times:.1} / {:.1} round trips; target at most {MOST_TIMES}: {word}",
        1.0 / ratio.max,
        1.0 / ratio.min
    );
}
