//! The heartbeat in the store, while the server is away.

use std::time::Duration;

use streamkit::{
    domain::{
        breaker::BreakerState,
        row::{HealthRow, StreamState},
    },
    store::sink::HealthQuery,
};
use tokio::time::{sleep, timeout};

use crate::{
    common::{PATIENCE, Running, clickhouse::OwnClickHouse},
    scene::{DUPLICATES_FINAL, Scene},
};

/// How often the rows are looked at.
const LOOK: Duration = Duration::from_millis(40);

/// The rows, once `is_so` of all of them.
async fn until(scene: &Scene, what: &str, is_so: impl Fn(&HealthRow) -> bool) -> Vec<HealthRow> {
    let store = scene.rig.store();
    let waiting = async {
        loop {
            let rows = store.health(&HealthQuery::default()).await;
            match rows {
                Ok(rows) if rows.len() == 2 && rows.iter().all(&is_so) => return rows,
                _ => sleep(LOOK).await,
            }
        }
    };
    let rows = timeout(PATIENCE, waiting).await;
    rows.unwrap_or_else(|_| panic!("waited for {what} in vain"))
}

fn turns(running: &Running) -> u64 {
    let statuses = running.supervisor.statuses();
    let heartbeat = statuses.iter().find(|task| &*task.name == "heartbeat");
    heartbeat.expect("a task").turns
}

/// A server that takes connections and says nothing, and then one that is gone: nothing is
/// restarted for it, and the rows go on when it does.
#[tokio::test]
async fn a_server_that_freezes_or_dies_stops_the_rows_and_nothing_else() {
    let Some(mut server) = OwnClickHouse::start().await else {
        return;
    };
    let mut scene = Scene::new("heartbeat", &server.url(), &server.url()).await;
    let limits = &mut scene.rig.settings.limits;
    limits.health_interval = Duration::from_millis(200);
    limits.health_timeout = Duration::from_millis(500);
    let running = scene.rig.collect();
    for (round, is_frozen) in [true, false].into_iter().enumerate() {
        let before = until(&scene, "rows", |row| {
            row.state == StreamState::Live && row.breaker == BreakerState::Closed
        })
        .await;
        let (taken, published) = (turns(&running), running.board.read().sink.published);
        if is_frozen {
            server.freeze();
        } else {
            server.kill();
        }
        let code = |code: &str| running.count(code);
        let told = |shown: u64| shown > 0 && code("health.not_written") == round + 1;
        running
            .until("the failure to be told", |shown| told(shown.totals.commits))
            .await;
        let is_open = |shown: &streamkit::app::collect::snapshot::Shown| {
            shown.sink.breaker == BreakerState::Open
        };
        running.until("the breaker to open", is_open).await;
        running
            .until("turns", |_| turns(&running) > taken + 5)
            .await;
        if is_frozen {
            server.thaw();
        } else {
            server.restart().await;
        }
        scene.until_delivered(&running).await;
        running
            .until("the rows to be written", |_| {
                code("health.written") == round + 1
            })
            .await;
        until(&scene, "later rows", |row| {
            row.heartbeat_at_us > before[0].heartbeat_at_us
                && row.last_agg_trade_id
                    > before[0].last_agg_trade_id.min(before[1].last_agg_trade_id)
        })
        .await;
        assert!(running.board.read().sink.published > published);
        // An outage is told of once, however long it lasts.
        assert_eq!(code("health.not_written"), round + 1);
    }
    assert_eq!(running.supervisor.restarts(), 0);
    assert_eq!(running.count("task.failed"), 0);

    let summary = running.stop().await.expect("a graceful stop");
    scene.rig.assert_exact(&summary).await;
    assert_eq!(scene.number(DUPLICATES_FINAL).await, 0);
    let ended = until(&scene, "the end", |row| row.state == StreamState::Ended).await;
    for (row, shown) in ended.iter().zip(&summary.shown.symbols) {
        assert_eq!(row.last_agg_trade_id, Some(shown.next_id - 1));
        assert_eq!(row.spool_rows, 0);
    }
    scene.leave().await;
}
