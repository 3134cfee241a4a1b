//! The server goes away, and comes back on the same data.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    common::{clickhouse::OwnClickHouse, soak},
    scene::Scene,
};

/// How the server goes.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Killed,
    Frozen,
}

/// How long each outage lasts: a second, longer than the longest pause between attempts,
/// and as long as real ones.
fn outages() -> Vec<Duration> {
    let mut outages = vec![1000, 2500];
    for _ in 0..soak() {
        outages.extend([30_000, 90_000]);
    }
    outages.into_iter().map(Duration::from_millis).collect()
}

/// The memory of this process, collector included.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// What an outage may add to the memory, however long it lasts.
const GROWTH_KIB: u64 = 48 << 10;

async fn go_through_outages(test: &str, how: How) {
    let Some(mut server) = OwnClickHouse::start().await else {
        return;
    };
    let scene = Scene::new(test, &server.url(), &server.url()).await;
    let running = scene.rig.collect();
    let watch = scene.watch();
    running.until_taken(2500).await;
    for outage in outages() {
        let delivered = running.board.read().sink.published;
        let until = Instant::now() + outage;
        let before_kib = resident_kib();
        match how {
            How::Killed => server.kill(),
            How::Frozen => server.freeze(),
        }
        running.until_event("delivery.failed").await;
        let mut most_kib = 0;
        while Instant::now() < until {
            sleep(Duration::from_millis(100).min(until - Instant::now())).await;
            most_kib = most_kib.max(resident_kib());
        }
        match how {
            How::Killed => server.restart().await,
            How::Frozen => server.thaw(),
        }
        eprintln!(
            "{outage:?}: {} rows in the spool, {} KiB more",
            running.board.read().spool.rows,
            most_kib.saturating_sub(before_kib)
        );
        scene.until_delivered(&running).await;
        assert!(running.board.read().sink.published > delivered);
        assert!(
            most_kib < before_kib + GROWTH_KIB,
            "from {before_kib} to {most_kib} KiB"
        );
        running.until_more(300).await;
    }
    scene.finish(running, watch, how == How::Frozen).await;
}

#[tokio::test]
async fn an_outage_of_a_killed_server_loses_nothing() {
    go_through_outages("killed", How::Killed).await;
}

#[tokio::test]
async fn an_outage_of_a_frozen_server_loses_nothing() {
    go_through_outages("frozen", How::Frozen).await;
}

/// Killed again and again, at moments that nothing announces.
#[tokio::test]
async fn an_outage_after_the_other_loses_nothing() {
    let Some(mut server) = OwnClickHouse::start().await else {
        return;
    };
    let scene = Scene::new("kills", &server.url(), &server.url()).await;
    let running = scene.rig.collect();
    let watch = scene.watch();
    running.until_taken(2500).await;
    for round in 0..3 + 50 * soak() {
        sleep(Duration::from_millis(137 + 61 * (round % 7))).await;
        server.kill();
        server.restart().await;
    }
    scene.until_delivered(&running).await;
    scene.finish(running, watch, false).await;
}
