//! What is punched into a store by hand is found by `verify`, mended by `backfill`, and nothing
//! else is touched.

use std::collections::BTreeMap;

use serde_json::Value;
use streamkit::{
    domain::{anchor::Anchor, row::GapState, tiling::IdRange},
    exchange::sim::FaultKind,
};

use crate::{
    common::process::{run, text},
    scene::{FIRST_DAY, FIRST_ID, Place, SYMBOL, Scene, TRADES, TRADES_PER_DAY},
};

const DAY_US: i64 = 86_400_000_000;

/// Damages the store; returns in words what was done.
type Punch = fn(&Place) -> &'static str;

const PUNCHES: [Punch; 6] = [
    |place| {
        let first_id = nth(place, 250, 12);
        place.sql(
            &format!("DELETE FROM bars WHERE threshold_decimal_bps = 250 AND first_agg_trade_id = {first_id}"),
            &format!("DELETE FROM bars WHERE threshold_decimal_bps = 250 AND first_agg_trade_id = {first_id}"),
        );
        "one bar is gone"
    },
    |place| {
        let first_id = nth(place, 100, 40);
        place.sql(
            &format!("UPDATE bars SET first_agg_trade_id = first_agg_trade_id + 1 WHERE threshold_decimal_bps = 100 AND first_agg_trade_id = {first_id}"),
            // A key cannot be updated there: another row takes its place.
            &format!("INSERT INTO bars SELECT * REPLACE(first_agg_trade_id + 1 AS first_agg_trade_id) FROM (SELECT * FROM bars WHERE threshold_decimal_bps = 100 AND first_agg_trade_id = {first_id})"),
        );
        "a bar is shifted by an id"
    },
    |place| {
        let from_us = (FIRST_DAY + 1) * DAY_US + 10 * DAY_US / 24;
        let until_us = from_us + DAY_US / 24;
        place.sql(
            &format!("DELETE FROM bars WHERE open_time >= {from_us} AND open_time < {until_us}"),
            &format!("DELETE FROM bars WHERE toUnixTimestamp64Micro(open_time) >= {from_us} AND toUnixTimestamp64Micro(open_time) < {until_us}"),
        );
        "an hour is missing at all thresholds"
    },
    |place| {
        let first_id = nth(place, 500, 3);
        place.sql(
            &format!("UPDATE bars SET trade_count = trade_count + 1 WHERE threshold_decimal_bps = 500 AND first_agg_trade_id = {first_id}"),
            &format!("ALTER TABLE bars UPDATE trade_count = trade_count + 1 WHERE threshold_decimal_bps = 500 AND first_agg_trade_id = {first_id} SETTINGS mutations_sync = 2"),
        );
        "a figure is altered"
    },
    |place| {
        let first_id = nth(place, 250, 30);
        place.sql(
            &format!("UPDATE bars SET open_time = open_time + 3600000000 WHERE threshold_decimal_bps = 250 AND first_agg_trade_id = {first_id}"),
            &format!("INSERT INTO bars SELECT * REPLACE(open_time + INTERVAL 1 HOUR AS open_time, version + 1 AS version) FROM (SELECT * FROM bars FINAL WHERE threshold_decimal_bps = 250 AND first_agg_trade_id = {first_id})"),
        );
        "a bar is shifted by an hour"
    },
    |place| {
        let first_id = nth(place, 1000, 1);
        place.sql(
            &format!("UPDATE bars SET high = '1.00000000', low = '1.00000000' WHERE threshold_decimal_bps = 1000 AND first_agg_trade_id = {first_id}"),
            &format!("ALTER TABLE bars UPDATE high = 1, low = 1 WHERE threshold_decimal_bps = 1000 AND first_agg_trade_id = {first_id} SETTINGS mutations_sync = 2"),
        );
        "prices are altered"
    },
];

/// The first id of the n-th bar of a threshold.
fn nth(place: &Place, threshold: u32, n: usize) -> i64 {
    let versions = place.versions();
    let mut keys = versions.keys().filter(|(dbps, _)| *dbps == threshold);
    keys.nth(n).expect("a bar").1
}

/// By threshold and first id, how the rows of two moments differ.
fn changed(
    before: &BTreeMap<(u32, i64), u64>,
    after: &BTreeMap<(u32, i64), u64>,
) -> Vec<(u32, i64)> {
    let keys = after
        .iter()
        .filter(|(key, version)| before.get(*key) != Some(*version));
    keys.map(|(key, _)| *key).collect()
}

