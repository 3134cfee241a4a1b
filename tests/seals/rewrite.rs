//! Whoever writes bars of a sealed period again takes the seal back first, and dies where he
//! likes.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::Path,
    sync::{Arc, OnceLock},
};

use rusqlite::Connection;
use streamkit::{
    domain::crash::{CrashPoint, CrashPoints},
    exchange::sim::{Config, Rate},
};

use crate::{
    common::Rig,
    scene::{DAYS, FIRST_DAY, Place, Scene},
};

const KILLED: Option<i32> = Some(9);
const DAY_US: i64 = 86_400_000_000;

/// Takes what was collected after the second day out of a store, seals and all, and the
/// journal: the second day, which is sealed, is gone over again.
fn forget(scene: &Scene, place: &Place, name: &str) {
    let path = scene.directory.path().join(format!("{name}.sqlite"));
    let database = Connection::open(path).expect("a database");
    let from_us = (FIRST_DAY + 2) * DAY_US;
    for sql in [
        "DELETE FROM bars WHERE open_time >= ?1",
        "DELETE FROM seals WHERE period_start >= ?1",
    ] {
        database.execute(sql, [from_us]).expect("deleted");
    }
    remove(place.state_dir());
}

fn remove(directory: &Path) {
    std::fs::remove_dir_all(directory).expect("a journal");
}

fn collected(scene: &Scene, name: &str) -> Place {
    let place = scene.sqlite(name);
    let mut collector = scene.collect(&place, &[]);
    place.until_sealed(&[0, 1, 2]);
    collector.terminate();
    assert!(collector.wait().success());
    place
}

#[test]
fn a_lost_journal_goes_over_a_sealed_day_which_is_sealed_again_when_the_rows_are_equal() {
    assert_eq!(DAYS, 3);
    let scene = Scene::new(31);
    let place = collected(&scene, "a");
    let before = place.seals();
    forget(&scene, &place, "a");
    assert_eq!(place.sealed(), [0, 1]);
    let mut collector = scene.collect(&place, &[]);
    place.until("newer seals", |place| {
        let seals = place.seals();
        seals.len() == 3 && seals[1].version > before[1].version
    });
    collector.terminate();
    assert!(collector.wait().success());
    let after = place.seals();
    assert_eq!(
        after[0], before[0],
        "nobody has written the first day again"
    );
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.digests, after.digests);
    }
    let (verified, code) = scene.verify(&place, &[]);
    assert_eq!(code, Some(0), "{verified:#}");
}

#[test]
fn a_crash_between_unsealing_and_rewriting_leaves_no_seal_over_rows_that_nobody_checked() {
    let scene = Scene::new(32);
    let place = collected(&scene, "a");
    for point in ["unsealed", "bars-written"] {
        forget(&scene, &place, "a");
        assert_eq!(place.sealed(), [0, 1]);
        let mut collector = scene.collect(&place, &["--crash-at", point]);
        assert_eq!(collector.wait().signal(), KILLED, "{point}");
        assert_eq!(place.sealed(), [0], "died at {point}");
        let mut collector = scene.collect(&place, &[]);
        place.until_sealed(&[0, 1, 2]);
        collector.terminate();
        assert!(collector.wait().success());
        let (verified, code) = scene.verify(&place, &[]);
        assert_eq!(code, Some(0), "{verified:#}");
    }
}

/// A seal of a day that covers everything, as somebody else would write it.
const SEAL: &str = "INSERT INTO seals VALUES ('sim', 'BTCUSDT', 'day', ?1, 0, 9000000000000, 1, \
                    '1.00000000', '{\"25\":\"v1:aa\"}', 1, 1, 0)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seal_that_is_made_while_bars_are_written_does_not_outlive_their_confirmation() {
    let config = Config {
        symbols: vec!["BTCUSDT".to_owned()],
        rate: Rate::PerSecond(1000.0),
        history: Some(1000),
        trades_per_day: Some(1_000_000),
        day: Some(jiff::civil::date(2025, 1, 1)),
        ..Config::default()
    };
    let mut rig = Rig::start(config).await;
    let path = rig.store_path();
    // What became of the seal by the time that the batch counted as delivered.
    let seals_left = Arc::new(OnceLock::new());
    let (left, is_sealed) = (Arc::clone(&seals_left), OnceLock::new());
    rig.settings.crash = CrashPoints::armed(move |point| {
        let is_interesting = matches!(point, CrashPoint::BarsWritten | CrashPoint::StoreConfirmed);
        if !is_interesting || left.get().is_some() {
            return;
        }
        let database = Connection::open(&path).expect("a database");
        if point == CrashPoint::BarsWritten {
            is_sealed.get_or_init(|| {
                database
                    .execute(SEAL, [FIRST_DAY * DAY_US])
                    .expect("sealed")
            });
        } else if is_sealed.get().is_some() {
            let sql = "SELECT count(*) FROM seals WHERE is_deleted = 0";
            let count: i64 = database
                .query_row(sql, [], |row| row.get(0))
                .expect("seals");
            let _ = left.set(count);
        }
    });
    let running = rig.collect();
    running.until_event("period.unsealed").await;
    running
        .until("a confirmed batch", |_| seals_left.get().is_some())
        .await;
    assert_eq!(seals_left.get(), Some(&0));
    running.stop().await.expect("a graceful stop");
    rig.server.stop().await;
}
