//! What was removed from the store can be written again.

use streamkit::exchange::sim::Config;

use crate::{
    common::clickhouse::clickhouse_url,
    scene::{Scene, busy},
};

/// Collects, takes rows out of the table, and collects the same tape again with a new
/// journal.
async fn remove_and_collect_again(test: &str, remove: &str) {
    let Some(url) = clickhouse_url() else { return };
    // One long day: a collector that knows nothing begins with the first trade.
    let config = Config {
        trades_per_day: Some(1_000_000),
        ..busy()
    };
    let scene = Scene::with(config, test, &url, &url).await;
    for round in 0..2 {
        let running = scene.rig.collect();
        running.until_taken(2500).await;
        let summary = running.stop().await.expect("a graceful stop");
        scene.rig.assert_exact(&summary).await;
        if round == 0 {
            let before = scene.number("SELECT count() FROM bars FINAL").await;
            scene.execute(remove).await;
            let left = scene.number("SELECT count() FROM bars FINAL").await;
            assert!(left < before, "{left} of {before} rows are left");
            std::fs::remove_dir_all(scene.rig.state_dir()).expect("a journal");
        }
    }
    scene.leave().await;
}

#[tokio::test]
async fn deleted_rows_come_back() {
    remove_and_collect_again("deleted", "DELETE FROM bars WHERE 1").await;
}

#[tokio::test]
async fn rows_that_a_mutation_deleted_come_back() {
    let sql = "ALTER TABLE bars DELETE WHERE first_agg_trade_id % 100 < 200 \
               SETTINGS mutations_sync = 2";
    remove_and_collect_again("mutated", sql).await;
}

#[tokio::test]
async fn deleted_partitions_come_back() {
    remove_and_collect_again("truncated", "TRUNCATE TABLE bars").await;
}

#[tokio::test]
async fn the_end_of_a_series_comes_back() {
    let sql = "DELETE FROM bars WHERE first_agg_trade_id > 1200";
    remove_and_collect_again("shortened", sql).await;
}

#[tokio::test]
async fn rows_under_tombstones_come_back() {
    let sql = "INSERT INTO bars SELECT * REPLACE (version + 1 AS version, 1 AS is_deleted) \
               FROM bars FINAL";
    remove_and_collect_again("tombstoned", sql).await;
}