fn are_mended(scene: &Scene, place: &Place, punches: &[Punch]) {
    scene.backfilled(place, &[]);
    scene.assert_exact(place);
    for punch in punches {
        let whole = place.versions();
        let what = punch(place);
        let damaged = place.versions();
        let verified = scene.verify(place);
        assert_eq!(
            verified.status.code(),
            Some(1),
            "{what}: {}",
            text(&verified.stdout)
        );
        let plan = scene.backfill(place, &["--dry-run"]);
        let plan = text(&plan.stdout);
        assert!(
            plan.contains("2025-01-0") && plan.contains("dbps"),
            "{what}: {plan}"
        );
        assert!(plan.lines().all(|line| line.len() <= 80), "{plan}");
        assert_eq!(
            place.versions(),
            damaged,
            "{what}: a dry run writes nothing"
        );
        scene.backfilled(place, &[]);
        scene.assert_exact(place);
        let mended = place.versions();
        let rewritten = changed(&damaged, &mended);
        let lost = changed(&damaged, &whole);
        // Only what is damaged is written: a bar that was gone or wrong, and its neighbour if
        // nobody could tell which of two was the wrong one.
        assert_ne!(damaged, mended, "{what}");
        for key in &rewritten {
            let is_lost = lost.contains(key) || !damaged.contains_key(key);
            assert!(
                is_lost || rewritten.len() <= lost.len().max(2),
                "{what}: {key:?}"
            );
        }
        assert_eq!(whole.len(), mended.len(), "{what}");
    }
    // The same rows can be taken out and put in again and again.
    for _ in 0..2 {
        PUNCHES[2](place);
        scene.backfilled(place, &[]);
        scene.assert_exact(place);
    }
}

#[test]
fn holes_are_mended_and_nothing_else_is_written_in_sqlite() {
    let scene = Scene::new(11);
    are_mended(&scene, &scene.sqlite("holes"), &PUNCHES);
}

#[test]
fn holes_are_mended_and_nothing_else_is_written_in_clickhouse() {
    let scene = Scene::new(12);
    let Some(place) = Scene::clickhouse("backfill_holes") else {
        return;
    };
    // The rest differs in nothing that the store would notice.
    are_mended(&scene, &place, &[PUNCHES[1], PUNCHES[4]]);
}

#[test]
fn a_seal_that_does_not_say_what_the_trades_make_is_made_anew() {
    let scene = Scene::new(13);
    let place = scene.sqlite("seal");
    scene.backfilled(&place, &[]);
    let bars = place.versions();
    let alter = "UPDATE seals SET digests = replace(replace(digests, '1', '2'), 'a', 'b')";
    place.sql(alter, "");
    let verified = scene.verify(&place);
    assert_eq!(
        verified.status.code(),
        Some(1),
        "{}",
        text(&verified.stdout)
    );
    let told = scene.backfilled(&place, &[]);
    assert!(told.contains("2025-01-06: sealed"), "{told}");
    scene.assert_exact(&place);
    assert_eq!(place.versions(), bars, "no bar was wrong");
}

/// What a dry run foretells of the periods to be read, and the lines of the run behind it.
fn foretold(scene: &Scene, place: &Place, words: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let dry = scene.backfill(place, &[words, &["--dry-run", "-o", "json"]].concat());
    let plan: Value = serde_json::from_slice(&dry.stdout).expect("JSON");
    let periods = plan["plans"][0]["periods"].as_array().expect("periods");
    let read = periods.iter().filter(|period| period["state"] == "read");
    let read = read.cloned().collect();
    let done = scene.backfill(place, &[words, &["-o", "json"]].concat());
    let lines = text(&done.stdout);
    assert!(done.status.success(), "{}{lines}", text(&done.stderr));
    let lines = lines.lines().map(serde_json::from_str);
    (read, lines.collect::<Result<_, _>>().expect("JSON"))
}

/// How many files of the archive were taken, and how many trades were read.
fn taken(lines: &[Value]) -> (usize, &Value) {
    let files = lines
        .iter()
        .filter(|line| line["event"] == "archive.fetched");
    (files.count(), &lines.last().expect("a line")["trades_done"])
}

#[test]
fn a_dry_run_foretells_the_source_and_the_trades_of_the_run() {
    let scene = Scene::new(16);
    let place = scene.sqlite("foretold");
    scene.backfilled(&place, &[]);
    // A small hole early in a large day is fetched by REST, and nothing behind it is read.
    for (few_trades, source, files) in [("1000", "rest", 0), ("1", "archive", 1)] {
        // Of a day that was sealed nothing is trusted any more.
        place.sql("UPDATE seals SET is_deleted = 1", "");
        PUNCHES[0](&place);
        let words = ["--few-trades", few_trades];
        let (read, lines) = foretold(&scene, &place, &words);
        let of_the_day = &read[0];
        assert_eq!(of_the_day["is_over"], true, "{read:#?}");
        assert_eq!(of_the_day["source"], source, "{read:#?}");
        let trades = of_the_day["trades"].as_u64().expect("trades");
        assert!((1..1000).contains(&trades), "{read:#?}");
        let all: u64 = read.iter().filter_map(|of| of["trades"].as_u64()).sum();
        assert_eq!(taken(&lines), (files, &all.into()), "{lines:#?}");
        scene.assert_exact(&place);
    }
}

