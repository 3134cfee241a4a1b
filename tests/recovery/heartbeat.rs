//! What the store tells of a collector is true, and telling it disturbs nothing.

use std::time::Duration;

use streamkit::{
    app::supervise::TaskState,
    domain::{
        breaker::BreakerState,
        row::{HealthRow, StreamState},
    },
    store::sink::{BarQuery, HealthQuery},
};
use tokio::time::{sleep, timeout};

use super::*;
use crate::common::PATIENCE;

/// How often a collector here writes.
const INTERVAL: Duration = Duration::from_millis(50);
/// How often the rows are looked at.
const LOOK: Duration = Duration::from_millis(20);

async fn beating(config: Config) -> Rig {
    let mut rig = Rig::start(config).await;
    rig.settings.limits.health_interval = INTERVAL;
    rig
}

/// The rows, once `is_so` of all of them.
async fn until(rig: &Rig, what: &str, is_so: impl Fn(&HealthRow) -> bool) -> Vec<HealthRow> {
    let store = rig.store();
    let mut last = Vec::new();
    let waiting = async {
        loop {
            // There is no table before the collector has made it.
            if let Ok(rows) = store.health(&HealthQuery::default()).await {
                last.clone_from(&rows);
                if rows.len() == rig.settings.symbols.len() && rows.iter().all(&is_so) {
                    return rows;
                }
            }
            sleep(LOOK).await;
        }
    };
    let rows = timeout(PATIENCE, waiting).await.ok();
    rows.unwrap_or_else(|| panic!("waited for {what} in vain: {last:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_tells_how_each_symbol_is_and_where_it_ended() {
    let rig = beating(busy()).await;
    let running = rig.collect();
    let is_live = |row: &HealthRow| row.state == StreamState::Live;
    let first = until(&rig, "live symbols", is_live).await;
    running.until_more(500).await;
    let past = |rows: &[HealthRow], row: &HealthRow| {
        rows.iter().all(|before| {
            row.heartbeat_at_us > before.heartbeat_at_us
                && (row.symbol != before.symbol || row.last_agg_trade_id > before.last_agg_trade_id)
        })
    };
    let second = until(&rig, "later rows", |row| past(&first, row)).await;
    for row in &second {
        assert_eq!(
            (&*row.exchange, &*row.collector),
            (common::EXCHANGE, "test")
        );
        assert_eq!(row.interval_us, 50_000);
        assert_eq!(row.complaint(row.heartbeat_at_us + 150_000), None);
        assert!(row.complaint(row.heartbeat_at_us + 150_001).is_some());
        let received_us = row.received_at_us.expect("trades were taken");
        assert!(received_us <= row.heartbeat_at_us);
    }

    let summary = running.stop().await.expect("a graceful stop");
    let ended = rig.store().health(&HealthQuery::default()).await;
    let ended = ended.expect("health");
    for (row, shown) in ended.iter().zip(&summary.shown.symbols) {
        assert_eq!(row.symbol, shown.symbol);
        assert_eq!((row.state, row.spool_rows), (StreamState::Ended, 0));
        assert!(row.complaint(row.heartbeat_at_us).is_some());
        let last_id = shown.next_id - 1;
        assert_eq!(row.last_agg_trade_id, Some(last_id));
        let last = rig.tape(&row.symbol, last_id, last_id).remove(0);
        assert_eq!(row.last_trade_time_us, Some(last.time_us));
        for &threshold in &rig.settings.thresholds {
            let stored = rig.stored(&row.symbol, threshold).await;
            let newest = stored.last().map(|row| row.bar.close_time_us);
            assert_eq!(row.newest_bars.get(&threshold).copied(), newest);
        }
    }

    // A start does not forget what was known before, nor go back.
    let running = rig.collect();
    let again = until(&rig, "a new start", |row| row.state != StreamState::Ended).await;
    for (row, before) in again.iter().zip(&ended) {
        assert!(row.last_agg_trade_id >= before.last_agg_trade_id);
        assert!(row.last_trade_time_us >= before.last_trade_time_us);
        assert!(row.received_at_us >= before.received_at_us);
        assert_eq!(row.newest_bars.len(), before.newest_bars.len());
    }
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_that_is_quiet_is_told_from_a_stream_that_is_silent() {
    let rig = beating(ending(4000)).await;
    let running = rig.collect();
    let rows = until(&rig, "quiet", |row| row.state == StreamState::Quiet).await;
    let ids: Vec<_> = rows.iter().map(|row| row.last_agg_trade_id).collect();
    let later = |row: &HealthRow| row.heartbeat_at_us > rows[0].heartbeat_at_us;
    for (row, id) in until(&rig, "a later row", later).await.iter().zip(ids) {
        assert_eq!(row.last_agg_trade_id, id);
        assert!(row.state.is_well(), "{row:?}");
    }
    running.stop().await.expect("a graceful stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_nothing_is_told_of_once_and_nothing_is_restarted() {
    let mut rig = beating(busy()).await;
    rig.settings.limits.health_timeout = Duration::from_millis(300);
    rig.store_options.sqlite.busy_timeout = Duration::from_millis(50);
    let running = rig.collect();
    let before = until(&rig, "rows", |row| row.state == StreamState::Live).await;

    // Readers may read on; nobody else may write.
    let other = rusqlite::Connection::open(rig.store_path()).expect("the file");
    other.busy_timeout(PATIENCE).expect("set");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    running.until_event("health.not_written").await;
    let is_open = |shown: &Shown| shown.sink.breaker == BreakerState::Open;
    running.until("the breaker to open", is_open).await;
    let turns = |running: &Running| {
        let statuses = running.supervisor.statuses();
        let heartbeat = statuses.iter().find(|task| &*task.name == "heartbeat");
        heartbeat.expect("a task").turns
    };
    // It goes on looking whether it is time, and goes on failing now and then.
    let taken = turns(&running);
    running
        .until("turns", |_| turns(&running) > taken + 30)
        .await;
    assert_eq!(running.count("health.not_written"), 1);
    other.execute_batch("ROLLBACK").expect("the end");

    running.until_event("health.written").await;
    let is_later = |row: &HealthRow| {
        row.heartbeat_at_us > before[0].heartbeat_at_us && row.breaker == BreakerState::Closed
    };
    until(&rig, "rows again", is_later).await;
    assert_eq!(running.supervisor.restarts(), 0);
    assert_eq!(running.count("task.failed"), 0);
    finish(rig, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_panics_is_started_anew_and_beats_again() {
    let mut rig = beating(busy()).await;
    let limits = &mut rig.settings.limits;
    limits.tasks = streamkit::app::collect::Limits::default()
        .scaled(0.02)
        .tasks;
    limits.tasks.hang = Duration::from_secs(2);
    rig.settings.mischief = vec!["heartbeat:panic@5".parse().expect("a mischief")];
    let running = rig.collect();
    running.until_event("task.failed").await;
    let failed_us = rig.store().health(&HealthQuery::default()).await;
    let failed_us = failed_us.map_or(0, |rows| rows[0].heartbeat_at_us);
    until(&rig, "rows again", |row| row.heartbeat_at_us > failed_us).await;
    let statuses = running.supervisor.statuses();
    let heartbeat = statuses.iter().find(|task| &*task.name == "heartbeat");
    let heartbeat = heartbeat.expect("a task");
    assert_eq!(
        (heartbeat.state, heartbeat.restarts),
        (TaskState::Running, 1)
    );
    running.until_taken(3000).await;
    let query = BarQuery::default();
    assert!(!rig.store().series(&query).await.expect("series").is_empty());
    finish(rig, running).await;
}
