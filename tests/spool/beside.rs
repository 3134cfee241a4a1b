//! Commands beside a running collector.

use serde_json::Value;

use crate::{
    common::process::text,
    scene::{Collecting, Scene, until},
};

fn flushing_beside_a_collector(scene: &Scene) {
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let collecting = Collecting::start(scene);
    let waiting = || {
        let output = scene.run(&["spool", "ls", "-o", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        list["totals"]["rows"].as_i64().unwrap_or(0)
    };
    until("rows in the spool", || waiting() > 20);
    // Its breaker is open for an hour now; what is mended is delivered by hand.
    scene.json(&["spool", "flush", "--deadline", "5s"], 75);
    assert_eq!(scene.place.count("bars"), 0);
    scene.place.heal("bars");
    let flushed = scene.json(&["spool", "flush"], 0);
    let delivered = flushed["rows_delivered"].as_i64().expect("a number");
    assert!(delivered > 20, "{flushed}");
    assert!(scene.place.count("bars") > 20);
    collecting.judge(scene);
}

#[test]
fn what_waits_is_delivered_to_sqlite_beside_a_collector() {
    flushing_beside_a_collector(&Scene::sqlite());
}

#[test]
fn what_waits_is_delivered_to_clickhouse_beside_a_collector() {
    if let Some(scene) = Scene::clickhouse("beside") {
        flushing_beside_a_collector(&scene);
    }
}

#[test]
fn what_is_dropped_leaves_an_open_gap_in_the_store() {
    let scene = Scene::sqlite();
    scene.run(&["schema", "apply"]);
    scene.place.poison("bars", "first_agg_trade_id >= 0");
    let mut collecting = Collecting::start(&scene);
    let bars = || {
        let output = scene.run(&["spool", "ls", "-o", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let found = list["batches"].as_array().cloned().unwrap_or_default();
        found
            .into_iter()
            .find(|batch| batch["table"] == "bars" && batch["rows"].as_u64() > Some(2))
    };
    until("a batch of bars", || bars().is_some());
    collecting.process.terminate();
    assert!(collecting.process.wait().success());
    let batch = bars().expect("a batch");
    let id = batch["id"].to_string();
    let shown = scene.run(&["spool", "show", &id]);
    let first: Value =
        serde_json::from_str(text(&shown.stdout).lines().next().expect("a row")).expect("JSON");
    assert!(first["open"].is_string(), "decimals are strings: {first}");
    scene.json(&["spool", "drop", &id], 64);
    scene.json(&["spool", "drop", &id, "999999", "--yes"], 1);
    let dropped = scene.json(&["spool", "drop", &id, "--yes"], 0);
    assert_eq!(dropped["rows"], batch["rows"]);
    let gap = &dropped["gaps"][0];
    assert_eq!(gap["first_id"], first["first_agg_trade_id"]);
    scene.place.heal("bars");
    scene.json(&["spool", "flush"], 0);
    let noted = format!(
        "SELECT count(*) FROM gaps WHERE state = 'open' AND first_id = {} AND last_id = {}",
        gap["first_id"], gap["last_id"]
    );
    assert_eq!(scene.place.ask(&noted), 1);
    assert_eq!(scene.run(&["verify", "BTCUSDT"]).status.code(), Some(1));
}