#[test]
fn a_dry_run_foretells_that_the_days_of_a_month_come_from_the_archive() {
    let scene = Scene::new(17);
    let place = scene.sqlite("month");
    let words = [
        "--anchor",
        "month",
        "--from",
        "2025-01-05",
        "--few-trades",
        "10",
    ];
    let (read, lines) = foretold(&scene, &place, &words);
    assert_eq!(read.len(), 1, "{read:#?}");
    assert_eq!(read[0]["is_over"], false);
    assert_eq!(read[0]["source"], "archive");
    assert_eq!(read[0]["trades"], TRADES);
    assert_eq!(taken(&lines), (3, &TRADES.into()), "{lines:#?}");
    scene.assert_exact_with(&place, Anchor::Month);
}

/// Bars behind a hole that were begun at its end need not fit to what is built in it.
#[test]
fn trades_that_turn_up_after_all_are_built_in_up_to_where_the_bars_fit_again() {
    let scene = Scene::new(18);
    let place = scene.sqlite("late");
    let ids = (FIRST_ID + 700..FIRST_ID + 760).collect();
    scene.fault(FaultKind::DropIds { ids }, None);
    scene.backfilled(&place, &["--source", "rest"]);
    scene.server.faults().clear();
    place.sql("DELETE FROM bars WHERE closed_by = 'gap'", "");
    place.sql("DELETE FROM gaps", "");
    place.sql("DELETE FROM seals", "");
    let (read, lines) = foretold(&scene, &place, &["--source", "rest"]);
    let least: u64 = read.iter().filter_map(|of| of["trades"].as_u64()).sum();
    let done = taken(&lines).1.as_u64().expect("trades");
    assert!(done > least, "{done} trades, and {least} at least");
    scene.assert_exact(&place);
}

/// The state of each gap, by its first id.
fn states(place: &Place) -> BTreeMap<i64, GapState> {
    let gaps = place.gaps().into_iter();
    gaps.map(|gap| (gap.first_id, gap.state)).collect()
}

fn gaps_are_repaired(scene: &Scene, place: &Place) {
    scene.backfilled(place, &[]);
    let midnight = FIRST_ID + TRADES_PER_DAY;
    let around = |id: i64, count: i64| IdRange {
        first_id: id - count,
        last_id: id + count,
    };
    // One of a day that is whole, one over a midnight, one of days that nobody looks at.
    let (whole, over) = (around(midnight / 2 + FIRST_ID / 2, 5), around(midnight, 50));
    let early = around(FIRST_ID - 100, 5);
    for ids in [whole, over, early] {
        place.open_gap(ids);
    }
    let IdRange { first_id, last_id } = over;
    let damage = format!(
        "DELETE FROM bars WHERE first_agg_trade_id <= {last_id} AND last_agg_trade_id >= {first_id}"
    );
    place.sql(&damage, &damage);
    let open_and = |state| {
        BTreeMap::from([
            (early.first_id, GapState::Open),
            (whole.first_id, state),
            (over.first_id, state),
        ])
    };
    // The other thresholds still lack what the gap lacks.
    let archive = scene.server.archive_url();
    let mut words = vec!["backfill", SYMBOL, "-t", "250", "--cooldown", "0s"];
    words.extend(["--since", "2025-01-05", "--archive-url", &archive]);
    let output = run(&mut scene.command(place, &words));
    // Days whose other thresholds are not whole are not sealed, and it says so.
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(states(place), open_and(GapState::Open));
    scene.backfilled(place, &[]);
    scene.assert_exact(place);
    assert_eq!(states(place), open_and(GapState::Repaired));
    // What is already right is not read again for that.
    place.open_gap(over);
    let told = scene.backfilled(place, &[]);
    assert!(told.contains("3 sealed"), "{told}");
    assert_eq!(states(place), open_and(GapState::Repaired));
}

#[test]
fn open_gaps_are_repaired_once_all_thresholds_hold_their_trades_in_sqlite() {
    let scene = Scene::new(14);
    gaps_are_repaired(&scene, &scene.sqlite("gaps"));
}

#[test]
fn open_gaps_are_repaired_once_all_thresholds_hold_their_trades_in_clickhouse() {
    let scene = Scene::new(15);
    let Some(place) = Scene::clickhouse("backfill_gaps") else {
        return;
    };
    gaps_are_repaired(&scene, &place);
}
