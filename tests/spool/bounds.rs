//! A spool that is full, and a disk that is.

use std::time::Duration;

use crate::scene::{Collecting, Scene, until};

#[test]
fn a_full_disk_stops_a_collector_only_until_there_is_room() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let limits = [
        "--breaker-open",
        "300ms",
        "--retry-min",
        "50ms",
        "--retry-max",
        "300ms",
    ];
    let full = [
        &limits[..],
        &["--journal-max-pages", "150", "--record-trades"],
    ]
    .concat();
    let mut collecting = Collecting::with(&scene, &full);
    until("a commit to fail", || {
        scene.logs("database or disk is full; going on from the journal") > 2
    });
    assert!(collecting.process.0.try_wait().expect("a child").is_none());
    scene.place.heal("bars");
    until("the spool to drain", || {
        let list = scene.json(&["spool", "ls"], 0);
        scene.place.count("bars") > 50 && list["totals"]["rows"].as_i64() < Some(50)
    });
    let before = scene.place.count("bars");
    until("more bars", || scene.place.count("bars") > before + 20);
    collecting.judge(&scene);
}

/// What was taken and not committed is not lost: the next start fetches it again.
#[test]
fn a_stop_while_the_disk_is_full_is_quick_clear_and_loses_nothing() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let limits = ["--retry-min", "50ms", "--retry-max", "300ms"];
    let full = ["--journal-max-pages", "150", "--record-trades"];
    let mut collecting = Collecting::with(&scene, &[&limits[..], &full].concat());
    until("a commit to fail", || {
        scene.logs("database or disk is full; going on from the journal") > 2
    });
    collecting.process.terminate();
    let status = collecting.process.wait_for(Duration::from_secs(10));
    assert_eq!(status.code(), Some(75), "try again later");
    assert_eq!(scene.logs("commit what was taken before the stop"), 1);
    assert_eq!(scene.logs("hint: make room on the disk"), 1);
    scene.place.heal("bars");
    collecting.process = Collecting::process(&scene, &collecting.sim, &["--record-trades"]);
    until("bars", || scene.place.count("bars") > 50);
    collecting.judge(&scene);
}

#[test]
fn a_spool_that_is_too_old_is_a_full_one() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let limits = ["--breaker-open", "300ms", "--spool-age", "1s"];
    let collecting = Collecting::with(&scene, &limits);
    until("consuming to stop", || scene.logs("spool is full") > 0);
    scene.place.heal("bars");
    until("consuming to go on", || scene.logs("consuming again") > 0);
    collecting.judge(&scene);
}
